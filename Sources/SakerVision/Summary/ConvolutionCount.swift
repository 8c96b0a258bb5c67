/// What a convolution of pictures costs: numbers that learn, and products that are added
/// up, for one picture.
public struct ConvolutionCount: Hashable, Sendable {
  public var parameters, multiplyAdds: Int

  /// A convolution: `out in / groups k²` weights, each used at every place of the result.
  ///
  /// - Parameters:
  ///   - kernel: height and width.
  ///   - output: height and width of the result.
  ///   - groups: as many as inputs for a depthwise one.
  public static func standard(
    _ inputs: Int, _ outputs: Int, kernel: (Int, Int), output: (Int, Int), groups: Int = 1,
    bias: Bool = false
  ) -> ConvolutionCount {
    let weights = inputs / groups * outputs * kernel.0 * kernel.1
    return ConvolutionCount(
      parameters: weights + (bias ? outputs : 0), multiplyAdds: weights * output.0 * output.1)
  }

  /// A depthwise convolution and a pointwise one: `in k² + in out` weights, `1/out + 1/k²` of
  /// the standard ones.
  public static func depthwiseSeparable(
    _ inputs: Int, _ outputs: Int, kernel: (Int, Int), output: (Int, Int), bias: Bool = false
  ) -> ConvolutionCount {
    standard(inputs, inputs, kernel: kernel, output: output, groups: inputs, bias: bias)
      + standard(inputs, outputs, kernel: (1, 1), output: output, bias: bias)
  }

  public static func + (a: ConvolutionCount, b: ConvolutionCount) -> ConvolutionCount {
    ConvolutionCount(
      parameters: a.parameters + b.parameters, multiplyAdds: a.multiplyAdds + b.multiplyAdds)
  }
}
