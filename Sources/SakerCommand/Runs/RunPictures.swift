import Foundation
import Saker

/// What a run's folder shows besides its table: written around training, and again by
/// `saker report`.
struct RunPictures {
  let folder: RunFolder

  /// Before training: the settings, the labels, and pictures as the model will see them.
  ///
  /// - Throws: what reading pictures throws; training would meet it, too.
  func begin(_ trainer: DetectorTrainer, data: String, phase: RefitPhase? = nil) throws {
    try folder.prepare()
    let card = trainer.model.card
    try folder.writeArguments(
      trainer.settings,
      [
        "model": card.architecture, "data": data,
        "classes": card.classNames.joined(separator: ", "),
        "input": "\(card.preprocessing.width)x\(card.preprocessing.height)",
        "parameters": "\(trainer.model.parameterCount)",
      ].merging(RunPictures.told(phase)) { $1 })
    let batches = try trainer.firstBatches(3)
    attempt {
      let labels = LabelShapes(trainer.training)
      try labels.overview.write(to: folder.path + "/labels.jpg")
      try labels.correlogram.write(to: folder.path + "/labels_correlogram.jpg")
      for (number, batch) in batches.enumerated() {
        let sheet = try batch.sheet(
          card.preprocessing, classNames: card.classNames,
          title: "training batch \(number + 1), as the model sees it")
        try sheet.write(to: folder.path + "/train_batch\(number).jpg", as: .jpeg(quality: 90))
      }
    }
  }

  /// For `args.yaml`.
  static func told(_ phase: RefitPhase?) -> [String: String] {
    switch phase {
    case .choosing?: ["phase": "1 of 2, chooses the number of epochs"]
    case .refit?: ["phase": "2 of 2, trained anew on the pictures to learn from and to validate on"]
    case nil: [:]
    }
  }

  /// After training: the curves, what the best weights find in the validation data, and the page.
  func finish(_ trainer: DetectorTrainer, _ events: TensorBoardWriter?, evaluates: Bool) {
    attempt {
      var names: [String] = []
      if evaluates, let validation = trainer.validation,
        FileManager.default.fileExists(atPath: folder.best)
      {
        let model = try ModelEntry.load(DetectorCheckpoint(file: folder.best))
        let runner = DetectorRunner(
          model, precision: trainer.settings.precision, batch: trainer.settings.batch,
          workers: trainer.settings.workers, skipBad: trainer.skipBad, isQuiet: trainer.isQuiet)
        names = try EvaluationPictures(runner, over: validation).write(into: folder.path)
      }
      try show(names, events, step: trainer.lastEpoch)
      try writeReport()
    }
  }

  /// Results among the pictures, for TensorBoard.
  func show(_ names: [String], _ events: TensorBoardWriter?, step: Int) throws {
    for name in names where name.hasSuffix("_pred.jpg") || name.hasPrefix("confusion") {
      let picture = try Picture(file: folder.path + "/" + name)
      let tag = "validation/" + name.prefix { $0 != "." }
      try events?.write([.picture(tag: tag, picture)], step: step)
    }
  }

  /// `report.html` from what is in the folder.
  func writeReport() throws {
    let name = URL(fileURLWithPath: folder.path).lastPathComponent
    try RunReport(folder: folder.path, title: "Run \(name)", facts: facts()).write(
      to: folder.report)
  }

  /// The lines of `args.yaml` that people ask for first, then the last and the best epoch.
  private func facts() -> [(name: String, value: String)] {
    let text = FileManager.default.contents(atPath: folder.arguments) ?? Data()
    var settings: [String: String] = [:]
    for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
      guard let colon = line.range(of: ": ") else { continue }
      let value = line[colon.upperBound...].trimmingCharacters(in: ["\""])
      settings[String(line[..<colon.lowerBound])] = value
    }
    let shown = [
      ("model", "model"), ("parameters", "parameters"), ("data", "data"), ("classes", "classes"),
      ("input", "input, pixels"), ("phase", "phase"), ("epochs", "epochs"),
      ("lastEpoch", "of these trained"), ("batch", "pictures a step"),
      ("rule", "optimizer"), ("learningRate", "learning rate"), ("course", "schedule"),
      ("precision", "precision"), ("seed", "seed"),
    ]
    var facts = shown.compactMap { key, name in
      settings[key].flatMap { $0.isEmpty ? nil : (name: name, value: $0) }
    }
    guard let curves = try? LearningCurves(file: folder.results) else { return facts }
    for (column, name) in [("metrics/mAP50", "best mAP50"), ("metrics/top1", "best top-1")] {
      if let scores = curves.columns.first(where: { $0.name == column })?.values,
        let best = scores.indices.filter({ scores[$0].isFinite }).max(by: {
          scores[$0] < scores[$1]
        })
      {
        facts.append((name, String(format: "%.4f in epoch %d", scores[best], best + 1)))
      }
    }
    // At the same epoch: it is the same network.
    for (measure, companion, name) in [
      ("metrics/top1", "metrics/top5", "top-5 there"),
      ("metrics/mAP50", "metrics/mAP50-95", "mAP50-95 there"),
    ] {
      if let first = curves.columns.first(where: { $0.name == measure })?.values,
        let second = curves.columns.first(where: { $0.name == companion })?.values,
        let best = first.indices.filter({ first[$0].isFinite }).max(by: { first[$0] < first[$1] }),
        second[best].isFinite
      {
        facts.append((name, String(format: "%.4f", second[best])))
      }
    }
    if let epochs = (try? LearningCurves(file: folder.refit.results))?.columns.first?.values.count {
      facts.append(("refit", "\(epochs) epochs, in refit/report.html"))
    }
    if let seconds = curves.columns.first(where: { $0.name == "time" })?.values.last {
      facts.append(("time", ProgressLine.clock(seconds)))
    }
    return facts
  }

  /// A picture that cannot be drawn costs nobody a run.
  func attempt(_ body: () throws -> Void) {
    do { try body() } catch { note("\(folder.path): a picture is missing: \(error)") }
  }
}

extension EvaluationPictures {
  /// Runs a detector over a data set. Pictures that break are left out if the runner skips them.
  init(_ runner: DetectorRunner, over dataset: DetectionDataset) throws {
    var (results, items): ([PictureResult], [DetectionDataset.Item]) = ([], [])
    try runner.run(over: dataset, DetectionOptions(), "pictures") { found in
      let item = dataset.items[found.index]
      items.append(item)
      results.append(PictureResult(detections: found.detections, truths: item.annotations))
    }
    self.init(items: items, results: results, classNames: dataset.classes)
  }
}

extension Trainer {
  var lastEpoch: Int { results.last?.epoch ?? 0 }
}

extension TensorBoardWriter {
  /// An epoch's numbers under the names of `results.csv`, and how the weights lie.
  func write(_ result: EpochResult, _ task: some TrainingTask) throws {
    var scalars = task.columns.map { ($0.title, result[$0]) }
    scalars += [("lr", result.learningRate), ("images_per_second", result.imagesPerSecond)]
    try write(
      scalars.compactMap { name, value in value.map { .scalar(tag: name, Float($0)) } },
      step: result.epoch)
    let weights = task.network.namedParameters.filter { $0.parameter.shape.rank > 1 }
    try write(
      weights.map {
        .histogram(
          tag: "weights/" + $0.name,
          TensorBoardEvent.Histogram($0.parameter.value.converted(to: .float32).floats))
      }, step: result.epoch)
    try flush()
  }
}
