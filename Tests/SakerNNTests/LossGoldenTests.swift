import SakerNN
import SakerTensor
import TestSupport
import Testing

/// PyTorch's, torchvision's and SciPy's values and gradients (Scripts/golden/more_losses.py).
struct LossGoldenTests {
  /// The case's value, and its gradients of x and t.
  private func expectBoth(_ golden: GoldenCase, _ function: (Tensor, Tensor) -> Tensor) {
    let t = Parameter(golden["t"])
    golden.expectLayer([("t", t)]) { function($0, t.value) }
  }

  @Test(arguments: GoldenCase.all("more_losses", "sigmoid_focal"))
  func sigmoidFocal(_ golden: GoldenCase) {
    golden.expectLayer {
      sigmoidFocalLoss(
        $0, golden["t"], alpha: golden.number("alpha").map { Float($0) },
        gamma: Float(golden.number("gamma")!), reduction: golden.reduction)
    }
  }

  @Test(arguments: GoldenCase.all("more_losses", "softmax_focal"))
  func softmaxFocal(_ golden: GoldenCase) {
    golden.expectLayer {
      softmaxFocalLoss(
        $0, golden["t"].converted(to: .int64), alpha: golden.tensors["alpha"],
        gamma: Float(golden.number("gamma")!), reduction: golden.reduction)
    }
  }

  @Test(arguments: GoldenCase.all("more_losses", "heatmap_focal"))
  func heatmapFocal(_ golden: GoldenCase) {
    golden.expectLayer {
      heatmapFocalLoss(
        $0, golden["t"], alpha: Float(golden.number("alpha")!), beta: Float(golden.number("beta")!),
        reduction: golden.reduction)
    }
  }

  @Test(arguments: GoldenCase.all("more_losses", "probabilities"))
  func binaryCrossEntropyOfProbabilities(_ golden: GoldenCase) {
    golden.expectLayer {
      binaryCrossEntropy(
        probabilities: $0, golden["t"], weight: golden.tensors["weight"],
        reduction: golden.reduction)
    }
  }

  @Test(arguments: GoldenCase.all("more_losses", "nll"), [DType.int32, .int64])
  func logLikelihood(_ golden: GoldenCase, _ type: DType) {
    golden.expectLayer {
      negativeLogLikelihood(
        $0, golden["t"].converted(to: type), weights: golden.tensors["weight"],
        reduction: golden.reduction)
    }
  }

  @Test(arguments: GoldenCase.all("more_losses", "kl"))
  func kullbackLeibler(_ golden: GoldenCase) {
    let reduction = golden.text("reduction") == "batchmean" ? Reduction.batchMean : golden.reduction
    if golden.flag("constant") {
      golden.expectLayer { klDivergence($0, golden["t"], reduction: reduction) }
    } else {
      expectBoth(golden) {
        klDivergence($0, $1, isLogarithm: golden.flag("is_log"), reduction: reduction)
      }
    }
  }

  @Test(arguments: GoldenCase.all("more_losses", "js"))
  func jensenShannon(_ golden: GoldenCase) {
    expectBoth(golden) { jensenShannonDivergence(log: $0, $1, reduction: golden.reduction) }
  }

  @Test(arguments: GoldenCase.all("more_losses", "boxes"))
  func boxes(_ golden: GoldenCase) {
    expectBoth(golden) { x, t in
      switch golden.text("form") {
      case "iou": boxIoULoss(x, t, reduction: golden.reduction)
      case "log_iou": boxIoULoss(x, t, form: .logarithm, reduction: golden.reduction)
      case "giou": generalizedBoxIoULoss(x, t, reduction: golden.reduction)
      case "diou": distanceBoxIoULoss(x, t, reduction: golden.reduction)
      default: completeBoxIoULoss(x, t, reduction: golden.reduction)
      }
    }
  }

  @Test(arguments: GoldenCase.all("more_losses", "multi_margin"))
  func multiMargin(_ golden: GoldenCase) {
    golden.expectLayer {
      multiMarginLoss(
        $0, golden["t"].converted(to: .int64), margin: 0.7, power: Int(golden.number("power")!),
        weights: golden.tensors["weight"], reduction: golden.reduction)
    }
  }

  @Test(
    arguments: GoldenCase.all("more_losses", "hinge_embedding", "cosine_embedding", "huber"))
  func pairs(_ golden: GoldenCase) {
    switch golden.text("op") {
    case "hinge_embedding":
      golden.expectLayer {
        hingeEmbeddingLoss($0, golden["t"], margin: 0.8, reduction: golden.reduction)
      }
    case "cosine_embedding":
      expectBoth(golden) {
        cosineEmbeddingLoss($0, $1, golden["s"], margin: 0.1, reduction: golden.reduction)
      }
    default: expectBoth(golden) { huberLoss($0, $1, delta: 0.7, reduction: golden.reduction) }
    }
  }

  @Test(arguments: GoldenCase.all("more_losses", "wasserstein"))
  func wasserstein(_ golden: GoldenCase) {
    let weighted = golden.flag("weighted")
    expectBoth(golden) {
      wassersteinDistance(
        $0, $1, xWeights: weighted ? golden["u"] : nil, yWeights: weighted ? golden["v"] : nil)
    }
  }

  @Test(arguments: GoldenCase.all("more_losses", "sinkhorn"))
  func sinkhorn(_ golden: GoldenCase) {
    let weighted = golden.flag("weighted")
    golden.expectLayer(relative: 1e-4) {
      sinkhornDistance(
        cost: $0, weighted ? golden["u"] : nil, weighted ? golden["v"] : nil,
        epsilon: Float(golden.number("epsilon")!))
    }
  }

  @Test(arguments: GoldenCase.all("more_losses", "style"))
  func style(_ golden: GoldenCase) {
    golden.expectLayer {
      styleLoss($0, gram: golden["t"], normalized: golden.flag("normalized"))
    }
  }

  @Test(arguments: GoldenCase.all("more_losses", "variation"))
  func variation(_ golden: GoldenCase) {
    let forms: [String: TotalVariation] = [
      "mean_absolute": .meanAbsolute, "sum_absolute": .sumAbsolute, "sum_squared": .sumSquared,
    ]
    golden.expectLayer { totalVariationLoss($0, forms[golden.text("form")!]!) }
  }

  @Test(arguments: GoldenCase.all("more_losses", "distillation", "features", "contrastive"))
  func learningFromOthers(_ golden: GoldenCase) {
    switch golden.text("op") {
    case "distillation":
      golden.expectLayer {
        distillationLoss(
          $0, teacher: golden["t"], temperature: Float(golden.number("temperature")!))
      }
    case "features":
      golden.expectLayer {
        featureDistillationLoss(
          $0, teacher: golden["t"], golden.text("form") == "cosine" ? .cosine : .squared)
      }
    default:
      golden.expectLayer {
        supervisedContrastiveLoss(
          $0, golden["t"].converted(to: .int64),
          temperature: Float(golden.number("temperature")!))
      }
    }
  }

  @Test(arguments: GoldenCase.all("more_losses", "dice", "tversky"))
  func overlap(_ golden: GoldenCase) {
    golden.expectLayer {
      golden.text("op") == "tversky"
        ? tverskyLoss($0, golden["t"], reduction: golden.reduction)
        : diceLoss(
          $0, golden["t"], squared: golden.flag("squared"), reduction: golden.reduction)
    }
  }

  @Test func everyGoldenCaseHasATest() {
    let tested: Set = [
      "sigmoid_focal", "softmax_focal", "heatmap_focal", "probabilities", "nll", "kl", "js",
      "boxes", "multi_margin", "hinge_embedding", "cosine_embedding", "huber", "wasserstein",
      "sinkhorn", "style", "variation", "distillation", "features", "contrastive", "dice",
      "tversky",
    ]
    let all = GoldenCase.all("more_losses")
    #expect(all.count > 100)
    #expect(Set(all.compactMap { $0.text("op") }) == tested)
  }
}
