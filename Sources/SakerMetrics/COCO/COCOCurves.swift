import SakerTensor

/// Precision and recall of one category.
struct COCOCategoryCurves {
  struct Area {
    var truths = 0
    /// At the 101 recalls, for each threshold; empty without truths.
    var precision: [[Double]] = []
    /// For each threshold; empty without truths.
    var recall: [Double] = []
  }

  var detections = 0
  /// All, small, medium, large, with 100 detections a picture.
  var areas = [Area](repeating: Area(), count: 4)
  /// Recall of objects of any area, with 1 and 10 detections a picture; empty without truths.
  var fewRecall: [[Double]] = [[], []]

  init() {}

  init(_ outcomes: COCOOutcomes) {
    detections = outcomes.scores.count
    guard outcomes.truths[0] > 0 else { return }
    let order = outcomes.scores.indices.sorted {
      (outcomes.scores[$1], $0) < (outcomes.scores[$0], $1)
    }
    for area in 0..<4 where outcomes.truths[area] > 0 {
      let truths = outcomes.truths[area]
      areas[area].truths = truths
      areas[area].measure(order, outcomes.matched[area], outcomes.ignored[area])
    }
    fewRecall = COCOEvaluation.limits.prefix(2).map { limit in
      (0..<10).map { threshold in
        let bit = UInt16(1) << UInt16(threshold)
        var right = 0
        for index in order where Int(outcomes.ranks[index]) < limit {
          if outcomes.matched[0][index] & ~outcomes.ignored[0][index] & bit != 0 { right += 1 }
        }
        return Double(right) / Double(outcomes.truths[0])
      }
    }
  }

  /// The 12 numbers of these categories together: means over thresholds, recalls and
  /// categories with truths.
  static func stats(_ curves: [Self]) -> [Double] {
    func precision(_ area: Int, _ threshold: Int? = nil) -> Double {
      var mean = Mean()
      for curve in curves {
        for (index, row) in curve.areas[area].precision.enumerated()
        where threshold ?? index == index {
          for value in row { mean.add(value) }
        }
      }
      return mean.value
    }
    func recall(_ values: (Self) -> [Double]) -> Double {
      var mean = Mean()
      for curve in curves {
        for value in values(curve) { mean.add(value) }
      }
      return mean.value
    }
    return [
      precision(0), precision(0, 0), precision(0, 5), precision(1), precision(2), precision(3),
      recall { $0.fewRecall[0] }, recall { $0.fewRecall[1] },
    ] + (0..<4).map { area in recall { $0.areas[area].recall } }
  }
}

/// The mean of what was added; -1 of nothing.
private struct Mean {
  private var sum = 0.0
  private var lost = 0.0
  private var count = 0

  /// Kahan's sum: what rounding loses is added with the next number.
  mutating func add(_ value: Double) {
    let next = value - lost
    let total = sum + next
    lost = (total - sum) - next
    sum = total
    count += 1
  }

  var value: Double { count == 0 ? -1 : sum / Double(count) }
}

extension COCOCategoryCurves.Area {
  /// - Parameter order: detections by descending score.
  fileprivate mutating func measure(_ order: [Int], _ matched: [UInt16], _ ignored: [UInt16]) {
    // The envelope changes only where a detection is right, so only there precision is kept.
    var precisions = [[Double]](repeating: [], count: 10)
    var right = [Int](repeating: 0, count: 10)
    var wrong = [Int](repeating: 0, count: 10)
    // Most detections are wrong at all thresholds: counted once.
    var alwaysWrong = 0
    for index in order {
      let counting = ~ignored[index] & COCOCases.allThresholds
      let hits = matched[index] & counting
      if hits == 0 && counting == COCOCases.allThresholds {
        alwaysWrong += 1
        continue
      }
      for threshold in 0..<10 where counting >> UInt16(threshold) & 1 != 0 {
        guard hits >> UInt16(threshold) & 1 != 0 else {
          wrong[threshold] += 1
          continue
        }
        right[threshold] += 1
        let (tp, fp) = (Double(right[threshold]), Double(wrong[threshold] + alwaysWrong))
        // As pycocotools has it, against 0/0.
        precisions[threshold].append(tp / (fp + tp + Double.ulpOfOne))
      }
    }
    recall = right.map { Double($0) / Double(truths) }
    precision = precisions.map { sample($0) }
  }

  /// The envelope at the 101 recalls, from the precision after each right detection.
  private func sample(_ precision: [Double]) -> [Double] {
    var envelope = precision
    for index in envelope.indices.dropLast().reversed() {
      envelope[index] = max(envelope[index], envelope[index + 1])
    }
    var index = 0
    return COCOEvaluation.recalls.map { recall in
      while index < envelope.count, Double(index + 1) / Double(truths) < recall { index += 1 }
      return index < envelope.count ? envelope[index] : 0
    }
  }
}

extension COCOCases {
  /// All categories, on all cores.
  func curves() -> [COCOCategoryCurves] {
    var curves = [COCOCategoryCurves](repeating: COCOCategoryCurves(), count: categoryIDs.count)
    curves.withUnsafeMutableBufferPointer { curves in
      nonisolated(unsafe) let curves = curves
      // Neighbours go to different cores: files often list frequent categories first.
      let count = categoryIDs.count
      let order =
        Array(stride(from: 0, to: count, by: 2)) + Array(stride(from: 1, to: count, by: 2))
      Parallel.run(count) { range in
        for category in order[range] {
          curves[category] = COCOCategoryCurves(outcomes(category: category))
        }
      }
    }
    return curves
  }
}
