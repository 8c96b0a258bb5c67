import SakerData
import SakerNN
import SakerTensor

/// What is learned: a network, its pictures, its loss and its measure. `Trainer` does all the rest,
/// the same for every task.
public protocol TrainingTask: AnyObject {
  /// What learns.
  var network: any Module { get }
  /// What a checkpoint says of the network, so that its weights alone suffice to build and use it.
  var metadata: [String: String] { get }
  /// Shape of one input image, `[C, H, W]`.
  var inputShape: [Int] { get }
  /// Tells the training data from others.
  var fingerprint: DataFingerprint { get }
  /// Whether there are data to validate on.
  var isValidated: Bool { get }
  /// The parts of the loss, in the order in which `loss` gives them.
  var lossColumns: [EpochColumn] { get }
  /// What `validate` measures.
  var measureColumns: [EpochColumn] { get }

  /// Freezes and replaces what the settings ask for, before anything learns.
  ///
  /// - Throws: `TrainingError` for settings that do not fit network or data.
  func prepare(_ settings: TrainingSettings) throws

  /// The pictures to learn from, as training sees them.
  func loader(_ settings: TrainingSettings, skipBad: Bool) throws -> Loader

  /// Which parameters learn at which rate.
  func parameterGroups(_ settings: TrainingSettings) -> [ParameterGroup]

  /// One pass over pictures `[N, C, H, W]`: asked before training, without gradients, for
  /// what it would take.
  func forward(_ images: Tensor)

  /// The error on a batch, recorded.
  func loss(_ batch: Batch, _ settings: TrainingSettings, at place: StepPlace) -> StepLoss

  /// Adds the gradients of a batch to the parameters'.
  ///
  /// - Parameter together: how many batches add up to a step: gradients are of so much of the
  ///   error.
  /// - Returns: the error, as `loss` has it.
  func learn(
    from batch: Batch, _ settings: TrainingSettings, at place: StepPlace, together: Int
  ) -> StepLoss

  /// Told after each step of the optimizer, before weights are averaged.
  func didUpdate()

  /// Measures the network on the validation data. Not asked without them.
  func validate(_ options: ValidationOptions) throws -> Measures
}

extension TrainingTask {
  public func prepare(_ settings: TrainingSettings) throws {}

  /// All in one.
  public func parameterGroups(_ settings: TrainingSettings) -> [ParameterGroup] {
    network.parameterGroups()
  }

  /// Backward through the loss.
  public func learn(
    from batch: Batch, _ settings: TrainingSettings, at place: StepPlace, together: Int
  ) -> StepLoss {
    let loss = loss(batch, settings, at: place)
    // The trainer tells of what is no number; nothing is learned from it.
    guard loss.parts.allSatisfy(\.isFinite) else { return loss }
    let share = together == 1 ? loss.total : loss.total / Float(together)
    share.backward()
    return loss
  }

  public func didUpdate() {}

  /// All columns between the time and the learning rate in `results.csv`.
  public var columns: [EpochColumn] { lossColumns + measureColumns }
}

/// Where in a run a batch is: what is drawn for it depends on nothing else, so that a run which was
/// stopped goes on with the same draws.
public struct StepPlace: Hashable, Sendable {
  /// From 0.
  public let epoch, batch: Int

  public init(epoch: Int, batch: Int) {
    self.epoch = epoch
    self.batch = batch
  }
}

/// The error on a batch.
public struct StepLoss {
  /// What gradients are taken of, `[]`.
  public let total: Tensor
  /// For people and tables, in the order of the task's columns.
  public let parts: [Double]

  public init(total: Tensor, parts: [Double]) {
    self.total = total
    self.parts = parts
  }
}

/// How validation is run.
public struct ValidationOptions {
  public let settings: TrainingSettings
  public let skipBad, isQuiet: Bool
  /// Called for each image that was skipped.
  public let onSkip: (PictureError) -> Void
}

/// What validation found.
public struct Measures {
  /// By the columns' keys; what is missing or no finite number is left out of the table.
  public let values: [String: Double]
  /// The one that decides which epoch is the best: larger is better.
  public let score: Double

  public init(_ values: [String: Double], score: Double) {
    self.values = values
    self.score = score
  }
}

/// A number that each epoch has.
public struct EpochColumn: Hashable, Sendable {
  /// In `results.csv` and TensorBoard: `train/class_loss`.
  public let title: String
  /// In checkpoints and JSON: `trainClassLoss`.
  public let key: String

  public init(_ title: String, _ key: String) {
    self.title = title
    self.key = key
  }

  /// In progress and reports, short: `class`.
  public var label: String {
    let last = title.split(separator: "/").last.map(String.init) ?? title
    return last.hasSuffix("_loss") ? String(last.dropLast(5)) : last
  }
}

/// Identifies a data set: counts, and a hash of its contents in order.
public struct DataFingerprint: Codable, Hashable, CustomStringConvertible, Sendable {
  public var pictures: Int
  /// 0 in data without boxes.
  public var boxes: Int
  /// FNV-1a, 64 bits.
  public private(set) var hash: UInt64 = 0xcbf2_9ce4_8422_2325

  public init(pictures: Int, boxes: Int = 0) {
    self.pictures = pictures
    self.boxes = boxes
  }

  public mutating func add(_ value: UInt64) { hash = (hash ^ value) &* 0x100_0000_01b3 }

  public mutating func add(_ text: String) { for byte in text.utf8 { add(UInt64(byte)) } }

  public var description: String {
    boxes > 0 ? "\(pictures) pictures with \(boxes) boxes" : "\(pictures) pictures"
  }
}
