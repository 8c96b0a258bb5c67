import CKernels

/// The largest value met so far, on a walk along an axis.
struct RunningMaximum: UnaryOperation {
  let axis: Int
  /// Whether the walk begins at the end.
  let isReversed: Bool

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    let x = x.channelsLast().dense
    let lanes = Lanes(x, axis: axis)
    let y = lanes.resized(x.shape, lanes.size, .float32)
    let (from, to) = (x.pointer(Float.self), y.pointer(Float.self))
    let (size, inner) = (lanes.size, lanes.inner)
    lanes.run { block, part in
      let begin = block * size * inner + part.lowerBound
      func row(_ step: Int) -> Int { begin + (isReversed ? size - 1 - step : step) * inner }
      (to + row(0)).update(from: from + row(0), count: part.count)
      for step in 1..<max(size, 1) {
        saker_max_f32(to + row(step - 1), 1, from + row(step), 1, to + row(step), part.count)
      }
    }
    saved.keep(y)
    return y
  }

  /// From the end of the walk to its begin: what has arrived stays where the maximum rose.
  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    let y = saved[0]
    let lanes = Lanes(y, axis: axis)
    let g = gradient.channelsLast().dense
    let ordered = Tensor(uninitialized: y.shape, strides: y.strides)
    Strided.copy(from: g, to: ordered)
    let dx = Tensor(uninitialized: y.shape, strides: y.strides)
    let (values, from, to) = (
      y.pointer(Float.self), ordered.pointer(Float.self), dx.pointer(Float.self)
    )
    let (size, inner) = (lanes.size, lanes.inner)
    lanes.run { block, part in
      let begin = block * size * inner + part.lowerBound
      func row(_ step: Int) -> Int { begin + (isReversed ? size - 1 - step : step) * inner }
      (to + row(size - 1)).update(from: from + row(size - 1), count: part.count)
      for step in stride(from: size - 1, to: 0, by: -1) {
        let (here, earlier) = (row(step), row(step - 1))
        saker_running_max_back(
          values + here, values + earlier, from + earlier, to + here, to + earlier, part.count)
      }
    }
    return dx
  }
}

/// Where corner pooling looks, from each place on.
public enum CornerDirection: String, CaseIterable, Sendable {
  /// Upward from the bottom: `y[i] = max(x[i], x[i + 1], ...)` along the columns, for an
  /// object's top edge.
  case top
  /// `y[i] = max(x[0], ..., x[i])` along the columns.
  case bottom
  /// `y[j] = max(x[j], x[j + 1], ...)` along the rows, for an object's left edge.
  case left
  /// `y[j] = max(x[0], ..., x[j])` along the rows.
  case right
}

/// The largest value from each place to the map's end, in one direction: a running maximum, so one
/// step a pixel. Law & Deng, "CornerNet", arXiv:1808.01244, section 3.5.
///
/// - Parameter x: `[N, C, H, W]`.
/// - Returns: the same shape; the gradient of a maximum goes to where the walk met it first.
public func cornerPool(_ x: Tensor, _ direction: CornerDirection) -> Tensor {
  check(
    x.rank == 4 && x.dtype.isFloating, op: "cornerPool", expected: "floating [N, C, H, W]",
    got: "\(x.dtype) \(x.shape)")
  guard x.count > 0 else { return x }
  let operation = RunningMaximum(
    axis: direction == .top || direction == .bottom ? 2 : 3,
    isReversed: direction == .top || direction == .left)
  return apply(operation, x.converted(to: .float32)).converted(to: x.dtype)
}

/// CornerNet's pair for top-left corners: what is largest below in `vertical`, plus what is largest
/// to the right in `horizontal`.
public func topLeftPool(_ vertical: Tensor, _ horizontal: Tensor) -> Tensor {
  cornerPool(vertical, .top) + cornerPool(horizontal, .left)
}

/// The pair for bottom-right corners: what is largest above, plus what is largest to the left.
public func bottomRightPool(_ vertical: Tensor, _ horizontal: Tensor) -> Tensor {
  cornerPool(vertical, .bottom) + cornerPool(horizontal, .right)
}
