/// Where to say yes: the threshold of a score that serves a purpose best, chosen on validation
/// data. Also called threshold moving, for classes of different sizes. Elkan, "The Foundations of
/// Cost-Sensitive Learning" (2001).
public enum DecisionThreshold {
  /// What counts as best.
  public enum Purpose: Hashable, Sendable {
    /// The largest F1.
    case f1
    /// The least cost, of a false alarm and of a miss.
    case cost(falsePositive: Double, falseNegative: Double)
    /// The largest share of positives found plus share of negatives left alone, Youden's J.
    case youden
  }

  /// The best of the thresholds halfway between neighbouring scores, and its value. Yes is said
  /// from the threshold on.
  ///
  /// Of equally good ones the highest; 0.5 if there are no scores.
  ///
  /// - Parameters:
  ///   - scores: finite; larger means more likely positive.
  ///   - labels: whether each is positive.
  public static func best(
    _ scores: [Double], _ labels: [Bool], for purpose: Purpose
  ) -> (threshold: Double, value: Double) {
    precondition(
      scores.count == labels.count && scores.allSatisfy(\.isFinite),
      "a finite score for each label, got \(scores.count) and \(labels.count)")
    let order = scores.indices.sorted { scores[$0] > scores[$1] }
    let positives = labels.count { $0 }
    let negatives = labels.count - positives
    func value(_ found: Int, _ alarms: Int) -> Double {
      let missed = positives - found
      switch purpose {
      case .f1:
        let all = 2 * found + alarms + missed
        return all == 0 ? 0 : 2 * Double(found) / Double(all)
      case .cost(let alarm, let miss): return -(alarm * Double(alarms) + miss * Double(missed))
      case .youden:
        let (a, b) = (max(positives, 1), max(negatives, 1))
        return Double(found) / Double(a) - Double(alarms) / Double(b)
      }
    }
    guard let highest = order.first.map({ scores[$0] }) else { return (0.5, value(0, 0)) }
    var best = (threshold: highest.nextUp, value: value(0, 0))
    var (found, alarms) = (0, 0)
    for (place, index) in order.enumerated() {
      if labels[index] { found += 1 } else { alarms += 1 }
      let next = place + 1 < order.count ? scores[order[place + 1]] : nil
      // Equal scores are on the same side of every threshold.
      if next == scores[index] { continue }
      let here = value(found, alarms)
      if here > best.value {
        best = (next.map { ($0 + scores[index]) / 2 } ?? scores[index], here)
      }
    }
    if case .cost = purpose { best.value = -best.value }
    return best
  }

  /// The threshold of a true probability that costs least:
  /// `falsePositive / (falsePositive + falseNegative)`.
  public static func theoretical(falsePositive: Double, falseNegative: Double) -> Double {
    falsePositive / (falsePositive + falseNegative)
  }

  /// A probability learnt where positives had the share `trained`, for where they have the share
  /// `actual`. Elkan's theorem 2.
  public static func corrected(_ probability: Double, trained: Double, actual: Double) -> Double {
    let positive = probability * actual / trained
    let negative = (1 - probability) * (1 - actual) / (1 - trained)
    return positive + negative == 0 ? probability : positive / (positive + negative)
  }
}
