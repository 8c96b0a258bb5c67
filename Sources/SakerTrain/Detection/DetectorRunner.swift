import Foundation
import SakerData
import SakerMetrics
import SakerNN
import SakerTensor
import SakerVision

/// Runs a detector over pictures.
public struct DetectorRunner {
  public let model: any Detector
  public var precision: TrainingSettings.Precision
  public var batch: Int
  public var workers: Int
  /// Bad pictures are left out instead of ending the run.
  public var skipBad: Bool
  public var isQuiet: Bool
  /// Hears of each picture that was left out.
  public var onSkip: (PictureError) -> Void = { _ in }

  public init(
    _ model: any Detector, precision: TrainingSettings.Precision = .float32, batch: Int = 16,
    workers: Int = 2, skipBad: Bool = false, isQuiet: Bool = false
  ) {
    self.model = model
    self.precision = precision
    self.batch = batch
    self.workers = workers
    self.skipBad = skipBad
    self.isQuiet = isQuiet
  }

  /// What was found in one picture of a data set, in its pixels.
  public struct Found {
    public let index: Int
    public let detections: [Detection]
  }

  /// Calls `body` with the objects found in each picture, in order.
  ///
  /// - Throws: `TrainingError` if a batch does not fit into memory, what the loader throws, and what `body` throws.
  public func run(
    over dataset: DetectionDataset, _ options: DetectionOptions, _ label: String = "evaluate",
    _ body: (Found) throws -> Void
  ) throws {
    let preprocessing = model.card.preprocessing
    try MemoryNeed.check(model, batch: min(batch, dataset.items.count), .inference, precision)
    var settings = Loader.Options()
    settings.batchSize = batch
    settings.workers = min(workers, dataset.items.count)
    settings.cacheBytes = 0
    settings.skipBad = skipBad
    let loader = Loader(dataset, preprocessing: preprocessing, options: settings)
    let progress = Progress(label, total: dataset.items.count, isQuiet: isQuiet)
    defer { progress.finish() }
    let epoch = loader.epoch()
    var done = 0
    while let batch = try epoch.next() {
      let found = model.detect(batch.tensor(precision), options)
      for (index, detections) in zip(batch.indices, found) {
        let place = preprocessing.placement(of: dataset.items[index].size)
        let inPixels = detections.map { detection in
          var detection = detection
          detection.box = place.fromFractions(detection.box)
            .clipped(
              width: Float(dataset.items[index].size.width),
              height: Float(dataset.items[index].size.height))
          return detection
        }
        try body(Found(index: index, detections: inPixels))
      }
      done += batch.count
      progress.update(done)
    }
    epoch.skipped.forEach(onSkip)
  }

  /// The measures on a data set with truths.
  public func evaluate(
    on dataset: DetectionDataset, _ options: DetectionOptions = DetectionOptions()
  ) throws -> DetectionEvaluation {
    var results: [PictureResult] = []
    try run(over: dataset, options) { found in
      results.append(
        PictureResult(
          detections: found.detections, truths: dataset.items[found.index].annotations))
    }
    return DetectionEvaluation(results, classNames: dataset.classes)
  }
}

extension Batch {
  /// `[N, 3, H, W]` over the batch's own memory, or a bfloat16 copy.
  public func tensor(_ precision: TrainingSettings.Precision = .float32) -> Tensor {
    let images = Tensor(
      adopting: images.pointer, [count, 3, height, width], channelsLast: true, owner: images)
    return precision == .bfloat16 ? images.converted(to: .bfloat16) : images
  }
}

extension Detector {
  /// The objects in one picture, in its pixels.
  public func detect(
    _ picture: Picture, _ options: DetectionOptions,
    _ precision: TrainingSettings.Precision = .float32
  ) -> [Detection] {
    let preprocessing = card.preprocessing
    let size = PictureSize(width: picture.width, height: picture.height)
    let place = preprocessing.placement(of: size)
    var images = Tensor(
      preprocessing.apply(picture), [1, preprocessing.height, preprocessing.width, 3]
    ).permute([0, 3, 1, 2])
    if precision == .bfloat16 { images = images.converted(to: .bfloat16) }
    return detect(images, options)[0].map { detection in
      var detection = detection
      detection.box = place.fromFractions(detection.box).clipped(
        width: Float(size.width), height: Float(size.height))
      return detection
    }
  }
}
