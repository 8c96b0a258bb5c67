import Foundation
import SakerData
import SakerMetrics

/// What a classifier says of a data set, as pictures: confusion, pictures with truths and predictions, and its worst mistakes.
public struct ClassificationPictures {
  public let evaluation: ClassificationEvaluation
  public let dataset: ClassificationDataset

  public init(_ evaluation: ClassificationEvaluation, _ dataset: ClassificationDataset) {
    self.evaluation = evaluation
    self.dataset = dataset
  }

  /// Writes all of them under the names of run folders.
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
    return names
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
