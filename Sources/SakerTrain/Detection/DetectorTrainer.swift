import SakerData
import SakerVision

/// Trains a detector.
public typealias DetectorTrainer = Trainer<DetectionTask>

extension Trainer where Task == DetectionTask {
  public var model: any Detector { task.model }
  public var training: DetectionDataset { task.training }
  public var validation: DetectionDataset? { task.validation }

  /// - Parameters:
  ///   - origin: what a resuming command line must find again.
  /// - Throws: `TrainingError` for settings, data or model that cannot be trained with.
  public convenience init(
    _ model: any Detector, on training: DetectionDataset, validation: DetectionDataset? = nil,
    _ settings: TrainingSettings, into folder: RunFolder, origin: [String: String] = [:],
    skipBad: Bool = false
  ) throws {
    try self.init(
      DetectionTask(model, on: training, validation: validation), settings, into: folder,
      origin: origin, skipBad: skipBad)
  }

  /// Goes on where a checkpoint stopped, with its settings: the losses are those of a run
  /// that never stopped.
  ///
  /// - Parameters:
  ///   - model: built from the checkpoint's card.
  ///   - training: the same data as then.
  /// - Throws: `TrainingError` or `CheckpointError` if the checkpoint is not of this run.
  public static func resuming(
    _ checkpoint: DetectorCheckpoint, _ model: any Detector, on training: DetectionDataset,
    validation: DetectionDataset? = nil, into folder: RunFolder, skipBad: Bool = false
  ) throws -> DetectorTrainer {
    try DetectorTrainer(
      resuming: checkpoint.base, DetectionTask(model, on: training, validation: validation),
      into: folder, skipBad: skipBad)
  }
}
