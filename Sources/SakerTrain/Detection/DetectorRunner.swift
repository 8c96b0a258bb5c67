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
  /// Shows several views of each picture, one picture at a time; `nil` shows the picture as it is.
  public var views: TestTimeAugmentation?
  /// Called for each image that was skipped.
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
  /// - Throws: `TrainingError` if a batch does not fit into memory, what the loader throws, and
  ///   what `body` throws.
  public func run(
    over dataset: DetectionDataset, _ options: DetectionOptions, _ label: String = "evaluate",
    _ body: (Found) throws -> Void
  ) throws {
    if let views { return try run(over: dataset, options, label, views, body) }
    try batches(of: dataset, label) { batch in
      let found = model.detect(batch.tensor(precision), options)
      for (index, detections) in zip(batch.indices, found) {
        try body(Found(index: index, detections: inPixels(detections, dataset.items[index].size)))
      }
    }
  }

  /// One picture after the other, each in all views.
  private func run(
    over dataset: DetectionDataset, _ options: DetectionOptions, _ label: String,
    _ views: TestTimeAugmentation, _ body: (Found) throws -> Void
  ) throws {
    let progress = ProgressLine(label, total: dataset.items.count, isQuiet: isQuiet)
    defer { progress.finish() }
    for (index, item) in dataset.items.enumerated() {
      let picture: Picture
      do {
        picture = try Picture(file: item.picture)
      } catch let error as PictureError where skipBad {
        onSkip(error)
        continue
      }
      try body(Found(index: index, detections: model.detect(picture, options, precision, views)))
      progress.update(index + 1)
    }
  }

  /// Calls `body` with each batch, in order.
  private func batches(
    of dataset: DetectionDataset, _ label: String, _ body: (Batch) throws -> Void
  ) throws {
    try MemoryNeed.check(model, batch: min(batch, dataset.items.count), .inference, precision)
    var settings = Loader.Options()
    settings.batchSize = batch
    settings.workers = min(workers, dataset.items.count)
    settings.cacheBytes = 0
    settings.skipBad = skipBad
    let loader = Loader(dataset, preprocessing: model.card.preprocessing, options: settings)
    let progress = ProgressLine(label, total: dataset.items.count, isQuiet: isQuiet)
    defer { progress.finish() }
    let epoch = loader.epoch()
    var done = 0
    while let batch = try epoch.next() {
      try body(batch)
      done += batch.count
      progress.update(done)
    }
    epoch.skipped.forEach(onSkip)
  }

  /// From fractions of the input to pixels of the picture.
  private func inPixels(_ detections: [Detection], _ size: PictureSize) -> [Detection] {
    let place = model.card.preprocessing.placement(of: size)
    return detections.map { detection in
      var detection = detection
      detection.box = place.fromFractions(detection.box)
        .clipped(width: Float(size.width), height: Float(size.height))
      return detection
    }
  }

  /// What was found in a data set with truths, and how far off it was.
  struct Validation {
    var results: [PictureResult] = []
    /// Means over the pictures of their batches' errors, as training has them; NaN
    /// without pictures.
    var classLoss, boxLoss: Double
  }

  /// Runs over a data set with truths once, for the objects and for the losses.
  func validate(on dataset: DetectionDataset, _ options: DetectionOptions) throws -> Validation {
    var (results, sums, count): ([PictureResult], SIMD2<Double>, Int) = ([], .zero, 0)
    try batches(of: dataset, "evaluate") { batch in
      let found = model.evaluate(batch.tensor(precision), batch.targets, options)
      sums += Double(batch.count) * SIMD2(Double(found.loss.classification), Double(found.loss.box))
      count += batch.count
      for (index, detections) in zip(batch.indices, found.detections) {
        let item = dataset.items[index]
        results.append(
          PictureResult(detections: inPixels(detections, item.size), truths: item.annotations))
      }
    }
    let means = sums / Double(count)
    return Validation(results: results, classLoss: means.x, boxLoss: means.y)
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
    detect(picture, options, precision, card.preprocessing)
  }

  /// The objects in several views of one picture, in its pixels: where boxes of one class overlap
  /// by more than `options.iou`, the best stays. A view of another scale is an input of another
  /// size, where the detector takes some.
  public func detect(
    _ picture: Picture, _ options: DetectionOptions, _ precision: TrainingSettings.Precision,
    _ augmentation: TestTimeAugmentation
  ) -> [Detection] {
    let own = card.preprocessing
    let found = augmentation.detect(in: picture, iou: options.iou) { view in
      var preprocessing = own
      if let sides = freeSides {
        let scale = Float(view.width) / Float(picture.width)
        preprocessing.width = sides.nearest(Float(own.width) * scale)
        preprocessing.height = sides.nearest(Float(own.height) * scale)
      }
      return detect(view, options, precision, preprocessing)
    }
    return Array(found.prefix(options.limit))
  }

  private func detect(
    _ picture: Picture, _ options: DetectionOptions, _ precision: TrainingSettings.Precision,
    _ preprocessing: Preprocessing
  ) -> [Detection] {
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

extension FreeSides {
  /// The possible length that is nearest.
  func nearest(_ length: Float) -> Int {
    let least = (smallest + stride - 1) / stride
    return max(Int((length / Float(stride)).rounded()), least) * stride
  }
}
