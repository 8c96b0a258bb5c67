import Foundation

/// Adam whose first steps do not trust v, which few gradients have made: as long as its
/// variance cannot be told (`ρₜ ≤ 5`) the step is `rate · m̂`, later Adam's times
/// `√((ρₜ−4)(ρₜ−2)ρ∞ / ((ρ∞−4)(ρ∞−2)ρₜ))`, with `ρ∞ = 2 / (1 − β₂) − 1` and
/// `ρₜ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)`. It needs no warm-up. Liu et al., arXiv:1908.03265. As
/// in PyTorch ε is added to √v before its bias is corrected, and ρₜ is compared with 5,
/// where the paper has 4.
public struct RAdam: UpdateRule {
  /// β₁
  public var momentum: Double
  /// β₂
  public var squaredMomentum: Double
  public var epsilon, decay: Double
  /// Decays as `AdamW` does, apart from the gradient.
  public var decouplesDecay: Bool

  public init(
    momentum: Double = 0.9, squaredMomentum: Double = 0.999, epsilon: Double = 1e-8,
    decay: Double = 0, decouplesDecay: Bool = false
  ) {
    self.momentum = momentum
    self.squaredMomentum = squaredMomentum
    self.epsilon = epsilon
    self.decay = decay
    self.decouplesDecay = decouplesDecay
  }

  public var slots: [String] { ["exp_avg", "exp_avg_sq"] }

  /// What the step of Adam is multiplied by; `nil` as long as v is not to be trusted.
  func rectification(at step: Int) -> Double? {
    let power = pow(squaredMomentum, Double(step))
    let longest = 2 / (1 - squaredMomentum) - 1
    let length = longest - 2 * Double(step) * power / (1 - power)
    guard length > 5 else { return nil }
    let top = (length - 4) * (length - 2) * longest
    return (top / ((longest - 4) * (longest - 2) * length)).squareRoot()
  }

  public func update(_ slice: UpdateSlice) {
    let moments = Moments(momentum, squaredMomentum, step: slice.step)
    var rule = moments.rule(
      slice, epsilon: epsilon, decay: decouplesDecay ? 0 : slice.decay,
      shrink: decouplesDecay ? 1 - slice.rate * slice.decay : 1)
    let step = slice.rate * moments.correction
    if let factor = rectification(at: slice.step) {
      rule.of_mean = Float(step * factor / moments.squaredCorrection.squareRoot())
      rule.root = 1
    } else {
      // A divisor of 1.
      rule.of_mean = Float(step)
      (rule.root, rule.epsilon) = (0, 1)
    }
    slice.adam(rule)
  }
}
