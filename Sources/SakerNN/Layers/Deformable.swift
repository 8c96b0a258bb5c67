import SakerTensor

/// Deformable convolution: a second convolution of the same numbers looks at the input and says how
/// far each tap moves, and, in version 2, how much it counts. See `deformConv2d`.
public final class DeformConv2d: Layer {
  /// `[out, in / groups, height, width]`
  public let weight: Parameter
  /// `[out]`, or `nil` for a layer without bias
  public let bias: Parameter?
  /// To `2 G height width` offsets, in version 2 and `G height width` logits of the mask behind
  /// them. Starts at zero: at first the taps stay in place, and count 1/2 in version 2.
  public let convOffset: Conv2d
  public let stride, padding, dilation: (Int, Int)
  public let groups, offsetGroups: Int
  public let isModulated: Bool

  /// - Parameters:
  ///   - offsetGroups: G, the groups of input channels that move together.
  ///   - modulated: version 2.
  public init(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
    dilation: Int = 1, groups: Int = 1, offsetGroups: Int = 1, modulated: Bool = false,
    bias: Bool = true
  ) {
    checkChannels(inputs, outputs, groups, op: "DeformConv2d")
    let taps = kernel * kernel
    let start = Initializer.uniform(1 / Float(inputs / groups * taps).squareRoot())
    weight = Parameter([outputs, inputs / groups, kernel, kernel], start)
    self.bias = bias ? Parameter([outputs], start) : nil
    convOffset = Conv2d(
      inputs, (modulated ? 3 : 2) * offsetGroups * taps, kernel: kernel, stride: stride,
      padding: .each(padding), dilation: dilation)
    convOffset.weight.value = .zeros(convOffset.weight.shape)
    convOffset.bias?.value = .zeros(convOffset.bias!.shape)
    (self.stride, self.padding) = ((stride, stride), (padding, padding))
    self.dilation = (dilation, dilation)
    (self.groups, self.offsetGroups, isModulated) = (groups, offsetGroups, modulated)
  }

  /// `[N, in, H, W]` to `[N, out, H', W']`
  public func forward(_ x: Tensor) -> Tensor {
    let shifts = convOffset(x)
    guard isModulated else { return forward(x, offset: shifts) }
    let count = shifts.shape[1] / 3 * 2
    return forward(
      x, offset: shifts.narrow(1, 0..<count),
      mask: sigmoid(shifts.narrow(1, count..<shifts.shape[1])))
  }

  /// With offsets, and a mask, of the caller's; shapes as `deformConv2d` has them.
  public func forward(_ x: Tensor, offset: Tensor, mask: Tensor? = nil) -> Tensor {
    deformConv2d(
      x, offset: offset, weight.value, mask: mask, bias: bias?.value, stride: stride,
      padding: padding, dilation: dilation, groups: groups)
  }
}
