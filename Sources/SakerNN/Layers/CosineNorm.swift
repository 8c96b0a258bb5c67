import SakerTensor

/// Cosine normalization of a linear or convolutional layer without bias: `y = w · x / (‖w‖ ‖x‖)`,
/// the cosine between weight and input, in −1...1. Bounded, and blind to the length of `x`. Luo et
/// al., arXiv:1702.05870.
///
/// Of a convolution, `x` is the part of the picture that the kernel lies on. Where it is
/// 0 the result is 0.
public final class CosineNorm<Wrapped: Weighted>: Layer {
  public let layer: Wrapped
  /// What a product of lengths is at least, so that nothing is divided by 0.
  public let epsilon: Float

  /// Stops if the layer has a bias.
  public init(_ layer: Wrapped, epsilon: Float = 1e-8) {
    check(layer.bias == nil, op: "CosineNorm", expected: "a layer without bias", got: "one")
    self.layer = layer
    self.epsilon = epsilon
  }

  public var members: [(name: String, value: Any)] { [("weight", layer.weight)] }

  public func forward(_ x: Tensor) -> Tensor {
    let w = layer.weight.value
    let products = layer.forward(x, weight: unit(w), bias: nil)
    // The squares under a kernel are what a kernel of ones sums: once for each group of outputs.
    let groups = layer.groups
    let ones = Tensor.ones(Shape([groups] + w.shape.dropFirst()))
    let lengths = length(layer.forward(square(x), weight: ones, bias: nil))
    if groups == 1 { return products / lengths }
    return products / lengths.repeatInterleave(w.shape[0] / groups, axis: 1)
  }

  private func unit(_ w: Tensor) -> Tensor {
    w / maximum(w.norm(axes: Array(1..<w.rank), keepingAxes: true), w.floor(epsilon))
  }

  /// The root, whose gradient at 0 is 0 and not infinite.
  private func length(_ squares: Tensor) -> Tensor {
    sqrt(maximum(squares, squares.floor(epsilon * epsilon)))
  }
}

extension Tensor {
  fileprivate func floor(_ value: Float) -> Tensor { .full([], Double(value), dtype) }
}
