import CKernels

/// Stochastic gradient descent with momentum, `v = μ v + (1 − dampening) g`, `θ = θ − rate · v`, where the first v is g. The
/// learning rate stays outside of v (E22 of the catalogue: inside, the two differ when the rate changes). Nesterov takes
/// `g + μ v` for v in the second formula. Decay is added to the gradient, `g = ∂loss/∂θ + decay · θ`.
public struct SGD: UpdateRule {
  public var momentum, dampening, decay: Double
  public var nesterov: Bool

  public init(
    momentum: Double = 0, dampening: Double = 0, nesterov: Bool = false, decay: Double = 0
  ) {
    self.momentum = momentum
    self.dampening = dampening
    self.nesterov = nesterov
    self.decay = decay
  }

  public var slots: [String] { momentum == 0 ? [] : ["momentum_buffer"] }

  public func update(
    _ parameter: UnsafeMutablePointer<Float>, _ gradient: UnsafePointer<Float>,
    slots: [UnsafeMutablePointer<Float>], count: Int, rate: Double, decay: Double, step: Int
  ) {
    saker_sgd_f32(
      parameter, gradient, slots.first, count, Float(rate), Float(momentum), Float(dampening),
      Float(decay), nesterov ? 1 : 0, step == 1 ? 1 : 0)
  }
}
