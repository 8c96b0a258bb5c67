import ArgumentParser
import Saker

/// How anything is trained, and trained further after pruning: what a preset or the run says, changed by what is named.
struct TrainingOptions: ParsableArguments {
  @Option(help: "Passes over the training data; 'prune' trains further only if they are named.")
  var epochs: Int?
  @Option(help: "Pictures a step.")
  var batch: Int?
  @Option(help: "How gradients change weights; each needs a rate of its own size.")
  var optimizer: TrainingSettings.Rule?
  @Option(help: "The highest learning rate, also of training after pruning.")
  var lr: Double?
  @Option(help: "What step, cosine and onecycle fall to at the least.")
  var minLr: Double?
  @Option(help: "constant, step, cosine or onecycle.")
  var schedule: TrainingSettings.Course?
  @Option(help: "Epochs of linear rise before constant, step or cosine.")
  var warmup: Double?
  @Option(
    help:
      "SGD's and RMSProp's momentum, Adam's first beta; onecycle moves it between 0.95 and 0.85."
  )
  var momentum: Double?
  @Flag(inversion: .prefixedNo, help: "SGD looks ahead by a momentum's step.")
  var nesterov: Bool?
  @Option(help: "Where SGD's velocity has the rate: rate-outside (PyTorch), rate-inside (Keras).")
  var momentumConvention: MomentumConvention?
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
  @Option(help: "Freeze the lowest layers: how many stages, or the name of the last.")
  var freezeLayers: String?
  @Option(help: "The head's learning rate, in units of the others'.")
  var headLr: Double?
  @Option(help: "Share of pictures mirrored left to right.")
  var hflip: Float?
  @Option(
    help: "Share of pictures turned upside down; 0 if left out, for the embedded blood cells 0.5.")
  var vflip: Float?
  @Option(help: "Strength of random colour changes, 0...1.")
  var jitter: Float?
  @Option(
    help:
      "A list of transforms in YAML or JSON (docs/augmentation.md) instead of the options above and below that change pictures."
  )
  var augment: String?
  @Option(help: "Threads that prepare pictures.")
  var workers: Int?
  @Option(
    help: "One seed, one result, bit for bit; also of the channels and weights that go at random.")
  var seed: UInt64?

  /// Changes settings by what was named.
  func apply(to settings: inout TrainingSettings) throws {
    func set<T>(_ path: WritableKeyPath<TrainingSettings, T>, _ value: T?) {
      if let value { settings[keyPath: path] = value }
    }
    set(\.epochs, epochs)
    set(\.batch, batch)
    set(\.rule, optimizer)
    set(\.learningRate, lr)
    if let minLr { settings.minimumRate = minLr }
    set(\.course, schedule)
    set(\.warmUpEpochs, warmup)
    set(\.momentum, momentum)
    if let nesterov { settings.nesterov = nesterov }
    if let momentumConvention { settings.momentumConvention = momentumConvention }
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
    set(\.workers, workers)
    set(\.seed, seed)
    settings.frozen = freeze
    applyLayers(to: &settings)
    settings.augmentation = try augment.map(augmentationList)
  }

  /// What is said of the lowest and the highest layers, to the task's own settings.
  private func applyLayers(to settings: inout TrainingSettings) {
    guard freezeLayers != nil || headLr != nil else { return }
    if settings.classification != nil {
      if let freezeLayers { settings.classification?.frozenLayers = freezeLayers }
      if let headLr { settings.classification?.headRate = headLr }
    } else {
      var own = settings.detection ?? DetectionSettings()
      if let freezeLayers { own.frozenLayers = freezeLayers }
      if let headLr { own.headRate = headLr }
      settings.detection = own
    }
  }

  /// The options that were named, for a resumed run, whose own hold.
  var given: [String] {
    let all: [(String, Bool)] = [
      ("--epochs", epochs != nil), ("--batch", batch != nil), ("--optimizer", optimizer != nil),
      ("--lr", lr != nil), ("--min-lr", minLr != nil), ("--schedule", schedule != nil),
      ("--warmup", warmup != nil),
      ("--momentum", momentum != nil), ("--nesterov", nesterov != nil),
      ("--momentum-convention", momentumConvention != nil), ("--decay", decay != nil),
      ("--precision", precision != nil),
      ("--clip-norm", clipNorm != nil), ("--clip-value", clipValue != nil),
      ("--accumulate", accumulate != nil), ("--ema", ema != nil),
      ("--patience", patience != nil), ("--freeze", !freeze.isEmpty),
      ("--freeze-layers", freezeLayers != nil), ("--head-lr", headLr != nil),
      ("--hflip", hflip != nil), ("--vflip", vflip != nil), ("--jitter", jitter != nil),
      ("--workers", workers != nil), ("--seed", seed != nil), ("--augment", augment != nil),
    ]
    return all.filter(\.1).map(\.0)
  }

  /// Those of them that a list of transforms replaces.
  var pictureChanges: [String] {
    given.filter { ["--hflip", "--vflip", "--jitter"].contains($0) }
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
