import SakerData
import SakerMetrics
import SakerNN
import SakerTensor
import SakerVision

/// Runs a classifier over pictures.
public struct ClassifierRunner {
  public let model: any Classifier
  public let card: ClassifierCard
  public var precision: TrainingSettings.Precision
  public var batch: Int
  public var workers: Int
  /// Bad pictures are left out instead of ending the run.
  public var skipBad: Bool
  public var isQuiet: Bool
  /// Whether each picture is also shown mirrored, and both views vote: the mean of their
  /// probabilities counts.
  public var votes = false
  /// Called for each image that was skipped.
  public var onSkip: (PictureError) -> Void = { _ in }

  public init(
    _ model: any Classifier, _ card: ClassifierCard,
    precision: TrainingSettings.Precision = .float32, batch: Int = 64, workers: Int = 2,
    skipBad: Bool = false, isQuiet: Bool = false
  ) {
    self.model = model
    self.card = card
    self.precision = precision
    self.batch = batch
    self.workers = workers
    self.skipBad = skipBad
    self.isQuiet = isQuiet
  }

  /// Calls `body` with each picture's index and the probabilities of its classes, in order.
  ///
  /// - Throws: `TrainingError` if a batch does not fit into memory, what the loader throws, and
  ///   what `body` throws.
  public func run(
    over source: some PictureSource, _ label: String = "evaluate",
    _ body: (_ index: Int, _ probabilities: [Float]) throws -> Void
  ) throws {
    let input = card.input
    try MemoryNeed.check(
      [input.channels, input.side, input.side], batch: min(batch, source.count), .inference,
      precision,
      ModelSummary(
        model, name: "", input: .zeros([1, input.channels, input.side, input.side])
      ) { _ = model($0) })
    var options = Loader.Options()
    options.batchSize = batch
    options.workers = min(workers, source.count)
    options.cacheBytes = 0
    options.skipBad = skipBad
    let loader = Loader(
      source, preprocessing: input.normalization, transforms: [ClassifierFit(input)],
      options: options)
    let progress = ProgressLine(label, total: source.count, isQuiet: isQuiet)
    defer { progress.finish() }
    let epoch = loader.epoch()
    var done = 0
    while let batch = try epoch.next() {
      let rows = probabilities(input.arranged(batch.tensor(precision)))
      for (row, index) in batch.indices.enumerated() { try body(index, rows[row]) }
      done += batch.count
      progress.update(done)
    }
    epoch.skipped.forEach(onSkip)
  }

  /// Of each picture `[N, C, H, W]`; freed of the classes' shares in training if the card has them.
  public func probabilities(_ images: Tensor) -> [[Float]] {
    let views = votes ? [images, images.flip([3])] : [images]
    let logits = views.map { view in
      model.evaluating { model(view) }.converted(to: .float32)
    }
    let count = logits[0].shape[1]
    let flat = Vote.soft(logits).floats
    return (0..<images.shape[0]).map { row in
      let shares = Array(flat[row * count..<(row + 1) * count])
      return card.priors.map { ClassifierRunner.freed(shares, of: $0) } ?? shares
    }
  }

  /// Of one picture, prepared as the card says.
  public func probabilities(of picture: Picture) -> [Float] {
    let images = card.input.tensor(picture)
    return probabilities(precision == .bfloat16 ? images.converted(to: .bfloat16) : images)[0]
  }

  /// Divided by the classes' shares in training: what a network that saw all classes alike would
  /// say. A class it never saw stays at 0.
  static func freed(_ probabilities: [Float], of priors: [Float]) -> [Float] {
    let raw = zip(probabilities, priors).map { $1 > 0 ? $0 / $1 : 0 }
    let sum = raw.reduce(0, +)
    return sum > 0 ? raw.map { $0 / sum } : probabilities
  }

  /// The measures on a data set with truths.
  public func evaluate(on dataset: ClassificationDataset) throws -> ClassificationEvaluation {
    var (rows, truths, indices): ([[Float]], [Int], [Int]) = ([], [], [])
    try run(over: dataset) { index, probabilities in
      rows.append(probabilities)
      truths.append(dataset.items[index].label)
      indices.append(index)
    }
    return ClassificationEvaluation(
      probabilities: rows, truths: truths, classNames: dataset.classes, indices: indices)
  }
}
