import CKernels

/// AdaGrad: `s = s + g²`, `θ = θ − rate · g / (√s + ε)`: what has moved much moves less. Duchi et
/// al., "Adaptive subgradient methods", JMLR 2011. The notes have ε inside the root (E23);
/// `epsilonPlacement` says where it is. Decay is added to the gradient. It has no momentum: what a
/// schedule says about it is ignored.
public struct AdaGrad: UpdateRule {
  public var epsilon, decay: Double
  public var epsilonPlacement: EpsilonPlacement
  /// The rate is divided by `1 + (t − 1) · rateDecay` in step t.
  public var rateDecay: Double
  /// What s starts as.
  public let initialAccumulator: Double

  public init(
    epsilon: Double = 1e-10, epsilonPlacement: EpsilonPlacement = .outside, decay: Double = 0,
    rateDecay: Double = 0, initialAccumulator: Double = 0
  ) {
    self.epsilon = epsilon
    self.epsilonPlacement = epsilonPlacement
    self.decay = decay
    self.rateDecay = rateDecay
    self.initialAccumulator = initialAccumulator
  }

  public var slots: [String] { ["sum"] }
  public func start(ofSlot index: Int) -> Double { initialAccumulator }

  public func update(_ slice: UpdateSlice) {
    let rate = slice.rate / (1 + Double(slice.step - 1) * rateDecay)
    let epsilon = epsilonPlacement.split(epsilon)
    saker_adagrad_f32(
      slice.values, slice.gradient, slice.slot(0), slice.count, Float(rate), epsilon.inside,
      epsilon.outside, Float(slice.decay))
  }
}
