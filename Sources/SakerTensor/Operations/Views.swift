/// A view with another shape over the same row-major memory.
struct Reshape: UnaryOperation, BatchFollowing {
  let shape: Shape

  func following(_ name: String, _ sizes: [Int]) -> Reshape { Reshape(shape: Shape(sizes)) }

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    if let strides = x.strides(viewedAs: shape) {
      return Tensor(
        storage: x.storage, shape: shape, strides: strides, offset: x.offset, dtype: x.dtype)
    }
    let source = x.contiguous()
    return Tensor(
      storage: source.storage, shape: shape, strides: shape.rowMajorStrides,
      offset: source.offset, dtype: x.dtype)
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    gradient.reshape(saved.shapes[0])
  }
}

/// A view with its axes in another order.
struct Permute: UnaryOperation {
  let axes: [Int]

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    Tensor(
      storage: x.storage, shape: Shape(axes.map { x.shape[$0] }),
      strides: axes.map { x.strides[$0] }, offset: x.offset, dtype: x.dtype)
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    var inverse = axes
    for (position, axis) in axes.enumerated() { inverse[axis] = position }
    return gradient.permute(inverse)
  }
}

/// A view that repeats axes of size 1 without copying.
struct Expand: UnaryOperation, BatchFollowing {
  let shape: Shape

  func following(_ name: String, _ sizes: [Int]) -> Expand { Expand(shape: Shape(sizes)) }

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor { x.spread(to: shape) }

  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    gradient.summed(to: saved.shapes[0])
  }
}

extension Tensor {
  /// The same elements in row-major order under another shape; one size may be -1 and is then
  /// computed. A view where the memory allows it, else a copy.
  public func reshape(_ shape: Shape) -> Tensor {
    var sizes = shape.sizes
    let open = sizes.indices.filter { sizes[$0] == -1 }
    if open.count == 1 {
      let known = sizes.reduce(1) { $1 == -1 ? $0 : $0 * $1 }
      check(
        known > 0 && count % known == 0, op: "reshape",
        expected: "a shape of \(count) elements", got: shape)
      sizes[open[0]] = count / known
    }
    let result = Shape(sizes)
    check(
      open.count <= 1 && result.elements == count, op: "reshape",
      expected: "a shape of \(count) elements for \(self.shape)", got: shape)
    return result == self.shape ? self : apply(Reshape(shape: result), self)
  }

  /// Axes from `first` to `last` become one.
  public func flatten(from first: Int = 0, to last: Int = -1) -> Tensor {
    if rank == 0 { return reshape([1]) }
    let first = shape.axis(first, op: "flatten")
    let last = shape.axis(last, op: "flatten")
    check(first <= last, op: "flatten", expected: "first axis <= last axis", got: (first, last))
    let middle = shape.sizes[first...last].reduce(1, *)
    return reshape(Shape(shape.sizes[..<first] + [middle] + shape.sizes[(last + 1)...]))
  }

  /// Axis `i` of the result is axis `axes[i]` of this tensor: a view.
  public func permute(_ axes: [Int]) -> Tensor {
    let positive = axes.map { shape.axis($0, op: "permute") }
    check(
      positive.sorted() == Array(0..<rank), op: "permute",
      expected: "each of \(rank) axes once", got: axes)
    return positive == Array(0..<rank) ? self : apply(Permute(axes: positive), self)
  }

  /// Two axes change places, the last two if none are named: a view.
  public func transposed(_ a: Int = -2, _ b: Int = -1) -> Tensor {
    var axes = Array(0..<rank)
    axes.swapAt(shape.axis(a, op: "transposed"), shape.axis(b, op: "transposed"))
    return permute(axes)
  }

  /// Axes of size 1 repeated to `shape`, which may have more axes in front; -1 keeps a size. A
  /// view.
  public func expand(_ shape: Shape) -> Tensor {
    check(
      shape.rank >= rank, op: "expand", expected: "at least the \(rank) axes of \(self.shape)",
      got: shape)
    let added = shape.rank - rank
    let sizes = shape.sizes.enumerated().map { axis, size in
      guard axis >= added else {
        check(size >= 0, op: "expand", expected: "a size for new axis \(axis)", got: size)
        return size
      }
      let mine = self.shape[axis - added]
      check(
        size == -1 || size == mine || mine == 1, op: "expand",
        expected: "\(mine) or -1 for axis \(axis), which is not of size 1", got: size)
      return size == -1 ? mine : size
    }
    let result = Shape(sizes)
    return result == self.shape ? self : apply(Expand(shape: result), self)
  }

  /// Without the axes of size 1: all, or those named, which must have size 1 to go.
  public func squeeze(_ axes: Int...) -> Tensor {
    let named = shape.axes(axes, op: "squeeze")
    return reshape(
      Shape(
        shape.sizes.enumerated().filter { axis, size in
          size != 1 || !(axes.isEmpty || named.contains(axis))
        }.map(\.element)))
  }

  /// With a new axis of size 1 before `axis` of the result.
  public func unsqueeze(_ axis: Int) -> Tensor {
    check(
      axis >= -rank - 1 && axis <= rank, op: "unsqueeze",
      expected: "an axis in \(-rank - 1)...\(rank)", got: axis)
    var sizes = shape.sizes
    sizes.insert(1, at: axis < 0 ? axis + rank + 1 : axis)
    return reshape(Shape(sizes))
  }

  /// Strides that show the elements, in row-major order, as `shape` without moving them,
  /// if there are any.
  func strides(viewedAs shape: Shape) -> [Int]? {
    if isContiguous || count == 0 { return shape.rowMajorStrides }
    // Groups of old axes that lie behind each other are cut anew; a new axis may not reach
    // over a group's end.
    var groups: [(size: Int, stride: Int)] = []
    for axis in 0..<rank where self.shape[axis] != 1 {
      if let last = groups.last, last.stride == strides[axis] * self.shape[axis] {
        groups[groups.count - 1] = (last.size * self.shape[axis], strides[axis])
      } else {
        groups.append((self.shape[axis], strides[axis]))
      }
    }
    var result = [Int](repeating: 1, count: shape.rank)
    var axis = shape.rank - 1
    for group in groups.reversed() {
      var rest = group.size
      var step = group.stride
      while rest > 1 {
        guard axis >= 0, rest % shape[axis] == 0 else { return nil }
        result[axis] = step
        step *= shape[axis]
        rest /= shape[axis]
        axis -= 1
      }
    }
    return result
  }
}
