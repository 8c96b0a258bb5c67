import Foundation
import SakerData
import SakerNN
import SakerTensor
import SakerVision
import TestSupport
import Testing

@testable import SakerTrain

/// A network that can be cut into modules: ResNet-18 with an eighth of its channels.
private let localCard = ClassifierCard(
  architecture: "resnet18", variant: ClassifierVariant(stem: .small, width: 0.125),
  classNames: ["red", "green", "blue"],
  input: ClassifierInput(side: 12, smallestSide: 4, resizedSide: 12))

private func localModel(_ seed: UInt64 = 0) throws -> any Classifier {
  try withSeed(seed) { try localCard.build() }
}

/// A run whose task needs more than labels.
struct LessonRun: Sendable, CustomTestStringConvertible {
  let testDescription: String
  var hasTeacher = false
  var isPruned = false
  let change: @Sendable (inout TrainingSettings, inout ClassificationSettings) -> Void

  static let all = [
    LessonRun(testDescription: "with a teacher", hasTeacher: true) {
      $1.distillation = .init(temperature: 3, alpha: 0.7)
    },
    LessonRun(testDescription: "zeros kept, averaged", isPruned: true) {
      $0.averageDecay = 0.9
      $0.accumulation = 2
      $1.keepsZeros = true
    },
    LessonRun(testDescription: "in three modules, averaged, accumulated") {
      $0.averageDecay = 0.9
      $0.accumulation = 2
      $1.localModules = 3
    },
    LessonRun(testDescription: "slimming") { $1.slimming = 1e-3 },
  ]

  func task(_ data: ClassificationDataset, seed: UInt64 = 0) throws -> ClassificationTask {
    let model = try localModel(seed)
    if isPruned {
      var masks = PruningMasks(of: model.prunableWeights)
      masks.prune(0.6)
    }
    let teacher =
      hasTeacher ? ClassifierTeacher(try localModel(50), localCard, name: "teacher") : nil
    return ClassificationTask(model, localCard, on: data, teacher: teacher)
  }
}

extension TrainingTests {
  @Test(arguments: LessonRun.all, [1, 3])
  func aLessonResumedIsTheOneThatNeverStopped(_ kind: LessonRun, stopAfter: Int) throws {
    let folder = try TemporaryFolder()
    let data = try folder.colours(10)
    let settings = classification(kind.change)
    let whole = RunFolder(folder.path + "/whole")
    #expect(try ClassifierTrainer(kind.task(data), settings, into: whole).run() == .complete)
    var part = try ClassifierTrainer(kind.task(data), settings, into: folder.run)
    var sessions = 0
    while true {
      var asked = 0
      part.isInterrupted = {
        asked += 1
        return asked >= stopAfter
      }
      sessions += 1
      guard try part.run() == .interrupted else { break }
      part = try ClassifierTrainer(
        resuming: TrainingCheckpoint(file: folder.run.last), kind.task(data, seed: 99),
        into: folder.run)
    }
    #expect(sessions > 1)
    let (expected, got) = (
      try TrainingCheckpoint(file: whole.last), try TrainingCheckpoint(file: folder.run.last)
    )
    #expect(bits(got.contents.tensors) == bits(expected.contents.tensors))
    // Whatever there was to learn it with, a checkpoint is that of the network.
    let checkpoint = try ClassifierCheckpoint(file: folder.run.last)
    #expect(Set(checkpoint.weights.map(\.name)) == Set(try localModel().state.map(\.name)))
    _ = try checkpoint.model()
    if kind.isPruned {
      let masks = PruningMasks(zerosOf: try checkpoint.model().prunableWeights)
      #expect(abs(masks.sparsity - 0.6) < 1e-4)
    }
  }

  /// `α T² KL(t ‖ s) + (1 − α) CE` by hand, for a batch as training sees it.
  @Test func theLossWithATeacherIsTheFormula() throws {
    let folder = try TemporaryFolder()
    let data = try folder.colours(4)
    let teacherModel = try localModel(7)
    let task = ClassificationTask(
      try localModel(), localCard, on: data,
      teacher: ClassifierTeacher(teacherModel, localCard, name: "teacher"))
    let settings = classification { $1.distillation = .init(temperature: 2, alpha: 0.25) }
    let trainer = try ClassifierTrainer(task, settings, into: folder.run)
    let batch = try #require(trainer.firstBatches(1).first)
    task.model.eval()
    let place = StepPlace(epoch: 0, batch: 0)
    let loss = task.loss(batch, settings, at: place).total.item
    let images = task.inputs(batch, settings, at: place).images
    let (s, t) = withoutGradients { (task.model(images).floats, teacherModel(images).floats) }
    func shares(_ logits: ArraySlice<Float>, _ temperature: Float) -> [Double] {
      let powers = logits.map { exp(Double($0 / temperature)) }
      return powers.map { $0 / powers.reduce(0, +) }
    }
    var expected = 0.0
    for row in 0..<4 {
      let range = row * 3..<row * 3 + 3
      let (student, teacher) = (shares(s[range], 2), shares(t[range], 2))
      let divergence = zip(teacher, student).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) }
      let label = batch.classes[row][0].label
      expected += 0.25 * 4 * divergence - 0.75 * log(shares(s[range], 1)[label])
    }
    #expect(abs(Double(loss) - expected / 4) < 1e-5)
    // A teacher learns nothing.
    #expect(teacherModel.parameters.allSatisfy { $0.gradient == nil })
  }

  @Test func teachersThatDoNotFitAreRefused() throws {
    let folder = try TemporaryFolder()
    let data = try folder.colours(4)
    func problem(_ change: (inout ClassifierCard) -> Void) throws -> String {
      var card = localCard
      change(&card)
      let task = ClassificationTask(
        try localModel(), localCard, on: data,
        teacher: ClassifierTeacher(try localModel(), card, name: "big.pth"))
      do {
        _ = try ClassifierTrainer(
          task, classification { $1.distillation = .init() }, into: folder.run)
        return ""
      } catch { return "\(error)" }
    }
    #expect(
      try problem { $0.classNames = ["red", "blue", "green"] }
        == "big.pth: the teacher has the classes red, blue, green, the data red, green, blue")
    #expect(
      try problem { $0.classNames = ["0", "1"] }.contains("the teacher has the classes 0, 1"))
    #expect(try problem { $0.classNames = ["0", "1", "2"] } == "")
    #expect(
      try problem { $0.input.mean = [0, 0, 0] }.hasPrefix(
        "big.pth: the teacher expects other pictures than the model: mean [0.0, 0.0, 0.0], not"))
    #expect(try problem { $0.input.smallestSide = 1 } == "")
    // One of both is missing.
    #expect(throws: TrainingError.self) {
      try ClassifierTrainer(
        ClassificationTask(localModel(), localCard, on: data),
        classification { $1.distillation = .init() }, into: folder.run)
    }
  }

  /// Module by module by hand: the gradients of the first come from its own head alone, those of
  /// the last from the labels.
  @Test func modulesLearnFromTheirOwnHeads() throws {
    let folder = try TemporaryFolder()
    let data = try folder.colours(4)
    let settings = classification { $1.localModules = 2 }
    let task = ClassificationTask(try localModel(), localCard, on: data)
    let trainer = try ClassifierTrainer(task, settings, into: folder.run)
    let batch = try #require(trainer.firstBatches(1).first)
    let place = StepPlace(epoch: 0, batch: 0)
    let network = try #require(task.network as? LocalClassifier)
    #expect(network.local.modules.count == 2 && network.local.heads.count == 1)
    let loss = task.learn(from: batch, settings, at: place, together: 1)
    let learnt = network.parameters.map { $0.gradient }
    #expect(learnt.allSatisfy { $0 != nil })
    network.zeroGradients()
    let (images, targets) = task.inputs(batch, settings, at: place)
    let h = network.local.modules[0](images)
    let logits = network.local.classifier(network.local.modules[1](h.detached()))
    let last = targets.loss(logits)
    #expect(abs(Double(last.item) - loss.parts[0]) < 1e-6)
    last.backward()
    for (named, expected) in zip(network.namedParameters, learnt) {
      let isLast = ["layer3", "layer4", "fc"].contains { named.name.hasPrefix($0) }
      #expect((named.parameter.gradient != nil) == isLast, "\(named.name)")
      if let gradient = named.parameter.gradient, let expected {
        expectClose(gradient, expected, relative: 1e-5)
      }
    }
    // As a classifier it is the one it was.
    #expect(network(images).floats == task.model(images).floats)
  }

  @Test func networksThatCannotBeCutAreRefused() throws {
    let folder = try TemporaryFolder()
    let data = try folder.colours(4)
    #expect(throws: TrainingError.self) {
      try ClassifierTrainer(
        tinyClassifier(), classifierCard, on: data, classification { $1.localModules = 2 },
        into: folder.run)
    }
    #expect(throws: TrainingError.self) {
      try ClassifierTrainer(
        localModel(), localCard, on: data, classification { $1.localModules = 9 },
        into: folder.run)
    }
    #expect(throws: TrainingError.self) {
      try ClassifierTrainer(
        localModel(), localCard, on: data,
        classification {
          $0.precision = .bfloat16
          $1.localModules = 2
        }, into: folder.run)
    }
    let mixed = classification {
      $1.localModules = 2
      $1.mixup = 1
      $1.slimming = -1
      $1.distillation = .init(temperature: 0, alpha: 2)
    }
    #expect(mixed.problems.count == 4)
  }

  @Test func levelsUndoNormalization() {
    var input = ClassifierInput(side: 2, resizedSide: 2)
    input.order = .bgr
    let levels = Tensor(
      [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 0, 0.5] as [Float], [1, 3, 2, 2])
    let mean = Tensor(input.mean, [1, 3, 1, 1])
    let std = Tensor(input.std, [1, 3, 1, 1])
    expectClose(input.levels((levels - mean) / std), levels, relative: 1e-5)
  }

  @Test func slimmingMakesScalesSmaller() throws {
    let folder = try TemporaryFolder()
    let data = try folder.colours(12)
    func scales(_ strength: Float) throws -> Float {
      let model = try localModel()
      _ = try ClassifierTrainer(
        model, localCard, on: data,
        classification {
          $0.epochs = 4
          $1.slimming = strength
        }, into: folder.run
      ).run()
      return model.slimmingPenalty(strength: 1).item
    }
    #expect(try scales(0.05) < scales(0) - 1)
  }
}
