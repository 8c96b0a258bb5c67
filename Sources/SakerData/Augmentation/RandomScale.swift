import SakerTensor

/// Shows the picture's content larger or smaller at a random place, and keeps the picture's size. A factor below 1 shrinks it onto a canvas
/// (SSD's zoom-out, arXiv:1512.02325, section 3.6, with factors 0.25...1); above 1, a part of 1/factor of each side is cut out and enlarged.
///
/// An object stays if its centre stays and at least `minimumVisibility` of its area does; its box is clipped.
public struct RandomScale: DetectionTransform {
  public let factors: ClosedRange<Float>
  /// What the canvas shows around a shrunk picture.
  public let fill: RGB
  /// 0...1.
  public let minimumVisibility: Float

  public init(
    _ factors: ClosedRange<Float> = 0.5...1.5, fill: RGB = .letterboxGray,
    minimumVisibility: Float = 0.25
  ) {
    precondition(factors.lowerBound > 0, "a factor is above 0, got \(factors)")
    self.factors = factors
    self.fill = fill
    self.minimumVisibility = minimumVisibility
  }

  public func apply(_ sample: inout DetectionSample, using random: inout Random) {
    let factor = random.uniform(factors)
    let (width, height) = (sample.picture.width, sample.picture.height)
    let size = PictureSize(
      width: max(1, Int(Float(width) * min(factor, 1 / factor))),
      height: max(1, Int(Float(height) * min(factor, 1 / factor))))
    let left = random.index(below: width - size.width + 1)
    let top = random.index(below: height - size.height + 1)
    let (x, y) = (Float(size.width) / Float(width), Float(size.height) / Float(height))
    if factor < 1 {
      sample.picture = Picture(
        of: sample.picture, resizedTo: size, atX: left, y: top,
        on: Picture(width: width, height: height, filledWith: fill))
      for i in sample.annotations.indices {
        sample.annotations[i].box = sample.annotations[i].box.scaled(x: x, y: y)
          .moved(x: Float(left), y: Float(top))
      }
    } else {
      sample.crop(
        left: left, top: top, right: left + size.width, bottom: top + size.height,
        minimumVisibility: minimumVisibility)
      sample.picture = sample.picture.resized(width: width, height: height)
      for i in sample.annotations.indices {
        sample.annotations[i].box = sample.annotations[i].box.scaled(x: 1 / x, y: 1 / y)
          .clipped(width: Float(width), height: Float(height))
      }
    }
  }
}
