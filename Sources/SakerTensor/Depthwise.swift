import CKernels

/// The weight's gradient of a convolution with a kernel for each channel, in float32. oneDNN's
/// general kernel, which takes those wider than 3, is several times slower.
enum Depthwise {
  /// Nothing if it is no such convolution.
  static func gradient(
    _ x: Tensor, _ gradient: Tensor, _ weight: Shape, _ attributes: ConvolutionAttributes
  ) -> Tensor? {
    guard let raw = shape(x, weight, attributes) else { return nil }
    let workspace = Tensor(uninitialized: [Int(saker_depthwise_workspace(raw))])
    let dw = Tensor(uninitialized: weight)
    let sums = workspace.pointer(Float.self)
    Parallel.run(Int(saker_depthwise_parts)) {
      saker_depthwise_gradient(
        raw, x.pointer(), gradient.pointer(), Int32($0.lowerBound), Int32($0.upperBound), sums)
    }
    KernelTime.measure { saker_depthwise_merge(raw, sums, dw.pointer()) }
    return withExtendedLifetime((x, gradient, workspace)) { dw }
  }

  private static func shape(
    _ x: Tensor, _ weight: Shape, _ attributes: ConvolutionAttributes
  ) -> saker_depthwise? {
    guard x.dtype == .float32, x.rank == 4, attributes.groups == x.shape[1],
      weight[0] == x.shape[1], weight[1] == 1, attributes.dilation == [1, 1],
      weight[3] <= Int(saker_depthwise_widest)
    else { return nil }
    let y = attributes.output(x.shape, weight)
    return saker_depthwise(
      pictures: Int32(x.shape[0]), channels: Int32(x.shape[1]), height: Int32(x.shape[2]),
      width: Int32(x.shape[3]), rows: Int32(y[2]), columns: Int32(y[3]),
      kernel_height: Int32(weight[2]), kernel_width: Int32(weight[3]),
      stride_y: Int32(attributes.stride[0]), stride_x: Int32(attributes.stride[1]),
      top: Int32(attributes.before[0]), left: Int32(attributes.before[1]))
  }
}
