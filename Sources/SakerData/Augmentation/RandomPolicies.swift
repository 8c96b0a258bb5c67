import SakerTensor

/// A number of operations, each drawn evenly, all at one magnitude (Cubuk et al.,
/// arXiv:1909.13719). Every operation but `invert` takes part.
public struct RandAugment: ParameterizedTransform {
  public var operations: Int
  /// A level, `0..<bins`.
  public var magnitude: Int
  public var bins: Int
  public var fill: RGB
  public var interpolation: Interpolation
  public var rule: VisibilityRule

  public init(
    operations: Int = 2, magnitude: Int = 9, bins: Int = 31, fill: RGB = .black,
    interpolation: Interpolation = .nearest, rule: VisibilityRule = VisibilityRule()
  ) {
    self.operations = operations
    self.magnitude = magnitude
    self.bins = bins
    self.fill = fill
    self.interpolation = interpolation
    self.rule = rule
    checkParameters()
  }

  public static let standard = RandAugment()
  public var problem: String? {
    unless((0...100).contains(operations), "operations are 0...100, got \(operations)")
      ?? unless(
        bins > 0 && (0..<bins).contains(magnitude),
        "a magnitude is one of \(bins) bins, 0..<\(bins); got \(magnitude)") ?? rule.problem
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    for _ in 0..<operations {
      let operation = PolicyOperation.drawn[random.index(below: PolicyOperation.drawn.count)]
      sample.apply(
        operation, level: magnitude, of: MagnitudeRange(bins: bins), fill: fill, interpolation,
        rule, using: &random)
    }
  }
}

/// One operation at one magnitude, both drawn evenly (Müller and Hutter, arXiv:2103.10158, the wide
/// ranges): nothing to tune.
public struct TrivialAugment: ParameterizedTransform {
  public var bins: Int
  public var fill: RGB
  public var interpolation: Interpolation
  public var rule: VisibilityRule

  public init(
    bins: Int = 31, fill: RGB = .black, interpolation: Interpolation = .nearest,
    rule: VisibilityRule = VisibilityRule()
  ) {
    self.bins = bins
    self.fill = fill
    self.interpolation = interpolation
    self.rule = rule
    checkParameters()
  }

  public static let standard = TrivialAugment()
  public var problem: String? {
    unless((1...10_000).contains(bins), "bins are 1...10000, got \(bins)") ?? rule.problem
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    let operation = PolicyOperation.drawn[random.index(below: PolicyOperation.drawn.count)]
    sample.apply(
      operation, level: random.index(below: bins), of: MagnitudeRange(bins: bins, isWide: true),
      fill: fill, interpolation, rule, using: &random)
  }
}

extension PolicyOperation {
  /// What random policies draw from.
  static let drawn = allCases.filter { $0 != .invert }
}

/// One of 25 pairs of operations that a search found for a data set, each operation with a
/// probability and a magnitude of its own (Cubuk et al., arXiv:1805.09501, tables 7 to 9).
public struct AutoAugment: ParameterizedTransform {
  public enum Policy: String, Hashable, Codable, Sendable, CaseIterable {
    case imageNet, cifar10, svhn
  }
  public var policy: Policy
  public var fill: RGB
  public var interpolation: Interpolation
  public var rule: VisibilityRule

  public init(
    _ policy: Policy = .imageNet, fill: RGB = .black, interpolation: Interpolation = .nearest,
    rule: VisibilityRule = VisibilityRule()
  ) {
    self.policy = policy
    self.fill = fill
    self.interpolation = interpolation
    self.rule = rule
    checkParameters()
  }

  public static let standard = AutoAugment()
  public var problem: String? { rule.problem }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    let pairs = policy.pairs
    let pair = pairs[random.index(below: pairs.count)]
    for step in [pair.first, pair.second] {
      guard random.uniform() < step.probability else { continue }
      sample.apply(
        step.operation, level: step.level, of: MagnitudeRange(bins: 10), fill: fill, interpolation,
        rule, using: &random)
    }
  }
}
