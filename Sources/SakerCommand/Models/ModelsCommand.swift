import ArgumentParser
import Saker

struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models",
    abstract:
      "List all models with their size, their multiply-adds and what they were checked against.",
    discussion: """
      The numbers come from a table that the tests compare with the networks themselves; --table measures them anew, which takes a \
      few minutes.
      """)

  @OptionGroup var common: CommonOptions

  @Option(help: "Only models of this family, such as ResNet.")
  var family: String?
  @Flag(help: "Print the family's page.")
  var markdown = false
  @Option(help: "Write a page with an image for each family into this folder.")
  var docs: String?
  @Option(help: "Build and run every network and write the table of their numbers, a Swift file.")
  var table: String?

  func validate() throws {
    if let family, !families.contains(where: { $0.lowercased() == family.lowercased() }) {
      throw ValidationError(
        "family: expected one of \(families.joined(separator: ", ")), got '\(family)'")
    }
    if markdown && family == nil { throw ValidationError("markdown: expected a --family") }
  }

  private var families: [String] { FamilyNote.all.map(\.family) + ["SSD"] }

  private struct Row: Encodable {
    var name, family, task: String
    /// For 1000 classes, of a detector for 20.
    var parameters, multiplyAdds: Int
    /// Of the picture, in pixels a side.
    var size: Int
    /// Of the last map, in pixels a side; left out where it is the whole picture.
    var receptiveField: Int?
    /// Of the maps that `features` gives.
    var strides: [Int]
    /// Whose outputs, parameters and multiply-adds it was found equal to.
    var checkedAgainst: String
    /// The test that does.
    var checkedBy: String
  }

  func run() throws {
    common.apply()
    if let table { return try measure(into: table) }
    if let docs {
      try ModelPages.write(to: docs)
      return print("\(ModelPages.all.count) pages written to \(docs)")
    }
    if markdown, let note = FamilyNote.all.first(where: { isWanted($0.family) }) {
      return print(ModelPages.page(note), terminator: "")
    }
    let rows = try rows().filter { isWanted($0.family) }
    guard !common.json else { return try printJSON(rows) }
    show(rows)
  }

  private func isWanted(_ name: String) -> Bool {
    family.map { $0.lowercased() == name.lowercased() } ?? true
  }

  private func rows() throws -> [Row] {
    let classifiers = ClassifierCatalog.all.map { entry in
      let facts = entry.facts
      return Row(
        name: entry.name, family: entry.family, task: "classify", parameters: facts.parameters,
        multiplyAdds: facts.multiplyAdds, size: entry.input.side,
        receptiveField: facts.receptiveField, strides: facts.stages.map(\.stride),
        checkedAgainst: entry.source.rawValue, checkedBy: "ClassifierGoldenTests")
    }
    let detectors = try ModelEntry.all.map { entry in
      let summary = ModelSummary(try entry.untrained(classes: 20, size: 256, .notes))
      return Row(
        name: entry.name, family: "SSD", task: "detect", parameters: summary.parameters,
        multiplyAdds: summary.multiplyAdds, size: 256, strides: [8, 16, 32, 64, 256],
        checkedAgainst: "d2l", checkedBy: "TinySSDGoldenTests")
    }
    return classifiers + detectors
  }

  private func show(_ rows: [Row]) {
    let columns = [
      "name", "task", "pixels", "parameters", "multiply-adds", "field", "checked against", "by",
    ]
    let cells =
      [columns]
      + rows.map {
        [
          $0.name, $0.task, "\($0.size)", ModelPages.millions($0.parameters) + " M",
          ModelPages.millions($0.multiplyAdds) + " M", $0.receptiveField.map(String.init) ?? "all",
          $0.checkedAgainst, $0.checkedBy,
        ]
      }
    let widths = columns.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    for row in cells {
      let line = row.enumerated().map { column, text in
        let space = String(repeating: " ", count: widths[column] - text.count)
        return (2...5).contains(column) ? space + text : text + space
      }
      print(line.joined(separator: "  "))
    }
  }

  private func measure(into path: String) throws {
    let progress = ProgressLine("models", total: ClassifierCatalog.all.count, isQuiet: common.json)
    var lines: [String] = []
    for entry in ClassifierCatalog.all {
      lines.append("    \(entry.name)|\(ClassifierFacts(measuring: entry).line)")
      progress.update(lines.count)
    }
    progress.finish()
    let text = """
      extension ClassifierFacts {
        /// Written by `saker models --table FILE`: a line for each network.
        static let table = \"\"\"
      \(lines.joined(separator: "\n"))
          \"\"\"
      }

      """
    try AtomicFile.write(path) { output in
      try Array(text.utf8).withUnsafeBytes { try output.write($0) }
    }
    print("\(lines.count) networks written to \(path)")
  }
}

extension ClassifierEntry {
  /// Of one picture, for 1000 classes (digits: 10).
  func summary(side: Int? = nil, classes: Int? = nil) -> ModelSummary {
    let model = withoutStarts { build(classes ?? self.classes) }
    let side = side ?? input.side
    return ModelSummary(
      model, name: name, input: .zeros([1, input.channels, side, side])
    ) { _ = model($0) }
  }
}
