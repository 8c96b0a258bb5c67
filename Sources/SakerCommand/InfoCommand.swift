import ArgumentParser
import Saker

struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Tell a model's layers, shapes, parameters, work and receptive field.")

  @OptionGroup var common: CommonOptions

  @Argument(help: "A model's name, or a checkpoint.")
  var model: String
  @Option(
    help:
      "How many classes it tells apart: 3 for a detector, 1000 for a classifier; a checkpoint knows its own."
  )
  var classes: Int?
  @Option(
    help:
      "Height and width of the input: 256 for a detector; classifiers and checkpoints know their own."
  )
  var size: Int?

  func validate() throws {
    guard (1...10_000).contains(classes ?? 1) else {
      throw ValidationError("classes: expected 1...10000, got \(classes ?? 0)")
    }
  }

  func run() throws {
    common.apply()
    if let entry = ClassifierCatalog.named(model) {
      let sides = entry.input.smallestSide...4096
      guard sides.contains(size ?? entry.input.side) else {
        throw ValidationError(
          "size: expected \(sides.lowerBound)...4096 for \(model), got \(size ?? 0)")
      }
      return try show(entry.summary(side: size, classes: classes))
    }
    let detector: any Detector
    if model.hasSuffix(".safetensors") {
      detector = try ModelEntry.load(DetectorCheckpoint(file: model))
    } else {
      detector = try ModelEntry.named(model).untrained(
        classes: classes ?? 3, size: size ?? 256, .notes)
    }
    try show(ModelSummary(detector))
  }

  private func show(_ summary: ModelSummary) throws {
    if common.json { try printJSON(summary) } else { print(summary) }
  }
}

extension ModelEntry {
  /// The model with random weights, for classes without names.
  func untrained(classes: Int, size: Int, _ anchors: Anchors) throws -> any Detector {
    guard (smallestSide...4096).contains(size) else {
      throw ValidationError("size: expected \(smallestSide)...4096 for \(name), got \(size)")
    }
    let card = ModelCard(
      architecture: name, classNames: (0..<classes).map { "class \($0)" },
      anchors: try levels(anchors, size, size, []),
      preprocessing: .imageNet(height: size, width: size))
    return withSeed(0) { build(card, .ssd) }
  }
}
