import CKernels

/// `a` where the condition is true, `b` elsewhere.
struct Where: TensorOperation {
  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let (condition, a, b) = (inputs[0], inputs[1], inputs[2])
    saved.keep(condition)
    check(
      condition.dtype == .bool && a.dtype == b.dtype, op: "where",
      expected: "a bool condition and two tensors of one type",
      got: "\(condition.dtype), \(a.dtype) and \(b.dtype)")
    guard let both = a.shape.broadcast(with: b.shape),
      let shape = both.broadcast(with: condition.shape)
    else {
      fatalError(
        "where: expected shapes that broadcast, got \(condition.shape), \(a.shape) and \(b.shape)")
    }
    let model = [a, b, condition].first { $0.shape == shape && $0.isDense }
    let result = Tensor(
      uninitialized: shape, a.dtype, strides: model?.packedStrides ?? shape.rowMajorStrides)
    let operands = [result, condition.spread(to: shape), a.spread(to: shape), b.spread(to: shape)]
    switch a.dtype.size {
    case 1: Where.run(UInt8.self, operands)
    case 2: Where.run(UInt16.self, operands)
    case 4: Where.run32(operands)
    default: Where.run(UInt64.self, operands)
    }
    return result
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    let zero = Tensor.zeros([], gradient.dtype)
    return [
      nil,
      saved.needs[1]
        ? Tensor.where(saved[0], gradient, zero).summed(to: saved.shapes[1]) : nil,
      saved.needs[2]
        ? Tensor.where(saved[0], zero, gradient).summed(to: saved.shapes[2]) : nil,
    ]
  }

  private static func run32(_ operands: [Tensor]) {
    let to = operands[0].pointer(UInt32.self)
    let condition = operands[1].pointer(UInt8.self)
    let (a, b) = (operands[2].pointer(UInt32.self), operands[3].pointer(UInt32.self))
    let loop = StridedLoop(operands[0].shape, operands.map(\.strides))
    guard loop.columnStrides[0] <= 1 else { return run(UInt32.self, operands) }
    loop.run { offsets, rows, columns in
      for row in 0..<rows {
        saker_where_32(
          condition + offsets[1] + row * loop.rowStrides[1], loop.columnStrides[1],
          a + offsets[2] + row * loop.rowStrides[2], loop.columnStrides[2],
          b + offsets[3] + row * loop.rowStrides[3], loop.columnStrides[3],
          to + offsets[0] + row * loop.rowStrides[0], columns)
      }
    }
  }

  private static func run<T>(_: T.Type, _ operands: [Tensor]) {
    let to = operands[0].pointer(T.self)
    let condition = operands[1].pointer(UInt8.self)
    let (a, b) = (operands[2].pointer(T.self), operands[3].pointer(T.self))
    let loop = StridedLoop(operands[0].shape, operands.map(\.strides))
    loop.run { offsets, rows, columns in
      let (st, sc) = (loop.columnStrides[0], loop.columnStrides[1])
      let (sa, sb) = (loop.columnStrides[2], loop.columnStrides[3])
      for row in 0..<rows {
        let t = to + offsets[0] + row * loop.rowStrides[0]
        let c = condition + offsets[1] + row * loop.rowStrides[1]
        let x = a + offsets[2] + row * loop.rowStrides[2]
        let y = b + offsets[3] + row * loop.rowStrides[3]
        for i in 0..<columns { t[i * st] = c[i * sc] != 0 ? x[i * sa] : y[i * sb] }
      }
    }
  }
}

extension Tensor {
  /// Element by element `a` where `condition` (`bool`) is true, else `b`; the three broadcast.
  public static func `where`(_ condition: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
    apply(Where(), condition, a, b)
  }

  public static func `where`(_ condition: Tensor, _ a: Tensor, _ b: Float) -> Tensor {
    self.where(condition, a, a.scalar(b))
  }

  public static func `where`(_ condition: Tensor, _ a: Float, _ b: Tensor) -> Tensor {
    self.where(condition, b.scalar(a), b)
  }

  /// A copy with `value` wherever `mask` (`bool`, broadcasts) is true.
  public func filled(where mask: Tensor, with value: Float) -> Tensor {
    .where(mask, value, self)
  }
}
