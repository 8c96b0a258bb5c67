import Foundation
import SakerData
import SakerNN
import SakerTensor
import SakerVision
import Testing

@testable import SakerTrain

extension TrainingTests {
  /// The second phase is a training from the first one's start on all pictures, for as many epochs
  /// as its best one had.
  @Test(arguments: [Float(0), 0.3]) func aRefitIsATrainingAnewOnEverything(dropout: Float) throws {
    let folder = try TemporaryFolder()
    let (data, validation) = (try folder.colours(10), try folder.colours(6, seed: 2))
    let settings = classification { settings, _ in
      settings.epochs = 5
      settings.averageDecay = 0.5
      settings.patience = 4
      settings.course = .cosine
    }
    let first = try ClassifierTrainer(
      tinyClassifier(3, dropout: dropout), classifierCard, on: data, validation: validation,
      settings, into: folder.run, origin: ["data": "here"])
    try first.saveStart()
    _ = try first.run()
    let best = try #require(first.bestEpoch)
    let scores = first.results.compactMap(\.top1)
    #expect(scores.count == first.results.count && scores.firstIndex(of: scores.max()!) == best - 1)

    // Weights come from the start, whatever the seed; what dropout draws comes from the seed.
    let fresh = tinyClassifier(dropout > 0 ? 3 : 99, dropout: dropout)
    let second = try first.refitting(fresh, into: folder.run.refit)
    #expect(try second.run() == .complete)
    #expect(second.results.count == best && second.training.count == 16)
    #expect(second.settings.lastEpoch == best && second.settings.epochs == 5)
    #expect(second.settings.patience == 0 && second.validation == nil)
    let checkpoint = try ClassifierCheckpoint(file: folder.run.refit.last)
    #expect(try RefitPhase(origin: checkpoint.origin) == .refit)
    #expect(try checkpoint.origin["data"] == "here")

    var plain = settings
    (plain.patience, plain.lastEpoch) = (0, best)
    let other = RunFolder(folder.path + "/other")
    let both = try data.joined(with: validation)
    _ = try ClassifierTrainer(
      tinyClassifier(3, dropout: dropout), classifierCard, on: both, plain, into: other
    ).run()
    let (got, expected) = (
      try TrainingCheckpoint(file: folder.run.refit.last), try TrainingCheckpoint(file: other.last)
    )
    #expect(bits(got.contents.tensors) == bits(expected.contents.tensors))
    #expect(try got.results.map(\.values) == expected.results.map(\.values))
    // The start is what the first began with.
    let start = try ClassifierCheckpoint(file: folder.run.start)
    #expect(bits(start.weights) == bits(tinyClassifier(3, dropout: dropout).state))
  }

  /// Also where it was stopped in the middle of its first epoch.
  @Test func aDetectorsRefitGoesOnWhereItStopped() throws {
    let folder = try TemporaryFolder()
    let (data, validation) = (try folder.dataset(4), try folder.dataset(3, seed: 2))
    let settings = settings {
      $0.epochs = 4
      $0.patience = 2
    }
    let first = try DetectorTrainer(
      tinySSD(), on: data, validation: validation, settings, into: folder.run)
    try first.saveStart()
    _ = try first.run()
    let best = try #require(first.bestEpoch)
    let whole = RunFolder(folder.path + "/whole")
    #expect(try first.refitting(tinySSD(), into: whole).run() == .complete)

    let part = try first.refitting(tinySSD(9), into: folder.run.refit)
    var asked = 0
    part.isInterrupted = {
      asked += 1
      return asked == 2
    }
    #expect(try part.run() == .interrupted && part.results.isEmpty)
    let checkpoint = try DetectorCheckpoint(file: folder.run.refit.last)
    let resumed = try DetectorTrainer.resuming(
      checkpoint, tinySSD(8, checkpoint.card), on: data.joined(with: validation),
      into: folder.run.refit)
    #expect(try resumed.run() == .complete)
    let (got, expected) = (try Outcome(folder.run.refit.last), try Outcome(whole.last))
    #expect(got.tensors == expected.tensors && got.losses.count == best)
    #expect(got.losses == expected.losses && got.steps == best * 4)
    // Without the pictures to validate on it is not the same run.
    #expect(throws: TrainingError.self) {
      try DetectorTrainer.resuming(checkpoint, tinySSD(), on: data, into: folder.run.refit)
    }
  }

  /// The schedule is the long run's, which is only left earlier.
  @Test func aRunEndsAfterItsLastEpoch() throws {
    let folder = try TemporaryFolder()
    let data = try folder.dataset(6)
    let long = settings { $0.epochs = 4 }
    let (whole, part) = (RunFolder(folder.path + "/whole"), folder.run)
    let trainer = try DetectorTrainer(counter(), on: data, long, into: whole)
    trainer.isInterrupted = { trainer.results.count == 2 }
    _ = try trainer.run()
    var short = long
    short.lastEpoch = 2
    #expect(try DetectorTrainer(counter(), on: data, short, into: part).run() == .complete)
    let (got, expected) = (try Outcome(part.last), try Outcome(whole.last))
    #expect(got.tensors == expected.tensors && got.losses == expected.losses)
    short.lastEpoch = 5
    #expect(short.problems == ["last epoch: expected 1...4, got 5"])
  }

  @Test func aRefitWantsAChoice() throws {
    let folder = try TemporaryFolder()
    let data = try folder.dataset(4)
    let trainer = try DetectorTrainer(counter(), on: data, settings(), into: folder.run)
    try trainer.saveStart()
    _ = try trainer.run()
    #expect(trainer.bestEpoch == 2)
    let error = #expect(throws: TrainingError.self) {
      try trainer.refitting(counter(), into: folder.run.refit)
    }
    #expect(error?.description.contains("refit: expected an epoch that validation data") == true)
    // Pictures of both sets count once; classes have to be the same.
    var (other, same) = (try folder.dataset(3, seed: 5), data)
    same.items += other.items
    #expect(try data.joined(with: same).items == same.items)
    #expect(try data.joined(with: nil).items == data.items)
    other.classes = ["blue", "red"]
    let classes = #expect(throws: TrainingError.self) { try data.joined(with: other) }
    #expect(classes?.description.contains("have the classes blue, red") == true)
  }

  /// Anchors with widths and heights of their own: trained, stored, read and used as any others.
  @Test func aDetectorLearnsWithShapes() throws {
    let folder = try TemporaryFolder()
    let data = try folder.dataset(6)
    let objects = data.items.flatMap { item in
      item.annotations.map { annotation in
        var annotation = annotation
        annotation.box = annotation.box.scaled(x: 1 / 80, y: 1 / 64)
        return annotation
      }
    }
    var card = card
    card.anchors = try TinySSD.levels(.fitShapes, height: 64, width: 64, objects: objects)
    #expect(card.anchors.allSatisfy { $0.shapes?.count == 4 })
    let model = tinySSD(1, card)
    let trainer = try DetectorTrainer(
      model, on: data, validation: data, settings { $0.epochs = 1 }, into: folder.run)
    #expect(try trainer.run() == .complete)
    #expect(trainer.results[0].trainBoxLoss > 0 && trainer.results[0].valBoxLoss ?? 0 > 0)
    let checkpoint = try DetectorCheckpoint(file: folder.run.last)
    #expect(checkpoint.card == card)
    let loaded = tinySSD(7, checkpoint.card)
    try checkpoint.load(into: loaded)
    let picture = try Picture(file: data.items[0].picture)
    let (before, after) = (
      model.detect(picture, DetectionOptions()), loaded.detect(picture, DetectionOptions())
    )
    #expect(!before.isEmpty && before == after)
  }
}
