import SakerNN
import SakerTensor

/// Densely connected networks: a layer sees the maps of all layers before it in its block. Huang et al., arXiv:1608.06993,
/// table 1. Names are torchvision's: `features.denseblock1.denselayer1.norm1`, ..., `classifier`.
public final class DenseNet: Classifier {
  let body: Sequential
  let classifier: Linear
  public let levels: [FeatureLevel]

  public struct Configuration: Sendable {
    /// Channels that a layer adds, `k` of the paper.
    public var growth: Int
    /// Layers in each of the four blocks.
    public var depths: [Int]
    /// Channels of the stem.
    public var stem: Int

    public init(growth: Int = 32, depths: [Int], stem: Int = 64) {
      self.growth = growth
      self.depths = depths
      self.stem = stem
    }
  }

  public init(_ configuration: Configuration, classes: Int = 1000) {
    var channels = configuration.stem
    var layers: [(name: String, layer: any Layer)] = [
      ("conv0", Conv2d(3, channels, kernel: 7, stride: 2, padding: 3, bias: false)),
      ("norm0", BatchNorm2d(channels)), ("relu0", ReLU()),
      ("pool0", MaxPool2d(kernel: 3, stride: 2, padding: 1)),
    ]
    var levels: [FeatureLevel] = []
    for (index, depth) in configuration.depths.enumerated() {
      layers.append(
        (
          "denseblock\(index + 1)",
          DenselyConnected(
            channels, growth: configuration.growth, width: 4 * configuration.growth, depth: depth)
        ))
      channels += depth * configuration.growth
      levels.append(FeatureLevel(stride: 4 << index, channels: channels))
      guard index + 1 < configuration.depths.count else { break }
      layers.append(
        (
          "transition\(index + 1)",
          Sequential(named: [
            ("norm", BatchNorm2d(channels)), ("relu", ReLU()),
            ("conv", Conv2d(channels, channels / 2, kernel: 1, bias: false)),
            ("pool", AvgPool2d(kernel: 2)),
          ])
        ))
      channels /= 2
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

  /// The maps of the four blocks, before they are normalized, at strides 4, 8, 16 and 32.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("DenseNet", side: 29)
    let blocks = body.layers.indices.filter { body.layers[$0] is DenselyConnected }
    return body.outputs(of: blocks, images)
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized, at least 29 pixels a side.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("DenseNet", side: 29)
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
    ClassifierEntry(name: name, family: "DenseNet", source: .torchvision) {
      DenseNet(configuration, classes: $0)
    }
  }
}
