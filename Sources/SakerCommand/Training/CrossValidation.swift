import ArgumentParser
import Foundation
import Saker

/// Which part of the data a fold of cross-validation holds out.
struct FoldChoice {
  /// From 1.
  let number: Int
  let of: Int

  /// The training images, divided into folds; the test data are held out from all of them.
  ///
  /// - Throws: `TrainingError` if there are fewer pictures than parts.
  func divide(_ parts: ClassificationParts, seed: UInt64) throws -> ClassificationParts {
    let all = parts.training
    guard of <= all.count, (1...of).contains(number) else {
      throw TrainingError("folds: expected 2...\(all.count) for \(all.count) pictures, got \(of)")
    }
    let fold = Split.folds(all.count, into: of, labels: all.labels, seed: seed)[number - 1]
    func part(_ indices: [Int]) -> ClassificationDataset {
      ClassificationDataset(
        classes: all.classes, items: indices.map { all.items[$0] }, archive: all.archive)
    }
    var divided = parts
    (divided.training, divided.validation) = (part(fold.training), part(fold.validation))
    return divided
  }
}

/// `saker train --folds`: a run for each part of the data, and what they have in common.
struct CrossValidation {
  let command: TrainCommand
  let folds: Int

  init(_ command: TrainCommand, folds: Int) {
    self.command = command
    self.folds = folds
  }

  struct Row: Encodable {
    var fold: Int
    var run: String
    /// Pictures to learn from, and aside.
    var training, validation: Int
    /// After the last epoch: nobody chose it by these pictures.
    var top1, top5, loss: Double
    /// Of the epoch that was best on these pictures: flattered.
    var bestTop1: Double
    /// Of the best weights on the test data, where there are any.
    var testTop1: Double?
  }

  struct Spread: Encodable {
    var mean, deviation: Double

    /// The deviation of a sample: the sum of squares is divided by one less.
    init(_ values: [Double]) {
      mean = values.reduce(0, +) / Double(max(values.count, 1))
      let mean = mean
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      deviation = values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : 0
    }
  }

  private struct Report: Encodable {
    var run: String
    var folds: [Row]
    var top1, top5, loss: Spread
    var testTop1: Spread?
  }

  func run() throws {
    let json = command.common.json
    let claim = try RunClaim.of(command.out, else: "runs/folds", overwrite: command.overwrite)
    let folder = claim.folder
    var rows: [Row] = []
    for number in 1...folds {
      if !json { print("fold \(number) of \(folds)") }
      let job = try ClassificationJob(
        starting: command, into: RunFolder(folder.path + "/fold\(number)"),
        fold: FoldChoice(number: number, of: folds))
      if number == 1 { try claim.clear(overwrite: command.overwrite) }
      try job.run(
        json: json, profile: false, pictures: !command.noPictures, silent: json)
      let trainer = job.trainer
      guard let last = trainer.results.last else { continue }
      rows.append(
        Row(
          fold: number, run: trainer.folder.path, training: trainer.training.count,
          validation: trainer.validation?.count ?? 0, top1: last.top1 ?? 0, top5: last.top5 ?? 0,
          loss: last.valLoss ?? 0, bestTop1: trainer.results.compactMap(\.top1).max() ?? 0,
          testTop1: try job.testResult()?.top1))
    }
    let tests = rows.compactMap(\.testTop1)
    let report = Report(
      run: folder.path, folds: rows, top1: Spread(rows.map(\.top1)), top5: Spread(rows.map(\.top5)),
      loss: Spread(rows.map(\.loss)), testTop1: tests.isEmpty ? nil : Spread(tests))
    try write(report, folder)
    if json { return try printJSON(report) }
    print("fold    train  held-out    top-1    top-5     loss")
    for row in rows {
      print(
        String(
          format: "%4d   %6d  %8d   %.4f   %.4f   %.4f", row.fold, row.training, row.validation,
          row.top1, row.top5, row.loss))
    }
    print(
      String(
        format:
          "mean                      %.4f   %.4f   %.4f\n±                         %.4f   %.4f   %.4f",
        report.top1.mean, report.top5.mean, report.loss.mean, report.top1.deviation,
        report.top5.deviation, report.loss.deviation))
    if let test = report.testTop1 {
      print(String(format: "test: top-1 %.4f ± %.4f", test.mean, test.deviation))
    }
    print("done: \(folder.path)/folds.csv")
  }

  /// `folds.csv` and `folds.json`.
  private func write(_ report: Report, _ folder: RunFolder) throws {
    let lines = report.folds.map { row in
      [
        "\(row.fold)", "\(row.training)", "\(row.validation)", "\(row.top1)", "\(row.top5)",
        "\(row.loss)", "\(row.bestTop1)", row.testTop1.map { "\($0)" } ?? "",
      ].joined(separator: ",") + "\n"
    }
    let header = "fold,training,validation,top1,top5,loss,best_top1,test_top1\n"
    try RunFolder.write(header + lines.joined(), to: folder.path + "/folds.csv")
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    try RunFolder.write(
      String(decoding: try encoder.encode(report), as: UTF8.self) + "\n",
      to: folder.path + "/folds.json")
  }
}
