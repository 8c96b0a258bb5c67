import CKernels
import Foundation

/// A comparison of each pair of elements: `bool`, so nothing flows back.
struct Compare: TensorOperation {
  enum Relation: String, CaseIterable { case less, lessOrEqual, equal, unequal }
  let relation: Relation

  var name: String { relation.rawValue }

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let (a, b) = (inputs[0], inputs[1])
    check(
      a.dtype == b.dtype, op: name, expected: "two tensors of one type",
      got: "\(a.dtype) and \(b.dtype)")
    return a.dtype.isFloating
      ? compare(a.comparable, b.comparable)
      : compare(Int64.self, a.comparable, b.comparable)
  }

  private func compare(_ a: Tensor, _ b: Tensor) -> Tensor {
    let kernel =
      switch relation {
      case .less: saker_less_f32
      case .lessOrEqual: saker_less_or_equal_f32
      case .equal: saker_equal_f32
      case .unequal: saker_unequal_f32
      }
    let (a, b, result) = Strided.broadcast(a, b, .bool, op: name)
    let (pa, pb, to) = (a.pointer(Float.self), b.pointer(Float.self), result.pointer(UInt8.self))
    let loop = StridedLoop(result.shape, [result.strides, a.strides, b.strides])
    guard loop.columnStrides[0] <= 1 else { return compare(Float.self, a, b) }
    loop.run { offsets, rows, columns in
      for row in 0..<rows {
        kernel(
          pa + offsets[1] + row * loop.rowStrides[1], loop.columnStrides[1],
          pb + offsets[2] + row * loop.rowStrides[2], loop.columnStrides[2],
          to + offsets[0] + row * loop.rowStrides[0], columns)
      }
    }
    return result
  }

  private func compare<T: Scalar & Comparable>(_: T.Type, _ a: Tensor, _ b: Tensor) -> Tensor {
    switch relation {
    case .less: Strided.map2(a, b, op: name) { (x: T, y: T) in x < y }
    case .lessOrEqual: Strided.map2(a, b, op: name) { (x: T, y: T) in x <= y }
    case .equal: Strided.map2(a, b, op: name) { (x: T, y: T) in x == y }
    case .unequal: Strided.map2(a, b, op: name) { (x: T, y: T) in x != y }
    }
  }
}

/// A truth function of each pair of elements of `bool` tensors.
struct Logic: TensorOperation {
  enum Function: String, CaseIterable { case and, or, xor }
  let function: Function

  var name: String { "logical " + function.rawValue }

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let (a, b) = (inputs[0], inputs[1])
    check(
      a.dtype == .bool && b.dtype == .bool, op: name, expected: "two bool tensors",
      got: "\(a.dtype) and \(b.dtype)")
    return switch function {
    case .and: Strided.map2(a, b, op: name) { (x: Bool, y: Bool) in x && y }
    case .or: Strided.map2(a, b, op: name) { (x: Bool, y: Bool) in x || y }
    case .xor: Strided.map2(a, b, op: name) { (x: Bool, y: Bool) in x != y }
    }
  }
}

/// A property of each element.
struct ElementTest: TensorOperation {
  enum Property: String, CaseIterable { case isNaN, isFinite, isFalse }
  let property: Property

  var name: String { property.rawValue }

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let x = inputs[0]
    switch property {
    case .isFalse:
      check(x.dtype == .bool, op: "logical not", expected: "a bool tensor", got: x.dtype)
      return Strided.map(x) { (x: Bool) in !x }
    case .isNaN:
      return Strided.run(saker_is_nan_f32, x.converted(to: .float32), into: .bool)
    case .isFinite:
      return Strided.run(saker_is_finite_f32, x.converted(to: .float32), into: .bool)
    }
  }
}

// Element by element, broadcast, `bool`. Not a number is unequal to everything and neither less nor
// greater.
public func .< (a: Tensor, b: Tensor) -> Tensor { apply(Compare(relation: .less), a, b) }
public func .<= (a: Tensor, b: Tensor) -> Tensor { apply(Compare(relation: .lessOrEqual), a, b) }
public func .> (a: Tensor, b: Tensor) -> Tensor { b .< a }
public func .>= (a: Tensor, b: Tensor) -> Tensor { b .<= a }
public func .== (a: Tensor, b: Tensor) -> Tensor { apply(Compare(relation: .equal), a, b) }
public func .!= (a: Tensor, b: Tensor) -> Tensor { apply(Compare(relation: .unequal), a, b) }

public func .< (a: Tensor, b: Float) -> Tensor { Compare.with(a, b, .<) }
public func .<= (a: Tensor, b: Float) -> Tensor { Compare.with(a, b, .<=) }
public func .> (a: Tensor, b: Float) -> Tensor { Compare.with(a, b, .>) }
public func .>= (a: Tensor, b: Float) -> Tensor { Compare.with(a, b, .>=) }
public func .== (a: Tensor, b: Float) -> Tensor { Compare.with(a, b, .==) }
public func .!= (a: Tensor, b: Float) -> Tensor { Compare.with(a, b, .!=) }

extension Compare {
  /// With a number, which integers meet as float32 unless it is an integer that they can hold.
  fileprivate static func with(
    _ a: Tensor, _ b: Float, _ compare: (Tensor, Tensor) -> Tensor
  ) -> Tensor {
    if a.dtype.isFloating {
      let a = a.converted(to: .float32)
      return compare(a, a.scalar(b))
    }
    if let integer = Int64(exactly: b) {
      return compare(a.converted(to: .int64), Tensor([integer], []))
    }
    return compare(a.converted(to: .float32), Tensor(b))
  }
}

// Truth functions of `bool` tensors.
public func .& (a: Tensor, b: Tensor) -> Tensor { apply(Logic(function: .and), a, b) }
public func .| (a: Tensor, b: Tensor) -> Tensor { apply(Logic(function: .or), a, b) }
public func .^ (a: Tensor, b: Tensor) -> Tensor { apply(Logic(function: .xor), a, b) }
public prefix func .! (a: Tensor) -> Tensor { apply(ElementTest(property: .isFalse), a) }

extension Tensor {
  /// `bool`: which elements are not a number.
  public func isNaN() -> Tensor { apply(ElementTest(property: .isNaN), self) }
  /// `bool`: which elements are neither infinite nor not a number.
  public func isFinite() -> Tensor { apply(ElementTest(property: .isFinite), self) }

  /// Whether any element along `axes` (all if none are given) is not zero: `bool`. False where
  /// there are none.
  public func any(axes: [Int]? = nil, keepingAxes: Bool = false) -> Tensor {
    if dtype == .bool, axes == nil, isDense, count > 0 {
      let from = pointer(UInt8.self)
      var parts = [UInt8](repeating: 0, count: 64)
      parts.withUnsafeMutableBufferPointer { parts in
        nonisolated(unsafe) let parts = parts
        Parallel.run(64, grain: Swift.max(1, 64 * 65536 / count)) { range in
          for part in range {
            let first = count * part / 64
            parts[part] = UInt8(saker_any_8(from + first, count * (part + 1) / 64 - first))
          }
        }
      }
      return .full(
        shape.removing(Array(0..<rank), keeping: keepingAxes), parts.contains(1) ? 1 : 0, .bool)
    }
    return converted(to: .bool).sum(axes: axes, keepingAxes: keepingAxes).converted(to: .bool)
  }

  /// Whether all elements along `axes` (all if none are given) are not zero: `bool`. True where
  /// there are none.
  public func all(axes: [Int]? = nil, keepingAxes: Bool = false) -> Tensor {
    .!(.!converted(to: .bool)).any(axes: axes, keepingAxes: keepingAxes)
  }

  /// The value of a `bool` tensor of one element, for `if`.
  public var isTrue: Bool {
    check(count == 1, op: "isTrue", expected: "one element", got: shape)
    return scalars(as: Bool.self)[0]
  }
}

/// Whether `|a - b| <= absolute + relative |b|` for all elements of two tensors of one shape.
/// Infinities must be equal; two that are not a number agree only if `equalNaN`.
public func allClose(
  _ a: Tensor, _ b: Tensor, relative: Float = 1e-5, absolute: Float = 1e-8,
  equalNaN: Bool = false
) -> Bool {
  check(a.shape == b.shape, op: "allClose", expected: "\(a.shape)", got: b.shape)
  return zip(a.floats, b.floats).allSatisfy { x, y in
    if x == y { return true }
    if x.isNaN && y.isNaN { return equalNaN }
    return y.isFinite && abs(x - y) <= absolute + relative * abs(y)
  }
}
