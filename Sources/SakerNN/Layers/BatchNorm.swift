import SakerTensor

/// Batch normalization of `[N, C, ...]`, `y = (x − mean) / √(variance + ε) · weight + bias` for each channel.
/// Ioffe & Szegedy, arXiv:1502.03167.
///
/// In training the mean and the biased variance of the batch normalize; the running statistics only take note, the
/// variance unbiased, `running = (1 − momentum) · running + momentum · batch`. In evaluation the running ones normalize.
public final class BatchNorm: Layer, ModeDependent {
  /// γ `[C]`, starts as ones; `nil` without `affine`
  public let weight: Parameter?
  /// β `[C]`, starts as zeros
  public let bias: Parameter?
  /// `[C]`, starts as zeros; `nil` without running statistics
  public let runningMean: Buffer?
  /// `[C]`, starts as ones
  public let runningVar: Buffer?
  /// int64 `[]`
  public let numBatchesTracked: Buffer?
  public let channels: Int
  public let epsilon: Float
  /// The share of the newest batch in the running statistics; `nil` makes them the plain mean over all batches.
  public let momentum: Float?
  public var mode = Mode()

  /// - Parameter trackingStatistics: without running statistics, evaluation too normalizes by its batch.
  public init(
    _ channels: Int, epsilon: Float = 1e-5, momentum: Float? = 0.1, affine: Bool = true,
    trackingStatistics: Bool = true
  ) {
    self.channels = channels
    self.epsilon = epsilon
    self.momentum = momentum
    weight = affine ? Parameter([channels], .ones) : nil
    bias = affine ? Parameter([channels], .zeros) : nil
    runningMean = trackingStatistics ? Buffer(.zeros([channels])) : nil
    runningVar = trackingStatistics ? Buffer(.ones([channels])) : nil
    numBatchesTracked = trackingStatistics ? Buffer(.zeros([], .int64)) : nil
  }

  public func forward(_ x: Tensor) -> Tensor { forward(x, relu: false) }

  /// The same, and the negative results made 0 in the same pass over memory if `relu`. Hooks see what comes out.
  public func callAsFunction(_ x: Tensor, relu: Bool) -> Tensor {
    LayerHooks.isEmpty
      ? forward(x, relu: relu) : LayerHooks.run(self, x) { forward($0, relu: relu) }
  }

  private func forward(_ x: Tensor, relu: Bool) -> Tensor {
    check(
      x.rank >= 2 && x.shape[1] == channels, op: "BatchNorm",
      expected: "[N, \(channels), ...]", got: x.shape)
    // Vectors and sequences are images of few pixels.
    if x.rank < 4 {
      let ones = Array(repeating: 1, count: 4 - x.rank)
      return normalize(x.reshape(Shape(x.shape.sizes + ones)), relu).reshape(x.shape)
    }
    return normalize(x, relu)
  }

  private func normalize(_ x: Tensor, _ relu: Bool) -> Tensor {
    if let runningMean, let runningVar, !mode.isTraining || isDryRun(x) {
      return batchNormInference(
        x, mean: runningMean.value, variance: runningVar.value, scale: weight?.value,
        shift: bias?.value, epsilon: epsilon, relu: relu)
    }
    // One value is its own mean: the result would be the shift whatever comes in.
    check(
      !mode.isTraining || x.count > channels, op: "BatchNorm",
      expected: "more than one value for each channel when training", got: x.shape)
    return batchNormTraining(
      x, scale: weight?.value, shift: bias?.value, epsilon: epsilon, relu: relu
    ) { mean, variance, count in
      if mode.isTraining { track(mean, variance, count) }
    }
  }

  /// Takes note of one batch of `count` values a channel.
  private func track(_ mean: Tensor, _ biasedVariance: Tensor, _ count: Int) {
    guard let runningMean, let runningVar, let numBatchesTracked else { return }
    let batches = numBatchesTracked.value.scalars(as: Int64.self)[0] + 1
    numBatchesTracked.value = Tensor([batches], [])
    let share = momentum ?? 1 / Float(batches)
    let unbias = Float(count) / Float(max(count - 1, 1))
    runningMean.mix(mean, share: share, factor: 1)
    runningVar.mix(biasedVariance, share: share, factor: unbias)
  }

  /// Keeps normalizing by the statistics it has, and keeps weight and bias: a pretrained layer while other layers learn
  /// from batches too small for statistics.
  public func freeze() {
    hold(.evaluation)
    weight?.isFrozen = true
    bias?.isFrozen = true
  }
}

/// Of vectors `[N, C]` or sequences `[N, C, L]`.
public typealias BatchNorm1d = BatchNorm
/// Of images `[N, C, H, W]`.
public typealias BatchNorm2d = BatchNorm

extension Module {
  /// Freezes every batch norm inside (see `BatchNorm.freeze()`).
  public func freezeBatchNorm() {
    for case let layer as BatchNorm in namedModules.map(\.module) { layer.freeze() }
  }
}

extension Buffer {
  /// `value = (1 − share) · value + share · factor · new`
  fileprivate func mix(_ new: Tensor, share: Float, factor: Float) {
    new.converted(to: .float32).withElements(of: Float.self) { new in
      update { old in
        for i in old.indices { old[i] = (1 - share) * old[i] + share * (factor * new[i]) }
      }
    }
  }
}

// MARK: - Asking before training starts

extension BatchNorm {
  /// Collects the layers that could not train on what reached them.
  final class DryRun: @unchecked Sendable {
    @TaskLocal static var current: DryRun?
    var problems: [(layer: BatchNorm, shape: Shape)] = []
  }

  /// Whether this is a dry run, in which nothing is normalized by its batch and no statistics change.
  private func isDryRun(_ x: Tensor) -> Bool {
    guard let run = DryRun.current else { return false }
    if x.count <= channels { run.problems.append((self, x.shape)) }
    return true
  }
}

extension Module {
  /// What would stop this module in training when `body` runs it, one line for each layer: batch norms that would see a
  /// single value for each channel, for a batch of one picture reduced to one pixel. Run it on zeros of the smallest batch, the last
  /// of an epoch, before training on sizes that a user chose. Changes no statistics, records nothing.
  public func trainingProblems(_ body: () throws -> Void) rethrows -> [String] {
    let run = BatchNorm.DryRun()
    try BatchNorm.DryRun.$current.withValue(run) { try withoutGradients(body) }
    let names = namedModules
    return run.problems.map { problem in
      let name = names.first { $0.module === problem.layer }?.name ?? "?"
      return "batch norm \(name) needs more than one value for each channel to train on, "
        + "got \(problem.shape): take a larger batch or larger pictures"
    }
  }
}
