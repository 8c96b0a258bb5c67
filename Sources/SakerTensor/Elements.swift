extension Tensor {
  /// Calls `body` with all elements in row-major order: where they lie if they lie so, else in a
  /// copy. `T` is the tensor's own type.
  public func withElements<T: Scalar, R>(
    of type: T.Type = T.self, _ body: (UnsafeBufferPointer<T>) throws -> R
  ) rethrows -> R {
    check(dtype == T.dtype, op: "withElements", expected: "\(T.dtype)", got: dtype)
    let source = detached().contiguous()
    return try withExtendedLifetime(source) {
      try body(UnsafeBufferPointer(start: source.pointer(T.self), count: count))
    }
  }

  /// Calls `body` with the bytes of all elements in row-major order, in the machine's byte order.
  public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    let source = detached().contiguous()
    return try withExtendedLifetime(source) {
      try body(UnsafeRawBufferPointer(start: source.raw, count: bytes))
    }
  }

  /// A tensor whose elements `body` writes, all of them, in row-major order.
  public init<T: Scalar>(
    _ shape: Shape, of type: T.Type = T.self,
    writing body: (UnsafeMutableBufferPointer<T>) throws -> Void
  ) rethrows {
    self.init(uninitialized: shape, T.dtype)
    try body(UnsafeMutableBufferPointer(start: pointer(T.self), count: count))
  }

  /// A tensor whose bytes `body` writes, all of them, in row-major order and the
  /// machine's byte order.
  public init(
    _ shape: Shape, _ dtype: DType,
    writingBytes body: (UnsafeMutableRawBufferPointer) throws -> Void
  ) rethrows {
    self.init(uninitialized: shape, dtype)
    try body(UnsafeMutableRawBufferPointer(start: raw, count: bytes))
  }
}
