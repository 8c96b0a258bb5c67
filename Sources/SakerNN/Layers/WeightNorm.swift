import SakerTensor

/// Weight normalization of a linear or convolutional layer: its weight is `w = g · v / ‖v‖`, so
/// that length and direction learn apart. Salimans & Kingma, arXiv:1602.07868.
///
/// With `∇w` the weight's gradient, `∇g = ∇w · v / ‖v‖` and `∇v = (g / ‖v‖) ∇w − (g ∇g / ‖v‖²) v`.
/// The names in a state are PyTorch's: `weight_g`, `weight_v`, `bias`.
public final class WeightNorm<Wrapped: Weighted>: Layer {
  /// One length for each output, `[out, 1, ...]`.
  public let weightG: Parameter
  /// The shape of the wrapped layer's weight.
  public let weightV: Parameter
  /// Computes with the normalized weight; its own waits for `removed()`.
  public let layer: Wrapped

  /// Starts with the layer's weight.
  public init(_ layer: Wrapped) {
    self.layer = layer
    let weight = layer.weight.value.detached()
    weightV = Parameter(weight)
    weightG = Parameter(weight.norm(axes: WeightNorm.axes(weight), keepingAxes: true))
  }

  public var members: [(name: String, value: Any)] {
    var members: [(name: String, value: Any)] = [("weight_g", weightG), ("weight_v", weightV)]
    if let bias = layer.bias { members.append(("bias", bias)) }
    return members
  }

  private static func axes(_ weight: Tensor) -> [Int] { Array(1..<weight.rank) }

  /// `g · v / ‖v‖`
  public var weight: Tensor {
    let v = weightV.value
    return v * (weightG.value / v.norm(axes: WeightNorm.axes(v), keepingAxes: true))
  }

  public func forward(_ x: Tensor) -> Tensor {
    layer.forward(x, weight: weight, bias: layer.bias?.value)
  }

  /// The plain layer with the weight as it is now.
  public func removed() -> Wrapped {
    layer.weight.value = weight.detached()
    return layer
  }
}
