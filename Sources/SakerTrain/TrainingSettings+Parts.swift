import SakerData
import SakerNN
import SakerVision

/// The parts that settings stand for.
extension TrainingSettings {
  func schedule(stepsPerEpoch: Int) -> any Schedule {
    let warmUp = Int((warmUpEpochs * Double(stepsPerEpoch)).rounded())
    let steps = epochs * stepsPerEpoch
    switch course {
    case .constant: return warmed(warmUp, ConstantSchedule(learningRate))
    case .step:
      // Ten times lower after two thirds and after eight ninths, as detectors are often trained.
      let milestones = [2.0 / 3, 8.0 / 9].map { Int(($0 * Double(steps)).rounded()) - warmUp }
      return warmed(warmUp, StepSchedule(learningRate, at: milestones))
    case .cosine: return warmed(warmUp, CosineSchedule(learningRate, steps: steps - warmUp))
    case .onecycle: return OneCycle(peak: learningRate, steps: steps)
    }
  }

  private func warmed(_ steps: Int, _ schedule: some Schedule) -> any Schedule {
    steps > 0 ? WarmUp(steps, from: 0, into: schedule) : schedule
  }

  func optimizer(_ groups: [ParameterGroup]) -> Optimizer {
    switch rule {
    case .sgd:
      let rule = SGD(momentum: momentum, nesterov: nesterov ?? false, decay: decay)
      return Optimizer(rule, groups, rate: learningRate)
    case .adam: return Optimizer(Adam(momentum: momentum, decay: decay), groups, rate: learningRate)
    case .adamw:
      return Optimizer(AdamW(momentum: momentum, decay: decay), groups, rate: learningRate)
    }
  }

  /// What happens to a picture in training before it is preprocessed.
  public func transforms(_ preprocessing: Preprocessing) -> [any DetectionTransform] {
    // What cannot be read is one of `problems`.
    if let augmentation { return (try? AugmentationFile.parse(augmentation)) ?? [] }
    var transforms: [any DetectionTransform] = []
    // Crops want the whole resolution; without them the small picture is made once and kept.
    if crop == 0 && scale == 1 { transforms.append(FitToInput(preprocessing)) }
    if scale > 1 { transforms.append(RandomScale(1 / scale...scale)) }
    if crop > 0 { transforms.append(Sometimes(RandomCrop(), probability: crop)) }
    if horizontalFlip > 0 { transforms.append(HorizontalFlip(probability: horizontalFlip)) }
    if verticalFlip > 0 { transforms.append(VerticalFlip(probability: verticalFlip)) }
    if colorJitter > 0 {
      transforms.append(
        ColorJitter(
          brightness: colorJitter, contrast: colorJitter, saturation: colorJitter,
          hue: colorJitter / 10))
    }
    return transforms
  }
}

extension Loader.Options {
  /// A new order every epoch, from the settings' seed.
  init(training settings: TrainingSettings, skipBad: Bool) {
    self.init()
    batchSize = settings.batch
    workers = settings.workers
    shuffle = true
    seed = settings.seed
    self.skipBad = skipBad
  }
}
