import CKernels

/// `scale * (x - mean) / sqrt(variance + epsilon) + shift` along the last axes, each row by its own
/// mean and biased variance. Ba et al., arXiv:1607.06450. Not centred, the mean counts as 0:
/// Zhang & Sennrich, arXiv:1910.07467.
struct RowNorm: TensorOperation {
  /// Elements of a row.
  let width: Int
  let epsilon: Float
  let isCentred: Bool
  let hasScale, hasShift: Bool

  var name: String { isCentred ? "layerNorm" : "rmsNorm" }

  /// - Parameter inputs: x; then scale and shift, where there are any.
  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let x = inputs[0].contiguous()
    let parameters = inputs.dropFirst().map { $0.contiguous() }
    let scale = hasScale ? parameters[0].pointer(Float.self) : nil
    let shift = hasShift ? parameters[parameters.count - 1].pointer(Float.self) : nil
    let y = Tensor(uninitialized: x.shape)
    let rows = x.count / width
    let mean = Tensor(uninitialized: [rows])
    let inverse = Tensor(uninitialized: [rows])
    let (from, to) = (x.pointer(Float.self), y.pointer(Float.self))
    let (means, inverses) = (mean.pointer(Float.self), inverse.pointer(Float.self))
    Parallel.run(rows, grain: max(1, 8192 / width)) { part in
      let (first, at) = (part.lowerBound, part.lowerBound * width)
      saker_row_norm_f32(
        from + at, part.count, width, scale, shift, epsilon, isCentred ? 1 : 0, to + at,
        means + first, inverses + first)
    }
    withExtendedLifetime(parameters) {}
    saved.keep(x, mean, inverse)
    if hasScale { saved.keep(parameters[0]) }
    return y
  }

  /// With g = dy scale and x̂ the normalized row: dx = (g - mean(g) - x̂ mean(g x̂))
  /// / √(variance + ε); not centred, without mean(g). dscale = Σ dy x̂, dshift = Σ dy.
  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    let (x, dy) = (saved[0], gradient.contiguous())
    let rows = x.count / width
    let needsScale = hasScale && saved.needs[1]
    let needsShift = hasShift && saved.needs[saved.needs.count - 1]
    let dx = saved.needs[0] ? Tensor(uninitialized: x.shape) : nil
    // Blocks whose borders do not depend on the threads, so that the sums don't either.
    let blocks = min(64, max(1, x.count / 16384), max(rows, 1))
    let partial = needsScale || needsShift ? Tensor.zeros([2, blocks, width]) : nil
    let scale = hasScale ? saved[3].pointer(Float.self) : nil
    let (from, g) = (x.pointer(Float.self), dy.pointer(Float.self))
    let (mean, inverse) = (saved[1].pointer(Float.self), saved[2].pointer(Float.self))
    let (to, sums) = (dx?.pointer(Float.self), partial?.pointer(Float.self))
    Parallel.run(blocks) { part in
      for block in part {
        let (first, end) = (rows * block / blocks, rows * (block + 1) / blocks)
        let at = first * width
        saker_row_norm_gradient_f32(
          from + at, g + at, end - first, width, scale, isCentred ? 1 : 0, mean + first,
          inverse + first, to.map { $0 + at },
          needsScale ? sums! + block * width : nil,
          needsShift ? sums! + (blocks + block) * width : nil)
      }
    }
    withExtendedLifetime((dy, saved)) {}
    var result = [dx]
    if hasScale { result.append(needsScale ? partial?.merged(0, saved.shapes[1]) : nil) }
    if hasShift { result.append(needsShift ? partial?.merged(1, saved.shapes.last!) : nil) }
    return result
  }
}

extension Tensor {
  /// The sum of the blocks of one of the two, in `shape`.
  fileprivate func merged(_ index: Int, _ shape: Shape) -> Tensor {
    select(axis: 0, at: index).sum(axes: [0]).reshape(shape)
  }
}

/// Layer normalization: each sample by the mean and the biased variance of its own last axes,
/// `(x − mean) / √(variance + ε) · scale + shift`. Ba et al., arXiv:1607.06450.
///
/// - Parameters:
///   - x: `[..., shape]`, any floating type; computed in float32.
///   - shape: the last axes, which are normalized together.
///   - scale, shift: float32, of that shape; 1 and 0 if left out.
/// - Returns: the shape and type of `x`. Stops if the last axes are others.
public func layerNorm(
  _ x: Tensor, over shape: Shape, scale: Tensor? = nil, shift: Tensor? = nil, epsilon: Float = 1e-5
) -> Tensor {
  rowNorm("layerNorm", x, shape, scale, shift, epsilon, isCentred: true)
}

/// Root mean square normalization, `x / √(mean(x²) + ε) · scale` over the last axes: layer
/// normalization without the mean. Zhang & Sennrich, arXiv:1910.07467.
public func rmsNorm(
  _ x: Tensor, over shape: Shape, scale: Tensor? = nil, epsilon: Float = .ulpOfOne
) -> Tensor {
  rowNorm("rmsNorm", x, shape, scale, nil, epsilon, isCentred: false)
}

private func rowNorm(
  _ name: String, _ x: Tensor, _ shape: Shape, _ scale: Tensor?, _ shift: Tensor?,
  _ epsilon: Float, isCentred: Bool
) -> Tensor {
  check(
    x.dtype.isFloating && shape.rank >= 1 && shape.elements > 0
      && Shape(x.shape.suffix(shape.rank)) == shape,
    op: name, expected: "a floating tensor whose last axes are \(shape)",
    got: "\(x.dtype) \(x.shape)")
  for parameter in [scale, shift] {
    check(
      parameter == nil || (parameter!.shape == shape && parameter!.dtype == .float32), op: name,
      expected: "float32 scale and shift \(shape)",
      got: "\(parameter!.dtype) \(parameter!.shape)")
  }
  let operation = RowNorm(
    width: shape.elements, epsilon: epsilon, isCentred: isCentred, hasScale: scale != nil,
    hasShift: shift != nil)
  let inputs = [x.converted(to: .float32), scale, shift].compactMap { $0 }
  return apply(operation, to: inputs).converted(to: x.dtype)
}
