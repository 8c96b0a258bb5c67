import SakerNN
import SakerTensor

/// Densely connected networks: a layer sees the maps of all layers before it in its block. Huang et
/// al., arXiv:1608.06993, table 1. Names are torchvision's:
/// `features.denseblock1.denselayer1.norm1`, ..., `classifier`.
public final class DenseNet: PrunableClassifier {
  let body: Sequential
  let classifier: Linear
  public let levels: [FeatureLevel]
  private let configuration: Configuration

  public struct Configuration: Sendable {
    /// Channels that a layer adds, `k` of the paper.
    public var growth: Int
    /// Layers in each of the four blocks.
    public var depths: [Int]
    /// Channels of the stem.
    public var stem: Int
    /// Whether it begins with a 3x3 convolution of stride 1 and without pooling, as the paper's
    /// networks for 32x32 pixels do.
    public var isSmall = false

    public init(growth: Int = 32, depths: [Int], stem: Int = 64) {
      self.growth = growth
      self.depths = depths
      self.stem = stem
    }

    /// With the stem for small pictures.
    public var small: Configuration {
      var copy = self
      copy.isSmall = true
      return copy
    }

    /// With `share` times the growth; the stem has twice as many channels, as in all published
    /// ones.
    public func scaled(_ share: Double) -> Configuration {
      guard share != 1 else { return self }
      var copy = self
      copy.growth = max(2, Int((Double(growth) * share).rounded()))
      copy.stem = 2 * copy.growth
      return copy
    }
  }

  /// - Parameter widths: of a network that lost channels.
  public init(
    _ configuration: Configuration, classes: Int = 1000, widths: ChannelWidths = ChannelWidths()
  ) {
    self.configuration = configuration
    let isSmall = configuration.isSmall
    // As published, and as it is.
    var full = configuration.stem
    var channels = widths("features.conv0", full)
    var layers: [(name: String, layer: any Layer)] = [
      (
        "conv0",
        isSmall
          ? Conv2d(3, channels, kernel: 3, padding: 1, bias: false)
          : Conv2d(3, channels, kernel: 7, stride: 2, padding: 3, bias: false)
      ), ("norm0", BatchNorm2d(channels)), ("relu0", ReLU()),
    ]
    if !isSmall { layers.append(("pool0", MaxPool2d(kernel: 3, stride: 2, padding: 1))) }
    var levels: [FeatureLevel] = []
    for (index, depth) in configuration.depths.enumerated() {
      let name = "denseblock\(index + 1)"
      let sizes = (1...depth).map { layer in
        let name = "features.\(name).denselayer\(layer)"
        return (
          width: widths(name + ".conv1", 4 * configuration.growth),
          growth: widths(name + ".conv2", configuration.growth)
        )
      }
      layers.append((name, DenselyConnected(channels, sizes)))
      channels += sizes.reduce(0) { $0 + $1.growth }
      full += depth * configuration.growth
      levels.append(FeatureLevel(stride: (isSmall ? 1 : 4) << index, channels: channels))
      guard index + 1 < configuration.depths.count else { break }
      full /= 2
      let outputs = widths("features.transition\(index + 1).conv", full)
      layers.append(
        (
          "transition\(index + 1)",
          Sequential(named: [
            ("norm", BatchNorm2d(channels)), ("relu", ReLU()),
            ("conv", Conv2d(channels, outputs, kernel: 1, bias: false)),
            ("pool", AvgPool2d(kernel: 2)),
          ])
        ))
      channels = outputs
    }
    layers.append(("norm5", BatchNorm2d(channels)))
    layers.append(("relu5", ReLU()))
    body = Sequential(named: layers)
    classifier = Linear(channels, classes)
    self.levels = levels
    startConvolutions(.kaimingNormal())
    classifier.bias?.start(.zeros)
  }

  public var members: [(name: String, value: Any)] {
    [("features", body), ("classifier", classifier)]
  }

  public var head: [String] { ["classifier"] }

  /// The channels between the two convolutions of a layer, and, as streams, what all later layers
  /// of a block read: the stem's, each layer's, the transitions'.
  public var channelGroups: [ChannelGroup] {
    var trace = ChannelTrace()
    func produce(_ name: String, norm: String? = nil) -> ChannelTrace.Map {
      trace.produce("features." + name, channels: outputs(of: "features." + name), norm: norm)
    }
    var map = produce("conv0", norm: "features.norm0")
    trace.markStream(map)
    for (index, depth) in configuration.depths.enumerated() {
      for layer in 1...depth {
        let name = "denseblock\(index + 1).denselayer\(layer)"
        trace.normalize("features.\(name).norm1", map)
        trace.read("features.\(name).conv1", map)
        trace.read(
          "features.\(name).conv2",
          produce(name + ".conv1", norm: "features.\(name).norm2"))
        let added = produce(name + ".conv2")
        trace.markStream(added)
        map += added
      }
      guard index + 1 < configuration.depths.count else { break }
      let name = "transition\(index + 1)"
      trace.normalize("features.\(name).norm", map)
      trace.read("features.\(name).conv", map)
      map = produce(name + ".conv")
      trace.markStream(map)
    }
    trace.normalize("features.norm5", map)
    trace.read("classifier", map)
    return trace.groups
  }

  /// The least side of a picture: of the last map a pixel is left.
  private var smallestSide: Int { configuration.isSmall ? 8 : 29 }

  /// The maps of the four blocks, before they are normalized, at strides 4, 8, 16 and 32; with the
  /// small stem 1, 2, 4 and 8.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("DenseNet", side: smallestSide)
    let blocks = body.layers.indices.filter { body.layers[$0] is DenselyConnected }
    return body.outputs(of: blocks, images)
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized, at least 29 pixels a
  /// side (small stem: 8).
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("DenseNet", side: smallestSide)
    return classifier(body(images).globalAverage())
  }
}

extension DenseNet.Configuration {
  public static let denseNet121 = Self(depths: [6, 12, 24, 16])
  public static let denseNet161 = Self(growth: 48, depths: [6, 12, 36, 24], stem: 96)
  public static let denseNet169 = Self(depths: [6, 12, 32, 32])
  public static let denseNet201 = Self(depths: [6, 12, 48, 32])
  public static let denseNet264 = Self(depths: [6, 12, 64, 48])
}

extension DenseNet {
  static let catalog: [ClassifierEntry] = [
    ("densenet121", Configuration.denseNet121), ("densenet161", .denseNet161),
    ("densenet169", .denseNet169), ("densenet201", .denseNet201), ("densenet264", .denseNet264),
  ].map { name, configuration in
    ClassifierEntry(
      name: name, family: "DenseNet", source: .torchvision, abilities: [.stem, .width, .channels]
    ) { plan in
      let scaled = configuration.scaled(plan.width)
      return DenseNet(
        plan.isSmall ? scaled.small : scaled, classes: plan.classes, widths: plan.widths)
    }
  }
}
