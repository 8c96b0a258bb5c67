import Foundation
import SakerData
import SakerNN
import SakerVision
import Testing

@testable import SakerTrain

/// A kind of run; all of them must survive being stopped.
struct RunKind: Sendable, CustomTestStringConvertible {
  let testDescription: String
  var isValidated = false
  var loss = MultiBoxLoss.ssd
  let change: @Sendable (inout TrainingSettings) -> Void

  static let all = [
    RunKind(testDescription: "plain") { _ in },
    RunKind(testDescription: "validated", isValidated: true) { $0.patience = 2 },
    RunKind(testDescription: "averaged", isValidated: true) { $0.averageDecay = 0.9 },
    RunKind(testDescription: "accumulated") {
      $0.accumulation = 2
      $0.clipNorm = 1
    },
    RunKind(testDescription: "averaged and accumulated, SGD, cosine") {
      $0.accumulation = 2
      $0.averageDecay = 0.99
      $0.rule = .sgd
      $0.learningRate = 0.01
      $0.course = .cosine
      $0.warmUpEpochs = 0.5
    },
    RunKind(testDescription: "augmented") {
      $0.colorJitter = 0.4
      $0.crop = 0.5
      $0.scale = 1.5
    },
    RunKind(testDescription: "bf16") { $0.precision = .bfloat16 },
    RunKind(testDescription: "notes", loss: .notes) {
      $0.rule = .sgd
      $0.momentum = 0
      $0.course = .constant
      $0.learningRate = 0.05
    },
  ]
}

extension TrainingTests {
  /// `Interruption` is asked after each of three steps and at the end of an epoch: 1 stops
  /// in the middle of an epoch and of an accumulation, 4 after a whole one, 1 each time
  /// stops wherever it can.
  @Test(arguments: RunKind.all, [1, 2, 4])
  func resumingGivesTheRunThatNeverStopped(_ kind: RunKind, stopAfter: Int) throws {
    let folder = try TemporaryFolder()
    let training = try folder.dataset(6)
    let validation = kind.isValidated ? try folder.dataset(3, seed: 2) : nil
    let settings = settings(kind.change)
    let whole = RunFolder(folder.path + "/whole")
    let uninterrupted = try DetectorTrainer(
      tinySSD(loss: kind.loss), on: training, validation: validation, settings, into: whole)
    #expect(try uninterrupted.run() == .complete)

    var trainer = try DetectorTrainer(
      tinySSD(loss: kind.loss), on: training, validation: validation, settings, into: folder.run)
    var sessions = 0
    while true {
      var asked = 0
      trainer.isInterrupted = {
        asked += 1
        return asked >= stopAfter
      }
      sessions += 1
      guard try trainer.run() == .interrupted else { break }
      let checkpoint = try DetectorCheckpoint(file: folder.run.last)
      // Another seed: nothing may come from the new model.
      trainer = try DetectorTrainer.resuming(
        checkpoint, tinySSD(99, checkpoint.card, loss: kind.loss), on: training,
        validation: validation, into: folder.run)
    }
    #expect(sessions > 1)
    let (expected, got) = (try Outcome(whole.last), try Outcome(folder.run.last))
    #expect(
      got.losses == expected.losses && got.steps == expected.steps && got.best == expected.best)
    let different = expected.tensors.keys.filter { got.tensors[$0] != expected.tensors[$0] }
      .sorted()
    #expect(different.isEmpty && got.tensors.count == expected.tensors.count)
    let best = (
      try DetectorCheckpoint(file: whole.best), try DetectorCheckpoint(file: folder.run.best)
    )
    #expect(bits(best.0.weights) == bits(best.1.weights))
  }

  @Test func theSignalStopsARunAndTheSecondWatchStartsAnew() throws {
    let folder = try TemporaryFolder()
    let training = try folder.dataset(4)
    let trainer = try DetectorTrainer(counter(), on: training, settings(), into: folder.run)
    Interruption.watch()
    #expect(!Interruption.isWanted)
    // To the process: threads of the test runner take no signals.
    kill(getpid(), SIGINT)
    let deadline = Date(timeIntervalSinceNow: 10)
    while !Interruption.isWanted && Date() < deadline { usleep(1000) }
    try #require(Interruption.isWanted)
    #expect(try trainer.run() == .interrupted)
    Interruption.ignore()
    #expect(!Interruption.isWanted)
    let checkpoint = try DetectorCheckpoint(file: folder.run.last)
    #expect(try checkpoint.state().batches == 1)
    let resumed = try DetectorTrainer.resuming(
      checkpoint, counter(5), on: training, into: folder.run)
    #expect(try resumed.run() == .complete)
  }

  @Test func onlyTheSameDataGoOn() throws {
    let folder = try TemporaryFolder()
    let training = try folder.dataset(4)
    _ = try DetectorTrainer(counter(), on: training, settings(), into: folder.run).run()
    let checkpoint = try DetectorCheckpoint(file: folder.run.last)
    func resume(_ data: DetectionDataset, _ checkpoint: DetectorCheckpoint) throws {
      _ = try DetectorTrainer.resuming(checkpoint, counter(), on: data, into: folder.run)
    }
    try resume(training, checkpoint)
    var moved = training
    moved.items[2].annotations[0].box.left += 1
    for other in [moved, try folder.dataset(3), try folder.dataset(4, seed: 3)] {
      let error = #expect(throws: TrainingError.self) { try resume(other, checkpoint) }
      #expect(error?.description.contains("can only go on with its own data") == true)
    }
  }

  @Test(arguments: [
    ("\"batches\":0", "\"batches\":3"), ("\"batches\":0", "\"batches\":-1"),
    ("\"epoch\":2", "\"epoch\":3"), ("\"steps\":4", "\"steps\":-4"),
    ("\"pending\":0", "\"pending\":7"), ("\"batch\":2", "\"batch\":0"),
    ("\"epoch\":2", "\"epoch\":\"x\""),
  ])
  func aStateThatMakesNoSenseThrows(_ old: String, _ new: String) throws {
    let folder = try TemporaryFolder()
    let training = try folder.dataset(4)
    _ = try DetectorTrainer(counter(), on: training, settings(), into: folder.run).run()
    var file = try Safetensors(contentsOf: folder.run.last)
    let text = try #require(file.metadata[TrainingState.metadataKey])
    try #require(text.contains(old))
    file.metadata[TrainingState.metadataKey] = text.replacing(old, with: new)
    try file.write(to: folder.run.last)
    #expect(throws: TrainingError.self) {
      _ = try DetectorTrainer.resuming(
        DetectorCheckpoint(file: folder.run.last), counter(), on: training, into: folder.run)
    }
  }

  @Test func aModelWithoutTrainingIsNoRun() throws {
    let folder = try TemporaryFolder()
    let file = folder.path + "/weights.safetensors"
    try Safetensors(counter().state, metadata: card.metadata).write(to: file)
    let checkpoint = try DetectorCheckpoint(file: file)
    let error = #expect(throws: TrainingError.self) { _ = try checkpoint.origin }
    #expect(error?.description.hasPrefix("\(file): holds a model but no training") == true)
  }
}
