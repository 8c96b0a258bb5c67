import CKernels

/// LAMB, for very large batches: Adam's direction with decay, `r = m̂ / (√v̂ + ε) + decay · θ`,
/// made as long as each whole parameter wants it: `θ = θ − rate · ‖θ‖ / ‖r‖ · r`. You et al.,
/// arXiv:1904.00962, algorithm 2 with φ(z) = z. Where one of the norms is 0, as in a bias that
/// starts with zeros, their ratio counts as 1.
public struct LAMB: UpdateRule {
  /// β₁
  public var momentum: Double
  /// β₂
  public var squaredMomentum: Double
  public var epsilon, decay: Double

  public init(
    momentum: Double = 0.9, squaredMomentum: Double = 0.999, epsilon: Double = 1e-6,
    decay: Double = 0
  ) {
    self.momentum = momentum
    self.squaredMomentum = squaredMomentum
    self.epsilon = epsilon
    self.decay = decay
  }

  public var slots: [String] { ["exp_avg", "exp_avg_sq"] }
  public var measures: Bool { true }

  private func rule(_ slice: UpdateSlice) -> saker_lamb {
    let moments = Moments(momentum, squaredMomentum, step: slice.step)
    return saker_lamb(
      mean_share: Float(1 - momentum), kept: Float(squaredMomentum),
      square_share: Float(1 - squaredMomentum), of_mean: Float(moments.correction),
      root: Float(moments.squaredCorrection.squareRoot()), epsilon: Float(epsilon),
      decay: Float(slice.decay))
  }

  /// ‖θ‖² and ‖r‖²
  public func measure(_ slice: UpdateSlice) -> SIMD2<Double> {
    var sums = (0.0, 0.0)
    withUnsafePointer(to: rule(slice)) { rule in
      withUnsafeMutableBytes(of: &sums) {
        saker_lamb_measure_f32(
          slice.values, slice.gradient, slice.slot(0), slice.slot(1), slice.count, rule,
          $0.baseAddress?.assumingMemoryBound(to: Double.self))
      }
    }
    return SIMD2(sums.0, sums.1)
  }

  public func update(_ slice: UpdateSlice) {
    let (weights, direction) = (slice.sums.x.squareRoot(), slice.sums.y.squareRoot())
    let trust = weights > 0 && direction > 0 ? weights / direction : 1
    withUnsafePointer(to: rule(slice)) {
      saker_lamb_step_f32(
        slice.values, slice.slot(0), slice.slot(1), slice.count, Float(slice.rate * trust), $0)
    }
  }
}
