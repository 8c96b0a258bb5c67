import SakerData

/// What was taken for what: `counts[predicted][true]`. For detectors the last row and column are
/// the background: its row counts missed truths, its column counts detections of nothing.
public struct ConfusionMatrix: Hashable, Codable, Sendable {
  /// For detectors with "background" at the end.
  public let names: [String]
  public private(set) var counts: [[Int]]

  /// The matrix of a classifier: one predicted and one true class per image. Labels must be indices
  /// into `classNames`.
  public init(predicted: [Int], truths: [Int], classNames: [String]) {
    precondition(
      predicted.count == truths.count, "\(predicted.count) predictions, \(truths.count) truths")
    names = classNames
    counts = Self.zeros(classNames.count)
    for (guess, truth) in zip(predicted, truths) {
      precondition(
        names.indices.contains(guess) && names.indices.contains(truth),
        "labels \(guess) and \(truth), but there are \(names.count) class names")
      counts[guess][truth] += 1
    }
  }

  /// The matrix of a detector, as YOLOv5 and Ultralytics count: detections with
  /// `score > confidence`; pairs with `IoU > iouThreshold`, of whatever classes, taken by
  /// descending IoU (the first of equals in detection order), each detection and each truth once.
  ///
  /// Unlike theirs, a detection of nothing also counts in pictures where no other matched. Truths
  /// marked difficult aren't counted, nor are detections on them.
  public init(
    _ results: [PictureResult], classNames: [String], confidence: Double = 0.25,
    iouThreshold: Double = 0.45
  ) {
    names = classNames + ["background"]
    counts = Self.zeros(names.count)
    for result in results {
      let found = result.detections.filter { Double($0.score) > confidence }
      for label in found.map(\.label) + result.truths.map(\.label) {
        precondition(
          classNames.indices.contains(label),
          "label \(label), but there are \(classNames.count) class names")
      }
      add(found, result.truths, iouThreshold)
    }
  }

  private mutating func add(
    _ found: [Detection], _ truths: [Annotation], _ iouThreshold: Double
  ) {
    let background = names.count - 1
    var pairs: [(iou: Double, detection: Int, truth: Int)] = []
    for (i, detection) in found.enumerated() {
      for (j, truth) in truths.enumerated() {
        let iou = detection.box.iou(truth.box, rule: .continuous)
        if iou > iouThreshold { pairs.append((iou, i, j)) }
      }
    }
    pairs.sort { ($1.iou, $0.detection, $0.truth) < ($0.iou, $1.detection, $1.truth) }
    // A detection keeps to its best truth, even if a better detection has it.
    var best: [Int: (iou: Double, truth: Int)] = [:]
    for pair in pairs where best[pair.detection] == nil {
      best[pair.detection] = (pair.iou, pair.truth)
    }
    var owner = [Int?](repeating: nil, count: truths.count)
    for pair in pairs where best[pair.detection]?.truth == pair.truth && owner[pair.truth] == nil {
      owner[pair.truth] = pair.detection
    }
    var isMatched = [Bool](repeating: false, count: found.count)
    for (j, truth) in truths.enumerated() {
      if let i = owner[j] {
        isMatched[i] = true
        if !truth.difficult { counts[found[i].label][truth.label] += 1 }
      } else if !truth.difficult {
        counts[background][truth.label] += 1
      }
    }
    for (i, detection) in found.enumerated() where !isMatched[i] {
      if let place = best[i]?.truth, truths[place].difficult { continue }
      counts[detection.label][background] += 1
    }
  }

  /// Each column divided by its sum: what truths of a class were taken for, 0...1. A column without
  /// counts is 0.
  public var normalized: [[Double]] {
    let sums = names.indices.map { column in counts.reduce(0) { $0 + $1[column] } }
    return counts.map { row in zip(row, sums).map { ratio($0, $1) } }
  }

  /// Share on the diagonal, 0...1.
  public var accuracy: Double {
    ratio(
      names.indices.reduce(0) { $0 + counts[$1][$1] },
      counts.reduce(0) { $0 + $1.reduce(0, +) })
  }

  private static func zeros(_ count: Int) -> [[Int]] {
    Array(repeating: Array(repeating: 0, count: count), count: count)
  }
}
