import SakerTensor

/// A depthwise convolution, one kernel for each channel, and a pointwise one (1×1) that mixes
/// the channels: about 1/out + 1/kernel² of a convolution's products. Howard et al.,
/// "MobileNets", arXiv:1704.04861. The two are apart, so that norms and activations can stand
/// between them in a network.
public final class DepthwiseSeparableConv2d: Layer {
  public let depthwise, pointwise: Conv2d

  /// - Parameter multiplier: kernels for each input channel.
  public init(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Padding = 0,
    mode: PadMode = .constant(0), dilation: Int = 1, multiplier: Int = 1, bias: Bool = true
  ) {
    depthwise = Conv2d(
      inputs, inputs * multiplier, kernel: kernel, stride: stride, padding: padding, mode: mode,
      dilation: dilation, groups: inputs, bias: bias)
    pointwise = Conv2d(inputs * multiplier, outputs, kernel: 1, bias: bias)
  }

  /// `[N, in, H, W]` to `[N, out, H', W']`
  public func forward(_ x: Tensor) -> Tensor { pointwise(depthwise(x)) }
}
