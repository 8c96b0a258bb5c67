import SakerTensor

/// Stochastic depth, also called DropPath: in training the branch of a residual block is 0 with the
/// probability `drop`, and else grows by 1 / (1 − drop); in evaluation nothing happens. Put it at
/// the end of the branch, before the sum. Huang et al., arXiv:1603.09382, in the inverted form.
public final class StochasticDepth: IdleLayer, ModeDependent, RandomLayer {
  /// What lives or dies as one.
  public enum Unit: Sendable {
    /// Each sample `[N, ...]` by itself.
    case sample
    /// The batch.
    case batch
  }

  public let drop: Float
  public let unit: Unit
  public var random: Random
  public var mode = Mode()

  /// - Parameter drop: the probability of 0, in 0...1.
  public init(_ drop: Float, unit: Unit = .sample) {
    check(
      (0...1).contains(drop), op: "StochasticDepth", expected: "a probability in 0...1", got: drop)
    self.drop = drop
    self.unit = unit
    random = StartGenerator.current.fork()
  }

  /// The paper's linear rule: block l of `blocks`, counted from 1, has the probability
  /// `last · l / blocks`.
  public static func linearRule(last: Float, blocks: Int) -> [Float] {
    (0..<blocks).map { last * Float($0 + 1) / Float(blocks) }
  }

  var isIdle: Bool { !mode.isTraining || drop == 0 }

  public func forward(_ x: Tensor) -> Tensor {
    check(x.rank >= 1, op: "StochasticDepth", expected: "[N, ...]", got: x.shape)
    if isIdle { return x }
    let kept: Float = drop < 1 ? 1 / (1 - drop) : 0
    var sizes = [Int](repeating: 1, count: x.rank)
    if unit == .sample { sizes[0] = x.shape[0] }
    let mask = draw(Shape(sizes)) { $0.uniform() < self.drop ? 0 : kept }
    return apply(Mask(mask: mask.converted(to: x.dtype)), x)
  }
}
