import CKernels
import Foundation

extension Tensor {
  /// The mean squared distance from the mean over `axes`, all if none are given: in two passes, so
  /// that a large mean costs no digits. Divided by the number of elements minus `correction`: 1
  /// estimates the variance of what was sampled, 0 is that of the elements.
  public func variance(
    axes: [Int]? = nil, correction: Int = 1, keepingAxes: Bool = false
  ) -> Tensor {
    let axes = shape.axes(axes ?? Array(0..<rank), op: "variance")
    let count = axes.reduce(1) { $0 * shape[$1] }
    let centred = self - mean(axes: axes, keepingAxes: true)
    return (centred * centred).sum(axes: axes, keepingAxes: keepingAxes)
      / Float(Swift.max(count - correction, 0))
  }

  /// The square root of the variance.
  public func standardDeviation(
    axes: [Int]? = nil, correction: Int = 1, keepingAxes: Bool = false
  ) -> Tensor {
    pow(variance(axes: axes, correction: correction, keepingAxes: keepingAxes), 0.5)
  }

  /// The Euclidean norm, `√Σx²`, over `axes`, all if none are given; its gradient at 0 is 0.
  public func norm(axes: [Int]? = nil, keepingAxes: Bool = false) -> Tensor {
    let axes = shape.axes(axes ?? Array(0..<rank), op: "norm")
    let result = apply(Norm(axes: axes), self)
    return keepingAxes ? result : result.reshape(shape.removing(axes, keeping: false))
  }

  /// `log Σ exp(x)` over `axes`, all if none are given, without overflow.
  public func logSumExp(axes: [Int]? = nil, keepingAxes: Bool = false) -> Tensor {
    let axes = shape.axes(axes ?? Array(0..<rank), op: "logSumExp")
    let result = apply(LogSumExp(axes: axes), self)
    return keepingAxes ? result : result.reshape(shape.removing(axes, keeping: false))
  }
}

/// √Σx² over axes, kept with size 1.
struct Norm: UnaryOperation {
  let axes: [Int]

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    check(x.dtype.isFloating, op: name, expected: "a floating tensor", got: x.dtype)
    let source = x.converted(to: .float32)
    let squares =
      axes.count == x.rank && source.isDense
      ? Tensor.full(x.shape.removing(axes, keeping: true), Norm.sumOfSquares(source))
      : BinaryFunction.multiply(source, source).sum(axes: axes, keepingAxes: true)
    let result = Strided.map(squares) { (x: Float) in x.squareRoot() }.converted(to: x.dtype)
    saved.keep(x, result)
    return result
  }

  /// Of all elements, in 64 parts whatever the number of threads.
  private static func sumOfSquares(_ x: Tensor) -> Double {
    let (from, count) = (x.pointer(Float.self), x.count)
    var parts = [Double](repeating: 0, count: 64)
    parts.withUnsafeMutableBufferPointer { parts in
      nonisolated(unsafe) let parts = parts
      Parallel.run(64, grain: max(1, 64 * 16384 / max(count, 1))) { range in
        for part in range {
          let first = count * part / 64
          parts[part] = saker_sum_of_squares_f32(from + first, count * (part + 1) / 64 - first)
        }
      }
    }
    return withExtendedLifetime(x) { parts.reduce(0, +) }
  }

  /// x / ‖x‖
  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    let scale = gradient / saved[1]
    return saved[0] * Tensor.where(saved[1] .== 0, 0, scale)
  }
}

/// log Σ exp(x) over axes, kept with size 1.
struct LogSumExp: UnaryOperation {
  let axes: [Int]

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    check(x.dtype.isFloating, op: name, expected: "a floating tensor", got: x.dtype)
    let source = x.converted(to: .float32)
    guard axes.allSatisfy({ x.shape[$0] > 0 }) else {
      return .full(x.shape.removing(axes, keeping: true), -.infinity, x.dtype)
    }
    // Infinite largest elements decide alone; subtracting them would leave nothing that is a
    // number.
    let largest = Strided.map(source.max(axes: axes, keepingAxes: true)) { (x: Float) in
      x.isInfinite ? 0 : x
    }
    let powers = Kernels.elementwise(.exp, BinaryFunction.subtract(source, largest))
    let sum = powers.sum(axes: axes, keepingAxes: true)
    let result = Strided.map2(sum, largest, op: name) { (s: Float, m: Float) in
      Foundation.log(s) + m
    }
    saved.keep(source, result)
    return result.converted(to: x.dtype)
  }

  /// exp(x - y): the softmax
  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    // Where all are -∞ their shares are not defined; nothing flows.
    let total = Tensor.where(saved[1] .== -.infinity, .infinity, saved[1])
    let softmax = Kernels.elementwise(.exp, BinaryFunction.subtract(saved[0], total))
    return softmax.converted(to: gradient.dtype) * gradient
  }
}

/// Sums of all elements up to each one along an axis.
struct CumulativeSum: UnaryOperation {
  let axis: Int
  /// From the end.
  let reversed: Bool

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    let source = x.comparable.dense
    if source.dtype == .float32, !reversed {
      let lanes = Lanes(source, axis: axis)
      if lanes.inner == 1 {
        let result = lanes.resized(x.shape, lanes.size, .float32)
        let (from, to) = (source.pointer(Float.self), result.pointer(Float.self))
        Parallel.run(lanes.outer, grain: max(4, 16384 / max(lanes.size, 1))) { part in
          let first = part.lowerBound * lanes.size
          saker_cumulative_rows_f32(from + first, part.count, lanes.size, to + first)
        }
        return withExtendedLifetime(source) { result.converted(to: x.dtype) }
      }
    }
    let result =
      source.dtype == .float32
      ? CumulativeSum.run(
        Float.self, Double.self, source, axis, reversed, { Double($0) }, { Float($0) }, +)
      : CumulativeSum.run(Int64.self, Int64.self, source, axis, reversed, { $0 }, { $0 }, &+)
    return x.dtype.isFloating ? result.converted(to: x.dtype) : result
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    apply(CumulativeSum(axis: axis, reversed: !reversed), gradient)
  }

  /// Float32 adds up in double precision: a long axis loses no digits.
  @inline(__always)
  private static func run<T: Scalar, Total>(
    _: T.Type, _: Total.Type, _ x: Tensor, _ axis: Int, _ reversed: Bool,
    _ widen: (T) -> Total, _ narrow: (Total) -> T, _ add: (Total, Total) -> Total
  ) -> Tensor {
    let lanes = Lanes(x, axis: axis)
    let result = lanes.resized(x.shape, lanes.size, x.dtype)
    let (from, to) = (x.pointer(T.self), result.pointer(T.self))
    let (size, inner) = (lanes.size, lanes.inner)
    guard size > 0 else { return result }
    withoutActuallyEscaping(widen) { widen in
      withoutActuallyEscaping(narrow) { narrow in
        withoutActuallyEscaping(add) { add in
          lanes.run { block, part in
            if inner == 1 {
              var place = block * size + (reversed ? size - 1 : 0)
              var total = widen(from[place])
              to[place] = narrow(total)
              for _ in 1..<size {
                place += reversed ? -1 : 1
                total = add(total, widen(from[place]))
                to[place] = narrow(total)
              }
              return
            }
            withUnsafeTemporaryAllocation(of: Total.self, capacity: part.count) { totals in
              for step in 0..<size {
                let start = (block * size + (reversed ? size - 1 - step : step)) * inner
                for (i, lane) in part.enumerated() {
                  let value = widen(from[start + lane])
                  let total = step == 0 ? value : add(totals[i], value)
                  totals[i] = total
                  to[start + lane] = narrow(total)
                }
              }
            }
          }
        }
      }
    }
    return result
  }
}

/// The product along an axis, kept with size 1.
struct Product: UnaryOperation {
  let axis: Int

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    check(x.dtype.isFloating, op: name, expected: "a floating tensor", got: x.dtype)
    let source = x.converted(to: .float32).dense
    saved.keep(source)
    let lanes = Lanes(source, axis: axis)
    let result = lanes.resized(x.shape, 1, .float32)
    let (from, to) = (source.pointer(Float.self), result.pointer(Float.self))
    lanes.run { block, part in
      for lane in part {
        let first = from + block * lanes.size * lanes.inner + lane
        if lanes.inner == 1 {
          to[block] = Float(saker_row_product_f32(first, lanes.size))
          continue
        }
        to[block * lanes.inner + lane] = Float(
          (0..<lanes.size).reduce(1.0) { $0 * Double(first[$1 * lanes.inner]) })
      }
    }
    return result.converted(to: x.dtype)
  }

  /// The product of all others, from both ends: right where elements are 0 too.
  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    let x = saved[0]
    let lanes = Lanes(x, axis: axis)
    let others = lanes.resized(x.shape, lanes.size, .float32)
    let (from, to) = (x.pointer(Float.self), others.pointer(Float.self))
    let (size, inner) = (lanes.size, lanes.inner)
    lanes.run { block, part in
      for lane in part {
        let first = block * size * inner + lane
        var product = 1.0
        withUnsafeTemporaryAllocation(of: Double.self, capacity: size) { before in
          for step in 0..<size {
            before[step] = product
            product *= Double(from[first + step * inner])
          }
          product = 1
          for step in stride(from: size - 1, through: 0, by: -1) {
            to[first + step * inner] = Float(before[step] * product)
            product *= Double(from[first + step * inner])
          }
        }
      }
    }
    return others.converted(to: gradient.dtype) * gradient
  }
}

extension Tensor {
  /// At each position along `axis` the sum of all elements up to it, itself included: int64 for
  /// integers.
  public func cumulativeSum(axis: Int) -> Tensor {
    apply(CumulativeSum(axis: shape.axis(axis, op: "cumulativeSum"), reversed: false), self)
  }

  /// The product of the elements along `axis`, or of all.
  public func product(axis: Int? = nil, keepingAxis: Bool = false) -> Tensor {
    guard let axis else { return reshape([-1]).product(axis: 0) }
    let positive = shape.axis(axis, op: "product")
    let result = apply(Product(axis: positive), self)
    return keepingAxis ? result : result.reshape(shape.removing([positive], keeping: false))
  }
}
