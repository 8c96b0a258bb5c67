/// What lies around an image, or a sequence, when a convolution reaches over its edge: by the
/// field's words, or by numbers. Layers and functions take it alike.
///
/// The words mean what PyTorch means by them. Where an even kernel needs an odd number of rows for
/// `.same`, the odd one goes to the bottom (right, behind), which is also what TensorFlow does.
/// `.same` at another stride than 1 stops: TensorFlow's rule for it, `ceil(side / stride)` results,
/// pads by an amount that depends on the picture, so that one network sees pictures of two sizes
/// shifted against each other.
public enum Padding: Hashable, Sendable, ExpressibleByIntegerLiteral {
  /// As much as keeps the size at stride 1; of an odd number the larger half goes to the
  /// bottom and right.
  case same
  /// None.
  case valid
  /// One less than the kernel reaches, on all edges: every overlap of kernel and picture counts.
  case full
  case edges(top: Int, bottom: Int, left: Int, right: Int)

  public init(integerLiteral value: Int) { self = .each(value) }

  /// The same on all edges.
  public static func each(_ size: Int) -> Padding { .each(size, size) }

  public static func each(_ vertical: Int, _ horizontal: Int) -> Padding {
    .edges(top: vertical, bottom: vertical, left: horizontal, right: horizontal)
  }

  package typealias Edges = (top: Int, bottom: Int, left: Int, right: Int)

  /// Rows and columns on each edge for a kernel that reaches over `(height, width)` beyond
  /// its first element.
  package func edges(reach: (Int, Int)) -> Edges {
    switch self {
    case .same:
      (reach.0 / 2, reach.0 - reach.0 / 2, reach.1 / 2, reach.1 - reach.1 / 2)
    case .valid: (0, 0, 0, 0)
    case .full: (reach.0, reach.0, reach.1, reach.1)
    case .edges(let top, let bottom, let left, let right): (top, bottom, left, right)
    }
  }
}

/// What lies around a volume when a convolution reaches over its edge, by the same
/// words as `Padding`.
public enum VolumePadding: Hashable, Sendable, ExpressibleByIntegerLiteral {
  /// As much as keeps the size at stride 1; of an odd number the larger half goes behind.
  case same
  /// None.
  case valid
  /// One less than the kernel reaches, on all sides: every overlap counts.
  case full
  /// The same before and behind: planes, rows, columns.
  case each(Int, Int, Int)

  public init(integerLiteral value: Int) { self = .each(value, value, value) }

  /// Elements before and behind on each axis, for a kernel that reaches over `reach`
  /// beyond its first.
  package func edges(reach: [Int]) -> [(before: Int, after: Int)] {
    switch self {
    case .same: reach.map { ($0 / 2, $0 - $0 / 2) }
    case .valid: reach.map { _ in (0, 0) }
    case .full: reach.map { ($0, $0) }
    case .each(let planes, let rows, let columns): [planes, rows, columns].map { ($0, $0) }
    }
  }
}

// MARK: - Functions

/// `conv2d` with padding by name: `conv2d(x, weight, padding: .same)`. `.same` stops at another
/// stride than 1 (see `Padding`).
public func conv2d(
  _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: (Int, Int) = (1, 1),
  padding: Padding, dilation: (Int, Int) = (1, 1), groups: Int = 1
) -> Tensor {
  check(
    weight.rank == 4, op: "conv2d", expected: "a weight [out, in / groups, height, width]",
    got: weight.shape)
  checkSame(padding == .same, stride: [stride.0, stride.1], op: "conv2d")
  let edges = padding.edges(
    reach: (dilation.0 * (weight.shape[2] - 1), dilation.1 * (weight.shape[3] - 1)))
  return conv2d(
    x, weight, bias: bias, stride: stride, padding: edges, dilation: dilation, groups: groups)
}

/// `conv1d` with padding by name, of which left is before and right behind:
/// `conv1d(x, weight, padding: .same)`. `.same` stops at another stride than 1 (see `Padding`).
public func conv1d(
  _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Padding,
  dilation: Int = 1, groups: Int = 1
) -> Tensor {
  check(
    weight.rank == 3, op: "conv1d", expected: "a weight [out, in / groups, length]",
    got: weight.shape)
  checkSame(padding == .same, stride: [stride], op: "conv1d")
  let edges = padding.edges(reach: (0, dilation * (weight.shape[2] - 1)))
  return conv1d(
    x, weight, bias: bias, stride: stride, padding: (edges.left, edges.right), dilation: dilation,
    groups: groups)
}

/// `conv3d` with padding by name: `conv3d(x, weight, padding: .same)`. `.same` stops at another
/// stride than 1 (see `Padding`).
public func conv3d(
  _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: (Int, Int, Int) = (1, 1, 1),
  padding: VolumePadding, dilation: (Int, Int, Int) = (1, 1, 1), groups: Int = 1
) -> Tensor {
  check(
    weight.rank == 5, op: "conv3d", expected: "a weight [out, in / groups, depth, height, width]",
    got: weight.shape)
  checkSame(padding == .same, stride: [stride.0, stride.1, stride.2], op: "conv3d")
  let dilations = [dilation.0, dilation.1, dilation.2]
  let edges = padding.edges(
    reach: zip(dilations, weight.shape.dropFirst(2)).map { $0 * ($1 - 1) })
  let (d, h, w) = (edges[0], edges[1], edges[2])
  return conv3d(
    x, weight, bias: bias, stride: stride,
    padding: (d.before, d.after, h.before, h.after, w.before, w.after), dilation: dilation,
    groups: groups)
}

/// Stops where the size can't be kept, for layers and functions.
package func checkSame(_ isSame: Bool, stride: [Int], op: String) {
  check(
    !isSame || stride.allSatisfy { $0 == 1 }, op: op, expected: "stride 1 with padding .same",
    got: "stride \(stride.map(String.init).joined(separator: "x"))")
}
