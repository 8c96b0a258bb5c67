import Foundation

/// The search for a step length that satisfies the strong Wolfe conditions: the loss falls by at
/// least `c₁ t φ'(0)`, and the slope `|φ'(t)|` is at most `c₂ |φ'(0)|`. Nocedal & Wright,
/// "Numerical optimization", algorithms 3.5 (bracketing) and 3.6 (zoom), with cubic interpolation
/// and the safeguards of Schmidt's minFunc, which PyTorch has too.
struct WolfeSearch {
  /// A tried length with what was found there.
  struct Point {
    let length: Float
    /// Infinite in place of not a number: such a step was too long.
    let loss: Double
    let gradient: FlatVector
    /// Of the loss along the direction.
    let slope: Double
  }

  /// c₁
  private let decrease = 1e-4
  /// c₂
  private let curvature = 0.9
  let start: Point
  /// How many lengths may be tried.
  let limit: Int
  /// A bracket is small enough when no element of the step changes by more than this in it.
  let tolerance: Double
  let directionSize: Double
  let evaluate: (Float) -> Point

  private func isTooHigh(_ point: Point) -> Bool {
    point.loss > start.loss + decrease * Double(point.length) * start.slope
  }
  private func isFlatEnough(_ point: Point) -> Bool {
    abs(point.slope) <= -curvature * start.slope
  }

  /// - Returns: the best point, and how many were tried; the start if none was better.
  func run(from length: Float) -> (point: Point, tried: Int) {
    var before = start
    var point = evaluate(length)
    var tried = 1
    while tried <= limit {
      if isTooHigh(point) || (tried > 2 && point.loss >= before.loss) {
        return zoom(before, point, tried)
      }
      if isFlatEnough(point) { return (point, tried) }
      // The slope turned: a minimum lies between.
      if point.slope >= 0 { return zoom(before, point, tried) }
      let (last, previous) = (Double(point.length), Double(before.length))
      let next = interpolate(
        before, point, in: last + 0.01 * (last - previous)...last * 10)
      before = point
      point = evaluate(next)
      tried += 1
    }
    return (point.loss < start.loss ? point : start, tried)
  }

  /// Narrows the bracket between two points until one of them fits.
  private func zoom(_ first: Point, _ second: Point, _ triedBefore: Int) -> (
    point: Point, tried: Int
  ) {
    var (low, high) = first.loss <= second.loss ? (first, second) : (second, first)
    var tried = triedBefore
    var wasNearEdge = false
    while tried <= limit {
      let ends = [Double(low.length), Double(high.length)].sorted()
      guard (ends[1] - ends[0]) * directionSize >= tolerance else { break }
      var next = interpolate(low, high, in: ends[0]...ends[1])
      // Twice near an edge, or on it: a tenth of the bracket away from it.
      let margin = 0.1 * (ends[1] - ends[0])
      let isNearEdge = min(ends[1] - Double(next), Double(next) - ends[0]) < margin
      let isOnEdge = Double(next) >= ends[1] || Double(next) <= ends[0]
      if isNearEdge, wasNearEdge || isOnEdge {
        let isUpper = abs(Double(next) - ends[1]) < abs(Double(next) - ends[0])
        next = Float(isUpper ? ends[1] - margin : ends[0] + margin)
        wasNearEdge = false
      } else {
        wasNearEdge = isNearEdge
      }
      let point = evaluate(next)
      tried += 1
      if isTooHigh(point) || point.loss >= low.loss {
        high = point
        if high.loss < low.loss { (low, high) = (high, low) }
        continue
      }
      if isFlatEnough(point) { return (point, tried) }
      if point.slope * Double(high.length - low.length) >= 0 { high = low }
      low = point
    }
    return (low, tried)
  }

  /// Where the cubic through two losses and slopes is smallest, inside `range`; the middle if there
  /// is no such place.
  private func interpolate(_ a: Point, _ b: Point, in range: ClosedRange<Double>) -> Float {
    let (left, right) = a.length <= b.length ? (a, b) : (b, a)
    let width = Double(right.length) - Double(left.length)
    let bend = left.slope + right.slope - 3 * (left.loss - right.loss) / -width
    let square = bend * bend - left.slope * right.slope
    let middle = (range.lowerBound + range.upperBound) / 2
    guard square >= 0 else { return Float(middle) }
    let root = square.squareRoot()
    let place =
      Double(right.length) - width
      * ((right.slope + root - bend) / (right.slope - left.slope + 2 * root))
    guard place.isFinite else { return Float(middle) }
    return Float(min(max(place, range.lowerBound), range.upperBound))
  }
}
