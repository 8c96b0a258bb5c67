import Foundation
import SakerData
import SakerMetrics

/// What a classifier says of a data set, as pictures: confusion, pictures with truths and
/// predictions, and its worst mistakes.
public struct ClassificationPictures {
  public let evaluation: ClassificationEvaluation
  public let dataset: ClassificationDataset

  public init(_ evaluation: ClassificationEvaluation, _ dataset: ClassificationDataset) {
    self.evaluation = evaluation
    self.dataset = dataset
  }

  /// The table of classes: images, precision, recall and F1.
  public static let classTable = "classes.csv"
  /// The table of misclassified images, the most confident first.
  public static let worstTable = "worst_pictures.csv"

  /// Writes all of them under the names of run folders, and the two tables.
  ///
  /// - Returns: the files' names.
  /// - Throws: `PlotError` or `PictureError` that names a file.
  @discardableResult
  public func write(into folder: String) throws -> [String] {
    guard evaluation.count > 0 else { return [] }
    var names = ["confusion_matrix.png", "confusion_matrix_normalized.png"]
    try evaluation.confusion.drawing(normalized: false).write(to: folder + "/" + names[0])
    try evaluation.confusion.drawing(normalized: true).write(to: folder + "/" + names[1])
    // Pictures from all over the data: sets are often sorted by class.
    let shown = 3 * ClassificationPictures.perSheet
    let step = max(1, evaluation.count / shown)
    let rows = Array(stride(from: 0, to: evaluation.count, by: step).prefix(shown))
    for number in 0..<3 {
      let part = rows.dropFirst(number * ClassificationPictures.perSheet)
        .prefix(ClassificationPictures.perSheet)
      guard !part.isEmpty else { break }
      for (kind, title) in [("labels", "truths"), ("pred", "what the network says")] {
        let name = "val_batch\(number)_\(kind).jpg"
        try sheet(Array(part), title: title) { row in
          kind == "labels" ? truth(row) : "\(prediction(row)) \(score(row))"
        }.write(to: folder + "/" + name, as: .jpeg(quality: 90))
        names.append(name)
      }
    }
    let worst = Array(evaluation.worst.prefix(ClassificationPictures.perSheet))
    if !worst.isEmpty {
      let name = "worst_pictures.jpg"
      try sheet(worst, title: "told wrong, the surest first") { row in
        "\(prediction(row)) \(score(row)), is \(truth(row))"
      }.write(to: folder + "/" + name, as: .jpeg(quality: 90))
      names.append(name)
    }
    for (name, rows) in [
      (ClassificationPictures.classTable, classRows),
      (ClassificationPictures.worstTable, worstRows),
    ] where rows.count > 1 {
      try writeAtomically(Array(TextTable.text(rows).utf8), to: folder + "/" + name)
      names.append(name)
    }
    return names
  }

  private var classRows: [[String]] {
    let known = evaluation.classes.filter { $0.pictures > 0 }
    let precision = known.reduce(0) { $0 + $1.precision } / Double(max(known.count, 1))
    let mean = ["mean of the classes", "\(evaluation.count)", precision.fixed(4)]
    return [["class", "pictures", "precision", "recall", "F1"]]
      + evaluation.classes.map {
        [$0.name, "\($0.pictures)", $0.precision.fixed(4), $0.recall.fixed(4), $0.f1.fixed(4)]
      }
      + [mean + [evaluation.balancedAccuracy.fixed(4), evaluation.macroF1.fixed(4)]]
  }

  private var worstRows: [[String]] {
    [["picture", "is", "told", "probability", "of what it is"]]
      + evaluation.worst.prefix(1000).map { row in
        let index = evaluation.indices[row]
        // Pictures of an archive have no file of their own.
        let file = (dataset.file(of: index) as NSString).lastPathComponent
        let probabilities = evaluation.probabilities[row]
        return [
          dataset.archive == nil ? file : dataset.name(of: index), truth(row), prediction(row),
          score(row), Double(probabilities[evaluation.truths[row]]).fixed(2),
        ]
      }
  }

  private static let perSheet = 16

  private func truth(_ row: Int) -> String { evaluation.classNames[evaluation.truths[row]] }
  private func prediction(_ row: Int) -> String {
    evaluation.classNames[evaluation.predictions[row]]
  }
  private func score(_ row: Int) -> String {
    Double(evaluation.probabilities[row][evaluation.predictions[row]]).fixed(2)
  }

  private func sheet(
    _ rows: [Int], title: String, caption: (Int) -> String
  ) throws -> Picture {
    let tiles = rows.compactMap { row -> ContactSheet.Tile? in
      guard let picture = try? dataset.picture(at: evaluation.indices[row]) else { return nil }
      return ContactSheet.Tile(picture.enlarged, caption: caption(row))
    }
    var sheet = ContactSheet(tiles)
    sheet.tileWidth = 260
    sheet.title = title
    return try sheet.picture()
  }
}

extension Picture {
  /// Small pictures with every pixel as a square, so that nothing blurs them later.
  public var enlarged: Picture {
    let factor = 160 / max(width, height)
    guard factor > 1 else { return self }
    var large = Picture(width: width * factor, height: height * factor)
    for y in 0..<large.height {
      for x in 0..<large.width {
        let (from, to) = (3 * (y / factor * width + x / factor), 3 * (y * large.width + x))
        for channel in 0..<3 { large.pixels[to + channel] = pixels[from + channel] }
      }
    }
    return large
  }
}
