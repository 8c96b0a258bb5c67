import SakerTensor

/// `max(0, x)`
public final class ReLU: Layer {
  public init() {}
  public func forward(_ x: Tensor) -> Tensor { relu(x) }
}

/// `x`
public final class Identity: Layer {
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
