import SakerData
import SakerNN
import SakerTensor
import SakerVision

/// A training in two phases: validation chooses the number of epochs, then the network is trained
/// anew, from the same start, on the pictures to learn from and to validate on, for so many.
/// Goodfellow, Bengio and Courville, "Deep Learning", algorithm 7.2.
public enum RefitPhase: String, Codable, Sendable {
  case choosing, refit

  /// Under which a run's origin has it.
  public static let originKey = "phase"

  /// Of a run with that origin; `nil` for one that has no phases.
  public init?(origin: [String: String]) {
    guard let text = origin[RefitPhase.originKey] else { return nil }
    self.init(rawValue: text)
  }
}

extension TrainingSettings {
  /// The same recipe for so many epochs: each has the learning rate that it had when the number was
  /// chosen, and nothing stops it early.
  public func refitting(for epochs: Int) -> TrainingSettings {
    var settings = self
    settings.lastEpoch = epochs
    settings.patience = 0
    return settings
  }

  /// How many epochs are trained.
  public var trainedEpochs: Int { min(lastEpoch ?? epochs, epochs) }
}

extension Trainer {
  /// The epoch of the best validation result, from 1; without validation data the last. `nil` as
  /// long as there is none.
  public var bestEpoch: Int? {
    let epoch = state.epoch - state.bestEpoch.waited
    return epoch > 0 ? epoch : nil
  }

  /// Writes the weights as they are before the first step, for a second training from the same
  /// start.
  ///
  /// - Throws: `TrainingError` or `CheckpointError` if the file cannot be written.
  public func saveStart() throws {
    try folder.prepare()
    try Safetensors(task.network.state, metadata: task.metadata).write(to: folder.start)
  }

  /// The settings and the origin of the second phase.
  private func second() throws -> (settings: TrainingSettings, origin: [String: String]) {
    guard task.isValidated, let epochs = bestEpoch else {
      throw TrainingError(
        "\(folder.path): refit: expected an epoch that validation data chose, got none")
    }
    let phase = [RefitPhase.originKey: RefitPhase.refit.rawValue]
    return (settings.refitting(for: epochs), state.origin.merging(phase) { $1 })
  }
}

extension Trainer where Task == DetectionTask {
  /// The second phase, once this one is done: from its stored start on all pictures, for as many
  /// epochs as its best one had.
  ///
  /// - Parameter model: built like this trainer's, under the same seed: layers that draw
  ///   numbers draw the same.
  /// - Throws: `TrainingError` without validation data or a start; what reading the start throws.
  public func refitting(
    _ model: any Detector, into folder: RunFolder
  ) throws -> DetectorTrainer {
    let (settings, origin) = try second()
    try DetectorCheckpoint(file: self.folder.start).load(into: model)
    return try DetectorTrainer(
      model, on: training.joined(with: validation), settings, into: folder, origin: origin,
      skipBad: skipBad)
  }
}

extension Trainer where Task == ClassificationTask {
  /// The second phase, once this one is done: from its stored start on all pictures, for as many
  /// epochs as its best one had.
  ///
  /// - Parameter model: built like this trainer's, under the same seed: layers that draw
  ///   numbers draw the same.
  /// - Throws: `TrainingError` without validation data or a start; what reading the start throws.
  public func refitting(
    _ model: any Classifier, into folder: RunFolder
  ) throws -> ClassifierTrainer {
    let (settings, origin) = try second()
    let start = try ClassifierCheckpoint(file: self.folder.start)
    try model.load(state: start.weights, file: start.file)
    return try ClassifierTrainer(
      model, card, on: training.joined(with: validation), teacher: task.teacher, settings,
      into: folder, origin: origin, skipBad: skipBad)
  }
}

extension DetectionDataset {
  /// The pictures of both, those that both have once.
  ///
  /// - Throws: `TrainingError` if their classes are not the same.
  public func joined(with other: DetectionDataset?) throws -> DetectionDataset {
    guard let other else { return self }
    try demandSame(classes, other.classes)
    var joined = self
    let known = Set(items.map(\.picture))
    joined.items += other.items.filter { !known.contains($0.picture) }
    return joined
  }
}

extension ClassificationDataset {
  /// The pictures of both, those that both have once.
  ///
  /// - Throws: `TrainingError` if their classes are not the same.
  public func joined(with other: ClassificationDataset?) throws -> ClassificationDataset {
    guard let other else { return self }
    try demandSame(classes, other.classes)
    var joined = self
    let known = Set(items)
    joined.items += other.items.filter { !known.contains($0) }
    return joined
  }
}

private func demandSame(_ classes: [String], _ others: [String]) throws {
  guard classes == others else {
    throw TrainingError(
      "the pictures to validate on have the classes \(others.joined(separator: ", ")), those to learn from "
        + classes.joined(separator: ", "))
  }
}
