import SakerNN
import SakerTensor

/// Residual networks. He et al., "Deep Residual Learning for Image Recognition", arXiv:1512.03385,
/// table 1; Xie et al. (ResNeXt), arXiv:1611.05431; Zagoruyko & Komodakis (wide), arXiv:1605.07146;
/// Hu et al. (squeeze-and-excitation), arXiv:1709.01507.
///
/// A bottleneck strides in its 3x3 convolution, as published weights do (version 1.5; the paper, in
/// the first 1x1). Names are torchvision's: `conv1`, `bn1`, `layer1.0.conv1`,
/// `layer2.0.downsample.0`, `fc`; a block's gate `se.fc1`, `se.fc2` is timm's.
public final class ResNet: PrunableClassifier {
  /// `conv1`, `bn1`, ReLU and, for large pictures, a pooling
  let stem: Sequential
  let layer1, layer2, layer3, layer4: [ResidualBlock]
  let fc: Linear
  public let levels: [FeatureLevel]
  private let configuration: Configuration

  public enum Block: Sendable {
    /// Two 3x3 convolutions.
    case basic
    /// 1x1, 3x3, 1x1, the last four times as wide.
    case bottleneck

    var expansion: Int { self == .basic ? 1 : 4 }
  }

  public enum Stem: Sendable {
    /// 7x7 with stride 2 and a pooling: stride 4.
    case large
    /// 3x3 with stride 1, for pictures of 28 to 64 pixels.
    case small
  }

  public struct Configuration: Sendable {
    public var block: Block
    /// Blocks in each of the four stages.
    public var depths: [Int]
    /// Groups of the inner 3x3 convolutions of bottlenecks.
    public var groups = 1
    /// Channels of a group, for 64 channels of the first stage.
    public var groupWidth = 64
    /// Whether each block ends in a squeeze-and-excitation gate.
    public var gated = false
    public var stem = Stem.large
    /// Channels of the stem and of the first stage; each stage doubles them.
    public var width = 64

    public init(
      _ block: Block, depths: [Int], groups: Int = 1, groupWidth: Int = 64, gated: Bool = false
    ) {
      self.block = block
      self.depths = depths
      self.groups = groups
      self.groupWidth = groupWidth
      self.gated = gated
    }

    /// With the stem for small pictures.
    public var small: Configuration {
      var copy = self
      copy.stem = .small
      return copy
    }

    /// With `share` times as many channels everywhere, a multiple of 8.
    public func scaled(_ share: Double) -> Configuration {
      var copy = self
      copy.width = width.scaled(share)
      return copy
    }

    /// With a gate in each block.
    public var squeezing: Configuration {
      var copy = self
      copy.gated = true
      return copy
    }
  }

  /// Convolutions start as He et al. ask for by their outputs.
  ///
  /// - Parameter widths: of a network that lost channels.
  public init(
    _ configuration: Configuration, classes: Int = 1000, widths: ChannelWidths = ChannelWidths()
  ) {
    self.configuration = configuration
    let isLarge = configuration.stem == .large
    // As published, and as it is.
    var channels = configuration.width
    var actual = widths("conv1", channels)
    var stem: [(name: String, layer: any Layer)] = [
      (
        "conv1",
        isLarge
          ? Conv2d(3, actual, kernel: 7, stride: 2, padding: 3, bias: false)
          : Conv2d(3, actual, kernel: 3, padding: 1, bias: false)
      ), ("bn1", BatchNorm2d(actual)), ("relu", ReLU()),
    ]
    if isLarge { stem.append(("maxpool", MaxPool2d(kernel: 3, stride: 2, padding: 1))) }
    self.stem = Sequential(named: stem)
    let first = isLarge ? 4 : 1
    var levels: [FeatureLevel] = []
    let stages = (0..<4).map { stage in
      let outputs = configuration.width << stage * configuration.block.expansion
      let blocks = (0..<configuration.depths[stage]).map { index in
        let name = "layer\(stage + 1).\(index)"
        let stride = stage > 0 && index == 0 ? 2 : 1
        let fits = stride == 1 && channels == outputs
        let inputs = actual
        if !fits { actual = widths(name + ".downsample.0", outputs) }
        channels = outputs
        return ResNet.block(
          configuration, name, widths, inputs, actual, stage: stage, stride: stride, fits: fits)
      }
      levels.append(FeatureLevel(stride: first << stage, channels: actual))
      return blocks
    }
    (layer1, layer2, layer3, layer4) = (stages[0], stages[1], stages[2], stages[3])
    fc = Linear(actual, classes)
    self.levels = levels
    startConvolutions(.kaimingNormal(fan: .output))
  }

  private static func block(
    _ configuration: Configuration, _ name: String, _ widths: ChannelWidths, _ inputs: Int,
    _ outputs: Int, stage: Int, stride: Int, fits: Bool
  ) -> ResidualBlock {
    func conv(_ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, groups: Int = 1)
      -> Conv2d
    {
      Conv2d(
        inputs, outputs, kernel: kernel, stride: stride, padding: kernel / 2, groups: groups,
        bias: false)
    }
    let width = configuration.width << stage
    var body: [(name: String, layer: any Layer)]
    switch configuration.block {
    case .basic:
      let inner = widths(name + ".conv1", width)
      body = [
        ("conv1", conv(inputs, inner, kernel: 3, stride: stride)), ("bn1", BatchNorm2d(inner)),
        ("act1", ReLU()),
        ("conv2", conv(inner, outputs, kernel: 3)), ("bn2", BatchNorm2d(outputs)),
      ]
    case .bottleneck:
      let full = max(1, width * configuration.groupWidth / 64) * configuration.groups
      let narrow = widths(name + ".conv1", full)
      // What is in groups stays as wide, and loses whole groups.
      let isGrouped = configuration.groups > 1
      let inner = isGrouped ? narrow : widths(name + ".conv2", full)
      let groups = isGrouped ? narrow / (full / configuration.groups) : 1
      body = [
        ("conv1", conv(inputs, narrow, kernel: 1)), ("bn1", BatchNorm2d(narrow)), ("act1", ReLU()),
        ("conv2", conv(narrow, inner, kernel: 3, stride: stride, groups: groups)),
        ("bn2", BatchNorm2d(inner)), ("act2", ReLU()),
        ("conv3", conv(inner, outputs, kernel: 1)), ("bn3", BatchNorm2d(outputs)),
      ]
    }
    if configuration.gated {
      let squeezed = divisible(Double(width * configuration.block.expansion) / 16)
      body.append(("se", SqueezeExcitation(outputs, squeezed: squeezed)))
    }
    let shortcut =
      fits
      ? nil
      : Sequential(conv(inputs, outputs, kernel: 1, stride: stride), BatchNorm2d(outputs))
    return ResidualBlock(body, shortcut: shortcut, activation: ReLU())
  }

  public var members: [(name: String, value: Any)] {
    stem.members + [
      ("layer1", layer1), ("layer2", layer2), ("layer3", layer3), ("layer4", layer4), ("fc", fc),
    ]
  }

  public var head: [String] { ["fc"] }

  /// Four maps, at strides 4, 8, 16 and 32; with the small stem 1, 2, 4 and 8.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("ResNet", side: 1)
    let c1 = layer1(stem(images))
    let c2 = layer2(c1)
    let c3 = layer3(c2)
    return [c1, c2, c3, layer4(c3)]
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized, float32 or bfloat16.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("ResNet", side: 1)
    return fc(layer4(layer3(layer2(layer1(stem(images))))).globalAverage())
  }
}

extension ResNet: StackedClassifier {
  public var stack: [(layer: any Layer, channels: Int)] {
    let blocks = zip([layer1, layer2, layer3, layer4], levels).flatMap { blocks, level in
      blocks.map { (layer: $0 as any Layer, channels: level.channels) }
    }
    return [(Sequential(stem, blocks[0].layer), blocks[0].channels)] + blocks.dropFirst()
  }

  public var top: any Layer { Sequential(AdaptiveAvgPool2d(1), Flatten(), fc) }
}

extension ResNet {
  /// What is inside of blocks, where convolutions are in groups whole groups, and the streams: one
  /// for the stem, and one from each shortcut convolution on to the next.
  public var channelGroups: [ChannelGroup] {
    var inner: [ChannelGroup] = []
    var streams = [
      ChannelGroup("conv1", channels: outputs(of: "conv1"), norms: ["bn1"], readers: [])
    ]
    let last = configuration.block == .basic ? "2" : "3"
    for (stage, blocks) in [layer1, layer2, layer3, layer4].enumerated() {
      for (index, block) in blocks.enumerated() {
        let name = "layer\(stage + 1).\(index)"
        streams[streams.count - 1].readers.append(.init(name + ".conv1"))
        if configuration.groups > 1 {
          let width = outputs(of: name + ".conv1")
          var group = ChannelGroup(
            name + ".conv1", channels: width, norms: [name + ".bn1", name + ".bn2"],
            readers: [.init(name + ".conv3")])
          group.producers.append(name + ".conv2")
          group.block = inputs(of: name + ".conv2")
          inner.append(group)
        }
        for number in 1..<(configuration.block == .basic ? 2 : 3) where configuration.groups == 1 {
          let layer = "\(name).conv\(number)"
          inner.append(
            ChannelGroup(
              layer, channels: outputs(of: layer), norms: ["\(name).bn\(number)"],
              readers: [.init("\(name).conv\(number + 1)")]))
        }
        if block.residual.shortcut != nil {
          let layer = name + ".downsample.0"
          streams[streams.count - 1].readers.append(.init(layer))
          streams.append(
            ChannelGroup(
              layer, channels: outputs(of: layer), norms: [name + ".downsample.1"], readers: []))
        }
        let here = streams.count - 1
        streams[here].producers.append("\(name).conv\(last)")
        streams[here].norms.append("\(name).bn\(last)")
        if configuration.gated {
          streams[here].readers.append(.init(name + ".se.fc1"))
          streams[here].followers.append(name + ".se.fc2")
        }
      }
    }
    streams[streams.count - 1].readers.append(.init("fc"))
    for index in streams.indices { streams[index].isStream = true }
    return inner + streams
  }
}

extension ResNet.Configuration {
  public static let resNet18 = Self(.basic, depths: [2, 2, 2, 2])
  public static let resNet34 = Self(.basic, depths: [3, 4, 6, 3])
  public static let resNet50 = Self(.bottleneck, depths: [3, 4, 6, 3])
  public static let resNet101 = Self(.bottleneck, depths: [3, 4, 23, 3])
  public static let resNet152 = Self(.bottleneck, depths: [3, 8, 36, 3])
  public static let resNeXt50 = Self(.bottleneck, depths: [3, 4, 6, 3], groups: 32, groupWidth: 4)
  public static let resNeXt101 = Self(
    .bottleneck, depths: [3, 4, 23, 3], groups: 32, groupWidth: 8)
  public static let resNeXt101x64 = Self(
    .bottleneck, depths: [3, 4, 23, 3], groups: 64, groupWidth: 4)
  public static let wideResNet50 = Self(.bottleneck, depths: [3, 4, 6, 3], groupWidth: 128)
  public static let wideResNet101 = Self(.bottleneck, depths: [3, 4, 23, 3], groupWidth: 128)
}

extension ResNet {
  static let catalog: [ClassifierEntry] = [
    ("resnet18", .resNet18), ("resnet34", .resNet34), ("resnet50", .resNet50),
    ("resnet101", .resNet101), ("resnet152", .resNet152), ("resnext50_32x4d", .resNeXt50),
    ("resnext101_32x8d", .resNeXt101), ("resnext101_64x4d", .resNeXt101x64),
    ("wide_resnet50_2", .wideResNet50), ("wide_resnet101_2", .wideResNet101),
    ("seresnet18", .resNet18.squeezing), ("seresnet34", .resNet34.squeezing),
    ("seresnet50", .resNet50.squeezing), ("seresnet101", .resNet101.squeezing),
    ("seresnet152", .resNet152.squeezing),
  ].map { (name: String, configuration: Configuration) in
    ClassifierEntry(
      name: name, family: "ResNet", source: configuration.gated ? .timm : .torchvision,
      abilities: [.stem, .width, .channels]
    ) { plan in
      let scaled = configuration.scaled(plan.width)
      return ResNet(
        plan.isSmall ? scaled.small : scaled, classes: plan.classes, widths: plan.widths)
    }
  }
}
