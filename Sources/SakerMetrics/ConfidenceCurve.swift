/// Precision, recall and F1 of the detections with at least each confidence.
public struct ConfidenceCurve: Hashable, Codable, Sendable {
  /// Ascending, from 0 to 1.
  public var confidence: [Double] = []
  public var precision: [Double] = []
  public var recall: [Double] = []
  public var f1: [Double] = []
}

/// A confidence, and how good the detections with `score >= confidence` are.
public struct OperatingPoint: Hashable, Codable, Sendable {
  public var confidence: Double
  public var truePositives, falsePositives, falseNegatives: Int
  public var precision, recall, f1: Double

  public init(confidence: Double, counts: DetectionCounts) {
    self.confidence = confidence
    truePositives = counts.truePositives
    falsePositives = counts.falsePositives
    falseNegatives = counts.falseNegatives
    precision = counts.precision
    recall = counts.recall
    f1 = counts.f1
  }
}

extension ClassEvaluation {
  /// At `points` confidences spread evenly over 0...1.
  public func confidenceCurve(points: Int = 1001) -> ConfidenceCurve {
    curve(of: self, points: points)
  }

  /// The confidence with the highest F1, the highest of equals; `nil` without detections.
  public var bestF1: OperatingPoint? { bestPoint(of: self) }
}

extension DetectionEvaluation {
  /// The curve of all classes together (each detection counts once), at `points` confidences spread
  /// evenly over 0...1.
  public func confidenceCurve(points: Int = 1001) -> ConfidenceCurve {
    curve(of: merged, points: points)
  }

  /// The confidence with the highest F1 of all classes together, the highest of equals; `nil`
  /// without detections.
  public var bestF1: OperatingPoint? { bestPoint(of: merged) }

  /// All classes' detections as if they were one class, matched as they are.
  var merged: ClassEvaluation {
    let all = classes.flatMap { zip($0.scores, $0.correct) }.sorted { $0.0 > $1.0 }
    return ClassEvaluation(
      name: "all", truths: classes.reduce(0) { $0 + $1.truths },
      difficult: classes.reduce(0) { $0 + $1.difficult },
      scores: all.map(\.0), correct: all.map(\.1))
  }
}

extension ClassEvaluation {
  init(name: String, truths: Int, difficult: Int, scores: [Double], correct: [Bool]) {
    self.name = name
    self.truths = truths
    self.difficult = difficult
    self.scores = scores
    self.correct = correct
  }
}

private func curve(of result: ClassEvaluation, points: Int) -> ConfidenceCurve {
  precondition(points >= 2, "a curve has at least 2 points, not \(points)")
  var right = result.correct.reduce(into: [0]) { $0.append($0[$0.count - 1] + ($1 ? 1 : 0)) }
  var curve = ConfidenceCurve()
  for point in 0..<points {
    let confidence = Double(point) / Double(points - 1)
    while let last = result.scores[..<(right.count - 1)].last, last < asScore(confidence) {
      right.removeLast()
    }
    let counts = result.counts(ofFirst: right.count - 1, right: right[right.count - 1])
    curve.confidence.append(confidence)
    curve.precision.append(counts.precision)
    curve.recall.append(counts.recall)
    curve.f1.append(counts.f1)
  }
  return curve
}

/// The shortest decimal number that is this score in single precision: 0.3, not 0.30000001192.
private func shortest(_ score: Double) -> Double { Double("\(Float(score))") ?? score }

private func bestPoint(of result: ClassEvaluation) -> OperatingPoint? {
  var best: OperatingPoint?
  var right = 0
  for (index, hit) in result.correct.enumerated() {
    right += hit ? 1 : 0
    // Detections of equal score are kept or dropped together.
    let next = index + 1
    if next < result.scores.count, result.scores[next] == result.scores[index] { continue }
    let counts = result.counts(ofFirst: next, right: right)
    if counts.f1 > best?.f1 ?? -1 {
      best = OperatingPoint(confidence: shortest(result.scores[index]), counts: counts)
    }
  }
  return best
}
