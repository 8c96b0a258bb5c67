import Foundation

/// Evaluation of a classifier: each image has one true class and a probability for every class.
public struct ClassificationEvaluation: Sendable {
  public let classNames: [String]
  /// Probabilities of each image, one per class.
  public let probabilities: [[Float]]
  public let truths: [Int]
  /// Index of each image in the data.
  public let indices: [Int]
  /// The class of the highest probability; of equal ones the first.
  public let predictions: [Int]
  public let confusion: ConfusionMatrix

  public init(
    probabilities: [[Float]], truths: [Int], classNames: [String], indices: [Int]? = nil
  ) {
    precondition(
      probabilities.count == truths.count,
      "\(probabilities.count) predictions, \(truths.count) truths")
    self.classNames = classNames
    self.probabilities = probabilities
    self.truths = truths
    self.indices = indices ?? Array(truths.indices)
    predictions = probabilities.map { row in
      row.indices.reduce(0) { row[$1] > row[$0] ? $1 : $0 }
    }
    confusion = ConfusionMatrix(
      predicted: predictions, truths: truths, classNames: classNames)
  }

  public var count: Int { truths.count }

  /// Share of pictures whose class has the highest probability, 0...1.
  public var top1: Double { confusion.accuracy }

  /// Share of pictures whose class is among the `k` of the highest probabilities.
  public func topK(_ k: Int) -> Double {
    topKAccuracy(scores: probabilities.map { $0.map(Double.init) }, truths: truths, k: k)
  }

  /// Cross-entropy, the mean of `−log p` of the true classes; a probability of 0 counts as the
  /// least normal one.
  public var loss: Double {
    guard !truths.isEmpty else { return 0 }
    let sum = zip(probabilities, truths).reduce(0.0) { sum, pair in
      sum - log(Double(max(pair.0[pair.1], .leastNormalMagnitude)))
    }
    return sum / Double(truths.count)
  }

  /// What is known of one class.
  public struct ClassMeasures: Codable, Hashable, Sendable {
    public let name: String
    /// Pictures of the class.
    public let pictures: Int
    /// Of the images predicted as the class, the share that are; 0 if there are none.
    public let precision: Double
    /// Of the images of the class, the share predicted so; 0 if there are none.
    public let recall: Double
    public let f1: Double
  }

  /// Measures of each class, in order.
  public var classes: [ClassMeasures] {
    classNames.indices.map { index in
      let right = confusion.counts[index][index]
      let told = confusion.counts[index].reduce(0, +)
      let there = confusion.counts.reduce(0) { $0 + $1[index] }
      return ClassMeasures(
        name: classNames[index], pictures: there, precision: ratio(right, told),
        recall: ratio(right, there), f1: ratio(2 * right, told + there))
    }
  }

  /// The mean F1 of the classes that have pictures.
  public var macroF1: Double {
    let known = classes.filter { $0.pictures > 0 }
    return known.isEmpty ? 0 : known.reduce(0) { $0 + $1.f1 } / Double(known.count)
  }

  /// The mean recall of the classes that have pictures: what top-1 would be with
  /// classes of one size.
  public var balancedAccuracy: Double {
    let known = classes.filter { $0.pictures > 0 }
    return known.isEmpty ? 0 : known.reduce(0) { $0 + $1.recall } / Double(known.count)
  }

  /// Rows of misclassified images, the most confident first.
  public var worst: [Int] {
    truths.indices.filter { predictions[$0] != truths[$0] }.sorted {
      let (a, b) = (probabilities[$0][predictions[$0]], probabilities[$1][predictions[$1]])
      return (b, $0) < (a, $1)
    }
  }

  /// Everything for people and for JSON.
  public struct Report: Codable, Hashable, Sendable, CustomStringConvertible {
    public let pictures: Int
    public let top1, top5, loss, macroF1, balancedAccuracy: Double
    public let classes: [ClassMeasures]
    /// `[predicted][true]`
    public let confusion: [[Int]]

    public var description: String {
      let width = max(5, classes.map(\.name.count).max() ?? 0)
      func cell(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
      }
      let head = cell("class", width) + "  pictures  precision  recall    F1"
      let rows = classes.map { entry in
        cell(entry.name, width)
          + String(
            format: "  %8d  %9.4f  %6.4f  %6.4f", entry.pictures, entry.precision, entry.recall,
            entry.f1)
      }
      let last = String(
        format: "top-1 %.4f, top-5 %.4f, loss %.4f, mean F1 %.4f, balanced accuracy %.4f", top1,
        top5, loss, macroF1, balancedAccuracy)
      return ([head] + rows + [last]).joined(separator: "\n")
    }
  }

  public var report: Report {
    Report(
      pictures: count, top1: top1, top5: topK(5), loss: loss, macroF1: macroF1,
      balancedAccuracy: balancedAccuracy, classes: classes, confusion: confusion.counts)
  }
}
