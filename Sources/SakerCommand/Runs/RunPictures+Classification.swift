import Foundation
import Saker

extension RunPictures {
  /// Before a classifier's training: the settings, and pictures as the network will see them.
  ///
  /// - Throws: what reading pictures throws; training would meet it, too.
  func begin(_ trainer: ClassifierTrainer, data: String, phase: RefitPhase? = nil) throws {
    try folder.prepare()
    let card = trainer.card
    try folder.writeArguments(
      trainer.settings,
      [
        "model": card.architecture, "stem": card.variant.stem.rawValue,
        "width": "\(card.variant.width)", "data": data,
        "classes": card.classNames.joined(separator: ", "),
        "input": "\(card.input.side)x\(card.input.side)",
        "parameters": "\(trainer.model.parameterCount)",
      ].merging(RunPictures.told(phase)) { $1 })
    let batches = try trainer.firstBatches(3)
    attempt {
      for (number, batch) in batches.enumerated() {
        let place = StepPlace(epoch: 0, batch: number)
        let sheet = try trainer.task.sheet(
          batch, trainer.settings, place,
          title: "training batch \(number + 1), as the network sees it")
        try sheet.write(to: folder.path + "/train_batch\(number).jpg", as: .jpeg(quality: 90))
      }
    }
  }

  /// After a classifier's training: the curves, what the best weights say of pictures they did not
  /// learn from, and the page.
  ///
  /// - Parameter evaluation: of the validation data, or of the test data.
  func finish(
    _ trainer: ClassifierTrainer, _ events: TensorBoardWriter?,
    _ evaluation: (ClassificationEvaluation, ClassificationDataset)?
  ) {
    attempt {
      if let (evaluation, dataset) = evaluation {
        let pictures = ClassificationPictures(evaluation, dataset)
        try show(pictures.write(into: folder.path), events, step: trainer.lastEpoch)
      }
      try writeReport()
    }
  }
}

extension ClassificationTask {
  /// The first pictures of a batch as the network sees them: mixed, with the normalization undone,
  /// and their classes below.
  func sheet(
    _ batch: Batch, _ settings: TrainingSettings, _ place: StepPlace, title: String
  ) throws -> Picture {
    var plain = settings
    plain.precision = .float32
    let (images, targets) = inputs(batch, plain, at: place)
    let side = card.input.side
    let (mean, std) = (card.input.mean, card.input.std)
    let shares: [[Float]]? =
      if case .shares(let shares) = targets.truth {
        (0..<batch.count).map { shares[$0].floats }
      } else { nil }
    let tiles = (0..<min(batch.count, 16)).map { index -> ContactSheet.Tile in
      let values = images[index].contiguous().floats
      var picture = Picture(width: side, height: side)
      for channel in 0..<3 {
        let source = card.input.channels == 1 ? 0 : card.input.order == .bgr ? 2 - channel : channel
        for pixel in 0..<side * side {
          let level = (values[source * side * side + pixel] * std[source] + mean[source]) * 255
          picture.pixels[3 * pixel + channel] =
            level.isFinite ? UInt8(min(max(level, 0), 255).rounded()) : 0
        }
      }
      let row = shares?[index] ?? []
      let told = row.indices.filter { row[$0] > 0.005 }.sorted { row[$0] > row[$1] }.map {
        row[$0] > 0.995
          ? card.classNames[$0] : "\(card.classNames[$0]) \(String(format: "%.2f", row[$0]))"
      }
      let caption =
        shares == nil
        ? batch.classes[index].map { card.classNames[$0.label] }.joined()
        : told.joined(separator: ", ")
      return ContactSheet.Tile(picture.enlarged, caption: caption)
    }
    var sheet = ContactSheet(tiles)
    sheet.tileWidth = 220
    sheet.title = title
    return try sheet.picture()
  }
}
