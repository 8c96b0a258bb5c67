import CKernels
import Foundation

/// Adam: `m = β₁ m + (1 − β₁) g`, `v = β₂ v + (1 − β₂) g²`,
/// `θ = θ − rate · m̂ / (√v̂ + ε)`, with `m̂ = m / (1 − β₁ᵗ)` and v̂ likewise. Kingma & Ba,
/// arXiv:1412.6980. Decay is added to the gradient.
///
/// AMSGrad takes the largest v so far in place of v, so that a step never grows again because a
/// large gradient is forgotten. Reddi et al., arXiv:1904.09237; as in PyTorch it is the largest
/// before the correction of its bias.
public struct Adam: UpdateRule {
  /// β₁
  public var momentum: Double
  /// β₂
  public var squaredMomentum: Double
  public var epsilon, decay: Double
  public let amsgrad: Bool

  public init(
    momentum: Double = 0.9, squaredMomentum: Double = 0.999, epsilon: Double = 1e-8,
    decay: Double = 0, amsgrad: Bool = false
  ) {
    self.momentum = momentum
    self.squaredMomentum = squaredMomentum
    self.epsilon = epsilon
    self.decay = decay
    self.amsgrad = amsgrad
  }

  public var slots: [String] {
    ["exp_avg", "exp_avg_sq"] + (amsgrad ? ["max_exp_avg_sq"] : [])
  }

  public func update(_ slice: UpdateSlice) { update(slice, decay: slice.decay, shrink: 1) }

  fileprivate func update(_ slice: UpdateSlice, decay: Double, shrink: Double) {
    let moments = Moments(momentum, squaredMomentum, step: slice.step)
    var rule = moments.rule(slice, epsilon: epsilon, decay: decay, shrink: shrink)
    rule.of_mean = Float(slice.rate * moments.correction)
    slice.adam(rule, most: amsgrad ? slice.slot(2) : nil)
  }
}

/// Adam with decay apart from the gradient: `θ = θ − rate · decay · θ` before each update.
/// Loshchilov & Hutter, arXiv:1711.05101. AMSGrad as in `Adam`.
public struct AdamW: UpdateRule {
  private var adam: Adam
  public let decay: Double

  public init(
    momentum: Double = 0.9, squaredMomentum: Double = 0.999, epsilon: Double = 1e-8,
    decay: Double = 0.01, amsgrad: Bool = false
  ) {
    adam = Adam(
      momentum: momentum, squaredMomentum: squaredMomentum, epsilon: epsilon, amsgrad: amsgrad)
    self.decay = decay
  }

  public var slots: [String] { adam.slots }

  /// β₁
  public var momentum: Double {
    get { adam.momentum }
    set { adam.momentum = newValue }
  }

  public func update(_ slice: UpdateSlice) {
    adam.update(slice, decay: 0, shrink: 1 - slice.rate * slice.decay)
  }
}

/// The two means of Adam and its relatives, in one of their steps.
struct Moments {
  let momentum, squaredMomentum: Double
  /// What makes up for the zeros that the means start as, `1 / (1 − βᵗ)`.
  let correction, squaredCorrection: Double

  init(_ momentum: Double, _ squaredMomentum: Double, step: Int) {
    self.momentum = momentum
    self.squaredMomentum = squaredMomentum
    correction = 1 / (1 - pow(momentum, Double(step)))
    squaredCorrection = 1 / (1 - pow(squaredMomentum, Double(step)))
  }

  /// A step by `√v̂ + ε`, of which the shares of m and g are still missing.
  func rule(
    _ slice: UpdateSlice, epsilon: Double, decay: Double, shrink: Double
  ) -> saker_adam {
    // 1 − β in double precision: of 0.999 as a Float it would be 5e-6 off.
    saker_adam(
      mean_share: Float(1 - momentum), kept: Float(squaredMomentum),
      square_share: Float(1 - squaredMomentum), decay: Float(decay), shrink: Float(shrink),
      of_mean: 0, of_gradient: 0, root: Float(squaredCorrection.squareRoot()),
      epsilon: Float(epsilon))
  }
}

extension UpdateSlice {
  /// A step of Adam's family, whose means are the first two slots.
  func adam(_ rule: saker_adam, most: UnsafeMutablePointer<Float>? = nil) {
    withUnsafePointer(to: rule) {
      saker_adam_f32(values, gradient, slot(0), slot(1), most, count, $0)
    }
  }
}
