import SakerData
import SakerNN
import SakerTensor
import SakerVision

/// Finding objects: boxes and classes, measured by mean average precision at IoU 0.5.
public final class DetectionTask: TrainingTask {
  public let model: any Detector
  public let training: DetectionDataset
  public let validation: DetectionDataset?
  private var scales: MultiScaleInput?

  public init(
    _ model: any Detector, on training: DetectionDataset, validation: DetectionDataset? = nil
  ) {
    self.model = model
    self.training = training
    self.validation = validation
  }

  public var network: any Module { model }
  public var metadata: [String: String] { model.card.metadata }
  public var isValidated: Bool { validation != nil }
  public var fingerprint: DataFingerprint { DataFingerprint(training) }

  /// The largest one, if sizes are drawn.
  public var inputShape: [Int] {
    let own = model.card.preprocessing
    let size = scales?.largest ?? PictureSize(width: own.width, height: own.height)
    return [3, size.height, size.width]
  }

  public func prepare(_ settings: TrainingSettings) throws {
    scales = try settings.multiScale.map { try MultiScaleInput(model, share: $0) }
  }

  public let lossColumns = [
    EpochColumn("train/class_loss", "trainClassLoss"),
    EpochColumn("train/box_loss", "trainBoxLoss"),
  ]
  public let measureColumns = [
    EpochColumn("metrics/precision", "precision"), EpochColumn("metrics/recall", "recall"),
    EpochColumn("metrics/mAP50", "meanAveragePrecision"),
  ]

  public func loader(_ settings: TrainingSettings, skipBad: Bool) throws -> Loader {
    guard !training.items.isEmpty else { throw TrainingError("the training data has no pictures") }
    var options = Loader.Options(training: settings, skipBad: skipBad)
    options.outlines = settings.augmentation != nil
    let preprocessing = model.card.preprocessing
    return Loader(
      training, preprocessing: preprocessing, transforms: settings.transforms(preprocessing),
      options: options)
  }

  public func forward(_ images: Tensor) { _ = model.rawOutputs(images) }

  public func loss(_ batch: Batch, _ settings: TrainingSettings, at place: StepPlace) -> StepLoss {
    var images = batch.tensor(settings.precision)
    if let scales { images = scales.resized(images, at: place, seed: settings.seed) }
    let loss = model.loss(images, batch.targets)
    return StepLoss(total: loss.total, parts: [Double(loss.classification), Double(loss.box)])
  }

  public func validate(_ options: ValidationOptions) throws -> Measures {
    guard let validation else { return Measures([:], score: 0) }
    let settings = options.settings
    var runner = DetectorRunner(
      model, precision: settings.precision, batch: settings.batch, workers: settings.workers,
      skipBad: options.skipBad, isQuiet: options.isQuiet)
    runner.onSkip = options.onSkip
    let report = try runner.evaluate(on: validation).report()
    var values: [String: Double] = [:]
    values["meanAveragePrecision"] = report.meanAveragePrecision
    values["precision"] = report.bestF1?.precision
    values["recall"] = report.bestF1?.recall
    return Measures(values, score: report.meanAveragePrecision ?? 0)
  }
}

extension DataFingerprint {
  /// Of names, sizes and boxes.
  init(_ dataset: DetectionDataset) {
    self.init(pictures: dataset.items.count, boxes: dataset.boxCount)
    for item in dataset.items {
      add(item.name)
      add(UInt64(item.size.width))
      add(UInt64(item.size.height))
      for annotation in item.annotations {
        add(UInt64(annotation.label))
        let box = annotation.box
        for side in [box.left, box.top, box.right, box.bottom] { add(UInt64(side.bitPattern)) }
      }
    }
  }
}

extension EpochResult {
  public var trainClassLoss: Double { values["trainClassLoss"] ?? .nan }
  public var trainBoxLoss: Double { values["trainBoxLoss"] ?? .nan }
  /// On the validation split, when there is one: mean average precision at IoU 0.5, and precision and recall at the
  /// confidence of the best F1.
  public var meanAveragePrecision: Double? { values["meanAveragePrecision"] }
  public var precision: Double? { values["precision"] }
  public var recall: Double? { values["recall"] }
}
