import SakerTensor

/// A layer that is linear in a weight, which another module may make: see `WeightNorm`
/// and `CosineNorm`.
public protocol Weighted: Layer {
  /// `[out, ...]`
  var weight: Parameter { get }
  var bias: Parameter? { get }
  /// Of how many groups of inputs and outputs, side by side, it consists.
  var groups: Int { get }
  /// What `forward` computes, with another weight, of as many outputs as divide into the groups,
  /// and another bias or none.
  func forward(_ x: Tensor, weight: Tensor, bias: Tensor?) -> Tensor
}

extension Linear: Weighted {
  public var groups: Int { 1 }

  public func forward(_ x: Tensor, weight: Tensor, bias: Tensor?) -> Tensor {
    check(
      x.rank >= 1 && x.shape[x.rank - 1] == weight.shape[1], op: "Linear",
      expected: "[..., \(weight.shape[1])]", got: x.shape)
    return matmul(x, weight.transposed(), adding: bias)
  }
}

extension Conv2d: Weighted {
  public func forward(_ x: Tensor, weight: Tensor, bias: Tensor?) -> Tensor {
    check(
      x.rank == 4 && x.shape[1] == weight.shape[1] * groups, op: "Conv2d",
      expected: "[N, \(weight.shape[1] * groups), H, W]", got: x.shape)
    let around = edges
    guard paddingMode != .constant(0) else {
      return conv2d(
        x, weight, bias: bias, stride: stride, padding: around, dilation: dilation, groups: groups)
    }
    let padded = pad(
      x, [(around.top, around.bottom), (around.left, around.right)], mode: paddingMode)
    return conv2d(
      padded, weight, bias: bias, stride: stride, padding: (0, 0, 0, 0), dilation: dilation,
      groups: groups)
  }
}
