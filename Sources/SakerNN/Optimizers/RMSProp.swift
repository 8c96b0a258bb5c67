import CKernels

/// RMSProp: `s = α s + (1 − α) g²`, `θ = θ − rate · g / (√s + ε)`. Tieleman & Hinton, lecture 6.5
/// of "Neural networks for machine learning", 2012. Decay is added to the gradient.
///
/// Centered, `√(s − m²)` takes the place of `√s`, with m the mean of the gradients (Graves,
/// arXiv:1308.0850). With momentum the steps are summed up, `v = μ v + g / (√s + ε)`,
/// `θ = θ − rate · v`. PyTorch has ε outside of the root, Keras and the notes inside (E23):
/// `epsilonPlacement`. Keras's other numbers are α = 0.9 and ε = 1e-7.
public struct RMSProp: UpdateRule {
  /// α: the share of the past in the mean of squares.
  public var smoothing: Double
  /// μ
  public var momentum: Double
  public var epsilon, decay: Double
  public var epsilonPlacement: EpsilonPlacement
  public let centered: Bool
  private let hasVelocity: Bool

  public init(
    smoothing: Double = 0.99, epsilon: Double = 1e-8,
    epsilonPlacement: EpsilonPlacement = .outside, decay: Double = 0, momentum: Double = 0,
    centered: Bool = false
  ) {
    self.smoothing = smoothing
    self.momentum = momentum
    self.epsilon = epsilon
    self.decay = decay
    self.epsilonPlacement = epsilonPlacement
    self.centered = centered
    // What is remembered must not change with a schedule of the momentum.
    hasVelocity = momentum != 0
  }

  public var slots: [String] {
    ["square_avg"] + (centered ? ["grad_avg"] : []) + (hasVelocity ? ["momentum_buffer"] : [])
  }

  public func update(_ slice: UpdateSlice) {
    let epsilon = epsilonPlacement.split(epsilon)
    let rule = saker_rmsprop(
      rate: Float(slice.rate), kept: Float(smoothing), share: Float(1 - smoothing),
      momentum: Float(momentum), inside: epsilon.inside, outside: epsilon.outside,
      decay: Float(slice.decay))
    withUnsafePointer(to: rule) {
      saker_rmsprop_f32(
        slice.values, slice.gradient, slice.slot(0), centered ? slice.slot(1) : nil,
        hasVelocity ? slice.slot(centered ? 2 : 1) : nil, slice.count, $0)
    }
  }
}
