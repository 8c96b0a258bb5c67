import CKernels

/// The functions of one number that our own vector loops compute, in float32.
enum VectorFunction: String {
  case erf, sin, cos, gelu, softplus, mish, selu, softsign, hardSigmoid

  fileprivate typealias Value = (UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void
  fileprivate typealias Slope = (
    UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int
  ) -> Void

  fileprivate var kernels: (value: Value, slope: Slope) {
    switch self {
    case .erf: (saker_erf_f32, saker_erf_gradient_f32)
    case .sin: (saker_sin_f32, saker_sin_gradient_f32)
    case .cos: (saker_cos_f32, saker_cos_gradient_f32)
    case .gelu: (saker_gelu_f32, saker_gelu_gradient_f32)
    case .softplus: (saker_softplus_f32, saker_softplus_gradient_f32)
    case .mish: (saker_mish_f32, saker_mish_gradient_f32)
    case .selu: (saker_selu_f32, saker_selu_gradient_f32)
    case .softsign: (saker_softsign_f32, saker_softsign_gradient_f32)
    case .hardSigmoid: (saker_hard_sigmoid_f32, saker_hard_sigmoid_gradient_f32)
    }
  }
}

/// A function of each element, in the memory order of the tensor.
struct VectorElementwise: UnaryOperation {
  let function: VectorFunction

  var name: String { function.rawValue }

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    let source = x.converted(to: .float32).dense
    let y = Tensor(uninitialized: x.shape, strides: source.packedStrides)
    let (from, to, kernel) = (
      source.pointer(Float.self), y.pointer(Float.self), function.kernels.value
    )
    Parallel.run(x.count, grain: 16384) {
      kernel(from + $0.lowerBound, to + $0.lowerBound, $0.count)
    }
    saved.keep(source)
    return withExtendedLifetime(source) { y.converted(to: x.dtype) }
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    let x = saved[0]
    let g = gradient.converted(to: .float32).ordered(like: x)
    let dx = Tensor(uninitialized: x.shape, strides: x.packedStrides)
    let (from, by, to) = (x.pointer(Float.self), g.pointer(Float.self), dx.pointer(Float.self))
    let kernel = function.kernels.slope
    Parallel.run(x.count, grain: 16384) {
      kernel(from + $0.lowerBound, by + $0.lowerBound, to + $0.lowerBound, $0.count)
    }
    withExtendedLifetime((x, g)) {}
    return dx.converted(to: gradient.dtype)
  }
}

func apply(_ function: VectorFunction, _ x: Tensor) -> Tensor {
  check(x.dtype.isFloating, op: function.rawValue, expected: "a floating tensor", got: x.dtype)
  return apply(VectorElementwise(function: function), x)
}
