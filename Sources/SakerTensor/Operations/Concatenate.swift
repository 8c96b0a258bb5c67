/// Tensors one after the other along an axis.
struct Concatenate: TensorOperation {
  let axis: Int

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    var sizes = inputs[0].shape.sizes
    sizes[axis] = inputs.reduce(0) { $0 + $1.shape[axis] }
    let model = inputs.max { $0.count < $1.count } ?? inputs[0]
    let result = Tensor(
      uninitialized: Shape(sizes), model.dtype,
      strides: model.isChannelsLast && !model.isContiguous
        ? Shape(sizes).channelsLastStrides : nil)
    var start = 0
    for input in inputs {
      let end = start + input.shape[axis]
      Strided.copy(
        from: input,
        to: result.view(Region(start..<end, axis: axis, of: result.shape, op: "concatenate")))
      start = end
    }
    return result
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    var start = 0
    return saved.shapes.indices.map { index in
      let end = start + saved.shapes[index][axis]
      defer { start = end }
      return saved.needs[index] ? gradient.narrow(axis, start..<end) : nil
    }
  }
}

/// The tensors one after the other along `axis`; all other sizes, and the types, must agree. In the
/// memory order of the largest.
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
