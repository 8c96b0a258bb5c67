import Foundation

/// A run's pictures and numbers as one page that needs nothing else: it opens offline, and can be
/// sent.
public struct RunReport: Sendable {
  /// A picture, what it shows, and what to do about it.
  public struct Section: Sendable {
    /// In the run's folder.
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
    sections = RunReport.known(names)
    let csv = FileManager.default.contents(atPath: folder + "/results.csv")
    table = String(decoding: csv ?? Data(), as: UTF8.self).split(whereSeparator: \.isNewline)
      .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
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
    var text = "<section><h2>Epochs</h2>\n<div class=\"scroll\"><table>\n"
    for (index, row) in table.enumerated() {
      let tag = index == 0 ? "th" : "td"
      text += "<tr>" + row.map { "<\(tag)>\(escaped($0))</\(tag)>" }.joined() + "</tr>\n"
    }
    return text + "</table></div>\n<p class=\"file\">results.csv</p></section>\n"
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
    """
}
