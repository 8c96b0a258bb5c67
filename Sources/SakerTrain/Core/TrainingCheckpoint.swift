import Foundation
import SakerNN
import SakerTensor

/// A file as training writes it: the weights to use, what the model is, and where the run was.
public struct TrainingCheckpoint {
  public let file: String
  /// The weights to use: averaged ones if the run averaged.
  public let weights: [NamedTensor]
  let contents: Safetensors

  /// - Throws: `CheckpointError` that names the file.
  public init(file: String) throws {
    self.init(try Safetensors(contentsOf: file), file: file)
  }

  /// Opens the checkpoint in a file that has been read.
  public init(_ file: WeightsFile) {
    self.init(Safetensors(file.tensors, metadata: file.metadata), file: file.path)
  }

  private init(_ contents: Safetensors, file: String) {
    self.file = file
    self.contents = contents
    weights = contents.tensors.filter { !$0.name.hasPrefix("training.") }
  }

  /// What the file says of the model and of the run.
  public var metadata: [String: String] { contents.metadata }

  /// What the run was asked for.
  ///
  /// - Throws: `TrainingError` if this is no training checkpoint.
  public var origin: [String: String] { get throws { try state().origin } }

  /// How the run was trained.
  ///
  /// - Throws: `TrainingError` if this is no training checkpoint.
  public var settings: TrainingSettings { get throws { try state().settings } }

  /// The epochs until then.
  ///
  /// - Throws: `TrainingError` if this is no training checkpoint.
  public var results: [EpochResult] { get throws { try state().results } }

  func state() throws -> TrainingState {
    guard let text = contents.metadata[TrainingState.metadataKey] else {
      throw TrainingError(
        "\(file): holds a model but no training to resume: expected a run's weights/last.safetensors"
      )
    }
    do {
      return try JSONDecoder().decode(TrainingState.self, from: Data(text.utf8))
    } catch {
      throw TrainingError("\(file): \(TrainingState.metadataKey) cannot be read: \(error)")
    }
  }
}
