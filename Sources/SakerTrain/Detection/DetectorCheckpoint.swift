import SakerNN
import SakerVision

/// A detector's checkpoint as training writes it and evaluation reads it.
public struct DetectorCheckpoint {
  public let card: ModelCard
  let base: TrainingCheckpoint

  /// - Throws: `CheckpointError` or `ModelCardError`, naming the file.
  public init(file: String) throws { try self.init(TrainingCheckpoint(file: file)) }

  /// Opens the checkpoint in a file that has been read.
  ///
  /// - Throws: `ModelCardError`, naming the file.
  public init(_ file: WeightsFile) throws { try self.init(TrainingCheckpoint(file)) }

  private init(_ base: TrainingCheckpoint) throws {
    self.base = base
    card = try ModelCard(metadata: base.metadata, file: base.file)
  }

  public var file: String { base.file }

  /// The weights to use: averaged ones if the run averaged.
  public var weights: [NamedTensor] { base.weights }

  /// Puts the weights into a model that was built from the card.
  public func load(into model: any Detector) throws {
    try model.load(state: weights, file: file)
  }

  /// What the run was asked for.
  ///
  /// - Throws: `TrainingError` if this is no training checkpoint.
  public var origin: [String: String] { get throws { try base.origin } }

  /// How the run was trained.
  ///
  /// - Throws: `TrainingError` if this is no training checkpoint.
  public var settings: TrainingSettings { get throws { try base.settings } }

  var contents: Safetensors { base.contents }
  func state() throws -> TrainingState { try base.state() }
}
