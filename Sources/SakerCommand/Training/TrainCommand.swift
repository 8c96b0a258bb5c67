import ArgumentParser
import Foundation
import Saker

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a detector or a classifier.",
    discussion: """
      Writes weights/last.safetensors after every epoch and weights/best.safetensors when validation improves, \
      results.csv, images of labels, batches and results, report.html, which explains them, and events for \
      TensorBoard. Ctrl-C finishes the step and saves; --resume continues as if nothing had happened.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var source: DataOptions

  @Option(help: "detect, or classify (one class per image); by default the model's task.")
  var task: TaskName?
  @Option(help: "The model: tiny-ssd, or a classifier that 'saker models' lists.")
  var model: String?
  @Option(help: "The images to train on: a split of the data, or all.")
  var trainSplit: String?
  @Option(
    help:
      "The images to choose the best epoch on: a split, none, or for classifiers a fraction of the training images such as 0.2. Never the test split."
  )
  var valSplit: String?
  @Option(
    help: "Height and width of the model's input, in pixels: 256, or what the classifier expects.")
  var size: Int?
  @Option(
    help:
      "Detectors: ssd (smooth L1, 3:1 hard negatives, AdamW) or notes (mean losses, SGD). Classifiers: scratch, finetune or reference."
  )
  var preset: Preset?
  @OptionGroup var options: TrainingOptions
  @Option(
    help: "Weights to start from: a checkpoint, a run, or for classifiers also a PyTorch file.")
  var weights: String?
  @Option(help: "The run's folder; by default runs/train, runs/train2, ...")
  var out: String?
  @Flag(
    help:
      "Once validation has chosen the best epoch: train anew, from the same start, for as many epochs, on the pictures to learn from and to validate on; into the folder refit of the run's."
  )
  var refit = false
  @Flag(help: "Remove the run that --out holds, and train from scratch.")
  var overwrite = false
  @Option(help: "A run's folder, or a checkpoint, to resume; its settings apply.")
  var resume: String?
  @Flag(help: "Print the time spent in each operation at the end.")
  var profile = false
  @Flag(help: "Write no images, report or TensorBoard events; only results.csv and results.png.")
  var noPictures = false
  @OptionGroup(title: "Options of detectors") var detection: DetectionTrainingOptions
  @OptionGroup(title: "Options of classifiers") var classification: ClassificationOptions
  @OptionGroup(title: "Distillation, local learning, cross-validation") var lessons: LessonOptions

  enum TaskName: String, ExpressibleByArgument, CaseIterable { case detect, classify }
  enum Preset: String, ExpressibleByArgument, CaseIterable {
    case ssd, notes, scratch, finetune, reference
    var task: TaskName { self == .ssd || self == .notes ? .detect : .classify }
  }

  /// What was asked for, or what the model is for.
  var chosenTask: TaskName {
    task ?? model.flatMap { ClassifierCatalog.named($0) == nil ? nil : .classify } ?? .detect
  }

  func validate() throws {
    guard out != nil || !overwrite else { throw ValidationError("overwrite: only with --out") }
    if let resume {
      guard ofAnotherRun.isEmpty else {
        throw ValidationError(
          "resume: the settings of \(resume) hold; leave out \(ofAnotherRun.joined(separator: ", "))"
        )
      }
      return
    }
    let foreign =
      chosenTask == .detect ? classification.given + lessons.givenForClassifiers : detection.given
    guard foreign.isEmpty else {
      throw ValidationError(
        "\(foreign.joined(separator: ", ")): only for "
          + (chosenTask == .detect ? "classifiers (--task classify)" : "detectors"))
    }
    if refit {
      let others = [("--folds", lessons.folds != nil), ("--search", lessons.search)]
      if let other = others.first(where: \.1) {
        throw ValidationError("refit: leave out \(other.0): each wants the validation data")
      }
    }
    if let preset, preset.task != chosenTask {
      throw ValidationError(
        "preset: \(preset.rawValue) is for --task \(preset.task.rawValue), not \(chosenTask.rawValue)"
      )
    }
    if options.augment != nil {
      let given =
        options.pictureChanges + detection.pictureChanges + classification.pictureChanges
      guard given.isEmpty else {
        throw ValidationError(
          "augment: the list says it all; leave out \(given.joined(separator: ", "))")
      }
    }
    switch chosenTask {
    case .detect: try validateDetection()
    case .classify: try validateClassification()
    }
  }

  private func validateDetection() throws {
    try lessons.checkSearch()
    try settings().problems.first.map { throw ValidationError($0) }
    let entry = try ModelEntry.named(model ?? "tiny-ssd")
    guard (entry.smallestSide...4096).contains(size ?? 256) else {
      throw ValidationError(
        "size: expected \(entry.smallestSide)...4096, got \(size ?? 256)")
    }
    do {
      if let anchors = detection.anchors { _ = try Anchors(anchors) }
    } catch {
      throw ValidationError(error.description)
    }
  }

  private func validateClassification() throws {
    try lessons.checkGoingTogether(isValidated: valSplit == nil)
    try classificationSettings().problems.first.map { throw ValidationError($0) }
    if let model { _ = try ClassifierCatalog.required(model) }
    guard (1...4096).contains(size ?? 224) else {
      throw ValidationError("size: expected 1...4096, got \(size ?? 0)")
    }
    _ = try validationChoice()
    if let width = classification.width, !(0.125...4).contains(width) {
      throw ValidationError("width: expected 0.125...4, got \(width)")
    }
  }

  /// The options given that would make a resumed run another one.
  private var ofAnotherRun: [String] {
    let given: [(String, Bool)] = [
      ("--task", task != nil), ("--model", model != nil), ("--train-split", trainSplit != nil),
      ("--val-split", valSplit != nil), ("--size", size != nil), ("--preset", preset != nil),
      ("--weights", weights != nil), ("--refit", refit),
    ]
    return given.filter(\.1).map(\.0) + options.given + detection.given
      + classification.given + lessons.given
  }

  func run() throws {
    common.apply()
    // Before hours, or minutes of reading.
    if resume == nil, let out { try RunFolder(out).demandFree(overwrite: overwrite) }
    let place = resume.map(ResumedRun.phase)
    // The second phase lies in the folder of the first, which nobody may take away meanwhile.
    let first = try resume.flatMap { $0 == place ? nil : try RunClaim(RunFolder($0)) }
    defer { withExtendedLifetime(first) {} }
    let isClassifier =
      try place.map { try ClassificationJob.canResume($0) } ?? (chosenTask == .classify)
    if isClassifier {
      if let folds = lessons.folds { return try CrossValidation(self, folds: folds).run() }
      if lessons.search { return try RateSearch<ClassificationJob>(self).run() }
      let job =
        try place.map { try ClassificationJob(resuming: $0, self) }
        ?? ClassificationJob(starting: self)
      try job.run(json: common.json, profile: profile, pictures: !noPictures)
    } else {
      if lessons.search { return try RateSearch<DetectionJob>(self).run() }
      let job =
        try place.map { try DetectionJob(resuming: $0, self) } ?? DetectionJob(starting: self)
      try job.run(json: common.json, profile: profile, pictures: !noPictures)
    }
  }

  /// - Throws: `TrainingError` for a refit without pictures to choose the number of epochs by.
  func demandChoice(isValidated: Bool) throws {
    guard isValidated || !refit else {
      throw TrainingError(
        "refit: expected pictures to validate on, which choose the number of epochs, got none (--val-split)"
      )
    }
  }

  /// Those of the task.
  func chosenSettings() throws -> TrainingSettings {
    try chosenTask == .detect ? settings() : classificationSettings()
  }

  /// A detector's preset, changed by what was named.
  func settings() throws -> TrainingSettings {
    var settings = TrainingSettings()
    // Blood cells have no up; what people photograph mostly does.
    if EmbeddedData.named(source.data ?? "bccd") == .bloodCells { settings.verticalFlip = 0.5 }
    if preset == .notes {
      settings.epochs = 20
      settings.batch = 32
      settings.rule = .sgd
      settings.momentum = 0
      settings.learningRate = 0.2
      settings.course = .constant
      settings.horizontalFlip = 0
      settings.verticalFlip = 0
      settings.colorJitter = 0
      settings.averageDecay = 0
    }
    try options.apply(to: &settings)
    if let crop = detection.crop { settings.crop = crop }
    if let scale = detection.scale { settings.scale = scale }
    if detection.multiScale { settings.multiScale = 0.5 }
    return settings
  }

  /// A classifier's preset, changed by what was named.
  func classificationSettings() throws -> TrainingSettings {
    var settings: TrainingSettings =
      switch preset {
      case .reference: .reference
      case .finetune: .fineTuning
      case .scratch: .fromScratch
      default: weights == nil ? .fromScratch : .fineTuning
      }
    try options.apply(to: &settings)
    var own = settings.classification ?? ClassificationSettings()
    classification.apply(to: &own)
    lessons.apply(to: &own)
    settings.classification = own
    return settings
  }

  func validationChoice() throws -> ValidationChoice { try .reading(valSplit) }
}

/// What only detectors are trained with.
struct DetectionTrainingOptions: ParsableArguments {
  @Flag(
    help: "Detectors: letterbox images (keep the aspect ratio and pad) instead of stretching them.")
  var letterbox = false
  @Option(
    help:
      "Detectors: anchors: fit (sizes from the training boxes), fit-shapes (widths and heights from them), notes, or a list of sizes such as .07/.1,.15/.19,... or shapes such as .07x.1/.1x.07,..."
  )
  var anchors: String?
  @Option(help: "Detectors: probability of a random crop.")
  var crop: Float?
  @Option(help: "Detectors: images are scaled randomly by up to this factor.")
  var scale: Float?
  @Flag(
    help:
      "Detectors: multi-scale training: a new input size every ten batches, multiples of 32 from 0.5 to 1.5 times --size."
  )
  var multiScale = false

  /// The options that were named.
  var given: [String] {
    let all: [(String, Bool)] = [
      ("--letterbox", letterbox), ("--anchors", anchors != nil), ("--crop", crop != nil),
      ("--scale", scale != nil), ("--multi-scale", multiScale),
    ]
    return all.filter(\.1).map(\.0)
  }

  /// Those of them that a list of transforms replaces.
  var pictureChanges: [String] { given.filter { ["--crop", "--scale"].contains($0) } }
}
