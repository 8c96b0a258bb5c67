import Foundation

/// Pixels of label maps counted: what each pixel is, and what it was taken for. All measures of
/// semantic segmentation are read from the counts, so sets of pictures add up.
public struct SegmentationEvaluation: Hashable, Codable, Sendable {
  public let classes: Int
  /// Pixels, `counts[truth * classes + predicted]`.
  public private(set) var counts: [Int]
  /// Pixels of a class that were taken for something outside `0..<classes`.
  public private(set) var lost: [Int]

  public init(classes: Int) {
    precondition(classes > 0, "segmentation needs classes, not \(classes)")
    self.classes = classes
    counts = Array(repeating: 0, count: classes * classes)
    lost = Array(repeating: 0, count: classes)
  }

  /// Counts one picture. Pixels whose truth is outside `0..<classes` (255 in Pascal VOC and
  /// Cityscapes) don't count.
  public mutating func add<Label: FixedWidthInteger>(predicted: [Label], truths: [Label]) {
    precondition(
      predicted.count == truths.count,
      "label maps of one size expected, got \(predicted.count) and \(truths.count) pixels")
    let classes = UInt(self.classes)
    counts.withUnsafeMutableBufferPointer { counts in
      for index in truths.indices {
        // Below 0 becomes far above.
        let truth = UInt(truncatingIfNeeded: truths[index])
        let found = UInt(truncatingIfNeeded: predicted[index])
        guard truth < classes else { continue }
        if found < classes {
          counts[Int(truth * classes + found)] += 1
        } else {
          lost[Int(truth)] += 1
        }
      }
    }
  }

  public static func + (a: Self, b: Self) -> Self {
    precondition(a.classes == b.classes, "\(a.classes) and \(b.classes) classes don't add up")
    var sum = a
    for index in sum.counts.indices { sum.counts[index] += b.counts[index] }
    for index in sum.lost.indices { sum.lost[index] += b.lost[index] }
    return sum
  }

  private func truths(_ c: Int) -> Int {
    counts[c * classes..<(c + 1) * classes].reduce(lost[c], +)
  }
  private func found(_ c: Int) -> Int {
    (0..<classes).reduce(0) { $0 + counts[$1 * classes + c] }
  }
  private func right(_ c: Int) -> Int { counts[c * classes + c] }

  /// Share of the pixels that are right, 0...1.
  public var pixelAccuracy: Double {
    ratio(
      (0..<classes).reduce(0) { $0 + right($1) }, (0..<classes).reduce(0) { $0 + truths($1) })
  }

  /// Share of each class's pixels that are right; `nil` for a class that isn't there.
  public var classAccuracy: [Double?] {
    (0..<classes).map { truths($0) == 0 ? nil : ratio(right($0), truths($0)) }
  }

  /// Intersection over union of each class, over all pictures; `nil` for a class that is neither
  /// there nor found.
  public var iou: [Double?] {
    (0..<classes).map {
      let union = truths($0) + found($0) - right($0)
      return union == 0 ? nil : ratio(right($0), union)
    }
  }

  /// Twice the intersection over the sum of each class, which is its F1; `nil` as for `iou`.
  public var dice: [Double?] {
    (0..<classes).map {
      let sum = truths($0) + found($0)
      return sum == 0 ? nil : ratio(2 * right($0), sum)
    }
  }

  /// Means over the classes that aren't `nil`; 0 if all are.
  public var meanAccuracy: Double { mean(classAccuracy) }
  public var meanIoU: Double { mean(iou) }
  public var meanDice: Double { mean(dice) }

  /// IoU weighted by how many pixels a class has (Long et al., arXiv:1411.4038).
  public var frequencyWeightedIoU: Double {
    let all = (0..<classes).reduce(0) { $0 + truths($1) }
    return zip(0..<classes, iou).reduce(0) { $0 + ($1.1 ?? 0) * ratio(truths($1.0), all) }
  }

  private func mean(_ values: [Double?]) -> Double {
    let known = values.compactMap { $0 }
    return known.isEmpty ? 0 : known.reduce(0, +) / Double(known.count)
  }
}

extension SegmentationEvaluation {
  /// The measures as JSON, fields as `snake_case`, numbers in full precision; `null` for classes
  /// that are neither there nor found.
  public var json: String {
    struct Report: Encodable {
      var pixelAccuracy, meanAccuracy, meanIou, meanDice, frequencyWeightedIou: Double
      var iou, dice, classAccuracy: [Double?]
    }
    let last = (iou.lastIndex { $0 != nil } ?? -1) + 1
    return metricsJSON(
      Report(
        pixelAccuracy: pixelAccuracy, meanAccuracy: meanAccuracy, meanIou: meanIoU,
        meanDice: meanDice, frequencyWeightedIou: frequencyWeightedIoU,
        iou: Array(iou.prefix(last)), dice: Array(dice.prefix(last)),
        classAccuracy: Array(classAccuracy.prefix(last))))
  }

  /// A row a class, then the means.
  public var table: String {
    func number(_ value: Double?) -> String {
      let text = value.map { String(format: "%.4f", $0) } ?? "-"
      return String(repeating: " ", count: max(10 - text.count, 0)) + text
    }
    var lines = ["class       IoU      Dice  accuracy"]
    for label in 0..<classes where iou[label] != nil {
      lines.append(
        "\(label)".padding(toLength: 5, withPad: " ", startingAt: 0) + number(iou[label])
          + number(dice[label]) + number(classAccuracy[label]))
    }
    lines.append("mean " + number(meanIoU) + number(meanDice) + number(meanAccuracy))
    lines.append(
      String(
        format: "pixel accuracy %.4f, frequency-weighted IoU %.4f", pixelAccuracy,
        frequencyWeightedIoU))
    return lines.joined(separator: "\n")
  }
}
