/// Tensors of one shape along a new axis.
public func stack(_ tensors: [Tensor], axis: Int = 0) -> Tensor {
  check(!tensors.isEmpty, op: "stack", expected: "at least one tensor", got: "none")
  for tensor in tensors {
    check(
      tensor.shape == tensors[0].shape, op: "stack", expected: "tensors of \(tensors[0].shape)",
      got: tensor.shape)
  }
  return concatenate(tensors.map { $0.unsqueeze(axis) }, axis: axis)
}

extension Tensor {
  /// Parts of the given sizes along `axis`, which they must fill: views.
  public func split(sizes: [Int], axis: Int = 0) -> [Tensor] {
    let axis = shape.axis(axis, op: "split")
    check(
      sizes.reduce(0, +) == shape[axis], op: "split",
      expected: "sizes that add up to \(shape[axis])", got: sizes)
    var start = 0
    return sizes.map { size in
      defer { start += size }
      return narrow(axis, start..<start + size)
    }
  }

  /// Parts of `size` along `axis`, the last one smaller if it doesn't divide: views.
  public func split(size: Int, axis: Int = 0) -> [Tensor] {
    let axis = shape.axis(axis, op: "split")
    check(size > 0, op: "split", expected: "a size above 0", got: size)
    return stride(from: 0, to: Swift.max(shape[axis], 1), by: size).map {
      narrow(axis, $0..<Swift.min($0 + size, shape[axis]))
    }
  }

  /// At most `chunks` parts of one size along `axis`, the last one smaller if it doesn't divide: views.
  public func chunked(into chunks: Int, axis: Int = 0) -> [Tensor] {
    let axis = shape.axis(axis, op: "chunked")
    check(chunks > 0, op: "chunked", expected: "at least one chunk", got: chunks)
    return split(size: Swift.max(1, (shape[axis] + chunks - 1) / chunks), axis: axis)
  }

  /// The positions of `axis` as tensors without it: views.
  public func unbind(axis: Int = 0) -> [Tensor] {
    let axis = shape.axis(axis, op: "unbind")
    return (0..<shape[axis]).map { select(axis: axis, at: $0) }
  }

  /// Moved by `shift` positions along `axis`; what leaves at one end enters at the other.
  public func roll(_ shift: Int, axis: Int) -> Tensor {
    let axis = shape.axis(axis, op: "roll")
    let size = shape[axis]
    guard size > 0 else { return self }
    let cut = ((-shift % size) + size) % size
    if cut == 0 { return self }
    return concatenate([narrow(axis, cut..<size), narrow(axis, 0..<cut)], axis: axis)
  }

  /// The whole tensor `times` after another, a number for each axis; more numbers than axes add axes in front.
  public func repeated(_ times: [Int]) -> Tensor {
    check(
      times.count >= rank && times.allSatisfy { $0 >= 0 }, op: "repeated",
      expected: "a number, 0 or more, for each axis of \(shape)", got: times)
    let added = [Int](repeating: 1, count: times.count - rank)
    let sizes = added + shape.sizes
    // A new axis before each one repeats it; the two then become one.
    let single = zip(times, sizes).flatMap { [1, $0.1] }
    let multiple = zip(times, sizes).flatMap { [$0.0, $0.1] }
    return reshape(Shape(single)).expand(Shape(multiple))
      .reshape(Shape(zip(times, sizes).map { $0 * $1 }))
  }

  /// Each position of `axis` `times` after another.
  public func repeatInterleave(_ times: Int, axis: Int) -> Tensor {
    check(times >= 0, op: "repeatInterleave", expected: "a number of 0 or more", got: times)
    let axis = shape.axis(axis, op: "repeatInterleave")
    var multiple = shape.sizes
    multiple.insert(times, at: axis + 1)
    var sizes = shape.sizes
    sizes[axis] *= times
    return unsqueeze(axis + 1).expand(Shape(multiple)).reshape(Shape(sizes))
  }

  /// Position `i` of `axis` `times[i]` after another.
  public func repeatInterleave(_ times: [Int], axis: Int) -> Tensor {
    let axis = shape.axis(axis, op: "repeatInterleave")
    check(
      times.count == shape[axis] && times.allSatisfy { $0 >= 0 }, op: "repeatInterleave",
      expected: "\(shape[axis]) numbers of 0 or more", got: times)
    let indices = times.enumerated().flatMap {
      [Int64](repeating: Int64($0.offset), count: $0.element)
    }
    return indexSelect(Tensor(indices), axis: axis)
  }
}
