import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

struct LossTests {
  // MARK: PyTorch's values and gradients (Scripts/golden/losses.py)

  @Test(arguments: GoldenCase.all("losses", "cross_entropy"), [DType.int32, .int64])
  func crossEntropyIsPyTorchs(_ golden: GoldenCase, _ type: DType) {
    golden.expectLayer {
      crossEntropy(
        $0, golden["t"].converted(to: type), ignoring: Int(golden.number("ignore_index")!),
        smoothing: Float(golden.number("label_smoothing")!), weights: golden.tensors["weight"],
        reduction: golden.reduction)
    }
  }

  @Test(arguments: GoldenCase.all("losses", "bce"))
  func binaryCrossEntropyIsPyTorchs(_ golden: GoldenCase) {
    golden.expectLayer {
      binaryCrossEntropy(
        logits: $0, golden["t"], weight: golden.tensors["weight"],
        positiveWeight: golden.tensors["pos_weight"], reduction: golden.reduction)
    }
  }

  @Test(arguments: GoldenCase.all("losses", "l1", "mse", "smooth_l1"))
  func distancesArePyTorchs(_ golden: GoldenCase) {
    golden.expectLayer { x in
      switch golden.text("op") {
      case "l1": l1Loss(x, golden["t"], reduction: golden.reduction)
      case "mse": meanSquaredError(x, golden["t"], reduction: golden.reduction)
      default:
        smoothL1Loss(
          x, golden["t"], beta: Float(golden.number("beta")!), reduction: golden.reduction)
      }
    }
  }

  // MARK: Gradients against differences

  @Test(arguments: [Float(0), 0.2])
  func crossEntropyGradient(smoothing: Float) {
    let targets = Tensor([2, 0, 1, -1, 3, 1] as [Int32], [2, 3])
    let weights = Tensor([0.5, 1, 2, 0.25] as [Float])
    expectGradient(at: [random([2, 3, 4], seed: 1)]) {
      crossEntropy(
        $0[0], targets, axis: -1, ignoring: -1, smoothing: smoothing, weights: weights,
        reduction: .none)
    }
    expectGradient(at: [random([2, 4, 3], seed: 2)]) {
      crossEntropy($0[0], targets, ignoring: -1, smoothing: smoothing)
    }
  }

  @Test func regressionGradientsOfBothSides() {
    let x = random([3, 5], seed: 1, in: 1...2)
    let y = random([3, 5], seed: 2, in: -0.5...0.5)
    expectGradient(at: [x, y]) { l1Loss($0[0], $0[1], reduction: .none) }
    expectGradient(at: [x, y]) { meanSquaredError($0[0], $0[1]) }
    expectGradient(at: [x, y]) { smoothL1Loss($0[0], $0[1], beta: 3, reduction: .none) }
    expectGradient(at: [x]) {
      binaryCrossEntropy(logits: $0[0], y.detached() * y, reduction: .none)
    }
  }

  // MARK: By hand

  @Test func crossEntropyByHand() {
    // Equal logits: every class has 1/4.
    let loss = crossEntropy(.zeros([2, 4]), Tensor([1, 3] as [Int64]))
    #expect(abs(loss.item - log(4)) < 1e-6)
    // Logits log 1, log 2, log 5: the probabilities are 1/8, 2/8, 5/8.
    let logits = Tensor([log(1), log(2), log(5)] as [Float], [1, 3])
    #expect(abs(crossEntropy(logits, Tensor([2] as [Int32])).item - log(8.0 / 5)) < 1e-6)
  }

  @Test func crossEntropyOfHugeLogitsStaysFinite() {
    let logits = Parameter(Tensor([1e30, -1e30, 3e38, 0] as [Float], [2, 2]))
    let loss = crossEntropy(logits.value, Tensor([0, 0] as [Int32]), reduction: .none)
    #expect(loss.floats == [0, 0])
    loss.backward(.ones([2]))
    #expect(logits.gradient!.floats.allSatisfy { abs($0) < 1e-30 })
  }

  @Test func classAxisMayBeSecondOrLast() {
    let logits = random([3, 5, 4, 2], seed: 3)
    let targets = Tensor((0..<24).map { Int32($0 % 5) }, [3, 4, 2])
    let second = crossEntropy(logits, targets, reduction: .none)
    let last = crossEntropy(logits.permute([0, 2, 3, 1]), targets, axis: -1, reduction: .none)
    #expect(second.floats == last.floats)
    // In channels-last memory the classes lie next to each other: the same rows.
    #expect(crossEntropy(logits.channelsLast(), targets, reduction: .none).floats == last.floats)
  }

  @Test func nothingToLearnFromGivesNoLossAndNoGradient() {
    let logits = Parameter(random([3, 4], seed: 1))
    let loss = crossEntropy(logits.value, Tensor([-100, -100, -100] as [Int64]))
    #expect(loss.item == 0)
    loss.backward()
    #expect(logits.gradient!.floats.allSatisfy { $0 == 0 })
  }

  @Test func notANumberIsNotHidden() {
    let logits = Tensor([.nan, 1, 2] as [Float], [1, 3])
    #expect(crossEntropy(logits, Tensor([1] as [Int32])).item.isNaN)
    #expect(l1Loss(logits, .zeros([1, 3])).item.isNaN)
  }

  @Test func lowPrecisionLogitsGiveAFloat32LossAndALowPrecisionGradient() {
    let logits = Parameter(random([6, 4], seed: 5).converted(to: .bfloat16))
    let loss = crossEntropy(logits.value, Tensor([0, 1, 2, 3, 0, 1] as [Int32]))
    #expect(loss.dtype == .float32)
    loss.backward()
    #expect(logits.gradient?.dtype == .bfloat16)
  }

  /// L1, the two parts of smooth L1 and MSE of a difference of 0.5 and of 3.
  @Test func distancesByHand() {
    let (x, y) = (Tensor([0.5, 3] as [Float]), Tensor([0, 0] as [Float]))
    #expect(l1Loss(x, y, reduction: .none).floats == [0.5, 3])
    #expect(smoothL1Loss(x, y, reduction: .none).floats == [0.125, 2.5])
    #expect(smoothL1Loss(x, y, beta: 0, reduction: .none).floats == [0.5, 3])
    #expect(meanSquaredError(x, y, reduction: .none).floats == [0.25, 9])
    #expect(meanSquaredError(x, y, reduction: .sum).item == 9.25)
  }

  @Test func rowsBeyondOneThreadsPartAgree() {
    // More rows than a part, and more classes than vector lanes.
    let logits = random([3000, 37], seed: 6, in: -8...8)
    let targets = (0..<3000).map { Int32($0 * 7 % 37) }
    let losses = crossEntropy(logits, Tensor(targets), reduction: .none).floats
    let values = logits.floats.map { Double($0) }
    for row in [0, 1, 999, 1500, 2999] {
      let line = values[row * 37..<row * 37 + 37]
      let expected = log(line.reduce(0) { $0 + exp($1) }) - line[row * 37 + Int(targets[row])]
      #expect(abs(Double(losses[row]) - expected) < 1e-5)
    }
  }
}
