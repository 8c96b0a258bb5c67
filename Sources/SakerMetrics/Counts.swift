/// How often a detector was right: found (true positives), invented (false positives), missed
/// (false negatives).
public struct DetectionCounts: Hashable, Codable, Sendable {
  public var truePositives, falsePositives, falseNegatives: Int

  public init(truePositives: Int = 0, falsePositives: Int = 0, falseNegatives: Int = 0) {
    self.truePositives = truePositives
    self.falsePositives = falsePositives
    self.falseNegatives = falseNegatives
  }

  /// Share of what was found that is there, 0...1; 0 if nothing was found.
  public var precision: Double { ratio(truePositives, truePositives + falsePositives) }
  /// Share of what is there that was found, 0...1; 0 if nothing is there.
  public var recall: Double { ratio(truePositives, truePositives + falseNegatives) }
  /// Harmonic mean of precision and recall, 0...1; 0 if both are.
  public var f1: Double {
    ratio(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives)
  }

  public static func + (a: Self, b: Self) -> Self {
    Self(
      truePositives: a.truePositives + b.truePositives,
      falsePositives: a.falsePositives + b.falsePositives,
      falseNegatives: a.falseNegatives + b.falseNegatives)
  }
}

/// The four outcomes of a yes-or-no decision, and the measures made of them.
public struct BinaryCounts: Hashable, Codable, Sendable {
  public var truePositives = 0
  public var falsePositives = 0
  public var falseNegatives = 0
  public var trueNegatives = 0

  /// Counts `score >= threshold` as yes.
  public init(scores: [Double], truths: [Bool], threshold: Double = 0.5) {
    precondition(
      scores.count == truths.count, "\(scores.count) scores, but \(truths.count) truths")
    for (score, truth) in zip(scores, truths) {
      switch (score >= threshold, truth) {
      case (true, true): truePositives += 1
      case (true, false): falsePositives += 1
      case (false, true): falseNegatives += 1
      case (false, false): trueNegatives += 1
      }
    }
  }

  public var precision: Double { ratio(truePositives, truePositives + falsePositives) }
  public var recall: Double { ratio(truePositives, truePositives + falseNegatives) }
  public var f1: Double {
    ratio(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives)
  }
  public var accuracy: Double {
    ratio(
      truePositives + trueNegatives,
      truePositives + falsePositives + falseNegatives + trueNegatives)
  }
}

/// 0/0 is 0: a measure of nothing is not good.
func ratio(_ a: Int, _ b: Int) -> Double { b == 0 ? 0 : Double(a) / Double(b) }
