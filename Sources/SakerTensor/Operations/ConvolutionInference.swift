/// activation(convolution + bias + residual) of which no gradient is wanted, and the largest of
/// each 2x2 window of that, as far as possible while the results are in registers. Its inputs: `x`,
/// weight, bias (if it has one), the residual (if there is one).
struct ConvolutionInference: TensorOperation {
  let attributes: ConvolutionAttributes
  let hasBias: Bool
  let hasResidual: Bool
  /// Nobody needs the residual any more.
  let overwritesResidual: Bool
  let activation: Activation
  let pools: Bool

  /// In profiles it is what it is in training.
  var name: String { "convolution2d" }

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let epilogue = KernelEpilogue(
      bias: hasBias ? inputs[2].contiguous() : nil,
      residual: hasResidual ? inputs.last?.channelsLast() : nil, activation: activation,
      pools: pools)
    return convolve(
      inputs[0].channelsLast(), inputs[1].contiguous(), attributes, epilogue, .inference,
      overwriting: overwritesResidual)
  }
}

/// `conv2d` for inference, with what stands behind it done while the results are in registers:
/// activation(conv2d + residual), and `maxPool2d(_, kernel: (2, 2))` of that if `pooling`. Records
/// nothing: stops where a gradient is wanted.
///
/// - Parameters:
///   - residual: of the convolution's shape and the type of `x`. He et al., arXiv:1512.03385. The
///     result may take its place if nobody else sees it.
///   - pooling: gives the largest of each 2x2 window, 2 apart.
public func conv2dInference(
  _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: (Int, Int) = (1, 1),
  padding: (top: Int, bottom: Int, left: Int, right: Int) = (0, 0, 0, 0),
  dilation: (Int, Int) = (1, 1), groups: Int = 1, residual: consuming Tensor? = nil,
  activation: Activation = .identity, pooling: Bool = false
) -> Tensor {
  let isRecorded = x.isRecorded || weight.isRecorded || residual?.isRecorded ?? false
  check(
    !isRecordingGradients || !isRecorded, op: "conv2dInference", expected: "withoutGradients",
    got: "tensors that are recorded")
  let attributes = ConvolutionAttributes(stride, padding, dilation, groups)
  let result = attributes.checked(x, weight, bias)
  if let residual {
    check(
      residual.shape == result && residual.dtype == x.dtype, op: "conv2dInference",
      expected: "a residual \(x.dtype) \(result)", got: "\(residual.dtype) \(residual.shape)")
  }
  check(
    !pooling || (result[2] >= 2 && result[3] >= 2), op: "maxPool2d",
    expected: "pictures at least as large as the window (2, 2)", got: result)
  residual = residual?.detached().channelsLast()
  let operation = ConvolutionInference(
    attributes: attributes, hasBias: bias != nil, hasResidual: residual != nil,
    overwritesResidual: residual?.isUnshared() ?? false, activation: activation, pools: pooling)
  return inKernelType(x) { x in
    let rest = [bias, residual?.converted(to: x.dtype)].compactMap { $0 }
    return apply(operation, to: [x, weight] + rest)
  }
}
