import Foundation
import SakerData

/// How training went: the columns of a run's `results.csv`, drawn as one page of charts.
///
/// `train/NAME` and `val/NAME` share a chart, as do columns of one group (`lr/0`, `lr/1`;
/// `metrics/AP/RBC`, `metrics/AP/WBC`), `metrics/precision`, `recall` and `f1`, and those that
/// begin with `mAP`; every other column has its own. Columns `epoch` (the x axis, else the row's
/// number), `step`, `time` and `seconds` have none.
public struct LearningCurves: Sendable {
  public struct Column: Hashable, Sendable {
    public var name: String
    /// One a row; not a number where the row has none.
    public var values: [Double]

    public init(_ name: String, _ values: [Double]) {
      self.name = name
      self.values = values
    }
  }

  public var columns: [Column]
  public var title = ""
  /// Losses on a logarithmic axis.
  public var logarithmicLosses = false

  public init(_ columns: [Column]) {
    self.columns = columns
  }

  /// Reads a table with a line of names and then numbers, all separated by commas; empty cells and
  /// `nan` are gaps. Throws `PlotError` naming the file, and the line and column where something
  /// else stands.
  public init(file: String) throws {
    guard let data = FileManager.default.contents(atPath: file) else {
      throw PlotError(file: file, "cannot be read")
    }
    try self.init(csv: String(decoding: data, as: UTF8.self), file: file)
  }

  /// As `init(file:)`, from the text of a table.
  public init(csv: String, file: String? = nil) throws {
    let lines = csv.split(omittingEmptySubsequences: false) { $0.isNewline }
    func cells(_ line: Substring) -> [String] {
      line.split(separator: ",", omittingEmptySubsequences: false)
        .map { $0.trimmingCharacters(in: .whitespaces) }
    }
    guard let first = lines.first, !first.allSatisfy(\.isWhitespace) else {
      throw PlotError(file: file, "expected a line of column names, got an empty file")
    }
    let names = cells(first)
    var values = Array(repeating: [Double](), count: names.count)
    for (index, line) in lines.enumerated().dropFirst() where !line.allSatisfy(\.isWhitespace) {
      let row = cells(line)
      guard row.count == names.count else {
        throw PlotError(
          file: file, "line \(index + 1): expected \(names.count) values, got \(row.count)")
      }
      for (column, text) in row.enumerated() {
        guard let value = text.isEmpty ? .nan : Self.number(text) else {
          throw PlotError(
            file: file,
            "line \(index + 1), column \(names[column]): expected a number, got \"\(text)\"")
        }
        values[column].append(value)
      }
    }
    self.init(zip(names, values).map { Column($0, $1) })
  }

  /// A run that diverged writes NaN and infinities.
  private static func number(_ text: String) -> Double? {
    DecimalNumber.parse(text) ?? (["nan", "inf", "-inf"].contains(text) ? Double(text) : nil)
  }

  /// One chart a group of columns, in the order of the table.
  public var charts: [Chart] {
    let rows = columns.map(\.values.count).max() ?? 0
    let epoch = columns.first { $0.name.lowercased() == "epoch" }?.values
    let x = epoch ?? (0..<rows).map { Double($0 + 1) }
    var groups: [(title: String, members: [(name: String, column: Column)])] = []
    // What a run did not measure has a column, but no chart.
    for column in columns where column.values.contains(where: \.isFinite) {
      guard let (title, name) = Self.place(of: column.name) else { continue }
      if let known = groups.firstIndex(where: { $0.title == title }) {
        groups[known].members.append((name, column))
      } else {
        groups.append((title, [(name, column)]))
      }
    }
    return groups.map { group in
      let title =
        group.members.count == 1 && group.title == "mAP" ? group.members[0].name : group.title
      return chart(title.replacing("_", with: " "), group.members, x)
    }
  }

  public var figure: Figure {
    let charts = charts
    return Figure(title: title, charts, columns: charts.count > 4 ? (charts.count + 1) / 2 : nil)
  }

  /// Draws all charts into one PNG, PDF or SVG file. Throws `PlotError` naming the file.
  public func write(to path: String) throws {
    try figure.write(to: path)
  }

  private func chart(_ title: String, _ members: [(name: String, column: Column)], _ x: [Double])
    -> Chart
  {
    let isLoss = title.contains("loss")
    let isRate = title == "learning rate"
    var chart = Chart(
      title: title, x: Axis("epoch", whole: true),
      y: Axis(logarithmic: logarithmicLosses && isLoss))
    // Shares lie in 0...1; showing all of it makes pages comparable.
    if Self.isShare(title), members.allSatisfy({ $0.column.values.allSatisfy { !($0 > 1) } }) {
      chart.y.range = 0...1
    }
    for (index, member) in members.enumerated() {
      let color = Palette.color(index)
      let known = zip(x, member.column.values).filter { $0.1.isFinite }
      let (xs, ys) = (known.map(\.0), known.map(\.1))
      let name = members.count > 1 ? member.name : nil
      if isRate || ys.count < 8 {
        chart.series.append(
          Chart.Series(
            name, x: xs, y: ys, color: color, style: isRate ? .line : .linePoints, width: 1.8))
      } else {
        chart.series += Chart.Series.smoothed(
          name, x: xs, y: ys, color: color, sigma: min(3, max(1, Double(ys.count) / 20)))
      }
    }
    return chart
  }

  /// The chart a column belongs to, and what it is called there.
  private static func place(of name: String) -> (title: String, name: String)? {
    let parts = name.split(separator: "/").map(String.init)
    guard let last = parts.last else { return nil }
    let head = parts[0].lowercased()
    if parts.count == 1 {
      if ["epoch", "step", "time", "seconds"].contains(head) { return nil }
      if ["lr", "learning_rate"].contains(head) { return ("learning rate", last) }
      for split in ["train", "val"] where head.hasPrefix(split + "_") {
        return (String(name.dropFirst(split.count + 1)), split)
      }
      if ["precision", "recall", "f1"].contains(head) { return ("precision and recall", last) }
      return (last, last)
    }
    if head == "train" || head == "val" {
      return (parts.dropFirst().joined(separator: "/"), parts[0])
    }
    if head == "lr" || last.hasPrefix("lr") { return ("learning rate", last) }
    if ["precision", "recall", "f1"].contains(last.lowercased()) {
      return ("precision and recall", last)
    }
    if last.hasPrefix("mAP") { return ("mAP", last) }
    if parts.count == 2, head == "metrics" { return (last, last) }
    return (parts[parts.count - 2], last)
  }

  private static func isShare(_ title: String) -> Bool {
    title == "precision and recall" || title.hasPrefix("mAP") || title.hasPrefix("AP")
  }
}
