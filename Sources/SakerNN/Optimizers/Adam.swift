import CKernels
import Foundation

/// Adam: `m = β₁ m + (1 − β₁) g`, `v = β₂ v + (1 − β₂) g²`, `θ = θ − rate · m̂ / (√v̂ + ε)`, with `m̂ = m / (1 − β₁ᵗ)` and v̂
/// likewise. Kingma & Ba, arXiv:1412.6980. Decay is added to the gradient.
public struct Adam: UpdateRule {
  /// β₁
  public var momentum: Double
  /// β₂
  public var squaredMomentum: Double
  public var epsilon, decay: Double

  public init(
    momentum: Double = 0.9, squaredMomentum: Double = 0.999, epsilon: Double = 1e-8,
    decay: Double = 0
  ) {
    self.momentum = momentum
    self.squaredMomentum = squaredMomentum
    self.epsilon = epsilon
    self.decay = decay
  }

  public var slots: [String] { ["exp_avg", "exp_avg_sq"] }

  public func update(
    _ parameter: UnsafeMutablePointer<Float>, _ gradient: UnsafePointer<Float>,
    slots: [UnsafeMutablePointer<Float>], count: Int, rate: Double, decay: Double, step: Int
  ) {
    update(parameter, gradient, slots, count, rate, step, decay: decay, shrink: 1)
  }

  fileprivate func update(
    _ parameter: UnsafeMutablePointer<Float>, _ gradient: UnsafePointer<Float>,
    _ slots: [UnsafeMutablePointer<Float>], _ count: Int, _ rate: Double, _ step: Int,
    decay: Double, shrink: Double
  ) {
    let correction = 1 - pow(momentum, Double(step))
    let squaredCorrection = 1 - pow(squaredMomentum, Double(step))
    saker_adam_f32(
      parameter, gradient, slots[0], slots[1], count, Float(rate / correction),
      Float(squaredCorrection.squareRoot()), Float(momentum), Float(squaredMomentum),
      Float(epsilon), Float(decay), Float(shrink))
  }
}

/// Adam with decay apart from the gradient: `θ = θ − rate · decay · θ` before each update. Loshchilov & Hutter,
/// arXiv:1711.05101.
public struct AdamW: UpdateRule {
  private var adam: Adam
  public let decay: Double

  public init(
    momentum: Double = 0.9, squaredMomentum: Double = 0.999, epsilon: Double = 1e-8,
    decay: Double = 0.01
  ) {
    adam = Adam(momentum: momentum, squaredMomentum: squaredMomentum, epsilon: epsilon)
    self.decay = decay
  }

  public var slots: [String] { adam.slots }

  /// β₁
  public var momentum: Double {
    get { adam.momentum }
    set { adam.momentum = newValue }
  }

  public func update(
    _ parameter: UnsafeMutablePointer<Float>, _ gradient: UnsafePointer<Float>,
    slots: [UnsafeMutablePointer<Float>], count: Int, rate: Double, decay: Double, step: Int
  ) {
    adam.update(
      parameter, gradient, slots, count, rate, step, decay: 0, shrink: 1 - rate * decay)
  }
}
