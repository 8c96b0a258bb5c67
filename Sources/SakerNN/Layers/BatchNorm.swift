import SakerTensor
import Synchronization

/// Batch normalization of `[N, C, ...]`, `y = (x − mean) / √(variance + ε) · weight + bias` for
/// each channel. Ioffe & Szegedy, arXiv:1502.03167.
///
/// In training the mean and the biased variance of the batch normalize; the running statistics only
/// take note, the variance unbiased, `running = (1 − momentum) · running + momentum · batch`. In
/// evaluation the running ones normalize. That is PyTorch's way; Keras's, which differs in three
/// points, is `convention: .keras`.
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
  /// The share in the running statistics of the newest batch, with `.keras` of what was there;
  /// `nil` makes them the plain mean over all batches.
  public let momentum: Float?
  public let convention: Convention
  /// In training each so many samples of the batch normalize by themselves ("ghost batches"): as
  /// noisy as small batches, as fast as large ones. Hoffer et al., arXiv:1705.08741. The running
  /// statistics take the mean over the parts; evaluation is as ever. `nil`: the whole batch.
  public let virtualBatchSize: Int?
  public var mode = Mode()

  /// Whose meaning the words have.
  public enum Convention: Sendable {
    /// `running = (1 − momentum) · running + momentum · batch`, with the unbiased variance; ε
    /// 1e−5, momentum 0.1.
    case torch
    /// `running = momentum · running + (1 − momentum) · batch`, with the biased variance; ε 1e−3,
    /// momentum 0.99. What is not `trainable` normalizes as in evaluation.
    case keras
  }

  /// - Parameters:
  ///   - trackingStatistics: without running statistics, evaluation too normalizes by its batch.
  ///   - virtualBatchSize: at least 1; has to divide every batch in training.
  public init(
    _ channels: Int, epsilon: Float = 1e-5, momentum: Float? = 0.1, affine: Bool = true,
    trackingStatistics: Bool = true, convention: Convention = .torch,
    virtualBatchSize: Int? = nil
  ) {
    check(channels > 0, op: "BatchNorm", expected: "at least one channel", got: channels)
    check(
      virtualBatchSize ?? 1 > 0, op: "BatchNorm", expected: "at least one sample a virtual batch",
      got: virtualBatchSize ?? 1)
    self.virtualBatchSize = virtualBatchSize
    self.channels = channels
    self.convention = convention
    self.epsilon = epsilon
    self.momentum = momentum
    weight = affine ? Parameter([channels], .ones) : nil
    bias = affine ? Parameter([channels], .zeros) : nil
    runningMean = trackingStatistics ? Buffer(.zeros([channels])) : nil
    runningVar = trackingStatistics ? Buffer(.ones([channels])) : nil
    numBatchesTracked = trackingStatistics ? Buffer(.zeros([], .int64)) : nil
  }

  /// With the convention's own ε and momentum.
  public convenience init(_ channels: Int, convention: Convention) {
    self.init(
      channels, epsilon: convention == .keras ? 1e-3 : 1e-5,
      momentum: convention == .keras ? 0.99 : 0.1, affine: true, trackingStatistics: true,
      convention: convention)
  }

  public func forward(_ x: Tensor) -> Tensor { forward(x, relu: false) }

  /// The same, and the negative results made 0 in the same pass over memory if `relu`. Hooks
  /// see what comes out.
  public func callAsFunction(_ x: Tensor, relu: Bool) -> Tensor {
    LayerHooks.isEmpty
      ? forward(x, relu: relu) : LayerHooks.run(self, x) { forward($0, relu: relu) }
  }

  private func forward(_ x: Tensor, relu: Bool) -> Tensor {
    check(
      x.rank >= 2 && x.shape[1] == channels, op: "BatchNorm",
      expected: "[N, \(channels), ...]", got: x.shape)
    let isTraining = !isDryRun(x) && mode.isTraining
    if let runningMean, let runningVar, !isTraining {
      return batchNormInference(
        x, mean: runningMean.value, variance: runningVar.value, scale: weight?.value,
        shift: bias?.value, epsilon: epsilon, relu: relu)
    }
    // One value is its own mean: the result would be the shift whatever comes in.
    check(
      !isTraining || x.count > channels, op: "BatchNorm",
      expected: "more than one value for each channel when training", got: x.shape)
    let running = isTraining ? runningStatistics : nil
    if let virtualBatchSize, isTraining {
      return forward(x, relu: relu, parts: virtualBatchSize, running)
    }
    return batchNormTraining(
      x, scale: weight?.value, shift: bias?.value, epsilon: epsilon, relu: relu,
      statistics: { running?.take($0, $1, count: $2) })
  }

  /// Whether parts of a batch normalize by themselves at the moment.
  var splitsBatch: Bool { virtualBatchSize != nil && mode.isTraining }

  private func forward(
    _ x: Tensor, relu: Bool, parts size: Int, _ running: RunningStatistics?
  ) -> Tensor {
    check(
      x.count > 0 && x.shape[0] % size == 0 && x.count / x.shape[0] * size > channels,
      op: "BatchNorm",
      expected:
        "a batch that virtual batches of \(size) divide, more than one value a channel in each",
      got: x.shape)
    let seen = Mutex<(means: [Tensor], variances: [Tensor], count: Int)>(([], [], 0))
    let parts = x.split(size: size, axis: 0).map { part in
      batchNormTraining(
        part, scale: weight?.value, shift: bias?.value, epsilon: epsilon, relu: relu
      ) { mean, variance, count in
        seen.withLock {
          $0.means.append(mean)
          $0.variances.append(variance)
          $0.count = count
        }
      }
    }
    let (means, variances, count) = seen.withLock { $0 }
    withoutGradients {
      running?.take(
        stack(means, axis: 0).mean(axes: [0]), stack(variances, axis: 0).mean(axes: [0]),
        count: count)
    }
    return concatenate(parts, axis: 0)
  }

  /// What normalizes at the moment, as part of a block. Not for dry runs.
  var statistics: ConvolutionStage.Statistics {
    let isTraining = mode.isTraining
    if let runningMean, let runningVar, !isTraining {
      return .given(mean: runningMean.value, variance: runningVar.value)
    }
    let running = isTraining ? runningStatistics : nil
    return .batch { mean, variance, count in
      check(
        !isTraining || count > 1, op: "BatchNorm",
        expected: "more than one value for each channel when training", got: count)
      running?.take(mean, variance, count: count)
    }
  }

  private var runningStatistics: RunningStatistics? {
    guard let runningMean, let runningVar, let numBatchesTracked else { return nil }
    return RunningStatistics(
      mean: runningMean, variance: runningVar, batches: numBatchesTracked, momentum: momentum,
      convention: convention)
  }

  /// Whether weight and bias learn. With `.keras` a layer that is not trainable also normalizes by
  /// its running statistics and leaves them as they are, also in training; with `.torch` the phase
  /// alone decides on that.
  public var trainable: Bool {
    get { convention == .keras ? mode.canTrain : weight?.isFrozen != true }
    set {
      weight?.isFrozen = !newValue
      bias?.isFrozen = !newValue
      if convention == .keras { hold(newValue ? nil : .evaluation) }
    }
  }

  /// Keeps normalizing by the statistics it has, and keeps weight and bias: a pretrained layer
  /// while other layers learn from batches too small for statistics.
  public func freeze() {
    hold(.evaluation)
    weight?.isFrozen = true
    bias?.isFrozen = true
  }
}

/// Batch normalization of vectors `[N, C]` or sequences `[N, C, L]`.
public typealias BatchNorm1d = BatchNorm
/// Batch normalization of images `[N, C, H, W]`.
public typealias BatchNorm2d = BatchNorm
/// Batch normalization of volumes `[N, C, D, H, W]`.
public typealias BatchNorm3d = BatchNorm

extension Module {
  /// Freezes every batch norm inside (see `BatchNorm.freeze()`).
  public func freezeBatchNorm() {
    for case let layer as BatchNorm in namedModules.map(\.module) { layer.freeze() }
  }
}

/// The buffers of a normalization, which take note of every batch.
struct RunningStatistics: Sendable {
  let mean, variance, batches: Buffer
  let momentum: Float?
  var convention = BatchNorm.Convention.torch

  /// One batch of `count` values a channel.
  func take(_ newMean: Tensor, _ biasedVariance: Tensor, count: Int) {
    let number = batches.value.scalars(as: Int64.self)[0] + 1
    batches.value = Tensor([number], [])
    let isTorch = convention == .torch
    let share = momentum.map { isTorch ? $0 : 1 - $0 } ?? 1 / Float(number)
    mix(newMean, into: mean, share, 1)
    // Unbiased (E4).
    let factor = isTorch ? Float(count) / Float(max(count - 1, 1)) : 1
    mix(biasedVariance, into: variance, share, factor)
  }

  /// `buffer = (1 − share) · buffer + share · factor · new`
  private func mix(_ new: Tensor, into buffer: Buffer, _ share: Float, _ factor: Float) {
    new.withElements(of: Float.self) { new in
      buffer.update { old in
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

  /// Whether this is a dry run, in which nothing is normalized by its batch and no
  /// statistics change.
  fileprivate func isDryRun(_ x: Tensor) -> Bool {
    guard let run = DryRun.current else { return false }
    if mode.canTrain && x.count <= channels { run.problems.append((self, x.shape)) }
    return true
  }
}

extension Module {
  /// What would stop this module in training when `body` runs it, one line for each layer: batch
  /// norms that would see a single value for each channel, for a batch of one picture reduced to
  /// one pixel. Run it on zeros of the smallest batch, the last of an epoch, before training on
  /// sizes that a user chose. Changes no statistics, records nothing; whether the module trains or
  /// evaluates at the moment makes no difference.
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
