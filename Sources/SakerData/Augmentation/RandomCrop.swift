import SakerTensor

/// Cuts a random part out of the picture, as SSD does (Liu et al., arXiv:1512.02325, section 2.2):
/// the part must overlap an object by an IoU drawn from a list. The picture gets smaller;
/// preprocessing brings it back to the input's size.
///
/// An object stays if its centre lies in the part (then at least a quarter of it is visible) and at
/// least `minimumVisibility` of its area does; its box is clipped. Pictures without objects are cut
/// without that condition.
public struct RandomCrop: ParameterizedTransform {
  /// One is drawn for each picture; 1 or more leaves the picture whole.
  public var minimumIoUs: [Float]
  /// The part's width and height as a share of the picture's, each drawn on its own.
  public var scale: ClosedRange<Float>
  /// Width by height of the part, relative to the picture's.
  public var ratio: ClosedRange<Float>
  /// 0...1.
  public var minimumVisibility: Float
  /// Parts tried before the picture is left whole.
  public var trials: Int

  public init(
    minimumIoUs: [Float] = [0, 0.1, 0.3, 0.5, 0.7, 0.9, 1], scale: ClosedRange<Float> = 0.3...1,
    ratio: ClosedRange<Float> = 0.5...2, minimumVisibility: Float = 0, trials: Int = 40
  ) {
    self.minimumIoUs = minimumIoUs
    self.scale = scale
    self.ratio = ratio
    self.minimumVisibility = minimumVisibility
    self.trials = trials
    checkParameters()
  }

  public static let standard = RandomCrop()
  public var problem: String? {
    unless(!minimumIoUs.isEmpty, "a crop needs at least one IoU to draw")
      ?? unless(
        scale.lowerBound > 0 && scale.upperBound <= 1,
        "a part is 0...1 of the picture, got \(scale)")
      ?? unless(ratio.lowerBound > 0, "a ratio is above 0, got \(ratio)")
      ?? unless(
        (0...1).contains(minimumVisibility) && trials >= 0,
        "a visible share is 0...1 and trials 0 or more, got \(minimumVisibility) and \(trials)")
  }

  private var rule: VisibilityRule {
    VisibilityRule(share: minimumVisibility, side: 0, needsCentre: true)
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    let minimum = minimumIoUs[random.index(below: minimumIoUs.count)]
    if minimum >= 1 { return }
    let (width, height) = (sample.picture.width, sample.picture.height)
    for _ in 0..<trials {
      let (x, y) = (random.uniform(scale), random.uniform(scale))
      guard ratio.contains(x / y) else { continue }
      let partWidth = max(1, Int(Float(width) * x))
      let partHeight = max(1, Int(Float(height) * y))
      let left = random.index(below: width - partWidth + 1)
      let top = random.index(below: height - partHeight + 1)
      let part = Box(
        left: Float(left), top: Float(top), right: Float(left + partWidth),
        bottom: Float(top + partHeight))
      guard sample.objects.isEmpty || allows(part, sample.objects, minimum) else {
        continue
      }
      sample.show(x: left, y: top, width: partWidth, height: partHeight, rule: rule)
      return
    }
  }

  /// Whether some object whose centre stays overlaps the part by at least `minimum`.
  private func allows(_ part: Box, _ objects: [SampleObject], _ minimum: Float) -> Bool {
    objects.contains { object in
      let box = object.box.moved(x: -part.left, y: -part.top)
      return box.centerLies(inWidth: part.width, height: part.height)
        && object.box.iou(part) >= minimum
    }
  }
}
