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
      case (.float32, .int64):
        Convert.run(n, from, to, saker_f32_to_i64)
      case (.int64, .float32):
        Convert.run(n, from, to, saker_i64_to_f32)
      default: Convert.general(x.dtype, dtype, from, to, n)
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

  // Both types are known in every branch, so that each pair gets a loop of its own.
  private static func general(
    _ a: DType, _ b: DType, _ from: UnsafeMutableRawPointer, _ to: UnsafeMutableRawPointer, _ n: Int
  ) {
    switch a {
    case .float32: general(Float.self, b, from, to, n)
    case .bfloat16: general(BFloat16.self, b, from, to, n)
    case .float16: general(Float16.self, b, from, to, n)
    case .int8: general(Int8.self, b, from, to, n)
    case .uint8: general(UInt8.self, b, from, to, n)
    case .int32: general(Int32.self, b, from, to, n)
    case .int64: general(Int64.self, b, from, to, n)
    case .bool: general(Bool.self, b, from, to, n)
    }
  }

  @inline(__always)
  private static func general<A: Scalar>(
    _: A.Type, _ b: DType, _ from: UnsafeMutableRawPointer, _ to: UnsafeMutableRawPointer, _ n: Int
  ) {
    let from = from.assumingMemoryBound(to: A.self)
    switch b {
    case .float32: general(from, to.assumingMemoryBound(to: Float.self), n)
    case .bfloat16: general(from, to.assumingMemoryBound(to: BFloat16.self), n)
    case .float16: general(from, to.assumingMemoryBound(to: Float16.self), n)
    case .int8: general(from, to.assumingMemoryBound(to: Int8.self), n)
    case .uint8: general(from, to.assumingMemoryBound(to: UInt8.self), n)
    case .int32: general(from, to.assumingMemoryBound(to: Int32.self), n)
    case .int64: general(from, to.assumingMemoryBound(to: Int64.self), n)
    case .bool: general(from, to.assumingMemoryBound(to: Bool.self), n)
    }
  }

  @inline(__always)
  private static func general<A: Scalar, B: Scalar>(
    _ from: UnsafeMutablePointer<A>, _ to: UnsafeMutablePointer<B>, _ n: Int
  ) {
    Parallel.run(n, grain: 16384) { part in
      for i in part { to[i] = B(scalar: from[i].scalar) }
    }
  }
}

extension Tensor {
  /// The same numbers as `dtype`: rounded to nearest for floating types, toward zero for integers
  /// (saturating; NaN is 0). Integers and `bool` carry no gradient.
  public func converted(to dtype: DType) -> Tensor {
    dtype == self.dtype ? self : apply(Convert(dtype: dtype, from: self.dtype), self)
  }
}
