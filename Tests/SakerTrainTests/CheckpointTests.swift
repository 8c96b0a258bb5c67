import Foundation
import SakerData
import SakerNN
import SakerTensor
import SakerVision
import TestSupport
import Testing

@testable import SakerTrain

extension TrainingTests {
  @Test func aCheckpointAloneSufficesToUseTheModel() throws {
    let folder = try TemporaryFolder()
    let (training, validation) = (try folder.dataset(6), try folder.dataset(3, seed: 2))
    let model = tinySSD()
    let trainer = try DetectorTrainer(
      model, on: training, validation: validation, settings(), into: folder.run,
      origin: ["data": "somewhere"])
    _ = try trainer.run()
    for file in [folder.run.last, folder.run.best] {
      let checkpoint = try DetectorCheckpoint(file: file)
      #expect(checkpoint.card == card)
      #expect(try checkpoint.origin == ["data": "somewhere"])
      let copy = tinySSD(7, checkpoint.card)
      try checkpoint.load(into: copy)
      guard file == folder.run.last else { continue }
      #expect(bits(copy.state) == bits(model.state))
      let picture = try Picture(file: training.items[0].picture)
      let options = DetectionOptions()
      #expect(copy.detect(picture, options) == model.detect(picture, options))
      #expect(!copy.detect(picture, options).isEmpty)
    }
    let state = try DetectorCheckpoint(file: folder.run.last).state()
    #expect(state.settings == settings() && state.epoch == 2 && state.steps == 6)
    #expect(state.results == trainer.state.results)
  }

  @Test func theAverageIsWhatIsUsed() throws {
    let folder = try TemporaryFolder()
    let model = counter()
    _ = try DetectorTrainer(
      model, on: folder.dataset(6), settings { $0.averageDecay = 0.9 }, into: folder.run
    ).run()
    let checkpoint = try DetectorCheckpoint(file: folder.run.last)
    let raw = checkpoint.contents.tensors(under: TrainingState.rawPrefix)
    #expect(bits(raw) == bits(model.state))
    #expect(bits(checkpoint.weights) != bits(raw))
    #expect(checkpoint.weights.map(\.name) == model.state.map(\.name))
  }

  @Test func theTableHasALineAnEpoch() throws {
    let folder = try TemporaryFolder()
    let (training, validation) = (try folder.dataset(6), try folder.dataset(2, seed: 2))
    let trainer = try DetectorTrainer(
      tinySSD(), on: training, validation: validation, settings(), into: folder.run)
    var heard: [EpochResult] = []
    trainer.onEpoch = { heard.append($0) }
    _ = try trainer.run()
    let rows = try String(contentsOfFile: folder.run.results, encoding: .utf8)
      .split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    #expect(
      rows[0] == [
        "epoch", "time", "train/class_loss", "train/box_loss", "metrics/precision",
        "metrics/recall", "metrics/mAP50", "metrics/mAP50-95", "val/class_loss", "val/box_loss",
        "lr",
        "images_per_second",
      ])
    try #require(rows.count == 3 && heard.count == 2)
    for (row, result) in zip(rows.dropFirst(), heard) {
      let numbers = row.map { Double($0) ?? .nan }
      #expect(numbers[0] == Double(result.epoch))
      #expect(abs(numbers[2] - result.trainClassLoss) <= 1e-5 * result.trainClassLoss)
      #expect(abs(numbers[3] - result.trainBoxLoss) <= 1e-5 * result.trainBoxLoss)
      #expect(abs(numbers[6] - (result.meanAveragePrecision ?? -1)) <= 1e-5)
      #expect(abs(numbers[7] - (result.meanAveragePrecision5095 ?? -1)) <= 1e-5)
      #expect(numbers[8] > 0 && numbers[9] > 0 && numbers[11] > 0)
    }
    // Without validation the cells are empty.
    let run = RunFolder(folder.path + "/plain")
    _ = try DetectorTrainer(counter(), on: training, settings { $0.epochs = 1 }, into: run).run()
    let row = try String(contentsOfFile: run.results, encoding: .utf8).split(separator: "\n")[1]
    let cells = row.split(separator: ",", omittingEmptySubsequences: false)
    #expect(cells[4...9].allSatisfy { $0.isEmpty })
  }

  @Test func aLossThatIsNoNumberEndsTheRunAndKeepsTheCheckpoint() throws {
    let folder = try TemporaryFolder()
    let model = counter()
    let trainer = try DetectorTrainer(model, on: folder.dataset(6), settings(), into: folder.run)
    trainer.onEpoch = { _ in model.factor = .nan }
    let error = #expect(throws: TrainingError.self) { _ = try trainer.run() }
    let message = error?.description ?? ""
    #expect(message.hasPrefix("the loss is no longer a number (epoch 2, step 1, pictures 1-"))
    #expect(message.contains("--clip-norm") && message.contains(folder.run.last))
    let checkpoint = try DetectorCheckpoint(file: folder.run.last)
    #expect(try checkpoint.state().epoch == 1)
    try checkpoint.load(into: counter(3))
  }

  /// The last step of an epoch can break weights whose loss nobody has seen yet.
  @Test func weightsThatAreNoNumbersAreNotStored() throws {
    let folder = try TemporaryFolder()
    let settings = settings {
      $0.batch = 4
      $0.rule = .sgd
      $0.course = .constant
      $0.learningRate = 1e39
      $0.decay = 0
      $0.warmUpEpochs = 1
    }
    let trainer = try DetectorTrainer(counter(), on: folder.dataset(4), settings, into: folder.run)
    let error = #expect(throws: TrainingError.self) { _ = try trainer.run() }
    #expect(error?.description.contains("is no longer a number (epoch 2") == true)
    let checkpoint = try DetectorCheckpoint(file: folder.run.last)
    #expect(try checkpoint.state().epoch == 1)
    try checkpoint.load(into: counter(3))
  }

  /// The texts of a checkpoint that the first trainer wrote (25 epochs of blood cells; epochs 3 to
  /// 24 are left out here).
  @Test func checkpointsOfTheFirstTrainerAreRead() throws {
    let folder = try TemporaryFolder()
    let texts = try JSONDecoder().decode(
      [String: String].self, from: Data(contentsOf: Fixtures.url("weights/first_trainer.json")))
    let file = folder.path + "/old.safetensors"
    try Safetensors([NamedTensor("x", Tensor([1] as [Float], [1]))], metadata: texts).write(
      to: file)
    let checkpoint = try DetectorCheckpoint(file: file)
    #expect(checkpoint.card.architecture == "tiny-ssd")
    #expect(checkpoint.card.classNames == ["Platelets", "RBC", "WBC"])
    let state = try checkpoint.state()
    #expect(state.epoch == 25 && state.origin["train_split"] == "trainval")
    #expect(state.lossSums == [0, 0])
    let settings = state.settings
    #expect(settings.epochs == 25 && settings.batch == 16 && settings.rule == .adamw)
    // What it did not have: off.
    #expect(
      settings.classification == nil && settings.nesterov == nil && settings.augmentation == nil
        && settings.detection == nil && settings.minimumRate == nil)
    // Its table has a gap where nothing was measured.
    let columns = [
      EpochColumn("train/class_loss", "trainClassLoss"), EpochColumn("val/box_loss", "valBoxLoss"),
    ]
    #expect(EpochResult.table(state.results, columns).contains("\n1,"))
    #expect(state.results[0].valBoxLoss == nil)
    #expect(state.results.map(\.epoch) == [1, 2, 25])
    #expect(abs((state.results[0].values["trainClassLoss"] ?? 0) - 6.04188) < 1e-4)
    #expect(settings.problems.isEmpty)
  }

  /// A run killed between its two files must not have lost the best.
  @Test func theBestIsWrittenBeforeTheLast() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(
      atPath: folder.run.last, withIntermediateDirectories: true)
    let trainer = try DetectorTrainer(
      counter(), on: folder.dataset(2), settings(), into: folder.run)
    let error = #expect(throws: CheckpointError.self) { _ = try trainer.run() }
    #expect(error?.file == folder.run.last)
    #expect(try DetectorCheckpoint(file: folder.run.best).state().epoch == 1)
  }

  @Test func noBetterForSomeEpochsEndsTheRunForGood() throws {
    let folder = try TemporaryFolder()
    let (training, validation) = (try folder.dataset(4), try folder.dataset(2, seed: 2))
    let trainer = try DetectorTrainer(
      counter(), on: training, validation: validation,
      settings {
        $0.epochs = 20
        $0.patience = 2
      }, into: folder.run)
    // It finds nothing: the first epoch is as good as all others.
    #expect(try trainer.run() == .early)
    #expect(trainer.state.epoch == 3)
    let resumed = try DetectorTrainer.resuming(
      DetectorCheckpoint(file: folder.run.last), counter(), on: training, validation: validation,
      into: folder.run)
    #expect(try resumed.run() == .early)
    #expect(resumed.state.epoch == 3)
    #expect(try DetectorCheckpoint(file: folder.run.best).state().epoch == 1)
  }

  @Test func aFolderThatTakesNoFilesIsRefusedBeforeTraining() throws {
    let folder = try TemporaryFolder()
    let training = try folder.dataset(2)
    for path in [training.items[0].picture + "/run", "/proc/run"] {
      let trainer = try DetectorTrainer(counter(), on: training, settings(), into: RunFolder(path))
      let error = #expect(throws: TrainingError.self) { _ = try trainer.run() }
      #expect(error?.description.hasPrefix("\(path): cannot be written to: ") == true)
      #expect(trainer.state.steps == 0)
    }
  }
}
