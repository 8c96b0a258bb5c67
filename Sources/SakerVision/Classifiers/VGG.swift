import SakerNN
import SakerTensor

/// Plain networks of 3x3 convolutions. Simonyan & Zisserman, "Very Deep Convolutional Networks for
/// Large-Scale Image Recognition", arXiv:1409.1556, table 1.
///
/// Layout and names are torchvision's, so that its weights load: convolutions have biases also
/// before a batch norm (which the paper didn't have yet), and the last map is averaged to 7x7, so
/// that pictures of other sizes than 224 work.
public final class VGG: PrunableClassifier {
  /// Convolutions, each with its ReLU, and poolings: `features.0`, ...
  let body: Sequential
  /// Three linear layers: `classifier.0`, `.3`, `.6`
  let classifier: Sequential

  /// Channels of the convolutions between two poolings, and the size of the head.
  public struct Configuration: Sendable {
    public var stages: [[Int]]
    public var batchNorm = false
    /// Width of the two inner linear layers.
    public var width = 4096
    /// The probability with which training drops their results.
    public var dropout: Float = 0.5
    /// Whether it is for pictures of 8 to 64 pixels: poolings round up, and the last map is
    /// averaged to one pixel.
    public var isSmall = false

    public init(_ stages: [[Int]], batchNorm: Bool = false) {
      self.stages = stages
      self.batchNorm = batchNorm
    }

    /// With a batch norm behind each convolution.
    public var normalized: Configuration {
      var copy = self
      copy.batchNorm = true
      return copy
    }

    /// For small pictures, as it is used for those of 32 pixels: without the large linear layers,
    /// in which most of the parameters are.
    public var small: Configuration {
      var copy = self
      copy.isSmall = true
      copy.width = stages.last?.last ?? width
      return copy
    }

    /// With `share` times as many channels everywhere, multiples of 8.
    public func scaled(_ share: Double) -> Configuration {
      guard share != 1 else { return self }
      var copy = self
      copy.stages = stages.map { $0.map { $0.scaled(share) } }
      copy.width = width.scaled(share)
      return copy
    }
  }

  public let levels: [FeatureLevel]
  /// Where the poolings are.
  private let poolings: [Int]

  /// The least height and width of a picture: five poolings leave one pixel.
  public static let smallestSide = 32
  /// Height and width of the map that the linear layers read.
  private let mapSide: Int
  private let leastSide: Int

  /// Convolutions start as He et al. ask for by their outputs, linear layers normal with deviation
  /// 0.01, biases as zeros.
  ///
  /// - Parameter widths: of a network that lost channels.
  public init(
    _ configuration: Configuration, classes: Int = 1000, widths: ChannelWidths = ChannelWidths()
  ) {
    var layers: [any Layer] = []
    var channels = 3
    var ends: [Int] = []
    for stage in configuration.stages {
      for full in stage {
        let outputs = widths("features.\(layers.count)", full)
        layers.append(VGG.convolution(channels, outputs))
        if configuration.batchNorm { layers.append(BatchNorm2d(outputs)) }
        layers.append(ReLU())
        channels = outputs
      }
      layers.append(MaxPool2d(kernel: 2, ceil: configuration.isSmall))
      ends.append(channels)
    }
    body = Sequential(layers)
    poolings = layers.indices.filter { layers[$0] is MaxPool2d }
    levels = ends.enumerated().map {
      FeatureLevel(stride: 2 << $0.offset, channels: $0.element)
    }
    mapSide = configuration.isSmall ? 1 : 7
    leastSide = configuration.isSmall ? 1 : VGG.smallestSide
    let drop = configuration.dropout
    let first = widths("classifier.0", configuration.width)
    let second = widths("classifier.3", configuration.width)
    classifier = Sequential(
      VGG.linear(channels * mapSide * mapSide, first), ReLU(), Dropout(drop),
      VGG.linear(first, second), ReLU(), Dropout(drop), VGG.linear(second, classes))
  }

  private static func convolution(_ inputs: Int, _ outputs: Int) -> Conv2d {
    let layer = Conv2d(inputs, outputs, kernel: 3, padding: 1)
    layer.weight.start(.kaimingNormal(fan: .output))
    layer.bias?.start(.zeros)
    return layer
  }

  private static func linear(_ inputs: Int, _ outputs: Int) -> Linear {
    let layer = Linear(inputs, outputs)
    layer.weight.start(.normal(deviation: 0.01))
    layer.bias?.start(.zeros)
    return layer
  }

  public var members: [(name: String, value: Any)] {
    [("features", body), ("classifier", classifier)]
  }

  public var head: [String] { ["classifier.6"] }

  /// All convolutions and the two inner linear layers.
  public var channelGroups: [ChannelGroup] {
    let convolutions = body.layers.indices.filter { body.layers[$0] is Conv2d }
    var groups = convolutions.map { index in
      let isNormalized = body.layers[index + 1] is BatchNorm
      return ChannelGroup(
        "features.\(index)", channels: outputs(of: "features.\(index)"),
        norms: isNormalized ? ["features.\(index + 1)"] : [], readers: [])
    }
    for index in groups.indices.dropLast() {
      groups[index].readers = [.init(groups[index + 1].name)]
    }
    groups[groups.count - 1].readers = [.init("classifier.0", each: mapSide * mapSide)]
    for (name, next) in [("classifier.0", "classifier.3"), ("classifier.3", "classifier.6")] {
      groups.append(ChannelGroup(name, channels: outputs(of: name), readers: [.init(next)]))
    }
    return groups
  }

  /// The maps behind the five poolings, at strides 2 to 32.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("VGG", side: leastSide)
    return body.outputs(of: poolings, images)
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized, float32 or bfloat16.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("VGG", side: leastSide)
    let map = adaptiveAveragePool2d(body(images), (mapSide, mapSide))
    return classifier(map.flatten(from: 1))
  }
}

extension VGG.Configuration {
  public static let vgg11 = Self([[64], [128], [256, 256], [512, 512], [512, 512]])
  public static let vgg13 = Self([[64, 64], [128, 128], [256, 256], [512, 512], [512, 512]])
  public static let vgg16 = Self(
    [[64, 64], [128, 128], [256, 256, 256], [512, 512, 512], [512, 512, 512]])
  public static let vgg19 = Self(
    [[64, 64], [128, 128], [256, 256, 256, 256], [512, 512, 512, 512], [512, 512, 512, 512]])
}

extension VGG {
  /// torchvision's names.
  static let catalog: [ClassifierEntry] = [
    ("vgg11", Configuration.vgg11), ("vgg13", .vgg13), ("vgg16", .vgg16), ("vgg19", .vgg19),
  ].flatMap { name, configuration in
    [(name, configuration), (name + "_bn", configuration.normalized)].map { name, configuration in
      ClassifierEntry(
        name: name, family: "VGG", source: .torchvision, abilities: [.stem, .width, .channels]
      ) { plan in
        let scaled = configuration.scaled(plan.width)
        return VGG(
          plan.isSmall ? scaled.small : scaled, classes: plan.classes, widths: plan.widths)
      }
    }
  }
}
