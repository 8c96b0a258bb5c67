import ArgumentParser
import Foundation
import Saker

/// A training run from the command line: data, model and trainer, and what is told about them.
struct TrainingJob {
  let trainer: DetectorTrainer
  private let anchorReport: AnchorReport?
  private let isResumed: Bool
  /// Where the pictures come from, for people.
  private let data: String

  /// Keys of what a resumed run must find again.
  private enum Origin {
    static let data = "data", train = "train_split", val = "val_split", loss = "loss"
  }

  init(starting command: TrainCommand) throws {
    let entry = try ModelEntry.named(command.model)
    let (trainSplit, valSplit) = try TrainingJob.splits(command)
    let (training, validation) = try command.source.datasets(
      training: trainSplit, validation: valSplit)
    guard !training.classes.isEmpty else {
      throw TrainingError("the training data name no class: expected at least one object")
    }
    var preprocessing = Preprocessing.imageNet(height: command.size, width: command.size)
    if command.letterbox { preprocessing.fit = .letterbox() }
    let objects = training.fractions(preprocessing)
    let choice =
      try command.anchors.map { try Anchors($0) } ?? (command.preset == .notes ? .notes : .fit)
    let levels = try entry.levels(choice, command.size, command.size, objects)
    let card = ModelCard(
      architecture: entry.name, classNames: training.classes, anchors: levels,
      preprocessing: preprocessing)
    let settings = try command.settings()
    let loss: MultiBoxLoss = command.preset == .notes ? .notes : .ssd
    let model = withSeed(settings.seed) { entry.build(card, loss) }
    if let weights = command.weights {
      try TrainingJob.start(model, from: weights)
    }
    let origin = [
      // Whole, so that a run can be resumed from another folder.
      Origin.data: command.source.data.map { URL(fileURLWithPath: $0).path } ?? "",
      Origin.train: trainSplit ?? "",
      Origin.val: valSplit ?? "none", Origin.loss: command.preset.rawValue,
    ]
    let folder = command.out.map(RunFolder.init) ?? RunFolder.free("runs/train")
    trainer = try DetectorTrainer(
      model, on: training, validation: validation, settings, into: folder, origin: origin,
      skipBad: command.source.skipBad)
    let grid = AnchorGrid(levels, maps: TinySSD.maps(height: command.size, width: command.size))
    anchorReport = AnchorReport(objects, grid, classNames: training.classes)
    isResumed = false
    data = command.source.data ?? "embedded blood cells"
  }

  init(resuming path: String, _ command: TrainCommand) throws {
    var isFolder: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    let file = isFolder.boolValue ? RunFolder(path).last : path
    let checkpoint = try DetectorCheckpoint(file: file)
    let origin = try checkpoint.origin
    let run = isFolder.boolValue ? RunFolder(path) : TrainingJob.folder(of: file)
    guard let folder = command.out.map(RunFolder.init) ?? run else {
      throw TrainingError(
        "\(file): does not lie in a run's folder weights: name a folder with --out")
    }
    var source = command.source
    if source.data == nil, let data = origin[Origin.data], !data.isEmpty { source.data = data }
    func split(_ key: String) -> String? { origin[key].flatMap { $0.isEmpty ? nil : $0 } }
    let classes = checkpoint.card.classNames
    let (training, validation) = try source.datasets(
      training: split(Origin.train),
      validation: split(Origin.val).flatMap { $0 == "none" ? nil : $0 }, classes: classes)
    let entry = try ModelEntry.model(of: checkpoint)
    let model = entry.build(checkpoint.card, origin[Origin.loss] == "notes" ? .notes : .ssd)
    trainer = try DetectorTrainer.resuming(
      checkpoint, model, on: training, validation: validation, into: folder,
      skipBad: source.skipBad)
    anchorReport = nil
    isResumed = true
    data = source.data ?? "embedded blood cells"
    if let run { try TrainingJob.takeBest(from: run, into: folder) }
  }

  /// The run that a checkpoint was written by, if it still lies where it was written.
  private static func folder(of file: String) -> RunFolder? {
    let weights = URL(fileURLWithPath: file).standardizedFileURL.deletingLastPathComponent()
    guard weights.lastPathComponent == "weights" else { return nil }
    return RunFolder(weights.deletingLastPathComponent().path)
  }

  /// A run that goes on in another folder may never get better than it was.
  private static func takeBest(from run: RunFolder, into folder: RunFolder) throws {
    try folder.prepare()
    let manager = FileManager.default
    guard manager.fileExists(atPath: run.best), !manager.fileExists(atPath: folder.best) else {
      return
    }
    try Safetensors(contentsOf: run.best).write(to: folder.best)
  }

  /// Weights of a checkpoint for the same model and classes; anchors and input may differ.
  private static func start(_ model: any Detector, from file: String) throws {
    let contents = try Safetensors(contentsOf: file)
    if contents.metadata[ModelCard.metadataKey] != nil {
      let names = try ModelCard(metadata: contents.metadata, file: file).classNames
      guard names == model.card.classNames else {
        throw TrainingError(
          "\(file): tells \(names.joined(separator: ", ")) apart, the data have "
            + model.card.classNames.joined(separator: ", "))
      }
    }
    let weights = contents.tensors.filter { !$0.name.hasPrefix("training.") }
    try model.load(state: weights, file: file)
  }

  /// The splits asked for; else train and val where the data have them, else everything without validation.
  private static func splits(_ command: TrainCommand) throws -> (String?, String?) {
    let known = try command.source.splits()
    let train = command.trainSplit ?? (known.contains("train") ? "train" : nil)
    let val = command.valSplit ?? (train == "train" && known.contains("val") ? "val" : "none")
    return (train == "all" ? nil : train, val == "none" ? nil : val)
  }

  // MARK: - Running

  private struct Summary: Encodable {
    var run: String
    var ending: String
    var weights: String
    var best: String
    var epochs: [EpochResult]
    var seconds: Double
    var imagesPerSecond: Double
    var anchors: AnchorReport?
    var profile: Profiler.Report?
  }

  func run(json: Bool, profile: Bool, pictures hasPictures: Bool) throws {
    trainer.isQuiet = json
    if !json { introduce() }
    let pictures = hasPictures ? RunPictures(folder: trainer.folder) : nil
    try pictures?.begin(trainer, data: data)
    let events = hasPictures ? try startEvents() : nil
    var results: [EpochResult] = []
    trainer.onEpoch = { [trainer] result in
      results.append(result)
      if !json { print(line(result)) }
      do { try events?.write(result, trainer.model) } catch { note("\(error)") }
    }
    let profiler = profile ? Profiler() : nil
    Interruption.watch()
    let ending = try trainer.run()
    Interruption.ignore()
    let report = profiler?.finish(excluding: trainer.secondsWaiting)
    try LearningCurves(file: trainer.folder.results).write(to: trainer.folder.curves)
    pictures?.finish(trainer, events, evaluates: ending != .interrupted)
    if json {
      let rates = results.map(\.imagesPerSecond).sorted()
      try printJSON(
        Summary(
          run: trainer.folder.path, ending: "\(ending)", weights: trainer.folder.last,
          best: trainer.folder.best, epochs: results, seconds: results.last?.seconds ?? 0,
          imagesPerSecond: rates.isEmpty ? 0 : rates[rates.count / 2], anchors: anchorReport,
          profile: report))
    } else {
      if let report { print(report) }
      conclude(ending)
    }
    if !trainer.skipped.isEmpty {
      let count = trainer.skipped.count
      note("left out \(count) picture\(count == 1 ? "" : "s") that could not be read")
    }
    if ending == .interrupted { throw ExitCode(130) }
  }

  /// A new event file, with the settings as its first text.
  private func startEvents() throws -> TensorBoardWriter {
    let events = try TensorBoardWriter(folder: trainer.folder.path)
    let arguments = FileManager.default.contents(atPath: trainer.folder.arguments) ?? Data()
    let text = String(decoding: arguments, as: UTF8.self)
    try events.write([.text(tag: "args", "```\n\(text)```")], step: 0)
    return events
  }

  private func introduce() {
    let card = trainer.model.card
    let settings = trainer.settings
    print(
      "\(isResumed ? "resuming" : "training") \(card.architecture), "
        + "\(trainer.model.parameterCount) parameters, on \(trainer.training.items.count) pictures, "
        + "\(trainer.training.boxCount) boxes of \(card.classNames.joined(separator: ", "))")
    if let anchorReport { print(anchorReport) }
    print(
      "\(settings.epochs) epochs, batch \(settings.batch), \(settings.rule.rawValue), "
        + "\(settings.course.rawValue) to \(settings.learningRate), \(settings.precision.rawValue), "
        + "seed \(settings.seed), \(Parallel.threads) threads; \(KernelLibrary.version), "
        + KernelLibrary.instructionSet)
  }

  private func line(_ result: EpochResult) -> String {
    var text = String(
      format: "epoch %3d/%d  class %.4f  box %.4f  lr %.2e  %5.1f img/s  %@", result.epoch,
      trainer.settings.epochs, result.trainClassLoss, result.trainBoxLoss, result.learningRate,
      result.imagesPerSecond, Progress.clock(result.seconds))
    if let mAP = result.meanAveragePrecision { text += String(format: "  mAP50 %.4f", mAP) }
    return text
  }

  private func conclude(_ ending: DetectorTrainer.Ending) {
    let folder = trainer.folder
    let hasReport = FileManager.default.fileExists(atPath: folder.report)
    let told = hasReport ? folder.report : folder.curves
    switch ending {
    case .complete: print("done: \(folder.last), pictures in \(told)")
    case .early:
      print("stopped early, no better for \(trainer.settings.patience) epochs: \(folder.best)")
    case .interrupted:
      print("interrupted and saved; go on with: saker train --resume \(folder.path)")
    }
  }
}

extension DetectionDataset {
  /// All objects, boxes as fractions of the model's input.
  func fractions(_ preprocessing: Preprocessing) -> [Annotation] {
    items.flatMap { item in
      let place = preprocessing.placement(of: item.size)
      return item.annotations.map { annotation in
        var annotation = annotation
        annotation.box = place.toFractions(annotation.box)
        return annotation
      }
    }
  }
}
