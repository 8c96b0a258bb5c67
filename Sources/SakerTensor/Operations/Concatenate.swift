/// Tensors one after the other along an axis.
struct Concatenate: Operation {
  let axis: Int

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    var sizes = inputs[0].shape.sizes
    sizes[axis] = inputs.reduce(0) { $0 + $1.shape[axis] }
    let first = inputs[0]
    let result = Tensor(
      uninitialized: Shape(sizes), first.dtype,
      strides: first.isChannelsLast && !first.isContiguous
        ? Shape(sizes).channelsLastStrides : nil)
    var start = 0
    for input in inputs {
      let end = start + input.shape[axis]
      Strided.copy(from: input, to: result.window(axis, start..<end))
      start = end
    }
    return result
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    var start = 0
    return saved.shapes.indices.map { index in
      let end = start + saved.shapes[index][axis]
      defer { start = end }
      return saved.needs[index] ? gradient.window(axis, start..<end) : nil
    }
  }
}

/// A part of an axis: a view.
struct Narrow: UnaryOperation {
  let axis: Int
  let range: Range<Int>

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor { x.window(axis, range) }

  /// Zero outside the part.
  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    let shape = saved.shapes[0]
    let result = Tensor(
      uninitialized: shape, gradient.dtype,
      strides: gradient.isChannelsLast && !gradient.isContiguous
        ? shape.channelsLastStrides : nil)
    result.raw.initializeMemory(as: UInt8.self, repeating: 0, count: result.bytes)
    Strided.copy(from: gradient, to: result.window(axis, range))
    return result
  }
}

/// The tensors one after the other along `axis`; all other sizes, and the types, must agree.
public func concatenate(_ tensors: [Tensor], axis: Int = 0) -> Tensor {
  check(!tensors.isEmpty, op: "concatenate", expected: "at least one tensor", got: "none")
  let first = tensors[0]
  let axis = first.shape.axis(axis, op: "concatenate")
  for tensor in tensors {
    check(
      tensor.rank == first.rank && tensor.dtype == first.dtype
        && (0..<first.rank).allSatisfy { $0 == axis || tensor.shape[$0] == first.shape[$0] },
      op: "concatenate",
      expected: "\(first.dtype) \(first.shape) but for axis \(axis)",
      got: "\(tensor.dtype) \(tensor.shape)")
  }
  return tensors.count == 1 ? first : apply(Concatenate(axis: axis), to: tensors)
}

extension Tensor {
  /// The part `range` of `axis`: a view.
  public func narrow(_ axis: Int, _ range: Range<Int>) -> Tensor {
    let axis = shape.axis(axis, op: "narrow")
    check(
      range.lowerBound >= 0 && range.upperBound <= shape[axis], op: "narrow",
      expected: "a part of 0..<\(shape[axis]) for axis \(axis)", got: range)
    return range.count == shape[axis] ? self : apply(Narrow(axis: axis, range: range), self)
  }

  /// The same, without the tape.
  func window(_ axis: Int, _ range: Range<Int>) -> Tensor {
    var sizes = shape.sizes
    sizes[axis] = range.count
    return Tensor(
      storage: storage, shape: Shape(sizes), strides: strides,
      offset: offset + range.lowerBound * strides[axis], dtype: dtype)
  }
}
