import SakerData
import SakerTensor

extension ClassifierInput {
  /// The same for pictures of another side; what is resized before the crop keeps its proportion.
  public func sized(_ side: Int) -> ClassifierInput {
    var input = self
    input.side = side
    input.resizedSide = max(side, resizedSide * side / self.side)
    return input
  }

  /// What is done to a fitted picture: its levels are normalized.
  public var normalization: Preprocessing {
    func three(_ values: [Float]) -> [Float] {
      if channels == 1 { return [Float](repeating: values[0], count: 3) }
      return order == .bgr ? values.reversed() : values
    }
    return Preprocessing(height: side, width: side, mean: three(mean), std: three(std))
  }

  /// The picture as the network sees it, before it is normalized: the shorter side resized,
  /// the middle cut out.
  public func fitted(_ picture: Picture) -> Picture {
    let scaled = resized(picture)
    // As Python rounds: halves to even.
    let left = Int((Double(scaled.width - side) / 2).rounded(.toNearestOrEven))
    let top = Int((Double(scaled.height - side) / 2).rounded(.toNearestOrEven))
    return colored(
      left == 0 && top == 0 && scaled.width == side && scaled.height == side
        ? scaled : scaled.cropped(x: left, y: top, width: side, height: side))
  }

  /// The shorter side brought to `resizedSide`, the longer one in proportion, rounded down.
  public func resized(_ picture: Picture) -> Picture {
    let (width, height) = (picture.width, picture.height)
    let long = max(width, height) * resizedSide / min(width, height)
    let (w, h) = width <= height ? (resizedSide, long) : (long, resizedSide)
    return scale(picture, w, h)
  }

  func scale(_ picture: Picture, _ width: Int, _ height: Int) -> Picture {
    interpolation == .bicubic
      ? picture.resizedBicubic(width: width, height: height)
      : picture.resized(width: width, height: height)
  }

  /// Gray, by the luma of ITU-R 601, where the network takes one channel.
  func colored(_ picture: Picture) -> Picture {
    guard channels == 1 else { return picture }
    var picture = picture
    for at in stride(from: 0, to: picture.pixels.count, by: 3) {
      let (r, g, b) = (
        Int(picture.pixels[at]), Int(picture.pixels[at + 1]), Int(picture.pixels[at + 2])
      )
      let level = UInt8((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16)
      for channel in 0..<3 { picture.pixels[at + channel] = level }
    }
    return picture
  }

  /// Pictures `[N, 3, side, side]` of red, green and blue, normalized, as the network takes them:
  /// `[N, channels, side, side]`.
  public func arranged(_ images: Tensor) -> Tensor {
    if channels == 1 { return images.narrow(1, 0..<1).contiguous() }
    if order == .bgr { return images.indexSelect(Tensor([Int64(2), 1, 0]), axis: 1) }
    return images
  }

  /// One picture as the network takes it, `[1, channels, side, side]`.
  public func tensor(_ picture: Picture) -> Tensor {
    let levels = normalization.apply(fitted(picture))
    return arranged(Tensor(levels, [1, side, side, 3]).permute([0, 3, 1, 2]))
  }
}

/// Brings pictures to a network's input as evaluation does.
public struct ClassifierFit: SampleTransform {
  public let input: ClassifierInput

  public init(_ input: ClassifierInput) { self.input = input }

  public var isRandom: Bool { false }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    sample.picture = input.fitted(sample.picture)
  }
}
