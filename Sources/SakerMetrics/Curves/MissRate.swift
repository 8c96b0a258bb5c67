import Foundation

/// Missed truths over false positives per picture (FPPI), a point a detection by descending score:
/// what a product feels, where the mean over all confidences misleads. Dollár et al., "Pedestrian
/// Detection: An Evaluation of the State of the Art", TPAMI 2012.
public struct MissRateCurve: Hashable, Codable, Sendable {
  /// The lowest score among the detections counted so far, descending.
  public var confidence: [Double] = []
  /// Wrong detections a picture so far.
  public var falsePositivesPerPicture: [Double] = []
  /// Share of the truths not found so far, 0...1.
  public var missRate: [Double] = []

  /// The geometric mean of the miss rate at the nine rates 0.01 ... 1, evenly spread on a
  /// logarithmic axis (section 5.2 there): at each the point with the highest rate up to it, 1 if
  /// there is none; miss rates below 1e-10 count as that. 0...1, lower is better.
  public var logAverage: Double {
    let logs = (0..<9).map { index -> Double in
      let rate = pow(10, -2 + Double(index) / 4)
      return log(max(missRate(atFalsePositivesPerPicture: rate), 1e-10))
    }
    return exp(logs.reduce(0, +) / 9)
  }

  /// The miss rate of the most detections with at most this many wrong ones a picture; 1 if already
  /// the first one is too many.
  public func missRate(atFalsePositivesPerPicture rate: Double) -> Double {
    let place = falsePositivesPerPicture.partitionPoint { $0 > rate }
    return place == 0 ? 1 : missRate[place - 1]
  }
}

extension ClassEvaluation {
  /// - Parameter pictures: all that were looked at, those without objects included.
  public func missRates(pictures: Int) -> MissRateCurve {
    precondition(pictures > 0, "false positives per picture need pictures, not \(pictures)")
    var curve = MissRateCurve()
    var right = 0
    for (index, hit) in correct.enumerated() {
      right += hit ? 1 : 0
      curve.confidence.append(scores[index])
      curve.falsePositivesPerPicture.append(Double(index + 1 - right) / Double(pictures))
      curve.missRate.append(truths == 0 ? 0 : 1 - Double(right) / Double(truths))
    }
    return curve
  }

  /// False positives a picture at a confidence.
  public func falsePositivesPerPicture(at confidence: Double, pictures: Int) -> Double {
    ratio(counts(at: confidence).falsePositives, pictures)
  }

  /// The highest confidence at which at least this share of the truths is found, and precision
  /// there; `nil` if no confidence finds so many. Precision at fixed recall: what is wrong among
  /// the alarms if only so many objects may be missed.
  public func operatingPoint(recall wanted: Double) -> OperatingPoint? {
    operatingPoint { $0.recall >= wanted }
  }

  /// The lowest confidence with at least this precision, and recall there; `nil` if none has it.
  public func operatingPoint(precision wanted: Double) -> OperatingPoint? {
    var best: OperatingPoint?
    forEachConfidence { point in
      if point.precision >= wanted { best = point }
      return true
    }
    return best
  }

  private func operatingPoint(
    _ isGood: (OperatingPoint) -> Bool
  ) -> OperatingPoint? {
    var first: OperatingPoint?
    forEachConfidence { point in
      if isGood(point) { first = point }
      return first == nil
    }
    return first
  }

  /// One call for each different score, descending, until one returns false.
  private func forEachConfidence(_ body: (OperatingPoint) -> Bool) {
    var right = 0
    for (index, hit) in correct.enumerated() {
      right += hit ? 1 : 0
      if index + 1 < scores.count, scores[index + 1] == scores[index] { continue }
      let counts = counts(ofFirst: index + 1, right: right)
      if !body(OperatingPoint(confidence: scores[index], counts: counts)) { return }
    }
  }
}

extension DetectionEvaluation {
  /// All classes' detections together.
  public var missRates: MissRateCurve { merged.missRates(pictures: max(pictures, 1)) }

  /// Mean over the classes with truths of `logAverage`; `nil` if there are none.
  public var logAverageMissRate: Double? {
    let known = classes.filter { $0.truths > 0 }.map {
      $0.missRates(pictures: max(pictures, 1)).logAverage
    }
    return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
  }
}
