import CKernels
import SakerTensor

/// Changes brightness, contrast, saturation and hue by random factors, in random order; boxes stay.
/// Formulas and ranges are torchvision's (`ColorJitter`, 8-bit pictures), so that published recipes
/// mean the same; results agree within a level.
public struct ColorJitter: ParameterizedTransform {
  /// Factors are drawn from `max(0, 1 - amount)...1 + amount`; 0 leaves a property alone.
  public var brightness, contrast, saturation: Float
  /// A turn is drawn from `-hue...hue`, where 1 is the whole circle; at most 0.5.
  public var hue: Float

  public init(brightness: Float = 0, contrast: Float = 0, saturation: Float = 0, hue: Float = 0) {
    self.brightness = brightness
    self.contrast = contrast
    self.saturation = saturation
    self.hue = hue
    checkParameters()
  }

  public static let standard = ColorJitter(
    brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1)
  public var problem: String? {
    unless(
      brightness >= 0 && contrast >= 0 && saturation >= 0 && (0...0.5).contains(hue),
      "amounts are 0 or more, hue 0...0.5; got \(brightness), \(contrast), \(saturation), \(hue)")
  }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    var steps = [0, 1, 2, 3]
    steps.shuffle(&random)
    for step in steps {
      switch step {
      case 0 where brightness > 0:
        sample.picture.adjustBrightness(by: random.uniform(max(0, 1 - brightness)...1 + brightness))
      case 1 where contrast > 0:
        sample.picture.adjustContrast(by: random.uniform(max(0, 1 - contrast)...1 + contrast))
      case 2 where saturation > 0:
        sample.picture.adjustSaturation(by: random.uniform(max(0, 1 - saturation)...1 + saturation))
      case 3 where hue > 0:
        sample.picture.turnHue(by: random.uniform(-hue...hue))
      default: break
      }
    }
  }
}

extension Picture {
  /// Each level times `factor`; 0 gives black, 1 the same picture.
  public mutating func adjustBrightness(by factor: Float) {
    pixels.withUnsafeMutableBufferPointer {
      saker_blend_constant($0.baseAddress, $0.count, factor, 0)
    }
  }

  /// Each level's distance from the mean gray times `factor`; 0 gives gray, 1 the same picture.
  public mutating func adjustContrast(by factor: Float) {
    pixels.withUnsafeMutableBufferPointer {
      let mean = Float(saker_mean_gray($0.baseAddress, $0.count / 3))
      saker_blend_constant($0.baseAddress, $0.count, factor, mean * (1 - factor))
    }
  }

  /// Each level's distance from its pixel's gray times `factor`; 0 gives a gray picture, 1
  /// the same picture.
  public mutating func adjustSaturation(by factor: Float) {
    pixels.withUnsafeMutableBufferPointer {
      saker_blend_gray($0.baseAddress, $0.count / 3, factor)
    }
  }

  /// Turns every hue by `turn` of the circle: 1/3 makes red green.
  public mutating func turnHue(by turn: Float) {
    pixels.withUnsafeMutableBufferPointer {
      saker_turn_hue($0.baseAddress, $0.count / 3, turn)
    }
  }
}
