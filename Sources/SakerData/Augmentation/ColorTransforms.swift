import Foundation
import SakerTensor

/// Turns hues and multiplies saturation and value by random factors: the colour augmentation of
/// YOLOv3 to YOLO11. Its usual amounts are 0.015, 0.7 and 0.4.
public struct HSVGains: ParameterizedTransform {
  /// The hue is turned by ± this share of the circle.
  public var hue: Float
  /// Factors are drawn from 1 ± this.
  public var saturation, value: Float

  public init(hue: Float = 0.015, saturation: Float = 0.7, value: Float = 0.4) {
    self.hue = hue
    self.saturation = saturation
    self.value = value
    checkParameters()
  }

  public static let standard = HSVGains()
  public var problem: String? {
    unless(
      [hue, saturation, value].allSatisfy { (0...1).contains($0) },
      "gains are 0...1, got \(hue), \(saturation), \(value)")
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    let turn = random.uniform(-hue...hue)
    let saturation = random.uniform(1 - saturation...1 + saturation)
    let value = random.uniform(1 - value...1 + value)
    sample.picture.adjustHSV(turn: turn, saturation: saturation, value: value)
  }
}

/// Raises levels to a random power: a camera that exposes differently.
public struct RandomGamma: ParameterizedTransform {
  /// The powers' logarithms are drawn evenly, so that 1/2 is as likely as 2.
  public var gamma: ClosedRange<Float>
  public var probability: Float

  public init(_ gamma: ClosedRange<Float> = 0.5...2, probability: Float = 0.5) {
    self.gamma = gamma
    self.probability = probability
    checkParameters()
  }

  public static let standard = RandomGamma()
  public var problem: String? {
    unless(gamma.lowerBound > 0, "a gamma is above 0, got \(gamma)")
      ?? probabilityProblem(probability)
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    guard random.uniform() < probability else { return }
    sample.picture.adjustGamma(
      exp(random.uniform(log(gamma.lowerBound)...log(gamma.upperBound))))
  }
}

/// Removes colour with a probability; the picture keeps three channels.
public struct RandomGrayscale: ParameterizedTransform {
  public var probability: Float

  public init(probability: Float = 0.1) {
    self.probability = probability
    checkParameters()
  }

  public static let standard = RandomGrayscale()
  public var problem: String? { probabilityProblem(probability) }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    if random.uniform() < probability { sample.picture.removeColor() }
  }
}

/// Inverts levels at or above a random threshold, with a probability.
public struct RandomSolarize: ParameterizedTransform {
  /// 0...256.
  public var thresholds: ClosedRange<Float>
  public var probability: Float

  public init(_ thresholds: ClosedRange<Float> = 64...192, probability: Float = 0.2) {
    self.thresholds = thresholds
    self.probability = probability
    checkParameters()
  }

  public static let standard = RandomSolarize()
  public var problem: String? {
    unless(
      thresholds.lowerBound >= 0 && thresholds.upperBound <= 256,
      "a threshold is 0...256, got \(thresholds)") ?? probabilityProblem(probability)
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    guard random.uniform() < probability else { return }
    sample.picture.solarize(threshold: Int(random.uniform(thresholds)))
  }
}

/// Keeps only the highest bits of all levels, with a probability.
public struct RandomPosterize: ParameterizedTransform {
  /// 1...8; one of them is drawn.
  public var bits: [Int]
  public var probability: Float

  public init(bits: [Int] = [3, 4, 5, 6], probability: Float = 0.2) {
    self.bits = bits
    self.probability = probability
    checkParameters()
  }

  public static let standard = RandomPosterize()
  public var problem: String? {
    unless(
      !bits.isEmpty && bits.allSatisfy { (1...8).contains($0) }, "bits are 1...8, got \(bits)")
      ?? probabilityProblem(probability)
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    guard random.uniform() < probability else { return }
    sample.picture.posterize(bits: bits[random.index(below: bits.count)])
  }
}

/// Makes all levels about as frequent as each other, with a probability.
public struct RandomEqualize: ParameterizedTransform {
  public var probability: Float

  public init(probability: Float = 0.2) {
    self.probability = probability
    checkParameters()
  }

  public static let standard = RandomEqualize()
  public var problem: String? { probabilityProblem(probability) }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    if random.uniform() < probability { sample.picture.equalize() }
  }
}

/// Stretches each channel to all levels, with a probability.
public struct RandomAutocontrast: ParameterizedTransform {
  public var probability: Float

  public init(probability: Float = 0.2) {
    self.probability = probability
    checkParameters()
  }

  public static let standard = RandomAutocontrast()
  public var problem: String? { probabilityProblem(probability) }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    if random.uniform() < probability { sample.picture.autocontrast() }
  }
}

/// Inverts all levels, with a probability.
public struct RandomInvert: ParameterizedTransform {
  public var probability: Float

  public init(probability: Float = 0.1) {
    self.probability = probability
    checkParameters()
  }

  public static let standard = RandomInvert()
  public var problem: String? { probabilityProblem(probability) }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    if random.uniform() < probability { sample.picture.invert() }
  }
}
