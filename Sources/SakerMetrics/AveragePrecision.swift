/// Which area under the precision-recall curve.
public enum AveragePrecisionKind: String, Codable, Sendable, CaseIterable {
  /// The whole area under the envelope; Pascal VOC from 2010 on.
  case allPoints
  /// The envelope's mean at the recalls 0, 0.1, ... 1; Pascal VOC 2007.
  case elevenPoints
}

/// Precision and recall after each detection, by descending score.
public struct PrecisionRecallCurve: Hashable, Codable, Sendable {
  /// The lowest score among the detections counted so far.
  public var confidence: [Double] = []
  public var precision: [Double] = []
  public var recall: [Double] = []
  /// The best precision at this recall or a higher one: the envelope whose area average precision
  /// is.
  public var envelope: [Double] = []

  /// The envelope at a recall of 0...1; 0 beyond the highest recall reached.
  public func precision(atRecall wanted: Double) -> Double {
    let place = recall.partitionPoint { $0 >= wanted }
    return place < envelope.count ? envelope[place] : 0
  }
}

extension ClassEvaluation {
  /// One point a detection. Empty without truths.
  public var precisionRecall: PrecisionRecallCurve {
    var curve = PrecisionRecallCurve()
    guard truths > 0 else { return curve }
    var right = 0
    for (index, hit) in correct.enumerated() {
      right += hit ? 1 : 0
      curve.confidence.append(scores[index])
      curve.precision.append(ratio(right, index + 1))
      curve.recall.append(ratio(right, truths))
    }
    var best = 0.0
    curve.envelope = curve.precision.reversed().map {
      best = max(best, $0)
      return best
    }.reversed()
    return curve
  }

  /// Average precision, 0...1; `nil` for a class without truths, where it means nothing.
  public func averagePrecision(_ kind: AveragePrecisionKind = .allPoints) -> Double? {
    guard truths > 0 else { return nil }
    let envelope = precisionRecall.envelope
    switch kind {
    case .allPoints:
      // Recall rises by 1/truths at every right detection and nowhere else.
      let sum = zip(envelope, correct).reduce(0) { $0 + ($1.1 ? $1.0 : 0) }
      return sum / Double(truths)
    case .elevenPoints:
      // Integers decide which recall is reached: 6 of 10 reaches 0.6, which 6.0 / 10 >= 0.1 * 6
      // denies.
      var (level, right, sum) = (0, 0, 0.0)
      for (index, hit) in correct.enumerated() where hit || level == 0 {
        right += hit ? 1 : 0
        while level <= 10, 10 * right >= level * truths {
          sum += envelope[index]
          level += 1
        }
      }
      return sum / 11
    }
  }
}
