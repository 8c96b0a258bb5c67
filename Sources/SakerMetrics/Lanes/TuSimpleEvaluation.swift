import Foundation

/// TuSimple's measure of lanes: x at given rows, negative where a lane isn't. A row is right within
/// 20 pixels, measured across the lane; a lane of the truth is found if 85 % of the rows are right.
///
/// As in the benchmark's program: a row where neither has the lane is right; the best lane of the
/// prediction counts for each lane of the truth, even twice; with 5 lanes the worst is left out;
/// pictures that are wrong in form or took over 200 ms score 0, 0 and 1.
public struct TuSimpleEvaluation: Hashable, Codable, Sendable {
  public struct Score: Hashable, Codable, Sendable {
    /// Share of right rows, wrong lanes of the prediction and missed lanes of the truth, 0...1.
    public var accuracy, falsePositives, falseNegatives: Double
  }

  public private(set) var pictures = 0
  private var sum = Score(accuracy: 0, falsePositives: 0, falseNegatives: 0)

  public init() {}

  /// Means over the pictures; 0 without any.
  public var mean: Score {
    let count = Double(max(pictures, 1))
    return Score(
      accuracy: sum.accuracy / count, falsePositives: sum.falsePositives / count,
      falseNegatives: sum.falseNegatives / count)
  }

  /// Counts one picture.
  ///
  /// - Parameters:
  ///   - predicted, truths: x of each lane at each of `rows`, in pixels.
  ///   - rows: y, in pixels.
  ///   - milliseconds: how long the prediction took.
  public mutating func add(
    predicted: [[Double]], truths: [[Double]], rows: [Double], milliseconds: Double = 0
  ) {
    let score = Self.score(predicted, truths, rows, milliseconds)
    sum.accuracy += score.accuracy
    sum.falsePositives += score.falsePositives
    sum.falseNegatives += score.falseNegatives
    pictures += 1
  }

  /// A picture without a prediction: everything in it is missed.
  public mutating func addMissing() {
    sum.falseNegatives += 1
    pictures += 1
  }

  static func score(
    _ predicted: [[Double]], _ truths: [[Double]], _ rows: [Double], _ milliseconds: Double
  ) -> Score {
    precondition(
      truths.allSatisfy { $0.count == rows.count }, "lanes of the truth need \(rows.count) rows")
    guard milliseconds <= 200, predicted.allSatisfy({ $0.count == rows.count }),
      predicted.count <= truths.count + 2
    else { return Score(accuracy: 0, falsePositives: 0, falseNegatives: 1) }
    var best: [Double] = []
    var (found, missed) = (0.0, 0.0)
    for truth in truths {
      let limit = 20 / cos(angle(truth, rows))
      let accuracy = predicted.map { share($0, truth, limit) }.max() ?? 0
      if accuracy < 0.85 { missed += 1 } else { found += 1 }
      best.append(accuracy)
    }
    if truths.count > 4, missed > 0 { missed -= 1 }
    var total = best.reduce(0, +)
    if truths.count > 4 { total -= best.min() ?? 0 }
    let lanes = max(min(4, Double(truths.count)), 1)
    return Score(
      accuracy: total / lanes,
      falsePositives: predicted.isEmpty
        ? 0 : (Double(predicted.count) - found) / Double(predicted.count),
      falseNegatives: missed / lanes)
  }

  /// The angle of a straight line through the lane, by least squares of x over y.
  private static func angle(_ lane: [Double], _ rows: [Double]) -> Double {
    let points = zip(lane, rows).filter { $0.0 >= 0 }
    guard points.count > 1 else { return 0 }
    let count = Double(points.count)
    let (x, y) = (points.reduce(0) { $0 + $1.0 } / count, points.reduce(0) { $0 + $1.1 } / count)
    let across = points.reduce(0) { $0 + ($1.0 - x) * ($1.1 - y) }
    let along = points.reduce(0) { $0 + ($1.1 - y) * ($1.1 - y) }
    return along == 0 ? 0 : atan(across / along)
  }

  private static func share(_ a: [Double], _ b: [Double], _ limit: Double) -> Double {
    func x(_ value: Double) -> Double { value >= 0 ? value : -100 }
    return ratio(zip(a, b).count { abs(x($0) - x($1)) < limit }, b.count)
  }
}
