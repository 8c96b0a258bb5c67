import ArgumentParser
import Foundation
import Saker

struct PruneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune", abstract: "Prune a trained classifier and report the cost in accuracy.",
    discussion: """
      l1, l2, slimming and random remove whole channels, and the layers get smaller: ResNet, VGG and MobileNetV2. By magnitude single weights \
      become 0 and stay 0: any network, no faster. With --epochs the rest is fine-tuned on the run's data (or on --data); \
      --batch, --lr, --optimizer and the other training options apply to that; by default the run's own, with a tenth of its learning rate.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var source: DataOptions
  @Option(help: "A run, or a checkpoint of one.")
  var weights: String
  @Option(help: "The fraction to prune, 0...1.")
  var amount = 0.5
  @Option(help: "l1, l2, slimming, random (channels); magnitude, random-weights (single weights).")
  var method = Method.l1
  @Option(help: "Single weights: scope of the fraction, global or layer.")
  var scope = Scope.global
  @Option(help: "Channels: inner, those inside blocks; all: residual streams, too.")
  var channels = Channels.inner
  @Option(help: "Channels: remaining channels are rounded up to a multiple of this.")
  var multiple = 8
  @OptionGroup var options: TrainingOptions
  @Option(help: "The folder of the pruned network's run; by default runs/prune, runs/prune2, ...")
  var out: String?
  @Flag(help: "Remove the run that --out holds.")
  var overwrite = false
  @Flag(help: "Write no images, report or TensorBoard events.")
  var noPictures = false

  enum Method: String, ExpressibleByArgument, CaseIterable {
    case l1, l2, slimming, random, magnitude
    case randomWeights = "random-weights"
    var takesChannels: Bool { self != .magnitude && self != .randomWeights }
  }
  enum Scope: String, ExpressibleByArgument, CaseIterable { case global, layer }
  enum Channels: String, ExpressibleByArgument, CaseIterable { case inner, all }

  /// The network at one time.
  struct State: Encodable {
    var parameters: Int
    /// That are not 0.
    var nonzero: Int
    /// Of one picture.
    var multiplyAdds: Int
    /// On pictures that the run did not learn from: the test data, else those to validate on.
    var top1: Double?
    /// Of a picture, where 1 and where 8 run at a time: the median.
    var millisecondsBatch1, millisecondsBatch8: Double
  }

  private struct Report: Encodable {
    var method: String
    var amount: Double
    var run: String
    var weights: String
    /// What `top1` was measured on.
    var split: String?
    var before, pruned: State
    /// After training further.
    var tuned: State?
    /// Channels that are left of the groups that lost some.
    var widths: [String: Int]?
  }

  func validate() throws {
    guard out != nil || !overwrite else { throw ValidationError("overwrite: only with --out") }
    guard amount >= 0, method.takesChannels ? amount < 1 : amount <= 1 else {
      throw ValidationError(
        "amount: expected 0 to \(method.takesChannels ? "below 1" : "1"), got \(amount)")
    }
    guard (1...1024).contains(multiple) else {
      throw ValidationError("multiple: expected 1...1024, got \(multiple)")
    }
    if let epochs = options.epochs, epochs < 0 {
      throw ValidationError("epochs: expected 0 or more, got \(epochs)")
    }
  }

  func run() throws {
    common.apply()
    if let out { try RunFolder(out).demandFree(overwrite: overwrite) }
    let file = GivenWeights.file(weights)
    let checkpoint = try ClassifierCheckpoint(file: file)
    // A network that was pruned before and not trained since knows no run: the embedded data, or
    // --data. Whoever taught the run teaches the smaller network no more.
    let origin = ((try? checkpoint.origin) ?? [:]).filter { !$0.key.hasPrefix("teacher") }
    let model = try checkpoint.model()
    let card = checkpoint.card
    let parts = try ClassificationJob.parts(
      of: origin, data: source.data, classes: card.classNames, skipBad: source.skipBad)
    ClassificationJob.tell(parts)
    guard parts.training.classes == card.classNames else {
      throw TrainingError(
        "the data have the classes \(ByteText.list(parts.training.classes)), the weights "
          + ByteText.list(card.classNames))
    }
    let settings = try tuning((try? checkpoint.settings) ?? .fineTuning)
    // A mistake in the settings is told before the work.
    if let problem = settings.problems.first { throw ValidationError(problem) }
    let claim = try RunClaim.of(out, else: "runs/prune", overwrite: overwrite)
    let folder = claim.folder
    let judge = Judge(parts, settings, source.skipBad)
    let before = try judge.state(of: model, card)
    let (smallCard, small) = try pruned(model, card, settings.seed)
    try claim.clear(overwrite: overwrite)
    try folder.prepare()
    let after = try judge.state(of: small, smallCard)
    var tuned: State?
    if options.epochs ?? 0 > 0 {
      let job = try ClassificationJob(
        small, smallCard, parts, settings, into: folder, origin: origin, skipBad: source.skipBad)
      try job.run(
        json: common.json, profile: false, pictures: !noPictures, silent: common.json)
      let best = try ClassifierCheckpoint(file: GivenWeights.file(folder.path))
      tuned = try judge.state(of: best.model(), best.card)
    } else {
      let state = Safetensors(small.state, metadata: smallCard.metadata)
      try state.write(to: folder.last)
      try state.write(to: folder.best)
    }
    let report = Report(
      method: method.rawValue, amount: amount, run: folder.path,
      weights: GivenWeights.file(folder.path), split: judge.split, before: before, pruned: after,
      tuned: tuned, widths: smallCard.widths)
    try write(report, folder)
    if common.json { return try printJSON(report) }
    print(table(report))
    print("done: \(report.weights)")
  }

  /// As the run was trained, with the rate a tenth, for weights that know much already; changed
  /// by what was named.
  private func tuning(_ base: TrainingSettings) throws -> TrainingSettings {
    var settings = base
    settings.learningRate /= 10
    settings.patience = 0
    settings.lastEpoch = nil
    try options.apply(to: &settings)
    settings.epochs = max(settings.epochs, 1)
    settings.warmUpEpochs = min(settings.warmUpEpochs, Double(settings.epochs))
    var own = settings.classification ?? ClassificationSettings()
    // What the run was asked for besides.
    (own.distillation, own.localModules, own.slimming) = (nil, nil, 0)
    (own.linearProbe, own.frozenLayers) = (false, options.freezeLayers)
    own.keepsZeros = !method.takesChannels
    settings.classification = own
    return settings
  }

  private func pruned(
    _ model: any Classifier, _ card: ClassifierCard, _ seed: UInt64
  ) throws -> (ClassifierCard, any Classifier) {
    guard method.takesChannels else {
      let copy = try withoutStarts { try card.build() }
      try copy.load(state: model.state)
      var masks = PruningMasks(zerosOf: copy.prunableWeights)
      masks.prune(
        amount, by: method == .magnitude ? .magnitude : .random(seed: seed),
        scope: scope == .global ? .global : .layer)
      return (card, copy)
    }
    let criterion: ChannelCriterion =
      switch method {
      case .l2: .l2
      case .slimming: .slimming
      case .random: .random(seed: seed)
      default: .l1
      }
    var pruning = ChannelPruning(criterion, amount: amount)
    pruning.multiple = multiple
    pruning.includesStreams = channels == .all
    guard let prunable = model as? any PrunableClassifier else {
      return try card.narrowed(model, keeping: [:])
    }
    let kept = pruning.kept(prunable.channelGroups, in: model.state)
    guard !kept.isEmpty else {
      throw TrainingError(
        "\(card.architecture): no channels to take by \(method.rawValue)"
          + (channels == .inner ? ": try --channels all" : ""))
    }
    return try card.narrowed(model, keeping: kept)
  }

  private func write(_ report: Report, _ folder: RunFolder) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    try RunFolder.write(
      String(decoding: try encoder.encode(report), as: UTF8.self) + "\n",
      to: folder.path + "/prune.json")
  }

  private func table(_ report: Report) -> String {
    let rows: [(String, State)] =
      [("before", report.before), ("pruned", report.pruned)]
      + (report.tuned.map { [("trained on", $0)] } ?? [])
    let lines = rows.map { name, state in
      let named = name + String(repeating: " ", count: 12 - name.count)
      let top1 = state.top1.map { String(format: "%.4f", $0) } ?? "     -"
      return named
        + String(
          format: "%11d %11d %13d  %@ %8.2f %8.2f", state.parameters, state.nonzero,
          state.multiplyAdds, top1, state.millisecondsBatch1, state.millisecondsBatch8)
    }
    let header =
      "             parameters     nonzero multiply-adds   top-1  ms at 1  ms at 8"
    return ([header] + lines).joined(separator: "\n")
  }
}

/// Measures networks on the same pictures.
private struct Judge {
  let dataset: ClassificationDataset?
  let split: String?
  let settings: TrainingSettings
  let skipBad: Bool

  init(_ parts: ClassificationParts, _ settings: TrainingSettings, _ skipBad: Bool) {
    dataset = parts.test ?? parts.validation
    split = parts.test != nil ? "test" : parts.validation != nil ? "val" : nil
    self.settings = settings
    self.skipBad = skipBad
  }

  func state(of model: any Classifier, _ card: ClassifierCard) throws -> PruneCommand.State {
    let runner = ClassifierRunner(
      model, card, precision: settings.precision, batch: 64, workers: settings.workers,
      skipBad: skipBad, isQuiet: true)
    let evaluation = try dataset.map(runner.evaluate)
    let input = card.input
    let summary = ModelSummary(
      model, name: card.architecture, input: .zeros([1, input.channels, input.side, input.side])
    ) { _ = model($0) }
    let nonzero = model.parameters.reduce(0) { sum, parameter in
      sum + parameter.value.detached().converted(to: .float32).floats.count { $0 != 0 }
    }
    return PruneCommand.State(
      parameters: summary.parameters, nonzero: nonzero, multiplyAdds: summary.multiplyAdds,
      top1: evaluation?.top1, millisecondsBatch1: milliseconds(model, input, batch: 1),
      millisecondsBatch8: milliseconds(model, input, batch: 8))
  }

  /// Of a picture: the median of runs for about half a second.
  private func milliseconds(_ model: any Classifier, _ input: ClassifierInput, batch: Int) -> Double
  {
    var random = Random(seed: 0)
    var images = Tensor.normal([batch, input.channels, input.side, input.side], using: &random)
    if settings.precision == .bfloat16 { images = images.converted(to: .bfloat16) }
    return model.evaluating {
      for _ in 0..<3 { _ = model(images) }
      var times: [Double] = []
      let start = Date()
      while times.count < 5 || Date().timeIntervalSince(start) < 0.5 {
        let before = Date()
        _ = model(images)
        times.append(Date().timeIntervalSince(before))
      }
      return times.sorted()[times.count / 2] * 1e3 / Double(batch)
    }
  }
}
