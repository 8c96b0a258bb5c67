import ArgumentParser
import Foundation
import Saker

/// A detector's run from the command line: data, model and trainer, and what is told about them.
struct DetectionJob {
  let trainer: DetectorTrainer
  /// Held as long as the job writes there.
  private let claim: RunClaim
  private let anchorReport: AnchorReport?
  private let isResumed: Bool
  /// Where the pictures come from, for people.
  private let data: String
  private let files: FileAccount?
  /// Of a training with a refit.
  private let phase: RefitPhase?

  /// Keys of what a resumed run must find again.
  private enum Origin {
    static let data = "data", train = "train_split", val = "val_split", loss = "loss"
  }

  /// - Parameters:
  ///   - changed: settings in place of the command's.
  ///   - folder: in place of the command's.
  ///   - holdsOut: whether a fifth of the pictures to learn from is taken to validate on where
  ///     there are no others.
  ///   - tells: whether the data's warnings are told.
  init(
    starting command: TrainCommand, changed: TrainingSettings? = nil, into folder: RunFolder? = nil,
    holdsOut: Bool = false, tells: Bool = true
  ) throws {
    let entry = try ModelEntry.named(command.model ?? "tiny-ssd")
    let size = command.size ?? 256
    let (trainSplit, valSplit) = try DetectionJob.splits(command)
    let settings = try changed ?? command.settings()
    var (training, validation) = try command.source.datasets(
      training: trainSplit, validation: valSplit, tells: tells)
    phase = command.refit ? .choosing : nil
    try command.demandChoice(isValidated: validation != nil)
    if holdsOut, validation == nil {
      (training, validation) = try training.holdingOut(0.2, seed: settings.seed)
    }
    guard !training.classes.isEmpty else {
      throw TrainingError("the training data name no class: expected at least one object")
    }
    var preprocessing = Preprocessing.imageNet(height: size, width: size)
    if command.detection.letterbox { preprocessing.fit = .letterbox() }
    let objects = training.fractions(preprocessing)
    let choice =
      try command.detection.anchors.map { try Anchors($0) }
      ?? (command.preset == .notes ? .notes : .fit)
    let levels = try entry.levels(choice, size, size, objects)
    let card = ModelCard(
      architecture: entry.name, classNames: training.classes, anchors: levels,
      preprocessing: preprocessing)
    let loss: MultiBoxLoss = command.preset == .notes ? .notes : .ssd
    let model = withSeed(settings.seed) { entry.build(card, loss) }
    if let weights = command.weights {
      try DetectionJob.start(model, from: weights)
    }
    var origin = [
      Origin.data: EmbeddedData.remembered(command.source.data, else: .bloodCells),
      Origin.train: trainSplit ?? "",
      Origin.val: valSplit ?? "none", Origin.loss: (command.preset ?? .ssd).rawValue,
    ]
    origin[RefitPhase.originKey] = phase?.rawValue
    claim =
      try folder.map { try RunClaim($0) }
      ?? RunClaim.of(command.out, else: "runs/train", overwrite: command.overwrite)
    trainer = try DetectorTrainer(
      model, on: training, validation: validation, settings, into: claim.folder, origin: origin,
      skipBad: command.source.skipBad)
    if folder == nil { try claim.clear(overwrite: command.overwrite) }
    let grid = AnchorGrid(levels, maps: TinySSD.maps(height: size, width: size))
    anchorReport = AnchorReport(objects, grid, classNames: training.classes)
    isResumed = false
    data = EmbeddedData.told(command.source.data, else: .bloodCells)
    files = command.source.account(
      [training, validation], splits: trainSplit.map { [$0] + [valSplit].compactMap(\.self) })
  }

  init(resuming path: String, _ command: TrainCommand) throws {
    let place = try ResumedRun(path, out: command.out)
    let checkpoint = try DetectorCheckpoint(file: place.file)
    let origin = try checkpoint.origin
    claim = try place.claim(overwrite: command.overwrite)
    var source = command.source
    if source.data == nil, let data = origin[Origin.data], !data.isEmpty { source.data = data }
    func split(_ key: String) -> String? { origin[key].flatMap { $0.isEmpty ? nil : $0 } }
    let classes = checkpoint.card.classNames
    let trainSplit = split(Origin.train)
    let valSplit = split(Origin.val).flatMap { $0 == "none" ? nil : $0 }
    var (training, validation) = try source.datasets(
      training: trainSplit, validation: valSplit, classes: classes)
    phase = RefitPhase(origin: origin)
    if phase == .refit { (training, validation) = (try training.joined(with: validation), nil) }
    let model = try DetectionJob.model(checkpoint)
    trainer = try DetectorTrainer.resuming(
      checkpoint, model, on: training, validation: validation, into: claim.folder,
      skipBad: source.skipBad)
    anchorReport = nil
    isResumed = true
    data = EmbeddedData.told(source.data, else: .bloodCells)
    files = source.account(
      [training, validation], splits: trainSplit.map { [$0] + [valSplit].compactMap(\.self) })
    try place.begin(claim, overwrite: command.overwrite)
  }

  /// The second phase, once the first is done.
  private init(refitting first: DetectionJob) throws {
    let folder = first.trainer.folder
    claim = try RunClaim(folder.refit)
    let model = try withSeed(first.trainer.settings.seed) {
      try DetectionJob.model(DetectorCheckpoint(file: folder.best))
    }
    trainer = try first.trainer.refitting(model, into: claim.folder)
    (phase, anchorReport, isResumed) = (.refit, nil, false)
    (data, files) = (first.data, first.files)
  }

  /// A model as the checkpoint's run built it, with other weights.
  private static func model(_ checkpoint: DetectorCheckpoint) throws -> any Detector {
    let isNotes = try checkpoint.origin[Origin.loss] == "notes"
    return try ModelEntry.model(of: checkpoint).build(checkpoint.card, isNotes ? .notes : .ssd)
  }

  /// Weights of a checkpoint for the same model and classes; anchors and input may differ.
  private static func start(_ model: any Detector, from file: String) throws {
    let contents = try Safetensors(contentsOf: file)
    if contents.metadata[ModelCard.metadataKey] != nil {
      let names = try ModelCard(metadata: contents.metadata, file: file).classNames
      guard names == model.card.classNames else {
        throw TrainingError(
          "\(file): tells \(ByteText.list(names)) apart, the data have "
            + ByteText.list(model.card.classNames))
      }
    }
    let weights = contents.tensors.filter { !$0.name.hasPrefix("training.") }
    try model.load(state: weights, file: file)
  }

  /// The splits asked for; else train and val where the data have them, else everything
  /// without validation.
  private static func splits(_ command: TrainCommand) throws -> (String?, String?) {
    let known = try command.source.splits()
    let train =
      command.trainSplit.map(SplitName.canonical) ?? (known.contains("train") ? "train" : nil)
    let val =
      command.valSplit.map(SplitName.canonical)
      ?? (train == "train" && known.contains("val") ? "val" : "none")
    return (train == "all" ? nil : train, val == "none" ? nil : val)
  }

  // MARK: - Running

  /// - Parameter silent: whether nothing is told.
  func run(json: Bool, profile: Bool, pictures hasPictures: Bool, silent: Bool = false) throws {
    let anchors = Anchored(anchors: anchorReport)
    try session(json: json, pictures: hasPictures, silent: silent)
      .run(json: json, profile: profile) { anchors }
  }

  private func session(
    json: Bool, pictures hasPictures: Bool, silent: Bool
  ) throws -> TrainingSession<DetectionTask> {
    let pictures = RunPictures(folder: trainer.folder)
    var session = TrainingSession(trainer, isResumed: isResumed)
    session.isSilent = silent
    session.phase = phase
    if phase == .choosing {
      if !isResumed { try trainer.saveStart() }
      session.refit = {
        let second = try DetectionJob(refitting: self)
        return try second.session(json: json, pictures: hasPictures, silent: json)
          .train(json: json, profile: false) { Anchored(anchors: nil) }
      }
    }
    session.subject = trainer.model.card.architecture
    session.dataDescription =
      "\(trainer.training.items.count) pictures, \(trainer.training.boxCount) boxes of "
      + trainer.model.card.classNames.joined(separator: ", ")
    session.files = files
    session.report = anchorReport.map { "\($0)" }
    session.measure = { result in
      result.meanAveragePrecision.map {
        String(
          format: "val class %.4f  box %.4f  mAP50 %.4f  mAP50-95 %.4f",
          result.valClassLoss ?? .nan,
          result.valBoxLoss ?? .nan, $0, result.meanAveragePrecision5095 ?? .nan)
      }
    }
    if hasPictures {
      session.begin = { try pictures.begin(trainer, data: data, phase: phase) }
      session.finish = { events, evaluates in
        pictures.finish(trainer, events, evaluates: evaluates)
      }
    }
    return session
  }

  /// What a detector's summary says beyond that of others.
  private struct Anchored: Encodable {
    var anchors: AnchorReport?
  }
}

extension DetectionDataset {
  /// Divides the pictures: those that stay, and a share of them, drawn by a seed.
  ///
  /// - Throws: `TrainingError` if there are fewer than two.
  fileprivate func holdingOut(_ share: Double, seed: UInt64) throws -> (
    DetectionDataset, DetectionDataset?
  ) {
    guard items.count >= 2 else {
      throw TrainingError(
        "search: expected validation data, or two pictures to learn from, got \(items.count)")
    }
    let order = RandomSampler(count: items.count, seed: seed).indices(epoch: 0)
    let count = max(1, Int((share * Double(items.count)).rounded()))
    var (rest, held) = (self, self)
    held.items = order.prefix(count).sorted().map { items[$0] }
    rest.items = order.dropFirst(count).sorted().map { items[$0] }
    return (rest, held)
  }

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
