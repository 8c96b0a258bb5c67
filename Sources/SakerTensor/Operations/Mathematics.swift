import CKernels
import Foundation

/// A function of single elements with its derivative, computed in float32.
protocol ElementOperation: UnaryOperation {
  static func value(_ x: Float) -> Float
  /// `value` for a row, if there is a vector loop.
  static var kernel: ((UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void)? { get }
  /// The derivative at `x`, where the function is `y`.
  static func slope(_ x: Float, _ y: Float) -> Float
}

extension ElementOperation {
  static var kernel: ((UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void)? { nil }

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    check(x.dtype.isFloating, op: name, expected: "a floating tensor", got: x.dtype)
    let source = x.converted(to: .float32)
    let result =
      Self.kernel.map { Strided.run($0, source) } ?? Strided.map(source) { Self.value($0) }
    saved.keep(x, result)
    return result.converted(to: x.dtype)
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    let slopes = Strided.map2(saved[0].converted(to: .float32), saved[1], op: name) {
      (x: Float, y: Float) in Self.slope(x, y)
    }
    return gradient * slopes.converted(to: gradient.dtype)
  }
}

struct Atan: ElementOperation {
  static var kernel: ((UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void)? {
    saker_atan_f32
  }
  static func value(_ x: Float) -> Float { Foundation.atan(x) }
  static func slope(_ x: Float, _ y: Float) -> Float { 1 / (1 + x * x) }
}

struct Sinh: ElementOperation {
  static func value(_ x: Float) -> Float { Foundation.sinh(x) }
  static func slope(_ x: Float, _ y: Float) -> Float { Foundation.cosh(x) }
}

struct Cosh: ElementOperation {
  static func value(_ x: Float) -> Float { Foundation.cosh(x) }
  static func slope(_ x: Float, _ y: Float) -> Float { Foundation.sinh(x) }
}

struct Log2: ElementOperation {
  static func value(_ x: Float) -> Float { Foundation.log2(x) }
  static func slope(_ x: Float, _ y: Float) -> Float { 1.442_695 / x }
}

struct Log1p: ElementOperation {
  static var kernel: ((UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void)? {
    saker_log1p_f32
  }
  static func value(_ x: Float) -> Float { Foundation.log1p(x) }
  static func slope(_ x: Float, _ y: Float) -> Float { 1 / (1 + x) }
}

struct Expm1: ElementOperation {
  static var kernel: ((UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void)? {
    saker_expm1_f32
  }
  static func value(_ x: Float) -> Float { Foundation.expm1(x) }
  static func slope(_ x: Float, _ y: Float) -> Float { y + 1 }
}

struct Reciprocal: ElementOperation {
  static var kernel: ((UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void)? {
    saker_reciprocal_f32
  }
  static func value(_ x: Float) -> Float { 1 / x }
  static func slope(_ x: Float, _ y: Float) -> Float { -y * y }
}

/// 1/√x
struct Rsqrt: ElementOperation {
  static var kernel: ((UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void)? {
    saker_rsqrt_f32
  }
  static func value(_ x: Float) -> Float { 1 / x.squareRoot() }
  static func slope(_ x: Float, _ y: Float) -> Float { -0.5 * y * y * y }
}

struct Floor: ElementOperation {
  static var kernel: ((UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void)? {
    saker_floor_f32
  }
  static func value(_ x: Float) -> Float { x.rounded(.down) }
  static func slope(_ x: Float, _ y: Float) -> Float { 0 }
}

struct Ceil: ElementOperation {
  static var kernel: ((UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void)? {
    saker_ceil_f32
  }
  static func value(_ x: Float) -> Float { x.rounded(.up) }
  static func slope(_ x: Float, _ y: Float) -> Float { 0 }
}

/// To the nearest integer, halves to the even one.
struct Round: ElementOperation {
  static var kernel: ((UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void)? {
    saker_round_f32
  }
  static func value(_ x: Float) -> Float { x.rounded(.toNearestOrEven) }
  static func slope(_ x: Float, _ y: Float) -> Float { 0 }
}

/// -1, 0 or 1.
struct Sign: ElementOperation {
  static var kernel: ((UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void)? {
    saker_sign_f32
  }
  static func value(_ x: Float) -> Float { x > 0 ? 1 : x < 0 ? -1 : x }
  static func slope(_ x: Float, _ y: Float) -> Float { 0 }
}

public func sin(_ x: Tensor) -> Tensor { apply(VectorFunction.sin, x) }
public func cos(_ x: Tensor) -> Tensor { apply(VectorFunction.cos, x) }
public func atan(_ x: Tensor) -> Tensor { apply(Atan(), x) }
public func sinh(_ x: Tensor) -> Tensor { apply(Sinh(), x) }
public func cosh(_ x: Tensor) -> Tensor { apply(Cosh(), x) }
public func log2(_ x: Tensor) -> Tensor { apply(Log2(), x) }
/// The error function, `2/√π ∫₀ˣ exp(-t²) dt`.
public func erf(_ x: Tensor) -> Tensor { apply(VectorFunction.erf, x) }
/// `log(1 + x)`, exact for small `x`.
public func log1p(_ x: Tensor) -> Tensor { apply(Log1p(), x) }
/// `exp(x) - 1`, exact for small `x`.
public func expm1(_ x: Tensor) -> Tensor { apply(Expm1(), x) }
/// `1 / x`
public func reciprocal(_ x: Tensor) -> Tensor { apply(Reciprocal(), x) }
/// `1 / √x`
public func rsqrt(_ x: Tensor) -> Tensor { apply(Rsqrt(), x) }
/// The largest integer not above; its gradient is 0.
public func floor(_ x: Tensor) -> Tensor { apply(Floor(), x) }
/// The smallest integer not below; its gradient is 0.
public func ceil(_ x: Tensor) -> Tensor { apply(Ceil(), x) }
/// The nearest integer, of two the even one; its gradient is 0.
public func round(_ x: Tensor) -> Tensor { apply(Round(), x) }
/// -1, 0 or 1; its gradient is 0.
public func sign(_ x: Tensor) -> Tensor { apply(Sign(), x) }

/// `log(1 / (1 + exp(-x)))`, stable for any x.
public func logSigmoid(_ x: Tensor) -> Tensor { -softplus(-x) }
/// `x * sigmoid(x)`, also called swish. Elfwing et al., arXiv:1702.03118.
public func silu(_ x: Tensor) -> Tensor { swish(x) }
