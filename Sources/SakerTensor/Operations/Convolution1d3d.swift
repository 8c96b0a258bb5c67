import CKernels

/// Three-dimensional cross-correlation; one dimension goes through two.
struct Convolution3d: TensorOperation {
  let attributes: ConvolutionAttributes

  var name: String { "conv3d" }

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let (x, weight) = (inputs[0].channelsLast(), inputs[1].contiguous())
    saved.keep(x, weight)
    return Kernels.convolution(
      x, weight, inputs.count > 2 ? inputs[2].contiguous() : nil, attributes,
      training: saved.isRecording)
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    let gradient = gradient.channelsLast()
    let (x, weight) = (saved[0], saved[1])
    let hasBias = saved.needs.count > 2
    let dx =
      saved.needs[0]
      ? Kernels.convolutionBackwardData(gradient, weight, x.shape, attributes, hasBias: hasBias)
      : nil
    guard saved.needs.dropFirst().contains(true) else {
      return [dx] + saved.needs.dropFirst().map { _ in nil }
    }
    let (dw, db) = Kernels.convolutionBackwardWeights(
      x, gradient, weight.shape, attributes, hasBias: hasBias)
    return hasBias ? [dx, dw, db] : [dx, dw]
  }
}

/// Cross-correlation of sequences with kernels.
///
/// - Parameters:
///   - x: `[N, in, L]`, float32 or bfloat16.
///   - weight: `[out, in / groups, length]`, float32.
///   - bias: `[out]`, float32.
///   - padding: zeros before and after the sequences.
/// - Returns: `[N, out, L']`, `L' = (L + before + after - dilation (length - 1) - 1)
///   / stride + 1`, rounded down.
public func conv1d(
  _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1,
  padding: (before: Int, after: Int) = (0, 0), dilation: Int = 1, groups: Int = 1
) -> Tensor {
  check(x.rank == 3, op: "conv1d", expected: "[N, C, L]", got: x.shape)
  check(
    weight.rank == 3, op: "conv1d", expected: "a weight [out, in / groups, length]",
    got: weight.shape)
  // A sequence is a picture of one row.
  return conv2d(
    x.unsqueeze(2), weight.unsqueeze(2), bias: bias, stride: (1, stride),
    padding: (0, 0, padding.before, padding.after), dilation: (1, dilation), groups: groups
  ).squeeze(2)
}

/// Cross-correlation of volumes with kernels.
///
/// - Parameters:
///   - x: `[N, in, D, H, W]`, float32 or bfloat16.
///   - weight: `[out, in / groups, depth, height, width]`, float32.
///   - bias: `[out]`, float32.
///   - padding: zeros around the volumes.
/// - Returns: `[N, out, D', H', W']`, with sides as `conv2d` has them.
public func conv3d(
  _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: (Int, Int, Int) = (1, 1, 1),
  padding: (front: Int, back: Int, top: Int, bottom: Int, left: Int, right: Int) = (
    0, 0, 0, 0, 0, 0
  ),
  dilation: (Int, Int, Int) = (1, 1, 1), groups: Int = 1
) -> Tensor {
  check(x.rank == 5, op: "conv3d", expected: "[N, C, D, H, W]", got: x.shape)
  check(
    weight.rank == 5, op: "conv3d", expected: "a weight [out, in / groups, depth, height, width]",
    got: weight.shape)
  var attributes = ConvolutionAttributes()
  attributes.stride = [stride.0, stride.1, stride.2]
  attributes.before = [padding.front, padding.top, padding.left]
  attributes.after = [padding.back, padding.bottom, padding.right]
  attributes.dilation = [dilation.0, dilation.1, dilation.2]
  attributes.groups = groups
  checkWeights(
    weight, bias, channels: weight.shape[1] * max(groups, 1), of: x, results: weight.shape[0],
    attributes, op: "conv3d")
  check(
    weight.shape[0] % groups == 0, op: "conv3d", expected: "results that \(groups) groups divide",
    got: weight.shape)
  check(
    x.count > 0 && attributes.output(x.shape, weight.shape).allSatisfy { $0 >= 1 }, op: "conv3d",
    expected: "volumes at least as large as the kernel \(weight.shape)", got: x.shape)
  return apply(
    Convolution3d(attributes: attributes),
    to: [x.converted(to: .float32), weight] + (bias.map { [$0] } ?? [])
  ).converted(to: x.dtype)
}

/// What convolutions of all kinds ask of their weights and numbers.
func checkWeights(
  _ weight: Tensor, _ bias: Tensor?, channels: Int, of x: Tensor, results: Int,
  _ attributes: ConvolutionAttributes, op: String
) {
  let groups = attributes.groups
  check(
    groups >= 1 && x.shape[1] == channels && channels % max(groups, 1) == 0, op: op,
    expected: "\(channels) channels in \(groups) groups", got: x.shape)
  check(x.dtype.isFloating, op: op, expected: "floating numbers", got: x.dtype)
  check(
    weight.dtype == .float32 && (bias?.dtype ?? .float32) == .float32, op: op,
    expected: "float32 weights", got: weight.dtype)
  check(
    bias == nil || bias!.shape == [results], op: op, expected: "a bias [\(results)]",
    got: bias?.shape ?? [])
  check(
    attributes.stride.allSatisfy { $0 >= 1 } && attributes.dilation.allSatisfy { $0 >= 1 }
      && (attributes.before + attributes.after).allSatisfy { $0 >= 0 },
    op: op, expected: "stride and dilation of at least 1, padding of at least 0", got: attributes)
}

extension Tensor {
  /// Adds `bias`, one number a channel, to this channels-last tensor, in place.
  func addChannels(_ bias: Tensor) {
    let (channels, to, from) = (shape[1], pointer(Float.self), bias.pointer(Float.self))
    guard count > 0 else { return }
    Parallel.run(count / channels, grain: Swift.max(1, 16384 / channels)) { part in
      for pixel in part { saker_accumulate_f32(from, to + pixel * channels, channels) }
    }
  }
}
