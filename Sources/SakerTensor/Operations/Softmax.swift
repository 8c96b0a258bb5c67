import CKernels

/// exp(x) / Σ exp(x) along the last axis, or its logarithm; the largest element is subtracted
/// first, so that nothing overflows. Computed in float32.
struct Softmax: UnaryOperation {
  let log: Bool

  var name: String { log ? "logSoftmax" : "softmax" }

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    let y = Kernels.softmax(x.converted(to: .float32).contiguous(), log: log)
    saved.keep(y)
    return y.converted(to: x.dtype)
  }

  /// Softmax: dx = y (dy - Σ dy y). Its logarithm: dx = dy - exp(y) Σ dy.
  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    Kernels.softmaxBackward(
      saved[0], gradient.converted(to: .float32).contiguous(), log: log
    ).converted(to: gradient.dtype)
  }
}

/// The same along any axis, in the memory order of `x`.
struct LaneSoftmax: UnaryOperation {
  let log: Bool
  let axis: Int

  var name: String { log ? "logSoftmax" : "softmax" }

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    let source = x.converted(to: .float32).dense
    let y = Tensor(uninitialized: x.shape, strides: source.packedStrides)
    let (from, to) = (source.pointer(Float.self), y.pointer(Float.self))
    let lanes = Lanes(source, axis: axis)
    if x.count > 0 {
      lanes.run { block, part in
        let first = block * lanes.size * lanes.inner
        saker_softmax_lanes_f32(
          from + first, lanes.size, lanes.inner, part.lowerBound, part.upperBound, log ? 1 : 0,
          to + first)
      }
    }
    saved.keep(y)
    return withExtendedLifetime(source) { y.converted(to: x.dtype) }
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    let y = saved[0]
    let source = gradient.converted(to: .float32).ordered(like: y)
    let dx = Tensor(uninitialized: y.shape, strides: y.packedStrides)
    let (of, by, to) = (
      y.pointer(Float.self), source.pointer(Float.self), dx.pointer(Float.self)
    )
    let lanes = Lanes(y, axis: axis)
    if y.count > 0 {
      lanes.run { block, part in
        let first = block * lanes.size * lanes.inner
        saker_softmax_lanes_gradient_f32(
          of + first, by + first, lanes.size, lanes.inner, part.lowerBound, part.upperBound,
          log ? 1 : 0, to + first)
      }
    }
    return withExtendedLifetime((y, source)) { dx.converted(to: gradient.dtype) }
  }
}

/// The shares that `x`'s exponentials have of their sum along `axis`.
public func softmax(_ x: Tensor, axis: Int = -1) -> Tensor { softmax(x, axis, log: false) }

/// The logarithm of `softmax`, without its loss of digits.
public func logSoftmax(_ x: Tensor, axis: Int = -1) -> Tensor { softmax(x, axis, log: true) }

private func softmax(_ x: Tensor, _ axis: Int, log: Bool) -> Tensor {
  let axis = x.shape.axis(axis, op: "softmax")
  check(
    x.dtype.isFloating && x.rank > 0, op: "softmax", expected: "a floating tensor with axes",
    got: "\(x.dtype) \(x.shape)")
  if axis == x.rank - 1 { return apply(Softmax(log: log), x) }
  return apply(LaneSoftmax(log: log, axis: axis), x)
}
