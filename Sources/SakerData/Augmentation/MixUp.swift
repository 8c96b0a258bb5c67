import SakerTensor

/// Mixes the picture with another one, pixel by pixel, by a share drawn from a beta distribution
/// (Zhang et al., arXiv:1710.09412). Classes are mixed by the same share; objects of both pictures
/// stay, as in detectors (Zhang et al., arXiv:1902.04103). The other picture is scaled to fit and
/// centred. On batches of tensors: `MixUp`.
public struct SampleMixUp: MixingTransform, ParameterizedTransform {
  /// Both parameters of the beta distribution: 0.2 leaves one of the two nearly alone, 32
  /// mixes by about halves.
  public var alpha: Float
  public var probability: Float
  /// Around a picture of another shape.
  public var fill: RGB

  public init(alpha: Float = 32, probability: Float = 0.1, fill: RGB = .letterboxGray) {
    self.alpha = alpha
    self.probability = probability
    self.fill = fill
    checkParameters()
  }

  public static let name = "MixUp"
  public static let standard = SampleMixUp()
  public var problem: String? {
    unless(alpha > 0 && alpha <= 1e6, "alpha is above 0, got \(alpha)")
      ?? probabilityProblem(probability)
  }

  public func apply(
    _ sample: inout Sample, using random: inout Random, from source: SampleSource
  ) throws {
    guard random.uniform() < probability else { return }
    let share = random.beta(Double(alpha), Double(alpha))
    var other = try source.draw(&random)
    other.fit(into: sample.size, fill: fill)
    sample.picture.mix(with: other.picture, share: share)
    sample.objects += other.objects
    sample.classes = sample.classes.mixed(with: other.classes, share: share)
    // A pixel has one class: that of the picture which shows more.
    if share < 0.5, let map = other.labelMap { sample.labelMap = map }
  }
}

/// Covers a rectangle of the picture with the same part of another one (Yun et al.,
/// arXiv:1905.04899). Classes are mixed by the areas; objects under the rectangle go when most of
/// them is covered, and those of the other picture stay as far as the rectangle shows them. On
/// batches of tensors: `CutMix`.
public struct SampleCutMix: MixingTransform, ParameterizedTransform {
  /// Both parameters of the beta distribution from which the kept share of the area is drawn.
  public var alpha: Float
  public var probability: Float
  public var rule: VisibilityRule
  public var fill: RGB

  public init(
    alpha: Float = 1, probability: Float = 0.5, rule: VisibilityRule = VisibilityRule(),
    fill: RGB = .letterboxGray
  ) {
    self.alpha = alpha
    self.probability = probability
    self.rule = rule
    self.fill = fill
    checkParameters()
  }

  public static let name = "CutMix"
  public static let standard = SampleCutMix()
  public var problem: String? {
    unless(alpha > 0 && alpha <= 1e6, "alpha is above 0, got \(alpha)")
      ?? probabilityProblem(probability) ?? rule.problem
  }

  public func apply(
    _ sample: inout Sample, using random: inout Random, from source: SampleSource
  ) throws {
    guard random.uniform() < probability else { return }
    let (width, height) = (sample.picture.width, sample.picture.height)
    let side = (1 - random.beta(Double(alpha), Double(alpha))).squareRoot()
    let (x, y) = (random.index(below: width), random.index(below: height))
    let (w, h) = (Int(side * Float(width)), Int(side * Float(height)))
    let part = PixelBox(left: x - w / 2, top: y - h / 2, right: x + w / 2, bottom: y + h / 2)
      .clipped(width: width, height: height)
    guard part.width > 0, part.height > 0 else { return }
    var other = try source.draw(&random)
    other.fit(into: sample.size, fill: fill)
    let patch = other.picture.cropped(
      x: part.left, y: part.top, width: part.width, height: part.height)
    copyRows(
      patch.pixels, part.width, part.height, into: &sample.picture.pixels, width, height,
      x: -part.left, y: -part.top, bytes: 3)
    let covered = Float(part.width * part.height) / Float(width * height)
    sample.classes = sample.classes.mixed(with: other.classes, share: 1 - covered)
    sample.hide([part], maximum: 1 - max(rule.share, 1e-6))
    if let map = other.labelMap, sample.labelMap != nil {
      let piece = map.cropped(
        x: part.left, y: part.top, width: part.width, height: part.height, fill: Mask.ignored)
      copyRows(
        piece.values, part.width, part.height, into: &sample.labelMap!.values, width, height,
        x: -part.left, y: -part.top, bytes: 1)
    }
    // The other picture seen through the rectangle alone.
    other.show(x: part.left, y: part.top, width: part.width, height: part.height, rule: rule)
    other.show(
      x: -part.left, y: -part.top, width: width, height: height,
      rule: VisibilityRule(share: 0, side: 0))
    sample.objects += other.objects
  }
}

extension Sample {
  /// Brings a sample to another's size with its proportions kept.
  mutating func fit(into size: PictureSize, fill: RGB) {
    guard size != self.size else { return }
    letterbox(Placement(of: self.size, into: size, fit: .letterbox(fill)), fill: fill)
  }
}

extension [ClassShare] {
  /// `share` of these and the rest of others; a class of both comes once.
  func mixed(with others: [ClassShare], share: Float) -> [ClassShare] {
    [].adding(self, times: share).adding(others, times: 1 - share)
  }

  func adding(_ others: [ClassShare], times factor: Float) -> [ClassShare] {
    var result = self
    for other in others {
      if let i = result.firstIndex(where: { $0.label == other.label }) {
        result[i].share += factor * other.share
      } else {
        result.append(ClassShare(label: other.label, share: factor * other.share))
      }
    }
    return result
  }
}
