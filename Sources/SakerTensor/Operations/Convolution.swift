/// Two-dimensional cross-correlation, which the field calls convolution (the kernel is not turned).
struct Convolution2d: TensorOperation {
  let attributes: ConvolutionAttributes

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let x = inputs[0].channelsLast()
    let weight = inputs[1].contiguous()
    let bias = inputs.count > 2 ? inputs[2].contiguous() : nil
    if saved.isRecording {
      saved.keep(x, weight)
    }
    return convolve(
      x, weight, attributes, KernelEpilogue(bias: bias),
      saved.isRecording ? .forward : .inference)
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
            KernelSource(gradient), weight, $0, turned: true, KernelEpilogue(),
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
          KernelSource(x), KernelSource(gradient), $0, hasBias: hasBias)
      }
      ?? Pointwise.gradient(x.shape, weight.shape, attributes, x.dtype).map {
        $0.gradient(KernelSource(x), KernelSource(gradient), hasBias: hasBias)
      }
      ?? Kernels.convolutionBackwardWeights(
        x, gradient, weight.shape, attributes, hasBias: hasBias)
    return hasBias ? [dx, dw, db] : [dx, dw]
  }
}

/// A convolution and what its epilogue makes of it, by whichever kernel is expected to be the
/// fastest.
///
/// - Parameters:
///   - x: channels-last, as the residual; weight and bias float32 and contiguous.
///   - epilogue: without sums. Activation and pooling for inference only.
///   - pass: of the result.
///   - overwriting: the residual is no longer needed.
func convolve(
  _ x: Tensor, _ weight: Tensor, _ attributes: ConvolutionAttributes,
  _ epilogue: KernelEpilogue, _ pass: ConvolutionPass, overwriting: Bool = false
) -> Tensor {
  if let geometry = Winograd.geometry(pass, x.shape, weight.shape, attributes, x.dtype) {
    return Winograd.convolve(
      KernelSource(x), weight, geometry, turned: false, epilogue, keeping: pass == .inference)
  }
  if let kernel = Pointwise.alone(x.shape, weight.shape, attributes, x.dtype), !epilogue.pools {
    return kernel.convolve(
      KernelSource(x), weight, turned: false, epilogue, keeping: pass == .inference)
  }
  // Where others need the residual, too, it would be copied to where oneDNN adds to it: a pass over
  // both is faster. And some of its kernels can't add.
  let adds = Kernels.canAdd(weight.shape, attributes)
  let later = adds && (overwriting || x.dtype != .float32) ? nil : epilogue.residual
  var y = Kernels.convolution(
    x, weight, epilogue.bias, attributes, training: pass == .forward,
    residual: later == nil ? epilogue.residual : nil, overwriting: overwriting,
    activation: later == nil ? epilogue.activation : .identity)
  if let later { y = sum(consume y, later, activation: epilogue.activation) }
  return epilogue.pools ? maxPool2d(y, kernel: (2, 2)) : y
}

/// Cross-correlation of images with kernels, as layers of the field compute it.
///
/// The result's sides are `(side + padding before and after - dilation * (kernel - 1) - 1)
/// / stride + 1`, rounded down.
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
  let attributes = ConvolutionAttributes(stride, padding, dilation, groups)
  _ = attributes.checked(x, weight, bias)
  return inKernelType(x) {
    apply(Convolution2d(attributes: attributes), to: [$0, weight] + (bias.map { [$0] } ?? []))
  }
}

/// Where the kernels have no bfloat16, or no float16, the product is computed in float32
/// and rounded once.
func inKernelType(_ x: Tensor, _ body: (Tensor) -> Tensor) -> Tensor {
  if x.dtype == .float32 || (x.dtype == .bfloat16 && Engine.hasBFloat16) { return body(x) }
  return body(x.converted(to: .float32)).converted(to: x.dtype)
}

extension ConvolutionAttributes {
  init(
    _ stride: (Int, Int), _ padding: (top: Int, bottom: Int, left: Int, right: Int),
    _ dilation: (Int, Int), _ groups: Int
  ) {
    self.stride = [stride.0, stride.1]
    before = [padding.top, padding.left]
    after = [padding.bottom, padding.right]
    self.dilation = [dilation.0, dilation.1]
    self.groups = groups
  }

  /// The result's shape. Stops where `conv2d` can't compute one.
  func checked(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?) -> Shape {
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
      stride.allSatisfy { $0 >= 1 } && dilation.allSatisfy { $0 >= 1 }
        && (before + after).allSatisfy { $0 >= 0 },
      op: "conv2d", expected: "stride and dilation of at least 1, padding of at least 0",
      got: self)
    let result = output(x.shape, weight.shape)
    check(
      result[2] >= 1 && result[3] >= 1 && x.count > 0, op: "conv2d",
      expected: "pictures at least as large as the kernel \(weight.shape)", got: x.shape)
    return result
  }
}
