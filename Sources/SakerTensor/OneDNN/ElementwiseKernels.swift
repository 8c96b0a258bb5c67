import COneDNN

/// The functions of one number that oneDNN computes, with their gradients.
enum ElementwiseFunction: Hashable {
  case leakyRelu(Float)
  case elu(Float)
  case tanh
  case sigmoid
  case exp
  case log
  case sqrt
  case abs
  case square
  case geluTanh
  /// x sigmoid(alpha x)
  case swish(alpha: Float)
  case hardSwish
  case clip(Float, Float)

  /// As an epilogue. The operation is `ReLU`, which keeps what is not a number.
  static var relu: ElementwiseFunction { .leakyRelu(0) }

  var algorithm: (kind: dnnl_alg_kind_t, alpha: Float, beta: Float) {
    switch self {
    case .leakyRelu(let slope): (dnnl_eltwise_relu, slope, 0)
    case .elu(let alpha): (dnnl_eltwise_elu, alpha, 0)
    case .tanh: (dnnl_eltwise_tanh, 0, 0)
    case .sigmoid: (dnnl_eltwise_logistic, 0, 0)
    case .exp: (dnnl_eltwise_exp, 0, 0)
    case .log: (dnnl_eltwise_log, 0, 0)
    case .sqrt: (dnnl_eltwise_sqrt, 0, 0)
    case .abs: (dnnl_eltwise_abs, 0, 0)
    case .square: (dnnl_eltwise_square, 0, 0)
    case .geluTanh: (dnnl_eltwise_gelu_tanh, 0, 0)
    case .swish(let alpha): (dnnl_eltwise_swish, alpha, 0)
    case .hardSwish:
      // x min(max(alpha x + beta, 0), 1); version 2 has the field's 1/6 and 1/2 built in.
      (
        dnnl_eltwise_hardswish, saker_dnnl_major() >= 3 ? 1 / 6 : 0,
        saker_dnnl_major() >= 3 ? 0.5 : 0
      )
    case .clip(let low, let high): (dnnl_eltwise_clip_v2, low, high)
    }
  }
}

extension Kernels {
  /// float32, or bfloat16 where the processor computes in it.
  private static func runs(_ dtype: DType) -> Bool {
    dtype == .float32 || (dtype == .bfloat16 && Engine.hasBFloat16)
  }

  private static func primitive(
    _ function: ElementwiseFunction, _ x: Tensor, backward: Bool
  ) -> Primitive {
    // The elements fill one block, in the same order in all arguments: a vector to oneDNN.
    let (kind, alpha, beta) = function.algorithm
    let numbers = [
      x.dtype.dnnl.hashNumber, x.count, Int(kind.rawValue), Int(alpha.bitPattern),
      Int(beta.bitPattern),
    ]
    let vector = MemoryDescription([x.count], x.dtype, [1])
    func describe(_ pass: saker_pass, _ hint: OpaquePointer?) -> OpaquePointer {
      var description: OpaquePointer?
      demand(
        saker_eltwise(
          &description, Engine.shared.engine, pass, hint, kind, vector.raw, alpha, beta,
          Engine.shared.attributes),
        "\(function) of \(x.count) \(x.dtype)")
      return description!
    }
    let forward = PrimitiveCache.shared.primitive("elementwise", numbers) {
      Primitive(
        describe(saker_training, nil), [(DNNL_ARG_SRC, vector.raw), (DNNL_ARG_DST, vector.raw)])
    }
    guard backward else { return forward }
    return PrimitiveCache.shared.primitive("elementwise backward", numbers) {
      Primitive(
        describe(saker_backward_data, forward.description),
        [
          (DNNL_ARG_SRC, vector.raw), (DNNL_ARG_DIFF_DST, vector.raw),
          (DNNL_ARG_DIFF_SRC, vector.raw),
        ])
    }
  }

  static func elementwise(_ function: ElementwiseFunction, _ x: Tensor) -> Tensor {
    guard runs(x.dtype) else {
      return elementwise(function, x.converted(to: .float32)).converted(to: x.dtype)
    }
    let x = x.dense
    let y = Tensor(uninitialized: x.shape, x.dtype, strides: x.packedStrides)
    if x.count > 0 { primitive(function, x, backward: false).execute(x.raw, y.raw) }
    return y
  }

  /// The gradient of `x` for that of the function's result.
  static func elementwiseBackward(
    _ function: ElementwiseFunction, _ x: Tensor, _ gradient: Tensor
  ) -> Tensor {
    guard runs(x.dtype) else {
      return elementwiseBackward(
        function, x.converted(to: .float32), gradient.converted(to: .float32)
      ).converted(to: x.dtype)
    }
    let x = x.dense
    let gradient = gradient.ordered(like: x)
    let dx = Tensor(uninitialized: x.shape, x.dtype, strides: x.packedStrides)
    if x.count > 0 {
      primitive(function, x, backward: true).execute(x.raw, gradient.raw, dx.raw)
    }
    return dx
  }
}

extension Tensor {
  /// The same numbers in the memory order of the dense tensor `other`, of the same shape.
  func ordered(like other: Tensor) -> Tensor {
    if hasStrides(other.strides) { return self }
    let result = Tensor(uninitialized: shape, dtype, strides: other.packedStrides)
    Strided.copy(from: self, to: result)
    return result
  }
}
