import CKernels

/// The largest or smallest element over axes, which keep size 1; not a number where one is.
struct ExtremeValues: UnaryOperation {
  let axes: [Int]
  let isMaximum: Bool

  var name: String { isMaximum ? "max" : "min" }

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    let result = axes.reduce(x.comparable.dense) { Extremes.values($0, $1, isMaximum) }
      .converted(to: x.dtype)
    saved.keep(x, result)
    return result
  }

  /// Evenly to all elements that are the extreme.
  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    let chosen = (saved[0] .== saved[1]).converted(to: gradient.dtype)
    return chosen * (gradient / chosen.sum(axes: axes, keepingAxes: true))
  }
}

/// The position of the first largest or smallest element along an axis, which keeps size 1: int64.
/// The first that is not a number, where there is one.
struct ExtremePositions: TensorOperation {
  let axis: Int
  let isMaximum: Bool

  var name: String { isMaximum ? "argmax" : "argmin" }

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let x = inputs[0].comparable.dense
    return x.dtype == .float32
      ? Extremes.positions(Float.self, x, axis, isMaximum)
      : Extremes.positions(Int64.self, x, axis, isMaximum)
  }
}

/// Loops for the largest and the smallest.
enum Extremes {
  /// Whether `x` takes the place of `y`, which stood before it: never when `y` is not a number.
  @inline(__always)
  private static func beats<T: Comparable>(_ x: T, _ y: T, _ isMaximum: Bool) -> Bool {
    (isMaximum ? x > y : x < y) || (x != x && y == y)
  }

  static func values(_ x: Tensor, _ axis: Int, _ isMaximum: Bool) -> Tensor {
    let lanes = Lanes(x, axis: axis)
    let result = lanes.resized(x.shape, 1, x.dtype)
    if x.dtype == .int64 {
      run(Int64.self, x, result, lanes, isMaximum)
      return result
    }
    let (from, to) = (x.pointer(Float.self), result.pointer(Float.self))
    let kernel = isMaximum ? saker_max_f32 : saker_min_f32
    let inner = lanes.inner
    if lanes.outer == 1 && inner == 1 && lanes.size > 32768 {
      // One long row: its parts, and of these the extreme.
      let parts = 64
      let extremes = Tensor(uninitialized: [parts])
      let best = extremes.pointer(Float.self)
      let row = isMaximum ? saker_row_max_f32 : saker_row_min_f32
      Parallel.run(parts) { range in
        for part in range {
          let first = lanes.size * part / parts
          best[part] = row(from + first, lanes.size * (part + 1) / parts - first)
        }
      }
      to.pointee = row(best, parts)
      return result
    }
    lanes.run { block, part in
      let first = from + block * lanes.size * inner + part.lowerBound
      let t = to + block * inner + part.lowerBound
      if part.count == 1 {
        t.pointee =
          isMaximum ? saker_row_max_f32(first, lanes.size) : saker_row_min_f32(first, lanes.size)
        return
      }
      t.update(from: first, count: part.count)
      for step in 1..<lanes.size { kernel(t, 1, first + step * inner, 1, t, part.count) }
    }
    return result
  }

  private static func run<T: Scalar & Comparable>(
    _: T.Type, _ x: Tensor, _ result: Tensor, _ lanes: Lanes, _ isMaximum: Bool
  ) {
    let (from, to) = (x.pointer(T.self), result.pointer(T.self))
    lanes.run { block, part in
      let from = from + block * lanes.size * lanes.inner
      for lane in part {
        var best = from[lane]
        for step in 1..<lanes.size {
          let value = from[step * lanes.inner + lane]
          if beats(value, best, isMaximum) { best = value }
        }
        to[block * lanes.inner + lane] = best
      }
    }
  }

  static func positions<T: Scalar & Comparable>(
    _: T.Type, _ x: Tensor, _ axis: Int, _ isMaximum: Bool
  ) -> Tensor {
    let lanes = Lanes(x, axis: axis)
    let result = lanes.resized(x.shape, 1, .int64)
    let (from, to) = (x.pointer(T.self), result.pointer(Int64.self))
    let (size, inner) = (lanes.size, lanes.inner)
    lanes.run { block, part in
      let from = from + block * size * inner
      let to = to + block * inner
      if inner == 1, T.self == Float.self {
        let row = UnsafeRawPointer(from).assumingMemoryBound(to: Float.self)
        to[0] = Int64(
          isMaximum ? saker_row_argmax_f32(row, size) : saker_row_argmin_f32(row, size))
        return
      }
      if inner == 1 {
        var (best, position) = (from[0], 0)
        for step in 1..<size where beats(from[step], best, isMaximum) {
          (best, position) = (from[step], step)
        }
        to[0] = Int64(position)
        return
      }
      // Step by step, so that memory is read in its order.
      withUnsafeTemporaryAllocation(of: T.self, capacity: part.count) { best in
        let best = best.baseAddress!
        best.update(from: from + part.lowerBound, count: part.count)
        for lane in part { to[lane] = 0 }
        for step in 1..<size {
          let row = from + step * inner + part.lowerBound
          for i in 0..<part.count where beats(row[i], best[i], isMaximum) {
            best[i] = row[i]
            to[part.lowerBound + i] = Int64(step)
          }
        }
      }
    }
    return result
  }
}

extension Tensor {
  /// The largest element over `axes`, all if none are given; not a number where one is. Elements
  /// that share the largest share the gradient evenly.
  public func max(axes: [Int]? = nil, keepingAxes: Bool = false) -> Tensor {
    extreme(axes, keepingAxes, isMaximum: true)
  }

  /// The smallest element over `axes`; see `max`.
  public func min(axes: [Int]? = nil, keepingAxes: Bool = false) -> Tensor {
    extreme(axes, keepingAxes, isMaximum: false)
  }

  /// The largest elements along `axis` and their first positions (int64). The gradient goes to that
  /// position alone.
  public func max(axis: Int, keepingAxis: Bool = false) -> (values: Tensor, indices: Tensor) {
    extreme(axis, keepingAxis, isMaximum: true)
  }

  /// The smallest elements along `axis` and their first positions (int64). The gradient goes to
  /// that position alone.
  public func min(axis: Int, keepingAxis: Bool = false) -> (values: Tensor, indices: Tensor) {
    extreme(axis, keepingAxis, isMaximum: false)
  }

  /// The position of the first largest element along `axis`, int64; without an axis, the position
  /// in row-major order. What is not a number counts as the largest.
  public func argmax(axis: Int? = nil, keepingAxis: Bool = false) -> Tensor {
    position(axis, keepingAxis, isMaximum: true)
  }

  /// The position of the first smallest element; see `argmax`.
  public func argmin(axis: Int? = nil, keepingAxis: Bool = false) -> Tensor {
    position(axis, keepingAxis, isMaximum: false)
  }

  private func extreme(_ axes: [Int]?, _ keepingAxes: Bool, isMaximum: Bool) -> Tensor {
    let operation = ExtremeValues(
      axes: shape.axes(axes ?? Array(0..<rank), op: isMaximum ? "max" : "min"),
      isMaximum: isMaximum)
    for axis in operation.axes { checkNotEmpty(axis, op: operation.name) }
    let result = apply(operation, self)
    return keepingAxes
      ? result : result.reshape(shape.removing(operation.axes, keeping: false))
  }

  private func extreme(
    _ axis: Int, _ keepingAxis: Bool, isMaximum: Bool
  ) -> (values: Tensor, indices: Tensor) {
    let axis = shape.axis(axis, op: isMaximum ? "max" : "min")
    let indices = position(axis, true, isMaximum: isMaximum)
    let values = gather(indices, axis: axis)
    if keepingAxis { return (values, indices) }
    let rest = shape.removing([axis], keeping: false)
    return (values.reshape(rest), indices.reshape(rest))
  }

  private func position(_ axis: Int?, _ keepingAxis: Bool, isMaximum: Bool) -> Tensor {
    guard let axis else {
      let flat = detached().reshape([-1])
      return flat.position(0, false, isMaximum: isMaximum)
    }
    let operation = ExtremePositions(
      axis: shape.axis(axis, op: isMaximum ? "argmax" : "argmin"), isMaximum: isMaximum)
    checkNotEmpty(operation.axis, op: operation.name)
    let result = apply(operation, self)
    return keepingAxis
      ? result : result.reshape(shape.removing([operation.axis], keeping: false))
  }

  private func checkNotEmpty(_ axis: Int, op: String) {
    check(
      shape[axis] > 0, op: op, expected: "at least one element along axis \(axis)", got: shape)
  }
}
