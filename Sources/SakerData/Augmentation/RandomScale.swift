import SakerTensor

/// Shows the picture's content larger or smaller at a random place, and keeps the picture's size. A
/// factor below 1 shrinks it onto a canvas (SSD's zoom-out, arXiv:1512.02325, section 3.6, with
/// factors 0.25...1); above 1, a part of 1/factor of each side is cut out and enlarged.
///
/// An object stays if its centre stays and at least `minimumVisibility` of its area does;
/// its box is clipped.
public struct RandomScale: ParameterizedTransform {
  public var factors: ClosedRange<Float>
  /// What the canvas shows around a shrunk picture.
  public var fill: RGB
  /// 0...1.
  public var minimumVisibility: Float

  public init(
    _ factors: ClosedRange<Float> = 0.5...1.5, fill: RGB = .letterboxGray,
    minimumVisibility: Float = 0.25
  ) {
    self.factors = factors
    self.fill = fill
    self.minimumVisibility = minimumVisibility
    checkParameters()
  }

  public static let standard = RandomScale()
  public var problem: String? {
    unless(factors.lowerBound > 0, "a factor is above 0, got \(factors)")
      ?? unless((0...1).contains(minimumVisibility), "a visible share is 0...1")
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    let factor = random.uniform(factors)
    let (width, height) = (sample.picture.width, sample.picture.height)
    let size = PictureSize(
      width: max(1, Int(Float(width) * min(factor, 1 / factor))),
      height: max(1, Int(Float(height) * min(factor, 1 / factor))))
    let left = random.index(below: width - size.width + 1)
    let top = random.index(below: height - size.height + 1)
    if factor < 1 {
      sample.resize(to: size)
      sample.show(
        x: -left, y: -top, width: width, height: height, fill: fill,
        rule: VisibilityRule(share: 0, side: 0))
    } else {
      sample.cutAndResize(
        x: left, y: top, width: size.width, height: size.height,
        to: PictureSize(width: width, height: height),
        rule: VisibilityRule(share: minimumVisibility, side: 0, needsCentre: true))
    }
  }
}

/// Puts the picture at a random place of a larger canvas, so that objects look smaller once
/// the canvas is resized (SSD's expansion, arXiv:1512.02325, section 3.6). Both sides grow
/// by the same factor.
public struct Expansion: ParameterizedTransform {
  /// 1 or more.
  public var factors: ClosedRange<Float>
  public var fill: RGB
  public var probability: Float

  public init(
    _ factors: ClosedRange<Float> = 1...4, fill: RGB = .letterboxGray, probability: Float = 0.5
  ) {
    self.factors = factors
    self.fill = fill
    self.probability = probability
    checkParameters()
  }

  public static let standard = Expansion()
  public var problem: String? {
    unless(
      factors.lowerBound >= 1 && factors.upperBound <= 100, "a factor is 1...100, got \(factors)")
      ?? probabilityProblem(probability)
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    guard random.uniform() < probability else { return }
    let factor = random.uniform(factors)
    let width = Int(Float(sample.picture.width) * factor)
    let height = Int(Float(sample.picture.height) * factor)
    let left = random.index(below: width - sample.picture.width + 1)
    let top = random.index(below: height - sample.picture.height + 1)
    sample.show(
      x: -left, y: -top, width: width, height: height, fill: fill,
      rule: VisibilityRule(share: 0, side: 0))
  }
}
