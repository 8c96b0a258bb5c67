import SakerData
import SakerNN
import SakerTensor
import SakerVision
import TestSupport
import Testing

@testable import SakerTrain

extension TrainingTests {
  private static let card = ClassifierCard(
    architecture: "googlenet", variant: ClassifierVariant(auxiliary: true),
    classNames: classifierCard.classNames,
    input: ClassifierInput(side: 32, smallestSide: 15, resizedSide: 32))

  /// Without dropout, so that the heads say the same twice.
  private func googLeNet(_ card: ClassifierCard = TrainingTests.card) throws -> GoogLeNet {
    let model = try #require(try withSeed(3) { try card.build() } as? GoogLeNet)
    for case let layer as any ModeDependent & RandomLayer in model.namedModules.map(\.module) {
      layer.hold(.evaluation)
    }
    return model
  }

  private func batch(_ folder: TemporaryFolder) throws -> (ClassificationTask, Batch) {
    let data = try folder.colours(4, side: 32)
    let task = try ClassificationTask(googLeNet(), Self.card, on: data)
    let epoch = try task.loader(classification(), skipBad: false).epoch(0)
    return (task, try #require(try epoch.next()))
  }

  /// Each head has the same targets: smoothed, mixed and weighted as the last one's.
  @Test func lossesOfAuxiliaryHeadsAreAdded() throws {
    let folder = try TemporaryFolder()
    let (task, batch) = try batch(folder)
    let place = StepPlace(epoch: 0, batch: 0)
    let kinds: [(inout ClassificationSettings) -> Void] = [
      { _ in }, { $0.labelSmoothing = 0.1 }, { $0.mixup = 0.4 },
      {
        $0.cutmix = 1
        $0.labelSmoothing = 0.2
      }, { $0.balance = .weights },
    ]
    for change in kinds {
      for weight: Float? in [nil, 0, 1.5] {
        let settings = classification {
          change(&$1)
          $1.auxiliaryWeight = weight
        }
        let (images, targets) = task.inputs(batch, settings, at: place)
        let outputs = try #require(task.model as? GoogLeNet).outputs(images)
        let losses = ([outputs.logits] + outputs.auxiliary).map { targets.loss($0).item }
        #expect(losses.count == 3)
        let expected = losses[0] + (weight ?? 0.3) * (losses[1] + losses[2])
        let found = task.loss(batch, settings, at: place)
        #expect(abs(found.total.detached().item - expected) < 1e-4 * expected)
        #expect(found.parts == [Double(found.total.detached().item)])
      }
    }
  }

  /// With weight 0 the heads get no gradient, else all of them do.
  @Test func aWeightOfZeroLeavesAuxiliaryHeadsOut() throws {
    let folder = try TemporaryFolder()
    for weight: Float? in [nil, 0] {
      let (task, batch) = try batch(folder)
      let settings = classification { $1.auxiliaryWeight = weight }
      _ = task.learn(
        from: batch, settings, at: StepPlace(epoch: 0, batch: 0), together: 1)
      for named in task.model.namedParameters {
        let isAsked = weight != 0 || !task.model.isAuxiliary(named.name)
        #expect((named.parameter.gradient != nil) == isAsked, "\(named.name)")
      }
    }
  }

  @Test func auxiliaryHeadsHaveTheirRates() throws {
    let folder = try TemporaryFolder()
    let (task, _) = try batch(folder)
    let settings = classification {
      $1.headRate = 10
      $1.layerDecay = 0.5
    }
    let groups = task.parameterGroups(settings)
    func rate(_ name: String) throws -> Double {
      let parameter = try #require(
        task.model.namedParameters.first { $0.name == name }?.parameter)
      return try #require(
        groups.first { $0.parameters.contains { $0.parameter === parameter } }
      ).rateFactor
    }
    #expect(try rate("aux1.fc2.weight") == 10)
    #expect(try rate("aux1.fc1.weight") == 1)
    #expect(try rate("aux2.conv.conv.weight") == 1)
    #expect(try rate("inception5b.branch1.conv.weight") == 0.5)
  }

  /// From weights with the heads and without, into networks with and without.
  @Test func auxiliaryHeadsAreTakenLeftOutOrNew() throws {
    var plainCard = Self.card
    plainCard.variant.auxiliary = false
    let names = Self.card.classNames
    let (full, plain) = (try googLeNet(), try googLeNet(plainCard))
    let fresh = try googLeNet()
    let before = bits(fresh.state)
    var start = try fresh.start(
      from: plain.state, names: names, classNames: names, file: "x")
    #expect(start.newAuxiliaryHeads == ["aux1", "aux2"] && start.replaced.isEmpty)
    #expect(bits(fresh.state)["aux1.fc1.weight"] == before["aux1.fc1.weight"])
    start = try plain.start(from: full.state, names: names, classNames: names, file: "x")
    #expect(start.newAuxiliaryHeads.isEmpty && start.replaced.isEmpty)
    #expect(start.loaded == start.total && start.total == plain.state.count)
    #expect(
      start.notUsed == full.state.map(\.name).filter { $0.hasPrefix("aux") }
        && !start.notUsed.isEmpty)
    // Other classes: the heads in the middle tell them apart, too.
    var other = Self.card
    other.classNames = ["green", "violet"]
    start = try googLeNet(other).start(
      from: full.state, names: names, classNames: other.classNames, file: "x")
    #expect(start.reusedClasses == ["green"])
    #expect(
      Set(start.replaced)
        == Set(["fc", "aux1.fc2", "aux2.fc2"].flatMap { [$0 + ".weight", $0 + ".bias"] }))
    // Half of a head is a mistake.
    let half = full.state.filter { $0.name != "aux2.fc1.bias" }
    #expect(throws: CheckpointError.self) {
      try googLeNet().start(from: half, names: names, classNames: names, file: "x")
    }
  }

  @Test func aRunWithAuxiliaryHeadsKeepsThem() throws {
    let folder = try TemporaryFolder()
    let data = try folder.colours(4, side: 32)
    let settings = classification { settings, _ in settings.epochs = 1 }
    let trainer = try ClassifierTrainer(
      googLeNet(), Self.card, on: data, settings, into: folder.run)
    _ = try trainer.run()
    let checkpoint = try ClassifierCheckpoint(file: folder.run.last)
    #expect(checkpoint.card == Self.card)
    #expect(try checkpoint.model().namesOfAuxiliaryHeads == ["aux1", "aux2"])
    let names = Set(checkpoint.weights.map(\.name))
    #expect(names.isSuperset(of: ["aux1.conv.bn.running_mean", "aux2.fc2.bias"]))
    // A network without such heads cannot be asked for their loss.
    var plain = Self.card
    plain.variant.auxiliary = false
    let error = #expect(throws: TrainingError.self) {
      try ClassifierTrainer(
        googLeNet(plain), plain, on: data, classification { $1.auxiliaryWeight = 0.3 },
        into: folder.run)
    }
    #expect(
      error?.description.contains("aux weight: googlenet was built without auxiliary heads")
        == true)
  }
}
