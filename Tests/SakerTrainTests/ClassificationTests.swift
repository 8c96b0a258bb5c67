import Foundation
import SakerData
import SakerMetrics
import SakerNN
import SakerTensor
import SakerVision
import TestSupport
import Testing

@testable import SakerTrain

/// A kind of classifier's run; all of them must survive being stopped.
struct ClassifierRun: Sendable, CustomTestStringConvertible {
  let testDescription: String
  var isValidated = false
  var dropout: Float = 0
  let change: @Sendable (inout TrainingSettings, inout ClassificationSettings) -> Void

  static let all = [
    ClassifierRun(testDescription: "plain") { _, _ in },
    ClassifierRun(testDescription: "mixed and smoothed") {
      $1.mixup = 0.4
      $1.cutmix = 1
      $1.labelSmoothing = 0.1
    },
    ClassifierRun(testDescription: "averaged, validated, accumulated", isValidated: true) {
      $0.averageDecay = 0.9
      $0.accumulation = 2
      $0.nesterov = true
      $1.layerDecay = 0.5
    },
    ClassifierRun(testDescription: "augmented, balanced, with dropout", dropout: 0.3) {
      $0.horizontalFlip = 0.5
      $1.shift = 2
      $1.randAugment = 9
      $1.erasing = 0.5
      $1.balance = .sampler
    },
    ClassifierRun(testDescription: "frozen by depth, bf16") {
      $0.precision = .bfloat16
      $1.frozenLayers = "1"
      $1.balance = .weights
    },
  ]
}

extension TrainingTests {
  private func trainer(
    _ model: any Classifier, _ data: ClassificationDataset, _ settings: TrainingSettings,
    _ folder: RunFolder, validation: ClassificationDataset? = nil
  ) throws -> ClassifierTrainer {
    try ClassifierTrainer(
      model, classifierCard, on: data, validation: validation, settings, into: folder)
  }

  @Test(arguments: ClassifierRun.all, [1, 2, 4])
  func aClassifierResumedIsTheOneThatNeverStopped(_ kind: ClassifierRun, stopAfter: Int) throws {
    let folder = try TemporaryFolder()
    let data = try folder.colours(10, classes: [0, 0, 0, 0, 0, 0, 1, 1, 2, 2])
    let validation = kind.isValidated ? try folder.colours(6, seed: 2) : nil
    let settings = classification(kind.change)
    let whole = RunFolder(folder.path + "/whole")
    let first = tinyClassifier(dropout: kind.dropout)
    #expect(
      try trainer(first, data, settings, whole, validation: validation).run() == .complete)

    var part = try trainer(
      tinyClassifier(dropout: kind.dropout), data, settings, folder.run, validation: validation)
    var sessions = 0
    while true {
      var asked = 0
      part.isInterrupted = {
        asked += 1
        return asked >= stopAfter
      }
      sessions += 1
      guard try part.run() == .interrupted else { break }
      // Another seed: nothing may come from the new network.
      let task = ClassificationTask(
        tinyClassifier(99, dropout: kind.dropout), classifierCard, on: data,
        validation: validation)
      part = try ClassifierTrainer(
        resuming: TrainingCheckpoint(file: folder.run.last), task, into: folder.run)
    }
    #expect(sessions > 1)
    let (expected, got) = (
      try TrainingCheckpoint(file: whole.last), try TrainingCheckpoint(file: folder.run.last)
    )
    #expect(bits(got.contents.tensors) == bits(expected.contents.tensors))
    #expect(try got.results.map(\.values) == expected.results.map(\.values))
    #expect(try got.state().bestEpoch == expected.state().bestEpoch)
  }

  /// Settings that came with pruning and local learning are not in checkpoints from before.
  @Test func classifiersOfOlderVersionsGoOn() throws {
    let folder = try TemporaryFolder()
    let data = try folder.colours(8)
    let settings = classification {
      $0.epochs = 2
      $1.labelSmoothing = 0.1
      $1.headRate = 3
    }
    let run = try trainer(tinyClassifier(), data, settings, folder.run)
    run.isInterrupted = { run.results.count == 1 }
    #expect(try run.run() == .interrupted)
    var contents = try Safetensors(contentsOf: folder.run.last)
    let key = TrainingState.metadataKey
    var text = try #require(contents.metadata[key])
    for entry in ["\"keepsZeros\":false", "\"slimming\":0"] {
      // Wherever it stands in its object.
      let found = ["\(entry),", ",\(entry)"].first(where: text.contains)
      text = text.replacing(try #require(found), with: "")
    }
    contents.metadata[key] = text
    try contents.write(to: folder.run.last)
    let checkpoint = try ClassifierCheckpoint(file: folder.run.last)
    #expect(try checkpoint.settings == settings)
    let task = ClassificationTask(tinyClassifier(9), classifierCard, on: data, validation: nil)
    let more = try ClassifierTrainer(
      resuming: TrainingCheckpoint(file: folder.run.last), task, into: folder.run)
    #expect(try more.run() == .complete && more.results.count == 2)
    // A value of another kind is damage.
    contents.metadata[key] = text.replacing("\"headRate\":3", with: "\"headRate\":\"much\"")
    try contents.write(to: folder.run.last)
    #expect(throws: TrainingError.self) {
      _ = try ClassifierCheckpoint(file: folder.run.last).settings
    }
  }

  @Test func trainingTellsColoursApart() throws {
    let folder = try TemporaryFolder()
    let data = try folder.colours(18, seed: Trial.seed(1))
    let run = try trainer(
      tinyClassifier(Trial.seed(0)), data,
      classification {
        $0.seed = Trial.seed(0)
        $0.epochs = 12
        $0.batch = 6
        $0.learningRate = 0.3
        $1.labelSmoothing = 0.05
      }, folder.run, validation: data)
    _ = try run.run()
    let losses = run.results.compactMap(\.trainLoss)
    #expect(losses.count == 12)
    Trial.expect(losses[11] / losses[0], below: 0.5, "a classifier learns colours")
    #expect(run.results.last?.top1 == 1)
    let table = try String(contentsOfFile: folder.run.results, encoding: .utf8)
    #expect(
      table.hasPrefix(
        "epoch,time,train/loss,val/loss,metrics/top1,metrics/top5,lr,images_per_second\n"))
    // The card comes back with the weights; best and last are one file while the last
    // epoch is the best.
    let checkpoint = try ClassifierCheckpoint(file: folder.run.best)
    #expect(checkpoint.card == classifierCard)
  }

  @Test func lowLayersStayWithTheirStatistics() throws {
    let folder = try TemporaryFolder()
    let data = try folder.colours(8)
    let model = tinyClassifier()
    #expect(model.stages.map(\.name) == ["conv1", "conv2"])
    #expect(model.stages.map(\.keys) == [["conv1", "bn1"], ["conv2", "bn2"]])
    let before = bits(model.state)
    _ = try trainer(model, data, classification { $1.frozenLayers = "conv1" }, folder.run).run()
    let after = bits(model.state)
    for name in ["conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var"] {
      #expect(after[name] == before[name], "\(name)")
    }
    for name in ["conv2.weight", "bn2.running_mean", "bn2.running_var", "fc.weight"] {
      #expect(after[name] != before[name], "\(name)")
    }
    // A pattern freezes parameters alone: statistics go on.
    let other = tinyClassifier()
    _ = try trainer(
      other, data, classification { settings, _ in settings.frozen = ["*1.*"] }, folder.run
    )
    .run()
    #expect(bits(other.state)["conv1.weight"] == before["conv1.weight"])
    #expect(bits(other.state)["bn1.running_mean"] != before["bn1.running_mean"])
    // Batch norm alone: kernels learn.
    let norms = tinyClassifier()
    _ = try trainer(norms, data, classification { $1.freezesBatchNorm = true }, folder.run).run()
    #expect(bits(norms.state)["bn2.running_var"] == before["bn2.running_var"])
    #expect(bits(norms.state)["conv1.weight"] != before["conv1.weight"])
  }

  /// Learning the head on the network's features, and on the features alone, are one thing.
  @Test func aLinearProbeIsTrainingOnFeatures() throws {
    let folder = try TemporaryFolder()
    let data = try folder.colours(8)
    let model = tinyClassifier(dropout: 0.5)
    // Statistics that are not those of a new network.
    for _ in 0..<3 { _ = model(.full([4, 3, 12, 12], 0.3)) }
    let start = model.state
    let settings = classification {
      $0.momentum = 0
      $0.decay = 0
      $0.course = .constant
      $0.epochs = 3
      $1.linearProbe = true
    }
    let run = try trainer(model, data, settings, folder.run)
    let head = Linear(8, 3)
    try head.load(
      state: start.filter { $0.name.hasPrefix("fc.") }.map {
        NamedTensor(String($0.name.dropFirst(3)), $0.tensor)
      })
    let frozen = tinyClassifier()
    try frozen.load(state: start)
    for epoch in 0..<3 {
      let batches = run.loader.epoch(epoch)
      while let batch = try batches.next() {
        let features = frozen.evaluating { frozen.pooled(batch.tensor()) }
        let targets = Tensor(batch.classes.map { Int32($0[0].label) })
        let (w, b) = (head.weight, head.bias!)
        crossEntropy(head(features.detached()), targets).backward()
        for parameter in [w, b] {
          parameter.value = parameter.value.detached() - parameter.gradient! * 0.05
          parameter.gradient = nil
        }
      }
    }
    _ = try run.run()
    expectClose(model.fc.weight.value.detached(), head.weight.value.detached(), relative: 1e-5)
    let (before, after) = (bits(start), bits(model.state))
    for name in before.keys where !name.hasPrefix("fc.") {
      #expect(after[name] == before[name], "\(name)")
    }
    #expect(after["fc.weight"] != before["fc.weight"])
  }

  @Test func stagesLearnAtTheirRates() throws {
    let folder = try TemporaryFolder()
    let data = try folder.colours(4)
    let task = ClassificationTask(tinyClassifier(), classifierCard, on: data)
    let groups = task.parameterGroups(
      classification {
        $1.headRate = 10
        $1.layerDecay = 0.5
      })
    #expect(groups.map(\.rateFactor) == [10, 0.5, 0.25])
    #expect(
      groups.map { $0.parameters.map(\.name) } == [
        ["fc.weight", "fc.bias"], ["conv2.weight", "bn2.weight", "bn2.bias"],
        ["conv1.weight", "bn1.weight", "bn1.bias"],
      ])
    // One step of plain descent is the gradient times the group's rate.
    func change(_ head: Double, _ decay: Double) throws -> [String: Float] {
      let model = tinyClassifier()
      let before = Dictionary(
        uniqueKeysWithValues: model.state.map {
          ($0.name, $0.tensor.converted(to: .float32).floats)
        })
      _ = try trainer(
        model, data,
        classification {
          $0.epochs = 1
          $0.momentum = 0
          $0.decay = 0
          $0.course = .constant
          $0.learningRate = 1e-3
          $1.headRate = head
          $1.layerDecay = decay
        }, folder.run
      ).run()
      return Dictionary(
        uniqueKeysWithValues: model.namedParameters.map { named in
          let now = named.parameter.value.detached().floats
          return (named.name, zip(now, before[named.name]!).reduce(0) { $0 + abs($1.0 - $1.1) })
        })
    }
    let (plain, scaled) = (try change(1, 1), try change(10, 0.5))
    for (name, factor) in [("fc.weight", Float(10)), ("conv2.weight", 0.5), ("conv1.weight", 0.25)]
    {
      #expect(abs(scaled[name]! / plain[name]! - factor) < 0.02 * factor, "\(name)")
    }
  }

  @Test func rareClassesAreDrawnOrWeighed() throws {
    let folder = try TemporaryFolder()
    let data = try folder.colours(20, classes: [Int](repeating: 0, count: 16) + [1, 1, 2, 2])
    let task = ClassificationTask(tinyClassifier(), classifierCard, on: data)
    let loader = try task.loader(
      classification {
        $0.batch = 20
        $1.balance = .sampler
      }, skipBad: false)
    var counts = [0, 0, 0]
    for epoch in 0..<30 {
      for index in loader.order(ofEpoch: epoch) { counts[data.items[index].label] += 1 }
    }
    #expect(counts.allSatisfy { abs($0 - 200) < 50 }, "\(counts)")

    let weighed = classification {
      $0.batch = 20
      $1.balance = .weights
    }
    let batch = try #require(try task.loader(weighed, skipBad: false).epoch().next())
    let (_, targets) = task.inputs(batch, weighed, at: StepPlace(epoch: 0, batch: 0))
    // 20 / (3 * 16), 20 / (3 * 2): each class weighs as much as any other.
    #expect(targets.weights?.floats.map { ($0 * 1e4).rounded() } == [4167, 33333, 33333])
    let logits = Tensor((0..<60).map { Float($0 % 7) / 3 }, [20, 3])
    let probabilities = softmax(logits).floats
    var (sum, total) = (Float(0), Float(0))
    for (row, classes) in batch.classes.enumerated() {
      let weight = targets.weights!.floats[classes[0].label]
      sum -= weight * log(probabilities[row * 3 + classes[0].label])
      total += weight
    }
    #expect(abs(targets.loss(logits).item - sum / total) < 1e-5)
    // Priors go into the card, and out of the probabilities.
    _ = try trainer(tinyClassifier(), data, classification { $1.balance = .threshold }, folder.run)
      .run()
    let card = try ClassifierCheckpoint(file: folder.run.last).card
    #expect(card.priors == [0.8, 0.1, 0.1])
    let freed = ClassifierRunner.freed([0.8, 0.15, 0.05], of: [0.8, 0.1, 0.1])
    // 1, 1.5 and 0.5 of 3.
    let wanted: [Float] = [1.0 / 3, 0.5, 1.0 / 6]
    for (a, b) in zip(freed, wanted) { #expect(abs(a - b) < 1e-6) }
  }

  @Test func mixingIsDrawnByPlace() throws {
    let folder = try TemporaryFolder()
    let data = try folder.colours(6)
    let task = ClassificationTask(tinyClassifier(), classifierCard, on: data)
    let settings = classification {
      $0.batch = 6
      $1.mixup = 1
    }
    let batch = try #require(try task.loader(settings, skipBad: false).epoch().next())
    func shares(_ place: StepPlace, _ change: (inout ClassificationSettings) -> Void = { _ in })
      throws -> [Float]
    {
      var settings = settings
      change(&settings.classification!)
      let (_, targets) = task.inputs(batch, settings, at: place)
      guard case .shares(let shares) = targets.truth else { return [] }
      for row in 0..<6 { #expect(abs(shares[row].floats.reduce(0, +) - 1) < 1e-5) }
      return shares.floats
    }
    let first = try shares(StepPlace(epoch: 0, batch: 0))
    #expect(try shares(StepPlace(epoch: 0, batch: 0)) == first)
    #expect(try shares(StepPlace(epoch: 0, batch: 1)) != first)
    #expect(try shares(StepPlace(epoch: 1, batch: 0)) != first)
    #expect(first.contains { $0 > 0.01 && $0 < 0.99 })
    // Without mixing, smoothing of labels and of shares are one loss.
    let plain = classification { $1.labelSmoothing = 0.2 }
    let (_, targets) = task.inputs(batch, plain, at: StepPlace(epoch: 0, batch: 0))
    let hot = oneHot(Tensor(batch.classes.map { Int32($0[0].label) }), classes: 3)
    let soft = ClassTargets(.shares(hot), smoothing: 0.2, weights: nil)
    let logits = Tensor((0..<18).map { Float($0 * $0 % 11) / 5 }, [6, 3])
    #expect(abs(targets.loss(logits).item - soft.loss(logits).item) < 1e-5)
  }

  @Test func aNewHeadTakesTheRowsThatItKnows() throws {
    let old = tinyClassifier(1, classes: 3)
    let new = tinyClassifier(2, classes: 4)
    let (before, given) = (bits(new.state), bits(old.state))
    let start = try new.start(
      from: old.state, names: ["red", "green", "blue"],
      classNames: ["blue", "black", "red", "white"], file: "old")
    let after = bits(new.state)
    #expect(start.reusedClasses == ["blue", "red"])
    #expect(Set(start.replaced) == ["fc.weight", "fc.bias"])
    #expect(after["conv1.weight"] == given["conv1.weight"])
    #expect(after["bn2.running_var"] == given["bn2.running_var"])
    func rows(_ bits: [UInt32], _ row: Int) -> [UInt32] { Array(bits[row * 8..<(row + 1) * 8]) }
    #expect(rows(after["fc.weight"]!, 0) == rows(given["fc.weight"]!, 2))
    #expect(rows(after["fc.weight"]!, 2) == rows(given["fc.weight"]!, 0))
    for row in [1, 3] { #expect(rows(after["fc.weight"]!, row) == rows(before["fc.weight"]!, row)) }
    #expect(after["fc.bias"]![0] == given["fc.bias"]![2])
    // Nobody knows the names: another size starts anew, the same size is taken.
    let anonymous = tinyClassifier(3, classes: 4)
    let kept = bits(anonymous.state)["fc.weight"]
    try anonymous.start(from: old.state, names: nil, classNames: ["a", "b", "c", "d"], file: "old")
    #expect(bits(anonymous.state)["fc.weight"] == kept)
    let same = tinyClassifier(4)
    let all = try same.start(from: old.state, names: nil, classNames: ["a", "b", "c"], file: "old")
    #expect(all.replaced.isEmpty && bits(same.state) == given)
    // Everything that does not fit is told at once.
    var broken = old.state.filter { $0.name != "bn1.bias" }
    broken.append(NamedTensor("extra", .zeros([1])))
    broken.removeAll { $0.name == "conv2.weight" }
    broken.append(NamedTensor("conv2.weight", .zeros([8, 6, 1, 1])))
    let error = #expect(throws: CheckpointError.self) {
      try tinyClassifier().start(
        from: broken, names: nil, classNames: ["a", "b", "c"], file: "broken")
    }
    for word in ["broken", "bn1.bias: missing", "extra: unexpected", "conv2.weight: expected"] {
      #expect(error?.description.contains(word) == true, "\(word)")
    }
  }

  @Test func whatAClassifierCannotBeTrainedWithIsRefused() throws {
    let folder = try TemporaryFolder()
    let data = try folder.colours(4)
    func refused(
      _ message: String,
      _ change: (inout TrainingSettings, inout ClassificationSettings) -> Void
    ) throws {
      let error = #expect(throws: TrainingError.self) {
        _ = try trainer(tinyClassifier(), data, classification(change), folder.run)
      }
      #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "")")
    }
    try refused("freeze layers: expected 0...2, got 3") { $1.frozenLayers = "3" }
    try refused("freeze layers: expected a number or one of conv1, conv2, got 'layer9'") {
      $1.frozenLayers = "layer9"
    }
    try refused("label smoothing: expected 0..<1") { $1.labelSmoothing = 1 }
    try refused("layer decay: expected a factor above 0") { $1.layerDecay = 0 }
    try refused("randaugment: expected a magnitude of 0...30") { $1.randAugment = 31 }
    try refused("nesterov: expected sgd with a momentum above 0") { settings, _ in
      settings.nesterov = true
      settings.momentum = 0
    }
    try refused("momentum convention: expected sgd with a momentum above 0") { settings, _ in
      settings.momentumConvention = .rateInside
      settings.rule = .adam
    }
    var other = data
    other.classes = ["red", "green", "yellow"]
    let error = #expect(throws: TrainingError.self) {
      _ = try trainer(tinyClassifier(), other, classification(), folder.run)
    }
    #expect(error?.description.hasPrefix("the data have the classes red, green, yellow") == true)
    // Other data cannot go on with a run.
    _ = try trainer(tinyClassifier(), data, classification(), folder.run).run()
    var moved = data
    moved.items[1].label = 0
    let task = ClassificationTask(tinyClassifier(), classifierCard, on: moved)
    let resumed = #expect(throws: TrainingError.self) {
      _ = try ClassifierTrainer(
        resuming: TrainingCheckpoint(file: folder.run.last), task, into: folder.run)
    }
    #expect(resumed?.description.contains("can only go on with its own data") == true)
  }

  @Test func aPictureThatBreaksWhileAClassifierTrainsIsNamed() throws {
    let folder = try TemporaryFolder()
    let data = try folder.colours(6)
    try Data("no picture".utf8).write(to: URL(fileURLWithPath: data.items[2].file))
    let error = #expect(throws: PictureError.self) {
      _ = try trainer(tinyClassifier(), data, classification(), folder.run).run()
    }
    #expect(error?.file == data.items[2].file)
    let skipping = try ClassifierTrainer(
      tinyClassifier(), classifierCard, on: data,
      classification { settings, _ in settings.batch = 3 },
      into: folder.run, skipBad: true)
    #expect(try skipping.run() == .complete)
    #expect(skipping.skipped.map(\.file) == [data.items[2].file])
  }

  /// Every classifier's stages hold all of it but the head, each parameter once.
  @Test(arguments: [
    "resnet18", "resnet101", "vgg16_bn", "mobilenet_v2", "vit_b_32", "densenet121",
    "efficientnet_b0", "googlenet", "lenet",
  ])
  func stagesHoldEverything(_ name: String) throws {
    let entry = try #require(ClassifierCatalog.named(name))
    let model = withoutStarts { entry.build(10) }
    let stages = model.stages
    #expect(stages.count >= 2, "\(stages.map(\.name))")
    for named in model.namedParameters {
      let holders = stages.count { $0.contains(named.name) } + (model.isHead(named.name) ? 1 : 0)
      #expect(holders == 1, "\(named.name)")
    }
    if name == "resnet18" || name == "resnet101" {
      #expect(stages.map(\.name) == ["conv1", "layer1", "layer2", "layer3", "layer4"])
    }
    if name == "vit_b_32" { #expect(stages.count == 13, "\(stages.map(\.name))") }
    if name == "mobilenet_v2" { #expect(stages.count == 19) }
  }
}
