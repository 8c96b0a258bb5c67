import Foundation
import SakerTensor

/// Batch renormalization of `[N, C, ...]`: batch norm whose training result is corrected towards
/// what evaluation will give, `y = ((x − μ) / σ · r + d) · weight + bias` with the batch's μ and
/// `σ = √(variance + ε)`, `r = clip(σ / running σ, 1/rMax, rMax)` and
/// `d = clip((μ − running μ) / running σ, −dMax, dMax)`, through which no gradient flows. For small
/// or dependent batches. Ioffe, arXiv:1702.03275, algorithm 1.
public final class BatchRenorm: Layer, ModeDependent {
  /// γ `[C]`, starts as ones
  public let weight: Parameter
  /// β `[C]`, starts as zeros
  public let bias: Parameter
  /// μ `[C]`, starts as zeros
  public let runningMean: Buffer
  /// σ `[C]`, not its square, with ε inside; starts as ones
  public let runningStd: Buffer
  public let epsilon: Float
  /// The share of the newest batch in the running statistics, the paper's α.
  public let momentum: Float
  /// How far the correction goes: 1 and 0 is batch norm. The paper starts there and widens both,
  /// see `limits(atStep:)`.
  public var limits: Limits
  public var mode = Mode()

  public struct Limits: Sendable, Hashable {
    /// r is in 1 / rMax ... rMax.
    public let rMax: Float
    /// d is in −dMax ... dMax.
    public let dMax: Float

    public init(rMax: Float, dMax: Float) {
      check(
        rMax >= 1 && dMax >= 0, op: "BatchRenorm", expected: "rMax ≥ 1 and dMax ≥ 0",
        got: (rMax, dMax))
      self.rMax = rMax
      self.dMax = dMax
    }

    /// Of batch norm.
    public static let none = Limits(rMax: 1, dMax: 0)
  }

  public init(
    _ channels: Int, epsilon: Float = 1e-3, momentum: Float = 0.01,
    limits: Limits = Limits(rMax: 3, dMax: 5)
  ) {
    check(channels > 0, op: "BatchRenorm", expected: "at least one channel", got: channels)
    weight = Parameter([channels], .ones)
    bias = Parameter([channels], .zeros)
    runningMean = Buffer(.zeros([channels]))
    runningStd = Buffer(.ones([channels]))
    self.epsilon = epsilon
    self.momentum = momentum
    self.limits = limits
  }

  /// The paper's schedule (section 4.1): batch norm for 5,000 steps, then rMax to 3 until step
  /// 40,000 and dMax to 5 until step 25,000, in straight lines.
  public static func limits(atStep step: Int) -> Limits {
    func ramp(_ end: Int) -> Float { min(max(Float(step - 5000) / Float(end - 5000), 0), 1) }
    return Limits(rMax: 1 + 2 * ramp(40_000), dMax: 5 * ramp(25_000))
  }

  public func forward(_ x: Tensor) -> Tensor {
    check(
      x.rank >= 2 && x.shape[1] == weight.shape[0], op: "BatchRenorm",
      expected: "[N, \(weight.shape[0]), ...]", got: x.shape)
    guard mode.isTraining, BatchNorm.DryRun.current == nil else {
      return batchNormInference(
        x, mean: runningMean.value, variance: square(runningStd.value), scale: weight.value,
        shift: bias.value, epsilon: 0, relu: false)
    }
    check(
      x.count > x.shape[1], op: "BatchRenorm",
      expected: "more than one value for each channel when training", got: x.shape)
    let (mean, deviation) = moments(x)
    let running = (mean: runningMean.value, deviation: runningStd.value)
    let r = (deviation / running.deviation).clamped(from: 1 / limits.rMax, to: limits.rMax)
    let d = ((mean - running.mean) / running.deviation)
      .clamped(from: -limits.dMax, to: limits.dMax)
    let y = batchNormTraining(
      x, scale: weight.value * r, shift: weight.value * d + bias.value, epsilon: epsilon,
      relu: false, statistics: { _, _, _ in })
    runningMean.value = running.mean + (mean - running.mean) * momentum
    runningStd.value = running.deviation + (deviation - running.deviation) * momentum
    return y
  }

  /// μ and σ of each channel.
  private func moments(_ x: Tensor) -> (mean: Tensor, deviation: Tensor) {
    withoutGradients {
      let axes = (0..<x.rank).filter { $0 != 1 }
      let x = x.detached().converted(to: .float32)
      let variance = x.variance(axes: axes, correction: 0)
      return (x.mean(axes: axes), sqrt(variance + epsilon))
    }
  }
}
