import SakerTensor

/// Convolution of images `[N, C, H, W]`, strictly a correlation, as everywhere in the field.
public final class Conv2d: Layer {
  /// `[out, in / groups, height, width]`
  public let weight: Parameter
  /// `[out]`, or `nil` for a layer without bias
  public let bias: Parameter?
  public let stride, dilation: (Int, Int)
  public let padding: Padding
  public let paddingMode: PadMode
  public let groups: Int

  /// Weight and bias start uniform in ±1/√fan, where `fan = in / groups × height × width` (the
  /// field's default, which is `kaimingUniform(slope: √5)`).
  public init(
    _ inputs: Int, _ outputs: Int, kernel: (Int, Int), stride: (Int, Int) = (1, 1),
    padding: Padding = 0, mode: PadMode = .constant(0), dilation: (Int, Int) = (1, 1),
    groups: Int = 1, bias: Bool = true
  ) {
    check(
      groups > 0 && inputs % groups == 0 && outputs % groups == 0, op: "Conv2d",
      expected: "channels that \(groups) groups divide", got: "\(inputs) to \(outputs)")
    checkSame(padding == .same, stride: [stride.0, stride.1], op: "Conv2d")
    let fan = inputs / groups * kernel.0 * kernel.1
    let start = Initializer.uniform(1 / Float(fan).squareRoot())
    weight = Parameter([outputs, inputs / groups, kernel.0, kernel.1], start)
    self.bias = bias ? Parameter([outputs], start) : nil
    self.stride = stride
    self.dilation = dilation
    self.padding = padding
    paddingMode = mode
    self.groups = groups
  }

  /// With a square kernel.
  public convenience init(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Padding = 0,
    mode: PadMode = .constant(0), dilation: Int = 1, groups: Int = 1, bias: Bool = true
  ) {
    self.init(
      inputs, outputs, kernel: (kernel, kernel), stride: (stride, stride), padding: padding,
      mode: mode, dilation: (dilation, dilation), groups: groups, bias: bias)
  }

  /// With a square kernel, and the same padding on all edges.
  public convenience init(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int,
    mode: PadMode = .constant(0), dilation: Int = 1, groups: Int = 1, bias: Bool = true
  ) {
    self.init(
      inputs, outputs, kernel: kernel, stride: stride, padding: .each(padding), mode: mode,
      dilation: dilation, groups: groups, bias: bias)
  }

  /// `[N, in, H, W]` to `[N, out, H', W']` in the type of `x`; `H' = (H + top + bottom − dilation
  /// (height − 1) − 1) / stride + 1`
  public func forward(_ x: Tensor) -> Tensor {
    let (padded, edges) = prepare(x)
    return conv2d(
      padded, weight.value, bias: bias?.value, stride: stride, padding: edges, dilation: dilation,
      groups: groups)
  }

  /// The shape of what `forward` makes of an input; `nil` if it cannot take it.
  public func outputShape(of input: Shape) -> Shape? {
    guard input.rank == 4, input[1] == weight.shape[1] * groups else { return nil }
    let edges = edges
    let rows = input[2] + edges.top + edges.bottom - dilation.0 * (weight.shape[2] - 1) - 1
    let columns = input[3] + edges.left + edges.right - dilation.1 * (weight.shape[3] - 1) - 1
    guard rows >= 0, columns >= 0 else { return nil }
    return [input[0], weight.shape[0], rows / stride.0 + 1, columns / stride.1 + 1]
  }

  /// The same without a tape, with other weights and with what `conv2dInference` does on the way.
  func inference(
    _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, adding residual: consuming Tensor?,
    _ activation: Activation, pooling: Bool
  ) -> Tensor {
    let (padded, edges) = prepare(x)
    return conv2dInference(
      padded, weight, bias: bias, stride: stride, padding: edges, dilation: dilation,
      groups: groups, residual: consume residual, activation: activation, pooling: pooling)
  }

  /// Rows and columns around the picture.
  var edges: Padding.Edges {
    padding.edges(
      reach: (dilation.0 * (weight.shape[2] - 1), dilation.1 * (weight.shape[3] - 1)))
  }

  /// What to convolve, and the zeros that the kernel adds around it by itself.
  private func prepare(_ x: Tensor) -> (Tensor, Padding.Edges) {
    check(
      x.rank == 4 && x.shape[1] == weight.shape[1] * groups, op: "Conv2d",
      expected: "[N, \(weight.shape[1] * groups), H, W]", got: x.shape)
    let edges = edges
    if paddingMode == .constant(0) { return (x, edges) }
    let padded = pad(
      x, [(edges.top, edges.bottom), (edges.left, edges.right)], mode: paddingMode)
    return (padded, (0, 0, 0, 0))
  }
}
