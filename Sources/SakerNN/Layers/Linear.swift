import SakerTensor

/// Fully connected layer, `y = x Wᵀ + b`.
public final class Linear: Layer {
  /// `[out, in]`
  public let weight: Parameter
  /// `[out]`, or `nil` for a layer without bias
  public let bias: Parameter?

  /// Both start uniform in ±1/√in, the field's default.
  public init(_ inputs: Int, _ outputs: Int, bias: Bool = true) {
    let start = Initializer.uniform(1 / Float(inputs).squareRoot())
    weight = Parameter([outputs, inputs], start)
    self.bias = bias ? Parameter([outputs], start) : nil
  }

  /// `[..., in]` to `[..., out]`
  public func forward(_ x: Tensor) -> Tensor {
    check(
      x.rank >= 1 && x.shape[x.rank - 1] == weight.shape[1], op: "Linear",
      expected: "[..., \(weight.shape[1])]", got: x.shape)
    return matmul(x, weight.value.transposed(), adding: bias?.value)
  }
}
