import Foundation
import SakerData

/// The numbers that YOLOv5 and Ultralytics print, by their rules, which aren't COCO's: compare them
/// with theirs only.
///
/// - In a picture a detection belongs to the truth of its class with the highest IoU, and to no
///   other; of those with `IoU >= threshold` that belong to a truth, the one of highest score is
///   right. At a higher threshold that can be another one.
/// - Average precision is the area, by trapezoids, under the envelope interpolated at 101 recalls,
///   from the point (0, 1) on: a percent or so above COCO's.
/// - Precision and recall are read at the one confidence where the classes' mean F1, smoothed over
///   a tenth of the axis, is highest.
public struct UltralyticsEvaluation: Sendable {
  public struct Class: Hashable, Codable, Sendable {
    public let name: String
    public let truths, detections: Int
    /// At the common confidence.
    public let precision, recall, f1: Double
    /// At the IoU thresholds 0.5, 0.55, ... 0.95.
    public let averagePrecisions: [Double]

    public var averagePrecision50: Double { averagePrecisions[0] }
    public var averagePrecision: Double { averagePrecisions.reduce(0, +) / 10 }
  }

  /// Those with truths, in the order of class names.
  public let classes: [Class]
  /// Where precision and recall are read, 0...1.
  public let confidence: Double

  /// Means over the classes with truths; 0 without any.
  public var precision: Double { mean(\.precision) }
  public var recall: Double { mean(\.recall) }
  public var map50: Double { mean(\.averagePrecision50) }
  public var map: Double { mean(\.averagePrecision) }
  /// What the best checkpoint is chosen by: 0.1 mAP50 + 0.9 mAP.
  public var fitness: Double { 0.1 * map50 + 0.9 * map }

  public init(_ results: [PictureResult], classNames: [String]) {
    var rows = Array(repeating: [Row](), count: classNames.count)
    var truths = Array(repeating: 0, count: classNames.count)
    for result in results {
      for truth in result.truths { truths[truth.label] += 1 }
      for (detection, correct) in zip(result.detections, Self.match(result)) {
        let score = detection.score.isNaN ? -.infinity : Double(detection.score)
        rows[detection.label].append(Row(score: score, correct: correct))
      }
    }
    var curves: [(precision: [Double], recall: [Double])] = []
    var precisions: [[Double]] = []
    let known = classNames.indices.filter { truths[$0] > 0 }
    for label in known {
      let order = rows[label].indices.sorted {
        (rows[label][$1].score, $0) < (rows[label][$0].score, $1)
      }
      let sorted = order.map { rows[label][$0] }
      precisions.append(
        (0..<10).map { level in
          let (recall, precision) = Self.curve(sorted, level, truths[label])
          return sorted.isEmpty
            ? 0 : ultralyticsAveragePrecision(recall: recall, precision: precision)
        })
      curves.append(Self.confidenceCurve(sorted, truths[label]))
    }
    let f1 = curves.map { zip($0.precision, $0.recall).map { 2 * $0 * $1 / ($0 + $1 + 1e-16) } }
    var place = 0
    if !f1.isEmpty {
      let mean = (0..<1000).map { point in f1.reduce(0) { $0 + $1[point] } / Double(f1.count) }
      let smooth = Self.smoothed(mean)
      place = smooth.indices.max { (smooth[$0], $1) < (smooth[$1], $0) } ?? 0
    }
    confidence = Double(place) / 999
    classes = known.enumerated().map { index, label in
      Class(
        name: classNames[label], truths: truths[label], detections: rows[label].count,
        precision: curves[index].precision[place], recall: curves[index].recall[place],
        f1: f1[index][place], averagePrecisions: precisions[index])
    }
  }

  private struct Row {
    var score: Double
    /// A bit a threshold.
    var correct: UInt16
  }

  private func mean(_ value: KeyPath<Class, Double>) -> Double {
    classes.isEmpty ? 0 : classes.reduce(0) { $0 + $1[keyPath: value] } / Double(classes.count)
  }

  /// Which detections of a picture are right, a bit a threshold.
  private static func match(_ result: PictureResult) -> [UInt16] {
    var pairs: [(iou: Double, detection: Int, truth: Int)] = []
    for (i, detection) in result.detections.enumerated() {
      for (j, truth) in result.truths.enumerated() where truth.label == detection.label {
        let iou = detection.box.iou(truth.box, rule: .continuous)
        if iou >= 0.5 { pairs.append((iou, i, j)) }
      }
    }
    pairs.sort { ($1.iou, $0.detection, $0.truth) < ($0.iou, $1.detection, $1.truth) }
    var best = [(iou: Double, truth: Int)?](repeating: nil, count: result.detections.count)
    for pair in pairs where best[pair.detection] == nil {
      best[pair.detection] = (pair.iou, pair.truth)
    }
    func score(_ index: Int) -> Float {
      let score = result.detections[index].score
      return score.isNaN ? -.infinity : score
    }
    // Theirs come sorted from the suppression.
    let order = result.detections.indices.sorted { (score($1), $0) < (score($0), $1) }
    var correct = [UInt16](repeating: 0, count: result.detections.count)
    for level in 0..<10 {
      var taken = Set<Int>()
      for index in order {
        guard let (iou, truth) = best[index], iou >= COCOEvaluation.thresholds[level],
          taken.insert(truth).inserted
        else { continue }
        correct[index] |= 1 << UInt16(level)
      }
    }
    return correct
  }

  private static func curve(
    _ rows: [Row], _ level: Int, _ truths: Int
  ) -> (recall: [Double], precision: [Double]) {
    var right = 0
    var (recall, precision): ([Double], [Double]) = ([], [])
    for (index, row) in rows.enumerated() {
      right += Int(row.correct >> UInt16(level) & 1)
      recall.append(Double(right) / (Double(truths) + 1e-16))
      precision.append(Double(right) / Double(index + 1))
    }
    return (recall, precision)
  }

  /// Precision and recall at IoU 0.5 and 1000 confidences, interpolated between scores.
  private static func confidenceCurve(
    _ rows: [Row], _ truths: Int
  ) -> (precision: [Double], recall: [Double]) {
    guard !rows.isEmpty else {
      return (Array(repeating: 0, count: 1000), Array(repeating: 0, count: 1000))
    }
    let (recall, precision) = curve(rows, 0, truths)
    let negated = rows.map { -$0.score }
    let points = (0..<1000).map { -Double($0) / 999 }
    return (
      points.map { interpolated($0, negated, precision, left: 1) },
      points.map { interpolated($0, negated, recall, left: 0) }
    )
  }

  /// A running mean over a tenth, the ends repeated.
  private static func smoothed(_ y: [Double]) -> [Double] {
    let width = Int((Double(y.count) * 0.1 * 2).rounded()) / 2 + 1
    let side = width / 2
    let padded =
      Array(repeating: y[0], count: side) + y + Array(repeating: y[y.count - 1], count: side)
    return (0...(padded.count - width)).map { start in
      padded[start..<start + width].reduce(0, +) / Double(width)
    }
  }
}

/// Average precision as YOLOv5 and Ultralytics compute it: the envelope from (0, 1) to (1, 0),
/// interpolated at 101 recalls and integrated by trapezoids. Recall ascending, 0...1.
public func ultralyticsAveragePrecision(recall: [Double], precision: [Double]) -> Double {
  precondition(
    recall.count == precision.count, "\(recall.count) recalls, \(precision.count) precisions")
  let x = [0] + recall + [1]
  var y = [1] + precision + [0]
  for index in y.indices.dropLast().reversed() { y[index] = max(y[index], y[index + 1]) }
  let points = (0...100).map { Double($0) * 0.01 }
  return trapezoids(points, points.map { interpolated($0, x, y, left: y[0]) })
}

extension ClassEvaluation {
  /// `ultralyticsAveragePrecision` of these detections; `nil` without truths. The matching remains
  /// Pascal VOC's; `UltralyticsEvaluation` has theirs.
  public var ultralyticsAveragePrecision: Double? {
    guard truths > 0 else { return nil }
    guard !scores.isEmpty else { return 0 }
    let curve = precisionRecall
    return SakerMetrics.ultralyticsAveragePrecision(
      recall: curve.recall, precision: curve.precision)
  }
}

/// Linear interpolation as NumPy's `interp`: of points with the same x, the last one counts.
private func interpolated(_ x: Double, _ xs: [Double], _ ys: [Double], left: Double) -> Double {
  // The last point at or before x.
  let place = xs.partitionPoint { $0 > x } - 1
  if place < 0 { return left }
  if place == xs.count - 1 || xs[place] == x { return ys[place] }
  let slope = (ys[place + 1] - ys[place]) / (xs[place + 1] - xs[place])
  return slope * (x - xs[place]) + ys[place]
}
