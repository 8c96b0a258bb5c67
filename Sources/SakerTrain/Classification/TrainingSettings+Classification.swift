import SakerData
import SakerTensor
import SakerVision

extension TrainingSettings {
  /// What happens to a classifier's picture in training before it is normalized; the result fits the input.
  public func transforms(_ input: ClassifierInput) -> [any SampleTransform] {
    let fit = ClassifierFit(input)
    // What cannot be read is one of `problems`.
    if let augmentation {
      return ((try? AugmentationFile.parse(augmentation)) ?? []) + [fit]
    }
    let own = classification ?? ClassificationSettings()
    var transforms: [any SampleTransform] = []
    if own.resizedCrop < 1 {
      transforms.append(
        RandomResizedCrop(width: input.side, height: input.side, scale: own.resizedCrop...1))
      if input.channels == 1 { transforms.append(fit) }
    } else {
      transforms.append(fit)
    }
    if own.shift > 0 { transforms.append(RandomShift(own.shift)) }
    if horizontalFlip > 0 { transforms.append(HorizontalFlip(probability: horizontalFlip)) }
    if verticalFlip > 0 { transforms.append(VerticalFlip(probability: verticalFlip)) }
    if let magnitude = own.randAugment { transforms.append(RandAugment(magnitude: magnitude)) }
    if colorJitter > 0 {
      transforms.append(
        ColorJitter(
          brightness: colorJitter, contrast: colorJitter, saturation: colorJitter,
          hue: colorJitter / 10))
    }
    if own.erasing > 0 { transforms.append(RandomErasing(probability: own.erasing)) }
    return transforms
  }
}

/// Moves the picture by whole pixels and fills up with black: a random crop of a picture with a border.
struct RandomShift: SampleTransform {
  /// The most, each way.
  let pixels: Int

  init(_ pixels: Int) { self.pixels = pixels }

  func apply(_ sample: inout Sample, using random: inout Random) {
    let x = Int.random(in: -pixels...pixels, using: &random)
    let y = Int.random(in: -pixels...pixels, using: &random)
    let source = sample.picture
    let (width, height) = (source.width, source.height)
    guard x != 0 || y != 0 else { return }
    var moved = Picture(width: width, height: height)
    let columns = max(0, width - abs(x))
    for row in max(0, y)..<max(max(0, y), min(height, height + y)) where columns > 0 {
      let from = 3 * ((row - y) * width + max(0, -x))
      let to = 3 * (row * width + max(0, x))
      moved.pixels.replaceSubrange(
        to..<to + 3 * columns, with: source.pixels[from..<from + 3 * columns])
    }
    sample.picture = moved
  }
}
