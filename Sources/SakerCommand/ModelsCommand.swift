import ArgumentParser
import Saker

struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models",
    abstract: "List all models with their size, their work and what they were compared with.")

  @OptionGroup var common: CommonOptions

  private struct Row: Encodable {
    var name, family, task: String
    /// For 1000 classes, of a detector for 20.
    var parameters, multiplyAdds: Int
    /// Of the picture, in pixels a side.
    var size: Int
    /// Whose outputs, parameters and multiply-adds it was found equal to.
    var checkedAgainst: String
  }

  func run() throws {
    common.apply()
    let progress = Progress(
      "models", total: ClassifierCatalog.all.count, isQuiet: common.json)
    var rows: [Row] = []
    for entry in ClassifierCatalog.all {
      let summary = entry.summary()
      rows.append(
        Row(
          name: entry.name, family: entry.family, task: "classify",
          parameters: summary.parameters, multiplyAdds: summary.multiplyAdds,
          size: entry.input.side, checkedAgainst: entry.source.rawValue))
      progress.update(rows.count)
    }
    progress.finish()
    for entry in ModelEntry.all {
      let summary = ModelSummary(try entry.untrained(classes: 20, size: 256, .notes))
      rows.append(
        Row(
          name: entry.name, family: "SSD", task: "detect", parameters: summary.parameters,
          multiplyAdds: summary.multiplyAdds, size: 256, checkedAgainst: "d2l"))
    }
    guard !common.json else { return try printJSON(rows) }
    let columns = ["name", "task", "pixels", "parameters", "multiply-adds", "checked against"]
    let cells =
      [columns]
      + rows.map {
        [
          $0.name, $0.task, "\($0.size)", millions($0.parameters), millions($0.multiplyAdds),
          $0.checkedAgainst,
        ]
      }
    let widths = columns.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    for row in cells {
      let line = row.enumerated().map { column, text in
        let space = String(repeating: " ", count: widths[column] - text.count)
        return (2...4).contains(column) ? space + text : text + space
      }
      print(line.joined(separator: "  "))
    }
  }

  /// In millions, with as many digits as papers give.
  private func millions(_ count: Int) -> String {
    let hundredths = (count + 5_000) / 10_000
    let digits = "\(hundredths % 100)"
    return "\(hundredths / 100)." + (digits.count < 2 ? "0" : "") + digits + " M"
  }
}

extension ClassifierEntry {
  /// Of one picture, for 1000 classes (digits: 10).
  func summary(side: Int? = nil, classes: Int? = nil) -> ModelSummary {
    let model = withoutStarts { build(classes ?? (input.channels == 1 ? 10 : 1000)) }
    let side = side ?? input.side
    return ModelSummary(
      model, name: name, input: .zeros([1, input.channels, side, side])
    ) { _ = model($0) }
  }
}
