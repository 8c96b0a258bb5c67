import SakerNN
import SakerTensor
import Testing

@testable import SakerVision

/// Receptive fields through sums and joined branches.
@Suite struct BranchingFieldTests {
  private func rows(_ name: String) throws -> [ModelSummary.Row] {
    let entry = try #require(ClassifierCatalog.named(name))
    let model = withoutStarts { entry.build(10) }
    let side = entry.input.side
    return ModelSummary(
      model, name: name, input: .zeros([1, entry.input.channels, side, side])
    ) { _ = model($0) }.rows
  }

  /// What the last map sees.
  private func field(_ name: String) throws -> [Int] {
    try #require(
      try rows(name).last { $0.outputShape.count == 4 && $0.outputShape[2] > 1 }?
        .receptiveField)
  }

  /// By hand, `1 + Σ (kernel - 1) · stride before it` along the longest way: the stem 7 and 11; then stages of two 3x3 kernels a
  /// block, of which the first of stages 2 to 4 strides.
  @Test func resNet18() throws {
    var (size, stride) = (11, 4)
    for stage in 0..<4 {
      for block in 0..<2 {
        size += 2 * stride
        if stage > 0 && block == 0 { stride *= 2 }
        size += 2 * stride
      }
    }
    #expect(size == 435 && stride == 32)
    #expect(try field("resnet18") == [435, 435])
  }

  /// One 3x3 kernel a block, which strides itself, so that the first of a stage still sees by the finer map: 427. Did the 1x1
  /// before it stride, as in the paper, these three would see 2 (4 + 8 + 16) more: 483, as Araujo et al. give.
  @Test func resNet50() throws {
    var (size, stride) = (11, 4)
    for (stage, depth) in [3, 4, 6, 3].enumerated() {
      for block in 0..<depth {
        size += 2 * stride
        if stage > 0 && block == 0 { stride *= 2 }
      }
    }
    #expect(size == 427 && stride == 32)
    #expect(try field("resnet50") == [427, 427])
  }

  /// Gates change nothing, nor does normalizing first.
  @Test func gatesAndOrderChangeNothing() throws {
    #expect(try field("seresnet18") == [435, 435])
    #expect(try field("resnetv2_50") == [427, 427])
  }

  /// Transformers see all of the picture in their first block.
  @Test func attentionSeesEverything() throws {
    for name in ["vit_tiny_patch16_224", "mixer_s32_224", "fnet_s32"] {
      let rows = try rows(name)
      #expect(try #require(rows.last).receptiveField == [224, 224], "\(name)")
      let patch = name.contains("16") ? 16 : 32
      #expect(rows[0].receptiveField == [patch, patch])
    }
  }

  /// The gradient of one output in the middle says what it sees, where nothing is pooled: all weights and pictures positive, so
  /// that every path counts.
  @Test(arguments: [
    "mobilenetv1_100", "mobilenet_v2", "repvgg_a0", "small resnet18", "shufflenet", "inception",
  ])
  func isWhatTheGradientReaches(_ name: String) throws {
    let model: any Layer =
      switch name {
      case "small resnet18": ResNet(.resNet18.small, classes: 2)
      case "shufflenet":
        Sequential(
          GroupShuffleUnit(4, 16, groups: 2, stride: 2, startsUngrouped: true),
          GroupShuffleUnit(16, 16, groups: 2, stride: 1, startsUngrouped: false))
      case "inception":
        Sequential(
          InceptionBranches.c(8, 4), InceptionBranches.d(768), Conv2d(1280, 1, kernel: 1))
      default: try #require(ClassifierCatalog.named(name)).build(2)
      }
    let channels = name == "shufflenet" ? 4 : name == "inception" ? 8 : 3
    // Means, so that nothing grows beyond what ReLU6 lets pass.
    for named in model.namedParameters {
      let shape = named.parameter.shape
      named.parameter.value = .full(
        shape,
        shape.rank > 1
          ? Double(shape[0]) / Double(shape.elements) : named.name.hasSuffix("bias") ? 0 : 1)
    }
    let side = channels == 3 ? 640 : 96
    let picture = Parameter(Tensor.full([1, channels, side, side], 1e-3))
    func run(_ x: Tensor) -> Tensor {
      guard let model = model as? any Classifier else { return model(x) }
      return model.features(x).last!
    }
    model.eval()
    let map = run(picture.value)
    let middle = map.shape[2] / 2
    map.narrow(2, middle..<middle + 1).narrow(3, middle..<middle + 1).sum().backward()
    let gradient = try #require(picture.gradient).sum(axes: [0, 1])
    let reached = (0..<side).filter { gradient[$0].sum().item > 0 }
    let row = try #require(
      ModelSummary(model, name: name, input: .zeros([1, channels, side, side])) { _ = run($0) }
        .rows.last { $0.outputShape.count == 4 && $0.outputShape[2] == map.shape[2] })
    let size = try #require(row.receptiveField)[0]
    let center = try #require(row.center)[0] + Double(middle * row.stride![0])
    let first = Int((center - Double(size - 1) / 2).rounded())
    #expect(reached.first == max(0, first) && reached.last == min(side - 1, first + size - 1))
    #expect(size < side, "a larger picture is needed to see")
  }
}
