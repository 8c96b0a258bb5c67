import CKernels

/// The larger or smaller of two, element by element; not a number if one is.
struct Extremum: BinaryOperation {
  let isMaximum: Bool

  var name: String { isMaximum ? "maximum" : "minimum" }

  func forward(_ a: Tensor, _ b: Tensor, _ saved: inout Saved) -> Tensor {
    saved.keep(a, b)
    return isMaximum ? BinaryFunction.maximum(a, b) : BinaryFunction.minimum(a, b)
  }

  /// To the one that was taken; half to each where they are equal.
  func backward(_ gradient: Tensor, _ saved: Saved) -> (Tensor?, Tensor?) {
    let (winner, loser) = isMaximum ? (saved[0], saved[1]) : (saved[1], saved[0])
    // Of the first operand; the second one gets the rest.
    let share = Strided.map2(winner.comparable, loser.comparable, op: name) {
      (x: Float, y: Float) in
      x > y ? 1 : x == y ? 0.5 : Float(0)
    }
    let first = gradient * share.converted(to: gradient.dtype)
    let second = gradient - first
    return (
      saved.needs[0] ? first.summed(to: saved.shapes[0]) : nil,
      saved.needs[1] ? second.summed(to: saved.shapes[1]) : nil
    )
  }
}

/// The larger of two, element by element, broadcast; not a number if one is. Where they are equal,
/// each gets half of the gradient.
public func maximum(_ a: Tensor, _ b: Tensor) -> Tensor { apply(Extremum(isMaximum: true), a, b) }
/// The smaller of two, element by element; see `maximum`.
public func minimum(_ a: Tensor, _ b: Tensor) -> Tensor { apply(Extremum(isMaximum: false), a, b) }
public func maximum(_ a: Tensor, _ b: Float) -> Tensor { maximum(a, a.scalar(b)) }
public func minimum(_ a: Tensor, _ b: Float) -> Tensor { minimum(a, a.scalar(b)) }

/// Not below `lower`, not above `upper`.
struct Clamp: UnaryOperation {
  let lower, upper: Float?

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    saved.keep(x)
    if x.dtype == .float32 {
      let (lower, upper) = (lower ?? -.infinity, upper ?? .infinity)
      return Strided.run({ saker_clamp_f32($0, lower, upper, $1, $2) }, x)
    }
    var result = x
    if let lower { result = BinaryFunction.maximum(result, x.scalar(lower)) }
    if let upper { result = BinaryFunction.minimum(result, x.scalar(upper)) }
    return result
  }

  /// 1 inside the bounds and on them, 0 outside.
  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    let (lower, upper) = (lower ?? -.infinity, upper ?? .infinity)
    let x = saved[0].converted(to: .float32)
    let result = Strided.map2(x, gradient.converted(to: .float32), op: "clamp") {
      (x: Float, gradient: Float) in x >= lower && x <= upper ? gradient : 0
    }
    return result.converted(to: gradient.dtype)
  }
}

extension Tensor {
  /// Elements below `lower` become `lower`, those above `upper` become `upper` (which wins if they
  /// cross). The gradient is 1 on the bounds.
  public func clamped(from lower: Float? = nil, to upper: Float? = nil) -> Tensor {
    apply(Clamp(lower: lower, upper: upper), self)
  }
}
