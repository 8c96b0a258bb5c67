import Foundation
import Saker

/// The pages about the families of classifiers: `docs/models`. All that is in them comes from the
/// catalogue, the table of facts and the notes of the families, so that writing them takes no time
/// and a test can tell whether they are up to date.
enum ModelPages {
  /// File names and contents.
  static var all: [(name: String, text: String)] {
    [("README.md", index)] + FamilyNote.all.map { (fileName($0) + ".md", page($0)) }
  }

  static func entries(_ note: FamilyNote) -> [ClassifierEntry] {
    ClassifierCatalog.all.filter { $0.family == note.family }
  }

  static func fileName(_ note: FamilyNote) -> String { note.family.lowercased() }

  /// Writes all pages and pictures into a folder, which is made if it does not exist.
  static func write(to folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (name, text) in all {
      try AtomicFile.write(folder + "/" + name) { output in
        try Array(text.utf8).withUnsafeBytes { try output.write($0) }
      }
    }
    for note in FamilyNote.all {
      try diagram(note).drawing.write(to: "\(folder)/\(fileName(note)).png", scale: 1.25)
    }
  }

  private static var index: String {
    let rows = FamilyNote.all.map { note in
      let entries = entries(note)
      let sizes = entries.map(\.facts.parameters)
      let names =
        entries.count > 4
        ? "\(entries[0].name) ... \(entries[entries.count - 1].name)"
        : entries.map(\.name).joined(separator: ", ")
      let (low, high) = (millions(sizes.min() ?? 0), millions(sizes.max() ?? 0))
      return
        "| [\(note.title)](\(fileName(note)).md) | \(entries.count) | `\(names)` | \(low == high ? low : low + " to " + high) |"
    }
    return """
      # Models

      Every classifier by family, with paper, idea, picture and numbers. `saker models --docs docs/models` writes these pages; \
      `saker models` lists all, `saker info NAME` tells a network's layers. How weights are read: [weights.md](../weights.md).

      | family | variants | names | million parameters |
      |---|---|---|---|
      \(rows.joined(separator: "\n"))

      """
  }

  static func page(_ note: FamilyNote) -> String {
    let entries = entries(note)
    let rows = entries.map { entry in
      let facts = entry.facts
      let input = entry.input
      let field = facts.receptiveField.map(String.init) ?? "all"
      let strides = facts.stages.map { "\($0.stride)" }.joined(separator: ", ")
      return "| `\(entry.name)` | \(grouped(facts.parameters)) | \(grouped(facts.multiplyAdds)) | "
        + "\(input.side) of \(input.resizedSide) | \(field) | \(strides) | \(source(entry)) |"
    }
    let papers = note.papers.map { "- \($0)" }.joined(separator: "\n")
    let deviations = note.deviations.isEmpty ? "" : "\n\nHere: \(note.deviations)"
    let shown = shown(note)
    let channels = shown.facts.stages.map { "\($0.channels)" }.joined(separator: ", ")
    return """
      # \(note.title)

      \(papers)

      \(note.idea)\(deviations)

      ![\(note.title): the maps of \(shown.name) and \(note.block.name)](\(fileName(note)).png)

      Above: the maps of `\(shown.name)` and what computes them, activations and norms left out and layers of a kind counted; below: \(note.block.name).

      | name | parameters | multiply-adds | pixels a side, of | receptive field | strides of `features` | names and outputs as of |
      |---|---|---|---|---|---|---|
      \(rows.joined(separator: "\n"))

      `features` of `\(shown.name)` have \(channels) channels. The receptive field is that of a place of the last map, in pixels a side \
      ("all": the whole picture). Parameters are those for \(shown.classes) classes.

      \(forms(entries[0]))

      Checked by `ClassifierGoldenTests`: each variant's outputs to 1e-4, names, parameters and multiply-adds, and a training step of one \
      variant, against `Scripts/golden/classifiers.py`; this table's numbers against the network itself.

      """
  }

  /// How networks of the family can differ from the published ones.
  private static func forms(_ entry: ClassifierEntry) -> String {
    let abilities = entry.abilities
    var forms: [String] = []
    if abilities.contains(.stem) { forms.append("`--stem small` for pictures of 8 to 64 pixels") }
    if abilities.contains(.width) { forms.append("`--width`") }
    if entry.auxiliarySide != nil {
      forms.append("auxiliary heads while training (`--aux-weight`)")
    }
    if abilities.contains(.channels) { forms.append("fewer channels by `saker prune`") }
    return forms.isEmpty
      ? "There is one form of each." : "Other forms: \(forms.joined(separator: ", "))."
  }

  private static func source(_ entry: ClassifierEntry) -> String {
    entry.source == .paper ? "the paper, written again in PyTorch" : entry.source.rawValue
  }

  /// The variant that is drawn.
  private static func shown(_ note: FamilyNote) -> ClassifierEntry {
    let entries = entries(note)
    let known = [
      "resnet50", "vgg16", "resnetv2_50", "vit_b_16", "mixer_b16_224", "mobilenet_v3_large",
      "shufflenet_v2_x1_0", "ghostnet_100",
    ]
    return entries.first { known.contains($0.name) } ?? entries[0]
  }

  static func diagram(_ note: FamilyNote) -> ArchitectureDiagram {
    let entry = shown(note)
    let input = entry.input
    return ArchitectureDiagram(
      title: "\(note.title): \(entry.name)",
      input: .init(side: input.side, channels: input.channels, stride: 1, layers: ""),
      stages: entry.facts.stages.map {
        .init(side: $0.side, channels: $0.channels, stride: $0.stride, layers: $0.layers)
      }, result: "\(entry.classes) classes", blockName: note.block.name,
      branches: note.block.branches, blockEnd: note.block.end)
  }

  private static func grouped(_ number: Int) -> String {
    var digits = String(number)
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return ([digits] + groups).joined(separator: ",")
  }

  /// With as many digits as papers give.
  static func millions(_ count: Int) -> String {
    let hundredths = (count + 5_000) / 10_000
    let digits = "\(hundredths % 100)"
    return "\(hundredths / 100)." + (digits.count < 2 ? "0" : "") + digits
  }
}
