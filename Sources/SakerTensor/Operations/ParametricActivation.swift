import CKernels

/// A function of each element and of a number that learns: one for all, or one for each channel.
struct ParametricActivation: BinaryOperation {
  enum Function: String { case prelu, swish }
  let function: Function

  var name: String { function.rawValue }

  /// How memory goes over the parameters: `outer` times over `channels` runs of `inner` elements.
  private struct Layout {
    let outer, channels, inner: Int

    init(_ x: Tensor, parameters: Int) {
      channels = parameters
      if parameters == 1 {
        (outer, inner) = (1, x.count)
      } else if x.isChannelsLast || x.rank == 2 {
        (outer, inner) = (x.count / max(parameters, 1), 1)
      } else {
        outer = x.shape[0]
        inner = x.count / max(outer * parameters, 1)
      }
    }
  }

  func forward(_ x: Tensor, _ parameter: Tensor, _ saved: inout Saved) -> Tensor {
    let source = ordered(x.converted(to: .float32))
    let p = parameter.contiguous()
    saved.keep(source, p)
    let y = Tensor(uninitialized: x.shape, strides: source.packedStrides)
    let layout = Layout(source, parameters: p.count)
    let (from, to, by) = (
      source.pointer(Float.self), y.pointer(Float.self), p.pointer(Float.self)
    )
    let plane = function == .prelu ? saker_prelu_plane_f32 : saker_swish_plane_f32
    let rows = function == .prelu ? saker_prelu_rows_f32 : saker_swish_rows_f32
    guard x.count > 0 else { return y.converted(to: x.dtype) }
    if layout.channels == 1 {
      Parallel.run(x.count, grain: 16384) {
        plane(from + $0.lowerBound, by[0], to + $0.lowerBound, $0.count)
      }
    } else if layout.inner == 1 {
      let width = layout.channels
      Parallel.run(layout.outer, grain: max(1, 16384 / width)) {
        let at = $0.lowerBound * width
        rows(from + at, by, to + at, $0.count, width)
      }
    } else {
      Parallel.run(layout.outer * layout.channels, grain: max(1, 16384 / layout.inner)) {
        for run in $0 {
          let at = run * layout.inner
          plane(from + at, by[run % layout.channels], to + at, layout.inner)
        }
      }
    }
    withExtendedLifetime((source, p)) {}
    return y.converted(to: x.dtype)
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> (Tensor?, Tensor?) {
    let (x, p) = (saved[0], saved[1])
    let g = gradient.converted(to: .float32).ordered(like: x)
    let dx = Tensor(uninitialized: x.shape, strides: x.packedStrides)
    let dp = x.count > 0 ? slopes(x, p, g, dx) : .zeros(p.shape)
    return (dx.converted(to: gradient.dtype), dp)
  }

  /// Writes the gradient of `x` into `dx`, and gives that of the parameter. Sums are over blocks
  /// whose borders do not depend on the threads.
  private func slopes(_ x: Tensor, _ p: Tensor, _ g: Tensor, _ dx: Tensor) -> Tensor {
    let layout = Layout(x, parameters: p.count)
    let (from, by) = (x.pointer(Float.self), p.pointer(Float.self))
    let (slope, to) = (g.pointer(Float.self), dx.pointer(Float.self))
    let plane =
      function == .prelu ? saker_prelu_plane_gradient_f32 : saker_swish_plane_gradient_f32
    let rows = function == .prelu ? saker_prelu_rows_gradient_f32 : saker_swish_rows_gradient_f32
    let (channels, inner) = (layout.channels, layout.inner)
    if channels > 1 && inner == 1 {
      let blocks = min(64, max(1, x.count / 16384), layout.outer)
      let partial = Tensor.zeros([blocks, channels])
      let sums = partial.pointer(Float.self)
      Parallel.run(blocks) {
        for block in $0 {
          let first = layout.outer * block / blocks
          let count = layout.outer * (block + 1) / blocks - first
          let at = first * channels
          rows(
            from + at, by, slope + at, to + at, sums + block * channels, count, channels)
        }
      }
      return partial.sum(axes: [0]).reshape(p.shape)
    }
    // Runs, and of a single long one blocks of it.
    let length = channels == 1 ? min(inner, 1 << 16) : inner
    let runs = (x.count + length - 1) / length
    var sums = [Double](repeating: 0, count: runs)
    sums.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let sums = buffer.baseAddress!
      Parallel.run(runs, grain: max(1, 16384 / length)) {
        for run in $0 {
          let at = run * length
          sums[run] = plane(
            from + at, by[run % channels], slope + at, to + at, min(length, x.count - at))
        }
      }
    }
    var totals = [Double](repeating: 0, count: channels)
    for run in 0..<runs { totals[run % channels] += sums[run] }
    return Tensor(totals.map { Float($0) }, p.shape)
  }

  /// In an order that `Layout` knows.
  private func ordered(_ x: Tensor) -> Tensor {
    x.isChannelsLast ? x : x.contiguous()
  }
}

private func apply(_ function: ParametricActivation.Function, _ x: Tensor, _ p: Tensor) -> Tensor {
  check(
    x.dtype.isFloating && p.dtype == .float32
      && (p.count == 1 || p.rank == 1 && x.rank >= 2 && p.count == x.shape[1]),
    op: function.rawValue, expected: "a floating tensor, and a float32 number or one a channel",
    got: "\(x.dtype) \(x.shape) and \(p.dtype) \(p.shape)")
  return apply(ParametricActivation(function: function), x, p)
}

/// x where positive, else slope · x, with a slope that learns. He et al., arXiv:1502.01852.
///
/// - Parameter slope: float32, one number or `[C]` for `x` of `[N, C, ...]`. At 0 the
///   slope is the gradient.
public func prelu(_ x: Tensor, slope: Tensor) -> Tensor { apply(.prelu, x, slope) }

/// `x · sigmoid(βx)` with a β that learns, one number or `[C]` for `x` of `[N, C, ...]`.
/// Ramachandran et al., arXiv:1710.05941.
public func swish(_ x: Tensor, beta: Tensor) -> Tensor { apply(.swish, x, beta) }
