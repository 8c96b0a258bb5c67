import SakerNN
import SakerTensor

extension Trainer {
  /// Tries learning rates on the training data, with the run's own optimizer, batches, precision
  /// and clipping, but without accumulation. To be asked before `run()`, which starts as if nothing
  /// had happened: weights, statistics and optimizer are put back. Only layers that draw random
  /// numbers go on from later ones.
  ///
  /// - Throws: what the loader throws; `TrainingError` if already the first loss is no number.
  public func findLearningRate(
    _ finder: LearningRateFinder = LearningRateFinder()
  ) throws -> LearningRateSweep {
    task.network.train()
    var number = 0
    var epoch = loader.epoch(number)
    let sweep = try finder.run(optimizer, task.network) { step in
      var batch = try epoch.next()
      if batch == nil {
        number += 1
        epoch = loader.epoch(number)
        batch = try epoch.next()
      }
      guard let batch else { throw TrainingError("learning rate: the training data has no batch") }
      return task.loss(batch, settings, at: StepPlace(epoch: number, batch: step)).total
    } clip: {
      if settings.clipNorm > 0 { clipGradients(of: $0, norm: settings.clipNorm) }
      if settings.clipValue > 0 { clipGradients(of: $0, value: settings.clipValue) }
    }
    guard !sweep.rates.isEmpty else {
      throw TrainingError("learning rate: the first loss is not a number")
    }
    return sweep
  }
}
