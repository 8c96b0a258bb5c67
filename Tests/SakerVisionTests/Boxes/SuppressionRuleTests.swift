import Foundation
import SakerData
import SakerVision
import TestSupport
import Testing

/// Rules for boxes that overlap: what other programs keep of the same boxes, and the
/// definitions by hand.
@Suite struct SuppressionRuleTests {
  /// What Scripts/golden/suppression.py wrote.
  struct Golden: Decodable {
    struct Case: Decodable {
      var boxes, scores, kept: [Float]
      var labels, kinds: [Int]
      var values: [Float]
      var iou: Float
      var rule: String?
      var sigma, least: Float?
      var members: Int?
    }
    struct Distance: Decodable {
      var boxes, scores: [Float]
      var iou: Float
      var kept: [Int]
    }
    var soft, fusion: [Case]
    var distance: [Distance]

    static func read() throws -> Golden {
      try JSONDecoder().decode(
        Golden.self, from: Data(contentsOf: Fixtures.url("golden/suppression.json")))
    }
  }

  /// Expects the same boxes with the same scores and classes, by falling score.
  private func expectSame(_ found: [Suppression.Survivor], _ wanted: Golden.Case) {
    #expect(found.count == wanted.values.count)
    expectClose(found.map(\.score), wanted.values, relative: 1e-5)
    #expect(found.map { wanted.labels[$0.index] } == wanted.kinds)
    expectClose(
      found.flatMap { [$0.box.left, $0.box.top, $0.box.right, $0.box.bottom] }, wanted.kept,
      relative: 1e-5)
  }

  @Test func softScoresAreThoseOfEnsembleBoxes() throws {
    for wanted in try Golden.read().soft {
      let rule: SuppressionRule =
        wanted.rule == "linear" ? .softLinear : .softGaussian(sigma: wanted.sigma!)
      let found = Suppression(iou: wanted.iou, rule: rule).survivors(
        Boxes(corners: wanted.boxes), scores: wanted.scores, labels: wanted.labels,
        least: wanted.least!)
      expectSame(found, wanted)
    }
  }

  @Test func fusedBoxesAreThoseOfEnsembleBoxes() throws {
    for wanted in try Golden.read().fusion {
      let found = Suppression(iou: wanted.iou, rule: .fusion(members: wanted.members!)).survivors(
        Boxes(corners: wanted.boxes), scores: wanted.scores, labels: wanted.labels)
      expectSame(found, wanted)
    }
  }

  @Test func distancesAreThoseOfTorchvision() throws {
    for wanted in try Golden.read().distance {
      let labels = [Int](repeating: 0, count: wanted.scores.count)
      let kept = Suppression(iou: wanted.iou, rule: .distance())(
        Boxes(corners: wanted.boxes), scores: wanted.scores, labels: labels)
      #expect(kept == wanted.kept)
    }
  }

  /// Two boxes of 10 by 10, the second 5 to the right: IoU 50 / 150, centres 5 apart,
  /// 15² + 10² across.
  private let pair: Boxes = [
    Box(left: 0, top: 0, right: 10, bottom: 10), Box(left: 5, top: 0, right: 15, bottom: 10),
  ]

  private func survivors(_ rule: SuppressionRule, iou: Float, least: Float = 0)
    -> [Suppression.Survivor]
  {
    Suppression(iou: iou, rule: rule).survivors(
      pair, scores: [0.9, 0.6], labels: [0, 0], least: least)
  }

  @Test func rulesByHand() {
    #expect(survivors(.hard, iou: 0.3).map(\.index) == [0])
    #expect(survivors(.none, iou: 0.3).map(\.index) == [0, 1])
    // At a threshold of 0, linear falls by 1 − IoU; above the IoU nothing happens.
    expectClose(survivors(.softLinear, iou: 0).map(\.score), [0.9, 0.6 * 2 / 3])
    expectClose(survivors(.softLinear, iou: 0.4).map(\.score), [0.9, 0.6])
    expectClose(
      survivors(.softGaussian(), iou: 0.9).map(\.score), [0.9, 0.6 * exp(-(1.0 / 9) / 0.5)])
    #expect(survivors(.softLinear, iou: 0, least: 0.5).map(\.index) == [0])
    // 1/3 − 25/325 = 0.256: near enough to go at 0.25, not at 0.26.
    #expect(survivors(.distance(), iou: 0.25).map(\.index) == [0])
    #expect(survivors(.distance(), iou: 0.26).map(\.index) == [0, 1])
    // √(25/325) = 0.277 takes off more.
    #expect(survivors(.distance(exponent: 0.5), iou: 0.06).map(\.index) == [0, 1])
    let fused = survivors(.fusion(members: 2), iou: 0.3)
    #expect(fused.map(\.index) == [0])
    expectClose(fused.map(\.score), [0.75])
    expectClose(fused.map(\.box.left), [0.6 * 5 / 1.5])
    // One of two members found each: half of the score.
    expectClose(survivors(.fusion(members: 2), iou: 0.5).map(\.score), [0.45, 0.3])
  }

  @Test(arguments: [
    SuppressionRule.hard, .softLinear, .softGaussian(), .distance(), .fusion(members: 2), .none,
  ])
  func lawsOfEveryRule(_ rule: SuppressionRule) {
    let numbers = random([200, 4], seed: 8, in: 0...1).floats
    let boxes = Boxes(
      (0..<200).map { i in
        let n = numbers[4 * i..<4 * i + 4].map { $0 }
        return Box(
          left: n[0], top: n[1], right: n[0] + 0.05 + 0.3 * n[2], bottom: n[1] + 0.05 + 0.3 * n[3])
      })
    let scores = random([200], seed: 9, in: 0...1).floats
    let labels = (0..<200).map { $0 % 3 }
    var suppression = Suppression(iou: 0.4, rule: rule)
    let all = suppression.survivors(boxes, scores: scores, labels: labels)
    #expect(zip(all, all.dropFirst()).allSatisfy { $0.score >= $1.score })
    #expect(all.allSatisfy { $0.score <= scores[$0.index] + 1e-6 || rule == .fusion(members: 2) })
    #expect(Set(all.map(\.index)).count == all.count)
    // The best box of each class stays where it is, but for fusion.
    if rule != .fusion(members: 2) {
      for label in 0..<3 {
        let best = (0..<200).filter { labels[$0] == label }.max { scores[$0] < scores[$1] }!
        #expect(all.contains { $0.index == best && $0.score == scores[best] })
      }
    }
    // Fewer may stay, from the front.
    suppression.limit = 7
    #expect(
      suppression.survivors(boxes, scores: scores, labels: labels) == Array(all.prefix(7)))
    // Classes don't see each other.
    let one = (0..<200).filter { labels[$0] == 1 }
    suppression.limit = .max
    let alone = suppression.survivors(
      Boxes(one.map { boxes[$0] }), scores: one.map { scores[$0] }, labels: one.map { _ in 1 })
    #expect(alone.map { one[$0.index] } == all.filter { labels[$0.index] == 1 }.map(\.index))
  }

  @Test func optionsFromBeforeRulesAreRead() throws {
    let text = """
      {"confidence": 0.1, "iou": 0.5, "isClassAgnostic": true, "candidates": 9, "limit": 3}
      """
    let old = try JSONDecoder().decode(DetectionOptions.self, from: Data(text.utf8))
    #expect(old.rule == .hard && old.candidates == 9)
    let new = DetectionOptions(rule: .softGaussian(sigma: 0.3))
    #expect(
      try JSONDecoder().decode(DetectionOptions.self, from: JSONEncoder().encode(new)) == new)
  }
}
