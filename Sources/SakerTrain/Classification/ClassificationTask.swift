import SakerData
import SakerMetrics
import SakerNN
import SakerTensor
import SakerVision

/// Image classification, measured by top-1 accuracy.
public final class ClassificationTask: TrainingTask {
  public let model: any Classifier
  public private(set) var card: ClassifierCard
  public let training: ClassificationDataset
  public let validation: ClassificationDataset?
  /// The teacher, for distillation.
  public let teacher: ClassifierTeacher?
  /// Where the model learns module by module.
  private var local: LocalClassifier?
  /// Where weights that are 0 stay 0; made before the first step, when a resumed run has its
  /// weights.
  private var masks: PruningMasks?

  /// - Parameter card: as the model was built; its class names are those of the data, in their
  ///   order.
  public init(
    _ model: any Classifier, _ card: ClassifierCard, on training: ClassificationDataset,
    validation: ClassificationDataset? = nil, teacher: ClassifierTeacher? = nil
  ) {
    self.model = model
    self.card = card
    self.training = training
    self.validation = validation
    self.teacher = teacher
  }

  public var network: any Module { local ?? (model as any Module) }
  public var metadata: [String: String] { card.metadata }
  public var inputShape: [Int] { [card.input.channels, card.input.side, card.input.side] }
  public var isValidated: Bool { validation != nil }
  public var fingerprint: DataFingerprint { DataFingerprint(training) }

  public let lossColumns = [EpochColumn("train/loss", "trainLoss")]
  public let measureColumns = [
    EpochColumn("val/loss", "valLoss"), EpochColumn("metrics/top1", "top1"),
    EpochColumn("metrics/top5", "top5"),
  ]

  // MARK: - Before training

  public func prepare(_ settings: TrainingSettings) throws {
    let own = settings.classification ?? ClassificationSettings()
    guard training.classes == card.classNames else {
      throw TrainingError(
        "the data have the classes \(training.classes.joined(separator: ", ")), the model "
          + card.classNames.joined(separator: ", "))
    }
    if own.linearProbe {
      for named in model.namedParameters where !model.isHead(named.name) {
        named.parameter.freeze()
      }
      model.holdEvaluation { !self.model.isHead($0) }
    }
    if let layers = own.frozenLayers { try model.freezeStages(layers) }
    if own.freezesBatchNorm { model.freezeBatchNorm() }
    if own.balance == .threshold { card.priors = training.shares }
    if own.auxiliaryWeight ?? 0 > 0, model.namesOfAuxiliaryHeads.isEmpty {
      throw TrainingError("aux weight: \(card.architecture) was built without auxiliary heads")
    }
    guard (own.distillation == nil) == (teacher == nil) else {
      throw TrainingError("distillation: expected a teacher and how much it says, got one of both")
    }
    try teacher?.demandFit(card)
    if let modules = own.localModules {
      guard settings.precision == .float32 else {
        throw TrainingError(
          "local modules: expected precision f32, got \(settings.precision.rawValue)")
      }
      local = try withSeed(settings.seed &+ 1) {
        try LocalClassifier(
          model, modules: modules, classes: card.classNames.count,
          pictureChannels: card.input.channels)
      }
    }
  }

  public func loader(_ settings: TrainingSettings, skipBad: Bool) throws -> Loader {
    guard !training.items.isEmpty else { throw TrainingError("the training data has no pictures") }
    var options = Loader.Options(training: settings, skipBad: skipBad)
    if settings.classification?.balance == .sampler {
      options.shuffle = false
      options.sampler = try BalancedSampler(
        classes: training.labels.map { [$0] }, seed: settings.seed)
    }
    return Loader(
      training, preprocessing: card.input.normalization,
      transforms: settings.transforms(card.input), options: options)
  }

  /// The head at a rate of its own; below it each stage at a share of the rate of the one above.
  public func parameterGroups(_ settings: TrainingSettings) -> [ParameterGroup] {
    let own = settings.classification ?? ClassificationSettings()
    guard own.headRate != 1 || own.layerDecay != 1 else { return network.parameterGroups() }
    let stages = model.stages
    var groups: [ParameterGroup] = []
    var rest = network.namedParameters
    func take(rate: Double, _ belongs: (String) -> Bool) {
      let found = rest.filter { belongs($0.name) }
      rest.removeAll { belongs($0.name) }
      if !found.isEmpty { groups.append(ParameterGroup(found, rateFactor: rate)) }
    }
    take(rate: own.headRate, model.isHead)
    // What an auxiliary head has below its classes is as near to a loss as the highest stage.
    take(rate: 1, model.isAuxiliary)
    var rate = 1.0
    for stage in stages.reversed() {
      rate *= own.layerDecay
      take(rate: rate, stage.contains)
    }
    take(rate: rate) { _ in true }
    return groups
  }

  public func forward(_ images: Tensor) { _ = model.evaluating { model(images) } }

  // MARK: - Training

  public func loss(_ batch: Batch, _ settings: TrainingSettings, at place: StepPlace) -> StepLoss {
    let own = settings.classification ?? ClassificationSettings()
    let (images, targets) = inputs(batch, settings, at: place)
    let (logits, further, weight) = outputs(images, own)
    var total = targets.loss(logits)
    if let teacher, let distillation = own.distillation {
      total = teacher.loss(logits, of: images, labelLoss: total, distillation)
    }
    for logits in further { total = total + weight * targets.loss(logits) }
    if own.slimming > 0 { total = total + model.slimmingPenalty(strength: own.slimming) }
    return StepLoss(total: total, parts: [Double(total.detached().item)])
  }

  /// The logits, those of auxiliary heads that are to be learned from, and how much each of
  /// their losses counts.
  private func outputs(
    _ images: Tensor, _ own: ClassificationSettings
  ) -> (logits: Tensor, auxiliary: [Tensor], weight: Float) {
    guard let model = model as? any AuxiliaryClassifier, !model.auxiliaryHeads.isEmpty,
      own.auxiliaryWeight != 0
    else { return (model(images), [], 0) }
    let outputs = model.outputs(images)
    return (outputs.logits, outputs.auxiliary, own.auxiliaryWeight ?? model.auxiliaryWeight)
  }

  public func learn(
    from batch: Batch, _ settings: TrainingSettings, at place: StepPlace, together: Int
  ) -> StepLoss {
    if masks == nil, settings.classification?.keepsZeros == true {
      masks = PruningMasks(zerosOf: model.prunableWeights)
    }
    guard let local else {
      let loss = loss(batch, settings, at: place)
      guard loss.parts.allSatisfy(\.isFinite) else { return loss }
      (together == 1 ? loss.total : loss.total / Float(together)).backward()
      return loss
    }
    let (images, targets) = inputs(batch, settings, at: place)
    let losses = local.local.backward(
      images, pictures: card.input.levels(images), together: together
    ) { targets.loss($0) }
    // The last module's is the network's.
    let last = losses.allSatisfy(\.isFinite) ? losses[losses.count - 1] : .nan
    return StepLoss(total: Tensor(last), parts: [Double(last)])
  }

  public func didUpdate() { masks?.apply() }

  /// A batch as the network sees it, mixed where the settings say so, and what it should say.
  public func inputs(
    _ batch: Batch, _ settings: TrainingSettings, at place: StepPlace
  ) -> (images: Tensor, targets: ClassTargets) {
    let own = settings.classification ?? ClassificationSettings()
    var images = card.input.arranged(batch.tensor(settings.precision))
    let weights =
      own.balance == .weights
      ? Tensor(Rebalancing.classWeights(training.labels, classes: training.classes.count)) : nil
    let isPlain = batch.classes.allSatisfy { $0.count == 1 }
    if isPlain && !own.mixes {
      let labels = Tensor(batch.classes.map { Int32($0[0].label) })
      return (
        images, ClassTargets(.labels(labels), smoothing: own.labelSmoothing, weights: weights)
      )
    }
    let classes = card.classNames.count
    var shares = Tensor([batch.count, classes], of: Float.self) { shares in
      shares.update(repeating: 0)
      for (row, list) in batch.classes.enumerated() {
        for entry in list { shares[row * classes + entry.label] += entry.share }
      }
    }
    if own.mixes { (images, shares) = mixed(images, shares, own, settings.seed, place) }
    return (images, ClassTargets(.shares(shares), smoothing: own.labelSmoothing, weights: weights))
  }

  /// MixUp or CutMix; where both are wanted, one of them, drawn for each batch.
  private func mixed(
    _ images: Tensor, _ shares: Tensor, _ own: ClassificationSettings, _ seed: UInt64,
    _ place: StepPlace
  ) -> (Tensor, Tensor) {
    var random = Random(seed: seed, place.epoch, place.batch, 0x313)
    let cuts = own.mixup == 0 || own.cutmix > 0 && random.uniform() < 0.5
    if cuts {
      var cutMix = CutMix(alpha: own.cutmix, random: random)
      let result = cutMix(images, shares)
      return (result.images, result.targets)
    }
    var mixUp = MixUp(alpha: own.mixup, random: random)
    let result = mixUp(images, shares)
    return (result.images, result.targets)
  }

  // MARK: - Validation

  public func validate(_ options: ValidationOptions) throws -> Measures {
    guard let validation else { return Measures([:], score: 0) }
    var runner = ClassifierRunner(
      model, card, precision: options.settings.precision, batch: options.settings.batch,
      workers: options.settings.workers, skipBad: options.skipBad, isQuiet: options.isQuiet)
    runner.onSkip = options.onSkip
    let found = try runner.evaluate(on: validation)
    return Measures(
      ["valLoss": found.loss, "top1": found.top1, "top5": found.topK(5)], score: found.top1)
  }
}

/// What a network should say of a batch.
public struct ClassTargets {
  public enum Truth {
    /// One class each, int32 `[N]`.
    case labels(Tensor)
    /// Shares of classes, float32 `[N, classes]`.
    case shares(Tensor)
  }

  public let truth: Truth
  public let smoothing: Float
  /// Weight of each class, float32 `[classes]`.
  public let weights: Tensor?

  init(_ truth: Truth, smoothing: Float, weights: Tensor?) {
    self.truth = truth
    self.smoothing = smoothing
    self.weights = weights
  }

  /// Cross-entropy, the mean over the batch; with weights each picture counts as its classes
  /// do, as in PyTorch.
  public func loss(_ logits: Tensor) -> Tensor {
    switch truth {
    case .labels(let labels):
      return crossEntropy(logits, labels, smoothing: smoothing, weights: weights)
    case .shares(var shares):
      let logits = logits.converted(to: .float32)
      if smoothing > 0 {
        shares = shares * (1 - smoothing) + smoothing / Float(shares.shape[1])
      }
      if let weights { shares = shares * weights }
      return softTargetCrossEntropy(logits, shares)
    }
  }
}

extension ClassificationDataset {
  /// Fraction of the images in each class.
  public var shares: [Float] {
    countsByClass.map { Float($0) / Float(max(items.count, 1)) }
  }
}

extension DataFingerprint {
  /// Fingerprint of names, classes and labels.
  init(_ dataset: ClassificationDataset) {
    self.init(pictures: dataset.items.count)
    for name in dataset.classes { add(name) }
    for item in dataset.items {
      add(item.name)
      add(UInt64(item.label))
    }
  }
}

extension EpochResult {
  public var trainLoss: Double? { values["trainLoss"] }
  /// On the validation split, when there is one: cross-entropy without smoothing, and the shares of
  /// pictures whose class is the first, or among the first five.
  public var valLoss: Double? { values["valLoss"] }
  public var top1: Double? { values["top1"] }
  public var top5: Double? { values["top5"] }
}
