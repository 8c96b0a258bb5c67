import ArgumentParser
import Saker

struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Tell a model's layers, shapes, parameters, work and receptive field.")

  @OptionGroup var common: CommonOptions

  @Argument(help: "A model's name, or a checkpoint.")
  var model: String
  @Option(help: "How many classes it tells apart; a checkpoint knows its own.")
  var classes = 3
  @Option(help: "Height and width of the input; a checkpoint knows its own.")
  var size = 256

  func validate() throws {
    guard (1...10_000).contains(classes) else {
      throw ValidationError("classes: expected 1...10000, got \(classes)")
    }
  }

  func run() throws {
    common.apply()
    let detector: any Detector
    if model.hasSuffix(".safetensors") {
      detector = try ModelEntry.load(DetectorCheckpoint(file: model))
    } else {
      detector = try ModelEntry.named(model).untrained(classes: classes, size: size, .notes)
    }
    let summary = ModelSummary(detector)
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
