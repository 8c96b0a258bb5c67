import COneDNN

/// The attributes of a convolution, one number for each spatial axis: (height, width), or
/// (depth, height, width).
struct ConvolutionAttributes: Hashable {
  var stride = [1, 1]
  /// Rows above, columns left of the picture.
  var before = [0, 0]
  /// Rows below, columns right of it.
  var after = [0, 0]
  var dilation = [1, 1]
  var groups = 1

  fileprivate var numbers: [Int] { stride + before + after + dilation + [groups] }

  /// The output's shape for an input and a weight of these shapes.
  func output(_ x: Shape, _ weight: Shape) -> Shape {
    let sides = stride.indices.map { axis in
      let reach = dilation[axis] * (weight[axis + 2] - 1) + 1
      return (x[axis + 2] + before[axis] + after[axis] - reach) / stride[axis] + 1
    }
    return Shape([x[0], weight[0]] + sides)
  }
}

extension Kernels {
  /// A convolution's three passes for one shape, with the weight layouts that they chose.
  private struct Convolution {
    let attributes: ConvolutionAttributes
    let x, y: Tensor
    let weight: Shape
    let hasBias: Bool
    /// Of the result; for inference only, as the next.
    var activation = Activation.identity
    /// Whether the sum is added to what stands in the result's place.
    var adds = false

    var key: [Int] {
      Kernels.key(x) + weight.sizes + attributes.numbers + activation.numbers
        + [hasBias ? 1 : 0, adds ? 1 : 0]
    }

    /// `[groups, out/groups, in/groups, height, width]` if there are groups, so that
    /// oneDNN sees them.
    var weightShape: Shape {
      let groups = attributes.groups
      return groups == 1
        ? weight : Shape([groups, weight[0] / groups] + weight.dropFirst())
    }

    var plainWeight: MemoryDescription {
      MemoryDescription(weightShape, .float32, weightShape.rowMajorStrides)
    }

    func describe(_ pass: saker_pass, _ hint: OpaquePointer?) -> OpaquePointer {
      let src = MemoryDescription(x)
      let dst = MemoryDescription(y)
      let chosen = MemoryDescription(
        anyLayout: weightShape, pass == saker_backward_weights ? .float32 : x.dtype)
      let bias = hasBias ? MemoryDescription([weight[0]], .float32, [1]) : nil
      var description: OpaquePointer?
      let engine = Engine.shared
      let status = engine.withAttributes(adding: adds, activation.function) {
        saker_convolution(
          &description, engine.engine, pass, hint, src.raw, chosen.raw, bias?.raw, dst.raw,
          Int32(attributes.stride.count), attributes.stride.map(Int64.init),
          attributes.dilation.map { Int64($0 - 1) }, attributes.before.map(Int64.init),
          attributes.after.map(Int64.init), $0)
      }
      demand(status, "convolution of \(x.shape) by \(weight)")
      return description!
    }

    func forward(training: Bool) -> Primitive {
      PrimitiveCache.shared.primitive("convolution \(training)", key) {
        let description = describe(training ? saker_training : saker_inference, nil)
        var slots = [
          (DNNL_ARG_SRC, saker_pd_md(description, dnnl_query_src_md)!),
          (DNNL_ARG_WEIGHTS, saker_pd_md(description, dnnl_query_weights_md)!),
          (DNNL_ARG_DST, saker_pd_md(description, dnnl_query_dst_md)!),
        ]
        if hasBias {
          slots.append((DNNL_ARG_BIAS, MemoryDescription(vector: weight[0]).raw))
        }
        return Primitive(description, slots)
      }
    }

    func backwardData() -> Primitive {
      PrimitiveCache.shared.primitive("convolution data", key) {
        let description = describe(saker_backward_data, forward(training: true).description)
        return Primitive(
          description,
          [
            (DNNL_ARG_DIFF_DST, saker_pd_md(description, dnnl_query_diff_dst_md)),
            (DNNL_ARG_WEIGHTS, saker_pd_md(description, dnnl_query_weights_md)),
            (DNNL_ARG_DIFF_SRC, saker_pd_md(description, dnnl_query_diff_src_md)),
          ])
      }
    }

    func backwardWeights() -> Primitive {
      PrimitiveCache.shared.primitive("convolution weights", key) {
        let description = describe(saker_backward_weights, forward(training: true).description)
        var slots = [
          (DNNL_ARG_SRC, saker_pd_md(description, dnnl_query_src_md)!),
          (DNNL_ARG_DIFF_DST, saker_pd_md(description, dnnl_query_diff_dst_md)!),
          (DNNL_ARG_DIFF_WEIGHTS, saker_pd_md(description, dnnl_query_diff_weights_md)!),
        ]
        if hasBias {
          slots.append((DNNL_ARG_DIFF_BIAS, MemoryDescription(vector: weight[0]).raw))
        }
        return Primitive(description, slots)
      }
    }

    /// The float32 row-major weight in the layout and type that `primitive` wants. Kept beside the
    /// weight while it does not change, if `keeping`.
    func packed(_ weight: Tensor, for primitive: Primitive, _ pass: Int, keeping: Bool) -> Storage {
      let wanted = primitive.layout(dnnl_query_weights_md)
      let key = [pass] + self.key
      if keeping, let kept = weight.storage.derived(key) { return kept }
      let (storage, _) = Kernels.reorder(
        weight.storage, weight.raw, from: plainWeight.raw, to: wanted, key)
      if keeping, storage !== weight.storage { weight.storage.keep(storage, key) }
      return storage
    }
  }

  /// Whether oneDNN's kernel may add to what stands in the result's place. Its depthwise one for
  /// SSE4.1 reads that with an instruction for aligned addresses, and crashes unless the channels
  /// are a multiple of 4.
  static func canAdd(_ weight: Shape, _ attributes: ConvolutionAttributes) -> Bool {
    InstructionSet.oneDNN != .portable || weight[1] > 1 || attributes.groups % 4 == 0
  }

  /// activation(convolution + bias + residual), the activation for inference only. `x`
  /// channels-last; `weight` and `bias` float32 and contiguous; the residual channels-last, of the
  /// result's shape and type, and no longer needed if the result may be `overwriting` it.
  static func convolution(
    _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ attributes: ConvolutionAttributes,
    training: Bool, residual: Tensor? = nil, overwriting: Bool = false,
    activation: Activation = .identity
  ) -> Tensor {
    if residual == nil, activation == .identity,
      let lowered = LoweredConvolution(
        training ? .forward : .inference, x.shape, weight.shape, attributes, x.dtype)
    {
      return lowered.forward(x, weight, bias)
    }
    let y: Tensor
    if let residual, overwriting {
      y = residual
    } else {
      y = Tensor(uninitializedImage: attributes.output(x.shape, weight.shape), x.dtype)
      if let residual { Strided.copy(from: residual, to: y) }
    }
    let work = Convolution(
      attributes: attributes, x: x, y: y, weight: weight.shape, hasBias: bias != nil,
      activation: activation, adds: residual != nil)
    let primitive = work.forward(training: training)
    let packed = work.packed(weight, for: primitive, 0, keeping: !training)
    let source = packed === weight.storage ? weight.raw : packed.pointer
    if let bias {
      primitive.execute(x.raw, source, y.raw, bias.raw)
    } else {
      primitive.execute(x.raw, source, y.raw)
    }
    return y
  }

  /// The gradient of `x`, whose shape is given, for that of the result.
  static func convolutionBackwardData(
    _ gradient: Tensor, _ weight: Tensor, _ xShape: Shape, _ attributes: ConvolutionAttributes,
    hasBias: Bool
  ) -> Tensor {
    if let lowered = LoweredConvolution(.data, xShape, weight.shape, attributes, gradient.dtype) {
      return lowered.backwardData(gradient, weight)
    }
    let dx = Tensor(uninitializedImage: xShape, gradient.dtype)
    let work = Convolution(
      attributes: attributes, x: dx, y: gradient, weight: weight.shape, hasBias: hasBias)
    let primitive = work.backwardData()
    let packed = work.packed(weight, for: primitive, 1, keeping: false)
    let source = packed === weight.storage ? weight.raw : packed.pointer
    primitive.execute(gradient.raw, source, dx.raw)
    return dx
  }

  /// The gradients of weight and bias, float32.
  static func convolutionBackwardWeights(
    _ x: Tensor, _ gradient: Tensor, _ weight: Shape, _ attributes: ConvolutionAttributes,
    hasBias: Bool
  ) -> (Tensor, Tensor?) {
    if !hasBias,
      let lowered = LoweredConvolution(.weights, x.shape, weight, attributes, x.dtype)
    {
      return (lowered.backwardWeights(x, gradient), nil)
    }
    if !hasBias,
      let dw = Depthwise.gradient(x, gradient, weight, attributes)
        ?? halfPointwiseGradient(x, gradient, weight, attributes)
    {
      return (dw, nil)
    }
    let work = Convolution(
      attributes: attributes, x: x, y: gradient, weight: weight, hasBias: hasBias)
    let primitive = work.backwardWeights()
    let dw = Tensor(uninitialized: weight)
    let db = hasBias ? Tensor(uninitialized: [weight[0]]) : nil
    let layout = primitive.layout(dnnl_query_diff_weights_md)
    let plain = work.plainWeight
    let isPlain = saker_md_equal(layout, plain.raw) != 0
    let target = isPlain ? dw.storage : Storage(bytes: saker_md_size(layout))
    if let db {
      primitive.execute(x.raw, gradient.raw, target.pointer, db.raw)
    } else {
      primitive.execute(x.raw, gradient.raw, target.pointer)
    }
    if !isPlain { reorder(target.pointer, layout, dw.raw, plain.raw, [2] + work.key) }
    return (dw, db)
  }
}

extension Kernels {
  /// The gradient of a 1x1 convolution's weight in bfloat16, as the product of two matrices:
  /// oneDNN's kernel for products uses the matrix units four to six times as well as its kernel for
  /// this gradient. Nothing for other convolutions.
  private static func halfPointwiseGradient(
    _ x: Tensor, _ gradient: Tensor, _ weight: Shape, _ attributes: ConvolutionAttributes
  ) -> Tensor? {
    guard x.dtype == .bfloat16, x.rank == 4, weight[2] == 1, weight[3] == 1,
      attributes.groups == 1, (attributes.before + attributes.after).allSatisfy({ $0 == 0 })
    else { return nil }
    let read = Thinning(x.shape, weight, attributes).map { $0(x) } ?? x
    let pixels = gradient.count / weight[0]
    func matrix(_ map: Tensor, _ sizes: Shape, _ strides: [Int]) -> Tensor {
      Tensor(
        storage: map.storage, shape: sizes, strides: strides, offset: map.offset,
        dtype: map.dtype)
    }
    let (out, inputs) = (weight[0], weight[1])
    let product = Kernels.product(
      matrix(gradient, [1, out, pixels], [pixels * out, 1, out]),
      matrix(read, [1, pixels, inputs], [pixels * inputs, inputs, 1]), bias: nil, into: .float32)
    return product.reshape(weight)
  }
}

extension Activation {
  /// As oneDNN knows it; nothing for the identity.
  fileprivate var function: ElementwiseFunction? {
    switch self {
    case .identity: nil
    case .relu: .relu
    case .relu6: .clip(0, 6)
    case .swish: .swish(alpha: 1)
    default: .leakyRelu(slope)
    }
  }

  fileprivate var numbers: [Int] {
    [Int(slope.bitPattern), Int(cap.bitPattern), isSwish ? 1 : 0]
  }
}
