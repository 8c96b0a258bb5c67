import CKernels

/// Where the largest value of each window stands, int64.
struct MaxPositions: TensorOperation {
  let attributes: PoolingAttributes

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let x = inputs[0].channelsLast()
    let shape = attributes.output(x.shape)
    let result = Tensor(uninitializedImage: shape, .int64)
    var windows = saker_windows()
    // Fewer than three axes get others of one element in front.
    func three(_ numbers: [Int], _ filling: Int) -> (Int32, Int32, Int32) {
      let all = [Int](repeating: filling, count: 3 - numbers.count) + numbers
      return (Int32(all[0]), Int32(all[1]), Int32(all[2]))
    }
    windows.in = three(Array(x.shape.dropFirst(2)), 1)
    windows.out = three(Array(shape.dropFirst(2)), 1)
    windows.kernel = three(attributes.kernel, 1)
    windows.stride = three(attributes.stride, 1)
    windows.before = three(attributes.before, 0)
    windows.dilation = three(attributes.dilation, 1)
    windows.channels = Int32(x.shape[1])
    let (pixels, results) = (
      x.shape.dropFirst(2).reduce(1, *), shape.dropFirst(2).reduce(1, *)
    )
    let (from, to, channels) = (x.pointer(Float.self), result.pointer(Int64.self), x.shape[1])
    for n in 0..<x.shape[0] {
      Parallel.run(results, grain: max(1, 2048 / channels)) { part in
        saker_max_positions(
          &windows, from + n * pixels * channels, to + n * results * channels, part.lowerBound,
          part.upperBound)
      }
    }
    return result
  }
}

/// For each number a place in the same channel's map: reads there.
struct TakePlaces: BinaryOperation {
  func forward(_ x: Tensor, _ places: Tensor, _ saved: inout Saved) -> Tensor {
    let (x, places) = (x.channelsLast(), places.channelsLast())
    saved.keep(places)
    let result = Tensor(uninitializedImage: places.shape)
    Places.run(rows: result, map: x, places, saker_take_places)
    return result
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> (Tensor?, Tensor?) {
    let dx = Tensor(uninitializedImage: saved.shapes[0]).zerosInOrder()
    Places.run(rows: gradient.channelsLast(), map: dx, saved[0], saker_add_places)
    return (dx, nil)
  }
}

/// Writes each number to its place in the same channel's map, which is zero elsewhere.
struct PutPlaces: BinaryOperation, BatchFollowing {
  let shape: Shape

  func following(_ name: String, _ sizes: [Int]) -> PutPlaces { PutPlaces(shape: Shape(sizes)) }

  func forward(_ x: Tensor, _ places: Tensor, _ saved: inout Saved) -> Tensor {
    let (x, places) = (x.channelsLast(), places.channelsLast())
    let count = shape.dropFirst(2).reduce(1, *)
    check(
      saker_all_below(places.pointer(Int64.self), places.count, Int64(count)) != 0,
      op: "maxUnpool", expected: "indices in 0..<\(count)", got: "others")
    saved.keep(places)
    let result = Tensor(uninitializedImage: shape).zerosInOrder()
    Places.run(rows: x, map: result, places, saker_put_places)
    return result
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> (Tensor?, Tensor?) {
    let dx = Tensor(uninitializedImage: saved.shapes[0])
    Places.run(rows: dx, map: gradient.channelsLast(), saved[0], saker_take_places)
    return (dx, nil)
  }
}

private enum Places {
  typealias Kernel = (
    UnsafeMutablePointer<Float>?, UnsafePointer<Int64>?, UnsafeMutablePointer<Float>?, Int, Int32,
    Int32, Int32
  ) -> Void

  /// Calls `kernel` for each picture and parts of its channels; all tensors are channels-last.
  static func run(rows: Tensor, map: Tensor, _ places: Tensor, _ kernel: Kernel) {
    guard rows.count > 0 else { return }
    let channels = rows.shape[1]
    let (count, size) = (
      rows.shape.dropFirst(2).reduce(1, *), map.shape.dropFirst(2).reduce(1, *)
    )
    let (own, other, at) = (
      rows.pointer(Float.self), map.pointer(Float.self), places.pointer(Int64.self)
    )
    // Parts of the channels never write to one place.
    Parallel.run(channels, grain: max(1, 16384 / (count * rows.shape[0]))) { part in
      for n in 0..<rows.shape[0] {
        kernel(
          own + n * count * channels, at + n * count * channels, other + n * size * channels, count,
          Int32(channels), Int32(part.lowerBound), Int32(part.upperBound))
      }
    }
  }
}

/// The largest value of each window, and where it stands: what `maxUnpool` wants.
///
/// - Parameters: as `maxPool2d`.
/// - Returns: values `[N, C, H', W']`, and positions of the same shape, int64, `row * W + column`
///   in the channel's map; the first of equals.
public func maxPool2dWithIndices(
  _ x: Tensor, kernel: (Int, Int), stride: (Int, Int)? = nil, padding: (Int, Int) = (0, 0),
  dilation: (Int, Int) = (1, 1), ceil: Bool = false
) -> (values: Tensor, indices: Tensor) {
  let stride = stride ?? kernel
  return maxPoolWithIndices(
    x, [kernel.0, kernel.1], [stride.0, stride.1], [padding.0, padding.1],
    [dilation.0, dilation.1], ceil)
}

/// The same for sequences `[N, C, L]`.
public func maxPool1dWithIndices(
  _ x: Tensor, kernel: Int, stride: Int? = nil, padding: Int = 0, dilation: Int = 1,
  ceil: Bool = false
) -> (values: Tensor, indices: Tensor) {
  maxPoolWithIndices(x, [kernel], [stride ?? kernel], [padding], [dilation], ceil)
}

/// The same for volumes `[N, C, D, H, W]`; positions are `(plane * H + row) * W + column`.
public func maxPool3dWithIndices(
  _ x: Tensor, kernel: (Int, Int, Int), stride: (Int, Int, Int)? = nil,
  padding: (Int, Int, Int) = (0, 0, 0), dilation: (Int, Int, Int) = (1, 1, 1), ceil: Bool = false
) -> (values: Tensor, indices: Tensor) {
  let stride = stride ?? kernel
  return maxPoolWithIndices(
    x, [kernel.0, kernel.1, kernel.2], [stride.0, stride.1, stride.2],
    [padding.0, padding.1, padding.2], [dilation.0, dilation.1, dilation.2], ceil)
}

private func maxPoolWithIndices(
  _ x: Tensor, _ kernel: [Int], _ stride: [Int], _ padding: [Int], _ dilation: [Int], _ ceil: Bool
) -> (values: Tensor, indices: Tensor) {
  let attributes = PoolingAttributes(
    .max, x, kernel, stride, padding, dilation, ceil: ceil,
    op: "maxPool\(kernel.count)dWithIndices")
  let wide = x.converted(to: .float32)
  let indices = apply(MaxPositions(attributes: attributes), wide.detached())
  return (apply(TakePlaces(), wide, indices).converted(to: x.dtype), indices)
}

/// Puts each value back to where its window had it; zero elsewhere. Zeiler & Fergus,
/// arXiv:1311.2901.
///
/// - Parameters:
///   - x: `[N, C, sides...]` of one to three sides.
///   - indices: int64 of the same shape, from `maxPool2dWithIndices` and its like. Of values with
///     one place the last stays; each gets the gradient of the place.
///   - size: the result's sides, those of what was pooled.
/// - Returns: `[N, C, size...]`.
public func maxUnpool(_ x: Tensor, _ indices: Tensor, size: [Int]) -> Tensor {
  check(
    x.rank >= 3 && x.dtype.isFloating && size.count == x.rank - 2 && size.allSatisfy { $0 >= 1 },
    op: "maxUnpool", expected: "floating [N, C, sides...] and a size of as many sides",
    got: "\(x.dtype) \(x.shape), \(size)")
  check(
    indices.shape == x.shape && indices.dtype == .int64, op: "maxUnpool",
    expected: "int64 indices of the shape \(x.shape)", got: "\(indices.dtype) \(indices.shape)")
  let shape = Shape([x.shape[0], x.shape[1]] + size)
  return apply(PutPlaces(shape: shape), x.converted(to: .float32), indices.detached())
    .converted(to: x.dtype)
}
