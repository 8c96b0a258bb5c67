import SakerData
import SakerVision

/// Trains a classifier.
public typealias ClassifierTrainer = Trainer<ClassificationTask>

extension Trainer where Task == ClassificationTask {
  public var model: any Classifier { task.model }
  public var card: ClassifierCard { task.card }
  public var training: ClassificationDataset { task.training }
  public var validation: ClassificationDataset? { task.validation }

  /// - Parameters:
  ///   - card: as the model was built; its class names are those of the data, in their order.
  ///   - origin: what a resuming command line must find again.
  /// - Throws: `TrainingError` for settings, data or model that cannot be trained with.
  public convenience init(
    _ model: any Classifier, _ card: ClassifierCard, on training: ClassificationDataset,
    validation: ClassificationDataset? = nil, teacher: ClassifierTeacher? = nil,
    _ settings: TrainingSettings, into folder: RunFolder, origin: [String: String] = [:],
    skipBad: Bool = false
  ) throws {
    try self.init(
      ClassificationTask(model, card, on: training, validation: validation, teacher: teacher),
      settings,
      into: folder, origin: origin, skipBad: skipBad)
  }

  /// Goes on where a checkpoint stopped, with its settings: the losses are those of a run
  /// that never stopped.
  ///
  /// - Parameter training: the same data as then.
  /// - Throws: `TrainingError` or `CheckpointError` if the checkpoint is not of this run.
  public static func resuming(
    _ checkpoint: ClassifierCheckpoint, on training: ClassificationDataset,
    validation: ClassificationDataset? = nil, teacher: ClassifierTeacher? = nil,
    into folder: RunFolder, skipBad: Bool = false
  ) throws -> ClassifierTrainer {
    let model = try checkpoint.model()
    return try ClassifierTrainer(
      resuming: checkpoint.base,
      ClassificationTask(
        model, checkpoint.card, on: training, validation: validation, teacher: teacher),
      into: folder, skipBad: skipBad)
  }
}
