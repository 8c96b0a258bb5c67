import Foundation
import SakerData
import SakerNN
import SakerTensor

extension Trainer {
  /// Writes all that it takes to use the model and to go on with the run, under a temporary name
  /// first: a crash at any moment leaves the file before or the file after.
  ///
  /// - Throws: `TrainingError` if a weight is no longer a number: such a checkpoint would be of no
  ///   use and cost the one before; `CheckpointError` if the file cannot be written.
  func save(to file: String) throws {
    try demandFiniteWeights()
    let network = task.network
    state.generators = network.generators
    var tensors: [NamedTensor] = []
    if let average {
      let averages = average.state
      tensors += averages.filter { $0.name != "updates" }
      tensors += averages.filter { $0.name == "updates" }
        .map { NamedTensor(TrainingState.averageUpdates, $0.tensor) }
      tensors += network.state.map { $0.prefixed(TrainingState.rawPrefix) }
    } else {
      tensors += network.state
    }
    tensors += optimizer.state.map { $0.prefixed(TrainingState.optimizerPrefix) }
    for named in network.namedParameters {
      guard let gradient = named.parameter.gradient else { continue }
      tensors.append(NamedTensor(TrainingState.gradientPrefix + named.name, gradient))
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    var metadata = task.metadata
    metadata[TrainingState.metadataKey] = String(
      decoding: try encoder.encode(state), as: UTF8.self)
    try Safetensors(tensors, metadata: metadata).write(to: file)
  }

  /// Writes the weights of an epoch as the last ones and, if they are, as the best. Without
  /// validation data the last weights are the best known: nobody asks the test data. The best come
  /// first: a run killed in between repeats the epoch and writes them again; the other way round
  /// they would be lost.
  func save(isBest: Bool) throws {
    if isBest {
      try save(to: folder.best)
      KillPoint.last.pass(state.epoch)
      // Both names for one file: a hundred megabytes need not be written twice. Files are
      // replaced, never changed.
      if (try? RunFolder.hardLink(folder.best, as: folder.last)) != nil { return }
    }
    try save(to: folder.last)
  }

  /// Goes on where a checkpoint stopped, with its settings: the losses are those of a run
  /// that never stopped.
  ///
  /// - Parameter task: with the network and the data of that run.
  /// - Throws: `TrainingError` or `CheckpointError` if the checkpoint is not of this run.
  public convenience init(
    resuming checkpoint: TrainingCheckpoint, _ task: Task, into folder: RunFolder,
    skipBad: Bool = false
  ) throws {
    let state = try checkpoint.state()
    let given = task.fingerprint
    guard state.fingerprint == given else {
      let same =
        (state.fingerprint.pictures, state.fingerprint.boxes) == (given.pictures, given.boxes)
      throw TrainingError(
        "\(checkpoint.file): was trained on \(state.fingerprint), got \(same ? "others, as many" : "\(given)"): "
          + "a run can only go on with its own data")
    }
    try self.init(task, state.settings, into: folder, origin: state.origin, skipBad: skipBad)
    try restore(checkpoint, state)
  }

  private func restore(_ checkpoint: TrainingCheckpoint, _ state: TrainingState) throws {
    let (contents, file) = (checkpoint.contents, checkpoint.file)
    let network = task.network
    guard (0...state.settings.epochs).contains(state.epoch),
      (0..<batchesPerEpoch).contains(state.batches), state.steps >= 0,
      (0..<state.settings.accumulation).contains(state.pending),
      state.lossSums.count == task.lossColumns.count
    else {
      throw TrainingError(
        "\(file): \(TrainingState.metadataKey): expected a place in a run of \(state.settings.epochs) epochs "
          + "of \(batchesPerEpoch) batches, got epoch \(state.epoch), batch \(state.batches)")
    }
    if let average {
      guard let updates = contents[TrainingState.averageUpdates] else {
        throw TrainingError("\(file): expected averaged weights, got none")
      }
      try average.restore(checkpoint.weights + [NamedTensor("updates", updates)], file: file)
      try network.load(state: contents.tensors(under: TrainingState.rawPrefix), file: file)
    } else {
      try network.load(state: checkpoint.weights, file: file)
    }
    try optimizer.restore(contents.tensors(under: TrainingState.optimizerPrefix), file: file)
    let gradients = contents.tensors(under: TrainingState.gradientPrefix)
    for named in network.namedParameters {
      guard let gradient = gradients.first(where: { $0.name == named.name })?.tensor else {
        continue
      }
      guard gradient.shape == named.parameter.shape else {
        throw TrainingError(
          "\(file): gradient of \(named.name): expected \(named.parameter.shape), got \(gradient.shape)"
        )
      }
      named.parameter.gradient = gradient
    }
    network.generators = state.generators
    self.state = state
  }
}

extension NamedTensor {
  fileprivate func prefixed(_ prefix: String) -> NamedTensor { NamedTensor(prefix + name, tensor) }
}
