/// Non-maximum suppression: of boxes that overlap, the one with the highest score stays.
public struct Suppression: Hashable, Codable, Sendable {
  /// A box stays beside a better one if their IoU is at most this.
  public var iou: Float
  /// Whether boxes of different classes suppress each other.
  public var isClassAgnostic: Bool
  /// The most boxes of a class (of all classes, if agnostic) that take part, the best ones.
  public var candidates: Int
  /// The most boxes that stay.
  public var limit: Int

  public init(
    iou: Float, isClassAgnostic: Bool = false, candidates: Int = .max, limit: Int = .max
  ) {
    self.iou = iou
    self.isClassAgnostic = isClassAgnostic
    self.candidates = candidates
    self.limit = limit
  }

  /// Indices of the boxes that stay, by falling score; of equal scores the lower index is better.
  public func callAsFunction(_ boxes: Boxes, scores: [Float], labels: [Int]) -> [Int] {
    precondition(
      boxes.count == scores.count && boxes.count == labels.count, "a score and a label a box")
    let survivors = participants(scores: scores, labels: labels).flatMap { kept($0, boxes, scores) }
    return Array(Suppression.ordered(survivors, by: scores).prefix(limit))
  }

  /// The boxes that take part: for each class, or for all together if agnostic, the best by falling score.
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
    // Walking down the order, a box is out if a kept one overlaps it: the same result as removing after each choice.
    var kept: [Int] = []
    for candidate in order {
      let box = boxes[candidate]
      if !kept.contains(where: { boxes[$0].iou(box) > iou }) { kept.append(candidate) }
    }
    return kept
  }
}

/// Indices of the boxes that stay when all suppress each other, by falling score; equal scores by rising index.
///
/// - Parameter iou: a box stays beside a better one if their IoU is at most this.
public func nms(_ boxes: Boxes, scores: [Float], iou: Float) -> [Int] {
  Suppression(iou: iou, isClassAgnostic: true)(
    boxes, scores: scores, labels: [Int](repeating: 0, count: boxes.count))
}

/// Indices of the boxes that stay when only boxes of the same class suppress each other, by falling score.
///
/// - Parameter iou: a box stays beside a better one if their IoU is at most this.
public func nms(_ boxes: Boxes, scores: [Float], labels: [Int], iou: Float) -> [Int] {
  Suppression(iou: iou)(boxes, scores: scores, labels: labels)
}
