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
      let falling = StepSchedule(learningRate, at: milestones)
      return warmed(warmUp, Floored(schedule: falling, floor: minimumRate ?? 0))
    case .cosine:
      let falling = CosineSchedule(
        learningRate, floor: minimumRate ?? 0, steps: steps - warmUp)
      return warmed(warmUp, falling)
    case .onecycle:
      guard let minimumRate else { return OneCycle(peak: learningRate, steps: steps) }
      let start = 25.0
      return OneCycle(
        peak: learningRate, steps: steps, startDivisor: start,
        endDivisor: learningRate / start / minimumRate)
    }
  }

  private func warmed(_ steps: Int, _ schedule: some Schedule) -> any Schedule {
    steps > 0 ? WarmUp(steps, from: 0, into: schedule) : schedule
  }

  /// Each rule with what the settings say; the rest as its paper or PyTorch has it.
  var updateRule: any UpdateRule {
    switch rule {
    case .sgd:
      SGD(
        momentum: momentum, nesterov: nesterov ?? false, decay: decay,
        convention: momentumConvention ?? .rateOutside)
    case .adagrad: AdaGrad(decay: decay)
    case .adadelta: Adadelta(decay: decay)
    case .rmsprop: RMSProp(decay: decay, momentum: momentum)
    case .centeredRMSprop: RMSProp(decay: decay, momentum: momentum, centered: true)
    case .adam: Adam(momentum: momentum, decay: decay)
    case .amsgrad: Adam(momentum: momentum, decay: decay, amsgrad: true)
    case .adamw: AdamW(momentum: momentum, decay: decay)
    case .nadam: NAdam(momentum: momentum, decay: decay)
    case .nadamw: NAdam(momentum: momentum, decay: decay, decouplesDecay: true)
    case .radam: RAdam(momentum: momentum, decay: decay)
    case .lamb: LAMB(momentum: momentum, decay: decay)
    case .lion: Lion(momentum: momentum, decay: decay)
    case .lookahead: Lookahead(AdamW(momentum: momentum, decay: decay))
    }
  }

  func optimizer(_ groups: [ParameterGroup]) -> Optimizer {
    func make(_ rule: some UpdateRule) -> Optimizer { Optimizer(rule, groups, rate: learningRate) }
    return make(updateRule)
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

/// Another schedule, but never below a floor.
private struct Floored<Falling: Schedule>: Schedule {
  let schedule: Falling
  let floor: Double

  func rate(at step: Int) -> Double { max(schedule.rate(at: step), floor) }
  func momentum(at step: Int) -> Double? { schedule.momentum(at: step) }
}
