import Foundation
import SakerData
import SakerNN
import SakerVision
import Testing

@testable import SakerTrain

extension TrainingTests {
  /// Two of five pictures break after the data set was read; they are whole batches of one.
  private func broken(_ folder: TemporaryFolder) throws -> DetectionDataset {
    let training = try folder.dataset(5)
    for index in [1, 3] {
      try Data("no picture".utf8).write(to: URL(fileURLWithPath: training.items[index].picture))
    }
    return training
  }

  @Test func aPictureThatBreaksEndsTheRunByName() throws {
    let folder = try TemporaryFolder()
    let training = try broken(folder)
    let trainer = try DetectorTrainer(counter(), on: training, settings(), into: folder.run)
    let error = #expect(throws: PictureError.self) { _ = try trainer.run() }
    #expect([1, 3].map { training.items[$0].picture }.contains(error?.file))
  }

  @Test(arguments: [1, 2], [1, 2, 3])
  func picturesThatBreakAreLeftOutAndCounted(batch: Int, accumulation: Int) throws {
    let folder = try TemporaryFolder()
    let training = try broken(folder)
    let settings = settings {
      $0.batch = batch
      $0.accumulation = accumulation
    }
    let whole = RunFolder(folder.path + "/whole")
    let trainer = try DetectorTrainer(
      counter(), on: training, validation: training, settings, into: whole, skipBad: true)
    #expect(try trainer.run() == .complete)
    #expect(Set(trainer.skipped.map(\.file)) == Set([1, 3].map { training.items[$0].picture }))
    #expect(trainer.state.pending == 0 && trainer.state.epoch == 2)

    // A run that is stopped after each step goes the same way.
    var part = try DetectorTrainer(
      counter(), on: training, validation: training, settings, into: folder.run, skipBad: true)
    part.isInterrupted = { true }
    while try part.run() == .interrupted {
      part = try DetectorTrainer.resuming(
        DetectorCheckpoint(file: folder.run.last), counter(9), on: training, validation: training,
        into: folder.run, skipBad: true)
      part.isInterrupted = { true }
    }
    #expect(try Outcome(folder.run.last) == Outcome(whole.last))
  }
}
