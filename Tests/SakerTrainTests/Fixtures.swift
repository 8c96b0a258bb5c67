import Dispatch
import Foundation
import SakerData
import SakerNN
import SakerTensor
import SakerVision
import Synchronization
import TestSupport
import Testing

@testable import SakerTrain

/// All tests that train: one after another, because an interruption is the whole process's.
@Suite(.serialized) struct TrainingTests {}

/// A folder that goes away with the value; in memory where there is such a place, because
/// checkpoints are flushed.
///
/// As long as it lives, this thread computes alone: tests run side by side, and compute threads
/// that wait for each other keep the cores busy.
final class TemporaryFolder {
  let path: String
  /// What a thread has that nobody asked for another number. Not what this one had: of two folders
  /// the second would put back the first one's.
  private static let usual: Int = {
    let count = Mutex(1)
    let isDone = DispatchSemaphore(value: 0)
    Thread {
      count.withLock { $0 = Parallel.threads }
      isDone.signal()
    }.start()
    isDone.wait()
    return count.withLock { $0 }
  }()

  init(threads: Int = 1) throws {
    Parallel.threads = threads
    let base =
      FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm/" : NSTemporaryDirectory()
    path = base + "saker-train-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    Parallel.threads = Self.usual
    try? FileManager.default.removeItem(atPath: path)
  }

  var run: RunFolder { RunFolder(path + "/run") }

  /// Pictures of one or two coloured squares on noise, the class is the colour.
  func dataset(_ count: Int, width: Int = 80, height: Int = 64, seed: UInt64 = 1) throws
    -> DetectionDataset
  {
    var random = Random(seed: seed)
    let items = try (0..<count).map { number in
      var picture = Picture(width: width, height: height)
      for i in picture.pixels.indices { picture.pixels[i] = UInt8(random.next() >> 58) }
      let annotations = (0...number % 2).map { label -> Annotation in
        let side = 16 + Int(random.next() >> 60)
        let (x, y) = (Int(random.next() >> 59), Int(random.next() >> 59))
        for row in y..<min(y + side, height) {
          for column in x..<min(x + side, width) {
            picture[column, row] = label == 0 ? RGB(220, 40, 40) : RGB(40, 40, 220)
          }
        }
        let box = Box(
          left: Float(x), top: Float(y), right: Float(x + side), bottom: Float(y + side))
        return Annotation(
          box: box.clipped(width: Float(width), height: Float(height)), label: label)
      }
      let file = "\(path)/\(seed)-\(number).png"
      try picture.write(to: file)
      return DetectionDataset.Item(
        name: "\(seed)-\(number)", picture: file, size: PictureSize(width: width, height: height),
        annotations: annotations)
    }
    return DetectionDataset(classes: ["red", "blue"], items: items)
  }
}

let card = ModelCard(
  architecture: "tiny-ssd", classNames: ["red", "blue"], anchors: .tinySSD,
  preprocessing: .imageNet(height: 64, width: 64))

func tinySSD(_ seed: UInt64 = 0, _ card: ModelCard = card, loss: MultiBoxLoss = .ssd) -> TinySSD {
  withSeed(seed) { TinySSD(card, loss: loss) }
}

/// Two epochs of three batches.
func settings(_ change: (inout TrainingSettings) -> Void = { _ in }) -> TrainingSettings {
  var settings = TrainingSettings()
  settings.epochs = 2
  settings.batch = 2
  settings.averageDecay = 0
  settings.colorJitter = 0
  settings.workers = 1
  change(&settings)
  return settings
}

/// Guesses how many objects a picture has: the smallest detector there is. Its error is a mean over
/// pictures, so that the laws of accumulation hold exactly.
final class Counter: Detector {
  let card: ModelCard
  let conv: Conv2d
  let norm: BatchNorm2d?
  let head: Conv2d
  /// What the error is multiplied by.
  var factor: Float = 1
  /// What it finds in every picture.
  var found: [Detection] = []

  init(_ card: ModelCard, normalized: Bool = false) {
    self.card = card
    conv = Conv2d(3, 4, kernel: 3, padding: 1)
    norm = normalized ? BatchNorm2d(4) : nil
    head = Conv2d(4, 1, kernel: 1)
  }

  var members: [(name: String, value: Any)] {
    [("conv", conv), ("head", head)] + (norm.map { [("norm", $0)] } ?? [])
  }

  private func counts(_ images: Tensor) -> Tensor {
    // Smooth: a kink would turn differences of rounding into larger ones.
    var x = adaptiveAveragePool2d(tanh(conv(images)), (1, 1))
    if let norm { x = norm(x) }
    return head(x).reshape([images.shape[0]])
  }

  func loss(_ images: Tensor, _ objects: [[Annotation]]) -> DetectionLoss {
    let truths = Tensor(objects.map { Float($0.count) }, [objects.count])
    let error = square(counts(images) - truths).mean() * factor
    return DetectionLoss(total: error, classification: error.detached().item, box: 0, positives: 1)
  }

  func detect(_ images: Tensor, _ options: DetectionOptions) -> [[Detection]] {
    Array(repeating: found, count: images.shape[0])
  }

  func rawOutputs(_ images: Tensor) -> [NamedTensor] {
    evaluating { [NamedTensor("counts", counts(images))] }
  }
}

func counter(_ seed: UInt64 = 0, normalized: Bool = false) -> Counter {
  withSeed(seed) { Counter(card, normalized: normalized) }
}

/// The bits of every tensor, by name.
func bits(_ tensors: [NamedTensor]) -> [String: [UInt32]] {
  Dictionary(
    uniqueKeysWithValues: tensors.map { named in
      (named.name, named.tensor.converted(to: .float32).floats.map(\.bitPattern))
    })
}

/// Everything a checkpoint holds that a resumed run must have in common with one that never
/// stopped: all but times.
struct Outcome: Equatable {
  var tensors: [String: [UInt32]]
  var losses: [[Double?]]
  var steps: Int
  var best: EarlyStopping

  init(_ file: String) throws {
    let checkpoint = try DetectorCheckpoint(file: file)
    let state = try checkpoint.state()
    tensors = bits(checkpoint.contents.tensors)
    losses = state.results.map {
      [
        $0.trainClassLoss, $0.trainBoxLoss, $0.learningRate, $0.meanAveragePrecision, $0.precision,
        $0.recall,
      ]
    }
    steps = state.steps
    best = state.bestEpoch
  }
}
