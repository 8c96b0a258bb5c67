import Foundation
import Logging
import SakerData
import SakerNN
import SakerTensor
import SakerVision

/// Trains a detector: steps, schedule, averages, validation, checkpoints.
///
/// The same model, data and settings give the same weights, bit for bit, on the same machine with the same number of
/// compute threads; a run that was stopped and resumed gives what it would have given.
public final class DetectorTrainer {
  public let model: any Detector
  public let training: DetectionDataset
  public let validation: DetectionDataset?
  public let folder: RunFolder
  public var settings: TrainingSettings { state.settings }
  public var isQuiet = false
  /// Leaves out pictures that break while training instead of ending it.
  public var skipBad = false
  /// Hears of each finished epoch.
  public var onEpoch: (EpochResult) -> Void = { _ in }

  var state: TrainingState
  let optimizer: Optimizer
  let average: WeightAverage?
  private let schedule: any Schedule
  private let loader: Loader
  private let log = Logger(label: "saker.train")
  /// Seconds that steps waited for data, in this session.
  public private(set) var secondsWaiting = 0.0

  /// How a run ended.
  public enum Ending: Hashable, Sendable {
    case complete
    /// No better validation result for `patience` epochs.
    case early
    /// By the user; the checkpoint knows where to go on.
    case interrupted
  }

  /// - Parameters:
  ///   - origin: what a resuming command line must find again.
  /// - Throws: `TrainingError` for settings, data or model that cannot be trained with.
  public init(
    _ model: any Detector, on training: DetectionDataset, validation: DetectionDataset? = nil,
    _ settings: TrainingSettings, into folder: RunFolder, origin: [String: String] = [:]
  ) throws {
    self.model = model
    self.training = training
    self.validation = validation
    self.folder = folder
    state = TrainingState(
      settings: settings, origin: origin, pictures: training.items.count,
      boxes: training.boxCount,
      bestEpoch: EarlyStopping(patience: max(settings.patience, 1), aim: .largest))
    if let problem = settings.problems.first { throw TrainingError(problem) }
    for pattern in settings.frozen where model.freeze(matching: pattern).isEmpty {
      throw TrainingError("freeze: no parameter's name matches '\(pattern)'")
    }
    loader = try DetectorTrainer.loader(training, model.card.preprocessing, settings)
    let rounds = (loader.batchesPerEpoch + settings.accumulation - 1) / settings.accumulation
    schedule = settings.schedule(stepsPerEpoch: rounds)
    optimizer = settings.optimizer(for: model)
    average =
      settings.averageDecay > 0
      ? WeightAverage(of: model, decay: settings.averageDecay, warmUp: Double(3 * rounds)) : nil
    try checkBatchNorm()
  }

  /// The data as training sees it.
  private static func loader(
    _ dataset: DetectionDataset, _ preprocessing: Preprocessing, _ settings: TrainingSettings
  ) throws -> Loader {
    guard !dataset.items.isEmpty else { throw TrainingError("the training data has no pictures") }
    var options = Loader.Options()
    options.batchSize = settings.batch
    options.workers = settings.workers
    options.shuffle = true
    options.seed = settings.seed
    return Loader(
      dataset, preprocessing: preprocessing, transforms: settings.transforms(preprocessing),
      options: options)
  }

  /// Finds out before training whether a batch norm would see one value a channel in an epoch's last, smallest batch.
  private func checkBatchNorm() throws {
    let preprocessing = model.card.preprocessing
    let rest = training.items.count % settings.batch
    let smallest = rest == 0 ? settings.batch : rest
    let images = Tensor.zeros([smallest, 3, preprocessing.height, preprocessing.width])
    let problems = model.trainingProblems { _ = model.rawOutputs(images) }
    if let problem = problems.first { throw TrainingError(problem) }
  }

  // MARK: - Training

  /// Trains until all epochs are done, validation no longer gets better, or the user interrupts.
  ///
  /// - Throws: what the loader throws; `TrainingError` if the loss stops being a number or a file cannot be written. The
  ///   last checkpoint is whole whatever happens.
  public func run() throws -> Ending {
    try folder.prepare()
    try folder.write(EpochResult.table(state.results), to: folder.results)
    model.train()
    while state.epoch < settings.epochs {
      guard try runEpoch() else {
        try save(to: folder.last)
        return .interrupted
      }
      if settings.patience > 0, state.bestEpoch.waited >= settings.patience { return .early }
    }
    return .complete
  }

  /// One epoch, or the rest of one; false if the user interrupted.
  private func runEpoch() throws -> Bool {
    let label = "epoch \(state.epoch + 1)/\(settings.epochs)"
    let progress = Progress(label, total: training.items.count, isQuiet: isQuiet)
    defer { progress.finish() }
    let start = Date()
    let secondsBefore = state.seconds
    let first = state.batches
    let epoch = loader.epoch(state.epoch, skipping: first)
    var seen = first * settings.batch
    while true {
      let waiting = Date()
      guard let batch = try epoch.next() else { break }
      secondsWaiting += Date().timeIntervalSince(waiting)
      let loss = try step(batch, isLast: state.batches + 1 == loader.batchesPerEpoch)
      seen += batch.count
      state.seconds = secondsBefore + Date().timeIntervalSince(start)
      progress.update(seen, progressDetail(loss))
      if Interruption.isWanted && state.batches < loader.batchesPerEpoch { return false }
    }
    for error in epoch.skipped { log.warning("left out \(error)") }
    let pictures = seen - first * settings.batch
    try finishEpoch(imagesPerSecond: Double(pictures) / Date().timeIntervalSince(start))
    return !(Interruption.isWanted && state.epoch < settings.epochs)
  }

  private func progressDetail(_ loss: DetectionLoss) -> String {
    let memory = Double(MemoryPool.shared.use.peak) / 0x1p30
    return String(
      format: "class %.3f box %.3f lr %.2g %.2f GiB", loss.classification, loss.box,
      optimizer.rate, memory)
  }

  /// Forward, backward, and after the last batch of an accumulation the update.
  private func step(_ batch: Batch, isLast: Bool) throws -> DetectionLoss {
    let loss = model.loss(batch.tensor(settings.precision), batch.targets)
    guard loss.classification.isFinite && loss.box.isFinite else {
      throw TrainingError(
        "the loss is no longer a number (epoch \(state.epoch + 1), step \(state.batches + 1), "
          + "pictures \(batch.names.prefix(3).joined(separator: ", "))...): try a smaller learning "
          + "rate or --clip-norm; \(folder.last) holds the last whole epoch, if one was finished")
    }
    let share = settings.accumulation == 1 ? loss.total : loss.total / Float(settings.accumulation)
    share.backward()
    state.batches += 1
    state.classLoss += Double(loss.classification)
    state.boxLoss += Double(loss.box)
    if state.batches % settings.accumulation == 0 || isLast { update() }
    return loss
  }

  private func update() {
    if settings.clipNorm > 0 { clipGradients(of: optimizer.parameters, norm: settings.clipNorm) }
    if settings.clipValue > 0 { clipGradients(of: optimizer.parameters, value: settings.clipValue) }
    optimizer.follow(schedule, at: state.steps)
    optimizer.step()
    optimizer.zeroGradients()
    state.steps += 1
    average?.update()
  }

  // MARK: - The end of an epoch

  private func finishEpoch(imagesPerSecond: Double) throws {
    let batches = Double(max(state.batches, 1))
    var result = EpochResult(
      epoch: state.epoch + 1, seconds: state.seconds, trainClassLoss: state.classLoss / batches,
      trainBoxLoss: state.boxLoss / batches, learningRate: optimizer.rate,
      imagesPerSecond: imagesPerSecond)
    var isBest = validation == nil
    if let validation {
      isBest = try validate(on: validation, &result)
    }
    state.epoch += 1
    state.batches = 0
    (state.classLoss, state.boxLoss) = (0, 0)
    state.results.append(result)
    try save(to: folder.last)
    // Without validation data the last weights are the best known: nobody asks the test data.
    if isBest { try save(to: folder.best) }
    try folder.write(EpochResult.table(state.results), to: folder.results)
    onEpoch(result)
  }

  /// Measures the weights to keep; true if they are the best so far.
  private func validate(on dataset: DetectionDataset, _ result: inout EpochResult) throws -> Bool {
    let runner = DetectorRunner(
      model, precision: settings.precision, batch: settings.batch, workers: settings.workers,
      isQuiet: isQuiet)
    let evaluation = try withAveragedWeights { try runner.evaluate(on: dataset) }
    let report = evaluation.report()
    result.meanAveragePrecision = report.meanAveragePrecision
    result.precision = report.bestF1?.precision
    result.recall = report.bestF1?.recall
    _ = state.bestEpoch.update(report.meanAveragePrecision ?? 0)
    return state.bestEpoch.waited == 0
  }

  private func withAveragedWeights<R>(_ body: () throws -> R) rethrows -> R {
    guard let average else { return try body() }
    return try average.applied(body)
  }
}
