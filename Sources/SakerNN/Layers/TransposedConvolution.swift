import SakerTensor

/// Transposed convolution of images `[N, C, H, W]`: the way back through a convolution's shapes,
/// for learned upsampling. See `convTranspose2d` for the checkerboard that a kernel not divided by
/// its stride draws.
public final class ConvTranspose2d: Layer {
  /// `[in, out / groups, height, width]`
  public let weight: Parameter
  /// `[out]`, or `nil` for a layer without bias
  public let bias: Parameter?
  public let stride, padding, outputPadding, dilation: (Int, Int)
  public let groups: Int

  /// Weight and bias start uniform in ±1/√fan, `fan = out / groups × height × width` (the field's
  /// default, which takes the weight's second axis for its inputs).
  public init(
    _ inputs: Int, _ outputs: Int, kernel: (Int, Int), stride: (Int, Int) = (1, 1),
    padding: (Int, Int) = (0, 0), outputPadding: (Int, Int) = (0, 0),
    dilation: (Int, Int) = (1, 1), groups: Int = 1, bias: Bool = true
  ) {
    checkChannels(inputs, outputs, groups, op: "ConvTranspose2d")
    let fan = outputs / groups * kernel.0 * kernel.1
    let start = Initializer.uniform(1 / Float(fan).squareRoot())
    weight = Parameter([inputs, outputs / groups, kernel.0, kernel.1], start)
    self.bias = bias ? Parameter([outputs], start) : nil
    (self.stride, self.padding, self.outputPadding) = (stride, padding, outputPadding)
    (self.dilation, self.groups) = (dilation, groups)
  }

  /// With a square kernel.
  public convenience init(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
    outputPadding: Int = 0, dilation: Int = 1, groups: Int = 1, bias: Bool = true
  ) {
    self.init(
      inputs, outputs, kernel: (kernel, kernel), stride: (stride, stride),
      padding: (padding, padding), outputPadding: (outputPadding, outputPadding),
      dilation: (dilation, dilation), groups: groups, bias: bias)
  }

  /// `[N, in, H, W]` to `[N, out, H', W']`,
  /// `H' = (H − 1) stride − 2 padding + dilation (height − 1) + outputPadding + 1`
  public func forward(_ x: Tensor) -> Tensor {
    convTranspose2d(
      x, weight.value, bias: bias?.value, stride: stride, padding: padding,
      outputPadding: outputPadding, dilation: dilation, groups: groups)
  }
}

/// Transposed convolution of sequences `[N, C, L]`; see `ConvTranspose2d`.
public final class ConvTranspose1d: Layer {
  /// `[in, out / groups, length]`
  public let weight: Parameter
  /// `[out]`, or `nil` for a layer without bias
  public let bias: Parameter?
  public let stride, padding, outputPadding, dilation, groups: Int

  public init(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
    outputPadding: Int = 0, dilation: Int = 1, groups: Int = 1, bias: Bool = true
  ) {
    checkChannels(inputs, outputs, groups, op: "ConvTranspose1d")
    let start = Initializer.uniform(1 / Float(outputs / groups * kernel).squareRoot())
    weight = Parameter([inputs, outputs / groups, kernel], start)
    self.bias = bias ? Parameter([outputs], start) : nil
    (self.stride, self.padding, self.outputPadding) = (stride, padding, outputPadding)
    (self.dilation, self.groups) = (dilation, groups)
  }

  /// `[N, in, L]` to `[N, out, L']`
  public func forward(_ x: Tensor) -> Tensor {
    convTranspose1d(
      x, weight.value, bias: bias?.value, stride: stride, padding: padding,
      outputPadding: outputPadding, dilation: dilation, groups: groups)
  }
}

/// Transposed convolution of volumes `[N, C, D, H, W]`; see `ConvTranspose2d`.
public final class ConvTranspose3d: Layer {
  /// `[in, out / groups, depth, height, width]`
  public let weight: Parameter
  /// `[out]`, or `nil` for a layer without bias
  public let bias: Parameter?
  public let stride, padding, outputPadding, dilation: (Int, Int, Int)
  public let groups: Int

  public init(
    _ inputs: Int, _ outputs: Int, kernel: (Int, Int, Int), stride: (Int, Int, Int) = (1, 1, 1),
    padding: (Int, Int, Int) = (0, 0, 0), outputPadding: (Int, Int, Int) = (0, 0, 0),
    dilation: (Int, Int, Int) = (1, 1, 1), groups: Int = 1, bias: Bool = true
  ) {
    checkChannels(inputs, outputs, groups, op: "ConvTranspose3d")
    let fan = outputs / groups * kernel.0 * kernel.1 * kernel.2
    let start = Initializer.uniform(1 / Float(fan).squareRoot())
    weight = Parameter([inputs, outputs / groups, kernel.0, kernel.1, kernel.2], start)
    self.bias = bias ? Parameter([outputs], start) : nil
    (self.stride, self.padding, self.outputPadding) = (stride, padding, outputPadding)
    (self.dilation, self.groups) = (dilation, groups)
  }

  /// `[N, in, D, H, W]` to `[N, out, D', H', W']`
  public func forward(_ x: Tensor) -> Tensor {
    convTranspose3d(
      x, weight.value, bias: bias?.value, stride: stride, padding: padding,
      outputPadding: outputPadding, dilation: dilation, groups: groups)
  }
}
