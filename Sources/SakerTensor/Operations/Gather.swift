import CKernels

// One element for each index: the index replaces the position on one axis, the other positions are
// the index's own.

/// `result[i][j] = x[indices[i][j]][j]`, for axis 0 of two.
struct Gather: BinaryOperation {
  let axis: Int

  func forward(_ x: Tensor, _ indices: Tensor, _ saved: inout Saved) -> Tensor {
    saved.keep(indices)
    if x.dtype.size == 4, let lanes = x.plainLanes(indices, axis) {
      let result = Tensor(uninitialized: indices.shape, x.dtype)
      let (from, to) = (x.pointer(UInt32.self), result.pointer(UInt32.self))
      x.eachBlock(indices, lanes, op: "gather") { block, steps, index in
        saker_gather_lanes_32(
          from + block * lanes.size * lanes.inner, lanes.size, lanes.inner, index, steps,
          to + block * steps * lanes.inner)
      }
      return result
    }
    let offsets = x.offsets(of: indices, axis: axis, op: "gather")
    let result = Tensor(uninitialized: indices.shape, x.dtype)
    switch x.dtype.size {
    case 1: Gather.read(UInt8.self, x, offsets, result)
    case 2: Gather.read(UInt16.self, x, offsets, result)
    case 4: Gather.read(UInt32.self, x, offsets, result)
    default: Gather.read(UInt64.self, x, offsets, result)
    }
    return result
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> (Tensor?, Tensor?) {
    guard saved.needs[0] else { return (nil, nil) }
    return (
      Tensor.zeros(saved.shapes[0], gradient.dtype)
        .scatterAdd(gradient, at: saved[0], axis: axis), nil
    )
  }

  private static func read<T>(_: T.Type, _ x: Tensor, _ offsets: [Int], _ result: Tensor) {
    let (from, to) = (x.pointer(T.self), result.pointer(T.self))
    offsets.withUnsafeBufferPointer { offsets in
      nonisolated(unsafe) let offsets = offsets
      Parallel.run(offsets.count, grain: 16384) { part in
        for i in part { to[i] = from[offsets[i]] }
      }
    }
  }

  /// Writes where `read` reads.
  static func write<T>(_: T.Type, _ source: Tensor, _ offsets: [Int], _ x: Tensor) {
    let (from, to) = (source.pointer(T.self), x.pointer(T.self))
    for (i, offset) in offsets.enumerated() { to[offset] = from[i] }
  }
}

/// A copy of `x` with `x[indices[i][j]][j] = value[i][j]`, for axis 0 of two.
struct Scatter: TensorOperation {
  let axis: Int

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let (result, value, indices) = (inputs[0].copied(), inputs[1].contiguous(), inputs[2])
    saved.keep(indices)
    let offsets = result.offsets(of: indices, axis: axis, op: "scatter")
    switch result.dtype.size {
    case 1: Gather.write(UInt8.self, value, offsets, result)
    case 2: Gather.write(UInt16.self, value, offsets, result)
    case 4: Gather.write(UInt32.self, value, offsets, result)
    default: Gather.write(UInt64.self, value, offsets, result)
    }
    return result
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    let zeros = Tensor.zeros(saved.shapes[1], gradient.dtype)
    return [
      saved.needs[0] ? gradient.scatter(zeros, at: saved[0], axis: axis) : nil,
      saved.needs[1] ? gradient.gather(saved[0], axis: axis) : nil, nil,
    ]
  }
}

/// A copy of `x` with `x[indices[i][j]][j] += value[i][j]`, for axis 0 of two.
struct ScatterAdd: TensorOperation {
  let axis: Int

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let (x, value, indices) = (inputs[0], inputs[1], inputs[2])
    saved.keep(indices)
    let result = x.comparable.copied()
    let source = value.comparable.contiguous()
    if result.dtype == .float32, let lanes = result.plainLanes(indices, axis) {
      let (from, to) = (source.pointer(Float.self), result.pointer(Float.self))
      result.eachBlock(indices, lanes, op: "scatterAdd") { block, steps, index in
        saker_scatter_add_lanes_f32(
          from + block * steps * lanes.inner, lanes.size, lanes.inner, index, steps,
          to + block * lanes.size * lanes.inner)
      }
      return withExtendedLifetime(source) { result.converted(to: x.dtype) }
    }
    let offsets = result.offsets(of: indices, axis: axis, op: "scatterAdd")
    if result.dtype == .float32 {
      let (from, to) = (source.pointer(Float.self), result.pointer(Float.self))
      for (i, offset) in offsets.enumerated() { to[offset] += from[i] }
    } else {
      let (from, to) = (source.pointer(Int64.self), result.pointer(Int64.self))
      for (i, offset) in offsets.enumerated() { to[offset] &+= from[i] }
    }
    return result.converted(to: x.dtype)
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    [
      saved.needs[0] ? gradient : nil,
      saved.needs[1] ? gradient.gather(saved[0], axis: axis) : nil, nil,
    ]
  }
}

extension Tensor {
  /// `result[i][j] = self[indices[i][j]][j]` for axis 0 of two. `indices` has as many axes as this
  /// tensor and is nowhere longer, except along `axis`; the result has its shape. Below zero counts
  /// from the end.
  public func gather(_ indices: Tensor, axis: Int) -> Tensor {
    apply(Gather(axis: shape.axis(axis, op: "gather")), self, indices.detached())
  }

  /// `gather` with indices that broadcast on all axes but `axis`: reads what `argmax`, `argsort`
  /// and the like found.
  public func takeAlong(_ indices: Tensor, axis: Int) -> Tensor {
    let axis = shape.axis(axis, op: "takeAlong")
    check(
      indices.rank == rank, op: "takeAlong", expected: "indices of \(rank) axes",
      got: indices.shape)
    var sizes = shape.sizes
    sizes[axis] = indices.shape[axis]
    return gather(indices.expand(Shape(sizes)), axis: axis)
  }

  /// A copy with `copy[indices[i][j]][j] = value[i][j]` for axis 0 of two, `value` and `indices` of
  /// one shape. Each target is to be named once: of several the last one stays, but gradients do
  /// not tell them apart.
  public func scatter(_ value: Tensor, at indices: Tensor, axis: Int) -> Tensor {
    checkScatter(value, indices, op: "scatter")
    return apply(
      Scatter(axis: shape.axis(axis, op: "scatter")), self, value, indices.detached())
  }

  /// A copy with `copy[indices[i][j]][j] += value[i][j]` for axis 0 of two, `value` and `indices`
  /// of one shape; what falls on one target adds up, in row-major order.
  public func scatterAdd(_ value: Tensor, at indices: Tensor, axis: Int) -> Tensor {
    checkScatter(value, indices, op: "scatterAdd")
    return apply(
      ScatterAdd(axis: shape.axis(axis, op: "scatterAdd")), self, value, indices.detached())
  }

  /// Blocks of lanes, if this tensor and int64 `indices` lie row by row and agree on
  /// all axes but `axis`.
  fileprivate func plainLanes(_ indices: Tensor, _ axis: Int) -> Lanes? {
    guard indices.dtype == .int64, isContiguous, indices.isContiguous, count > 0,
      indices.count > 0, indices.rank == rank,
      (0..<rank).allSatisfy({ $0 == axis || shape[$0] == indices.shape[$0] }),
      shape[axis] > 1 || axis == rank - 1
    else { return nil }
    return Lanes(self, axis: axis)
  }

  /// Calls `body(block, steps of indices, the block's indices)` for all blocks; it answers -1, or
  /// which index is out of range.
  fileprivate func eachBlock(
    _ indices: Tensor, _ lanes: Lanes, op: String,
    _ body: (Int, Int, UnsafePointer<Int64>) -> Int
  ) {
    let index = UnsafePointer(indices.pointer(Int64.self))
    let length = indices.count / lanes.outer
    Parallel.run(lanes.outer, grain: Swift.max(1, 16384 / length)) { part in
      for block in part {
        let first = index + block * length
        let bad = body(block, length / lanes.inner, first)
        check(
          bad < 0, op: op, expected: "indices in \(-lanes.size)..<\(lanes.size)",
          got: first[Swift.max(bad, 0)])
      }
    }
  }

  private func checkScatter(_ value: Tensor, _ indices: Tensor, op: String) {
    check(
      value.dtype == dtype && value.shape == indices.shape, op: op,
      expected: "\(dtype) values of the indices' shape \(indices.shape)",
      got: "\(value.dtype) \(value.shape)")
  }

  /// Where, from this tensor's first element, the element of each index lies, in row-major order of
  /// the indices.
  fileprivate func offsets(of indices: Tensor, axis: Int, op: String) -> [Int] {
    check(
      indices.rank == rank
        && (0..<rank).allSatisfy { $0 == axis || indices.shape[$0] <= shape[$0] }, op: op,
      expected: "indices that fit \(shape) on all axes but \(axis)", got: indices.shape)
    var offsets = indices.positions(below: shape[axis], op: op)
    guard !offsets.isEmpty else { return [] }
    // The last axis runs in the inner loop, the others count up around it.
    let columns = indices.shape[rank - 1]
    let step = axis == rank - 1 ? 0 : strides[rank - 1]
    let own = strides[axis]
    var counter = [Int](repeating: 0, count: rank)
    var base = 0
    offsets.withUnsafeMutableBufferPointer { offsets in
      for row in 0..<offsets.count / columns {
        for column in 0..<columns {
          let i = row * columns + column
          offsets[i] = base + column * step + offsets[i] * own
        }
        var other = rank - 2
        while other >= 0 {
          counter[other] += 1
          if other != axis { base += strides[other] }
          if counter[other] < indices.shape[other] { break }
          if other != axis { base -= counter[other] * strides[other] }
          counter[other] = 0
          other -= 1
        }
      }
    }
    return offsets
  }
}
