import SakerData

/// The matched detections of one class: `scores` descending, and for each whether it is right.
public struct ClassEvaluation: Sendable {
  public let name: String
  /// Truths that count; `difficult` ones are not among them.
  public let truths: Int
  public let difficult: Int
  /// Scores of the detections that count, descending. Those on difficult truths are left out.
  public let scores: [Double]
  /// Whether the detection at the same place of `scores` found a truth that none before it had
  /// found.
  public let correct: [Bool]

  public var detections: Int { scores.count }

  init(
    name: String, found: [Candidate], truths: [Int: [Annotation]], iouThreshold: Double,
    rule: PixelRule
  ) {
    self.name = name
    let all = truths.values.reduce(0) { $0 + $1.count }
    difficult = truths.values.reduce(0) { $0 + $1.count { $0.difficult } }
    self.truths = all - difficult

    // The library's sort does not promise to keep the order of equals, so the order is part of the
    // key.
    let order = found.indices.sorted {
      (found[$1].score, $0) < (found[$0].score, $1)
    }
    var taken = truths.mapValues { Array(repeating: false, count: $0.count) }
    var scores: [Double] = []
    var correct: [Bool] = []
    for index in order {
      let candidate = found[index]
      var best: (iou: Double, truth: Int)?
      for (i, truth) in (truths[candidate.picture] ?? []).enumerated() {
        let iou = candidate.detection.box.iou(truth.box, rule: rule)
        if iou >= iouThreshold, iou > best?.iou ?? -1 { best = (iou, i) }
      }
      var hit = false
      if let best, let here = truths[candidate.picture] {
        if here[best.truth].difficult { continue }
        hit = taken[candidate.picture]?[best.truth] == false
        taken[candidate.picture]?[best.truth] = true
      }
      scores.append(candidate.score)
      correct.append(hit)
    }
    self.scores = scores
    self.correct = correct
  }

  /// The outcomes of the detections with `score >= confidence`.
  public func counts(at confidence: Double) -> DetectionCounts {
    // A detection's outcome depends on better ones only, so a prefix of the list is the evaluation
    // of the prefix.
    let limit = asScore(confidence)
    let kept = scores.partitionPoint { $0 < limit }
    return counts(ofFirst: kept, right: correct[..<kept].count { $0 })
  }

  func counts(ofFirst kept: Int, right: Int) -> DetectionCounts {
    DetectionCounts(
      truePositives: right, falsePositives: kept - right, falseNegatives: truths - right)
  }
}

/// A confidence as a score would hold it: scores are single precision, and one of 0.7 must reach a
/// confidence of 0.7.
func asScore(_ confidence: Double) -> Double { Double(Float(confidence)) }

extension Array {
  /// Index of the first element that satisfies a condition which no element before and every
  /// element after it does.
  func partitionPoint(_ condition: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if condition(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
