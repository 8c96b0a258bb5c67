/// What only classifiers are trained with, beside `TrainingSettings`. Stored with each checkpoint.
public struct ClassificationSettings: Codable, Hashable, Sendable {
  /// How classes of different sizes are treated.
  public enum Balance: String, Codable, Sendable, CaseIterable {
    case none
    /// Pictures of rare classes are drawn more often, so that all classes turn up alike.
    case sampler
    /// Pictures of rare classes weigh more in the loss.
    case weights
    /// Training is as ever; afterwards probabilities are divided by the classes' shares: the
    /// priors are taken out.
    case threshold
  }

  /// The share of a target that is spread over all classes, 0..<1. Szegedy et al.,
  /// arXiv:1512.00567.
  public var labelSmoothing: Float = 0
  /// α of MixUp's Beta distribution; 0 mixes nothing. With `cutmix`, each batch draws one of both.
  public var mixup = 0.0
  /// α of CutMix's Beta distribution; 0 cuts nothing.
  public var cutmix = 0.0
  /// RandAugment's magnitude of 0...30, two operations a picture; `nil` for none.
  public var randAugment: Int?
  /// Random shift by up to this many pixels each way, filled with black: a random crop
  /// of a padded image.
  public var shift = 0
  /// The least share of the area that a random crop of random shape keeps; 1 takes the picture
  /// as evaluation does.
  public var resizedCrop: Float = 1
  /// Share of pictures of which a random rectangle is erased.
  public var erasing: Float = 0
  /// The frozen lowest layers: number of stages, or the name of the last one.
  public var frozenLayers: String?
  /// Whether batch norm keeps its statistics, weights and biases.
  public var freezesBatchNorm = false
  /// The head's learning rate, in units of the others'.
  public var headRate = 1.0
  /// The learning rate of each stage, in units of that above it.
  public var layerDecay = 1.0
  /// Whether only the head learns, on features computed as in evaluation.
  public var linearProbe = false
  public var balance = Balance.none
  /// How much the loss of each auxiliary head counts, of networks that have some; as published if
  /// left out, and with 0 nobody asks them.
  public var auxiliaryWeight: Float?
  /// Whether weights that are exactly 0 in the beginning, as pruning leaves them, stay 0.
  public var keepsZeros = false
  /// Strength of the penalty on batch norms' |γ|, so that channels that don't help
  /// fade away; 0: none.
  public var slimming: Float = 0
  /// How much a teacher says, where there is one.
  public var distillation: Distillation?
  /// Into how many modules the network is cut that learn each by itself; `nil` learns end to end.
  public var localModules: Int?

  /// What is learned from a teacher. Hinton et al., arXiv:1503.02531.
  public struct Distillation: Codable, Hashable, Sendable {
    /// Logits are divided by it, above 0.
    public var temperature: Float
    /// The teacher's share of the loss, 0...1; the rest is the labels'.
    public var alpha: Float

    public init(temperature: Float = 4, alpha: Float = 0.9) {
      self.temperature = temperature
      self.alpha = alpha
    }
  }

  public init() {}

  /// What a checkpoint of an older version does not have yet is as if it had not been asked for.
  public init(from decoder: any Decoder) throws {
    self.init()
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func take<Value: Decodable>(
      _ path: WritableKeyPath<ClassificationSettings, Value>, _ key: CodingKeys
    ) throws {
      if let value = try container.decodeIfPresent(Value.self, forKey: key) {
        self[keyPath: path] = value
      }
    }
    try take(\.labelSmoothing, .labelSmoothing)
    try take(\.mixup, .mixup)
    try take(\.cutmix, .cutmix)
    randAugment = try container.decodeIfPresent(Int.self, forKey: .randAugment)
    try take(\.shift, .shift)
    try take(\.resizedCrop, .resizedCrop)
    try take(\.erasing, .erasing)
    frozenLayers = try container.decodeIfPresent(String.self, forKey: .frozenLayers)
    try take(\.freezesBatchNorm, .freezesBatchNorm)
    try take(\.headRate, .headRate)
    try take(\.layerDecay, .layerDecay)
    try take(\.linearProbe, .linearProbe)
    try take(\.balance, .balance)
    auxiliaryWeight = try container.decodeIfPresent(Float.self, forKey: .auxiliaryWeight)
    try take(\.keepsZeros, .keepsZeros)
    try take(\.slimming, .slimming)
    distillation = try container.decodeIfPresent(Distillation.self, forKey: .distillation)
    localModules = try container.decodeIfPresent(Int.self, forKey: .localModules)
  }

  /// Whether targets are shares of classes instead of one class.
  public var mixes: Bool { mixup > 0 || cutmix > 0 }

  /// Every option that makes no sense, one line each.
  public var problems: [String] {
    var problems: [String] = []
    func demand(_ condition: Bool, _ problem: String) {
      if !condition { problems.append(problem) }
    }
    demand(
      (0..<1).contains(labelSmoothing), "label smoothing: expected 0..<1, got \(labelSmoothing)")
    for (name, alpha) in [("mixup", mixup), ("cutmix", cutmix)] {
      demand((0...1000).contains(alpha), "\(name): expected an alpha of 0...1000, got \(alpha)")
    }
    demand(
      (0...30).contains(randAugment ?? 0),
      "randaugment: expected a magnitude of 0...30, got \(randAugment ?? 0)")
    demand((0...1024).contains(shift), "shift: expected 0...1024 pixels, got \(shift)")
    demand(
      resizedCrop > 0 && resizedCrop <= 1,
      "crop: expected a least share above 0, at most 1, got \(resizedCrop)")
    demand((0...1).contains(erasing), "erase: expected 0...1, got \(erasing)")
    demand(
      headRate > 0 && headRate.isFinite, "head lr: expected a factor above 0, got \(headRate)")
    demand(
      layerDecay > 0 && layerDecay <= 1,
      "layer decay: expected a factor above 0, at most 1, got \(layerDecay)")
    demand(
      !(linearProbe && frozenLayers != nil),
      "linear probe: freezes all but the head, leave out freeze layers")
    demand(
      slimming >= 0 && slimming.isFinite, "slimming: expected 0 or more, got \(slimming)")
    let auxiliary = auxiliaryWeight ?? 0
    demand(
      auxiliary >= 0 && auxiliary.isFinite, "aux weight: expected 0 or more, got \(auxiliary)")
    if let distillation {
      demand(
        distillation.temperature > 0 && distillation.temperature.isFinite,
        "temperature: expected above 0, got \(distillation.temperature)")
      demand(
        (0...1).contains(distillation.alpha), "alpha: expected 0...1, got \(distillation.alpha)")
    }
    if let localModules {
      demand(
        (1...1000).contains(localModules),
        "local modules: expected 1 or more, got \(localModules)")
      demand(
        distillation == nil,
        "local modules: leave out the teacher: each module learns from a head of its own")
    }
    return problems
  }
}
