import Foundation
import SakerData
import SakerNN

/// How a network is trained: everything that decides the result, apart from model and data. Stored
/// with each checkpoint.
public struct TrainingSettings: Codable, Hashable, Sendable {
  /// All rules of the library that update after each batch; L-BFGS, which asks for the loss many
  /// times a step, is for `LBFGS` alone.
  public enum Rule: String, Codable, Sendable, CaseIterable {
    case sgd, adagrad, adadelta, rmsprop
    /// RMSProp by the variance of the gradients.
    case centeredRMSprop = "rmsprop-centered"
    case adam, amsgrad, adamw, nadam
    /// NAdam with decay apart from the gradient, as AdamW's.
    case nadamw
    case radam, lamb, lion
    /// AdamW, followed at a distance.
    case lookahead
  }
  public enum Course: String, Codable, Sendable, CaseIterable {
    case constant, step, cosine, onecycle
  }
  public enum Precision: String, Codable, Sendable, CaseIterable {
    case float32 = "f32"
    /// Activations and kernels in bfloat16; weights, statistics and losses in float32.
    case bfloat16 = "bf16"
  }

  public var epochs = 25
  /// The epoch after which training ends, though the schedule goes on to `epochs`; `nil`: that one.
  public var lastEpoch: Int?
  /// Pictures a step.
  public var batch = 16
  public var rule = Rule.adamw
  /// The highest the schedule goes.
  public var learningRate = 3e-3
  /// Momentum of SGD and RMSProp, the first beta of Adam and its kin, nothing to AdaGrad and
  /// Adadelta; `onecycle` moves it between 0.95 and 0.85.
  public var momentum = 0.9
  /// Whether SGD looks ahead by a momentum's step; `nil`, as in older checkpoints, is no.
  public var nesterov: Bool?
  /// On which side of SGD's velocity the learning rate stands; `nil`, as in older checkpoints, is
  /// outside, as PyTorch has it.
  public var momentumConvention: MomentumConvention?
  public var decay = 5e-4
  public var course = Course.onecycle
  /// What `step`, `cosine` and `onecycle` fall to at the least; left out, `cosine` falls to 0,
  /// `onecycle` to 4e-6 of the highest.
  public var minimumRate: Double?
  /// Epochs in which the learning rate rises linearly from 0; `onecycle` has a rise of its own.
  public var warmUpEpochs = 0.0
  public var precision = Precision.float32
  /// The gradients' global norm is cut to this; 0 leaves it.
  public var clipNorm = 0.0
  /// Single elements of gradients are cut to ± this; 0 leaves them.
  public var clipValue = 0.0
  /// Batches whose gradients add up to one step.
  public var accumulation = 1
  /// Decay of the average of weights that is evaluated and kept; 0 turns it off.
  public var averageDecay = 0.998
  /// Epochs without a better validation result after which training ends; 0 never ends it.
  public var patience = 0
  /// Names of frozen parameters, with `*` as a wildcard.
  public var frozen: [String] = []
  public var seed: UInt64 = 0
  /// Threads that prepare pictures. Does not change the result.
  public var workers = 2

  public var horizontalFlip: Float = 0.5
  public var verticalFlip: Float = 0
  /// Strength of random changes of brightness, contrast and saturation, 0...1; a tenth of it for
  /// hue.
  public var colorJitter: Float = 0.2
  /// Share of pictures cropped at random.
  public var crop: Float = 0
  /// Pictures scaled by up to this factor, up or down; 1 leaves them.
  public var scale: Float = 1

  /// A list of transforms in place of the five above, as `AugmentationFile` reads it; `nil`
  /// leaves it to them.
  public var augmentation: String?

  /// What only classifiers are trained with.
  public var classification: ClassificationSettings?

  /// What only detectors are trained with.
  public var detection: DetectionSettings?

  /// Of a detector: its input's size is drawn anew every ten batches, up to this share smaller or
  /// larger; `nil`: never.
  public var multiScale: Float?

  public init() {}

  /// Every option that makes no sense, one line each.
  public var problems: [String] {
    var problems: [String] = []
    func demand(_ condition: Bool, _ problem: String) {
      if !condition { problems.append(problem) }
    }
    demand((1...100_000).contains(epochs), "epochs: expected 1...100000, got \(epochs)")
    demand(
      lastEpoch.map { $0 >= 1 && $0 <= epochs } ?? true,
      "last epoch: expected 1...\(epochs), got \(lastEpoch ?? 0)")
    demand((1...4096).contains(batch), "batch: expected 1...4096, got \(batch)")
    demand(
      learningRate > 0 && learningRate.isFinite,
      "learning rate: expected a positive number, got \(learningRate)")
    demand((0..<1).contains(momentum), "momentum: expected 0..<1, got \(momentum)")
    demand(decay >= 0 && decay.isFinite, "decay: expected 0 or more, got \(decay)")
    demand(
      warmUpEpochs >= 0 && warmUpEpochs <= Double(epochs),
      "warm-up: expected 0...\(epochs) epochs, got \(warmUpEpochs)")
    demand(
      warmUpEpochs == 0 || course != .onecycle,
      "warm-up: expected 0 with the schedule onecycle, which has a rise of its own, got \(warmUpEpochs)"
    )
    demand(clipNorm >= 0 && clipNorm.isFinite, "clip norm: expected 0 or more, got \(clipNorm)")
    demand(clipValue >= 0 && clipValue.isFinite, "clip value: expected 0 or more, got \(clipValue)")
    demand(
      (1...1024).contains(accumulation), "accumulation: expected 1...1024, got \(accumulation)")
    demand((0..<1).contains(averageDecay), "average decay: expected 0..<1, got \(averageDecay)")
    demand(patience >= 0, "patience: expected 0 or more, got \(patience)")
    demand((0...64).contains(workers), "workers: expected 0...64, got \(workers)")
    for (name, share) in [
      ("horizontal flip", horizontalFlip), ("vertical flip", verticalFlip),
      ("colour jitter", colorJitter), ("crop", crop),
    ] {
      demand((0...1).contains(share), "\(name): expected 0...1, got \(share)")
    }
    demand((1...4).contains(scale), "scale: expected 1...4, got \(scale)")
    if let multiScale {
      demand(
        multiScale > 0 && multiScale < 1,
        "multi-scale: expected a share above 0 and below 1, got \(multiScale)")
    }
    if let augmentation {
      do {
        _ = try AugmentationFile.parse(augmentation, source: "augmentation")
      } catch {
        problems.append("\(error)")
      }
    }
    demand(
      nesterov != true || rule == .sgd && momentum > 0,
      "nesterov: expected sgd with a momentum above 0, got \(rule.rawValue) with \(momentum)")
    demand(
      momentumConvention != .rateInside || rule == .sgd && momentum > 0,
      "momentum convention: expected sgd with a momentum above 0 for rate-inside, got \(rule.rawValue) with \(momentum)"
    )
    if let minimumRate {
      demand(
        minimumRate >= 0 && minimumRate <= learningRate,
        "min lr: expected 0...\(learningRate), the highest rate, got \(minimumRate)")
      demand(
        course != .constant, "min lr: expected the schedule step, cosine or onecycle, got constant")
    }
    return problems + (classification?.problems ?? []) + (detection?.problems ?? [])
  }
}
