import Foundation
import SakerData
import SakerNN
import SakerTensor
import SakerVision

extension DetectorTrainer {
  /// Writes all that it takes to use the model and to go on with the run, under a temporary name first: a crash at any
  /// moment leaves the file before or the file after.
  ///
  /// - Throws: `TrainingError` if a weight is no longer a number: such a checkpoint would be of no use and cost the one
  ///   before; `CheckpointError` if the file cannot be written.
  func save(to file: String) throws {
    try demandFiniteWeights()
    state.generators = model.generators
    var tensors: [NamedTensor] = []
    if let average {
      let averages = average.state
      tensors += averages.filter { $0.name != "updates" }
      tensors += averages.filter { $0.name == "updates" }
        .map { NamedTensor(TrainingState.averageUpdates, $0.tensor) }
      tensors += model.state.map { $0.prefixed(TrainingState.rawPrefix) }
    } else {
      tensors += model.state
    }
    tensors += optimizer.state.map { $0.prefixed(TrainingState.optimizerPrefix) }
    for named in model.namedParameters {
      guard let gradient = named.parameter.gradient else { continue }
      tensors.append(NamedTensor(TrainingState.gradientPrefix + named.name, gradient))
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    var metadata = model.card.metadata
    metadata[TrainingState.metadataKey] = String(
      decoding: try encoder.encode(state), as: UTF8.self)
    try Safetensors(tensors, metadata: metadata).write(to: file)
  }

  /// Goes on where a checkpoint stopped, with its settings: the losses are those of a run that never stopped.
  ///
  /// - Parameters:
  ///   - model: built from the checkpoint's card.
  ///   - training: the same data as then.
  /// - Throws: `TrainingError` or `CheckpointError` if the checkpoint is not of this run.
  public static func resuming(
    _ checkpoint: DetectorCheckpoint, _ model: any Detector, on training: DetectionDataset,
    validation: DetectionDataset? = nil, into folder: RunFolder, skipBad: Bool = false
  ) throws -> DetectorTrainer {
    let state = try checkpoint.state()
    let given = DataFingerprint(training)
    guard state.fingerprint == given else {
      let same =
        (state.fingerprint.pictures, state.fingerprint.boxes) == (given.pictures, given.boxes)
      throw TrainingError(
        "\(checkpoint.file): was trained on \(state.fingerprint), got \(same ? "others, as many" : "\(given)"): "
          + "a run can only go on with its own data")
    }
    let trainer = try DetectorTrainer(
      model, on: training, validation: validation, state.settings, into: folder,
      origin: state.origin, skipBad: skipBad)
    try trainer.restore(checkpoint, state)
    return trainer
  }

  private func restore(_ checkpoint: DetectorCheckpoint, _ state: TrainingState) throws {
    let (contents, file) = (checkpoint.contents, checkpoint.file)
    guard (0...state.settings.epochs).contains(state.epoch),
      (0..<batchesPerEpoch).contains(state.batches), state.steps >= 0,
      (0..<state.settings.accumulation).contains(state.pending)
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
      try model.load(state: contents.tensors(under: TrainingState.rawPrefix), file: file)
    } else {
      try checkpoint.load(into: model)
    }
    try optimizer.restore(contents.tensors(under: TrainingState.optimizerPrefix), file: file)
    let gradients = contents.tensors(under: TrainingState.gradientPrefix)
    for named in model.namedParameters {
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
    model.generators = state.generators
    self.state = state
  }
}

extension NamedTensor {
  fileprivate func prefixed(_ prefix: String) -> NamedTensor { NamedTensor(prefix + name, tensor) }
}
