import Foundation
import Saker
import Testing

struct ClassifierTrainingExamples {
  @Test("Fine-tuning: a new head on old layers, frozen by depth") func fineTuning() throws {
    let old = withSeed(1) { ResNet(.resNet18.small.scaled(0.125), classes: 3) }
    let new = withSeed(2) { ResNet(.resNet18.small.scaled(0.125), classes: 2) }
    let start = try new.start(
      from: old.state, names: ["cat", "dog", "cow"], classNames: ["cow", "horse"], file: "old")
    try new.freezeStages("layer2")
    #expect(start.reusedClasses == ["cow"])
    #expect(new.stages.map(\.name) == ["conv1", "layer1", "layer2", "layer3", "layer4"])
  }

  @Test("Training a classifier") func training() throws {
    let data = try ClassificationParts(.fashionMNIST()).training.prefix(each: 2)
    let input = ClassifierInput(side: 28, resizedSide: 28, mean: [0.28], std: [0.35], channels: 1)
    let card = ClassifierCard(architecture: "lenet_modern", classNames: data.classes, input: input)
    var settings = TrainingSettings.reference
    (settings.epochs, settings.batch, settings.learningRate) = (2, 10, 0.02)
    let folder = RunFolder(NSTemporaryDirectory() + "saker-example-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(atPath: folder.path) }
    let trainer = try ClassifierTrainer(
      withSeed(0) { try card.build() }, card, on: data, settings, into: folder)
    #expect(try trainer.run() == .complete)
    #expect(try ClassifierCheckpoint(file: folder.best).card == card)
  }

  @Test("Once more on train and validation") func refit() throws {
    let data = try ClassificationParts(.fashionMNIST()).training.prefix(each: 2)
    let input = ClassifierInput(side: 28, resizedSide: 28, mean: [0.28], std: [0.35], channels: 1)
    let card = ClassifierCard(architecture: "lenet_modern", classNames: data.classes, input: input)
    var settings = TrainingSettings.reference
    (settings.epochs, settings.batch, settings.learningRate) = (2, 10, 0.02)
    let (folder, model) = (TemporaryFolder(), { try withSeed(0) { try card.build() } })
    let first = try ClassifierTrainer(
      model(), card, on: data, validation: data, settings, into: RunFolder(folder.path))
    try first.saveStart()
    #expect(try first.run() == .complete)
    let second = try first.refitting(model(), into: RunFolder(folder.path + "/refit"))
    #expect(try second.run() == .complete)
  }
}

extension ClassificationDataset {
  /// The first pictures of each class.
  fileprivate func prefix(each count: Int) -> ClassificationDataset {
    var part = self
    part.items = classes.indices.flatMap { label in
      items.filter { $0.label == label }.prefix(count)
    }
    return part
  }
}
