import SakerData
import SakerTensor
import Testing

/// Every level of every channel.
private var allLevels: Picture {
  var picture = Picture(width: 32, height: 8)
  for level in 0..<256 {
    picture.pixels[3 * level] = UInt8(level)
    picture.pixels[3 * level + 1] = UInt8(255 - level)
    picture.pixels[3 * level + 2] = UInt8(level * 7 % 256)
  }
  return picture
}

@Test func picturesBecomeTensors() {
  let picture = Picture(width: 2, height: 1, pixels: [0, 51, 255, 1, 2, 3])
  let unit = Tensor(picture: picture)
  #expect(unit.shape.sizes == [3, 1, 2])
  let levels: [Float] = [0, 1, 51, 2, 255, 3]
  let shares = levels.map { $0 / 255 }
  #expect(unit.floats == shares)
  #expect(Tensor(picture: picture, range: .levels).floats == levels)
  let (mean, std): ([Float], [Float]) = ([0.5, 0.2, 0], [0.5, 1, 2])
  let normalized = Tensor(picture: picture, mean: mean, std: std).floats
  for index in 0..<6 {
    let channel = index / 2
    #expect(normalized[index] == (shares[index] - mean[channel]) / std[channel])
  }
}

/// Byte to tensor and back is the identity, for all 256 levels, both ranges, normalized or not,
/// with a batch's axis or without.
@Test(arguments: [LevelRange.unit, .levels])
func tensorsBecomeTheSamePictureAgain(range: LevelRange) {
  let picture = allLevels
  #expect(Picture(tensor: Tensor(picture: picture, range: range), range: range) == picture)
  let white: Float = range == .unit ? 1 : 255
  let (mean, std): ([Float], [Float]) = (
    [0.485 * white, 0.456 * white, 0.406 * white], [0.229 * white, 0.224 * white, 0.225 * white]
  )
  let normalized = Tensor(picture: picture, range: range, mean: mean, std: std)
  let batch = normalized.reshape([1, 3, 8, 32])
  #expect(Picture(tensor: batch, range: range, mean: mean, std: std) == picture)
}

/// `torchvision.transforms.functional.to_pil_image(torch.tensor(values).view(1, 1, -1))`
/// gave these levels.
@Test func levelsAreRoundedDownAsByTorchvision() {
  let values: [Float] = [0, 0.5, 0.999, 1, 0.0039, 0.00393, 0.25, 0.75, 0.1, 0.9]
  let levels: [UInt8] = [0, 127, 254, 255, 0, 1, 63, 191, 25, 229]
  let picture = Picture(tensor: Tensor(values, [1, 1, 10]))
  for (index, level) in levels.enumerated() {
    #expect(picture[index, 0] == RGB(level, level, level))
  }
}

@Test func whatIsNoLevelIsBlackOrWhite() {
  let values: [Float] = [-3, 7, .nan, .infinity, -.infinity, 1e30]
  let picture = Picture(tensor: Tensor(values, [1, 2, 3]))
  #expect(
    (0..<2).flatMap { y in (0..<3).map { picture[$0, y].green } } == [0, 255, 0, 255, 0, 255])
}
