import CKernels

// Elements that integer tensors or masks name.

/// Positions `indices` (a vector) of one axis, in their order.
struct IndexSelect: BinaryOperation {
  let axis: Int

  func forward(_ x: Tensor, _ indices: Tensor, _ saved: inout Saved) -> Tensor {
    saved.keep(indices)
    let x = x.dense
    let lanes = Lanes(x, axis: axis)
    let positions = indices.positions(below: lanes.size, op: "indexSelect")
    let result = lanes.resized(x.shape, positions.count, x.dtype)
    IndexSelect.copy(x, result, lanes, positions)
    return result
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> (Tensor?, Tensor?) {
    guard saved.needs[0] else { return (nil, nil) }
    let source = gradient.converted(to: .float32).dense
    let lanes = Lanes(source, axis: axis)
    let size = saved.shapes[0][axis]
    let positions = saved[0].positions(below: size, op: "indexSelect")
    let result = lanes.resized(source.shape, size, .float32).zerosInOrder()
    let (from, to) = (source.pointer(Float.self), result.pointer(Float.self))
    let inner = lanes.inner
    lanes.run { block, part in
      let from = from + block * positions.count * inner
      let to = to + block * size * inner
      for (i, position) in positions.enumerated() {
        if part.count >= 16 {
          saker_accumulate_f32(
            from + i * inner + part.lowerBound, to + position * inner + part.lowerBound,
            part.count)
        } else {
          for lane in part { to[position * inner + lane] += from[i * inner + lane] }
        }
      }
    }
    return (result.converted(to: gradient.dtype), nil)
  }

  private static func copy(_ x: Tensor, _ result: Tensor, _ lanes: Lanes, _ positions: [Int]) {
    switch x.dtype.size {
    case 1: copy(UInt8.self, x, result, lanes, positions)
    case 2: copy(UInt16.self, x, result, lanes, positions)
    case 4: copy(UInt32.self, x, result, lanes, positions)
    default: copy(UInt64.self, x, result, lanes, positions)
    }
  }

  private static func copy<T>(
    _: T.Type, _ x: Tensor, _ result: Tensor, _ lanes: Lanes, _ positions: [Int]
  ) {
    let (from, to) = (x.pointer(T.self), result.pointer(T.self))
    let (inner, count) = (lanes.inner, positions.count)
    // Blocks and positions together are the rows of the result.
    KernelTime.measure {
      Parallel.run(lanes.outer * count, grain: max(1, 16384 / max(inner, 1))) { part in
        var (block, i) = (part.lowerBound / max(count, 1), part.lowerBound % max(count, 1))
        for row in part {
          let source = from + (block * lanes.size + positions[i]) * inner
          if inner == 1 {
            to[row] = source.pointee
          } else {
            (to + row * inner).update(from: source, count: inner)
          }
          i += 1
          if i == count { (block, i) = (block + 1, 0) }
        }
      }
    }
  }
}

/// A copy of the first tensor whose positions on its first axis that `positions` names are replaced
/// by the second's. Where a position is named twice, the last one stays and the others get no
/// gradient.
struct RowAssign: BinaryOperation {
  let positions: [Int]

  func forward(_ x: Tensor, _ value: Tensor, _ saved: inout Saved) -> Tensor {
    let result = x.contiguous().copied()
    let rows = value.contiguous()
    let length = x.shape.sizes[1...].reduce(x.dtype.size, *)
    for (i, position) in positions.enumerated() {
      (result.raw + position * length).copyMemory(from: rows.raw + i * length, byteCount: length)
    }
    return result
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> (Tensor?, Tensor?) {
    let length = gradient.shape.sizes[1...].reduce(gradient.dtype.size, *)
    var rest: Tensor?
    if saved.needs[0] {
      let copy = gradient.contiguous().copied()
      for position in positions {
        (copy.raw + position * length).initializeMemory(as: UInt8.self, repeating: 0, count: length)
      }
      rest = copy
    }
    guard saved.needs[1] else { return (rest, nil) }
    let source = gradient.contiguous()
    let rows = Tensor.zeros(saved.shapes[1], gradient.dtype)
    var last = [Int](repeating: -1, count: gradient.shape[0])
    for (i, position) in positions.enumerated() { last[position] = i }
    for (i, position) in positions.enumerated() where last[position] == i {
      (rows.raw + i * length).copyMemory(from: source.raw + position * length, byteCount: length)
    }
    return (rest, rows)
  }
}

extension Tensor {
  /// Positions of `axis` in the order that the integers in `indices` name them; the axis is
  /// replaced by the axes of `indices`. Below zero counts from the end. The gradient of a position
  /// named twice is the sum.
  public func indexSelect(_ indices: Tensor, axis: Int = 0) -> Tensor {
    let axis = shape.axis(axis, op: "indexSelect")
    let result = apply(IndexSelect(axis: axis), self, indices.detached().reshape([-1]))
    return indices.rank == 1
      ? result
      : result.reshape(
        Shape(shape.sizes[..<axis] + indices.shape.sizes + shape.sizes[(axis + 1)...]))
  }

  /// With an integer tensor: positions of the first axis, `indexSelect(index)`. With a `bool`
  /// tensor, whose shape is that of the first axes: the elements where it is true, `[how many,
  /// remaining axes…]`, in row-major order.
  ///
  /// Assigning replaces them by a tensor that broadcasts to what reading gives; a gradient flows to
  /// both. Where integers name a position twice, the last one stays.
  public subscript(_ index: Tensor) -> Tensor {
    get {
      guard index.dtype == .bool else { return indexSelect(index) }
      return flattened(under: index).indexSelect(index.truePositions())
    }
    set {
      let isMask = index.dtype == .bool
      let value = newValue.converted(to: dtype)
      if isMask && value.count == 1 && value.rank <= 1 {
        checkMask(index)
        let added = [Int](repeating: 1, count: rank - index.rank)
        let mask = index.reshape(Shape(index.shape.sizes + added))
        self = .where(mask, value.reshape([]), self)
        return
      }
      let flat = isMask ? flattened(under: index) : self
      let positions = (isMask ? index.truePositions() : index)
        .positions(below: flat.shape[0], op: "subscript")
      let rows = Shape((isMask ? [positions.count] : index.shape.sizes) + flat.shape.sizes[1...])
      check(
        value.shape.broadcast(with: rows) == rows, op: "subscript assignment",
        expected: "a tensor that broadcasts to \(rows)", got: value.shape)
      let flatRows = value.expand(rows).reshape(
        Shape([positions.count] + flat.shape.sizes[1...]))
      self = apply(RowAssign(positions: positions), flat, flatRows).reshape(shape)
    }
  }

  private func checkMask(_ mask: Tensor) {
    check(
      mask.rank >= 1 && mask.rank <= rank
        && mask.shape.sizes == Array(shape.sizes[..<mask.rank]), op: "subscript",
      expected: "a mask over the first axes of \(shape)", got: mask.shape)
  }

  /// The axes that a mask covers as one.
  private func flattened(under mask: Tensor) -> Tensor {
    checkMask(mask)
    return mask.rank == 1 ? self : reshape(Shape([mask.count] + shape.sizes[mask.rank...]))
  }

  /// The row-major positions where this `bool` tensor is true.
  func truePositions() -> Tensor {
    let mask = contiguous()
    let pointer = mask.pointer(UInt8.self)
    let found = saker_count_true(pointer, count)
    // One more is written and not kept.
    let places = Tensor(uninitialized: [found + 1], .int64)
    saker_true_positions(pointer, count, 0, 1, places.pointer(Int64.self))
    return withExtendedLifetime(mask) { places.narrow(0, 0..<found) }
  }

  /// The integers in row-major order as positions below `size`; those below zero count from the
  /// end.
  func positions(below size: Int, op: String) -> [Int] {
    check(
      !dtype.isFloating && dtype != .bool, op: op, expected: "integers as indices", got: dtype)
    let source = converted(to: .int64).contiguous()
    let pointer = source.pointer(Int64.self)
    return [Int](unsafeUninitializedCapacity: count) { positions, used in
      for i in 0..<count {
        let value = Int(pointer[i])
        check(
          value >= -size && value < size, op: op,
          expected: "indices in \(-size)..<\(size)", got: value)
        positions[i] = value < 0 ? value + size : value
      }
      used = count
    }
  }
}
