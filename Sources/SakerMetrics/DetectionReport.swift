import Foundation

/// The measures of a detector on a data set, to be printed as a table (`description`) or as JSON
/// (`json`).
public struct DetectionReport: Codable, Hashable, Sendable {
  public var pictures: Int
  public var iouThreshold: Double
  public var pixelRule: PixelRule
  public var averagePrecisionKind: AveragePrecisionKind
  /// Mean over the classes with truths, 0...1; `nil` (JSON null) if there are none.
  public var meanAveragePrecision: Double?
  /// All classes together at the confidence asked for.
  public var all: OperatingPoint
  /// All classes together at the confidence with the highest F1; `nil` without detections. Chosen
  /// on the data measured: to use it elsewhere, choose it on the validation split.
  public var bestF1: OperatingPoint?
  public var classes: [ClassReport]

  /// Fields as `snake_case`, sorted, numbers in full precision.
  public var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    } catch {
      preconditionFailure("a report is made of numbers and names only: \(error)")
    }
  }
}

/// The measures of one class.
public struct ClassReport: Codable, Hashable, Sendable {
  public var name: String
  /// Truths that count, those marked difficult, and detections that count, at any confidence.
  public var truths, difficult, detections: Int
  /// 0...1; `nil` (JSON null) for a class without truths.
  public var averagePrecision: Double?
  /// At the confidence asked for.
  public var atConfidence: OperatingPoint
  public var bestF1: OperatingPoint?
}

extension DetectionEvaluation {
  /// The measures, with precision, recall and F1 of the detections with `score >= confidence`.
  public func report(
    confidence: Double = 0.5, kind: AveragePrecisionKind = .allPoints
  ) -> DetectionReport {
    DetectionReport(
      pictures: pictures, iouThreshold: iouThreshold, pixelRule: rule,
      averagePrecisionKind: kind, meanAveragePrecision: meanAveragePrecision(kind),
      all: OperatingPoint(confidence: confidence, counts: counts(at: confidence)),
      bestF1: bestF1,
      classes: classes.map {
        ClassReport(
          name: $0.name, truths: $0.truths, difficult: $0.difficult, detections: $0.detections,
          averagePrecision: $0.averagePrecision(kind),
          atConfidence: OperatingPoint(
            confidence: confidence, counts: $0.counts(at: confidence)),
          bestF1: $0.bestF1)
      })
  }
}

// Written by hand for one reason: a missing value is a null, not a missing key.
extension DetectionReport {
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(pictures, forKey: .pictures)
    try fields.encode(iouThreshold, forKey: .iouThreshold)
    try fields.encode(pixelRule, forKey: .pixelRule)
    try fields.encode(averagePrecisionKind, forKey: .averagePrecisionKind)
    try fields.encode(meanAveragePrecision, forKey: .meanAveragePrecision)
    try fields.encode(all, forKey: .all)
    try fields.encode(bestF1, forKey: .bestF1)
    try fields.encode(classes, forKey: .classes)
  }
}

extension ClassReport {
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(name, forKey: .name)
    try fields.encode(truths, forKey: .truths)
    try fields.encode(difficult, forKey: .difficult)
    try fields.encode(detections, forKey: .detections)
    try fields.encode(averagePrecision, forKey: .averagePrecision)
    try fields.encode(atConfidence, forKey: .atConfidence)
    try fields.encode(bestF1, forKey: .bestF1)
  }
}

extension DetectionReport: CustomStringConvertible {
  /// A table with one row a class and one for all, then the best confidence.
  public var description: String {
    func number(_ value: Double?) -> String { value.map { String(format: "%.3f", $0) } ?? "-" }
    let kind = averagePrecisionKind == .allPoints ? "all points" : "11 points"
    var rows = [["class", "truths", "found", "right", "precision", "recall", "F1", "AP"]]
    func add(_ name: String, _ truths: Int, _ point: OperatingPoint, _ ap: Double?) {
      let found = point.truePositives + point.falsePositives
      rows.append([
        name, "\(truths)", "\(found)", "\(point.truePositives)", number(point.precision),
        number(point.recall), number(point.f1), number(ap),
      ])
    }
    for each in classes { add(each.name, each.truths, each.atConfidence, each.averagePrecision) }
    add("all", classes.reduce(0) { $0 + $1.truths }, all, meanAveragePrecision)

    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    var lines = rows.map { row in
      row.indices.map { column in
        let space = String(repeating: " ", count: widths[column] - row[column].count)
        return column == 0 ? row[column] + space : space + row[column]
      }.joined(separator: "  ")
    }
    let rule = String(repeating: "-", count: lines[0].count)
    lines.insert(rule, at: lines.count - 1)
    lines.insert(rule, at: 1)
    lines.append(
      "\(pictures) pictures; AP at IoU >= \(iouThreshold), \(kind); the others at confidence >= "
        + String(format: "%.2f", all.confidence))
    if let best = bestF1 {
      lines.append("best F1 \(number(best.f1)) at confidence >= \(number(best.confidence))")
    }
    return lines.joined(separator: "\n")
  }
}
