/// A view of the positions that indices name.
struct Slice: UnaryOperation, BatchFollowing {
  var region: Region
  /// The input's, whose order the gradient takes.
  let channelsLast: Bool

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor { x.view(region) }

  func following(_ name: String, _ sizes: [Int]) -> Slice {
    var copy = self
    copy.region = region.following(name, sizes)
    return copy
  }

  /// Zero everywhere else.
  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    let shape = saved.shapes[0]
    let result =
      channelsLast
      ? Tensor(uninitializedImage: shape, gradient.dtype)
      : Tensor(uninitialized: shape, gradient.dtype)
    result.raw.initializeMemory(as: UInt8.self, repeating: 0, count: result.bytes)
    Strided.copy(from: gradient, to: result.view(region))
    return result
  }
}

/// A copy of the first tensor with a part of it replaced by the second, which broadcasts.
struct SliceAssign: BinaryOperation, BatchFollowing {
  var region: Region

  func following(_ name: String, _ sizes: [Int]) -> SliceAssign {
    SliceAssign(region: region.following(name, sizes))
  }

  func forward(_ x: Tensor, _ value: Tensor, _ saved: inout Saved) -> Tensor {
    let result = x.copied()
    Strided.copy(from: value.spread(to: region.shape), to: result.view(region))
    return result
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> (Tensor?, Tensor?) {
    var rest: Tensor?
    if saved.needs[0] {
      let copy = gradient.copied()
      let zero = Tensor.zeros([], gradient.dtype)
      Strided.copy(from: zero.spread(to: region.shape), to: copy.view(region))
      rest = copy
    }
    return (rest, saved.needs[1] ? gradient.view(region).summed(to: saved.shapes[1]) : nil)
  }
}

extension Tensor {
  /// The part that `indices` name: a view. Assigning replaces the part by a tensor that broadcasts
  /// to it: in place when nobody else holds this memory, else in a copy, so that no other tensor
  /// changes. A gradient flows to both.
  ///
  ///     x[0]; x[1..<3, -1]; x[.ellipsis, .newAxis]; x[.all, 2..., .step(0..<8, by: 2)] = y
  public subscript(_ indices: any TensorIndexing...) -> Tensor {
    get { sliced(Region(indices.map(\.tensorIndex), of: shape)) }
    set { assign(newValue, to: Region(indices.map(\.tensorIndex), of: shape)) }
  }

  /// The part `range` of `axis`: a view.
  public func narrow(_ axis: Int, _ range: Range<Int>) -> Tensor {
    let axis = shape.axis(axis, op: "narrow")
    check(
      range.lowerBound >= 0 && range.upperBound <= shape[axis], op: "narrow",
      expected: "a part of 0..<\(shape[axis]) on axis \(axis) of \(shape)", got: range)
    return range.count == shape[axis]
      ? self : sliced(Region(range, axis: axis, of: shape, op: "narrow"))
  }

  /// One position of `axis`, which goes: a view.
  public func select(axis: Int, at position: Int) -> Tensor {
    let axis = shape.axis(axis, op: "select")
    var indices = [TensorIndex](repeating: .all, count: axis)
    indices.append(.position(position))
    return sliced(Region(indices, of: shape, op: "select"))
  }

  private func sliced(_ region: Region) -> Tensor {
    apply(Slice(region: region, channelsLast: isChannelsLast && !isContiguous), self)
  }

  private mutating func assign(_ value: Tensor, to region: Region) {
    let value = value.converted(to: dtype)
    check(
      value.shape.broadcast(with: region.shape) == region.shape, op: "subscript assignment",
      expected: "a tensor that broadcasts to \(region.shape)", got: value.shape)
    let recording = isRecordingGradients && (isRecorded || value.isRecorded)
    if !recording, isDense, !Capture.isRunning, isUnshared() {
      node = nil
      Strided.copy(from: value.spread(to: region.shape), to: view(region))
    } else {
      self = apply(SliceAssign(region: region), self, value)
    }
  }
}

/// The elements in reverse order along axes.
struct Flip: UnaryOperation {
  let axes: [Int]

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    guard x.count > 0 else { return x }
    var (start, strides) = (x.offset, x.strides)
    for axis in axes {
      start += (x.shape[axis] - 1) * strides[axis]
      strides[axis] = -strides[axis]
    }
    let reversed = Tensor(
      storage: x.storage, shape: x.shape, strides: strides, offset: start, dtype: x.dtype)
    let result = Tensor(
      uninitialized: x.shape, x.dtype, strides: x.isDense ? x.packedStrides : nil)
    Strided.copy(from: reversed, to: result)
    return result
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? { gradient.flip(axes) }
}

extension Tensor {
  /// Reversed along `axes`: a copy.
  public func flip(_ axes: [Int]) -> Tensor {
    apply(Flip(axes: shape.axes(axes, op: "flip")), self)
  }
}
