/// What a convolution does to its gradient: each input value lays a copy of the kernel, times
/// itself, over the result.
struct ConvolutionTransposed: TensorOperation {
  /// Of the convolution whose input has the shape of this one's result.
  let attributes: ConvolutionAttributes
  let sides: [Int]

  var name: String { "convTranspose\(sides.count)d" }

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let (x, weight) = (inputs[0].channelsLast(), inputs[1].contiguous())
    saved.keep(x, weight)
    let result = Shape([x.shape[0], weight.shape[1] * attributes.groups] + sides)
    let y = Kernels.convolutionBackwardData(x, weight, result, attributes, hasBias: false)
    if inputs.count > 2 { y.addChannels(inputs[2].contiguous()) }
    return y
  }

  /// The gradient of the gradient is the convolution itself.
  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    let gradient = gradient.channelsLast()
    let (x, weight) = (saved[0], saved[1])
    var result: [Tensor?] = [nil, nil]
    if saved.needs[0] {
      result[0] = Kernels.convolution(gradient, weight, nil, attributes, training: true)
    }
    if saved.needs[1] {
      result[1] =
        Kernels.convolutionBackwardWeights(gradient, x, weight.shape, attributes, hasBias: false).0
    }
    if saved.needs.count > 2 {
      result.append(
        saved.needs[2] ? gradient.sum(axes: [0] + Array(2..<gradient.rank)) : nil)
    }
    return result
  }
}

/// Transposed convolution of images, also called deconvolution and fractionally strided
/// convolution: the result's `y[i s + k] += x[i] w[k]`, cut by the padding. Long et al.,
/// arXiv:1411.4038; Dumoulin & Visin, arXiv:1603.07285.
///
/// With the numbers of a convolution it turns that one's shapes around, not its values. It is not
/// an interpolation. Where the stride does not divide the kernel, results get contributions of
/// different counts, which shows as a checkerboard: take a kernel that is a multiple of the stride,
/// or `interpolate` and convolve. Odena et al.,
/// "Deconvolution and checkerboard artifacts", 2016.
///
/// - Parameters:
///   - x: `[N, in, H, W]`, float32 or bfloat16.
///   - weight: `[in, out / groups, height, width]`, float32: that of a convolution
///     from `out` to `in`.
///   - bias: `[out]`, float32.
///   - padding: rows and columns that are taken off each side of the result.
///   - outputPadding: rows below and columns right that are added to the result, less than
///     stride or dilation: a convolution of stride s makes one shape from s of them, this
///     chooses which to give back.
/// - Returns: `[N, out, H', W']` in the type of `x`,
///   `H' = (H - 1) stride - 2 padding + dilation (height - 1) + outputPadding + 1`.
public func convTranspose2d(
  _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: (Int, Int) = (1, 1),
  padding: (Int, Int) = (0, 0), outputPadding: (Int, Int) = (0, 0),
  dilation: (Int, Int) = (1, 1), groups: Int = 1
) -> Tensor {
  check(x.rank == 4, op: "convTranspose2d", expected: "[N, C, H, W]", got: x.shape)
  return convTranspose(
    x, weight, bias, [stride.0, stride.1], [padding.0, padding.1],
    [outputPadding.0, outputPadding.1], [dilation.0, dilation.1], groups)
}

/// Transposed convolution of sequences `[N, in, L]` with a weight `[in, out / groups, length]`;
/// see `convTranspose2d`.
public func convTranspose1d(
  _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0,
  outputPadding: Int = 0, dilation: Int = 1, groups: Int = 1
) -> Tensor {
  check(x.rank == 3, op: "convTranspose1d", expected: "[N, C, L]", got: x.shape)
  check(
    weight.rank == 3, op: "convTranspose1d", expected: "a weight [in, out / groups, length]",
    got: weight.shape)
  return convTranspose2d(
    x.unsqueeze(2), weight.unsqueeze(2), bias: bias, stride: (1, stride), padding: (0, padding),
    outputPadding: (0, outputPadding), dilation: (1, dilation), groups: groups
  ).squeeze(2)
}

/// Transposed convolution of volumes `[N, in, D, H, W]` with a weight
/// `[in, out / groups, depth, height, width]`; see `convTranspose2d`.
public func convTranspose3d(
  _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: (Int, Int, Int) = (1, 1, 1),
  padding: (Int, Int, Int) = (0, 0, 0), outputPadding: (Int, Int, Int) = (0, 0, 0),
  dilation: (Int, Int, Int) = (1, 1, 1), groups: Int = 1
) -> Tensor {
  check(x.rank == 5, op: "convTranspose3d", expected: "[N, C, D, H, W]", got: x.shape)
  return convTranspose(
    x, weight, bias, [stride.0, stride.1, stride.2], [padding.0, padding.1, padding.2],
    [outputPadding.0, outputPadding.1, outputPadding.2], [dilation.0, dilation.1, dilation.2],
    groups)
}

private func convTranspose(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ stride: [Int], _ padding: [Int],
  _ outputPadding: [Int], _ dilation: [Int], _ groups: Int
) -> Tensor {
  let op = "convTranspose\(stride.count)d"
  check(
    weight.rank == x.rank, op: op, expected: "a weight [in, out / groups, \(stride.count) sides]",
    got: weight.shape)
  var attributes = ConvolutionAttributes()
  (attributes.stride, attributes.dilation) = (stride, dilation)
  (attributes.before, attributes.after, attributes.groups) = (padding, padding, groups)
  checkWeights(
    weight, bias, channels: weight.shape[0], of: x, results: weight.shape[1] * max(groups, 1),
    attributes, op: op)
  check(
    stride.indices.allSatisfy {
      outputPadding[$0] >= 0 && outputPadding[$0] < max(stride[$0], dilation[$0])
    }, op: op, expected: "output padding from 0 to below stride or dilation", got: outputPadding)
  var sides: [Int] = []
  // Rows of zeros behind the result, where the convolution would see more of them than it has
  // strides.
  var rest = [Int](repeating: 0, count: stride.count)
  for axis in stride.indices {
    let reach = dilation[axis] * (weight.shape[axis + 2] - 1) + 1
    let full = (x.shape[axis + 2] - 1) * stride[axis] + reach
    let added = max(0, outputPadding[axis] - padding[axis])
    attributes.after[axis] = max(0, padding[axis] - outputPadding[axis])
    if added >= stride[axis] { rest[axis] = added }
    sides.append(full - padding[axis] - attributes.after[axis] + added - rest[axis])
  }
  check(
    x.count > 0 && sides.allSatisfy { $0 >= 1 }, op: op,
    expected: "a result of at least 1 on each side", got: "\(sides) of \(x.shape)")
  let operation = ConvolutionTransposed(attributes: attributes, sides: sides)
  let wide = x.converted(to: .float32)
  guard rest.contains(where: { $0 > 0 }) else {
    return apply(operation, to: [wide, weight] + (bias.map { [$0] } ?? [])).converted(to: x.dtype)
  }
  let whole = pad(apply(operation, wide, weight), rest.map { (0, $0) })
  let shape = Shape([-1] + stride.map { _ in 1 })
  return (bias.map { whole + $0.reshape(shape) } ?? whole).converted(to: x.dtype)
}
