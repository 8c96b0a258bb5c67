import CKernels
import Foundation

/// What changes each pixel on its own. Formulas are torchvision's for 8-bit pictures.
extension Picture {
  /// 255 minus each level.
  public mutating func invert() {
    pixels.withUnsafeMutableBufferPointer { saker_invert($0.baseAddress, $0.count) }
  }

  /// A copy with 255 minus each level.
  public func inverted() -> Picture {
    Picture(width: width, height: height) { result in
      saker_inverted(pixels, result.baseAddress, result.count)
    }
  }

  /// A copy with the highest bits of each level.
  ///
  /// - Parameter bits: 0 (black) ... 8 (the same picture).
  public func posterized(bits: Int) -> Picture {
    precondition((0...8).contains(bits), "a level has 0...8 bits, got \(bits)")
    return Picture(width: width, height: height) { result in
      saker_posterized(pixels, result.baseAddress, result.count, Int32(bits))
    }
  }

  /// Keeps the highest bits of each level.
  ///
  /// - Parameter bits: 0 (black) ... 8 (the same picture).
  public mutating func posterize(bits: Int) {
    precondition((0...8).contains(bits), "a level has 0...8 bits, got \(bits)")
    pixels.withUnsafeMutableBufferPointer {
      saker_posterize($0.baseAddress, $0.count, Int32(bits))
    }
  }

  /// Inverts levels at or above a threshold: 0 inverts all, 256 none.
  public mutating func solarize(threshold: Int) {
    pixels.withUnsafeMutableBufferPointer {
      saker_solarize($0.baseAddress, $0.count, Int32(min(max(threshold, 0), 256)))
    }
  }

  /// Stretches each channel so that its lowest level becomes 0 and its highest 255; a channel
  /// of one level stays.
  public mutating func autocontrast() {
    var lows: [UInt8] = [0, 0, 0]
    var highs: [UInt8] = [0, 0, 0]
    pixels.withUnsafeMutableBufferPointer {
      saker_extrema_rgb($0.baseAddress, $0.count / 3, &lows, &highs)
      let flat = (0..<3).map { lows[$0] == highs[$0] }
      let offsets = (0..<3).map { flat[$0] ? 0 : Float(lows[$0]) }
      let scales = (0..<3).map { flat[$0] ? 1 : 255 / (Float(highs[$0]) - Float(lows[$0])) }
      saker_stretch_rgb($0.baseAddress, $0.count / 3, offsets, scales)
    }
  }

  /// Makes all levels of a channel about as frequent as each other, by Pillow's rule: the step is
  /// the count of all pixels but those of the highest level, divided by 255; level k becomes
  /// (pixels below k + step / 2) / step, all in whole numbers.
  public mutating func equalize() {
    pixels.withUnsafeMutableBufferPointer { levels in
      var counts = [UInt32](repeating: 0, count: 768)
      let count = levels.count / 3
      saker_histograms_rgb(levels.baseAddress, count, &counts)
      var tables = [UInt8](repeating: 0, count: 768)
      for channel in 0..<3 {
        let histogram = counts[256 * channel..<256 * (channel + 1)]
        let step = (count - Int(histogram.last { $0 > 0 } ?? 0)) / 255
        var below = 0
        for level in 0..<256 {
          let value = step > 0 ? min(255, (below + step / 2) / step) : level
          // Nothing lies below the first level, whatever rounding says.
          tables[256 * channel + level] = UInt8(level == 0 ? 0 : value)
          below += Int(counts[256 * channel + level])
        }
      }
      saker_lookup_rgb(levels.baseAddress, count, tables)
    }
  }

  /// `(level / 255) ^ gamma * gain`: above 1 darkens, below 1 brightens the middle.
  ///
  /// - Parameters:
  ///   - gamma: 0 or more.
  ///   - gain: multiplies the result, which ends at white.
  public mutating func adjustGamma(_ gamma: Float, gain: Float = 1) {
    precondition(gamma >= 0, "gamma is 0 or more, got \(gamma)")
    let table = (0..<256).map { level -> UInt8 in
      // torchvision multiplies by a little less than 256 and drops the fraction.
      let value = min(max(pow(Float(level) / 255, gamma) * gain, 0), 1)
      return UInt8(value * (256 - 1e-3))
    }
    pixels.withUnsafeMutableBufferPointer {
      saker_lookup_rgb($0.baseAddress, $0.count / 3, table + table + table)
    }
  }

  /// All three channels become the brightness as the eye has it, `0.2989 r + 0.587 g + 0.114 b`.
  public mutating func removeColor() {
    pixels.withUnsafeMutableBufferPointer { saker_gray_rgb($0.baseAddress, $0.count / 3) }
  }

  /// Turns every hue by `turn` of the circle and multiplies saturation and value, which end at
  /// their largest: YOLO's HSV gains.
  public mutating func adjustHSV(turn: Float, saturation: Float, value: Float) {
    precondition(
      saturation >= 0 && value >= 0, "gains are 0 or more, got \(saturation) and \(value)")
    pixels.withUnsafeMutableBufferPointer {
      saker_hsv_rgb($0.baseAddress, $0.count / 3, turn, saturation, value)
    }
  }

  /// `share` of this picture and the rest of another one of its size.
  public mutating func mix(with other: Picture, share: Float) {
    precondition(
      width == other.width && height == other.height,
      "pictures to mix have one size, got \(width)x\(height) and \(other.width)x\(other.height)")
    precondition((0...1).contains(share), "a share is 0...1, got \(share)")
    pixels.withUnsafeMutableBufferPointer {
      saker_mix($0.baseAddress, other.pixels, $0.count, share)
    }
  }

  /// Adds normal noise, a number of its own to each level.
  ///
  /// - Parameter deviation: where white is 1.
  public mutating func addNoise(deviation: Float, seed: UInt64) {
    pixels.withUnsafeMutableBufferPointer {
      saker_normal_noise($0.baseAddress, $0.count, 255 * deviation, seed)
    }
  }

  /// Turns a share of the pixels black or white: salt and pepper.
  public mutating func addImpulses(share: Float, seed: UInt64) {
    precondition((0...1).contains(share), "a share is 0...1, got \(share)")
    pixels.withUnsafeMutableBufferPointer {
      saker_impulse_noise(
        $0.baseAddress, $0.count / 3, UInt32(min(Double(share) * 0x1p32, 4_294_967_295)), seed)
    }
  }
}
