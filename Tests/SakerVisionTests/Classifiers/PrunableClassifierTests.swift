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
  /// With more than one channel in each group.
  static let wider = ClassifierVariant(stem: .small, width: 0.5)
  static let all = [
    NarrowCase(name: "resnet18", variant: small),
    NarrowCase(name: "resnet18", variant: small, streams: true),
    NarrowCase(name: "resnet50", variant: small, streams: true, criterion: .l2),
    NarrowCase(name: "resnet50", variant: small, streams: true, criterion: .slimming),
    NarrowCase(name: "seresnet18", variant: small, streams: true),
    NarrowCase(name: "resnext50_32x4d", variant: small, streams: true, criterion: .random(seed: 1)),
    NarrowCase(name: "resnext50_32x4d", variant: wider, streams: false),
    NarrowCase(name: "resnext50_32x4d", variant: wider, streams: true, criterion: .slimming),
    NarrowCase(name: "densenet121", variant: small),
    NarrowCase(name: "densenet121", variant: small, streams: true),
    NarrowCase(name: "densenet121", streams: true, side: 64, criterion: .random(seed: 2)),
    NarrowCase(name: "googlenet"),
    NarrowCase(name: "googlenet", variant: ClassifierVariant(auxiliary: true), criterion: .l2),
    NarrowCase(name: "googlenet", criterion: .slimming),
    NarrowCase(name: "inception_v3", side: 96, criterion: .random(seed: 3)),
    NarrowCase(
      name: "inception_v3", variant: ClassifierVariant(auxiliary: true), side: 96),
    NarrowCase(name: "vgg11_bn", variant: small),
    NarrowCase(name: "mobilenet_v2", variant: small, streams: true),
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
    // With other numbers of channels other kernels compute the same sums.
    let bound = Float(Rounding.bound(through: model.parameters.map(\.shape)))
    expectClose(result, masked, relative: bound)
    // Heads in the middle read the same channels; Inception v3's wants larger pictures.
    if let model = model as? GoogLeNet, let small = small as? GoogLeNet {
      let pairs = zip(
        small.evaluating { small.outputs(x) }.auxiliary,
        model.evaluating { model.outputs(x) }.auxiliary)
      for (got, expected) in pairs { expectClose(got, expected, relative: bound) }
    }
    // Masking does something.
    #expect(zip(whole.floats, masked.floats).contains { abs($0 - $1) > 1e-4 })
    #expect(small.parameterCount < model.parameterCount)
    // What the card says suffices to build it again.
    let again = try ClassifierCard(metadata: card.metadata, file: "test").build()
    try again.load(state: small.state)
    #expect(again.evaluating { again(x) }.floats == result.floats)
    #expect(small.features(x).map { $0.shape[1] } == small.levels.map(\.channels))
  }

  /// Every channel of the groups is the dimension of some layer: readers have as many inputs as
  /// there are channels.
  @Test(arguments: NarrowCase.all)
  func groupsNameWhatThereIs(_ narrow: NarrowCase) throws {
    let model = try withoutStarts { try narrow.card.build() }
    let groups = try #require(model as? any PrunableClassifier).channelGroups
    let shapes = Dictionary(
      uniqueKeysWithValues: model.namedParameters.map { ($0.name, $0.parameter.shape) })
    var (read, normalized): ([String: [Range<Int>]], [String: [Range<Int>]]) = ([:], [:])
    for group in groups {
      #expect(!group.readers.isEmpty, "\(group.name)")
      #expect(group.channels % group.block == 0)
      for layer in group.producers + group.norms + group.followers {
        #expect(shapes[layer + ".weight"]?[0] == group.channels, "\(group.name): \(layer)")
      }
      for reader in group.readers {
        read[reader.layer, default: []].append(
          reader.offset..<reader.offset + group.channels * reader.each)
      }
      for norm in group.joinedNorms {
        normalized[norm.layer, default: []].append(norm.offset..<norm.offset + group.channels)
      }
    }
    #expect(Set(groups.map(\.name)).count == groups.count)
    // Together they are all that a layer reads, each once.
    for (axis, places) in [(1, read), (0, normalized)] {
      for (layer, ranges) in places {
        let sorted = ranges.sorted { $0.lowerBound < $1.lowerBound }
        #expect(sorted.first?.lowerBound == 0, "\(layer)")
        #expect(sorted.last?.upperBound == shapes[layer + ".weight"]?[axis], "\(layer)")
        for (one, next) in zip(sorted, sorted.dropFirst()) {
          #expect(one.upperBound == next.lowerBound, "\(layer)")
        }
      }
    }
  }

  /// By hand: ResNet-18 without half of the inner channels of its blocks. Each pair of 3x3
  /// convolutions a → n → b has 9 n (a + b) weights and its norm 2 n.
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

  /// By hand: a layer of DenseNet-121 whose channels are in the middle of what others read. Without
  /// 16 of the 32 channels of the second layer of the last block: 16 rows of 9 · 128, and of each
  /// of the 14 layers behind 16 columns of 128 and 16 scales and biases, of the last norm 16 of
  /// both, of the classifier 16 columns.
  @Test func aDenseLayerHalvedIsCountedByHand() throws {
    let card = ClassifierCard(
      architecture: "densenet121", classNames: (0..<1000).map(String.init), input: .imageNet)
    let model = try withoutStarts { try card.build() }
    let name = "features.denseblock4.denselayer2.conv2"
    let (_, small) = try card.narrowed(model, keeping: [name: Array(0..<16)])
    let gone = 16 * 9 * 128 + 14 * (16 * 128 + 2 * 16) + 2 * 16 + 16 * 1000
    #expect(model.parameterCount == 7_978_856)
    #expect(small.parameterCount == 7_978_856 - gone)
  }

  /// By hand: 3 of the 32 groups of 4 channels of a block's 3x3 convolution, and the narrow
  /// channels that they read.
  @Test func groupsOfAResNeXtGoWhole() throws {
    let card = ClassifierCard(
      architecture: "resnext50_32x4d", classNames: (0..<1000).map(String.init), input: .imageNet)
    let model = try withoutStarts { try card.build() }
    let prunable = try #require(model as? any PrunableClassifier)
    let group = try #require(prunable.channelGroups.first { $0.name == "layer1.0.conv1" })
    #expect(group.block == 4 && group.channels == 128)
    let kept = (0..<128).filter { ![0, 17, 31].contains($0 / 4) }
    let (_, small) = try card.narrowed(model, keeping: [group.name: kept])
    // 64 inputs and 256 outputs of the block, 4 · 9 weights a channel, two norms.
    #expect(model.parameterCount - small.parameterCount == 12 * (64 + 4 * 9 + 256 + 2 * 2))
    // Chosen ones are whole, too, as many as the amount says.
    let chosen = ChannelPruning(.l1, amount: 0.25).kept([group], in: model.state)
    let channels = try #require(chosen[group.name])
    #expect(channels.count == 96)
    #expect(Set(channels.map { $0 / 4 }).count == 24)
    var eights = ChannelPruning(.l1, amount: 0.28)
    eights.multiple = 8
    #expect(eights.kept([group], in: model.state)[group.name]?.count == 96)
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
    card.widths = ["layer1.0.conv1": 10]
    card.architecture = "resnext50_32x4d"
    #expect(problem() == "widths: expected a multiple of 4 channels of layer1.0.conv1, got 10")
    card.widths = ["x": 1]
    card.architecture = "efficientnet_b0"
    #expect(
      problem()
        == "efficientnet_b0: channels can be taken only of DenseNet, GoogLeNet, InceptionV3, MobileNetV2, ResNet, VGG"
    )
  }
}
