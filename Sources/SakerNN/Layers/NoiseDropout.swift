import SakerTensor

/// Gaussian dropout: in training each element is multiplied by a number of N(1, drop / (1 − drop)),
/// the mean and variance of dropout's own factors; in evaluation nothing happens. Srivastava et
/// al., JMLR 15 (2014), section 10.
public final class GaussianDropout: Layer, ModeDependent, RandomLayer {
  public let drop: Float
  public var random: Random
  public var mode = Mode()

  /// - Parameter drop: in 0 ..< 1.
  public init(_ drop: Float = 0.5) {
    check((0..<1).contains(drop), op: "GaussianDropout", expected: "drop in 0..<1", got: drop)
    self.drop = drop
    random = StartGenerator.current.fork()
  }

  public func forward(_ x: Tensor) -> Tensor {
    guard mode.isTraining, drop > 0 else { return x }
    let factors = Tensor.normal(
      x.shape, mean: 1, deviation: (drop / (1 - drop)).squareRoot(), using: &random)
    return apply(Mask(mask: factors.converted(to: x.dtype)), x)
  }
}

/// Uniform dropout: in training each element is multiplied by a number of U(1 − range, 1 + range),
/// whose variance range² / 3 shifts that of a batch norm behind it less than dropout's; in
/// evaluation nothing happens.
/// Li et al., arXiv:1801.05134, section 6.2.
public final class UniformDropout: Layer, ModeDependent, RandomLayer {
  public let range: Float
  public var random: Random
  public var mode = Mode()

  /// - Parameter range: β of the paper, in 0...1.
  public init(_ range: Float = 0.1) {
    check((0...1).contains(range), op: "UniformDropout", expected: "range in 0...1", got: range)
    self.range = range
    random = StartGenerator.current.fork()
  }

  public func forward(_ x: Tensor) -> Tensor {
    guard mode.isTraining, range > 0 else { return x }
    let factors = draw(x.shape) { 1 + self.range * (2 * $0.uniform() - 1) }
    return apply(Mask(mask: factors.converted(to: x.dtype)), x)
  }
}

/// Alpha dropout, for networks of SELU: in training each element takes, with the probability
/// `drop`, SELU's lowest value, and all are scaled and shifted so that mean 0 and variance 1 stay;
/// in evaluation nothing happens.
/// Klambauer et al., arXiv:1706.02515, section 3.
public final class AlphaDropout: Layer, ModeDependent, RandomLayer {
  public let drop: Float
  public var random: Random
  public var mode = Mode()

  /// −scale · α of SELU
  static let lowest: Float = -1.758_099_3

  /// - Parameter drop: in 0 ..< 1.
  public init(_ drop: Float = 0.5) {
    check((0..<1).contains(drop), op: "AlphaDropout", expected: "drop in 0..<1", got: drop)
    self.drop = drop
    random = StartGenerator.current.fork()
  }

  public func forward(_ x: Tensor) -> Tensor {
    guard mode.isTraining, drop > 0 else { return x }
    let lowest = AlphaDropout.lowest
    let scale = 1 / ((1 - drop) * (1 + drop * lowest * lowest)).squareRoot()
    let shift = -scale * drop * lowest
    let mask = draw(x.shape) { $0.uniform() < self.drop ? 0 : scale }
    let added = mask.detached() * -lowest + (scale * lowest + shift)
    return apply(Mask(mask: mask.converted(to: x.dtype)), x) + added.converted(to: x.dtype)
  }
}
