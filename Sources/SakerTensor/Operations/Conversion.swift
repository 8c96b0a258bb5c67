import CKernels

/// The same numbers in another type; the gradient goes back in the first one.
struct Convert: UnaryOperation {
  let dtype: DType
  let from: DType

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    let source = x.dense
    let result = Tensor(uninitialized: x.shape, dtype, strides: source.packedStrides)
    let (from, to, n) = (source.raw, result.raw, x.count)
    KernelTime.measure {
      switch (x.dtype, dtype) {
      case (.float32, .bfloat16):
        Convert.run(n, from, to, saker_f32_to_bf16)
      case (.bfloat16, .float32):
        Convert.run(n, from, to, saker_bf16_to_f32)
      case (.float32, .float16):
        Convert.run(n, from, to, saker_f32_to_f16)
      case (.float16, .float32):
        Convert.run(n, from, to, saker_f16_to_f32)
      case (.uint8, .float32):
        Convert.run(n, from, to, saker_u8_to_f32)
      default:
        x.dtype.with { a in dtype.with { b in Convert.general(a, b, from, to, n) } }
      }
    }
    return result
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    gradient.converted(to: from)
  }

  private static func run<A, B>(
    _ n: Int, _ from: UnsafeMutableRawPointer, _ to: UnsafeMutableRawPointer,
    _ kernel: (UnsafePointer<A>?, UnsafeMutablePointer<B>?, Int) -> Void
  ) {
    let (from, to) = (
      from.assumingMemoryBound(to: A.self), to.assumingMemoryBound(to: B.self)
    )
    Parallel.run(n, grain: 65536) { part in
      kernel(from + part.lowerBound, to + part.lowerBound, part.count)
    }
  }

  private static func general<A: Scalar, B: Scalar>(
    _: A.Type, _: B.Type, _ from: UnsafeMutableRawPointer, _ to: UnsafeMutableRawPointer, _ n: Int
  ) {
    let (from, to) = (
      from.assumingMemoryBound(to: A.self), to.assumingMemoryBound(to: B.self)
    )
    for i in 0..<n { to[i] = B(scalar: from[i].scalar) }
  }
}

extension Tensor {
  /// The same numbers as `dtype`: rounded to nearest for floating types, toward zero for integers (saturating; NaN is 0).
  /// Integers and `bool` carry no gradient.
  public func converted(to dtype: DType) -> Tensor {
    dtype == self.dtype ? self : apply(Convert(dtype: dtype, from: self.dtype), self)
  }
}
