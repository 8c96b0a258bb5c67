import CKernels

/// Lion: `θ = θ − rate · (sign(β₁ m + (1 − β₁) g) + decay · θ)`, then `m = β₂ m + (1 − β₂) g`. Chen
/// et al., "Symbolic discovery of optimization algorithms", arXiv:2302.06675. Every step has the
/// length of the rate in every element, so the paper's rates are 3 to 10 times smaller than Adam's,
/// and its decays that much larger.
public struct Lion: UpdateRule {
  /// β₁: the share of the past in the direction.
  public var momentum: Double
  /// β₂: the share of the past in what is remembered.
  public var smoothing: Double
  public var decay: Double

  public init(momentum: Double = 0.9, smoothing: Double = 0.99, decay: Double = 0) {
    self.momentum = momentum
    self.smoothing = smoothing
    self.decay = decay
  }

  public var slots: [String] { ["exp_avg"] }

  public func update(_ slice: UpdateSlice) {
    saker_lion_f32(
      slice.values, slice.gradient, slice.slot(0), slice.count, Float(slice.rate), Float(momentum),
      Float(1 - momentum), Float(1 - smoothing), Float(1 - slice.rate * slice.decay))
  }
}
