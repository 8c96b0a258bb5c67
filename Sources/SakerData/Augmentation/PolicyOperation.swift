import Foundation
import SakerTensor

/// The operations that learned and random policies choose from (AutoAugment, arXiv:1805.09501,
/// table 6), with one magnitude each. Boxes, masks and key points follow the geometric ones.
public enum PolicyOperation: String, Hashable, Codable, Sendable, CaseIterable {
  case identity
  /// Magnitude: how far a row (column) moves for each pixel below (right of) the first.
  case shearX, shearY
  /// Magnitude: pixels; the fraction is dropped.
  case translateX, translateY
  /// Magnitude: degrees, counter-clockwise.
  case rotate
  /// Magnitude: the factor minus 1. Colour is saturation.
  case brightness, color, contrast, sharpness
  /// Magnitude: bits kept.
  case posterize
  /// Magnitude: the threshold, where white is 1.
  case solarize
  case autoContrast, equalize, invert

  /// Whether the sign of the magnitude is drawn.
  public var isSigned: Bool {
    switch self {
    case .identity, .posterize, .solarize, .autoContrast, .equalize, .invert: false
    default: true
    }
  }

  public var isGeometric: Bool {
    switch self {
    case .shearX, .shearY, .translateX, .translateY, .rotate: true
    default: false
    }
  }

  /// Applies the operation as torchvision's policies do, whose defaults are `.nearest` and black.
  public func apply(
    _ magnitude: Double, to sample: inout Sample, fill: RGB = .black,
    interpolation: Interpolation = .nearest, rule: VisibilityRule = VisibilityRule()
  ) {
    let factor = Float(1 + magnitude)
    switch self {
    case .identity: break
    case .brightness: sample.picture.adjustBrightness(by: factor)
    case .color: sample.picture.adjustSaturation(by: factor)
    case .contrast: sample.picture.adjustContrast(by: factor)
    case .sharpness: sample.picture = sample.picture.sharpened(by: max(0, factor))
    case .posterize: sample.picture.posterize(bits: min(max(Int(magnitude), 0), 8))
    case .solarize:
      sample.picture.solarize(threshold: Int((255 * Float(magnitude)).rounded(.up)))
    case .autoContrast: sample.picture.autocontrast()
    case .equalize: sample.picture.equalize()
    case .invert: sample.picture.invert()
    case .shearX, .shearY, .translateX, .translateY, .rotate:
      sample.warp(
        by: map(magnitude, sample.size), to: sample.size, fill: fill, interpolation: interpolation,
        rule: rule)
    }
  }

  private func map(_ magnitude: Double, _ size: PictureSize) -> PlaneMap {
    switch self {
    case .shearX: PlaneMap([1, -magnitude, 0, 0, 1, 0, 0, 0, 1])
    case .shearY: PlaneMap([1, 0, 0, -magnitude, 1, 0, 0, 0, 1])
    case .translateX: .moved(x: magnitude.rounded(.towardZero), y: 0)
    case .translateY: .moved(x: 0, y: magnitude.rounded(.towardZero))
    default:
      .affine(
        degrees: -magnitude,
        around: PicturePoint(x: Float(size.width) / 2, y: Float(size.height) / 2))
    }
  }
}

/// How strong operations are at each level, in the ranges that torchvision uses for the three
/// published schemes.
struct MagnitudeRange {
  /// Levels, from 0 on.
  let bins: Int
  /// TrivialAugment's "wide" ranges.
  var isWide = false

  /// The magnitude at a level; `nil` for operations that have none.
  func magnitude(_ operation: PolicyOperation, level: Int, size: PictureSize) -> Double? {
    let share = bins > 1 ? Float(level) / Float(bins - 1) : 0
    func upTo(_ narrow: Float, _ wide: Float) -> Double { Double((isWide ? wide : narrow) * share) }
    switch operation {
    case .identity, .autoContrast, .equalize, .invert: return nil
    case .shearX, .shearY: return upTo(0.3, 0.99)
    case .translateX: return upTo(150 / 331 * Float(size.width), 32)
    case .translateY: return upTo(150 / 331 * Float(size.height), 32)
    case .rotate: return upTo(30, 135)
    case .brightness, .color, .contrast, .sharpness: return upTo(0.9, 0.99)
    case .posterize:
      let lost = bins > 1 ? Float(level) / (Float(bins - 1) / (isWide ? 6 : 4)) : 0
      return Double((8 - lost).rounded(.toNearestOrEven))
    case .solarize: return Double(1 - share)
    }
  }
}

extension Sample {
  /// Applies an operation at a level, with a sign drawn if it has one.
  mutating func apply(
    _ operation: PolicyOperation, level: Int, of range: MagnitudeRange, fill: RGB,
    _ interpolation: Interpolation, _ rule: VisibilityRule, using random: inout Random
  ) {
    var magnitude = range.magnitude(operation, level: level, size: size) ?? 0
    if operation.isSigned && random.uniform() < 0.5 { magnitude = -magnitude }
    operation.apply(magnitude, to: &self, fill: fill, interpolation: interpolation, rule: rule)
  }
}
