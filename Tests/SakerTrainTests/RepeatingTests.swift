import SakerData
import SakerNN
import SakerVision
import TestSupport
import Testing

@testable import SakerTrain

extension TrainingTests {
  private func outcome(
    _ folder: TemporaryFolder, _ training: DetectionDataset, _ name: String, seed: UInt64 = 0,
    _ change: (inout TrainingSettings) -> Void = { _ in }
  ) throws -> Outcome {
    let run = RunFolder(folder.path + "/" + name)
    var settings = settings(change)
    settings.seed = seed
    _ = try DetectorTrainer(tinySSD(seed), on: training, settings, into: run).run()
    return try Outcome(run.last)
  }

  @Test(arguments: [1, 2]) func oneSeedIsOneResultAndTwoSeedsAreTwo(threads: Int) throws {
    let folder = try TemporaryFolder(threads: threads)
    let training = try folder.dataset(6)
    let first = try outcome(folder, training, "first")
    #expect(try outcome(folder, training, "again") == first)
    let other = try outcome(folder, training, "other", seed: 1)
    #expect(other.tensors != first.tensors && other.losses != first.losses)
    // The seed of the data alone makes a difference, too.
    let run = RunFolder(folder.path + "/data")
    _ = try DetectorTrainer(tinySSD(0), on: training, settings { $0.seed = 1 }, into: run).run()
    #expect(try Outcome(run.last).tensors != first.tensors)
  }

  @Test(arguments: [0, 2, 5]) func workersDoNotChangeTheResult(_ workers: Int) throws {
    let folder = try TemporaryFolder()
    let training = try folder.dataset(6)
    func change(_ settings: inout TrainingSettings) {
      settings.colorJitter = 0.3
      settings.crop = 0.5
    }
    let one = try outcome(folder, training, "one", change)
    let many = try outcome(folder, training, "many") {
      change(&$0)
      $0.workers = workers
    }
    #expect(one == many)
  }

  @Test func bfloat16LearnsLikeFloat32() throws {
    let folder = try TemporaryFolder()
    let training = try folder.dataset(6, seed: Trial.seed(1))
    func losses(_ precision: TrainingSettings.Precision) throws -> [Double] {
      try outcome(folder, training, precision.rawValue, seed: Trial.seed(0)) {
        $0.precision = precision
        $0.epochs = 6
      }.losses.map { ($0[0] ?? .nan) + ($0[1] ?? .nan) }
    }
    let (exact, half) = (try losses(.float32), try losses(.bfloat16))
    #expect(exact != half)
    for (name, losses) in [("float32", exact), ("bfloat16", half)] {
      Trial.expect(losses[5] / losses[0], below: 0.8, "a detector learns in \(name)")
    }
    // Rounding grows with every step on so few pictures.
    for (a, b) in zip(exact, half).prefix(2) {
      Trial.expect(abs(a - b) / a, below: 0.1, "bfloat16 against float32")
    }
    // Weights stay float32.
    let checkpoint = try DetectorCheckpoint(file: folder.path + "/bf16/weights/last.safetensors")
    #expect(checkpoint.weights.allSatisfy { $0.tensor.dtype != .bfloat16 })
  }
}
