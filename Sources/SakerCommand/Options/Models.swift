import ArgumentParser
import Saker

/// A model that the command line knows by name.
struct ModelEntry: Sendable {
  let name: String
  let smallestSide: Int
  /// Anchor levels for a choice of anchors and the training objects, in fractions of the input.
  let levels: @Sendable (Anchors, _ height: Int, _ width: Int, [Annotation]) throws -> [AnchorLevel]
  let build: @Sendable (ModelCard, MultiBoxLoss) -> any Detector

  /// The only table from names to models.
  static let all = [
    ModelEntry(
      name: "tiny-ssd", smallestSide: TinySSD.smallestSide,
      levels: { try TinySSD.levels($0, height: $1, width: $2, objects: $3) },
      build: { TinySSD($0, loss: $1) })
  ]

  static func named(_ name: String) throws -> ModelEntry {
    guard let entry = all.first(where: { $0.name == name }) else {
      let known = all.map(\.name).joined(separator: ", ")
      throw ValidationError("model: expected one of \(known), got '\(name)'")
    }
    return entry
  }

  /// A model from a checkpoint, with its weights.
  static func load(_ checkpoint: DetectorCheckpoint, loss: MultiBoxLoss = .ssd) throws
    -> any Detector
  {
    let entry = try model(of: checkpoint)
    let model = entry.build(checkpoint.card, loss)
    try checkpoint.load(into: model)
    return model
  }

  /// The entry that a checkpoint's card names, if the card fits it.
  static func model(of checkpoint: DetectorCheckpoint) throws -> ModelEntry {
    let card = checkpoint.card
    guard let entry = all.first(where: { $0.name == card.architecture }) else {
      let known = all.map(\.name).joined(separator: ", ")
      throw TrainingError(
        "\(checkpoint.file): is for the model '\(card.architecture)', known are \(known)")
    }
    let side = min(card.preprocessing.height, card.preprocessing.width)
    guard side >= entry.smallestSide else {
      throw TrainingError(
        "\(checkpoint.file): expected an input of at least \(entry.smallestSide) pixels a side, got \(side)"
      )
    }
    do {
      _ = try entry.levels(
        .levels(card.anchors), card.preprocessing.height, card.preprocessing.width, [])
    } catch {
      throw TrainingError("\(checkpoint.file): \(error)")
    }
    return entry
  }
}

extension ClassifierCatalog {
  /// The classifier of that name.
  static func required(_ name: String) throws -> ClassifierEntry {
    guard let entry = named(name) else {
      throw ValidationError(
        "model: expected one of those that 'saker models' lists, got '\(name)'"
      )
    }
    return entry
  }
}
