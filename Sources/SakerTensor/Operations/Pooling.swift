/// The largest, or the mean, of each window of pictures or volumes.
struct Pool: UnaryOperation {
  let attributes: PoolingAttributes

  var name: String { PoolingAttributes.name(attributes.kind, attributes.kernel.count) }

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    let (y, workspace) = Kernels.pooling(
      x.channelsLast(), attributes, training: saved.isRecording)
    if let workspace { saved.keep(workspace) }
    return y
  }

  /// The gradient goes to where the largest value stood, the first of equals; or evenly to
  /// the whole window.
  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    Kernels.poolingBackward(
      gradient.channelsLast(), saved.shapes[0], attributes,
      workspace: saved.count > 0 ? saved[0] : nil)
  }
}

/// The largest value of each window.
///
/// - Parameters:
///   - x: `[N, C, H, W]`.
///   - stride: the kernel's size if left out.
///   - padding: on both sides, at most half the kernel; padded places never win.
///   - ceil: rounds the result's sides up, as long as each window starts inside the picture or
///     its padding before.
public func maxPool2d(
  _ x: Tensor, kernel: (Int, Int), stride: (Int, Int)? = nil, padding: (Int, Int) = (0, 0),
  dilation: (Int, Int) = (1, 1), ceil: Bool = false
) -> Tensor {
  pool2d(x, .max, kernel, stride, padding, dilation, ceil)
}

/// The mean of each window; padded zeros count as values if `countingPadding`.
public func averagePool2d(
  _ x: Tensor, kernel: (Int, Int), stride: (Int, Int)? = nil, padding: (Int, Int) = (0, 0),
  countingPadding: Bool = true, ceil: Bool = false
) -> Tensor {
  pool2d(
    x, countingPadding ? .averageCountingPadding : .average, kernel, stride, padding, (1, 1), ceil)
}

/// The largest value of each of `size` (rows, columns) windows that cover the picture; window
/// `i` of `n` over a side of `s` reaches from `i * s / n`, rounded down, to
/// `(i + 1) * s / n`, rounded up.
public func adaptiveMaxPool2d(_ x: Tensor, _ size: (Int, Int)) -> Tensor {
  adaptivePool2d(x, size) { maxPool2d($0, kernel: $1) }
}

/// The mean of each of `size` (rows, columns) windows that cover the picture, placed as
/// in `adaptiveMaxPool2d`.
public func adaptiveAveragePool2d(_ x: Tensor, _ size: (Int, Int)) -> Tensor {
  if x.rank == 4, x.count > 0, x.dtype.isFloating, size.0 >= 1, size.1 >= 1,
    x.shape[2] % size.0 != 0 || x.shape[3] % size.1 != 0
  {
    // Windows of unequal sides: the means along one axis, and their means along the other.
    return interpolate(x, size: [size.0, size.1], mode: .area)
  }
  if x.rank == 4, x.count > 0, x.dtype.isFloating, size == (1, 1) {
    // Half-wide numbers are summed, and divided, in float32.
    return x.converted(to: .float32).mean(axes: [2, 3], keepingAxes: true)
      .converted(to: x.dtype)
  }
  return adaptivePool2d(x, size) { averagePool2d($0, kernel: $1) }
}

private func pool2d(
  _ x: Tensor, _ kind: PoolingAttributes.Kind, _ kernel: (Int, Int), _ stride: (Int, Int)?,
  _ padding: (Int, Int), _ dilation: (Int, Int), _ ceil: Bool
) -> Tensor {
  let stride = stride ?? kernel
  return pool(
    x, kind, [kernel.0, kernel.1], [stride.0, stride.1], [padding.0, padding.1],
    [dilation.0, dilation.1], ceil)
}

/// Pooling of pictures or volumes, with a number for each of their sides.
func pool(
  _ x: Tensor, _ kind: PoolingAttributes.Kind, _ kernel: [Int], _ stride: [Int], _ padding: [Int],
  _ dilation: [Int], _ ceil: Bool
) -> Tensor {
  let attributes = PoolingAttributes(
    kind, x, kernel, stride, padding, dilation, ceil: ceil,
    op: PoolingAttributes.name(kind, kernel.count))
  if kind == .averageCountingPadding && ceil && attributes.after != padding {
    return averageOverhanging(x, attributes, padding)
  }
  let operation = Pool(attributes: attributes)
  if x.dtype == .float32 || (x.dtype == .bfloat16 && Engine.hasBFloat16) {
    return apply(operation, x)
  }
  return apply(operation, x.converted(to: .float32)).converted(to: x.dtype)
}

extension PoolingAttributes {
  static func name(_ kind: Kind, _ sides: Int) -> String {
    (kind == .max ? "maxPool" : "averagePool") + "\(sides)d"
  }

  /// Of windows over `x`, checked; `ceil` adds to the padding behind.
  init(
    _ kind: Kind, _ x: Tensor, _ kernel: [Int], _ stride: [Int], _ padding: [Int],
    _ dilation: [Int], ceil: Bool, op: String
  ) {
    let axes = kernel.indices
    let layout = ["[N, C, L]", "[N, C, H, W]", "[N, C, D, H, W]"][kernel.count - 1]
    check(x.rank == kernel.count + 2 && x.count > 0, op: op, expected: layout, got: x.shape)
    check(
      axes.allSatisfy {
        kernel[$0] >= 1 && stride[$0] >= 1 && dilation[$0] >= 1 && padding[$0] >= 0
          && padding[$0] * 2 <= kernel[$0]
      },
      op: op, expected: "kernel and stride of at least 1, padding of at most half the kernel",
      got: "kernel \(kernel), stride \(stride), padding \(padding)")
    var after = padding
    if ceil {
      for axis in axes {
        let side = x.shape[axis + 2]
        let reach = dilation[axis] * (kernel[axis] - 1) + 1
        let free = side + 2 * padding[axis] - reach
        var windows = (free + stride[axis] - 1) / stride[axis] + 1
        if (windows - 1) * stride[axis] >= side + padding[axis] { windows -= 1 }
        after[axis] = max(0, (windows - 1) * stride[axis] + reach - side - padding[axis])
      }
    }
    self.init(
      kind: kind, kernel: kernel, stride: stride, before: padding, after: after,
      dilation: dilation)
    check(
      output(x.shape).allSatisfy { $0 >= 1 }, op: op,
      expected: "pictures at least as large as the window "
        + "(\(kernel.map(String.init).joined(separator: ", ")))", got: x.shape)
  }
}

/// The field's rule for windows that `ceil` lets hang over the declared padding: what hangs over is
/// not counted. The mean that counts all is corrected by the windows' counts.
private func averageOverhanging(
  _ x: Tensor, _ attributes: PoolingAttributes, _ padding: [Int]
) -> Tensor {
  let wide = apply(Pool(attributes: attributes), x.converted(to: .float32))
  let axes = attributes.kernel.indices
  let corrected = axes.reduce(wide) { result, axis in
    let limit = x.shape[axis + 2] + 2 * padding[axis]
    let factors = (0..<wide.shape[axis + 2]).map { window -> Float in
      let start = window * attributes.stride[axis]
      let counted = min(start + attributes.kernel[axis], limit) - start
      return Float(attributes.kernel[axis]) / Float(counted)
    }
    let behind = [Int](repeating: 1, count: axes.count - 1 - axis)
    return result * Tensor(factors, Shape([factors.count] + behind))
  }
  return corrected.converted(to: x.dtype)
}

private func adaptivePool2d(
  _ x: Tensor, _ size: (Int, Int), _ pool: (Tensor, (Int, Int)) -> Tensor
) -> Tensor {
  check(
    x.rank == 4 && size.0 >= 1 && size.1 >= 1, op: "adaptivePool2d",
    expected: "[N, C, H, W] and a size of at least 1", got: "\(x.shape) to \(size)")
  let (height, width) = (x.shape[2], x.shape[3])
  if height % size.0 == 0 && width % size.1 == 0 {
    return pool(x, (height / size.0, width / size.1))
  }
  // Windows of unequal sides: one by one. Rare, and small.
  func window(_ i: Int, _ n: Int, _ side: Int) -> Range<Int> {
    i * side / n..<((i + 1) * side + n - 1) / n
  }
  let rows = (0..<size.0).map { i -> Tensor in
    let rows = window(i, size.0, height)
    let columns = (0..<size.1).map { j -> Tensor in
      let columns = window(j, size.1, width)
      let part = x.narrow(2, rows).narrow(3, columns)
      return pool(part, (rows.count, columns.count))
    }
    return concatenate(columns, axis: 3)
  }
  return concatenate(rows, axis: 2)
}
