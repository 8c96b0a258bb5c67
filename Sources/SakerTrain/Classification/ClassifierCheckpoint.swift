import SakerNN
import SakerVision

/// A classifier's checkpoint as training writes it and prediction reads it.
public struct ClassifierCheckpoint {
  public let card: ClassifierCard
  let base: TrainingCheckpoint

  /// - Throws: `CheckpointError` or `ModelCardError`, naming the file.
  public init(file: String) throws { try self.init(TrainingCheckpoint(file: file)) }

  /// Opens the checkpoint in a file that has been read.
  ///
  /// - Throws: `ModelCardError`, naming the file.
  public init(_ file: WeightsFile) throws { try self.init(TrainingCheckpoint(file)) }

  private init(_ base: TrainingCheckpoint) throws {
    self.base = base
    card = try ClassifierCard(metadata: base.metadata, file: base.file)
  }

  public var file: String { base.file }

  /// The weights to use: averaged ones if the run averaged.
  public var weights: [NamedTensor] {
    base.weights.filter { !$0.name.hasPrefix(LocalClassifier.prefix) }
  }

  /// What the run was asked for.
  ///
  /// - Throws: `TrainingError` if this is no training checkpoint.
  public var origin: [String: String] { get throws { try base.origin } }

  /// How the run was trained.
  public var settings: TrainingSettings { get throws { try base.settings } }

  /// The epochs until then.
  public var results: [EpochResult] { get throws { try base.results } }

  /// The network with its weights.
  ///
  /// - Throws: `ModelCardError` or `CheckpointError`, naming the file.
  public func model() throws -> any Classifier {
    do {
      let model = try withoutStarts { try card.build() }
      try model.load(state: weights, file: file)
      return model
    } catch let error as ModelCardError {
      throw TrainingError("\(file): \(error)")
    }
  }
}
