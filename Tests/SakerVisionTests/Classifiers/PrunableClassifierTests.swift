import SakerData
import SakerNN
import SakerTensor
import TestSupport
import Testing

@testable import SakerVision

/// A network, and how it loses channels.
struct NarrowCase: Sendable, CustomTestStringConvertible {
  let name: String
  var variant = ClassifierVariant()
  var streams = false
  var side = 32
  var criterion = ChannelCriterion.l1

  var testDescription: String { "\(name) \(variant.description) \(streams) \(criterion)" }

  static let small = ClassifierVariant(stem: .small, width: 0.25)
  static let all = [
    NarrowCase(name: "resnet18", variant: small),
    NarrowCase(name: "resnet18", variant: small, streams: true),
    NarrowCase(name: "resnet50", variant: small, streams: true, criterion: .l2),
    NarrowCase(name: "resnet50", variant: small, streams: true, criterion: .slimming),
    NarrowCase(name: "seresnet18", variant: small, streams: true),
    NarrowCase(name: "resnext50_32x4d", variant: small, streams: true, criterion: .random(seed: 1)),
    NarrowCase(name: "vgg11_bn", side: 64),
    NarrowCase(name: "vgg11", side: 64, criterion: .l2),
    NarrowCase(name: "mobilenet_v2"),
    NarrowCase(name: "mobilenet_v2", streams: true),
    NarrowCase(name: "mobilenet_v2", streams: true, criterion: .slimming),
  ]

  var card: ClassifierCard {
    ClassifierCard(
      architecture: name, variant: variant, classNames: ["a", "b", "c"],
      input: ClassifierInput(side: side, resizedSide: side))
  }

  /// With statistics, scales and biases that differ from channel to channel.
  func network() throws -> any PrunableClassifier {
    let model = try withSeed(1) { try card.build() }
    var random = Random(seed: 2)
    for named in model.namedParameters where named.parameter.shape.rank == 1 {
      let noise = Tensor.uniform(named.parameter.shape, using: &random)
      named.parameter.value = noise + (named.name.hasSuffix("weight") ? 0.5 : -0.5)
    }
    for named in model.namedBuffers where named.buffer.value.rank == 1 {
      // Means around 0, or hardly any channel would be above 0 and nothing could be seen.
      let noise = Tensor.uniform(named.buffer.value.shape, using: &random)
      named.buffer.value = noise + (named.name.hasSuffix("var") ? 0.5 : -0.5)
    }
    return try #require(model as? any PrunableClassifier)
  }
}

struct PrunableClassifierTests {
  private func images(_ side: Int) -> Tensor {
    var random = Random(seed: 3)
    return Tensor.normal([2, 3, side, side], using: &random)
  }

  @Test(arguments: NarrowCase.all)
  func theSmallerNetworkComputesWhatTheMaskedOneDoes(_ narrow: NarrowCase) throws {
    let model = try narrow.network()
    let groups = model.channelGroups
    var pruning = ChannelPruning(narrow.criterion, amount: 0.5)
    pruning.includesStreams = narrow.streams
    let kept = pruning.kept(groups, in: model.state)
    #expect(!kept.isEmpty)
    let (card, small) = try narrow.card.narrowed(model, keeping: kept)
    let x = images(narrow.side)
    let whole = model.evaluating { model(x) }
    model.maskChannels(groups, keeping: kept)
    let masked = model.evaluating { model(x) }
    let result = small.evaluating { small(x) }
    expectClose(result, masked, relative: 1e-5)
    // Masking does something.
    #expect(zip(whole.floats, masked.floats).contains { abs($0 - $1) > 1e-4 })
    #expect(small.parameterCount < model.parameterCount)
    // What the card says suffices to build it again.
    let again = try ClassifierCard(metadata: card.metadata, file: "test").build()
    try again.load(state: small.state)
    #expect(again.evaluating { again(x) }.floats == result.floats)
    #expect(small.features(x).map { $0.shape[1] } == small.levels.map(\.channels))
  }

  /// Every channel of the groups is the dimension of some layer: readers have as many inputs as there are channels.
  @Test(arguments: NarrowCase.all)
  func groupsNameWhatThereIs(_ narrow: NarrowCase) throws {
    let model = try withoutStarts { try narrow.card.build() }
    let groups = try #require(model as? any PrunableClassifier).channelGroups
    let shapes = Dictionary(
      uniqueKeysWithValues: model.namedParameters.map { ($0.name, $0.parameter.shape) })
    for group in groups {
      #expect(!group.readers.isEmpty, "\(group.name)")
      for layer in group.producers + group.norms + group.followers {
        #expect(shapes[layer + ".weight"]?[0] == group.channels, "\(group.name): \(layer)")
      }
      for reader in group.readers {
        #expect(
          shapes[reader.layer + ".weight"]?[1] == group.channels * reader.each,
          "\(group.name): \(reader.layer)")
      }
    }
    #expect(Set(groups.map(\.name)).count == groups.count)
  }

  /// By hand: ResNet-18 without half of the inner channels of its blocks. Each pair of 3x3 convolutions a → n → b has 9 n (a + b) weights
  /// and its norm 2 n.
  @Test func resNet18HalvedInsideIsCountedByHand() throws {
    let card = ClassifierCard(
      architecture: "resnet18", classNames: (0..<1000).map(String.init), input: .imageNet)
    let model = try withoutStarts { try card.build() }
    let prunable = try #require(model as? any PrunableClassifier)
    let inner = prunable.channelGroups.filter { !$0.isStream }
    let kept = Dictionary(
      uniqueKeysWithValues: inner.map { ($0.name, Array(0..<$0.channels / 2)) })
    let (_, small) = try card.narrowed(model, keeping: kept)
    var gone = 0
    var products = 0
    for (inputs, width, side) in [
      (64, 64, 56), (64, 64, 56), (64, 128, 28), (128, 128, 28), (128, 256, 14), (256, 256, 14),
      (256, 512, 7), (512, 512, 7),
    ] {
      gone += width / 2 * (9 * (inputs + width) + 2)
      products += side * side * 9 * width / 2 * (inputs + width)
    }
    #expect(model.parameterCount == 11_689_512)
    #expect(small.parameterCount == 11_689_512 - gone)
    func count(_ model: any Classifier) -> Int {
      ModelSummary(model, name: "", input: .zeros([1, 3, 224, 224])) { _ = model($0) }.multiplyAdds
    }
    #expect(count(model) - count(small) == products)
  }

  @Test func networksCanLoseChannelsTwice() throws {
    let narrow = NarrowCase(name: "resnet18", variant: NarrowCase.small, streams: true)
    let model = try narrow.network()
    var pruning = ChannelPruning(.l1, amount: 0.5)
    pruning.includesStreams = true
    let first = try narrow.card.narrowed(
      model, keeping: pruning.kept(model.channelGroups, in: model.state))
    let smaller = try #require(first.model as? any PrunableClassifier)
    let kept = pruning.kept(smaller.channelGroups, in: smaller.state)
    let second = try first.card.narrowed(smaller, keeping: kept)
    #expect(second.card.widths?["conv1"] == 4)
    let x = images(32)
    smaller.maskChannels(smaller.channelGroups, keeping: kept)
    expectClose(
      second.model.evaluating { second.model(x) }, smaller.evaluating { smaller(x) },
      relative: 1e-5)
  }

  @Test func cardsWithImpossibleWidthsAreRefused() throws {
    var card = NarrowCase(name: "resnet18").card
    func problem() -> String {
      do {
        _ = try card.build()
        return "none"
      } catch { return "\(error)" }
    }
    card.widths = ["layer1.0.conv1": 65]
    #expect(problem() == "widths: expected 1...64 channels of layer1.0.conv1, got 65")
    card.widths = ["layer1.0.conv1": 0]
    #expect(problem() == "widths: expected 1...64 channels of layer1.0.conv1, got 0")
    card.widths = ["layer9.conv1": 3]
    #expect(problem() == "widths: resnet18 has no channels 'layer9.conv1'")
    card.widths = ["x": 1]
    card.architecture = "densenet121"
    #expect(problem() == "densenet121: channels can be taken only of MobileNetV2, ResNet, VGG")
  }
}
