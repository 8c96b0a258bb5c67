import Foundation
import SakerData
import SakerNN
import SakerTensor
import SakerVision
import TestSupport
import Testing

@testable import SakerTrain

/// Settings that make no sense, and what is said about them.
struct Refusal: Sendable {
  let message: String
  let change: @Sendable (inout TrainingSettings) -> Void

  init(_ message: String, _ change: @escaping @Sendable (inout TrainingSettings) -> Void) {
    self.message = message
    self.change = change
  }

  static let all = [
    Refusal("freeze: no parameter's name matches 'neck.*'") { $0.frozen = ["neck.*"] },
    Refusal("freeze: all parameters are frozen") { $0.frozen = ["*"] },
    Refusal("patience: expected validation data") { $0.patience = 2 },
    Refusal("warm-up: expected 0 with the schedule onecycle") { $0.warmUpEpochs = 1 },
    Refusal("learning rate: expected a positive number") { $0.learningRate = .nan },
    Refusal("batch: expected 1...4096") { $0.batch = 0 },
  ]
}

extension TrainingTests {
  /// Plain gradient descent, one epoch, in which a step is all there is to see.
  private func descent(_ change: (inout TrainingSettings) -> Void) -> TrainingSettings {
    settings {
      $0.epochs = 1
      $0.rule = .sgd
      $0.momentum = 0
      $0.decay = 0
      $0.course = .constant
      $0.learningRate = 0.1
      change(&$0)
    }
  }

  private func trained(_ pictures: Int, _ settings: TrainingSettings) throws -> [NamedTensor] {
    let folder = try TemporaryFolder()
    let model = counter()
    _ = try DetectorTrainer(model, on: folder.dataset(pictures), settings, into: folder.run).run()
    return model.state
  }

  /// Also where an epoch's last accumulation has fewer batches than the others.
  @Test(arguments: [6, 5, 4]) func accumulatedBatchesAreOneLargeBatch(pictures: Int) throws {
    let large = try trained(pictures, descent { $0.batch = 3 })
    let small = try trained(
      pictures,
      descent {
        $0.batch = 1
        $0.accumulation = 3
      })
    for (a, b) in zip(small, large) { expectClose(a.tensor, b.tensor, relative: 1e-5, a.name) }
    let start = counter().state
    #expect(zip(start, large).allSatisfy { $0.tensor.floats != $1.tensor.floats })
  }

  @Test func clippingCutsTheStep() throws {
    let start = counter().state
    func change(_ settings: TrainingSettings) throws -> [Float] {
      zip(try trained(4, settings), start).flatMap { after, before in
        zip(after.tensor.floats, before.tensor.floats).map { $0 - $1 }
      }
    }
    func norm(_ x: [Float]) -> Float { x.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    let free = try change(descent { $0.batch = 4 })
    #expect(norm(free) > 0.02)
    let byNorm = try change(
      descent {
        $0.batch = 4
        $0.clipNorm = 0.1
      })
    #expect(abs(norm(byNorm) - 0.01) < 1e-4)
    let byValue = try change(
      descent {
        $0.batch = 4
        $0.clipValue = 0.05
      })
    #expect(abs((byValue.map(abs).max() ?? 0) - 0.005) < 1e-4)
    // What is below the limit stays.
    let wide = try change(
      descent {
        $0.batch = 4
        $0.clipNorm = 1e6
        $0.clipValue = 1e6
      })
    #expect(wide == free)
  }

  @Test func frozenParametersStay() throws {
    let start = bits(counter().state)
    let after = bits(try trained(4, descent { $0.frozen = ["conv.*"] }))
    #expect(
      after["conv.weight"] == start["conv.weight"] && after["conv.bias"] == start["conv.bias"])
    #expect(after["head.weight"] != start["head.weight"])
  }

  @Test(arguments: Refusal.all) func whatMakesNoSenseIsRefused(_ refusal: Refusal) throws {
    let folder = try TemporaryFolder()
    let training = try folder.dataset(2)
    let error = #expect(throws: TrainingError.self) {
      _ = try DetectorTrainer(counter(), on: training, settings(refusal.change), into: folder.run)
    }
    #expect(error?.description.hasPrefix(refusal.message) == true)
  }

  @Test func oneValuePerChannelIsReportedBeforeTraining() throws {
    let folder = try TemporaryFolder()
    func start(_ pictures: Int, batch: Int, skipBad: Bool = false) throws {
      _ = try DetectorTrainer(
        counter(normalized: true), on: folder.dataset(pictures), settings { $0.batch = batch },
        into: folder.run, skipBad: skipBad)
    }
    try start(4, batch: 2)
    for (pictures, batch, skipBad) in [(5, 2, false), (3, 1, false), (1, 16, false), (4, 2, true)] {
      let error = #expect(throws: TrainingError.self) {
        try start(pictures, batch: batch, skipBad: skipBad)
      }
      #expect(error?.description.contains("batch norm norm needs more than one value") == true)
    }
    // TinySSD's smallest normalized map has four pixels: a single picture suffices.
    _ = try DetectorTrainer(
      tinySSD(), on: folder.dataset(1), settings { $0.batch = 1 }, into: folder.run)
  }

  @Test func schedulesRiseAndFallWhereTheySay() {
    func rates(_ course: TrainingSettings.Course, warmUp: Double) -> [Double] {
      let settings = settings {
        $0.epochs = 9
        $0.course = course
        $0.learningRate = 1
        $0.warmUpEpochs = warmUp
      }
      let schedule = settings.schedule(stepsPerEpoch: 10)
      return (0..<90).map { schedule.rate(at: $0) }
    }
    let constant = rates(.constant, warmUp: 1)
    #expect(constant[0] == 0 && abs(constant[5] - 0.5) < 1e-9)
    #expect(constant[10...].allSatisfy { $0 == 1 })
    let step = rates(.step, warmUp: 1)
    #expect(step[59] == 1 && abs(step[60] - 0.1) < 1e-9 && abs(step[79] - 0.1) < 1e-9)
    #expect(abs(step[80] - 0.01) < 1e-9 && step[9] < 1)
    let cosine = rates(.cosine, warmUp: 2)
    #expect(cosine[20] == 1 && abs(cosine[55] - 0.5) < 1e-9 && cosine[89] < 0.01)
    let cycle = rates(.onecycle, warmUp: 0)
    #expect(abs(cycle[0] - 0.04) < 1e-9 && abs((cycle.max() ?? 0) - 1) < 1e-3 && cycle[89] < 1e-5)
  }

  @Test func trainingFollowsTheSchedule() throws {
    let folder = try TemporaryFolder()
    let settings = settings {
      $0.epochs = 4
      $0.course = .cosine
      $0.warmUpEpochs = 1
    }
    let trainer = try DetectorTrainer(counter(), on: folder.dataset(6), settings, into: folder.run)
    _ = try trainer.run()
    let schedule = settings.schedule(stepsPerEpoch: 3)
    #expect(
      trainer.state.results.map(\.learningRate) == [2, 5, 8, 11].map { schedule.rate(at: $0) })
  }
}
