import CKernels
import Foundation

/// The functions of two numbers that vector kernels know.
enum BinaryFunction: String {
  case add, subtract, multiply, divide, maximum, minimum

  fileprivate typealias Kernel = (
    UnsafePointer<Float>?, Int, UnsafePointer<Float>?, Int, UnsafeMutablePointer<Float>?, Int
  ) -> Void

  fileprivate var kernel: Kernel {
    switch self {
    case .add: saker_add_f32
    case .subtract: saker_sub_f32
    case .multiply: saker_mul_f32
    case .divide: saker_div_f32
    case .maximum: saker_max_f32
    case .minimum: saker_min_f32
    }
  }

  fileprivate typealias Halves = (
    UnsafePointer<UInt16>?, UnsafePointer<UInt16>?, UnsafeMutablePointer<UInt16>?, Int
  ) -> Void

  fileprivate var halves: Halves {
    switch self {
    case .add: saker_add_bf16
    case .subtract: saker_sub_bf16
    case .multiply: saker_mul_bf16
    case .divide: saker_div_bf16
    case .maximum: saker_max_bf16
    case .minimum: saker_min_bf16
    }
  }

  /// Of bfloat16 tensors that lie alike and without gaps, as the result, which may be one of them.
  func bfloat16(_ a: Tensor, _ b: Tensor, into result: Tensor) {
    let (pa, pb) = (a.pointer(UInt16.self), b.pointer(UInt16.self))
    let (to, kernel) = (result.pointer(UInt16.self), halves)
    Parallel.run(a.count, grain: 32768) {
      kernel(pa + $0.lowerBound, pb + $0.lowerBound, to + $0.lowerBound, $0.count)
    }
    withExtendedLifetime((a, b)) {}
  }

  /// The function of each pair of elements, broadcast.
  func callAsFunction(_ a: Tensor, _ b: Tensor) -> Tensor {
    switch a.dtype {
    case .float32: return float32(a, b)
    case .bfloat16, .float16:
      check(
        a.dtype == b.dtype, op: rawValue, expected: "two tensors of one type",
        got: "\(a.dtype) and \(b.dtype)")
      if a.dtype == .bfloat16, a.shape == b.shape, a.isDense, b.hasStrides(a.strides) {
        let result = Tensor(uninitialized: a.shape, .bfloat16, strides: a.packedStrides)
        bfloat16(a, b, into: result)
        return result
      }
      return float32(a.converted(to: .float32), b.converted(to: .float32))
        .converted(to: a.dtype)
    case .int8: return integer(Int8.self, a, b)
    case .uint8: return integer(UInt8.self, a, b)
    case .int32: return integer(Int32.self, a, b)
    case .int64: return integer(Int64.self, a, b)
    case .bool: fatalError("\(rawValue): expected numbers, got bool (convert them first)")
    }
  }

  private func float32(_ a: Tensor, _ b: Tensor) -> Tensor {
    let isOne = b.rank == 0 || (b.strides.count == 1 && b.shape[0] == 1 && a.rank > 0)
    if b.dtype == .float32, a.isContiguous, isOne || (a.shape == b.shape && b.isContiguous) {
      let result = Tensor(uninitializedLike: a)
      let (pa, pb, to) = (
        a.pointer(Float.self), b.pointer(Float.self), result.pointer(Float.self)
      )
      let step = isOne ? 0 : 1
      let (kernel, count) = (kernel, a.count)
      if count <= 16384 {
        KernelTime.measure { kernel(pa, 1, pb, step, to, count) }
      } else {
        Parallel.run(count, grain: 16384) { part in
          let first = part.lowerBound
          kernel(pa + first, 1, pb + first * step, step, to + first, part.count)
        }
      }
      withExtendedLifetime((a, b)) {}
      return result
    }
    let (a, b, result) = Strided.broadcast(a, b, .float32, op: rawValue)
    let (pa, pb, to) = (a.pointer(Float.self), b.pointer(Float.self), result.pointer(Float.self))
    let loop = StridedLoop(result.shape, [result.strides, a.strides, b.strides])
    let kernel = kernel
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

  /// Wraps on overflow; a division by zero stops.
  private func integer<T: FixedWidthInteger & Scalar>(
    _: T.Type, _ a: Tensor, _ b: Tensor
  ) -> Tensor {
    switch self {
    case .add: Strided.map2(a, b, op: rawValue) { (x: T, y: T) in x &+ y }
    case .subtract: Strided.map2(a, b, op: rawValue) { (x: T, y: T) in x &- y }
    case .multiply: Strided.map2(a, b, op: rawValue) { (x: T, y: T) in x &* y }
    case .divide: Strided.map2(a, b, op: rawValue) { (x: T, y: T) in x / y }
    case .maximum: Strided.map2(a, b, op: rawValue) { (x: T, y: T) in max(x, y) }
    case .minimum: Strided.map2(a, b, op: rawValue) { (x: T, y: T) in min(x, y) }
    }
  }
}

struct Add: BinaryOperation {
  func forward(_ a: Tensor, _ b: Tensor, _ saved: inout Saved) -> Tensor {
    BinaryFunction.add(a, b)
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> (Tensor?, Tensor?) {
    (
      saved.needs[0] ? gradient.summed(to: saved.shapes[0]) : nil,
      saved.needs[1] ? gradient.summed(to: saved.shapes[1]) : nil
    )
  }
}

struct Subtract: BinaryOperation {
  func forward(_ a: Tensor, _ b: Tensor, _ saved: inout Saved) -> Tensor {
    BinaryFunction.subtract(a, b)
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> (Tensor?, Tensor?) {
    (
      saved.needs[0] ? gradient.summed(to: saved.shapes[0]) : nil,
      saved.needs[1] ? (-gradient).summed(to: saved.shapes[1]) : nil
    )
  }
}

struct Multiply: BinaryOperation {
  func forward(_ a: Tensor, _ b: Tensor, _ saved: inout Saved) -> Tensor {
    saved.keep(a, b)
    return BinaryFunction.multiply(a, b)
  }

  /// (ab)' = a'b + ab'
  func backward(_ gradient: Tensor, _ saved: Saved) -> (Tensor?, Tensor?) {
    (
      saved.needs[0] ? (gradient * saved[1]).summed(to: saved.shapes[0]) : nil,
      saved.needs[1] ? (gradient * saved[0]).summed(to: saved.shapes[1]) : nil
    )
  }
}

struct Divide: BinaryOperation {
  func forward(_ a: Tensor, _ b: Tensor, _ saved: inout Saved) -> Tensor {
    saved.keep(a, b)
    return BinaryFunction.divide(a, b)
  }

  /// (a/b)' = a'/b - a b'/b²
  func backward(_ gradient: Tensor, _ saved: Saved) -> (Tensor?, Tensor?) {
    let scaled = gradient / saved[1]
    return (
      saved.needs[0] ? scaled.summed(to: saved.shapes[0]) : nil,
      saved.needs[1] ? (-(scaled * saved[0] / saved[1])).summed(to: saved.shapes[1]) : nil
    )
  }
}

public func + (a: Tensor, b: Tensor) -> Tensor { apply(Add(), a, b) }
public func - (a: Tensor, b: Tensor) -> Tensor { apply(Subtract(), a, b) }
public func * (a: Tensor, b: Tensor) -> Tensor { apply(Multiply(), a, b) }
public func / (a: Tensor, b: Tensor) -> Tensor { apply(Divide(), a, b) }

public func + (a: Tensor, b: Float) -> Tensor { a + a.scalar(b) }
public func - (a: Tensor, b: Float) -> Tensor { a - a.scalar(b) }
public func * (a: Tensor, b: Float) -> Tensor { a * a.scalar(b) }
public func / (a: Tensor, b: Float) -> Tensor { a / a.scalar(b) }
public func + (a: Float, b: Tensor) -> Tensor { b.scalar(a) + b }
public func - (a: Float, b: Tensor) -> Tensor { b.scalar(a) - b }
public func * (a: Float, b: Tensor) -> Tensor { b.scalar(a) * b }
public func / (a: Float, b: Tensor) -> Tensor { b.scalar(a) / b }
public prefix func - (a: Tensor) -> Tensor { a * -1 }

public func += (a: inout Tensor, b: Tensor) { a = a + b }
public func -= (a: inout Tensor, b: Tensor) { a = a - b }
public func *= (a: inout Tensor, b: Tensor) { a = a * b }
public func /= (a: inout Tensor, b: Tensor) { a = a / b }

extension Tensor {
  /// A scalar of this tensor's type.
  func scalar(_ value: Float) -> Tensor { .full([], Double(value), dtype) }
}
