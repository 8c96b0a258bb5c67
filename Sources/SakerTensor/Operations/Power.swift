import CKernels
import Foundation

/// `a` to the power of `b`, element by element.
struct Power: BinaryOperation {
  var name: String { "pow" }

  func forward(_ a: Tensor, _ b: Tensor, _ saved: inout Saved) -> Tensor {
    checkFloating(a, b)
    let (x, y) = (a.converted(to: .float32), b.converted(to: .float32))
    let result = PowerKernel.value(x, y)
    saved.keep(x, y)
    return result.converted(to: a.dtype)
  }

  /// (aᵇ)' = b aᵇ⁻¹ a' + aᵇ log(a) b'; 0 for the base where b is 0, and for the exponent where aᵇ
  /// stays 0.
  func backward(_ gradient: Tensor, _ saved: Saved) -> (Tensor?, Tensor?) {
    let (a, b) = (saved[0], saved[1])
    var base: Tensor?
    var exponent: Tensor?
    if saved.needs[0] {
      let slope = PowerKernel.slope(a, b).converted(to: gradient.dtype)
      base = (gradient * slope).summed(to: saved.shapes[0])
    }
    if saved.needs[1] {
      let slope = PowerKernel.logarithm(a, b).converted(to: gradient.dtype)
      exponent = (gradient * slope).summed(to: saved.shapes[1])
    }
    return (base, exponent)
  }

  private func checkFloating(_ a: Tensor, _ b: Tensor) {
    check(
      a.dtype.isFloating && a.dtype == b.dtype, op: name,
      expected: "two floating tensors of one type", got: "\(a.dtype) and \(b.dtype)")
  }
}

/// Vector loops over two float32 tensors that broadcast.
private enum PowerKernel {
  private typealias Loop = (
    UnsafePointer<Float>?, Int, UnsafePointer<Float>?, Int, UnsafeMutablePointer<Float>?, Int
  ) -> Void

  /// aᵇ
  static func value(_ a: Tensor, _ b: Tensor) -> Tensor { run(a, b, saker_power_f32) }
  /// b aᵇ⁻¹
  static func slope(_ a: Tensor, _ b: Tensor) -> Tensor { run(a, b, saker_power_slope_f32) }
  /// aᵇ log(a)
  static func logarithm(_ a: Tensor, _ b: Tensor) -> Tensor {
    run(a, b, saker_power_logarithm_f32)
  }

  private static func run(_ a: Tensor, _ b: Tensor, _ kernel: Loop) -> Tensor {
    let (a, b, result) = Strided.broadcast(a, b, .float32, op: "pow")
    let (x, y, to) = (a.pointer(Float.self), b.pointer(Float.self), result.pointer(Float.self))
    let loop = StridedLoop(result.shape, [result.strides, a.strides, b.strides])
    withoutActuallyEscaping(kernel) { kernel in
      loop.run { offsets, rows, columns in
        for row in 0..<rows {
          kernel(
            x + offsets[1] + row * loop.rowStrides[1], loop.columnStrides[1],
            y + offsets[2] + row * loop.rowStrides[2], loop.columnStrides[2],
            to + offsets[0] + row * loop.rowStrides[0], columns)
        }
      }
    }
    return result
  }
}

/// Each element to one power.
struct ScalarPower: UnaryOperation {
  let exponent: Float

  var name: String { "pow" }

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    check(x.dtype.isFloating, op: name, expected: "a floating tensor", got: x.dtype)
    saved.keep(x)
    return ScalarPower.power(x.converted(to: .float32), exponent).converted(to: x.dtype)
  }

  /// n xⁿ⁻¹; nothing for n = 0, where xⁿ⁻¹ might be infinite.
  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    if exponent == 0 { return .zeros(like: gradient) }
    let slope = ScalarPower.power(saved[0].converted(to: .float32), exponent - 1) * exponent
    return gradient * slope.converted(to: gradient.dtype)
  }

  private static func power(_ x: Tensor, _ exponent: Float) -> Tensor {
    switch exponent {
    case 0: Strided.map(x) { (_: Float) in Float(1) }
    case 1: x
    case 2: Strided.map(x) { (x: Float) in x * x }
    case 3: Strided.map(x) { (x: Float) in x * x * x }
    case 0.5: Strided.map(x) { (x: Float) in x.squareRoot() }
    case -0.5: Strided.map(x) { (x: Float) in 1 / x.squareRoot() }
    case -1: Strided.map(x) { (x: Float) in 1 / x }
    default: PowerKernel.value(x, Tensor(exponent))
    }
  }
}

/// `a` to the power of `b`, element by element, broadcast. A gradient flows to both.
public func pow(_ a: Tensor, _ b: Tensor) -> Tensor { apply(Power(), a, b) }
public func pow(_ a: Tensor, _ b: Float) -> Tensor { apply(ScalarPower(exponent: b), a) }
public func pow(_ a: Float, _ b: Tensor) -> Tensor { pow(b.scalar(a), b) }

/// The angle of the point `(x, y)`, in -π...π.
struct Atan2: BinaryOperation {
  func forward(_ y: Tensor, _ x: Tensor, _ saved: inout Saved) -> Tensor {
    check(
      y.dtype.isFloating && y.dtype == x.dtype, op: name,
      expected: "two floating tensors of one type", got: "\(y.dtype) and \(x.dtype)")
    saved.keep(y, x)
    let result = Strided.map2(
      y.converted(to: .float32), x.converted(to: .float32), op: name
    ) { (y: Float, x: Float) in Foundation.atan2(y, x) }
    return result.converted(to: y.dtype)
  }

  /// (x y' - y x') / (x² + y²)
  func backward(_ gradient: Tensor, _ saved: Saved) -> (Tensor?, Tensor?) {
    let (y, x) = (saved[0], saved[1])
    let scaled = gradient / (x * x + y * y)
    return (
      saved.needs[0] ? (scaled * x).summed(to: saved.shapes[0]) : nil,
      saved.needs[1] ? (-scaled * y).summed(to: saved.shapes[1]) : nil
    )
  }
}

/// The angle of the point `(x, y)`, in -π...π, element by element, broadcast.
public func atan2(_ y: Tensor, _ x: Tensor) -> Tensor { apply(Atan2(), y, x) }

/// What is left of `a` after subtracting the largest multiple of `b` not above it: the sign of `b`,
/// as in Python.
struct Remainder: BinaryOperation {
  func forward(_ a: Tensor, _ b: Tensor, _ saved: inout Saved) -> Tensor {
    saved.keep(a, b)
    if a.dtype.isFloating {
      let result = Strided.map2(
        a.converted(to: .float32), b.converted(to: .float32), op: name
      ) { (x: Float, y: Float) in
        let rest = x.truncatingRemainder(dividingBy: y)
        return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest
      }
      return result.converted(to: a.dtype)
    }
    let result = Strided.map2(
      a.converted(to: .int64), b.converted(to: .int64), op: name
    ) { (x: Int64, y: Int64) in
      let rest = x % y
      return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest
    }
    return result.converted(to: a.dtype)
  }

  /// a - ⌊a/b⌋ b, the floor being constant.
  func backward(_ gradient: Tensor, _ saved: Saved) -> (Tensor?, Tensor?) {
    (
      saved.needs[0] ? gradient.summed(to: saved.shapes[0]) : nil,
      saved.needs[1]
        ? (-gradient * floor(saved[0] / saved[1])).summed(to: saved.shapes[1]) : nil
    )
  }
}

/// `a - floor(a / b) b`, element by element, broadcast: the sign of `b`, as Python's `%`. Integers
/// stop at a division by zero.
public func remainder(_ a: Tensor, _ b: Tensor) -> Tensor { apply(Remainder(), a, b) }
public func remainder(_ a: Tensor, _ b: Float) -> Tensor { remainder(a, a.scalar(b)) }
