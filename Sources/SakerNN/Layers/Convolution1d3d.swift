import SakerTensor

/// Convolution of sequences `[N, C, L]`, strictly a correlation.
public final class Conv1d: Layer {
  /// `[out, in / groups, length]`
  public let weight: Parameter
  /// `[out]`, or `nil` for a layer without bias
  public let bias: Parameter?
  public let stride, dilation, groups: Int
  public let padding: Padding
  public let paddingMode: PadMode

  /// Weight and bias start uniform in ±1/√fan, `fan = in / groups × length`.
  /// - Parameter padding: its horizontal part counts.
  public init(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Padding = 0,
    mode: PadMode = .constant(0), dilation: Int = 1, groups: Int = 1, bias: Bool = true
  ) {
    checkChannels(inputs, outputs, groups, op: "Conv1d")
    checkSame(padding == .same, stride: [stride], op: "Conv1d")
    let start = Initializer.uniform(1 / Float(inputs / groups * kernel).squareRoot())
    weight = Parameter([outputs, inputs / groups, kernel], start)
    self.bias = bias ? Parameter([outputs], start) : nil
    (self.stride, self.dilation, self.groups) = (stride, dilation, groups)
    (self.padding, paddingMode) = (padding, mode)
  }

  /// `[N, in, L]` to `[N, out, L']` in the type of `x`
  public func forward(_ x: Tensor) -> Tensor {
    check(
      x.rank == 3 && x.shape[1] == weight.shape[1] * groups, op: "Conv1d",
      expected: "[N, \(weight.shape[1] * groups), L]", got: x.shape)
    let edges = padding.edges(reach: (0, dilation * (weight.shape[2] - 1)))
    let byKernel = paddingMode == .constant(0)
    let padded = byKernel ? x : pad(x, [(edges.left, edges.right)], mode: paddingMode)
    return conv1d(
      padded, weight.value, bias: bias?.value, stride: stride,
      padding: byKernel ? (edges.left, edges.right) : (0, 0), dilation: dilation, groups: groups)
  }
}

/// Convolution of volumes `[N, C, D, H, W]`, strictly a correlation.
public final class Conv3d: Layer {
  /// `[out, in / groups, depth, height, width]`
  public let weight: Parameter
  /// `[out]`, or `nil` for a layer without bias
  public let bias: Parameter?
  public let stride, dilation: (Int, Int, Int)
  public let padding: VolumePadding
  public let paddingMode: PadMode
  public let groups: Int

  /// Weight and bias start uniform in ±1/√fan, `fan = in / groups × depth × height × width`.
  public init(
    _ inputs: Int, _ outputs: Int, kernel: (Int, Int, Int), stride: (Int, Int, Int) = (1, 1, 1),
    padding: VolumePadding = 0, mode: PadMode = .constant(0),
    dilation: (Int, Int, Int) = (1, 1, 1), groups: Int = 1, bias: Bool = true
  ) {
    checkChannels(inputs, outputs, groups, op: "Conv3d")
    checkSame(padding == .same, stride: [stride.0, stride.1, stride.2], op: "Conv3d")
    let fan = inputs / groups * kernel.0 * kernel.1 * kernel.2
    let start = Initializer.uniform(1 / Float(fan).squareRoot())
    weight = Parameter([outputs, inputs / groups, kernel.0, kernel.1, kernel.2], start)
    self.bias = bias ? Parameter([outputs], start) : nil
    (self.stride, self.dilation, self.groups) = (stride, dilation, groups)
    (self.padding, paddingMode) = (padding, mode)
  }

  /// With a cubic kernel.
  public convenience init(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: VolumePadding = 0,
    mode: PadMode = .constant(0), dilation: Int = 1, groups: Int = 1, bias: Bool = true
  ) {
    self.init(
      inputs, outputs, kernel: (kernel, kernel, kernel), stride: (stride, stride, stride),
      padding: padding, mode: mode, dilation: (dilation, dilation, dilation), groups: groups,
      bias: bias)
  }

  /// `[N, in, D, H, W]` to `[N, out, D', H', W']` in the type of `x`
  public func forward(_ x: Tensor) -> Tensor {
    let shape = weight.shape
    check(
      x.rank == 5 && x.shape[1] == shape[1] * groups, op: "Conv3d",
      expected: "[N, \(shape[1] * groups), D, H, W]", got: x.shape)
    let edges = padding.edges(reach: [
      dilation.0 * (shape[2] - 1), dilation.1 * (shape[3] - 1), dilation.2 * (shape[4] - 1),
    ])
    let byKernel = paddingMode == .constant(0)
    let (d, h, w) = (edges[0], edges[1], edges[2])
    return conv3d(
      byKernel ? x : pad(x, edges, mode: paddingMode), weight.value, bias: bias?.value,
      stride: stride,
      padding: byKernel
        ? (d.before, d.after, h.before, h.after, w.before, w.after) : (0, 0, 0, 0, 0, 0),
      dilation: dilation, groups: groups)
  }
}

/// What layers of convolutions ask of their numbers.
func checkChannels(_ inputs: Int, _ outputs: Int, _ groups: Int, op: String) {
  check(
    inputs >= 1 && outputs >= 1 && groups >= 1 && inputs % max(groups, 1) == 0
      && outputs % max(groups, 1) == 0, op: op,
    expected: "1 or more channels that \(groups) groups divide", got: "\(inputs) to \(outputs)")
}
