import SakerTensor

/// Blurs by a Gaussian of random width, with a probability.
public struct GaussianBlur: ParameterizedTransform {
  /// Pixels, odd.
  public var kernel: Int
  public var sigma: ClosedRange<Float>
  public var probability: Float

  public init(kernel: Int = 7, sigma: ClosedRange<Float> = 0.1...2, probability: Float = 0.3) {
    self.kernel = kernel
    self.sigma = sigma
    self.probability = probability
    checkParameters()
  }

  public static let standard = GaussianBlur()
  public var problem: String? {
    unless(
      kernel > 0 && kernel % 2 == 1 && kernel < 1000, "a kernel is odd and 1..<1000, got \(kernel)")
      ?? unless(sigma.lowerBound > 0, "sigma is above 0, got \(sigma)")
      ?? probabilityProblem(probability)
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    guard random.uniform() < probability else { return }
    sample.picture = sample.picture.gaussianBlurred(kernel: kernel, sigma: random.uniform(sigma))
  }
}

/// Sharpens or smooths by a random factor, with a probability.
public struct RandomSharpness: ParameterizedTransform {
  /// 0 smooths, 1 leaves the picture, 2 sharpens.
  public var factors: ClosedRange<Float>
  public var probability: Float

  public init(_ factors: ClosedRange<Float> = 0...2, probability: Float = 0.5) {
    self.factors = factors
    self.probability = probability
    checkParameters()
  }

  public static let standard = RandomSharpness()
  public var problem: String? {
    unless(factors.lowerBound >= 0, "a sharpness is 0 or more, got \(factors)")
      ?? probabilityProblem(probability)
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    guard random.uniform() < probability else { return }
    sample.picture = sample.picture.sharpened(by: random.uniform(factors))
  }
}

/// Adds normal noise of random strength, with a probability: a sensor in the dark.
public struct GaussianNoise: ParameterizedTransform {
  /// Standard deviations, where white is 1.
  public var deviation: ClosedRange<Float>
  public var probability: Float

  public init(deviation: ClosedRange<Float> = 0.01...0.1, probability: Float = 0.3) {
    self.deviation = deviation
    self.probability = probability
    checkParameters()
  }

  public static let standard = GaussianNoise()
  public var problem: String? {
    unless(
      deviation.lowerBound >= 0 && deviation.upperBound <= 10,
      "a deviation is 0...10, got \(deviation)") ?? probabilityProblem(probability)
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    guard random.uniform() < probability else { return }
    sample.picture.addNoise(deviation: random.uniform(deviation), seed: random.next())
  }
}

/// Turns a random share of the pixels black or white, with a probability.
public struct SaltAndPepper: ParameterizedTransform {
  /// 0...1.
  public var share: ClosedRange<Float>
  public var probability: Float

  public init(share: ClosedRange<Float> = 0.001...0.02, probability: Float = 0.2) {
    self.share = share
    self.probability = probability
    checkParameters()
  }

  public static let standard = SaltAndPepper()
  public var problem: String? {
    unless(
      share.lowerBound >= 0 && share.upperBound <= 1, "a share is 0...1, got \(share)")
      ?? probabilityProblem(probability)
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    guard random.uniform() < probability else { return }
    sample.picture.addImpulses(share: random.uniform(share), seed: random.next())
  }
}

/// Compresses the picture as JPEG of random quality and takes what is left, with a probability.
public struct JPEGArtifacts: ParameterizedTransform {
  /// 1...100, evenly drawn.
  public var quality: [Int]
  public var probability: Float

  /// - Parameter quality: the lowest and the highest.
  public init(quality: ClosedRange<Int> = 10...60, probability: Float = 0.3) {
    self.quality = [quality.lowerBound, quality.upperBound]
    self.probability = probability
    checkParameters()
  }

  public static let standard = JPEGArtifacts()
  public var problem: String? {
    unless(
      quality.count == 2 && quality.allSatisfy { (1...100).contains($0) }
        && quality[0] <= quality[1],
      "the quality is two numbers in 1...100, the lower first, got \(quality)")
      ?? probabilityProblem(probability)
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    guard random.uniform() < probability else { return }
    let drawn = quality[0] + random.index(below: quality[1] - quality[0] + 1)
    sample.picture = sample.picture.withJPEGArtifacts(quality: drawn)
  }
}
