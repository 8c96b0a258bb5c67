/// Kernels of ours that normalize what they read, and make of each result what is to become of it
/// while it is in registers.
protocol BlockKernel {
  /// Blocks of results that sums are taken over, and the results in each.
  func blocks(turned: Bool) -> [Int32]

  /// The convolution of `x`, or with `turned` the gradient of the input from that of the result.
  /// Packed weights stay beside the weight while it does not change, if `keeping`.
  func convolve(
    _ x: KernelSource, _ weight: Tensor, turned: Bool, _ epilogue: KernelEpilogue,
    keeping: Bool
  ) -> Tensor

  /// The gradients of weight and bias from that of the result.
  func gradient(
    _ x: KernelSource, _ gradient: KernelSource, hasBias: Bool
  ) -> (Tensor, Tensor?)
}

extension FusedKernels {
  /// The kernel for a pass of a block; none where a map has to be written out for it.
  static func kernel(
    _ pass: ConvolutionPass, _ x: Shape, _ weight: Shape, _ attributes: ConvolutionAttributes,
    _ dtype: DType
  ) -> (any BlockKernel)? {
    guard dtype == .float32 else { return nil }
    return Winograd.geometry(pass, x, weight, attributes, inBlock: true)
      ?? Pointwise.inBlock(x, weight, attributes)
  }
}
