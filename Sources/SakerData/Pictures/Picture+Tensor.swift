import SakerTensor

/// Which numbers of a tensor are black and white.
public enum LevelRange: Hashable, Sendable {
  /// Black is 0 and white 1, as networks take pictures and torchvision's `ToTensor` makes them.
  case unit
  /// Black is 0 and white 255, the levels of a file.
  case levels

  var white: Float { self == .unit ? 1 : 255 }
}

extension Tensor {
  /// A picture as `[3, H, W]`, red, green and blue: `(level - mean) / std`, the level in `range`.
  /// With neither mean nor deviation, what torchvision's `ToTensor` makes of it.
  ///
  /// - Parameters:
  ///   - mean: for each channel, in units of `range`.
  ///   - std: for each channel, in the same units; not zero.
  public init(
    picture: Picture, range: LevelRange = .unit, mean: [Float] = [0, 0, 0],
    std: [Float] = [1, 1, 1]
  ) {
    precondition(
      mean.count == 3 && std.count == 3 && std.allSatisfy { $0 != 0 },
      "mean and std have 3 values, std without 0; got \(mean) and \(std)")
    let (count, white) = (picture.width * picture.height, range.white)
    let values = [Float](unsafeUninitializedCapacity: 3 * count) { buffer, initialized in
      for channel in 0..<3 {
        for pixel in 0..<count {
          let level = Float(picture.pixels[3 * pixel + channel])
          let value = white == 1 ? level / 255 : level
          buffer[channel * count + pixel] = (value - mean[channel]) / std[channel]
        }
      }
      initialized = 3 * count
    }
    self.init(values, [3, picture.height, picture.width])
  }
}

extension Picture {
  /// The picture of a tensor `[C, H, W]` or `[1, C, H, W]`, red, green and blue, or one channel of
  /// gray. `x std + mean` undoes a normalization; levels are then rounded down, as torchvision's
  /// `to_pil_image` does, but for a thousandth of a level, so that a picture comes back from
  /// `Tensor(picture:)` as it was, whatever mean and deviation. What is darker than black is black,
  /// what is brighter than white is white, NaN is black.
  ///
  /// - Parameters:
  ///   - mean: for each channel, in units of `range`; nothing is added if left out.
  ///   - std: for each channel, in the same units; 1 if left out.
  public init(
    tensor: Tensor, range: LevelRange = .unit, mean: [Float]? = nil, std: [Float]? = nil
  ) {
    let shape = Array(tensor.shape.sizes.suffix(3))
    precondition(
      shape.count == 3 && tensor.rank <= 4 && tensor.count == shape.reduce(1, *)
        && (shape[0] == 1 || shape[0] == 3) && tensor.count > 0,
      "a picture is [C, H, W] or [1, C, H, W] of 1 or 3 channels, got \(tensor.shape)")
    let (channels, height, width) = (shape[0], shape[1], shape[2])
    let (mean, std) = (
      mean ?? [Float](repeating: 0, count: channels),
      std ?? [Float](repeating: 1, count: channels)
    )
    precondition(
      mean.count == channels && std.count == channels,
      "mean and std have \(channels) values, got \(mean) and \(std)")
    let floats = tensor.detached().converted(to: .float32).contiguous().floats
    let (count, scale) = (width * height, range == .unit ? Float(255) : 1)
    self.init(width: width, height: height) { pixels in
      for channel in 0..<3 {
        let source = channels == 1 ? 0 : channel
        for pixel in 0..<count {
          let value = floats[source * count + pixel] * std[source] + mean[source]
          let level = value * scale + 0.001
          pixels[3 * pixel + channel] = level >= 255 ? 255 : level > 0 ? UInt8(level) : 0
        }
      }
    }
  }
}
