import ArgumentParser
import Saker

struct ForwardCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forward", abstract: "Run a network on a tensor and write all its outputs.",
    discussion: """
      For comparing with other frameworks: weights and input are safetensors files, \
      the weights under the published names, torchvision's or timm's. For classifiers the input may also be an image, \
      preprocessed as the checkpoint's card says, or as the published weights expect.
      """)

  @OptionGroup var common: CommonOptions

  @Option(
    help: "The model; 'saker models' lists all. A Saker checkpoint of a classifier has its own.")
  var model: String?
  @Option(help: "Number of classes; a Saker checkpoint has its own.")
  var classes: Int?
  @Option(help: "Anchor sizes: notes, or a list; a Saker checkpoint has its own.")
  var anchors = "notes"
  @Option(help: "A file of weights: safetensors, PyTorch's, NumPy's or Darknet's.")
  var weights: String
  @OptionGroup var loading: LoadingOptions
  @Option(
    help:
      "A safetensors file with the tensor 'input', [N, 3, H, W], float32, as the network takes it; or, for classifiers, a picture (.jpg, .png)."
  )
  var input: String
  @Option(help: "The safetensors file to write: all raw outputs by name.")
  var output: String
  @OptionGroup var gradients: ForwardGradients
  @Option(help: "f32 or bf16.")
  var precision = TrainingSettings.Precision.float32

  private struct Written: Encodable {
    var output: String
    var shapes: [String: [Int]]
    /// Of a classifier's checkpoint, in the order of the logits.
    var classes: [String]?
    /// Of weights without a card.
    var loading: LoadingSummary?
  }

  func run() throws {
    common.apply()
    // A name that nobody knows is told before any file is opened.
    if let model, !ModelEntry.all.contains(where: { $0.name == model }) {
      _ = try ClassifierCatalog.required(model)
    }
    let given = try GivenWeights(weights, nil)
    if let card = given.card { return try classify(given, card) }
    guard let model else {
      throw ValidationError(
        "model: \(given.file) does not say what it is for; name it with --model")
    }
    if let entry = ClassifierCatalog.named(model) { return try classify(given, entry) }
    let entry = try ModelEntry.named(model)
    guard gradients.file == nil else {
      throw ValidationError("gradients: only for classifiers, got \(model)")
    }
    let file = given.weights
    let images = try readInput(channels: 3, side: entry.smallestSide)
    let detector: any Detector
    if file.metadata[ModelCard.metadataKey] != nil {
      let checkpoint = try DetectorCheckpoint(file)
      let own = checkpoint.card
      guard own.architecture == model, classes == nil || classes == own.classNames.count else {
        throw CheckpointError(
          file: weights, "is for another model",
          [
            "expected \(model)\(classes.map { " with \($0) classes" } ?? ""), got \(own.architecture) "
              + "with \(own.classNames.count)"
          ])
      }
      detector = try ModelEntry.load(checkpoint)
    } else {
      guard let classes, (1...10_000).contains(classes) else {
        throw ValidationError(
          "classes: expected 1...10000 with --classes, as \(weights) does not tell; got \(classes.map(String.init) ?? "none")"
        )
      }
      let choice = try Anchors(anchors)
      detector = try entry.untrained(classes: classes, size: max(entry.smallestSide, 256), choice)
      try detector.load(state: file.tensors, file: weights)
    }
    try write(detector.rawOutputs(converted(images)))
  }

  /// The logits of a checkpoint of ours: its card says what network it is, for which input.
  private func classify(_ given: GivenWeights, _ card: ClassifierCard) throws {
    guard model == nil || model == card.architecture,
      classes == nil || classes == card.classNames.count
    else {
      throw CheckpointError(
        file: given.file, "is for another model",
        [
          "expected \(model ?? card.architecture)\(classes.map { " with \($0) classes" } ?? ""), got "
            + "\(card.architecture) with \(card.classNames.count)"
        ])
    }
    guard loading.isPlain else {
      throw ValidationError(
        "part, partial, rename, ignore: only for weights without a card; \(given.file) has one")
    }
    let network = try ClassifierCheckpoint(given.weights).model()
    let images = try readInput(card.input)
    try write(
      gradients.outputs(
        of: network, converted(images), classes: card.classNames.count, input: input),
      classes: card.classNames)
  }

  /// The logits of a classifier with weights that do not say what they are for.
  private func classify(_ given: GivenWeights, _ entry: ClassifierEntry) throws {
    guard (1...100_000).contains(classes ?? 1) else {
      throw ValidationError("classes: expected 1...100000, got \(classes ?? 0)")
    }
    let images = try readInput(entry.input)
    let file = given.weights
    let network = withoutStarts {
      entry.build(classes ?? entry.classes, for: file)
    }
    let report = try loading.load(file, into: network)
    try write(
      gradients.outputs(
        of: network, converted(images), classes: classes ?? entry.classes, input: input),
      report: report)
  }

  /// A tensor as it is, or a picture as the network expects it.
  private func readInput(_ expected: ClassifierInput) throws -> Tensor {
    guard !Picture.isNamed(input) else {
      return expected.tensor(try Picture(file: input))
    }
    // A small stem takes what its card says, which may be less than the published network needs.
    return try readInput(
      channels: expected.channels, side: min(expected.smallestSide, expected.side))
  }

  private func readInput(channels: Int, side: Int) throws -> Tensor {
    guard let images = try Safetensors(contentsOf: input)["input"] else {
      throw CheckpointError(file: input, "has no tensor 'input'")
    }
    guard images.dtype == .float32, images.rank == 4, images.shape[0] > 0,
      images.shape[1] == channels, images.shape[2] >= side, images.shape[3] >= side
    else {
      throw CheckpointError(
        file: input, "cannot be an input",
        [
          "input: expected float32 [N, \(channels), H, W] of at least \(side) pixels a side, got \(images.dtype) \(images.shape)"
        ])
    }
    return images
  }

  private func converted(_ images: Tensor) -> Tensor {
    precision == .bfloat16 ? images.converted(to: .bfloat16) : images
  }

  private func write(
    _ results: [NamedTensor], classes: [String]? = nil, report: LoadReport? = nil
  ) throws {
    let outputs = results.map { NamedTensor($0.name, $0.tensor.converted(to: .float32)) }
    try Safetensors(outputs).write(to: output)
    let shapes = Dictionary(uniqueKeysWithValues: outputs.map { ($0.name, $0.tensor.shape.sizes) })
    if common.json {
      try printJSON(
        Written(
          output: output, shapes: shapes, classes: classes,
          loading: report.map(LoadingSummary.init)))
    } else {
      for named in outputs { print("\(named.name) \(named.tensor.shape)") }
      print("written to \(output)")
    }
  }
}
