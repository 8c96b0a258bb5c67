import Testing

@testable import SakerMetrics

@Suite struct ThresholdMovingTests {
  private let scores = [0.9, 0.8, 0.7, 0.6, 0.3, 0.2]
  private let labels = [true, true, false, true, false, false]

  @Test func thresholdsByHand() {
    // From 0.6 on: 3 found, 1 alarm: F1 = 6/7.
    let f1 = DecisionThreshold.best(scores, labels, for: .f1)
    #expect(abs(f1.threshold - 0.45) < 1e-12 && abs(f1.value - 6 / 7) < 1e-12)
    // Alarms cost ten times a miss: better miss the one at 0.6.
    let dear = DecisionThreshold.best(
      scores, labels, for: .cost(falsePositive: 10, falseNegative: 1))
    #expect(abs(dear.threshold - 0.75) < 1e-12 && dear.value == 1)
    let cheap = DecisionThreshold.best(
      scores, labels, for: .cost(falsePositive: 1, falseNegative: 10))
    #expect(abs(cheap.threshold - 0.45) < 1e-12 && cheap.value == 1)
    #expect(DecisionThreshold.best(scores, labels, for: .youden).value == 1 - 1.0 / 3)
  }

  @Test func equalScoresStayTogether() {
    let best = DecisionThreshold.best([0.5, 0.5, 0.5], [true, false, true], for: .f1)
    #expect(best.threshold == 0.5 && abs(best.value - 0.8) < 1e-12)
    #expect(DecisionThreshold.best([], [], for: .f1).threshold == 0.5)
    // Nobody is positive: the best is to say no to all.
    #expect(
      DecisionThreshold.best([0.4], [false], for: .cost(falsePositive: 1, falseNegative: 1))
        .threshold > 0.4)
  }

  @Test func priorsMove() {
    #expect(DecisionThreshold.theoretical(falsePositive: 1, falseNegative: 9) == 0.1)
    // Learnt on halves, used where one in ten is positive: 0.5 becomes 0.1.
    #expect(abs(DecisionThreshold.corrected(0.5, trained: 0.5, actual: 0.1) - 0.1) < 1e-12)
    #expect(abs(DecisionThreshold.corrected(0.3, trained: 0.2, actual: 0.2) - 0.3) < 1e-12)
  }
}
