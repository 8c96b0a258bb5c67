import ArgumentParser
import Foundation
import Saker

/// A classifier's run from the command line: data, network and trainer, and what is told about
/// them.
struct ClassificationJob {
  let trainer: ClassifierTrainer
  /// Held as long as the job writes there.
  private let claim: RunClaim
  private let test: ClassificationDataset?
  private let isResumed: Bool
  /// Where the pictures come from, for people.
  private let data: String
  private let start: ClassifierStart?
  private let files: FileAccount?
  /// Of a training with a refit.
  private let phase: RefitPhase?

  /// Keys of what a resumed run must find again.
  private enum Origin {
    static let data = "data", train = "train_split", val = "val_split", seed = "split_seed"
    static let teacher = "teacher", teacherModel = "teacher_model", fold = "fold", folds = "folds"
  }

  /// What decides which pictures a run was shown.
  static let divisionKeys = [Origin.train, Origin.val, Origin.seed, Origin.fold, Origin.folds]

  /// Whether a checkpoint, or a run's folder, is a classifier's.
  static func canResume(_ path: String) throws -> Bool {
    let file = ResumedRun.checkpoint(path)
    return try Safetensors(contentsOf: file).metadata[ClassifierCard.metadataKey] != nil
  }

  /// - Parameters:
  ///   - changed: settings in place of the command's.
  ///   - folder: in place of the command's.
  ///   - fold: which part of the data to validate on, in cross-validation.
  ///   - holdsOut: whether pictures to validate on are taken from those to learn from where
  ///     there are no others.
  ///   - tells: whether the data's warnings are told.
  init(
    starting command: TrainCommand, changed: TrainingSettings? = nil, into folder: RunFolder? = nil,
    fold: FoldChoice? = nil, holdsOut: Bool = false, tells: Bool = true
  ) throws {
    let settings = try changed ?? command.classificationSettings()
    var parts = try ClassificationJob.parts(command, seed: settings.seed, fold)
    if holdsOut, parts.validation == nil {
      var held = command
      held.valSplit = "0.2"
      parts = try ClassificationJob.parts(held, seed: settings.seed, nil)
    }
    if tells { ClassificationJob.tell(parts) }
    phase = command.refit ? .choosing : nil
    try command.demandChoice(isValidated: parts.validation != nil)
    let given = try command.weights.map { try GivenWeights($0, command.classification.names) }
    let lessons = command.lessons
    let teacher = try lessons.teacher.map {
      try ClassificationJob.teacher($0, model: lessons.teacherModel)
    }
    var card = try ClassificationJob.card(command, parts.training, given, teacher)
    card.variant.auxiliary = try ClassificationJob.hasAuxiliaryHeads(
      card, settings.classification ?? ClassificationSettings(), given)
    // A network that lost channels goes on with those it has.
    card.widths = given?.card?.widths
    if given?.weights.hasDarknetSlopes == true || given?.card?.hasDarknetSlopes == true {
      card.hasDarknetSlopes = true
    }
    let model = try withSeed(settings.seed) { try card.build() }
    start = try given?.load(into: model, card)
    var origin = [
      Origin.data: EmbeddedData.remembered(command.source.data, else: .fashionMNIST),
      Origin.train: command.trainSplit ?? "", Origin.val: command.valSplit ?? "",
      Origin.seed: "\(settings.seed)", Origin.teacher: ClassificationJob.whole(lessons.teacher),
      Origin.teacherModel: lessons.teacherModel ?? "",
      Origin.fold: fold.map { "\($0.number)" } ?? "", Origin.folds: fold.map { "\($0.of)" } ?? "",
    ]
    origin[RefitPhase.originKey] = phase?.rawValue
    claim =
      try folder.map { try RunClaim($0) }
      ?? RunClaim.of(command.out, else: "runs/train", overwrite: command.overwrite)
    trainer = try ClassifierTrainer(
      model, card, on: parts.training, validation: parts.validation, teacher: teacher, settings,
      into: claim.folder, origin: origin, skipBad: command.source.skipBad)
    if folder == nil { try claim.clear(overwrite: command.overwrite) }
    test = parts.test
    files = parts.files
    isResumed = false
    data = EmbeddedData.told(command.source.data, else: .fashionMNIST)
  }

  /// A network that is there, to be trained further.
  init(
    _ model: any Classifier, _ card: ClassifierCard, _ parts: ClassificationParts,
    _ settings: TrainingSettings, into folder: RunFolder, origin: [String: String], skipBad: Bool
  ) throws {
    claim = try RunClaim(folder)
    // What a first phase was followed by does not follow this one.
    let isChoosing = RefitPhase(origin: origin) == .choosing
    trainer = try ClassifierTrainer(
      model, card, on: parts.training, validation: parts.validation, settings, into: folder,
      origin: origin.filter { !isChoosing || $0.key != RefitPhase.originKey }, skipBad: skipBad)
    test = parts.test
    files = parts.files
    (isResumed, start, phase) = (false, nil, nil)
    data = EmbeddedData.told(
      origin[Origin.data].flatMap { $0.isEmpty ? nil : $0 }, else: .fashionMNIST)
  }

  private static func whole(_ path: String?) -> String {
    path.map { URL(fileURLWithPath: $0).path } ?? ""
  }

  private static func teacher(_ path: String, model: String?) throws -> ClassifierTeacher {
    let source = try ClassifierSource(path, model: model, names: nil)
    return ClassifierTeacher(source.model, source.card, name: path)
  }

  /// The data of a command, or one round of its cross-validation.
  private static func parts(
    _ command: TrainCommand, seed: UInt64, _ fold: FoldChoice?
  ) throws -> ClassificationParts {
    try parts(
      command.source.data, classes: command.classification.classNames, train: command.trainSplit,
      command.validationChoice(), skipBad: command.source.skipBad, seed: seed, fold)
  }

  private static func parts(
    _ data: String?, classes: [String]?, train: String?, _ validation: ValidationChoice,
    skipBad: Bool, seed: UInt64, _ fold: FoldChoice?
  ) throws -> ClassificationParts {
    let parts = try ClassificationParts(
      labels(data, classes: classes), train: train, validation: fold == nil ? validation : .none,
      skipBad: skipBad, seed: seed)
    return try fold.map { try $0.divide(parts, seed: seed) } ?? parts
  }

  /// The data of a run, as it was divided, from its checkpoint.
  static func parts(
    of origin: [String: String], data: String?, classes: [String], skipBad: Bool
  ) throws -> ClassificationParts {
    func value(_ key: String) -> String? { origin[key].flatMap { $0.isEmpty ? nil : $0 } }
    let fold = value(Origin.fold).flatMap(Int.init).flatMap { number in
      value(Origin.folds).flatMap(Int.init).map { FoldChoice(number: number, of: $0) }
    }
    var parts = try parts(
      data ?? value(Origin.data), classes: classes, train: value(Origin.train),
      .reading(value(Origin.val)), skipBad: skipBad,
      seed: value(Origin.seed).flatMap { UInt64($0) } ?? 0, fold)
    if RefitPhase(origin: origin) == .refit {
      parts.training = try parts.training.joined(with: parts.validation)
      parts.validation = nil
    }
    return parts
  }

  /// The second phase, once the first is done.
  private init(refitting first: ClassificationJob) throws {
    claim = try RunClaim(first.trainer.folder.refit)
    let model = try withSeed(first.trainer.settings.seed) { try first.trainer.card.build() }
    trainer = try first.trainer.refitting(model, into: claim.folder)
    (phase, isResumed, start) = (.refit, false, nil)
    (test, data, files) = (first.test, first.data, first.files)
  }

  init(resuming path: String, _ command: TrainCommand) throws {
    let place = try ResumedRun(path, out: command.out)
    let checkpoint = try ClassifierCheckpoint(file: place.file)
    let origin = try checkpoint.origin
    claim = try place.claim(overwrite: command.overwrite)
    func value(_ key: String) -> String? { origin[key].flatMap { $0.isEmpty ? nil : $0 } }
    let data = command.source.data ?? value(Origin.data)
    let parts = try ClassificationJob.parts(
      of: origin, data: data, classes: checkpoint.card.classNames, skipBad: command.source.skipBad)
    ClassificationJob.tell(parts)
    let teacher = try value(Origin.teacher).map {
      try ClassificationJob.teacher($0, model: value(Origin.teacherModel))
    }
    trainer = try ClassifierTrainer.resuming(
      checkpoint, on: parts.training, validation: parts.validation, teacher: teacher,
      into: claim.folder, skipBad: command.source.skipBad)
    test = parts.test
    files = parts.files
    (isResumed, start) = (true, nil)
    phase = RefitPhase(origin: origin)
    self.data = EmbeddedData.told(data, else: .fashionMNIST)
    try place.begin(claim, overwrite: command.overwrite)
  }

  /// Labels of a folder, of a table, of IDX files, of an embedded set; those of clothes without.
  static func labels(_ data: String?, classes: [String]? = nil) throws -> LabelSet {
    guard let data else { return try LabelSet.fashionMNIST() }
    let path = try EmbeddedData.path(data)
    var reading = LabelReading()
    reading.classes = classes
    let labels = try LabelSet(path: path, reading)
    let isClassified =
      labels.format == .folders || labels.format == .idx
      || labels.pictures.contains { $0.label != nil }
    guard isClassified else {
      throw TrainingError(
        "\(data): holds \(labels.format?.title ?? "labels") and no classes of whole pictures: expected a folder for each "
          + "class, IDX files, or a CSV table of files and classes"
          + (labels.objectCount > 0 ? "; 'saker data crops' makes a folder a class of boxes" : ""))
    }
    return labels
  }

  static func tell(_ parts: ClassificationParts) {
    let limit = 20
    for problem in parts.problems.prefix(limit) { note(problem.description) }
    if parts.problems.count > limit { note("... and \(parts.problems.count - limit) more") }
    if parts.skipped > 0 {
      note("left out \(parts.skipped) bad picture\(parts.skipped == 1 ? "" : "s")")
    }
  }

  /// The first picture; with `skipBad`, the first that can be decoded.
  private static func firstPicture(
    _ training: ClassificationDataset, skipBad: Bool
  ) throws -> Picture {
    for index in 0..<training.count - 1 where skipBad {
      if let picture = try? training.picture(at: index) { return picture }
    }
    return try training.picture(at: skipBad ? training.count - 1 : 0)
  }

  /// What the network is built from: as the weights say, else as the model's entry and the
  /// pictures' size say.
  private static func card(
    _ command: TrainCommand, _ training: ClassificationDataset, _ given: GivenWeights?,
    _ teacher: ClassifierTeacher?
  ) throws -> ClassifierCard {
    if let own = given?.card {
      if let model = command.model, model != own.architecture {
        throw TrainingError("\(given?.file ?? ""): is for \(own.architecture), not \(model)")
      }
      var variant = own.variant
      if let stem = command.classification.stem { variant.stem = stem }
      if let width = command.classification.width { variant.width = width }
      var card = ClassifierCard(
        architecture: own.architecture, variant: variant, classNames: training.classes,
        input: own.input)
      if let size = command.size { card.input = own.input.sized(size) }
      return try checked(card)
    }
    let entry = try ClassifierCatalog.required(command.model ?? "resnet18")
    var input = entry.input
    var variant = ClassifierVariant(width: command.classification.width ?? 1)
    variant.stem = command.classification.stem ?? .standard
    if given == nil {
      // Small pictures as they are; others as the model expects them, whole.
      let first = try firstPicture(training, skipBad: command.source.skipBad)
      let longest = max(first.width, first.height)
      // If nothing is named, pictures of up to 128 pixels count as small, too: at 64 they still
      // show what they are.
      let limit = command.model == nil && command.size == nil ? 128 : 64
      let isSmall = (command.size ?? longest) <= limit && entry.abilities.contains(.stem)
      if isSmall && command.classification.stem == nil { variant.stem = .small }
      // Small pictures are told apart best by a narrow network for many epochs
      // (docs/benchmarks.md).
      if command.model == nil && command.classification.width == nil && variant.stem == .small
        && command.preset != .reference
      {
        variant.width = 0.25
      }
      let side =
        command.size
        ?? (variant.stem == .small
          ? entry.smallSide(atLeast: min(longest, 64)) : entry.input.side)
      input = entry.input.sized(side)
      input.resizedSide = side
      if let teacher, command.size == nil {
        // Both look at the same pictures.
        let smallest = input.smallestSide
        input = teacher.card.input
        input.smallestSide = smallest
        if command.classification.stem == nil && entry.abilities.contains(.stem) {
          variant.stem = teacher.card.variant.stem
        }
      } else if training.archive != nil {
        input.normalize(by: try training.levels(entry.input.channels))
      }
    } else if let size = command.size {
      input = entry.input.sized(size)
    }
    return try checked(
      ClassifierCard(
        architecture: entry.name, variant: variant, classNames: training.classes, input: input))
  }

  /// Whether a network gets its auxiliary heads: where it can have some that help, and foreign
  /// weights have them, too, unless they are asked for.
  private static func hasAuxiliaryHeads(
    _ card: ClassifierCard, _ own: ClassificationSettings, _ given: GivenWeights?
  ) throws -> Bool {
    let entry = try ClassifierCatalog.required(card.architecture)
    let isAsked = own.auxiliaryWeight ?? 0 > 0
    guard let smallest = entry.auxiliarySide else {
      guard !isAsked else {
        throw ValidationError("aux weight: \(entry.name) has no auxiliary heads")
      }
      return false
    }
    guard own.auxiliaryWeight != 0 && !own.linearProbe else { return false }
    guard card.input.side >= smallest else {
      let need = "needs pictures of \(smallest) pixels a side, got \(card.input.side)"
      guard !isAsked else {
        throw ValidationError("aux weight: \(entry.name)'s auxiliary head \(need)")
      }
      note("\(entry.name): trained without its auxiliary head, which \(need)")
      return false
    }
    guard let given, !isAsked else { return true }
    if let own = given.card { return own.variant.auxiliary }
    guard given.hasAuxiliaryHeads(of: entry) else {
      note(
        "\(given.file): has no auxiliary heads: trained without them; --aux-weight starts new ones"
      )
      return false
    }
    return true
  }

  private static func checked(_ card: ClassifierCard) throws -> ClassifierCard {
    let entry = try ClassifierCatalog.required(card.architecture)
    let plan = ClassifierPlan(
      classes: card.classNames.count, side: card.input.side, variant: card.variant)
    if let problem = entry.problem(with: plan) { throw ValidationError(problem) }
    let smallest = card.variant.stem == .small ? 8 : entry.input.smallestSide
    guard card.input.side >= smallest else {
      throw ValidationError(
        "size: expected at least \(smallest) for \(entry.name), got \(card.input.side)")
    }
    return card
  }

  // MARK: - Running

  /// - Parameter silent: whether nothing is told.
  func run(json: Bool, profile: Bool, pictures hasPictures: Bool, silent: Bool = false) throws {
    let final = Final()
    try session(final, json: json, pictures: hasPictures, silent: silent)
      .run(json: json, profile: profile) {
        More(test: final.test?.report, head: start.map(Head.init))
      }
  }

  /// - Parameter final: gets what the test data say of the weights that stay: once, at the end;
  ///   nobody chose by them.
  private func session(
    _ final: Final, json: Bool, pictures hasPictures: Bool, silent: Bool
  ) throws -> TrainingSession<ClassificationTask> {
    let pictures = RunPictures(folder: trainer.folder)
    let card = trainer.card
    var session = TrainingSession(trainer, isResumed: isResumed)
    session.isSilent = silent
    session.phase = phase
    if phase == .choosing {
      if !isResumed { try trainer.saveStart() }
      session.refit = {
        let (second, final) = (try ClassificationJob(refitting: self), Final())
        return try second.session(final, json: json, pictures: hasPictures, silent: json)
          .train(json: json, profile: false) { More(test: final.test?.report) }
      }
    }
    session.subject =
      card.architecture
      + (card.variant.isPublished ? "" : " (\(card.variant.description))")
      + " on \(card.input.side)x\(card.input.side)"
    session.dataDescription =
      "\(trainer.training.items.count) pictures of \(card.classNames.count) classes"
    session.files = files
    session.report = start.map { $0.description(card) }
    session.measure = { result in
      result.top1.map {
        String(
          format: "val loss %.4f  top-1 %.4f  top-5 %.4f", result.valLoss ?? .nan, $0,
          result.top5 ?? .nan)
      }
    }
    session.begin = hasPictures ? { try pictures.begin(trainer, data: data, phase: phase) } : nil
    session.finish = { events, evaluates in
      guard evaluates else { return }
      do {
        if let test, phase != .choosing { final.test = try evaluate(test) }
        guard hasPictures else { return }
        let shown: (ClassificationEvaluation, ClassificationDataset)? =
          try trainer.validation.map { (try evaluate($0), $0) }
          ?? (final.test.flatMap { result in test.map { (result, $0) } })
        pictures.finish(trainer, events, shown)
      } catch {
        note("\(error)")
      }
    }
    session.conclusion = {
      final.test.map {
        String(
          format: "test, %d pictures: top-1 %.4f, top-5 %.4f", $0.count, $0.top1, $0.topK(5))
      }
    }
    return session
  }

  /// What the last evaluation found.
  private final class Final { var test: ClassificationEvaluation? }

  private struct More: Encodable {
    var test: ClassificationEvaluation.Report?
    var head: Head?
  }

  private struct Head: Encodable {
    var replaced: [String]
    var reusedClasses: [String]
    var newAuxiliaryHeads: [String]
    var loaded, total: Int
    var notUsed: [String]

    init(_ start: ClassifierStart) {
      (loaded, total, notUsed) = (start.loaded, start.total, start.notUsed)
      replaced = start.replaced
      reusedClasses = start.reusedClasses
      newAuxiliaryHeads = start.newAuxiliaryHeads
    }
  }

  /// The measures on the test data with the best weights, where there are any.
  func testResult() throws -> ClassificationEvaluation? { try test.map(evaluate) }

  /// With the best weights.
  private func evaluate(_ dataset: ClassificationDataset) throws -> ClassificationEvaluation {
    let checkpoint = try ClassifierCheckpoint(file: trainer.folder.best)
    let runner = ClassifierRunner(
      try checkpoint.model(), checkpoint.card, precision: trainer.settings.precision,
      batch: trainer.settings.batch, workers: trainer.settings.workers, skipBad: trainer.skipBad,
      isQuiet: trainer.isQuiet)
    return try runner.evaluate(on: dataset)
  }
}

extension ClassifierInput {
  /// Mean and deviation as the pictures have them.
  mutating func normalize(by levels: (mean: [Float], std: [Float])) {
    (mean, std) = levels
  }
}

extension ClassificationDataset {
  /// Mean and deviation of the levels, where white is 1, of up to 5,000 pictures from
  /// all over the set.
  func levels(_ channels: Int) throws -> (mean: [Float], std: [Float]) {
    var (sums, squares, pixels) = ([0.0, 0, 0], [0.0, 0, 0], 0.0)
    for index in stride(from: 0, to: count, by: max(1, count / 5000)) {
      let picture = try picture(at: index)
      for channel in 0..<3 {
        var (sum, square) = (0, 0)
        for at in stride(from: channel, to: picture.pixels.count, by: 3) {
          let level = Int(picture.pixels[at])
          sum += level
          square += level * level
        }
        sums[channel] += Double(sum)
        squares[channel] += Double(square)
      }
      pixels += Double(picture.width * picture.height)
    }
    let mean = sums.map { $0 / pixels / 255 }
    let std = zip(squares, mean).map { square, mean in
      max(1e-3, (square / pixels / (255 * 255) - mean * mean).squareRoot())
    }
    return (mean[..<channels].map { Float($0) }, std[..<channels].map { Float($0) })
  }
}
