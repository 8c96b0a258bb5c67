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

  public func update(_ slice: UpdateSlice) {
    saker_sgd_f32(
      slice.values, slice.gradient, slice.slotCount > 0 ? slice.slot(0) : nil, slice.count,
      Float(slice.rate), Float(momentum), Float(dampening), Float(slice.decay), nesterov ? 1 : 0,
      slice.step == 1 ? 1 : 0)
  }
}
