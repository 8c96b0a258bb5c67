import CKernels

/// Adadelta: `s = ρ s + (1 − ρ) g²`, `Δ = g · √(d + ε) / √(s + ε)`, `d = ρ d + (1 − ρ) Δ²`,
/// `θ = θ − rate · Δ`. Zeiler, arXiv:1212.5701. Steps have the unit of the parameters, so the rate
/// is 1. Δ is computed from the d of the steps before, and only then becomes a part of it (E24: the
/// notes have it the other way round, which nobody can compute).
///
/// The notes' first form has 1 in place of `√(d + ε)`, and so a rate that must be chosen:
/// `Adadelta(numerator: .one)`. Decay is added to the gradient. It has no momentum: what a schedule
/// says about it is ignored.
public struct Adadelta: UpdateRule {
  /// What stands above the fraction.
  public enum Numerator: String, Codable, Hashable, Sendable, CaseIterable {
    /// The root of the mean square of the steps so far.
    case pastSteps
    case one
  }

  /// ρ: the share of the past in both means.
  public var smoothing: Double
  public var epsilon, decay: Double
  public let numerator: Numerator

  public init(
    smoothing: Double = 0.9, epsilon: Double = 1e-6, decay: Double = 0,
    numerator: Numerator = .pastSteps
  ) {
    self.smoothing = smoothing
    self.epsilon = epsilon
    self.decay = decay
    self.numerator = numerator
  }

  public var slots: [String] {
    numerator == .pastSteps ? ["square_avg", "acc_delta"] : ["square_avg"]
  }

  public func update(_ slice: UpdateSlice) {
    saker_adadelta_f32(
      slice.values, slice.gradient, slice.slot(0), numerator == .pastSteps ? slice.slot(1) : nil,
      slice.count, Float(slice.rate), Float(smoothing), Float(1 - smoothing), Float(epsilon),
      Float(slice.decay))
  }
}
