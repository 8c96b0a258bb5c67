import Foundation

/// A point of a lane, in pixels.
public struct LanePoint: Hashable, Codable, Sendable {
  public var x, y: Float

  public init(x: Float, y: Float) {
    self.x = x
    self.y = y
  }
}

/// A natural cubic spline through points, over the length of the chords between them.
enum LaneSpline {
  /// 50 points a chord, and the last point; two points or fewer as they are. Points that are there
  /// twice in a row are dropped: a chord of length 0 has no direction.
  static func points(_ given: [LanePoint]) -> [LanePoint] {
    guard given.count > 2 else { return given }
    var knots: [LanePoint] = []
    for point in given where point != knots.last { knots.append(point) }
    guard knots.count > 2 else { return knots }
    let chords = zip(knots, knots.dropFirst()).map { a, b in
      let (dx, dy) = (Double(b.x - a.x), Double(b.y - a.y))
      return (dx * dx + dy * dy).squareRoot()
    }
    let x = pieces(knots.map { Double($0.x) }, chords)
    let y = pieces(knots.map { Double($0.y) }, chords)
    var points: [LanePoint] = []
    for (index, chord) in chords.enumerated() {
      for step in 0..<50 {
        let t = chord / 50 * Double(step)
        points.append(LanePoint(x: Float(x[index].value(t)), y: Float(y[index].value(t))))
      }
    }
    points.append(knots[knots.count - 1])
    return points
  }

  private struct Piece {
    var a, b, c, d: Double
    func value(_ t: Double) -> Double { a + b * t + c * pow(t, 2) + d * pow(t, 3) }
  }

  /// One coordinate: second derivatives from the tridiagonal system, 0 at both ends.
  private static func pieces(_ values: [Double], _ h: [Double]) -> [Piece] {
    let inner = values.count - 2
    var upper = [Double](repeating: 0, count: inner)
    var right = [Double](repeating: 0, count: inner)
    for i in 0..<inner {
      let bend =
        6 * ((values[i + 2] - values[i + 1]) / h[i + 1] - (values[i + 1] - values[i]) / h[i])
      let before = i > 0 ? (upper[i - 1], right[i - 1]) : (0, 0)
      let lower = i > 0 ? h[i] : 0
      let pivot = 2 * (h[i] + h[i + 1]) - lower * before.0
      upper[i] = h[i + 1] / pivot
      right[i] = (bend - lower * before.1) / pivot
    }
    var second = [Double](repeating: 0, count: values.count)
    for i in (0..<inner).reversed() {
      second[i + 1] = right[i] - upper[i] * second[i + 2]
    }
    return h.indices.map { i in
      Piece(
        a: values[i],
        b: (values[i + 1] - values[i]) / h[i] - (2 * h[i] * second[i] + h[i] * second[i + 1]) / 6,
        c: second[i] / 2, d: (second[i + 1] - second[i]) / (6 * h[i]))
    }
  }
}
