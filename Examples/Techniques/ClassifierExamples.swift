import Saker
import Testing

/// Each family of classifiers: how it is made, and how many numbers its published network learns.
@Suite struct ClassifierExamples {
  /// The numbers that a network learns, without drawing their starts.
  private func size(_ make: () -> any Classifier) -> Int { withoutStarts { make().parameterCount } }

  @Test("LeNet, AlexNet, VGG, NiN") func plain() {
    #expect(size { LeNet(classes: 10) } == 61_706)
    #expect(size { AlexNet() } == 61_100_840)
    #expect(size { VGG(.vgg11) } == 132_863_336)
    let nin = withSeed(0) { NiN(classes: 10) }  // its last maps are the classes: no linear layer
    #expect(nin.namedModules.allSatisfy { !($0.module is Linear) })
  }

  @Test("ResNet, ResNeXt, pre-activation, CIFAR's ResNet") func residual() {
    #expect(size { ResNet(.resNet18) } == 11_689_512)
    #expect(size { ResNet(.resNeXt50) } == 25_028_904)
    #expect(size { ResNetV2(.basic, depths: [2, 2, 2, 2]) } == 11_687_720)
    // 6n + 2 layers; option A pads with zeros, option B learns a projection.
    #expect(size { CIFARResNet(blocks: 3, shortcut: .padding) } == 269_722)
    let added = (16 + 2) * 32 + (32 + 2) * 64  // two 1×1 convolutions with batch norm
    #expect(size { CIFARResNet(blocks: 3, shortcut: .projection) } == 269_722 + added)
  }

  @Test("DenseNet") func dense() {
    #expect(size { DenseNet(.denseNet121) } == 7_978_856)
    let small = DenseNet(.init(growth: 8, depths: [2, 2], stem: 16), classes: 4)
    #expect(small(.zeros([1, 3, 64, 64])).shape == [1, 4])
  }

  @Test("Inception v1 to v4, Inception-ResNet") func inception() {
    #expect(size { GoogLeNet() } == 6_624_904)
    #expect(size { InceptionV2() } == 11_194_984)
    #expect(size { InceptionV3() } == 23_834_568)
    #expect(size { InceptionV4() } == 42_679_816)
    #expect(size { InceptionResNetV2() } == 55_843_464)
  }

  @Test("Auxiliary classifiers in the middle") func auxiliary() {
    let model: any AuxiliaryClassifier = withSeed(0) { GoogLeNet(classes: 5, auxiliary: true) }
    let outputs = model.outputs(.zeros([1, 3, 224, 224]))
    #expect(outputs.logits.shape == [1, 5])
    #expect(model.auxiliaryHeads == ["aux1", "aux2"] && model.auxiliaryWeight == 0.3)
    #expect(outputs.auxiliary.map(\.shape) == [[1, 5], [1, 5]])
  }

  @Test("MobileNet v1 to v3") func mobile() {
    #expect(size { MobileNetV1() } == 4_231_976)
    #expect(size { MobileNetV2() } == 3_504_872)
    #expect(size { MobileNetV3(.large) } == 5_483_032)
    #expect(size { MobileNetV1(width: 0.5) } < size { MobileNetV1() } / 2)
  }

  @Test("ShuffleNet v1, v2") func shuffle() {
    #expect(size { ShuffleNetV1(groups: 3) } == 1_865_728)
    #expect(size { ShuffleNetV2(widths: [116, 232, 464, 1024]) } == 2_278_604)
  }

  @Test("RepVGG, its branches as one convolution") func repVGG() {
    let model = withSeed(0) {
      RepVGG(.init(depths: [1, 2, 1, 1], widths: [0.25, 0.25, 0.25, 0.25]), classes: 3)
    }
    let images = Tensor.full([2, 3, 32, 32], 0.5)
    _ = model(images)  // its batch norms have seen something
    let plain = model.fused()
    #expect(plain.parameterCount < model.parameterCount)
    model.eval()
    plain.eval()
    #expect(allClose(plain(images), model(images), relative: 1e-3, absolute: 1e-4))
  }

  @Test("GhostNet, EfficientNet") func light() {
    #expect(size { GhostNet() } == 5_182_508)
    #expect(size { EfficientNet(.b0) } == 5_288_548)
  }

  @Test("Darknet, CSPDarknet, CSPResNeXt as backbones") func backbones() {
    #expect(size { Darknet19() } == 20_842_376)
    #expect(size { CSPNet(.resNeXt, depths: [3, 3, 5, 2]) } == 20_569_896)
    let csp = CSPNet(.darknet, depths: [1, 1, 1, 1, 1], classes: 2)
    for backbone in [Darknet53(depths: [1, 1, 1], classes: 2), csp] as [any Backbone] {
      let maps = backbone.features(.zeros([1, 3, 64, 64]))
      #expect(maps.map { 64 / $0.shape[2] } == backbone.levels.map(\.stride))
      #expect(maps.map { $0.shape[1] } == backbone.levels.map(\.channels))
    }
  }

  @Test("Vision transformer, MLP-Mixer, ConvMixer, FNet") func tokens() {
    #expect(size { VisionTransformer(.base(patch: 16)) } == 86_567_656)
    let small: [any Classifier] = [
      VisionTransformer(.init(width: 16, depth: 2, heads: 2, patch: 8), side: 32, classes: 5),
      MLPMixer(width: 16, depth: 2, patch: 8, side: 32, classes: 5),
      ConvMixer(width: 16, depth: 2, kernel: 3, patch: 4, classes: 5),
      FNet(width: 16, depth: 2, patch: 8, side: 32, classes: 5),
    ]
    for model in small { #expect(model(.zeros([2, 3, 32, 32])).shape == [2, 5]) }
  }

  @Test("A classifier by its name") func catalog() throws {
    let entry = try #require(ClassifierCatalog.named("mobilenet_v2"))
    #expect(entry.family == "MobileNetV2" && entry.input.side == 224)
    let model: any Classifier = withoutStarts { entry.build(3) }
    #expect(model.head == ["classifier.1"])
    #expect(ClassifierCatalog.all.count > 80 && ClassifierCatalog.named("none") == nil)
  }

  @Test("Summary: layers, parameters, multiply-adds, receptive field") func summary() {
    let model = LeNet(classes: 10)
    let summary = ModelSummary(model, name: "lenet", input: .zeros([1, 1, 28, 28])) {
      _ = model($0)
    }
    #expect(summary.parameters == 61_706)
    let first = summary.rows[0]
    #expect(first.kind == "Conv2d" && first.receptiveField == [5, 5])
    #expect(first.multiplyAdds == 6 * 28 * 28 * 25 && first.parameters == 6 * 25 + 6)
  }
}
