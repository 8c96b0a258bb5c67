import Foundation

/// Non-maximum suppression: of boxes that overlap, the one with the highest score stays, or
/// what `rule` says.
public struct Suppression: Hashable, Codable, Sendable {
  /// A box stays beside a better one if their IoU is at most this.
  public var iou: Float
  /// Whether boxes of different classes suppress each other.
  public var isClassAgnostic: Bool
  /// The most boxes of a class (of all classes, if agnostic) that take part, the best ones.
  public var candidates: Int
  /// The most boxes that stay.
  public var limit: Int
  public var rule: SuppressionRule

  public init(
    iou: Float, isClassAgnostic: Bool = false, candidates: Int = .max, limit: Int = .max,
    rule: SuppressionRule = .hard
  ) {
    self.rule = rule
    self.iou = iou
    self.isClassAgnostic = isClassAgnostic
    self.candidates = candidates
    self.limit = limit
  }

  /// Indices of the boxes that stay, by falling score; of equal scores the lower index is better.
  /// For rules that change scores or boxes see `survivors`, which tells how they then are.
  public func callAsFunction(_ boxes: Boxes, scores: [Float], labels: [Int]) -> [Int] {
    precondition(
      boxes.count == scores.count && boxes.count == labels.count, "a score and a label a box")
    if rule.changesWhatStays {
      return survivors(boxes, scores: scores, labels: labels).map(\.index)
    }
    let survivors = participants(scores: scores, labels: labels).flatMap { kept($0, boxes, scores) }
    return Array(Suppression.ordered(survivors, by: scores).prefix(limit))
  }

  /// The boxes that take part: for each class, or for all together if agnostic, the best
  /// by falling score.
  func participants(scores: [Float], labels: [Int]) -> [[Int]] {
    let groups =
      isClassAgnostic
      ? [Array(scores.indices)] : Array(Dictionary(grouping: scores.indices) { labels[$0] }.values)
    return groups.map { group in
      guard group.count > candidates else { return Suppression.ordered(group, by: scores) }
      guard candidates > 0 else { return [] }
      var values = group.map { scores[$0].isNaN ? -.infinity : scores[$0] }
      let least = values.withUnsafeMutableBufferPointer { Selection.largest(candidates, of: $0) }
      // All that are at least as good, for the order decides among equal ones.
      let best = group.filter { !(scores[$0] < least) }
      return Array(Suppression.ordered(best, by: scores).prefix(candidates))
    }
  }

  /// By falling score, equal ones by rising index, NaN last.
  static func ordered(_ indices: [Int], by scores: [Float]) -> [Int] {
    indices.sorted { a, b in
      let (x, y) = (scores[a], scores[b])
      if x.isNaN || y.isNaN { return x.isNaN == y.isNaN ? a < b : y.isNaN }
      return x != y ? x > y : a < b
    }
  }

  /// Of boxes in falling order.
  private func kept(_ order: [Int], _ boxes: Boxes, _ scores: [Float]) -> [Int] {
    if rule == .none { return order }
    // Walking down the order, a box is out if a kept one overlaps it: the same result as removing
    // after each choice.
    var kept: [Int] = []
    var corners: [(box: SIMD4<Float>, area: Float)] = []
    for candidate in order {
      let box = boxes.vector(candidate)
      let area = max(0, box[2] - box[0]) * max(0, box[3] - box[1])
      let isOut = corners.contains { other in
        let width = min(box[2], other.box[2]) - max(box[0], other.box[0])
        let height = min(box[3], other.box[3]) - max(box[1], other.box[1])
        // Most boxes lie apart.
        guard width > 0, height > 0 else { return iou < 0 }
        let inner = width * height
        let overlap = inner / (area + other.area - inner)
        return overlap - distance(box, other.box) > iou
      }
      if isOut { continue }
      kept.append(candidate)
      corners.append((box, area))
    }
    return kept
  }

  /// What the rule takes off an IoU for centres that lie apart.
  private func distance(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> Float {
    guard case .distance(let exponent) = rule else { return 0 }
    let centers = 0.5 * (a.lowHalf + a.highHalf - b.lowHalf - b.highHalf)
    let around =
      pointwiseMax(a.highHalf, b.highHalf) - pointwiseMin(a.lowHalf, b.lowHalf)
    let diagonal = (around * around).sum()
    guard diagonal > 0 else { return 0 }
    let share = (centers * centers).sum() / diagonal
    return exponent == 1 ? share : pow(share, exponent)
  }
}

/// Indices of the boxes that stay when all suppress each other, by falling score; equal
/// scores by rising index.
///
/// - Parameter iou: a box stays beside a better one if their IoU is at most this.
public func nms(_ boxes: Boxes, scores: [Float], iou: Float) -> [Int] {
  Suppression(iou: iou, isClassAgnostic: true)(
    boxes, scores: scores, labels: [Int](repeating: 0, count: boxes.count))
}

/// Indices of the boxes that stay when only boxes of the same class suppress each other,
/// by falling score.
///
/// - Parameter iou: a box stays beside a better one if their IoU is at most this.
public func nms(_ boxes: Boxes, scores: [Float], labels: [Int], iou: Float) -> [Int] {
  Suppression(iou: iou)(boxes, scores: scores, labels: labels)
}
