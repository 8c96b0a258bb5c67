import Saker
import Testing

// One example a technique, each of at most 15 lines, run by the tests: what
// docs/notes-map.md leads to.

@Suite struct CompressionExamples {
  @Test("Weight pruning") func weightPruning() {
    let model = Sequential(Linear(8, 16), ReLU(), Linear(16, 2))
    var masks = PruningMasks(of: model.prunableWeights)
    masks.prune(0.75, by: .magnitude)
    let optimizer = Optimizer(SGD(), model, rate: 0.1)
    square(model(Tensor.ones([4, 8]))).mean().backward()
    optimizer.step()
    masks.apply()
    #expect(PruningMasks(zerosOf: model.prunableWeights).sparsity == 0.75)
  }

  @Test("Channel pruning") func channelPruning() throws {
    let card = ClassifierCard(
      architecture: "resnet18", variant: ClassifierVariant(stem: .small, width: 0.125),
      classNames: ["cat", "dog"], input: ClassifierInput(side: 32, resizedSide: 32))
    let model = ResNet(.resNet18.scaled(0.125).small, classes: 2)
    let kept = ChannelPruning(.l1, amount: 0.5).kept(model.channelGroups, in: model.state)
    let (smallCard, small) = try card.narrowed(model, keeping: kept)
    #expect(small.parameterCount < model.parameterCount * 6 / 10)
    #expect(smallCard.widths?["layer1.0.conv1"] == 4)
  }

  @Test("Network slimming") func networkSlimming() {
    let model = Sequential(Conv2d(3, 4, kernel: 3), BatchNorm2d(4), ReLU())
    let loss = model(Tensor.ones([1, 3, 8, 8])).mean() + model.slimmingPenalty(strength: 1e-4)
    loss.backward()
    #expect(model.parameters.allSatisfy { $0.gradient != nil })
  }

  @Test("Distillation") func distillation() {
    let teacher = Linear(8, 3)
    let student = Linear(8, 3)
    let x = Tensor.ones([2, 8])
    let logits = withoutGradients { teacher(x) }
    let labels = Tensor([0, 2] as [Int32])
    distillationLoss(student(x), teacher: logits, labels, alpha: 0.9, temperature: 4).backward()
    #expect(student.weight.gradient != nil && teacher.weight.gradient == nil)
  }

  @Test("k-fold cross-validation") func crossValidation() {
    let folds = Split.folds(10, into: 5, labels: [0, 0, 0, 0, 0, 1, 1, 1, 1, 1], seed: 1)
    #expect(folds.flatMap(\.validation).sorted() == Array(0..<10))
    #expect(folds.allSatisfy { $0.training.count == 8 })
  }

  @Test("Channels that go together, of a network of one's own") func channelGroups() {
    let model = Sequential(Conv2d(1, 4, kernel: 1, bias: false), ReLU(), Conv2d(4, 2, kernel: 1))
    let first = model.parameters[0]
    first.value = Tensor([0.1, 2, -0.2, -3] as [Float], [4, 1, 1, 1])
    let group = ChannelGroup("0", channels: 4, readers: [.init("2")])
    let kept = ChannelPruning(.l1, amount: 0.5).kept([group], in: model.state)
    #expect(kept == ["0": [1, 3]])  // the largest
  }

  @Test("A classifier in modules that learn by themselves") func localModules() throws {
    let model = ResNet(.resNet18.small.scaled(0.125), classes: 3)
    let local = try LocalClassifier(model, modules: 4, classes: 3, pictureChannels: 3)
    let heads = local.namedParameters.filter { $0.name.hasPrefix("local_heads.") }
    #expect(Set(heads.map { $0.name.prefix(13) }).count == 3)  // the last module has the classifier
    #expect(local.parameterCount > model.parameterCount)
    let images = Tensor.ones([1, 3, 16, 16])
    #expect(local.evaluating { local(images) }.floats == model.evaluating { model(images) }.floats)
  }
}
