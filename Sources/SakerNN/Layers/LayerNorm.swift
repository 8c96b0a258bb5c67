import SakerTensor

/// Layer normalization over the last axes, `y = (x − mean) / √(variance + ε) · weight + bias` with
/// the mean and the biased variance of each sample itself, in training as in evaluation. Ba et
/// al., arXiv:1607.06450.
public final class LayerNorm: Layer {
  /// `shape`, starts as ones; `nil` without `affine`
  public let weight: Parameter?
  /// `shape`, starts as zeros; `nil` without `affine` or `bias`
  public let bias: Parameter?
  /// The axes that are normalized together.
  public let shape: Shape
  public let epsilon: Float

  public init(_ shape: Shape, epsilon: Float = 1e-5, affine: Bool = true, bias: Bool = true) {
    check(
      shape.rank > 0 && shape.elements > 0, op: "LayerNorm", expected: "axes that are not empty",
      got: shape)
    self.shape = shape
    self.epsilon = epsilon
    weight = affine ? Parameter(shape, .ones) : nil
    self.bias = affine && bias ? Parameter(shape, .zeros) : nil
  }

  /// Over the last axis.
  public convenience init(
    _ features: Int, epsilon: Float = 1e-5, affine: Bool = true, bias: Bool = true
  ) {
    self.init([features], epsilon: epsilon, affine: affine, bias: bias)
  }

  /// `[..., shape]`
  public func forward(_ x: Tensor) -> Tensor {
    layerNorm(x, over: shape, scale: weight?.value, shift: bias?.value, epsilon: epsilon)
  }
}

/// Root mean square normalization over the last axes, `y = x / √(mean(x²) + ε) · weight`.
/// Zhang & Sennrich, arXiv:1910.07467.
public final class RMSNorm: Layer {
  /// `shape`, starts as ones; `nil` without `affine`
  public let weight: Parameter?
  public let shape: Shape
  public let epsilon: Float

  public init(_ shape: Shape, epsilon: Float = .ulpOfOne, affine: Bool = true) {
    check(
      shape.rank > 0 && shape.elements > 0, op: "RMSNorm", expected: "axes that are not empty",
      got: shape)
    self.shape = shape
    self.epsilon = epsilon
    weight = affine ? Parameter(shape, .ones) : nil
  }

  /// Over the last axis.
  public convenience init(_ features: Int, epsilon: Float = .ulpOfOne, affine: Bool = true) {
    self.init([features], epsilon: epsilon, affine: affine)
  }

  /// `[..., shape]`
  public func forward(_ x: Tensor) -> Tensor {
    rmsNorm(x, over: shape, scale: weight?.value, epsilon: epsilon)
  }
}
