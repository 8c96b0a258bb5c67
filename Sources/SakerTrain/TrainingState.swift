import Foundation
import SakerData
import SakerNN
import SakerTensor
import SakerVision

/// Where a run is: with weights, optimizer and averages all that it takes to go on as if it had never stopped.
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
  /// Sums over the epoch that is under way.
  var classLoss = 0.0
  var boxLoss = 0.0
  var bestEpoch: EarlyStopping

  static let metadataKey = "saker.training"
  /// Names of what is not the model: raw weights beside averaged ones, the optimizer's memory, gradients of an
  /// accumulation that is under way.
  static let rawPrefix = "training.weights."
  static let optimizerPrefix = "training.optimizer."
  static let gradientPrefix = "training.gradient."
  static let averageUpdates = "training.average.updates"
}

/// A checkpoint as training writes it and evaluation reads it.
public struct DetectorCheckpoint {
  public let file: String
  public let card: ModelCard
  /// The weights to use: averaged ones if the run averaged.
  public let weights: [NamedTensor]
  let contents: Safetensors

  /// - Throws: `CheckpointError` or `ModelCardError`, naming the file.
  public init(file: String) throws {
    self.file = file
    contents = try Safetensors(contentsOf: file)
    card = try ModelCard(metadata: contents.metadata, file: file)
    weights = contents.tensors.filter { !$0.name.hasPrefix("training.") }
  }

  /// Puts the weights into a model that was built from the card.
  public func load(into model: any Detector) throws {
    try model.load(state: weights, file: file)
  }

  /// What the run was asked for.
  ///
  /// - Throws: `TrainingError` if this is no training checkpoint.
  public var origin: [String: String] { get throws { try state().origin } }

  func state() throws -> TrainingState {
    guard let text = contents.metadata[TrainingState.metadataKey] else {
      throw TrainingError(
        "\(file): holds a model but no training to resume: expected a run's weights/last.safetensors"
      )
    }
    do {
      return try JSONDecoder().decode(TrainingState.self, from: Data(text.utf8))
    } catch {
      throw TrainingError("\(file): \(TrainingState.metadataKey) cannot be read: \(error)")
    }
  }
}

/// Tells one data set from another: counts, and a hash of names, sizes and boxes in order.
struct DataFingerprint: Codable, Hashable, CustomStringConvertible {
  var pictures: Int
  var boxes: Int
  /// FNV-1a, 64 bits.
  var hash: UInt64

  init(_ dataset: DetectionDataset) {
    pictures = dataset.items.count
    boxes = dataset.boxCount
    hash = 0xcbf2_9ce4_8422_2325
    for item in dataset.items {
      for byte in item.name.utf8 { add(UInt64(byte)) }
      add(UInt64(item.size.width))
      add(UInt64(item.size.height))
      for annotation in item.annotations {
        add(UInt64(annotation.label))
        let box = annotation.box
        for side in [box.left, box.top, box.right, box.bottom] { add(UInt64(side.bitPattern)) }
      }
    }
  }

  private mutating func add(_ value: UInt64) { hash = (hash ^ value) &* 0x100_0000_01b3 }

  var description: String { "\(pictures) pictures with \(boxes) boxes" }
}
