import ArgumentParser
import Saker

/// How anything is trained, and trained further after pruning: what a preset or the run says,
/// changed by what is named.
struct TrainingOptions: ParsableArguments {
  @Option(help: "Number of epochs; 'prune' fine-tunes only if it is given.")
  var epochs: Int?
  @Option(help: "Batch size.")
  var batch: Int?
  @Option(help: "The optimizer; each needs its own range of learning rates.")
  var optimizer: TrainingSettings.Rule?
  @Option(help: "Maximum learning rate, also when fine-tuning after pruning.")
  var lr: Double?
  @Option(help: "Minimum learning rate of step, cosine and onecycle.")
  var minLr: Double?
  @Option(help: "Learning-rate schedule: constant, step, cosine or onecycle.")
  var schedule: TrainingSettings.Course?
  @Option(help: "Epochs of linear warm-up before constant, step or cosine.")
  var warmup: Double?
  @Option(
    help:
      "Momentum of SGD and RMSProp, beta1 of Adam; onecycle cycles it between 0.95 and 0.85."
  )
  var momentum: Double?
  @Flag(inversion: .prefixedNo, help: "Nesterov momentum for SGD.")
  var nesterov: Bool?
  @Option(help: "Where SGD's velocity has the rate: rate-outside (PyTorch), rate-inside (Keras).")
  var momentumConvention: MomentumConvention?
  @Option(help: "Weight decay.")
  var decay: Double?
  @Option(help: "f32, or bf16: activations in bfloat16, weights in float32.")
  var precision: TrainingSettings.Precision?
  @Option(help: "Clip the gradient norm to this; 0: no clipping.")
  var clipNorm: Double?
  @Option(help: "Clip each gradient to +- this; 0: no clipping.")
  var clipValue: Double?
  @Option(help: "Batches to accumulate per optimizer step.")
  var accumulate: Int?
  @Option(
    help:
      "Decay of the exponential moving average of the weights, which is evaluated and saved; 0: none."
  )
  var ema: Double?
  @Option(help: "Early stopping: epochs without improvement on the validation data; 0: never.")
  var patience: Int?
  @Option(help: "Parameters to freeze, by name, with * as a wildcard; may be repeated.")
  var freeze: [String] = []
  @Option(help: "Freeze the lowest layers: number of stages, or the name of the last one.")
  var freezeLayers: String?
  @Option(help: "Learning-rate multiplier of the head.")
  var headLr: Double?
  @Option(help: "Probability of a horizontal flip.")
  var hflip: Float?
  @Option(
    help: "Probability of a vertical flip; by default 0, for the embedded blood cells 0.5.")
  var vflip: Float?
  @Option(help: "Strength of colour jitter, 0...1.")
  var jitter: Float?
  @Option(
    help:
      "A list of transforms in YAML or JSON (docs/augmentation.md) instead of the augmentation options above and below."
  )
  var augment: String?
  @Option(help: "Threads that load and preprocess images.")
  var workers: Int?
  @Option(
    help: "Random seed: one seed, one result, bit for bit; also for random pruning.")
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

/// A file's list of transforms, every parameter written out: a run that is resumed does
/// not need the file.
func augmentationList(_ file: String) throws -> String {
  do {
    return try AugmentationFile.yaml(AugmentationFile.read(file))
  } catch {
    throw ValidationError("augment: \(error)")
  }
}
