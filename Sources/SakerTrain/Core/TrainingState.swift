import Foundation
import SakerNN
import SakerTensor

/// Where a run is: with weights, optimizer and averages all that it takes to go on as if it
/// had never stopped.
struct TrainingState: Codable {
  var settings: TrainingSettings
  /// What the command line was asked for and must find again: where the data is, which splits.
  var origin: [String: String]
  /// Of the training data: another set would not be the same run.
  var fingerprint: DataFingerprint
  /// Whole epochs done.
  var epoch = 0
  /// Batches of the epoch that is under way that have gone by.
  var batches = 0
  /// Those of them that were learned from: with `--skip-bad`, a batch may have no picture left.
  var taken = 0
  /// Batches whose gradients wait for a step.
  var pending = 0
  /// Steps of the optimizer.
  var steps = 0
  /// Seconds of training so far.
  var seconds = 0.0
  var results: [EpochResult] = []
  /// What layers draw from while they train.
  var generators: [String: Random] = [:]
  /// Of each part of the loss, over the epoch that is under way.
  var lossSums: [Double]
  var bestEpoch: EarlyStopping

  init(
    settings: TrainingSettings, origin: [String: String], fingerprint: DataFingerprint,
    losses: Int
  ) {
    self.settings = settings
    self.origin = origin
    self.fingerprint = fingerprint
    lossSums = [Double](repeating: 0, count: losses)
    bestEpoch = EarlyStopping(patience: max(settings.patience, 1), aim: .largest)
  }

  static let metadataKey = "saker.training"
  /// Names of what is not the model: raw weights beside averaged ones, the optimizer's memory,
  /// gradients of an accumulation that is under way.
  static let rawPrefix = "training.weights."
  static let optimizerPrefix = "training.optimizer."
  static let gradientPrefix = "training.gradient."
  static let averageUpdates = "training.average.updates"
}

extension TrainingState {
  /// The sums under the names they had while there were only detectors.
  private enum FormerKeys: String, CodingKey { case classLoss, boxLoss }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func value<T: Decodable>(_ key: CodingKeys, _ type: T.Type = T.self) throws -> T {
      try container.decode(T.self, forKey: key)
    }
    settings = try value(.settings)
    origin = try value(.origin)
    fingerprint = try value(.fingerprint)
    epoch = try value(.epoch)
    batches = try value(.batches)
    taken = try value(.taken)
    pending = try value(.pending)
    steps = try value(.steps)
    seconds = try value(.seconds)
    results = try value(.results)
    generators = try value(.generators)
    bestEpoch = try value(.bestEpoch)
    if container.contains(.lossSums) {
      lossSums = try value(.lossSums)
    } else {
      let former = try decoder.container(keyedBy: FormerKeys.self)
      lossSums = [
        try former.decode(Double.self, forKey: .classLoss),
        try former.decode(Double.self, forKey: .boxLoss),
      ]
    }
  }
}
