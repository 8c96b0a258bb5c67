import ArgumentParser
import Foundation
import Saker

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a detector.",
    discussion: """
      Writes weights/last.safetensors after every epoch and weights/best.safetensors when the validation gets better, \
      results.csv, pictures of the labels, the batches and the results, report.html, which explains them, and events for \
      TensorBoard. Ctrl-C finishes the step and saves; --resume goes on as if nothing had happened.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var source: DataOptions

  @Option(help: "The model: tiny-ssd.")
  var model = "tiny-ssd"
  @Option(help: "The pictures to learn from: a split of the data, or all for everything.")
  var trainSplit: String?
  @Option(help: "The pictures to choose the best epoch on, or none. Never the test split.")
  var valSplit: String?
  @Option(help: "Passes over the training data.")
  var epochs: Int?
  @Option(help: "Pictures a step.")
  var batch: Int?
  @Option(help: "Height and width of the model's input, in pixels.")
  var size = 256
  @Flag(help: "Keep the pictures' proportions and fill up, instead of stretching.")
  var letterbox = false
  @Option(help: "ssd (smooth L1, 3:1 hard negatives, AdamW) or notes (mean losses, SGD).")
  var preset = Preset.ssd
  @Option(
    help: "Anchor sizes: fit (from the training boxes), notes, or a list such as .07/.1,.15/.19,..."
  )
  var anchors: String?
  @Option(help: "sgd, adam or adamw.")
  var optimizer: TrainingSettings.Rule?
  @Option(help: "The highest learning rate.")
  var lr: Double?
  @Option(help: "constant, step, cosine or onecycle.")
  var schedule: TrainingSettings.Course?
  @Option(help: "Epochs of linear rise before constant, step or cosine.")
  var warmup: Double?
  @Option(help: "SGD's momentum, Adam's first beta; onecycle moves it between 0.95 and 0.85.")
  var momentum: Double?
  @Option(help: "Weight decay.")
  var decay: Double?
  @Option(help: "f32, or bf16: activations in bfloat16, weights in float32.")
  var precision: TrainingSettings.Precision?
  @Option(help: "Cut the gradients' norm to this; 0: never.")
  var clipNorm: Double?
  @Option(help: "Cut each gradient to +- this; 0: never.")
  var clipValue: Double?
  @Option(help: "Batches that add up to one step.")
  var accumulate: Int?
  @Option(help: "Decay of the average of weights that is evaluated and kept; 0: none.")
  var ema: Double?
  @Option(help: "Stop after so many epochs without a better validation; 0: never.")
  var patience: Int?
  @Option(help: "Parameters to leave as they are, by name, with *; may be repeated.")
  var freeze: [String] = []
  @Option(help: "Share of pictures mirrored left to right.")
  var hflip: Float?
  @Option(help: "Share of pictures turned upside down.")
  var vflip: Float?
  @Option(help: "Strength of random colour changes, 0...1.")
  var jitter: Float?
  @Option(help: "Share of pictures cropped at random.")
  var crop: Float?
  @Option(help: "Pictures scaled at random by up to this factor.")
  var scale: Float?
  @Option(
    help:
      "A list of transforms in YAML or JSON (docs/augmentation.md) instead of hflip, vflip, jitter, crop and scale."
  )
  var augment: String?
  @Option(help: "Threads that prepare pictures.")
  var workers: Int?
  @Option(help: "One seed, one result, bit for bit.")
  var seed: UInt64?
  @Option(help: "Weights to start from: a checkpoint of the same model and classes.")
  var weights: String?
  @Option(help: "The run's folder; runs/train, runs/train2... if left out.")
  var out: String?
  @Option(help: "A run's folder, or a checkpoint, to go on with; its settings hold.")
  var resume: String?
  @Flag(help: "Print the time by operation at the end.")
  var profile = false
  @Flag(help: "Write no pictures, report or TensorBoard events; only results.csv and results.png.")
  var noPictures = false

  enum Preset: String, ExpressibleByArgument, CaseIterable { case ssd, notes }

  func validate() throws {
    if let resume {
      guard ofAnotherRun.isEmpty else {
        throw ValidationError(
          "resume: the settings of \(resume) hold; leave out \(ofAnotherRun.joined(separator: ", "))"
        )
      }
      return
    }
    if augment != nil {
      let others: [(String, Bool)] = [
        ("--hflip", hflip != nil), ("--vflip", vflip != nil), ("--jitter", jitter != nil),
        ("--crop", crop != nil), ("--scale", scale != nil),
      ]
      let given = others.filter(\.1).map(\.0)
      guard given.isEmpty else {
        throw ValidationError(
          "augment: the list says it all; leave out \(given.joined(separator: ", "))")
      }
    }
    try settings().problems.first.map { throw ValidationError($0) }
    let entry = try ModelEntry.named(model)
    guard (entry.smallestSide...4096).contains(size) else {
      throw ValidationError("size: expected \(entry.smallestSide)...4096, got \(size)")
    }
    do {
      if let anchors { _ = try Anchors(anchors) }
    } catch {
      throw ValidationError(error.description)
    }
  }

  /// The options given that would make a resumed run another one.
  private var ofAnotherRun: [String] {
    let given: [(String, Bool)] = [
      ("--model", model != "tiny-ssd"), ("--train-split", trainSplit != nil),
      ("--val-split", valSplit != nil), ("--epochs", epochs != nil), ("--batch", batch != nil),
      ("--size", size != 256), ("--letterbox", letterbox), ("--preset", preset != .ssd),
      ("--anchors", anchors != nil), ("--optimizer", optimizer != nil), ("--lr", lr != nil),
      ("--schedule", schedule != nil), ("--warmup", warmup != nil),
      ("--momentum", momentum != nil), ("--decay", decay != nil),
      ("--precision", precision != nil), ("--clip-norm", clipNorm != nil),
      ("--clip-value", clipValue != nil), ("--accumulate", accumulate != nil),
      ("--ema", ema != nil), ("--patience", patience != nil), ("--freeze", !freeze.isEmpty),
      ("--hflip", hflip != nil), ("--vflip", vflip != nil), ("--jitter", jitter != nil),
      ("--crop", crop != nil), ("--scale", scale != nil), ("--workers", workers != nil),
      ("--seed", seed != nil), ("--weights", weights != nil), ("--augment", augment != nil),
    ]
    return given.filter(\.1).map(\.0)
  }

  func run() throws {
    common.apply()
    let job = try resume.map { try TrainingJob(resuming: $0, self) } ?? TrainingJob(starting: self)
    try job.run(json: common.json, profile: profile, pictures: !noPictures)
  }

  /// The preset, changed by what was named.
  func settings() throws -> TrainingSettings {
    var settings = TrainingSettings()
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
    func set<T>(_ path: WritableKeyPath<TrainingSettings, T>, _ value: T?) {
      if let value { settings[keyPath: path] = value }
    }
    set(\.epochs, epochs)
    set(\.batch, batch)
    set(\.rule, optimizer)
    set(\.learningRate, lr)
    set(\.course, schedule)
    set(\.warmUpEpochs, warmup)
    set(\.momentum, momentum)
    set(\.decay, decay)
    set(\.precision, precision)
    set(\.clipNorm, clipNorm)
    set(\.clipValue, clipValue)
    set(\.accumulation, accumulate)
    set(\.averageDecay, ema)
    set(\.patience, patience)
    set(\.horizontalFlip, hflip)
    set(\.verticalFlip, vflip)
    set(\.colorJitter, jitter)
    set(\.crop, crop)
    set(\.scale, scale)
    set(\.workers, workers)
    set(\.seed, seed)
    settings.frozen = freeze
    settings.augmentation = try augment.map(augmentationList)
    return settings
  }
}

/// A file's list of transforms, every parameter written out: a run that is resumed does not need the file.
func augmentationList(_ file: String) throws -> String {
  do {
    return try AugmentationFile.yaml(AugmentationFile.read(file))
  } catch {
    throw ValidationError("augment: \(error)")
  }
}
