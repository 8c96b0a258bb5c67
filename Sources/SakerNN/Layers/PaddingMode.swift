import SakerTensor

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
      self == .zeros || self == .replicate || longest < size + (self == .circular ? 1 : 0),
      op: "padding", expected: "a size of axis \(axis) that \(rawValue) padding by \(longest) fits",
      got: x.shape)
    func line(_ index: Int) -> Tensor { x.narrow(axis, index..<index + 1) }
    func zeros(_ count: Int) -> Tensor {
      .zeros(
        Shape(x.shape.enumerated().map { $0.offset == axis ? count : $0.element }), x.dtype)
    }
    let parts: [Tensor] =
      switch self {
      case .zeros: [zeros(before), x, zeros(after)]
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
}
