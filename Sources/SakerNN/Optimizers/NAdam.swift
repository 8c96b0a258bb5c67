import Foundation

/// Adam with Nesterov's look ahead: the step takes the gradient itself for the part of the
/// mean that it is about to become, `(1 − μₜ) g / (1 − ∏μ) + μₜ₊₁ m / (1 − ∏μ μₜ₊₁)` in place
/// of m̂, with `μₜ = β₁ (1 − 0.96^(ψt) / 2)`. Dozat, "Incorporating Nesterov momentum into
/// Adam", ICLR workshop 2016.
public struct NAdam: UpdateRule {
  /// β₁
  public var momentum: Double
  /// β₂
  public var squaredMomentum: Double
  /// ψ: how fast the momentum grows to β₁.
  public var momentumDecay: Double
  public var epsilon, decay: Double
  /// Decays as `AdamW` does, apart from the gradient.
  public var decouplesDecay: Bool

  public init(
    momentum: Double = 0.9, squaredMomentum: Double = 0.999, epsilon: Double = 1e-8,
    decay: Double = 0, decouplesDecay: Bool = false, momentumDecay: Double = 4e-3
  ) {
    self.momentum = momentum
    self.squaredMomentum = squaredMomentum
    self.momentumDecay = momentumDecay
    self.epsilon = epsilon
    self.decay = decay
    self.decouplesDecay = decouplesDecay
  }

  public var slots: [String] { ["exp_avg", "exp_avg_sq"] }
  /// ∏μ, of all steps so far
  public var scalar: String? { "mu_product" }

  public func advanced(_ scalar: Double, step: Int) -> Double { scalar * momentum(at: step) }

  private func momentum(at step: Int) -> Double {
    momentum * (1 - 0.5 * pow(0.96, Double(step) * momentumDecay))
  }

  public func update(_ slice: UpdateSlice) {
    let now = momentum(at: slice.step)
    let next = momentum(at: slice.step + 1)
    let moments = Moments(momentum, squaredMomentum, step: slice.step)
    var rule = moments.rule(
      slice, epsilon: epsilon, decay: decouplesDecay ? 0 : slice.decay,
      shrink: decouplesDecay ? 1 - slice.rate * slice.decay : 1)
    rule.of_gradient = Float(slice.rate * (1 - now) / (1 - slice.scalar))
    rule.of_mean = Float(slice.rate * next / (1 - slice.scalar * next))
    slice.adam(rule)
  }
}
