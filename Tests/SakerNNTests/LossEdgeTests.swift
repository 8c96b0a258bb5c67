import SakerNN
import SakerTensor
import TestSupport
import Testing

/// Ends of the losses' ranges: sure predictions, infinities, nothing at all; and what a weighed
/// mean divides by. Values: Scripts/golden/losses_edges.py.
struct LossEdgeTests {
  /// Element by element, not relative to the largest: a sure prediction keeps its digits.
  @Test(arguments: GoldenCase.all("losses_edges", "tail_binary", "tail_focal"))
  func tailsKeepTheirDigits(_ golden: GoldenCase) {
    let x = Parameter(golden["x"])
    let t = golden["t"]
    let y =
      golden.text("op") == "tail_binary"
      ? binaryCrossEntropy(
        logits: x.value, t, positiveWeight: Tensor([3] as [Float]), reduction: .none)
      : sigmoidFocalLoss(x.value, t, gamma: Float(golden.number("gamma")!), reduction: .none)
    expectClose(y, golden["y"], relative: 1e-5, absolute: 1e-37, golden.name)
    y.backward(golden["gy"])
    // Where the two parts of a soft target's slope nearly cancel, the digits are theirs.
    let isSoft = (0..<x.value.count).map { t.floats[$0] != 0 && t.floats[$0] != 1 }
    let (own, exact) = (x.gradient!.floats, golden["gx"].floats)
    for (i, soft) in isSoft.enumerated() {
      let bound = 1e-5 * abs(exact[i]) + (soft ? 1e-6 : 1e-37)
      #expect(abs(own[i] - exact[i]) <= bound, "\(golden.name) \(i): \(own[i]), \(exact[i])")
    }
  }

  /// PyTorch divides the weighed mean by the weights in two of its losses, by the
  /// elements in the third.
  @Test(arguments: GoldenCase.all("losses_edges", "weight"))
  func weighedDifferences(_ golden: GoldenCase) {
    let t = Parameter(golden["t"])
    let weight = golden["weight"]
    golden.expectLayer([("t", t)]) { x in
      switch golden.text("form") {
      case "mse": meanSquaredError(x, t.value, weight: weight, reduction: golden.reduction)
      case "l1": l1Loss(x, t.value, weight: weight, reduction: golden.reduction)
      default:
        huberLoss(x, t.value, delta: 0.7, weight: weight, reduction: golden.reduction)
      }
    }
  }

  @Test func theGoldenFileIsThere() {
    #expect(GoldenCase.all("losses_edges").count == 12)
  }

  @Test func broadcastWeightsCountOnceForEachElement() {
    let x = random([3, 4], seed: 1)
    let y = random([3, 4], seed: 2)
    let row = Tensor([1, 2, 0, 5] as [Float])
    expectClose(
      meanSquaredError(x, y, weight: row), meanSquaredError(x, y, weight: row.expand([3, 4])))
    expectClose(l1Loss(x, y, weight: .full([1], 7)), l1Loss(x, y))
    expectGradient(at: [x, y, row + 1]) { l1Loss($0[0], $0[1], weight: $0[2]) }
  }

  /// 0.3 and 0.6 as Floats are a little more than in decimal.
  @Test(
    arguments: [(0.3, 100, 30), (0.6, 100, 60), (0.1, 10, 1), (0.25, 10, 3), (0, 5, 0), (1, 7, 7)]
      as [(Float, Int, Int)])
  func ratiosOfHardExamples(_ ratio: Float, _ size: Int, _ kept: Int) {
    #expect(HardExamples.ratio(ratio)(random([size], seed: 1)).count == kept)
  }

  @Test func noBoxesCostNothing() {
    let losses = [generalizedBoxIoULoss, distanceBoxIoULoss, completeBoxIoULoss]
    for loss in losses {
      let boxes = Parameter(.zeros([0, 4]))
      let mean = loss(boxes.value, .zeros([0, 4]), 1e-7, nil, .mean)
      #expect(mean.item == 0)
      mean.backward()
      #expect(loss(.zeros([0, 4]), .zeros([0, 4]), 1e-7, .zeros([0]), .mean).item == 0)
      #expect(loss(.zeros([0, 4]), .zeros([0, 4]), 1e-7, nil, .none).shape == [0])
    }
    #expect(boxIoULoss(.zeros([0, 4]), .zeros([0, 4])).item == 0)
  }

  /// One box alone, without a batch.
  @Test func oneBoxIsAScalar() {
    let a = Tensor([0, 0, 2, 2] as [Float])
    #expect(boxIoULoss(a, a + 5, reduction: .none).shape == [])
    #expect(boxIoULoss(a, a + 5).item == 1)
  }

  @Test func infiniteScores() {
    let scores = Tensor([0, .infinity, 1, 0, -.infinity, 1] as [Float], [2, 3])
    let targets = Tensor([1, 0] as [Int64])
    for power in [1, 2] {
      let x = Parameter(scores)
      let losses = multiMarginLoss(x.value, targets, power: power, reduction: .none)
      // A target far above all others costs nothing; a class far below counts nothing:
      // relu(1 + 1 - 0) of three.
      expectClose(losses, [0, (power == 1 ? 2 : 4) / 3.0])
      losses.sum().backward()
      #expect(x.gradient!.floats.allSatisfy { $0.isFinite })
    }
    // Not defined, as in PyTorch, but never silently a number.
    let logits = Tensor([.infinity, -.infinity, .infinity, -.infinity] as [Float])
    let t = Tensor([1, 0, 0, 1] as [Float])
    #expect(
      binaryCrossEntropy(logits: logits, t, reduction: .none).floats.allSatisfy { !$0.isFinite })
    #expect(
      l1Loss(logits, t, reduction: .none).floats == [.infinity, .infinity, .infinity, .infinity])
    #expect(boxIoULoss(logits, .zeros([4])).item.isNaN)
  }

  /// What is not a number shows: a hinge does not turn it into 0.
  @Test func notANumberShows() {
    let bad = Tensor([.nan, 0, 0] as [Float], [1, 3])
    #expect(multiMarginLoss(bad, Tensor([1] as [Int64])).item.isNaN)
    #expect(hingeEmbeddingLoss(Tensor([.nan] as [Float]), Tensor([-1] as [Float])).item.isNaN)
    #expect(cosineEmbeddingLoss(bad, .ones([1, 3]), Tensor([-1] as [Float])).item.isNaN)
    #expect(meanSquaredError(bad, .zeros([1, 3])).item.isNaN)
    #expect(smoothL1Loss(bad, .zeros([1, 3])).item.isNaN)
    #expect(crossEntropy(bad, Tensor([1] as [Int64])).item.isNaN)
    #expect(softmaxFocalLoss(bad, Tensor([1] as [Int64])).item.isNaN)
    #expect(totalVariationLoss(bad.reshape([1, 1, 1, 3])).item.isNaN)
  }

  @Test func vectorsOfZerosHaveFiniteGradients() {
    let a = Parameter(.zeros([2, 3]))
    let loss = cosineEmbeddingLoss(a.value, .ones([2, 3]), Tensor([1, -1] as [Float]))
    loss.backward()
    #expect(loss.item == 0.5 && a.gradient!.floats.allSatisfy { $0.isFinite })
  }

  @Test func probabilitiesAreChecked() async {
    #expect(binaryCrossEntropy(probabilities: .zeros([0]), .zeros([0]), reduction: .sum).item == 0)
    #expect(binaryCrossEntropy(probabilities: Tensor([.nan] as [Float]), .ones([1])).item.isNaN)
    expectStopped(
      saying: "binaryCrossEntropy: expected probabilities in 0...1, got -0.25",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = binaryCrossEntropy(probabilities: Tensor([0.5, -0.25] as [Float]), .zeros([2]))
      })
  }
}
