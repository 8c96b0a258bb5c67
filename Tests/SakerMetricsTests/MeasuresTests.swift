import SakerData
import SakerMetrics
import Testing

struct MeasuresTests {
  @Test func scoresAgainstTruths() {
    let counts = BinaryCounts(
      scores: [0.76, 0.3, 0.5, 0.76], truths: [true, false, false, true])
    #expect(abs(counts.precision - 0.667) < 5e-4)
    #expect(counts.recall == 1 && counts.accuracy == 0.75)
    #expect(abs(counts.f1 - 0.8) < 1e-12)
  }

  @Test func measuresOfNothingAreZero() {
    let none = BinaryCounts(scores: [0.1], truths: [false])
    #expect((none.precision, none.recall, none.f1, none.accuracy) == (0, 0, 0, 1))
  }

  @Test func intersectionOverUnionUnderBothRules() {
    let truth = Box(left: 70, top: 80, right: 120, bottom: 150)
    let others = [
      Box(left: 0, top: 0, right: 50, bottom: 50),
      Box(left: 100, top: 130, right: 140, bottom: 180),
      Box(left: 70, top: 80, right: 120, bottom: 145),
    ]
    for (rule, expected) in [
      (PixelRule.continuous, [0, 0.0784, 0.9286]), (.inclusive, [0, 0.0837, 0.9296]),
    ] {
      let row = iouMatrix([truth], others, rule: rule)[0]
      #expect(zip(row, expected).allSatisfy { abs($0 - $1) < 5e-5 }, "\(row)")
      // Symmetric, and 1 with itself.
      #expect(iouMatrix(others, [truth], rule: rule).map { $0[0] } == row)
      #expect(truth.iou(truth, rule: rule) == 1)
    }
  }

  @Test func touchingAndEmptyBoxes() {
    let a = Box(left: 0, top: 0, right: 10, bottom: 10)
    let beside = Box(left: 10, top: 0, right: 20, bottom: 10)
    #expect(a.iou(beside, rule: .continuous) == 0)
    // Both hold the column of pixels at 10.
    #expect(a.iou(beside, rule: .inclusive) == 1.0 / 21)
    let empty = Box(left: 5, top: 5, right: 5, bottom: 5)
    let inverted = Box(left: 9, top: 9, right: 1, bottom: 1)
    for box in [empty, inverted] {
      #expect(box.iou(box, rule: .continuous) == 0 && a.iou(box, rule: .continuous) == 0)
    }
  }
}
