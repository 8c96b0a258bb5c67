import Foundation
import SakerData

/// Mistakes for people and programs: a table of what each kind costs, and the worst cases as JSON.
public struct ErrorReport: Codable, Hashable, Sendable {
  /// A mistake with the names of its picture and classes.
  public struct Row: Codable, Hashable, Sendable {
    public var kind: DetectionErrors.Kind
    public var picture: String
    public var className: String
    /// `nil` for what was missed.
    public var score: Float?
    public var iou: Double
    /// `left, top, right, bottom` in pixels.
    public var box: [Float]
    public var truth: [Float]?
    public var truthClassName: String?
  }

  public var averagePrecision: Double
  public var gains: [DetectionErrors.Gain]
  public var falsePositiveGain, falseNegativeGain: Double
  public var worst: [Row]
  /// Confident detections of nothing.
  public var hardNegatives: [Row]

  /// Fields as `snake_case`, sorted, numbers in full precision.
  public var json: String { metricsJSON(self) }
}

extension DetectionErrors {
  /// - Parameters:
  ///   - pictures: their names or paths, in the order of the results.
  ///   - worst: how many wrong detections, and how many misses, are listed.
  ///   - confidence: from which a detection of nothing is a hard negative.
  public func report(
    pictures: [String], classNames: [String], worst count: Int = 50, confidence: Double = 0.25
  ) -> ErrorReport {
    func row(_ one: Case) -> ErrorReport.Row {
      func corners(_ box: Box) -> [Float] { [box.left, box.top, box.right, box.bottom] }
      return ErrorReport.Row(
        kind: one.kind, picture: pictures[one.picture], className: classNames[one.label],
        score: one.score, iou: one.iou, box: corners(one.box), truth: one.truth.map(corners),
        truthClassName: one.truthLabel.map { classNames[$0] })
    }
    let wrong = worst(count, Set(Kind.allCases).subtracting([.missed]))
    return ErrorReport(
      averagePrecision: averagePrecision, gains: gains, falsePositiveGain: falsePositiveGain,
      falseNegativeGain: falseNegativeGain, worst: (wrong + worst(count, [.missed])).map(row),
      hardNegatives: hardNegatives(confidence: confidence).map(row))
  }
}

extension DetectionErrors: CustomStringConvertible {
  /// A row a kind: how many, and what average precision would gain without them.
  public var description: String {
    func percent(_ value: Double) -> String { String(format: "%6.2f", 100 * value) }
    func row(_ name: String, _ count: String, _ gain: String) -> String {
      name.padding(toLength: 16, withPad: " ", startingAt: 0)
        + String(repeating: " ", count: max(8 - count.count, 0)) + count + "  " + gain
    }
    return
      ([row("mistake", "count", "AP gained"), row("(AP now", "", percent(averagePrecision) + ")")]
      + gains.map { row($0.kind.rawValue, "\($0.count)", percent($0.averagePrecision)) }
      + [
        row("all wrong", "", percent(falsePositiveGain)),
        row("all not found", "", percent(falseNegativeGain)),
      ]).joined(separator: "\n")
  }
}

extension ErrorReport {
  /// The hard negatives as lines `picture left top right bottom`, each box widened by `margin` of
  /// its sides (cut off at 0): crops to be added as background. A picture of which all objects are
  /// marked can be added whole instead.
  public func backgroundCrops(margin: Float = 0.1) -> String {
    hardNegatives.map { row in
      let width = (row.box[2] - row.box[0]) * margin
      let height = (row.box[3] - row.box[1]) * margin
      let box = [
        max(row.box[0] - width, 0), max(row.box[1] - height, 0), row.box[2] + width,
        row.box[3] + height,
      ]
      return "\(row.picture) "
        + box.map { String(format: "%.1f", Double($0)) }.joined(separator: " ") + "\n"
    }.joined()
  }
}
