import SakerTensor

/// Instance normalization of `[N, C, spatial...]`: each sample's channel by its own mean and biased
/// variance. Ulyanov et al., arXiv:1607.08022.
///
/// Without `affine` and without running statistics, as PyTorch has it; networks for style
/// have `affine` (E9). With running statistics, training normalizes by each sample and notes
/// the mean over the batch of the samples' means and unbiased variances; evaluation
/// normalizes by what was noted.
public final class InstanceNorm: Layer, ModeDependent {
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
  /// The share of the newest batch in the running statistics.
  public let momentum: Float
  public var mode = Mode()

  public init(
    _ channels: Int, epsilon: Float = 1e-5, momentum: Float = 0.1, affine: Bool = false,
    trackingStatistics: Bool = false
  ) {
    check(channels > 0, op: "InstanceNorm", expected: "at least one channel", got: channels)
    self.channels = channels
    self.epsilon = epsilon
    self.momentum = momentum
    weight = affine ? Parameter([channels], .ones) : nil
    bias = affine ? Parameter([channels], .zeros) : nil
    runningMean = trackingStatistics ? Buffer(.zeros([channels])) : nil
    runningVar = trackingStatistics ? Buffer(.ones([channels])) : nil
    numBatchesTracked = trackingStatistics ? Buffer(.zeros([], .int64)) : nil
  }

  public func forward(_ x: Tensor) -> Tensor {
    check(
      x.rank >= 3 && x.shape[1] == channels, op: "InstanceNorm",
      expected: "[N, \(channels), spatial...]", got: x.shape)
    if let runningMean, let runningVar, !mode.isTraining {
      guard x.count > 0 else { return x * 1 }
      return batchNormInference(
        x, mean: runningMean.value, variance: runningVar.value, scale: weight?.value,
        shift: bias?.value, epsilon: epsilon, relu: false)
    }
    // One value is its own mean: the result would be the bias whatever comes in.
    check(
      x.shape.dropFirst(2).reduce(1, *) != 1, op: "InstanceNorm",
      expected: "more than one value for each channel of a sample", got: x.shape)
    let running = runningStatistics
    return instanceNorm(
      x, scale: weight?.value, shift: bias?.value, epsilon: epsilon,
      statistics: { running?.take($0.mean(axes: [0]), $1.mean(axes: [0]), count: $2) })
  }

  private var runningStatistics: RunningStatistics? {
    guard let runningMean, let runningVar, let numBatchesTracked, BatchNorm.DryRun.current == nil
    else { return nil }
    return RunningStatistics(
      mean: runningMean, variance: runningVar, batches: numBatchesTracked, momentum: momentum)
  }
}

/// Instance normalization of sequences `[N, C, L]`.
public typealias InstanceNorm1d = InstanceNorm
/// Instance normalization of images `[N, C, H, W]`.
public typealias InstanceNorm2d = InstanceNorm
/// Instance normalization of volumes `[N, C, D, H, W]`.
public typealias InstanceNorm3d = InstanceNorm
