/// What stands around a padded tensor.
public enum PadMode: Sendable, Hashable {
  case constant(Float)
  /// Mirrored at the border element, which is not repeated: `c b | a b c | b a`. Less than the axis is long.
  case reflect
  /// The border element again: `a a | a b c | c c`.
  case replicate
  /// The other end: `b c | a b c | a b`. At most as much as the axis is long.
  case circular
}

/// A constant around a tensor.
struct Pad: UnaryOperation {
  /// For every axis.
  let before, after: [Int]
  let value: Float

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    let shape = Shape((0..<x.rank).map { before[$0] + x.shape[$0] + after[$0] })
    let channelsLast = x.isChannelsLast && !x.isContiguous
    let result = Tensor(
      uninitialized: shape, x.dtype,
      strides: channelsLast ? shape.channelsLastStrides : shape.rowMajorStrides)
    let filling = x.scalar(value)
    for axis in 0..<x.rank {
      let end = before[axis] + x.shape[axis]
      for border in [0..<before[axis], end..<shape[axis]] where !border.isEmpty {
        let part = result.view(Region(border, axis: axis, of: shape, op: "pad"))
        Strided.copy(from: filling.spread(to: part.shape), to: part)
      }
    }
    Strided.copy(from: x, to: result.view(inside(x.shape, of: shape)))
    return result
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    gradient.view(inside(saved.shapes[0], of: gradient.shape))
  }

  private func inside(_ inner: Shape, of shape: Shape) -> Region {
    let indices = inner.indices.map { (before[$0]..<before[$0] + inner[$0]).tensorIndex }
    return Region(indices, of: shape, op: "pad")
  }
}

/// `x` with `amounts` added around its last axes, one pair for each, in the order of the axes: for images
/// `[(top, bottom), (left, right)]`. Keeps channels-last memory.
public func pad(
  _ x: Tensor, _ amounts: [(before: Int, after: Int)], mode: PadMode = .constant(0)
) -> Tensor {
  check(
    amounts.count <= x.rank && amounts.allSatisfy { $0.before >= 0 && $0.after >= 0 }, op: "pad",
    expected: "at most \(x.rank) pairs of 0 or more for \(x.shape)", got: amounts)
  guard amounts.contains(where: { $0.before > 0 || $0.after > 0 }) else { return x }
  let first = x.rank - amounts.count
  if case .constant(let value) = mode {
    let rest = [Int](repeating: 0, count: first)
    return apply(
      Pad(before: rest + amounts.map(\.before), after: rest + amounts.map(\.after), value: value),
      x)
  }
  var result = x
  for (i, amount) in amounts.enumerated() where amount.before > 0 || amount.after > 0 {
    let size = x.shape[first + i]
    let positions = (-amount.before..<size + amount.after).map {
      Int64(source($0, size, mode, x.shape))
    }
    result = result.indexSelect(Tensor(positions), axis: first + i)
  }
  return result
}

/// The position inside an axis that stands at `position` outside of it.
private func source(_ position: Int, _ size: Int, _ mode: PadMode, _ shape: Shape) -> Int {
  if (0..<size).contains(position) { return position }
  let result =
    switch mode {
    case .constant: -1
    case .replicate: position < 0 ? 0 : size - 1
    case .circular: position < 0 ? position + size : position - size
    case .reflect: position < 0 ? -position : 2 * (size - 1) - position
    }
  check(
    (0..<size).contains(result), op: "pad",
    expected: "\(mode) padding no wider than the axis allows, \(shape)",
    got: "position \(position) on an axis of \(size)")
  return result
}
