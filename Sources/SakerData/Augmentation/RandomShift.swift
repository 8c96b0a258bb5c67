import SakerTensor

/// Moves the picture by whole pixels, drawn for each axis, and fills up: a random crop of a picture
/// with a border, as He et al. train on CIFAR-10 (arXiv:1512.03385, section 4.2: 4 pixels).
public struct RandomShift: ParameterizedTransform {
  /// The most, each way.
  public var pixels: Int
  public var fill: RGB
  public var rule: VisibilityRule

  public init(_ pixels: Int = 4, fill: RGB = .black, rule: VisibilityRule = VisibilityRule()) {
    self.pixels = pixels
    self.fill = fill
    self.rule = rule
    checkParameters()
  }

  public static let standard = RandomShift()
  public var problem: String? {
    unless((0...1024).contains(pixels), "a shift is 0...1024 pixels, got \(pixels)")
      ?? rule.problem
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    let x = Int.random(in: -pixels...pixels, using: &random)
    let y = Int.random(in: -pixels...pixels, using: &random)
    guard x != 0 || y != 0 else { return }
    // What moves right is seen through a window that moves left.
    sample.show(
      x: -x, y: -y, width: sample.picture.width, height: sample.picture.height, fill: fill,
      rule: rule)
  }
}
