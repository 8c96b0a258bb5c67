import CKernels
import SakerTensor

/// On which side of the momentum the learning rate stands (E22 of the catalogue). The two agree
/// while the rate stays the same.
public enum MomentumConvention: String, Codable, Hashable, Sendable, CaseIterable {
  /// PyTorch's: `v = μ v + g`, `θ = θ − rate · v`. v is a sum of gradients, and a new rate holds
  /// for all of it at once.
  case rateOutside = "rate-outside"
  /// Sutskever's, Keras's and the notes': `v = μ v + rate · g`, `θ = θ − v`. v is a sum of steps,
  /// of which each keeps the rate that it was made with. Sutskever et al., "On the importance of
  /// initialization and momentum in deep learning", 2013.
  case rateInside = "rate-inside"
}

/// Stochastic gradient descent with momentum, `v = μ v + (1 − dampening) g`, `θ = θ − rate · v`,
/// where the first v is g. Nesterov takes `g + μ v` for v in the second formula. Decay is added to
/// the gradient, `g = ∂loss/∂θ + decay · θ`.
///
/// With `convention: .rateInside` it is `v = μ v + rate · g`, `θ = θ − v`, and with Nesterov
/// `θ = θ − (μ v + rate · g)`, as Keras has both; there is no dampening then. Nesterov's gradient
/// at `θ − μ v`, as the notes write it, is `Optimizer.lookingAhead`.
///
/// What is remembered is stored as `momentum_buffer`, PyTorch's name, or as `velocity`: the two are
/// of different units (gradients, and steps of rates that nobody stores), so that a state of the
/// other convention is refused instead of converted.
public struct SGD: UpdateRule {
  public var momentum, dampening, decay: Double
  public var nesterov: Bool
  public let convention: MomentumConvention

  public init(
    momentum: Double = 0, dampening: Double = 0, nesterov: Bool = false, decay: Double = 0,
    convention: MomentumConvention = .rateOutside
  ) {
    check(
      dampening == 0 || convention == .rateOutside, op: "SGD",
      expected: "no dampening with the rate inside of the velocity", got: dampening)
    self.momentum = momentum
    self.dampening = dampening
    self.nesterov = nesterov
    self.decay = decay
    self.convention = convention
  }

  public var slots: [String] {
    if momentum == 0 { return [] }
    return convention == .rateInside ? ["velocity"] : ["momentum_buffer"]
  }

  public func update(_ slice: UpdateSlice) {
    let velocity = slice.slotCount > 0 ? slice.slot(0) : nil
    if convention == .rateInside, let velocity {
      saker_sgd_inside_f32(
        slice.values, slice.gradient, velocity, slice.count, Float(slice.rate), Float(momentum),
        Float(slice.decay), nesterov ? 1 : 0)
    } else {
      saker_sgd_f32(
        slice.values, slice.gradient, velocity, slice.count, Float(slice.rate), Float(momentum),
        Float(dampening), Float(slice.decay), nesterov ? 1 : 0, slice.step == 1 ? 1 : 0)
    }
  }
}
