import SakerTensor

/// The curve through given points made of cubic pieces that join with equal value,
/// slope and curvature.
///
/// n pieces have 4 n numbers; the points give 2 n equations, equal slopes and curvatures inside 2
/// (n − 1): two are missing, which the ends settle. High polynomials swing between equidistant
/// points instead (Runge's phenomenon).
public struct CubicSpline: Sendable {
  /// The two equations that the points leave open.
  public enum Ends: Sendable, Hashable {
    /// No curvature at either end.
    case natural
    /// Given slopes at the first and the last point.
    case clamped(Double, Double)
    /// The first two pieces are one cubic, and so are the last two: cubics are reproduced.
    case notAKnot
  }

  /// Increasing.
  public let x: [Double]
  /// Of piece i: value, slope, half the curvature and a sixth of the third derivative
  /// at its left point.
  private let pieces: [(Double, Double, Double, Double)]

  /// - Parameters:
  ///   - x: increasing, at least two.
  ///   - y: as many. Stops if that or the order does not hold.
  public init(_ x: [Double], _ y: [Double], ends: Ends = .notAKnot) {
    check(
      x.count >= 2 && x.count == y.count && zip(x, x.dropFirst()).allSatisfy { $0 < $1 }
        && (x + y).allSatisfy(\.isFinite), op: "CubicSpline",
      expected: "at least two points, x increasing, all finite",
      got: "\(x.count) and \(y.count) numbers")
    self.x = x
    let n = x.count - 1
    let h = (0..<n).map { x[$0 + 1] - x[$0] }
    let slope = (0..<n).map { (y[$0 + 1] - y[$0]) / h[$0] }
    let s = CubicSpline.slopes(h, slope, ends)
    pieces = (0..<n).map { i in
      let t = (s[i] + s[i + 1] - 2 * slope[i]) / h[i]
      return (y[i], s[i], (slope[i] - s[i]) / h[i] - t, t / h[i])
    }
  }

  /// The value at `at`, or a derivative, the first to the third. Beyond the ends the
  /// outer pieces go on.
  public func callAsFunction(_ at: Double, derivative: Int = 0) -> Double {
    var (low, high) = (0, pieces.count - 1)
    while low < high {
      let middle = (low + high + 1) / 2
      if x[middle] <= at { low = middle } else { high = middle - 1 }
    }
    let (a, b, c, d) = pieces[low]
    let t = at - x[low]
    switch derivative {
    case 0: return a + t * (b + t * (c + t * d))
    case 1: return b + t * (2 * c + t * 3 * d)
    case 2: return 2 * c + t * 6 * d
    case 3: return 6 * d
    default:
      check(derivative > 3, op: "CubicSpline", expected: "a derivative from 0", got: derivative)
      return 0
    }
  }

  /// The slopes at all points: those at which curvatures agree inside, with the ends' two
  /// equations.
  private static func slopes(_ h: [Double], _ slope: [Double], _ ends: Ends) -> [Double] {
    let n = h.count
    if ends == .notAKnot && n == 1 { return [slope[0], slope[0]] }
    if ends == .notAKnot && n == 2 {
      // One parabola: both pieces as one leave no cubic part to determine.
      let c = (slope[1] - slope[0]) / (h[0] + h[1])
      return [
        slope[0] - c * h[0], slope[0] + c * h[0], slope[1] + c * h[1],
      ]
    }
    var lower = [Double](repeating: 0, count: n + 1)
    var (main, upper, right) = (lower, lower, lower)
    for i in 1..<max(n, 1) {
      (lower[i], main[i], upper[i]) = (h[i], 2 * (h[i - 1] + h[i]), h[i - 1])
      right[i] = 3 * (h[i] * slope[i - 1] + h[i - 1] * slope[i])
    }
    switch ends {
    case .natural:
      (main[0], upper[0], right[0]) = (2, 1, 3 * slope[0])
      (lower[n], main[n], right[n]) = (1, 2, 3 * slope[n - 1])
    case .clamped(let first, let last):
      (main[0], right[0]) = (1, first)
      (main[n], right[n]) = (1, last)
    case .notAKnot:
      let (a, b) = (h[0] + h[1], h[n - 2] + h[n - 1])
      (main[0], upper[0]) = (h[1], a)
      right[0] = ((h[0] + 2 * a) * h[1] * slope[0] + h[0] * h[0] * slope[1]) / a
      (main[n], lower[n]) = (h[n - 2], b)
      right[n] =
        ((h[n - 1] + 2 * b) * h[n - 2] * slope[n - 1] + h[n - 1] * h[n - 1] * slope[n - 2]) / b
    }
    // Elimination down and back: the matrix has three diagonals.
    for i in 1...n {
      let factor = lower[i] / main[i - 1]
      main[i] -= factor * upper[i - 1]
      right[i] -= factor * right[i - 1]
    }
    var result = right
    result[n] /= main[n]
    for i in (0..<n).reversed() { result[i] = (right[i] - upper[i] * result[i + 1]) / main[i] }
    return result
  }
}
