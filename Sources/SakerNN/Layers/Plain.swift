import SakerTensor

/// `max(0, x)`
public final class ReLU: ActivationLayer {
  let activation: Activation? = .relu

  public init() {}
  public func forward(_ x: Tensor) -> Tensor { relu(x) }
}

/// `min(max(0, x), 6)`. Howard et al., arXiv:1704.04861.
public final class ReLU6: ActivationLayer {
  let activation: Activation? = .relu6

  public init() {}
  public func forward(_ x: Tensor) -> Tensor { relu6(x) }
}

/// `x` where positive, else `slope · x`. Maas et al. 2013.
public final class LeakyReLU: ActivationLayer {
  public let slope: Float

  public init(slope: Float = 0.01) { self.slope = slope }
  public func forward(_ x: Tensor) -> Tensor { leakyReLU(x, slope: slope) }

  /// For the slopes that `Activation` has.
  var activation: Activation? { (0...1).contains(slope) ? .leaky(slope) : nil }
}

/// `x · sigmoid(x)`, also called swish. Elfwing et al., arXiv:1702.03118.
public final class SiLU: ActivationLayer {
  let activation: Activation? = .swish

  public init() {}
  public func forward(_ x: Tensor) -> Tensor { swish(x) }
}

/// A layer that other layers' operations can compute on their way.
protocol ActivationLayer: Layer, Leaf {
  /// Nothing if, as it is set, they can't.
  var activation: Activation? { get }
}

extension Layer {
  /// What an operation before it may compute in its place; nothing if a hook wants to see it run.
  var asActivation: Activation? {
    LayerHooks.of(self) == nil ? (self as? any ActivationLayer)?.activation : nil
  }
}

/// A layer that may do nothing.
protocol IdleLayer: Layer {
  /// Whether it gives back its input, as it is set.
  var isIdle: Bool { get }
}

/// `x`
public final class Identity: IdleLayer {
  let isIdle = true

  public init() {}
  public func forward(_ x: Tensor) -> Tensor { x }
}

/// Axes from `first` to `last` become one: `[N, C, H, W]` to `[N, C·H·W]`.
public final class Flatten: Layer {
  public let first, last: Int

  public init(from first: Int = 1, to last: Int = -1) {
    self.first = first
    self.last = last
  }

  public func forward(_ x: Tensor) -> Tensor { x.flatten(from: first, to: last) }
}
