import ArgumentParser
import Foundation
import Saker

struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Show a model's layers, shapes, parameters, multiply-adds and receptive field.")

  @OptionGroup var common: CommonOptions

  @Argument(help: "A model's name, or a checkpoint.")
  var model: String
  @Option(
    help:
      "Number of classes: 3 for a detector, 1000 for a classifier by default; a checkpoint has its own."
  )
  var classes: Int?
  @Option(
    help:
      "Height and width of the input: 256 for a detector; classifiers and checkpoints have their own."
  )
  var size: Int?
  @Option(
    help: ArgumentHelp(
      "Write the graph of what it computes, operation by operation, for any number of pictures: names, attributes and shapes as .json, a drawing for Graphviz as .dot.",
      valueName: "file"))
  var graph: String?

  func validate() throws {
    guard graph.map({ $0.hasSuffix(".json") || $0.hasSuffix(".dot") }) ?? true else {
      throw ValidationError("graph: expected a name that ends in .json or .dot, got \(graph ?? "")")
    }
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
      if graph != nil {
        let model = withoutStarts { entry.build(classes ?? entry.classes) }
        try write(model, channels: entry.input.channels, side: size ?? entry.input.side)
      }
      return try show(entry.summary(side: size, classes: classes))
    }
    // A file, or a run's folder; names of detectors are neither.
    let file = GivenWeights.file(model)
    let weights =
      FileManager.default.fileExists(atPath: file) ? try WeightsFile(contentsOf: file) : nil
    if let weights, weights.metadata[ClassifierCard.metadataKey] != nil {
      let checkpoint = try ClassifierCheckpoint(weights)
      let input = checkpoint.card.input
      try write(checkpoint.model(), channels: input.channels, side: size ?? input.side)
      return try show(
        ClassifierInfo(checkpoint, ModelSummary(checkpoint.model(), checkpoint.card, side: size)))
    }
    let detector: any Detector
    if let weights {
      detector = try ModelEntry.load(DetectorCheckpoint(weights))
    } else if model.hasSuffix(".safetensors") {
      // Missing: whoever opens it tells.
      detector = try ModelEntry.load(DetectorCheckpoint(file: model))
    } else {
      detector = try ModelEntry.named(model).untrained(
        classes: classes ?? 3, size: size ?? 256, .notes)
    }
    let input = detector.card.preprocessing
    try write(detector, [3, input.height, input.width]) {
      detector.rawOutputs($0).map(\.tensor)
    }
    try show(ModelSummary(detector))
  }

  private func write(_ model: any Classifier, channels: Int, side: Int) throws {
    try write(model, [channels, side, side]) { [model($0)] }
  }

  /// The graph that was asked for, if one was.
  ///
  /// - Parameter picture: channels, height and width.
  private func write(
    _ model: any Module, _ picture: [Int], _ run: (Tensor) -> [Tensor]
  ) throws {
    guard let file = graph else { return }
    let graph = try model.capture([.zeros(Shape([2] + picture))], batch: .open) { run($0[0]) }
    let bytes = file.hasSuffix(".dot") ? Array(graph.dot.utf8) : Array(try graph.json())
    do throws(AtomicFile.Failure) {
      try AtomicFile.write(file, bytes)
    } catch {
      throw GraphFileError(description: "\(file): cannot be written: \(error.reason)")
    }
  }

  private func show(_ summary: some Encodable & CustomStringConvertible) throws {
    if common.json { try printJSON(summary) } else { print(summary) }
  }
}

/// A graph that found no place.
private struct GraphFileError: Error, CustomStringConvertible {
  let description: String
}

/// What a classifier's checkpoint is.
private struct ClassifierInfo: Encodable, CustomStringConvertible {
  let card: ClassifierCard
  /// Epochs trained, and the best top-1 on the validation data.
  let epochs: Int?
  let top1: Double?
  let summary: ModelSummary

  init(_ checkpoint: ClassifierCheckpoint, _ summary: ModelSummary) {
    card = checkpoint.card
    let results = try? checkpoint.results
    epochs = results?.count
    top1 = results?.compactMap(\.top1).max()
    self.summary = summary
  }

  var description: String {
    let input = card.input
    func list(_ values: [Float]) -> String {
      values.map { String(format: "%.4g", $0) }.joined(separator: " ")
    }
    var lines = [
      "classifier \(card.architecture), \(card.variant.isPublished ? "as published" : card.variant.description), \(card.classNames.count) classes: "
        + card.classNames.joined(separator: ", "),
      "pictures: shorter side to \(input.resizedSide) (\(input.interpolation.rawValue)), middle \(input.side)x\(input.side), "
        + "\(input.channels == 1 ? "gray" : input.order.rawValue), mean \(list(input.mean)), std \(list(input.std))",
    ]
    if let epochs {
      lines.append(
        "trained \(epochs) epoch\(epochs == 1 ? "" : "s")"
          + (top1.map { String(format: ", best top-1 on the validation data %.4f", $0) } ?? ""))
    }
    return (lines + ["\(summary)"]).joined(separator: "\n")
  }
}

extension ModelSummary {
  /// Of a classifier, for one picture.
  init(_ model: any Classifier, _ card: ClassifierCard, side: Int?) {
    let side = side ?? card.input.side
    self.init(
      model, name: card.architecture, input: .zeros([1, card.input.channels, side, side])
    ) { _ = model($0) }
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
