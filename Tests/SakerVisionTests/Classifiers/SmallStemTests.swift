import SakerData
import SakerNN
import SakerTensor
import TestSupport
import Testing

@testable import SakerVision

/// Networks with the stem for small pictures, one of each family that has it.
struct SmallStemTests {
  /// The name, the strides of the features, and parameters that may be of another shape than with
  /// the standard stem, at full width.
  struct Family: Sendable, CustomTestStringConvertible {
    let name: String
    let strides: [Int]
    var reshaped: [String] = []
    var testDescription: String { name }

    static let all = [
      Family(
        name: "vgg11_bn", strides: [2, 4, 8, 16, 32],
        reshaped: ["classifier.0.weight", "classifier.0.bias"]
          + ["classifier.3.weight", "classifier.3.bias", "classifier.6.weight"]),
      Family(name: "resnet18", strides: [1, 2, 4, 8], reshaped: ["conv1.weight"]),
      Family(name: "resnext50_32x4d", strides: [1, 2, 4, 8], reshaped: ["conv1.weight"]),
      Family(name: "wide_resnet50_2", strides: [1, 2, 4, 8], reshaped: ["conv1.weight"]),
      Family(name: "seresnet18", strides: [1, 2, 4, 8], reshaped: ["conv1.weight"]),
      Family(name: "resnetv2_18", strides: [1, 2, 4, 8], reshaped: ["stem.conv.weight"]),
      Family(name: "densenet121", strides: [1, 2, 4, 8], reshaped: ["features.conv0.weight"]),
      Family(name: "mobilenetv1_100", strides: [1, 1, 2, 4, 8]),
      Family(name: "mobilenet_v2", strides: [1, 2, 4, 8]),
      Family(name: "mobilenet_v3_large", strides: [1, 2, 4, 8]),
      Family(name: "mobilenet_v3_small", strides: [1, 2, 4, 8]),
      Family(name: "shufflenet_v1_g3", strides: [1, 2, 4, 8]),
      Family(name: "shufflenet_v2_x1_0", strides: [1, 2, 4, 8]),
      Family(name: "ghostnet_100", strides: [1, 2, 4, 8]),
      Family(name: "efficientnet_b0", strides: [1, 2, 4, 8]),
      Family(name: "repvgg_b1g4", strides: [1, 1, 2, 4, 8]),
      Family(
        name: "vit_tiny_patch16_224", strides: [4],
        reshaped: ["patch_embed.proj.weight", "pos_embed"]),
      Family(
        name: "vit_b_32", strides: [4],
        reshaped: ["conv_proj.weight", "encoder.pos_embedding"]),
      Family(
        name: "mixer_s32_224", strides: [4],
        reshaped: ["stem.proj.weight"]
          + (0..<8).flatMap { block in
            ["fc1.weight", "fc2.weight", "fc2.bias"].map { "blocks.\(block).mlp_tokens.\($0)" }
          }),
      Family(name: "convmixer_768_32", strides: [4], reshaped: ["stem.0.weight"]),
      Family(
        name: "fnet_s16", strides: [4], reshaped: ["patch_embed.proj.weight", "pos_embed"]),
    ]
  }

  private func card(_ name: String, side: Int, width: Double = 1) -> ClassifierCard {
    ClassifierCard(
      architecture: name, variant: ClassifierVariant(stem: .small, width: width),
      classNames: ["a", "b", "c"], input: ClassifierInput(side: side, resizedSide: side))
  }

  /// Every family with the ability is here, and only those.
  @Test func allFamiliesAreTested() throws {
    let tested = try Family.all.map { try #require(ClassifierCatalog.named($0.name)).family }
    let able = ClassifierCatalog.all.filter { $0.abilities.contains(.stem) }.map(\.family)
    #expect(Set(tested) == Set(able))
    // CIFAR's networks come in other widths, and their published stem is a small one already.
    let onlyWidth = ClassifierCatalog.all.filter {
      $0.abilities.contains(.width) && !$0.abilities.contains(.stem)
    }
    #expect(onlyWidth.count == 10 && onlyWidth.allSatisfy { $0.name.hasPrefix("resnet") })
    #expect(
      ClassifierCatalog.all.allSatisfy {
        $0.abilities.contains(.width) || !$0.abilities.contains(.stem)
      })
  }

  /// Strides change, and what depends on the picture's size; the names of the state stay.
  @Test(arguments: Family.all) func namesStayAndHardlyAnyShapeChanges(_ family: Family) throws {
    let entry = try #require(ClassifierCatalog.named(family.name))
    func shapes(_ model: any Classifier) -> [String: Shape] {
      Dictionary(uniqueKeysWithValues: model.state.map { ($0.name, $0.tensor.shape) })
    }
    let published = shapes(withoutStarts { entry.build(3) })
    let small = shapes(try withoutStarts { try card(family.name, side: 32).build() })
    #expect(Set(published.keys) == Set(small.keys))
    #expect(
      small.filter { published[$0.key] != $0.value }.map(\.key).sorted()
        == family.reshaped.sorted())
  }

  @Test(arguments: Family.all, [28, 32])
  func aNarrowOneLearnsFromSmallPictures(_ family: Family, side: Int) throws {
    let card = card(family.name, side: side, width: 0.125)
    let model = try withSeed(Trial.seed(1)) { try card.build() }
    let entry = try #require(ClassifierCatalog.named(family.name))
    #expect(model.parameterCount < withoutStarts { entry.build(3) }.parameterCount / 4)
    #expect(model.levels.map(\.stride) == family.strides)
    var random = Random(seed: Trial.seed(2))
    let pictures = Tensor.normal([4, 3, side, side], using: &random)
    let maps = model.evaluating { withoutGradients { model.features(pictures) } }
    #expect(maps.count == model.levels.count)
    for (map, level) in zip(maps, model.levels) {
      #expect(map.shape[0] == 4 && map.shape[1] == level.channels)
      // Rounded up by padded kernels and poolings, down by others.
      #expect(
        [side / level.stride, (side + level.stride - 1) / level.stride].contains(map.shape[2])
          && map.shape[3] == map.shape[2], "\(map.shape) at stride \(level.stride)")
    }
    // One step, on the same pictures, without what draws: the loss falls.
    for case let layer as any ModeDependent & RandomLayer in model.namedModules.map(\.module) {
      layer.hold(.evaluation)
    }
    let labels = Tensor([0, 1, 2, 1] as [Int32])
    func loss() -> Tensor { crossEntropy(model(pictures), labels) }
    let before = loss()
    before.backward()
    var steepness: Float = 0
    for (name, parameter) in model.namedParameters.map({ ($0.name, $0.parameter) }) {
      let gradient = try #require(parameter.gradient, "\(name)")
      steepness += square(gradient).sum().item
    }
    // As far as should bring 0.01, if the loss were a plane.
    #expect(steepness.isFinite && steepness > 0)
    for parameter in model.parameters {
      guard let gradient = parameter.gradient else { continue }
      parameter.value = (parameter.value - 0.01 / steepness * gradient).detached()
    }
    // What curvature takes of that.
    Trial.expect(
      1 - (before.item - loss().item) / 0.01, below: 1, "a step of \(family.name) on \(side)")
    // What the card says suffices to build it again.
    let again = try ClassifierCard(metadata: card.metadata, file: "test").build()
    try again.load(state: model.state)
    #expect(
      again.evaluating { again(pictures) }.floats == model.evaluating { model(pictures) }.floats)
  }

  /// By hand: convolutions of VGG-11 with batch norm have 9,225,984 weights and biases with their
  /// norms; then 512 → 512 → 512 → 10.
  @Test func vggForSmallPicturesIsCountedByHand() throws {
    var card = card("vgg11_bn", side: 32)
    card.classNames = (0..<10).map(String.init)
    let model = try withoutStarts { try card.build() }
    var (convolutions, inputs) = (0, 3)
    for outputs in [64, 128, 256, 256, 512, 512, 512, 512] {
      convolutions += 9 * inputs * outputs + outputs + 2 * outputs
      inputs = outputs
    }
    #expect(convolutions == 9_225_984)
    #expect(model.parameterCount == convolutions + 2 * (512 * 512 + 512) + 512 * 10 + 10)
  }

  @Test func whatCannotBeIsToldByName() {
    func problem(_ change: (inout ClassifierCard) -> Void) -> String {
      var card = card("vit_tiny_patch16_224", side: 28)
      change(&card)
      do {
        _ = try withoutStarts { try card.build() }
        return "none"
      } catch { return "\(error)" }
    }
    #expect(problem { _ in } == "none")
    #expect(
      problem { $0.input.side = 30 }
        == "vit_tiny_patch16_224 has patches of 4x4: expected a multiple of it for its pictures' side, got 30"
    )
    #expect(problem { $0.architecture = "alexnet" } == "alexnet has no other stem, got small")
    #expect(
      problem {
        $0.architecture = "darknet53"
        $0.variant = ClassifierVariant(width: 0.5)
      } == "darknet53 has no other widths, got 0.5")
    let entry = ClassifierCatalog.named("vit_tiny_patch16_224")
    #expect(entry?.smallSide(atLeast: 29) == 32 && entry?.smallSide(atLeast: 28) == 28)
    #expect(ClassifierCatalog.named("resnet18")?.smallSide(atLeast: 29) == 29)
  }

  /// The narrowest networks that a card allows can be built and run.
  @Test(arguments: Family.all.map(\.name)) func anEighthOfTheWidthIsEnough(_ name: String) throws {
    let model = try withoutStarts { try card(name, side: 8, width: 0.125).build() }
    #expect(model.evaluating { model(.zeros([1, 3, 8, 8])) }.shape == [1, 3])
  }
}
