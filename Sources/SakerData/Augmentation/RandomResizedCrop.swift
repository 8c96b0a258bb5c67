import Foundation
import SakerTensor

/// Cuts a random part of a random shape out of the picture and brings it to one size: how
/// classifiers are trained since Inception (Szegedy et al., arXiv:1409.4842). Draws like
/// torchvision's: a share of the area, the logarithm of the shape; after ten parts that do not fit,
/// the largest middle part of an allowed shape.
public struct RandomResizedCrop: ParameterizedTransform {
  /// Size of the result, in pixels.
  public var width, height: Int
  /// The part's area as a share of the picture's.
  public var scale: ClosedRange<Float>
  /// Width by height of the part.
  public var ratio: ClosedRange<Float>
  public var rule: VisibilityRule

  public init(
    width: Int = 224, height: Int = 224, scale: ClosedRange<Float> = 0.08...1,
    ratio: ClosedRange<Float> = 0.75...1.3333334, rule: VisibilityRule = VisibilityRule()
  ) {
    self.width = width
    self.height = height
    self.scale = scale
    self.ratio = ratio
    self.rule = rule
    checkParameters()
  }

  public static let standard = RandomResizedCrop()
  public var problem: String? {
    sizeProblem(width, height)
      ?? unless(
        scale.lowerBound > 0 && scale.upperBound <= 1,
        "a part is 0...1 of the picture, got \(scale)")
      ?? unless(ratio.lowerBound > 0, "a ratio is above 0, got \(ratio)") ?? rule.problem
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    let (x, y, partWidth, partHeight) = part(of: sample.size, using: &random)
    sample.cutAndResize(
      x: x, y: y, width: partWidth, height: partHeight,
      to: PictureSize(width: width, height: height), rule: rule)
  }

  private func part(of size: PictureSize, using random: inout Random) -> (Int, Int, Int, Int) {
    let (width, height) = (Float(size.width), Float(size.height))
    for _ in 0..<10 {
      let area = width * height * random.uniform(scale)
      let shape = exp(random.uniform(log(ratio.lowerBound)...log(ratio.upperBound)))
      let (w, h) = (
        Int((area * shape).squareRoot().rounded()), Int((area / shape).squareRoot().rounded())
      )
      guard w > 0, h > 0, w <= size.width, h <= size.height else { continue }
      let y = random.index(below: size.height - h + 1)
      return (random.index(below: size.width - w + 1), y, w, h)
    }
    var (w, h) = (size.width, size.height)
    if width / height < ratio.lowerBound {
      h = max(1, Int((width / ratio.lowerBound).rounded()))
    } else if width / height > ratio.upperBound {
      w = max(1, Int((height * ratio.upperBound).rounded()))
    }
    return ((size.width - w) / 2, (size.height - h) / 2, w, h)
  }
}

func sizeProblem(_ width: Int, _ height: Int) -> String? {
  unless(
    (1...50_000).contains(width) && (1...50_000).contains(height),
    "a size is 1...50000 pixels each way, got \(width)x\(height)")
}

extension Sample {
  /// Cuts out a part, which lies inside, and resizes it.
  public mutating func cutAndResize(
    x: Int, y: Int, width: Int, height: Int, to size: PictureSize,
    rule: VisibilityRule = VisibilityRule()
  ) {
    precondition(
      x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= picture.width
        && y + height <= picture.height,
      "a \(width)x\(height) part at (\(x), \(y)) is not inside \(picture.width)x\(picture.height)")
    let map = PlaneMap.moved(x: -Double(x), y: -Double(y)).then(
      .scaled(
        x: Double(size.width) / Double(width), y: Double(size.height) / Double(height)))
    picture = picture.resized(
      part: (x: x, y: y, width: width, height: height), to: size)
    moveMarks(by: map, to: size, rule: rule)
  }
}
