import Foundation
import Logging
import SakerData
import SakerNN
import SakerTensor

/// How a run ended.
public enum TrainingEnding: Hashable, Sendable {
  case complete
  /// No better validation result for `patience` epochs.
  case early
  /// By the user; the checkpoint knows where to go on.
  case interrupted
}

/// Trains a network for a task: steps, schedule, averages, validation, checkpoints.
///
/// The same network, data and settings give the same weights, bit for bit, on the same machine
/// with the same number of compute threads; a run that was stopped and resumed gives what it
/// would have given.
public final class Trainer<Task: TrainingTask> {
  public typealias Ending = TrainingEnding

  public let task: Task
  public let folder: RunFolder
  public var settings: TrainingSettings { state.settings }
  public var isQuiet = false
  /// Leaves out pictures that break while training instead of ending it.
  public let skipBad: Bool
  /// Pictures that were left out, in this session, each once.
  public private(set) var skipped: [PictureError] = []
  /// Called after each epoch, when its checkpoint and its line in the table are written.
  public var onEpoch: (EpochResult) -> Void = { _ in }
  /// Called after each epoch before its checkpoint is written. A run that is killed goes on from
  /// the checkpoint: what is written here for an epoch may be written again, but is never missing.
  public var beforeSaving: (EpochResult) -> Void = { _ in }
  /// Asked after each step whether to end the run in good order.
  public var isInterrupted: () -> Bool = { Interruption.isWanted }

  var state: TrainingState
  let optimizer: Optimizer
  let average: WeightAverage?
  private let schedule: any Schedule
  public let loader: Loader
  var batchesPerEpoch: Int { loader.batchesPerEpoch }
  private let log = Logger(label: "saker.train")
  /// Seconds that steps waited for data, in this session.
  public private(set) var secondsWaiting = 0.0

  /// - Parameters:
  ///   - origin: what a resuming command line must find again.
  /// - Throws: `TrainingError` for settings, data or network that cannot be trained with.
  public init(
    _ task: Task, _ settings: TrainingSettings, into folder: RunFolder,
    origin: [String: String] = [:], skipBad: Bool = false
  ) throws {
    self.task = task
    self.folder = folder
    self.skipBad = skipBad
    state = TrainingState(
      settings: settings, origin: origin, fingerprint: task.fingerprint,
      losses: task.lossColumns.count)
    if let problem = settings.problems.first { throw TrainingError(problem) }
    if settings.patience > 0, !task.isValidated {
      throw TrainingError(
        "patience: expected validation data to stop early on, got none (patience \(settings.patience))"
      )
    }
    let network = task.network
    for pattern in settings.frozen where network.freeze(matching: pattern).isEmpty {
      throw TrainingError("freeze: no parameter's name matches '\(pattern)'")
    }
    try task.prepare(settings)
    // Which may have got what it needs only for training.
    let learning = task.network
    if learning.parameters.allSatisfy(\.isFrozen) {
      throw TrainingError("freeze: all parameters are frozen, expected at least one that learns")
    }
    loader = try task.loader(settings, skipBad: skipBad)
    let rounds = (loader.batchesPerEpoch + settings.accumulation - 1) / settings.accumulation
    schedule = settings.schedule(stepsPerEpoch: rounds)
    optimizer = settings.optimizer(task.parameterGroups(settings))
    average =
      settings.averageDecay > 0
      ? WeightAverage(of: learning, decay: settings.averageDecay, warmUp: Double(3 * rounds)) : nil
    try checkBatchNorm()
    try MemoryNeed.check(
      task, batch: min(settings.batch, loader.picturesPerEpoch), .training, settings.precision)
  }

  /// Finds out before training whether a batch norm would see one value a channel in an epoch's
  /// last, smallest batch.
  private func checkBatchNorm() throws {
    let rest = loader.picturesPerEpoch % settings.batch
    // Two pictures are two values; a picture that is left out makes any batch smaller.
    guard skipBad || (rest == 0 ? settings.batch : rest) == 1 else { return }
    let images = Tensor.zeros(Shape([1] + task.inputShape))
    let problems = task.network.trainingProblems { task.forward(images) }
    if let problem = problems.first { throw TrainingError(problem) }
  }

  // MARK: - Training

  /// Trains until all epochs are done, validation no longer gets better, or the user interrupts.
  ///
  /// - Throws: what the loader throws; `TrainingError` if the loss stops being a number, a file
  ///   cannot be written, or another process writes the folder. The last checkpoint is whole
  ///   whatever happens.
  public func run() throws -> Ending {
    let claim = try RunClaim(folder)
    defer { withExtendedLifetime(claim) {} }
    try folder.prepare()
    try RunFolder.write(EpochResult.table(state.results, task.columns), to: folder.results)
    task.network.train()
    while state.epoch < settings.trainedEpochs {
      if settings.patience > 0, state.bestEpoch.waited >= settings.patience { return .early }
      guard try runEpoch() else {
        try save(to: folder.last)
        return .interrupted
      }
    }
    return .complete
  }

  /// One epoch, or the rest of one; false if the user interrupted.
  private func runEpoch() throws -> Bool {
    let label = "epoch \(state.epoch + 1)/\(settings.trainedEpochs)"
    let first = min(state.batches * settings.batch, loader.picturesPerEpoch)
    let progress = ProgressLine(
      label, total: loader.picturesPerEpoch, from: first, isQuiet: isQuiet)
    defer { progress.finish() }
    let start = Date()
    let secondsBefore = state.seconds
    let epoch = loader.epoch(state.epoch, skipping: state.batches)
    defer { epoch.skipped.forEach(leaveOut) }
    var seen = first
    while let batch = try next(epoch) {
      let loss = try step(batch)
      state.batches = epoch.position
      seen += batch.count
      state.seconds = secondsBefore + Date().timeIntervalSince(start)
      progress.update(seen, progressDetail(loss))
      if isInterrupted() && state.batches < batchesPerEpoch { return false }
    }
    // Only where the last batches were left out whole.
    if state.pending > 0 { update() }
    let seconds = Date().timeIntervalSince(start)
    progress.finish()
    try finishEpoch(imagesPerSecond: Double(seen - first) / max(seconds, 1e-9))
    return !(isInterrupted() && state.epoch < settings.trainedEpochs)
  }

  private func next(_ epoch: LoaderEpoch) throws -> Batch? {
    let start = Date()
    defer { secondsWaiting += Date().timeIntervalSince(start) }
    return try epoch.next()
  }

  private func leaveOut(_ error: PictureError) {
    guard !skipped.contains(error) else { return }
    skipped.append(error)
    log.warning("left out \(error)")
  }

  private func progressDetail(_ loss: StepLoss) -> String {
    let memory = Double(MemoryPool.shared.use.peak) / 0x1p30
    let parts = zip(task.lossColumns, loss.parts).map {
      "\($0.label) \(String(format: "%.3f", $1)) "
    }
    return parts.joined() + String(format: "lr %.2g %.2f GiB", optimizer.rate, memory)
  }

  /// Forward, backward, and after the last batch of an accumulation the update.
  private func step(_ batch: Batch) throws -> StepLoss {
    let place = StepPlace(epoch: state.epoch, batch: state.batches)
    // An epoch's last accumulation may have fewer batches.
    let together = min(
      settings.accumulation, max(1, batchesPerEpoch - state.batches + state.pending))
    let loss = task.learn(from: batch, settings, at: place, together: together)
    guard loss.parts.allSatisfy(\.isFinite) else {
      throw diverged("the loss", "pictures \(batch.names.prefix(3).joined(separator: ", "))...")
    }
    state.taken += 1
    state.pending += 1
    for (index, part) in loss.parts.enumerated() { state.lossSums[index] += part }
    if state.pending >= together { update() }
    return loss
  }

  private func diverged(_ what: String, _ place: String) -> TrainingError {
    TrainingError(
      "\(what) is no longer a number (epoch \(state.epoch + 1), step \(state.taken + 1), \(place)): "
        + "try a smaller learning rate or --clip-norm; \(folder.last) holds the last whole epoch, "
        + "if one was finished")
  }

  /// A loss can still be a number when the step after it was not.
  func demandFiniteWeights() throws {
    for named in task.network.state where named.tensor.nonFiniteCount > 0 {
      throw diverged(named.name, "\(named.tensor.nonFiniteCount) elements")
    }
  }

  private func update() {
    if settings.clipNorm > 0 { clipGradients(of: optimizer.parameters, norm: settings.clipNorm) }
    if settings.clipValue > 0 { clipGradients(of: optimizer.parameters, value: settings.clipValue) }
    optimizer.follow(schedule, at: state.steps)
    optimizer.step()
    task.didUpdate()
    optimizer.zeroGradients()
    state.pending = 0
    state.steps += 1
    average?.update()
  }

  // MARK: - The end of an epoch

  private func finishEpoch(imagesPerSecond: Double) throws {
    try demandFiniteWeights()
    let batches = Double(max(state.taken, 1))
    var result = EpochResult(
      epoch: state.epoch + 1, seconds: state.seconds,
      learningRate: schedule.rate(at: max(state.steps - 1, 0)), imagesPerSecond: imagesPerSecond,
      values: [:])
    for (column, sum) in zip(task.lossColumns, state.lossSums) {
      result.values[column.key] = sum / batches
    }
    let isBest = try !task.isValidated || validate(&result)
    state.epoch += 1
    (state.batches, state.taken) = (0, 0)
    state.lossSums = state.lossSums.map { _ in 0 }
    state.results.append(result)
    KillPoint.events.pass(result.epoch)
    beforeSaving(result)
    KillPoint.checkpoint.pass(result.epoch)
    try save(isBest: isBest)
    KillPoint.table.pass(result.epoch)
    try RunFolder.write(EpochResult.table(state.results, task.columns), to: folder.results)
    KillPoint.told.pass(result.epoch)
    onEpoch(result)
  }

  /// Measures the weights to keep; true if they are the best so far.
  private func validate(_ result: inout EpochResult) throws -> Bool {
    let options = ValidationOptions(
      settings: settings, skipBad: skipBad, isQuiet: isQuiet, onSkip: leaveOut)
    let found = try withAveragedWeights { try task.validate(options) }
    for (name, value) in found.values where value.isFinite { result.values[name] = value }
    _ = state.bestEpoch.update(found.score)
    return state.bestEpoch.waited == 0
  }

  private func withAveragedWeights<R>(_ body: () throws -> R) rethrows -> R {
    guard let average else { return try body() }
    return try average.applied(body)
  }
}
