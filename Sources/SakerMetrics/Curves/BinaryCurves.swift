/// True positive rate over false positive rate, a point a score: how well scores separate yes from
/// no, whatever the threshold. (The axes are rates, not counts; E56.)
///
/// Blind to how rare "yes" is: for detectors, where nearly everything is background, look at
/// precision and recall instead.
public struct ROCCurve: Hashable, Codable, Sendable {
  /// Descending; a point counts scores `>= threshold` as yes. The first one, infinity, counts none.
  public var thresholds: [Double] = [.infinity]
  /// Share of the no's that count as yes, 0...1, ascending.
  public var falsePositiveRate: [Double] = [0]
  /// Share of the yes's that do.
  public var truePositiveRate: [Double] = [0]

  /// One point for each different score, as scikit-learn's `roc_curve(drop_intermediate=False)`.
  /// `nil` unless there are both yes's and no's. A score that isn't a number is worth least.
  public init?(scores: [Double], truths: [Bool]) {
    let steps = ScoreSteps(scores, truths)
    guard steps.positives > 0, steps.negatives > 0 else { return nil }
    for step in steps.all {
      thresholds.append(step.score)
      falsePositiveRate.append(Double(step.wrong) / Double(steps.negatives))
      truePositiveRate.append(Double(step.right) / Double(steps.positives))
    }
  }

  /// The chance that a yes scores higher than a no, 0...1, equal scores counting half; 0.5 is
  /// guessing.
  public var area: Double { trapezoids(falsePositiveRate, truePositiveRate) }
}

/// Precision and recall, a point a score, from the lowest threshold up to the end at recall 0.
public struct ScoreCurve: Hashable, Codable, Sendable {
  /// Ascending, one fewer than the points: the last point (precision 1, recall 0) has none.
  public var thresholds: [Double] = []
  public var precision: [Double] = []
  public var recall: [Double] = []

  /// As scikit-learn's `precision_recall_curve`. `nil` without a yes. A score that isn't a
  /// number is worth least.
  public init?(scores: [Double], truths: [Bool]) {
    let steps = ScoreSteps(scores, truths)
    guard steps.positives > 0 else { return nil }
    for step in steps.all.reversed() {
      thresholds.append(step.score)
      precision.append(Double(step.right) / Double(step.right + step.wrong))
      recall.append(Double(step.right) / Double(steps.positives))
    }
    precision.append(1)
    recall.append(0)
  }

  /// Sum of precision times the step in recall, as scikit-learn's `average_precision_score`.
  public var averagePrecision: Double {
    zip(recall, recall.dropFirst()).map { $0 - $1 }.enumerated().reduce(0) {
      $0 + $1.element * precision[$1.offset]
    }
  }

  /// The area under straight lines between the points, which flatters: precision doesn't fall
  /// evenly between two scores.
  public var area: Double { -trapezoids(recall, precision) }
}

/// Counts after each group of equal scores, descending.
private struct ScoreSteps {
  var all: [(score: Double, right: Int, wrong: Int)] = []
  var positives: Int { all.last?.right ?? 0 }
  var negatives: Int { all.last?.wrong ?? 0 }

  init(_ scores: [Double], _ truths: [Bool]) {
    precondition(
      scores.count == truths.count, "\(scores.count) scores, but \(truths.count) truths")
    let clean = scores.map { $0.isNaN ? -.infinity : $0 }
    var (right, wrong) = (0, 0)
    for index in clean.indices.sorted(by: { clean[$0] > clean[$1] }) {
      if truths[index] { right += 1 } else { wrong += 1 }
      if all.last?.score == clean[index] { all.removeLast() }
      all.append((clean[index], right, wrong))
    }
  }
}

/// The integral of y over x by trapezoids.
func trapezoids(_ x: [Double], _ y: [Double]) -> Double {
  var sum = 0.0
  for index in x.indices.dropFirst() {
    sum += (x[index] - x[index - 1]) * (y[index] + y[index - 1]) / 2
  }
  return sum
}
