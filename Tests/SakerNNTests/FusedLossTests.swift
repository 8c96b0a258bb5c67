import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

/// Laws and cases by hand of the losses that make value and gradient in one pass.
struct FusedLossTests {
  // MARK: Gradients against differences

  @Test func elementGradients() {
    let x = random([3, 5], seed: 1, in: -3...3)
    let t = random([3, 5], seed: 2, in: 0...1)
    let w = random([5], seed: 3, in: 0.5...2)
    for reduction in [Reduction.none, .mean, .sum, .batchMean] {
      expectGradient(at: [x], "binary") {
        binaryCrossEntropy(
          logits: $0[0], t, weight: w, positiveWeight: w + 0.5, reduction: reduction)
      }
      expectGradient(at: [x], "focal") {
        sigmoidFocalLoss($0[0], t, gamma: 1.5, weight: w, reduction: reduction)
      }
      expectGradient(at: [x], "heatmap") {
        heatmapFocalLoss(
          $0[0], maximum(t, (t .> 0.8).converted(to: .float32)), reduction: reduction)
      }
      expectGradient(at: [random([3, 5], seed: 4, in: 0.1...0.9)], "probabilities") {
        binaryCrossEntropy(probabilities: $0[0], t, weight: w, reduction: reduction)
      }
    }
    let targets = Tensor([2, 0, 1, -100, 3, 1] as [Int32], [2, 3])
    expectGradient(at: [random([2, 4, 3], seed: 5)], "softmax focal") {
      softmaxFocalLoss($0[0], targets, gamma: 2, reduction: .none)
    }
  }

  @Test func boxGradients() {
    // Overlapping and apart, no two sides closer than 0.05.
    let a = Tensor([0, 0, 1, 1, 0.5, 0.2, 1.5, 2, -1, -1, 0, 0.4] as [Float], [3, 4])
    let b = Tensor([0.3, -0.4, 1.6, 0.8, 2, 3, 3, 4, -1.3, -1.6, 0.7, 1] as [Float], [3, 4])
    for reduction in [Reduction.none, .mean] {
      expectGradient(at: [a, b], "iou") { boxIoULoss($0[0], $0[1], reduction: reduction) }
      expectGradient(at: [a, b], "giou") {
        generalizedBoxIoULoss($0[0], $0[1], reduction: reduction)
      }
      expectGradient(at: [a, b], "diou") { distanceBoxIoULoss($0[0], $0[1], reduction: reduction) }
    }
    let near = Tensor([0.1, 0.1, 1.2, 1.3] as [Float], [1, 4])
    expectGradient(at: [a.narrow(0, 0..<1), near], "log") {
      boxIoULoss($0[0], $0[1], form: .logarithm)
    }
  }

  // MARK: Laws

  @Test func focalWithoutFocusIsCrossEntropy() {
    let x = random([4, 6], seed: 1, in: -4...4)
    let t = random([4, 6], seed: 2, in: 0...1)
    expectClose(
      sigmoidFocalLoss(x, t, alpha: nil, gamma: 0, reduction: .none),
      binaryCrossEntropy(logits: x, t, reduction: .none))
    let targets = Tensor([0, 5, 2, 3] as [Int32])
    expectClose(softmaxFocalLoss(x, targets, gamma: 0), crossEntropy(x, targets))
    // Two classes: the sigmoid of the logits' difference.
    let pair = stack([.zeros([24]), x.reshape([24])], axis: 1)
    let hard = (t.reshape([24]) .> 0.5)
    expectClose(
      softmaxFocalLoss(pair, hard.converted(to: .int64), reduction: .none),
      sigmoidFocalLoss(
        x.reshape([24]), hard.converted(to: .float32), alpha: nil, reduction: .none))
  }

  @Test func partsOfManyElementsAgreeWithOneByOne() {
    // More than one part, and an end that fills no vector.
    let count = 20_011
    let x = random([count], seed: 1, in: -8...8)
    let t = random([count], seed: 2, in: 0...1)
    let losses = sigmoidFocalLoss(x, t, reduction: .none)
    for i in [0, 1, 511, 512, 8191, 8192, 16_384, count - 1] {
      let own = sigmoidFocalLoss(x.narrow(0, i..<i + 1), t.narrow(0, i..<i + 1))
      #expect(own.item == losses.floats[i])
    }
    let sum = losses.floats.reduce(0.0) { $0 + Double($1) }
    #expect(abs(Double(sigmoidFocalLoss(x, t, reduction: .sum).item) - sum) < 1e-6 * sum)
    let threads = Parallel.threads
    let mean = sigmoidFocalLoss(x, t).item
    Parallel.threads = 1
    #expect(sigmoidFocalLoss(x, t).item == mean)
    Parallel.threads = threads
  }

  @Test func orderInMemoryDoesNotMatter() {
    let x = random([3, 5, 4, 2], seed: 1)
    let t = random([3, 5, 4, 2], seed: 2, in: 0...1)
    let loss = binaryCrossEntropy(logits: x, t, reduction: .none)
    expectClose(
      binaryCrossEntropy(logits: x.channelsLast(), t, reduction: .none), loss, relative: 0)
    expectClose(
      binaryCrossEntropy(
        logits: x.transposed(), t.transposed().contiguous(), reduction: .none),
      loss.transposed(), relative: 0)
    let boxes = random([4, 6], seed: 3)
    let others = random([4, 6], seed: 4)
    expectClose(
      boxIoULoss(boxes.transposed(), others.transposed(), reduction: .none),
      boxIoULoss(
        boxes.transposed().contiguous(), others.transposed().contiguous(), reduction: .none))
  }

  @Test func boxLossesDoNotDependOnTheUnitOrTheSides() {
    let low = random([20, 2], seed: 1)
    let size = random([20, 2], seed: 2, in: 0.5...2)
    let a = concatenate([low, low + size], axis: 1)
    let b = a + random([20, 4], seed: 3, in: -0.2...0.2)
    for loss in [generalizedBoxIoULoss, distanceBoxIoULoss, completeBoxIoULoss] {
      let here = loss(a, b, 1e-7, nil, .none)
      expectClose(loss(a * 64, b * 64, 1e-7, nil, .none), here, relative: 1e-5)
      expectClose(loss(b, a, 1e-7, nil, .none), here, relative: 1e-6)
    }
  }

  // MARK: By hand

  /// E14: y log p + (1 − y) log(1 − p), negated: the second logarithm is of 1 − p.
  @Test func binaryCrossEntropyByHand() {
    let p = Tensor([0.8, 0.8] as [Float])
    let t = Tensor([1, 0] as [Float])
    expectClose(
      binaryCrossEntropy(probabilities: p, t, reduction: .none),
      [-log(0.8), -log(0.2)].map { Float($0) })
  }

  /// E16: γ = 2, α = 0.25, elementwise. p = 3/4 for logit log 3.
  @Test func focalByHand() {
    let x = Tensor([log(3), log(3)] as [Float])
    let t = Tensor([1, 0] as [Float])
    let expected = [0.25 * 0.0625 * -log(0.75), 0.75 * 0.5625 * -log(0.25)]
    expectClose(sigmoidFocalLoss(x, t, reduction: .none), expected.map { Float($0) })
  }

  /// E15, and issue 4's bound: finite far out, where log(eˣ) is not.
  @Test func hugeLogitsStayFinite() {
    let x = Parameter(Tensor([1e4, -1e4, 1e4, -1e4] as [Float]))
    let t = Tensor([1, 0, 0, 1] as [Float])
    let losses: [(Tensor) -> Tensor] = [
      { binaryCrossEntropy(logits: $0, t, reduction: .none) },
      { sigmoidFocalLoss($0, t, alpha: nil, reduction: .none) },
      { sigmoidFocalLoss($0, t, alpha: nil, gamma: 0.5, reduction: .none) },
      { heatmapFocalLoss($0, t, reduction: .none) },
      {
        softmaxFocalLoss(
          stack([.zeros([4]), $0], axis: 1), t.converted(to: .int64), gamma: 0.5, reduction: .none)
      },
    ]
    for (i, loss) in losses.enumerated() {
      x.gradient = nil
      let y = loss(x.value)
      expectClose(y, [0, 0, 1e4, 1e4], "loss \(i)")
      y.backward(.ones([4]))
      expectClose(x.gradient!, [0, 0, 1, -1], "gradient \(i)")
    }
  }

  @Test func sureProbabilitiesCostAHundred() {
    let p = Tensor([0, 1] as [Float])
    let t = Tensor([1, 0] as [Float])
    #expect(binaryCrossEntropy(probabilities: p, t, reduction: .none).floats == [100, 100])
  }

  /// Two squares of side 2, one moved by 1: intersection 2, union 6, hull 3 × 2, centres 1
  /// apart, diagonal² 13.
  @Test func boxLossesByHand() {
    let a = Tensor([0, 0, 2, 2] as [Float], [1, 4])
    let b = Tensor([1, 0, 3, 2] as [Float], [1, 4])
    expectClose(boxIoULoss(a, b), Tensor(2 / 3))
    expectClose(boxIoULoss(a, b, form: .logarithm), Tensor(log(3)))
    expectClose(generalizedBoxIoULoss(a, b), Tensor(2 / 3))
    expectClose(distanceBoxIoULoss(a, b), Tensor(2 / 3 + 1 / 13))
    expectClose(completeBoxIoULoss(a, b), Tensor(2 / 3 + 1 / 13))
    expectClose(boxIoULoss(a, b, weight: Tensor([3] as [Float])), Tensor(2))
  }

  /// E17: apart, GIoU is above −1, so its loss below 2, and comes near only far away; IoU has no
  /// gradient there, GIoU has.
  @Test func disjointBoxes() {
    func at(_ x: Float) -> Parameter { Parameter(Tensor([x, 0, x + 1, 1], [1, 4])) }
    let origin = Tensor([0, 0, 1, 1] as [Float], [1, 4])
    let losses = [2, 10, 1000].map { generalizedBoxIoULoss(at($0).value, origin).item }
    expectClose(losses, [1 + 1.0 / 3, 1 + 9.0 / 11, 1 + 999.0 / 1001])
    #expect(losses.allSatisfy { $0 < 2 })
    let box = at(2)
    boxIoULoss(box.value, origin).backward()
    #expect(box.gradient!.floats.allSatisfy { $0 == 0 })
    generalizedBoxIoULoss(box.value, origin).backward()
    // Moving right costs: the left and the right side pull the same way.
    let slopes = box.gradient!.floats
    #expect(slopes[0] + slopes[2] > 0.01)
  }

  /// E18: υ = 4/π² (atan 1 − atan 2)², α = υ / (1 − IoU + υ); a constant in the gradient.
  @Test func completeIoUByHand() {
    // Same centre: 2 × 2 and 4 × 2, IoU 1/2.
    let a = Parameter(Tensor([1, 0, 3, 2] as [Float], [1, 4]))
    let b = Tensor([0, 0, 4, 2] as [Float], [1, 4])
    let v = 4 / (Double.pi * Double.pi) * pow(atan(1.0) - atan(2.0), 2)
    let alpha = v / (0.5 + v)
    let loss = completeBoxIoULoss(a.value, b)
    #expect(abs(Double(loss.item) - (0.5 + alpha * v)) < 1e-6)
    loss.backward()
    let with = a.gradient!.floats[2]
    a.gradient = nil
    distanceBoxIoULoss(a.value, b).backward()
    // ∂(αυ)/∂w = −α 8/π² (atan 2 − atan 1) h / (w² + h²), with h / (w² + h²) = 1/4
    let expected = -alpha * 8 / (Double.pi * Double.pi) * (atan(2.0) - atan(1.0)) / 4
    #expect(abs(Double(with - a.gradient!.floats[2]) - expected) < 1e-6)
  }

  @Test func boxesWithoutAnAreaAreDefined() {
    let points = Parameter(Tensor([1, 1, 1, 1, 0, 0, 0, 2, 0, 0, 2, 0] as [Float], [3, 4]))
    let boxes = Tensor([1, 1, 1, 1, 0, 0, 1, 1, 5, 5, 5, 5] as [Float], [3, 4])
    for loss in [generalizedBoxIoULoss, distanceBoxIoULoss, completeBoxIoULoss] {
      let y = loss(points.value, boxes, 1e-7, nil, .none)
      #expect(y.floats.allSatisfy { $0.isFinite }, "\(y)")
      points.gradient = nil
      y.backward(.ones([3]))
      #expect(points.gradient!.floats.allSatisfy { $0.isFinite }, "\(points.gradient!)")
    }
  }

  @Test func noElementsAndNotANumber() {
    let none = Tensor.zeros([0, 3])
    #expect(binaryCrossEntropy(logits: none, none, reduction: .none).shape == [0, 3])
    #expect(binaryCrossEntropy(logits: none, none, reduction: .sum).item == 0)
    #expect(binaryCrossEntropy(logits: none, none).item.isNaN)
    #expect(completeBoxIoULoss(.zeros([0, 4]), .zeros([0, 4]), reduction: .sum).item == 0)
    let bad = Tensor([.nan] as [Float])
    #expect(sigmoidFocalLoss(bad, .ones([1])).item.isNaN)
    #expect(heatmapFocalLoss(bad, .ones([1])).item.isNaN)
    #expect(
      completeBoxIoULoss(Tensor([0, 0, .nan, 1] as [Float], [1, 4]), .ones([1, 4])).item.isNaN)
    let scalar = Parameter(Tensor(0))
    sigmoidFocalLoss(scalar.value, Tensor(1), gamma: 0).backward()
    #expect(abs(scalar.gradient!.item + 0.125) < 1e-6)
  }

  @Test func lowPrecisionGivesAFloat32LossAndALowPrecisionGradient() {
    let x = Parameter(random([6, 4], seed: 5).converted(to: .bfloat16))
    let loss = sigmoidFocalLoss(x.value, .ones([6, 4]).converted(to: .bfloat16))
    #expect(loss.dtype == .float32)
    loss.backward()
    #expect(x.gradient?.dtype == .bfloat16)
  }

  @Test func mistakesStop() async {
    expectStopped(
      saying: "sigmoidFocalLoss: expected targets [2, 3] without a gradient, got [3]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = sigmoidFocalLoss(.zeros([2, 3]), .zeros([3]))
      })
    expectStopped(
      saying: "completeBoxIoULoss: expected two tensors of boxes [..., 4], got [2, 3] and [2, 3]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = completeBoxIoULoss(.zeros([2, 3]), .zeros([2, 3]))
      })
    expectStopped(
      saying: "binaryCrossEntropy: expected probabilities in 0...1, got 1.5",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = binaryCrossEntropy(probabilities: Tensor([0.5, 1.5] as [Float]), .zeros([2]))
      })
    expectStopped(
      saying: "l1Loss: expected weights that broadcast to [2, 3], got [2]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = l1Loss(.zeros([2, 3]), .zeros([2, 3]), weight: .zeros([2]))
      })
  }
}
