/// Two-dimensional cross-correlation, which the field calls convolution (the kernel is not turned).
struct Convolution2d: Operation {
  let attributes: ConvolutionAttributes

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let x = inputs[0].channelsLast()
    let weight = inputs[1].contiguous()
    let bias = inputs.count > 2 ? inputs[2].contiguous() : nil
    if saved.isRecording {
      saved.keep(x, weight)
    }
    let pass = saved.isRecording ? ConvolutionPass.forward : .inference
    if let geometry = Winograd.geometry(pass, x.shape, weight.shape, attributes, x.dtype) {
      let epilogue = Winograd.Epilogue(
        bias: bias, activation: attributes.relu ? .relu : .identity)
      return Winograd.convolve(
        Winograd.Source(x), weight, geometry, turned: false, epilogue, keeping: !saved.isRecording)
    }
    return Kernels.convolution(x, weight, bias, attributes, training: saved.isRecording)
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    let gradient = gradient.channelsLast()
    let (x, weight) = (saved[0], saved[1])
    let hasBias = saved.needs.count > 2
    func winograd(_ pass: ConvolutionPass) -> Winograd.Geometry? {
      Winograd.geometry(pass, x.shape, weight.shape, attributes, x.dtype)
    }
    var dx: Tensor?
    if saved.needs[0] {
      dx =
        winograd(.data).map {
          Winograd.convolve(
            Winograd.Source(gradient), weight, $0, turned: true, Winograd.Epilogue(),
            keeping: false)
        }
        ?? Kernels.convolutionBackwardData(
          gradient, weight, x.shape, attributes, hasBias: hasBias)
    }
    guard saved.needs.dropFirst().contains(true) else {
      return [dx] + saved.needs.dropFirst().map { _ in nil }
    }
    let (dw, db) =
      winograd(.weights).map {
        Winograd.gradient(
          Winograd.Source(x), Winograd.Source(gradient), $0, hasBias: hasBias)
      }
      ?? Kernels.convolutionBackwardWeights(
        x, gradient, weight.shape, attributes, hasBias: hasBias)
    return hasBias ? [dx, dw, db] : [dx, dw]
  }
}

/// Cross-correlation of images with kernels, as layers of the field compute it.
///
/// The result's sides are `(side + padding before and after - dilation * (kernel - 1) - 1) / stride + 1`, rounded down.
///
/// - Parameters:
///   - x: `[N, in, H, W]`, float32 or bfloat16.
///   - weight: `[out, in / groups, height, width]`, float32.
///   - bias: `[out]`, float32.
///   - padding: zeros around the pictures.
///   - groups: input and output channels fall into this many parts that do not see each other.
/// - Returns: `[N, out, H', W']` in the type of `x`.
public func conv2d(
  _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: (Int, Int) = (1, 1),
  padding: (top: Int, bottom: Int, left: Int, right: Int) = (0, 0, 0, 0),
  dilation: (Int, Int) = (1, 1), groups: Int = 1
) -> Tensor {
  convolution(
    x, weight, bias, ConvolutionAttributes(stride, padding, dilation, groups, relu: false))
}

/// The same for inference, with a ReLU over the result while it is in registers. Records nothing: stops where a gradient
/// is wanted.
public func conv2dInference(
  _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: (Int, Int) = (1, 1),
  padding: (top: Int, bottom: Int, left: Int, right: Int) = (0, 0, 0, 0),
  dilation: (Int, Int) = (1, 1), groups: Int = 1, relu: Bool
) -> Tensor {
  check(
    !isRecordingGradients || !(x.isRecorded || weight.isRecorded), op: "conv2dInference",
    expected: "withoutGradients", got: "tensors that are recorded")
  return convolution(
    x, weight, bias, ConvolutionAttributes(stride, padding, dilation, groups, relu: relu))
}

extension ConvolutionAttributes {
  fileprivate init(
    _ stride: (Int, Int), _ padding: (top: Int, bottom: Int, left: Int, right: Int),
    _ dilation: (Int, Int), _ groups: Int, relu: Bool
  ) {
    self.stride = [stride.0, stride.1]
    before = [padding.top, padding.left]
    after = [padding.bottom, padding.right]
    self.dilation = [dilation.0, dilation.1]
    self.groups = groups
    self.relu = relu
  }
}

private func convolution(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ attributes: ConvolutionAttributes
) -> Tensor {
  let groups = attributes.groups
  check(x.rank == 4, op: "conv2d", expected: "[N, C, H, W]", got: x.shape)
  check(
    weight.rank == 4, op: "conv2d", expected: "a weight [out, in / groups, height, width]",
    got: weight.shape)
  check(
    groups >= 1 && weight.shape[0] % groups == 0 && x.shape[1] == weight.shape[1] * groups,
    op: "conv2d",
    expected: "\(weight.shape[1] * groups) channels in \(groups) groups", got: x.shape)
  check(
    weight.dtype == .float32 && (bias?.dtype ?? .float32) == .float32, op: "conv2d",
    expected: "float32 weights", got: weight.dtype)
  check(
    bias == nil || bias!.shape == [weight.shape[0]], op: "conv2d",
    expected: "a bias [\(weight.shape[0])]", got: bias?.shape ?? [])
  check(
    attributes.stride.allSatisfy { $0 >= 1 } && attributes.dilation.allSatisfy { $0 >= 1 }
      && (attributes.before + attributes.after).allSatisfy { $0 >= 0 },
    op: "conv2d", expected: "stride and dilation of at least 1, padding of at least 0",
    got: attributes)
  let result = attributes.output(x.shape, weight.shape)
  check(
    result[2] >= 1 && result[3] >= 1 && x.count > 0, op: "conv2d",
    expected: "pictures at least as large as the kernel \(weight.shape)", got: x.shape)
  let operation = Convolution2d(attributes: attributes)
  // Where the kernels have no bfloat16, or no float16, the product is computed in float32 and rounded once.
  if x.dtype == .float32 || (x.dtype == .bfloat16 && Engine.hasBFloat16) {
    return apply(operation, to: [x, weight] + (bias.map { [$0] } ?? []))
  }
  let wide = x.converted(to: .float32)
  return apply(operation, to: [wide, weight] + (bias.map { [$0] } ?? [])).converted(to: x.dtype)
}
