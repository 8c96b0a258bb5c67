import SakerData
import SakerTensor
import SakerVision

extension TrainingSettings {
  /// What happens to a classifier's picture in training before it is normalized; the
  /// result fits the input.
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
