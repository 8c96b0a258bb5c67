import Foundation

/// A run's images and numbers as one page that needs nothing else: it opens offline, and can be
/// sent.
public struct RunReport: Sendable {
  /// A picture or a table, what it shows, and what to do about it.
  public struct Section: Sendable {
    /// In the run's folder: .jpg, .png, or .csv with a header.
    public var file: String
    public var title: String
    public var meaning: String
    public var advice: String
  }

  public var title: String
  /// Names and values, in order: settings, results.
  public var facts: [(name: String, value: String)]
  public var sections: [Section]
  /// The rows of `results.csv`, its header first.
  public var table: [[String]]
  let folder: String

  /// All pictures in `folder` that are known, in the order people look at them, and its
  /// `results.csv` if there is one.
  ///
  /// - Throws: `PlotError` if there is nothing to show.
  public init(
    folder: String, title: String, facts: [(name: String, value: String)] = []
  ) throws {
    self.folder = folder
    self.title = title
    self.facts = facts
    let names = Set((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    let csv = FileManager.default.contents(atPath: folder + "/results.csv")
    table = TextTable.rows(csv ?? Data())
    // A run of a classifier says so by its measures, an evaluation by its table of classes.
    let isClassifier =
      names.contains(ClassificationPictures.classTable)
      || table.first?.contains("metrics/top1") == true
    sections = isClassifier ? RunReport.ofClassifier(names) : RunReport.known(names)
    guard !sections.isEmpty || !table.isEmpty else {
      throw PlotError(file: folder, "expected a run's folder with pictures or results.csv in it")
    }
  }

  /// Writes the page. Pictures are embedded as they are.
  ///
  /// - Throws: `PlotError` naming the file that cannot be read or written.
  public func write(to path: String) throws { try writeAtomically(Array(html().utf8), to: path) }

  func html() throws -> String {
    var body = "<header><h1>\(escaped(title))</h1></header>\n<main>\n"
    if !facts.isEmpty {
      body += "<section><h2>The run</h2>\n<dl>\n"
      for fact in facts {
        body += "<div><dt>\(escaped(fact.name))</dt><dd>\(escaped(fact.value))</dd></div>\n"
      }
      body += "</dl></section>\n"
    }
    if sections.count > 1 {
      let links = sections.enumerated().map { "<a href=\"#s\($0)\">\(escaped($1.title))</a>" }
      body += "<nav>\(links.joined(separator: " "))</nav>\n"
    }
    for (index, section) in sections.enumerated() { body += try html(section, index) }
    if table.count > 1 { body += epochs }
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(escaped(title))</title>
      <style>
      \(RunReport.style)
      </style>
      </head>
      <body>
      \(body)</main>
      </body>
      </html>

      """
  }

  private func html(_ section: Section, _ index: Int) throws -> String {
    let path = folder + "/" + section.file
    guard let data = FileManager.default.contents(atPath: path) else {
      throw PlotError(file: path, "cannot be read")
    }
    if section.file.hasSuffix(".csv") {
      return """
        <section id="s\(index)"><h2>\(escaped(section.title))</h2>
        <p>\(escaped(section.meaning))</p>
        \(html(TextTable.rows(data)))
        <p class="advice"><b>What to do:</b> \(escaped(section.advice))</p>
        <p class="file">\(escaped(section.file))</p></section>

        """
    }
    let kind = section.file.hasSuffix(".png") ? "png" : "jpeg"
    // A single chart at full width would have letters larger than the text's.
    let isPage = kind == "jpeg" || section.file == "results.png"
    return """
      <section id="s\(index)"><h2>\(escaped(section.title))</h2>
      <p>\(escaped(section.meaning))</p>
      <img\(isPage ? "" : " class=\"chart\"") alt="\(escaped(section.title))" src="data:image/\(kind);base64,\(data.base64EncodedString())">
      <p class="advice"><b>What to do:</b> \(escaped(section.advice))</p>
      <p class="file">\(escaped(section.file))</p></section>

      """
  }

  private var epochs: String {
    "<section><h2>Epochs</h2>\n\(html(table))\n<p class=\"file\">results.csv</p></section>\n"
  }

  /// Its first row is the header; words stand at the left, numbers at the right.
  private func html(_ rows: [[String]]) -> String {
    let columns = rows.map(\.count).max() ?? 0
    let areWords = (0..<columns).map { column in
      rows.dropFirst().contains {
        column < $0.count && !$0[column].isEmpty && Double($0[column]) == nil
      }
    }
    var text = "<div class=\"scroll\"><table>\n"
    for (index, row) in rows.enumerated() {
      let tag = index == 0 ? "th" : "td"
      let cells = row.enumerated().map { column, cell in
        "<\(tag)\(areWords[column] ? " class=\"word\"" : "")>\(escaped(cell))</\(tag)>"
      }
      text += "<tr>" + cells.joined() + "</tr>\n"
    }
    return text + "</table></div>"
  }

  private func escaped(_ text: String) -> String {
    var result = ""
    for letter in text {
      switch letter {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.append(letter)
      }
    }
    return result
  }

  private static let style = """
    body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #f4f5f7; margin: 0; }
    header { background: #0b3c5d; color: #fff; padding: 20px 24px; }
    h1 { font-size: 24px; margin: 0; overflow-wrap: anywhere; }
    h2 { font-size: 19px; margin: 0 0 8px; }
    main { max-width: 1000px; margin: 0 auto; padding: 16px; }
    section { background: #fff; border: 1px solid #dcdfe4; border-radius: 6px; padding: 18px 22px;
      margin: 16px 0; }
    img { max-width: 100%; height: auto; display: block; margin: 12px auto; }
    img.chart { max-width: min(100%, 640px); }
    dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(210px, 1fr));
      gap: 8px 20px; margin: 0; }
    dt { color: #555; font-size: 13px; }
    dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
    nav a { display: inline-block; margin: 2px 12px 2px 0; color: #0b5c8f; }
    .advice { background: #eef6fb; border-left: 4px solid #0072b2; padding: 8px 12px; }
    .file { color: #666; font: 13px ui-monospace, monospace; margin: 0; }
    .scroll { overflow: auto; max-height: 480px; }
    table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
    th, td { padding: 3px 9px; text-align: right; border-bottom: 1px solid #e6e8ec; }
    th { position: sticky; top: 0; background: #fff; }
    th.word, td.word { text-align: left; overflow-wrap: anywhere; }
    """
}

/// Tables separated by commas, cells with commas or quotes in quotes, a row a line.
enum TextTable {
  static func text(_ rows: [[String]]) -> String {
    rows.map { row in
      row.map { cell in
        let cell = String(cell.map { $0.isNewline ? " " : $0 })
        return cell.contains { $0 == "," || $0 == "\"" }
          ? "\"" + cell.replacing("\"", with: "\"\"") + "\"" : cell
      }.joined(separator: ",") + "\n"
    }.joined()
  }

  static func rows(_ data: Data) -> [[String]] {
    String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline).map { line in
      var (cells, isQuoted, wasQuote) = ([""], false, false)
      for letter in line {
        if letter == "\"" {
          // A quote twice inside quotes is one.
          if !isQuoted && wasQuote { cells[cells.count - 1].append(letter) }
          isQuoted.toggle()
          wasQuote = !isQuoted
          continue
        }
        wasQuote = false
        if letter == "," && !isQuoted {
          cells.append("")
        } else {
          cells[cells.count - 1].append(letter)
        }
      }
      return cells
    }
  }
}
