import SakerTensor

/// What the rows and columns around an image hold.
public enum PaddingMode: Hashable, Sendable {
  case constant(Float), reflect, replicate, circular
}

extension PaddingMode {
  /// `x` `[N, C, H, W]` with rows and columns around it.
  func pad(_ x: Tensor, _ edges: Padding.Edges) -> Tensor {
    extend(extend(x, 2, edges.top, edges.bottom), 3, edges.left, edges.right)
  }

  private func extend(_ x: Tensor, _ axis: Int, _ before: Int, _ after: Int) -> Tensor {
    if before == 0 && after == 0 { return x }
    let size = x.shape[axis]
    let longest = max(before, after)
    check(
      isConstant || self == .replicate || longest < size + (self == .circular ? 1 : 0),
      op: "padding", expected: "a size of axis \(axis) that \(self) padding by \(longest) fits",
      got: x.shape)
    func line(_ index: Int) -> Tensor { x.narrow(axis, index..<index + 1) }
    func full(_ count: Int, _ value: Float) -> Tensor {
      .full(
        Shape(x.shape.enumerated().map { $0.offset == axis ? count : $0.element }), Double(value),
        x.dtype)
    }
    let parts: [Tensor] =
      switch self {
      case .constant(let value): [full(before, value), x, full(after, value)]
      case .replicate:
        Array(repeating: line(0), count: before) + [x]
          + Array(repeating: line(size - 1), count: after)
      case .reflect:
        (0..<before).map { line(before - $0) } + [x] + (0..<after).map { line(size - 2 - $0) }
      case .circular:
        [x.narrow(axis, size - before..<size), x, x.narrow(axis, 0..<after)]
      }
    return concatenate(parts.filter { $0.count > 0 }, axis: axis)
  }

  private var isConstant: Bool { if case .constant = self { true } else { false } }
}
