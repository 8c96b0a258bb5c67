import Foundation
import SakerData
import SakerTensor
import TestSupport
import Testing

@testable import SakerVision

@Suite struct MultiBoxLossTests {
  static let grid = AnchorGrid(
    [AnchorLevel(sizes: [0.4, 0.6])], maps: [.init(rows: 2, columns: 2)])
  static let objects = [
    [
      Annotation(box: Box(left: 0.05, top: 0.1, right: 0.5, bottom: 0.45), label: 0),
      Annotation(box: Box(left: 0.5, top: 0.4, right: 1, bottom: 0.9), label: 1),
    ],
    [],
  ]
  static let targets = AnchorTargets(objects, grid)

  /// The definition, written anew in double precision.
  private func expected(
    _ settings: MultiBoxLoss, _ logits: Tensor, _ offsets: Tensor, _ targets: AnchorTargets
  ) -> (classification: Double, box: Double) {
    let (n, anchors, k) = (targets.count, targets.anchors, logits.shape[2])
    let z = logits.floats.map(Double.init)
    let classes = targets.classes.scalars(as: Int32.self).map(Int.init)
    let entropy = (0..<n * anchors).map { i in
      log((0..<k).reduce(0) { $0 + exp(z[i * k + $1]) }) - z[i * k + classes[i]]
    }
    let (values, mask) = targets.offsets
    let errors = zip(zip(offsets.floats, values.floats), mask.floats).map {
      Double($0.1 * ($0.0.0 - $0.0.1))
    }
    let positives = Double(max(1, classes.count { $0 > 0 }))
    let classification: Double
    switch settings.classification {
    case .mean: classification = entropy.reduce(0, +) / Double(n * anchors)
    case .hardNegatives(let ratio, let minimum):
      var sum = 0.0
      for picture in 0..<n {
        let own = picture * anchors..<(picture + 1) * anchors
        sum += own.filter { classes[$0] > 0 }.reduce(0) { $0 + entropy[$1] }
        let wanted = max(minimum, ratio * own.count { classes[$0] > 0 })
        let negatives = own.filter { classes[$0] == 0 }.map { entropy[$0] }.sorted(by: >)
        sum += negatives.prefix(wanted).reduce(0, +)
      }
      classification = sum / positives
    }
    let box =
      settings.regression == .meanL1
      ? errors.reduce(0) { $0 + abs($1) } / Double(errors.count)
      : errors.reduce(0) { $0 + (abs($1) < 1 ? $1 * $1 / 2 : abs($1) - 0.5) } / positives
    return (classification, Double(settings.boxWeight) * box)
  }

  @Test(arguments: [
    MultiBoxLoss.ssd, .notes, MultiBoxLoss(.hardNegatives(ratio: 1, minimum: 0), .smoothL1),
    MultiBoxLoss(.hardNegatives(ratio: 100, minimum: 100), .meanL1, boxWeight: 2.5),
  ])
  func matchesTheDefinition(settings: MultiBoxLoss) {
    let logits = 3 * random([2, 16, 3], seed: 1)
    let offsets = 2 * random([2, 16, 4], seed: 2)
    let loss = settings(logits, offsets, Self.targets)
    let wanted = expected(settings, logits, offsets, Self.targets)
    #expect(abs(Double(loss.classification) - wanted.classification) < 1e-5)
    #expect(abs(Double(loss.box) - wanted.box) < 1e-5)
    #expect(abs(loss.total.item - loss.classification - loss.box) < 1e-5)
    #expect(loss.positives == Self.targets.positiveCount && loss.positives >= 2)
  }

  @Test(arguments: [
    MultiBoxLoss.ssd, .notes, MultiBoxLoss(.mean, .smoothL1, boxWeight: 2),
    MultiBoxLoss(.hardNegatives(ratio: 1, minimum: 1), .meanL1),
  ])
  func gradientMatchesFiniteDifferences(settings: MultiBoxLoss) {
    let logits = 3 * random([2, 16, 3], seed: 3)
    let offsets = 2 * random([2, 16, 4], seed: 4)
    expectGradient(at: [logits, offsets]) {
      settings($0[0], $0[1], Self.targets).total * 100
    }
  }

  /// A factor after the loss, as accumulation over several batches has it, reaches both parts.
  @Test func gradientsScale() {
    let inputs = [random([2, 16, 3], seed: 5), random([2, 16, 4], seed: 6)]
    let one = gradients(at: inputs) { MultiBoxLoss.ssd($0[0], $0[1], Self.targets).total }
    let half = gradients(at: inputs) { MultiBoxLoss.ssd($0[0], $0[1], Self.targets).total * 0.5 }
    for (a, b) in zip(one.gradients, half.gradients) { expectClose(b, a * 0.5) }
  }

  @Test(arguments: [MultiBoxLoss.ssd, .notes])
  func picturesWithoutObjectsTeachBackground(settings: MultiBoxLoss) {
    let targets = AnchorTargets([[], []], Self.grid)
    let logits = random([2, 16, 3], seed: 7)
    let offsets = random([2, 16, 4], seed: 8)
    let loss = settings(logits, offsets, targets)
    #expect(loss.classification.isFinite && loss.classification > 0)
    #expect(loss.box == 0 && loss.positives == 0)
    let (_, slopes) = gradients(at: [logits, offsets]) { settings($0[0], $0[1], targets).total }
    // Every step from here raises the background's logits.
    let rows = slopes[0].floats
    let background = stride(from: 0, to: rows.count, by: 3).map { rows[$0] }
    #expect(background.allSatisfy { $0 <= 0 } && background.contains { $0 < 0 })
    #expect(slopes[1].floats.allSatisfy { $0 == 0 })
    let taught = background.count { $0 < 0 }
    #expect(taught == (settings == .notes ? 32 : 6))
  }

  /// SSD's loss mines, the notes' does not: two presets (catalogue E67).
  @Test func presetsAreTwo() {
    #expect(MultiBoxLoss.ssd != .notes)
    let logits = random([2, 16, 3], seed: 9)
    let offsets = random([2, 16, 4], seed: 10)
    let (_, slopes) = gradients(at: [logits]) {
      MultiBoxLoss.ssd($0[0], offsets, Self.targets).total
    }
    let rows = slopes[0].floats
    let second = (16..<32).count { rows[3 * $0] != 0 }
    #expect(second == 3)
  }

  @Test func threadsDoNotChangeTheSum() {
    let logits = random([2, 16, 3], seed: 11)
    let offsets = random([2, 16, 4], seed: 12)
    let before = Parallel.threads
    defer { Parallel.threads = before }
    let totals = [1, 2, 5].map { threads in
      Parallel.threads = threads
      return MultiBoxLoss.ssd(logits, offsets, Self.targets).total.item
    }
    #expect(Set(totals).count == 1)
  }

  @Test func notANumberShows() {
    var logits = random([2, 16, 3], seed: 13).floats
    logits[4] = .nan
    for settings in [MultiBoxLoss.ssd, .notes] {
      let loss = settings(Tensor(logits, [2, 16, 3]), .zeros([2, 16, 4]), Self.targets)
      #expect(loss.total.item.isNaN)
    }
  }

  @Test(arguments: [1, 2, 3, 8, 21])
  func normalizersMatchTheDefinition(width: Int) {
    let x = (60 * random([29, width], seed: UInt64(width))).floats
    var result = [Float](repeating: 0, count: 29)
    LogSumExp.rows(x, count: 29, width: width, &result)
    for row in 0..<29 {
      let exact = log((0..<width).reduce(0.0) { $0 + exp(Double(x[row * width + $1])) })
      #expect(abs(Double(result[row]) - exact) <= 2e-7 * max(1, abs(exact)))
    }
  }

  @Test func selectionFindsEveryPlace() {
    var random = Random(seed: 14)
    var values = (0..<101).map { _ in (random.uniform(0...20)).rounded() }
    values[7] = .infinity
    values[8] = -.infinity
    let sorted = values.sorted(by: >)
    for rank in 1...values.count {
      var copy = values
      #expect(
        copy.withUnsafeMutableBufferPointer { Selection.largest(rank, of: $0) } == sorted[rank - 1])
    }
  }
}
