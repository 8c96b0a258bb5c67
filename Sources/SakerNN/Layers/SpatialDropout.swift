import SakerTensor

/// Dropout of whole channels of `[N, C, ...]`: in training each sample's channel is 0 with
/// the probability `drop`, and the others grow by 1 / (1 − drop); in evaluation nothing
/// happens. Neighbours in a map are so alike that dropping single values drops nothing.
/// Tompson et al., arXiv:1411.4280.
public final class SpatialDropout: Layer, ModeDependent, RandomLayer {
  public let drop: Float
  public var random: Random
  public var mode = Mode()

  /// - Parameter drop: the probability of 0, in 0...1.
  public init(_ drop: Float = 0.5) {
    check(
      (0...1).contains(drop), op: "SpatialDropout", expected: "a probability in 0...1", got: drop)
    self.drop = drop
    random = StartGenerator.current.fork()
  }

  public func forward(_ x: Tensor) -> Tensor {
    check(x.rank >= 2, op: "SpatialDropout", expected: "[N, C, ...]", got: x.shape)
    guard mode.isTraining, drop > 0 else { return x }
    let kept: Float = drop < 1 ? 1 / (1 - drop) : 0
    let shape = Shape(x.shape.prefix(2) + [Int](repeating: 1, count: x.rank - 2))
    let mask = draw(shape) { $0.uniform() < self.drop ? 0 : kept }
    return apply(Mask(mask: mask.converted(to: x.dtype)), x)
  }
}

/// Channel dropout of sequences `[N, C, L]`.
public typealias Dropout1d = SpatialDropout
/// Channel dropout of images `[N, C, H, W]`.
public typealias Dropout2d = SpatialDropout
/// Channel dropout of volumes `[N, C, D, H, W]`.
public typealias Dropout3d = SpatialDropout

extension RandomLayer {
  /// A float32 tensor whose elements are drawn from this module's generator, in row-major order.
  func draw(_ shape: Shape, _ element: (inout Random) -> Float) -> Tensor {
    var random = random
    defer { self.random = random }
    return Tensor(shape, of: Float.self) { elements in
      for i in elements.indices { elements[i] = element(&random) }
    }
  }
}
