import Foundation
import SakerNN
import SakerTensor
import SakerVision
import TestSupport
import Testing

/// The walk of `OperationWalkTests` over the operations that modules above SakerTensor declare:
/// each gradient against finite differences, and a new operation fails `theWalkMeetsEveryOperation`
/// until it stands in the list below.
struct OuterOperationWalkTests {
  typealias Step = OperationStep

  // MARK: - Inputs, away from kinks

  private static let x = random([3, 4], seed: 1)
  /// Differences from x on both sides of 0 and of 1.
  private static let y =
    x + Tensor([0.3, -0.4, 1.5, -2, 0.2, 0.7, -0.6, 1.3, -1.4, 0.5, -0.1, 0.9] as [Float], [3, 4])
  private static let shares = random([3, 4], seed: 2, in: 0.2...0.8)
  private static let classes = Tensor([2, 0, 3] as [Int64])
  private static let boxes = Tensor(
    [0, 0, 2, 3, 1, 1.2, 4, 2.9, 0.3, 0.1, 1, 1] as [Float], [3, 4])
  private static let truths = Tensor(
    [0.5, 0.4, 2.6, 2.5, 0.7, 1.5, 3.3, 3.4, 0.1, 0.3, 1.4, 0.8] as [Float], [3, 4])
  /// Two rows each, no two positions of a row nearer than 0.1.
  private static let places = Tensor([0.1, 0.9, 0.4, -0.5, 0.2, 1.2] as [Float], [2, 3])
  private static let others = Tensor(
    [0.25, -0.3, 1.4, 0.6, 0.35, -0.1, 0.8, 0.5] as [Float], [2, 4])

  static let steps =
    losses + [
      Step("Dropout", x) { x in withSeed(1) { Dropout(0.5) }(x[0]) },
      Step("SpatialDropout", random([2, 3, 2, 2], seed: 3)) { x in
        withSeed(1) { SpatialDropout(0.5) }(x[0])
      },
      Step("a layer with a hook", x) { x in
        let layer = withSeed(1) { Linear(4, 3) }
        layer.onBackward { _, _ in nil }
        return layer(x[0])
      },
      Step("crossEntropy", x) { crossEntropy($0[0], classes, reduction: .none) },
      Step("crossEntropy, smoothed and weighed", x) {
        crossEntropy(
          $0[0], classes, smoothing: 0.2, weights: Tensor([1, 2, 0.5, 3] as [Float]))
      },
      Step("wassersteinDistance", places, others) {
        wassersteinDistance($0[0], $0[1], reduction: .none)
      },
      Step(
        "multiBoxLoss", 3 * random([2, 16, 3], seed: 3), 2 * random([2, 16, 4], seed: 4)
      ) {
        MultiBoxLoss.ssd($0[0], $0[1], MultiBoxLossTests.targets).total * 100
      },
    ]

  private static let losses = [
    Step("l1Loss", x, y) { l1Loss($0[0], $0[1]) },
    Step("smoothL1Loss", x, y) { smoothL1Loss($0[0], $0[1], reduction: .none) },
    Step("meanSquaredError", x, y) { meanSquaredError($0[0], $0[1], reduction: .sum) },
    Step("binaryCrossEntropy", x) { binaryCrossEntropy(logits: $0[0], shares) },
    Step("binaryCrossEntropy of probabilities", shares) {
      binaryCrossEntropy(probabilities: $0[0], 1 - shares, reduction: .none)
    },
    Step("sigmoidFocalLoss", x) { sigmoidFocalLoss($0[0], shares) * 10 },
    Step("softmaxFocalLoss", x) { softmaxFocalLoss($0[0], classes, gamma: 1.5) },
    Step("heatmapFocalLoss", x) { heatmapFocalLoss($0[0], shares) },
    Step("boxIoULoss", boxes, truths) { boxIoULoss($0[0], $0[1]) },
    Step("generalizedBoxIoULoss", boxes, truths) {
      generalizedBoxIoULoss($0[0], $0[1], reduction: .none)
    },
    Step("distanceBoxIoULoss", boxes, truths) { distanceBoxIoULoss($0[0], $0[1]) },
    // No gradient flows through α, so boxes and truths are alike in shape, where it does not
    // matter.
    Step("completeBoxIoULoss", Tensor([0, 0, 2, 2] as [Float], [1, 4])) {
      completeBoxIoULoss($0[0], Tensor([0.5, 0.4, 3.5, 3.4] as [Float], [1, 4]))
    },
  ]

  // MARK: - The tests

  @Test(arguments: steps)
  func gradientMatchesFiniteDifferences(_ step: Step) {
    expectGradient(at: step.inputs, step: step.step, step.name, step.function)
  }

  @Test func theWalkMeetsEveryOperation() throws {
    let modules = try FileManager.default.contentsOfDirectory(
      atPath: Fixtures.package.appending(path: "Sources").path)
    let outer = modules.filter { $0 != "SakerTensor" && !$0.hasPrefix("C") }
    #expect(outer.count >= 8 && outer.contains("SakerNN"))
    let declared = try Set(
      outer.flatMap {
        try Sources.matches(
          #"(?:struct|class|enum|extension) (\w+)(?:<[^>]*>)?\s*:[^{]*\b\w*Operation\b[^{]*\{"#,
          below: "Sources/\($0)")
      })
    #expect(declared.isSuperset(of: ["Mask", "FusedLoss", "CrossEntropy", "MultiBoxError"]))
    let walk = OperationWalk(Self.steps)
    #expect(declared.subtracting(walk.forward) == [], "operations that no step of the walk runs")
    #expect(
      declared.subtracting(walk.backward) == [],
      "operations whose gradient no step of the walk asks for")
  }

  /// One type stands for many losses: each of them takes its step.
  @Test func theWalkMeetsEveryFusedLoss() throws {
    let walk = OperationWalk(Self.steps)
    let met = (walk.names["FusedLoss"] ?? []).union(walk.names["DifferenceLoss"] ?? [])
    let losses = "Sources/SakerNN/Losses"
    let named = try [
      Sources.matches(#"FusedLoss\.ofElements\(\s*"(\w+)""#, below: losses),
      Sources.matches(#"boxLoss\([^"]*op: "(\w+)""#, below: losses + "/BoxLosses.swift"),
      Sources.matches(#"case \.\w+: "(\w+)""#, below: losses + "/Regression.swift"),
    ]
    #expect(named.allSatisfy { $0.count >= 3 })
    #expect(Set(named.joined()).subtracting(met) == [], "losses that no step of the walk runs")
  }
}
