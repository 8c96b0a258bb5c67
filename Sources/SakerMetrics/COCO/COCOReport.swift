import Foundation

extension COCOEvaluation: CustomStringConvertible {
  /// The 12 lines that pycocotools prints.
  public var description: String {
    let rows: [(isPrecision: Bool, iou: String, area: String, limit: Int)] = [
      (true, "0.50:0.95", "all", 100), (true, "0.50", "all", 100), (true, "0.75", "all", 100),
      (true, "0.50:0.95", "small", 100), (true, "0.50:0.95", "medium", 100),
      (true, "0.50:0.95", "large", 100), (false, "0.50:0.95", "all", 1),
      (false, "0.50:0.95", "all", 10), (false, "0.50:0.95", "all", 100),
      (false, "0.50:0.95", "small", 100), (false, "0.50:0.95", "medium", 100),
      (false, "0.50:0.95", "large", 100),
    ]
    return zip(rows, stats).map { row, value in
      let title = row.isPrecision ? "Average Precision  (AP)" : "Average Recall     (AR)"
      let iou = row.iou.padding(toLength: 9, withPad: " ", startingAt: 0)
      let area = String(repeating: " ", count: 6 - row.area.count) + row.area
      return String(
        format: " \(title) @[ IoU=\(iou) | area=\(area) | maxDets=%3d ] = %.3f", row.limit, value)
    }.joined(separator: "\n")
  }

  /// A row a category: truths, detections, AP, AP50, AP75 and average recall; `-` without truths.
  public var table: String {
    func number(_ value: Double) -> String { value < 0 ? "-" : String(format: "%.3f", value) }
    var rows = [["category", "truths", "found", "AP", "AP50", "AP75", "AR"]]
    for each in categories {
      rows.append(
        [each.name.isEmpty ? "\(each.id)" : each.name, "\(each.truths)", "\(each.detections)"]
          + [0, 1, 2, 8].map { number(each.stats[$0]) })
    }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      row.indices.map { column in
        let space = String(repeating: " ", count: widths[column] - row[column].count)
        return column == 0 ? row[column] + space : space + row[column]
      }.joined(separator: "  ")
    }.joined(separator: "\n")
  }

  /// `stats` (the 12 numbers, unrounded), `iou_type`, `pictures`, and the same a category under
  /// `categories`.
  public var json: String {
    struct Row: Encodable {
      var id: Int
      var name: String
      var truths, detections: Int
      var stats: [Double]
    }
    struct Report: Encodable {
      var stats: [Double]
      var iouType: Kind
      var pictures: Int
      var categories: [Row]
    }
    let report = Report(
      stats: stats, iouType: kind, pictures: pictures,
      categories: categories.map {
        Row(
          id: $0.id, name: $0.name, truths: $0.truths, detections: $0.detections, stats: $0.stats)
      })
    return metricsJSON(report)
  }
}

/// Fields as `snake_case`, sorted, numbers in full precision.
func metricsJSON(_ report: some Encodable) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
  encoder.keyEncodingStrategy = .convertToSnakeCase
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
  do {
    return String(decoding: try encoder.encode(report), as: UTF8.self)
  } catch {
    preconditionFailure("a report is made of numbers and names only: \(error)")
  }
}
