import SakerData
import SakerMetrics
import SakerNN
import SakerTensor
import SakerVision

/// Object detection: boxes and classes, measured by mean average precision. The best epoch is that
/// with the largest at IoU 0.5.
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
    if let layers = settings.detection?.frozenLayers { try model.freezeStages(layers) }
    scales = try settings.multiScale.map { try MultiScaleInput(model, share: $0) }
  }

  public let lossColumns = [
    EpochColumn("train/class_loss", "trainClassLoss"),
    EpochColumn("train/box_loss", "trainBoxLoss"),
  ]
  public let measureColumns = [
    EpochColumn("metrics/precision", "precision"), EpochColumn("metrics/recall", "recall"),
    EpochColumn("metrics/mAP50", "meanAveragePrecision"),
    EpochColumn("metrics/mAP50-95", "meanAveragePrecision5095"),
    EpochColumn("val/class_loss", "valClassLoss"), EpochColumn("val/box_loss", "valBoxLoss"),
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

  /// The heads at a rate of their own.
  public func parameterGroups(_ settings: TrainingSettings) -> [ParameterGroup] {
    let rate = settings.detection?.headRate ?? 1
    guard rate != 1 else { return network.parameterGroups() }
    let all = network.namedParameters
    return [
      ParameterGroup(all.filter { !model.isHead($0.name) }),
      ParameterGroup(all.filter { model.isHead($0.name) }, rateFactor: rate),
    ]
  }

  public func forward(_ images: Tensor) { _ = model.rawOutputs(images) }

  public func loss(_ batch: Batch, _ settings: TrainingSettings, at place: StepPlace) -> StepLoss {
    var images = batch.tensor(settings.precision)
    if let scales { images = scales.resized(images, at: place, seed: settings.seed) }
    let loss = model.loss(images, batch.targets)
    return StepLoss(total: loss.total, parts: [Double(loss.classification), Double(loss.box)])
  }

  /// 0.5, 0.55 ... 0.95: COCO's.
  private static let thresholds = (10..<20).map { Double($0) / 20 }

  public func validate(_ options: ValidationOptions) throws -> Measures {
    guard let validation else { return Measures([:], score: 0) }
    let settings = options.settings
    var runner = DetectorRunner(
      model, precision: settings.precision, batch: settings.batch, workers: settings.workers,
      skipBad: options.skipBad, isQuiet: options.isQuiet)
    runner.onSkip = options.onSkip
    let found = try runner.validate(on: validation, DetectionOptions())
    let measures = DetectionTask.thresholds.map {
      DetectionEvaluation(found.results, classNames: validation.classes, iouThreshold: $0)
    }
    let report = measures[0].report()
    let means = measures.compactMap { $0.meanAveragePrecision() }
    var values = ["valClassLoss": found.classLoss, "valBoxLoss": found.boxLoss]
    values["meanAveragePrecision"] = report.meanAveragePrecision
    values["meanAveragePrecision5095"] =
      means.isEmpty ? nil : means.reduce(0, +) / Double(means.count)
    values["precision"] = report.bestF1?.precision
    values["recall"] = report.bestF1?.recall
    return Measures(values, score: report.meanAveragePrecision ?? 0)
  }
}

extension DataFingerprint {
  /// Fingerprint of names, sizes and boxes.
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
  /// On the validation split, when there is one: mean average precision at IoU 0.5, and precision
  /// and recall at the confidence of the best F1.
  public var meanAveragePrecision: Double? { values["meanAveragePrecision"] }
  /// The mean of it at the IoUs 0.5, 0.55 ... 0.95.
  public var meanAveragePrecision5095: Double? { values["meanAveragePrecision5095"] }
  /// The losses on the validation split, with the weights that are measured: where they rise while
  /// those of training fall, the model learns the images by heart.
  public var valClassLoss: Double? { values["valClassLoss"] }
  public var valBoxLoss: Double? { values["valBoxLoss"] }
  public var precision: Double? { values["precision"] }
  public var recall: Double? { values["recall"] }
}
