import SakerNN
import SakerTensor

/// Inverted residuals found by search, with squeeze-and-excitation and hard-swish. Howard et
/// al., arXiv:1905.02244, tables 1 and 2. Names are torchvision's: `features.4.block.2.fc1`,
/// ..., `classifier.3`.
public final class MobileNetV3: Classifier {
  let body: Sequential
  let classifier: Sequential
  public let levels: [FeatureLevel]
  private let taps: [Int]

  public struct Configuration: Sendable {
    /// One row of the paper's table.
    public struct Block: Sendable {
      var kernel, hidden, outputs: Int
      var gated, hard: Bool
      var stride: Int

      init(
        _ kernel: Int, _ hidden: Int, _ outputs: Int, gated: Bool, hard: Bool, stride: Int
      ) {
        (self.kernel, self.hidden, self.outputs) = (kernel, hidden, outputs)
        (self.gated, self.hard, self.stride) = (gated, hard, stride)
      }
    }
    public var blocks: [Block]
    /// Of the layer before the last.
    public var last: Int
    /// Of the stem.
    public var first = 16
    /// Whether the first two strides are 1, for small pictures.
    public var isSmall = false

    /// For small pictures.
    public var small: Configuration {
      var copy = self
      copy.isSmall = true
      return copy
    }

    /// With `share` times as many channels everywhere, as the paper's ×0.75 and ×1.25.
    public func scaled(_ share: Double) -> Configuration {
      guard share != 1 else { return self }
      func scaled(_ channels: Int) -> Int { divisible(Double(channels) * share) }
      var copy = self
      copy.blocks = blocks.map {
        Block(
          $0.kernel, scaled($0.hidden), scaled($0.outputs), gated: $0.gated, hard: $0.hard,
          stride: $0.stride)
      }
      (copy.first, copy.last) = (scaled(first), scaled(last))
      return copy
    }
  }

  public init(_ configuration: Configuration, classes: Int = 1000, dropout: Float = 0.2) {
    func normalized(
      _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, groups: Int = 1,
      _ activation: (any Layer)?
    ) -> Sequential {
      .normalized(
        inputs, outputs, kernel: kernel, stride: stride, groups: groups, epsilon: 1e-3,
        momentum: 0.01, activation)
    }
    var channels = configuration.first
    var strides = StrideCounter(small: configuration.isSmall)
    var layers: [any Layer] = [
      normalized(3, channels, kernel: 3, stride: strides.next(2), HardSwish())
    ]
    var (levels, taps): ([FeatureLevel], [Int]) = ([], [])
    for block in configuration.blocks {
      let before = strides.total
      let stride = strides.next(block.stride)
      if stride == 2 {
        levels.append(FeatureLevel(stride: before, channels: channels))
        taps.append(layers.count - 1)
      }
      func activation() -> any Layer { block.hard ? HardSwish() : ReLU() }
      let hidden = block.hidden
      var inner: [any Layer] = []
      if hidden != channels { inner.append(normalized(channels, hidden, kernel: 1, activation())) }
      inner.append(
        normalized(
          hidden, hidden, kernel: block.kernel, stride: stride, groups: hidden,
          activation()))
      if block.gated {
        inner.append(
          SqueezeExcitation(hidden, squeezed: divisible(Double(hidden / 4)), hard: true))
      }
      inner.append(normalized(hidden, block.outputs, kernel: 1, nil))
      let body: [(name: String, layer: any Layer)] = [("block", Sequential(inner))]
      layers.append(
        stride == 1 && channels == block.outputs
          ? ResidualBlock(body) : Sequential(named: body))
      channels = block.outputs
    }
    layers.append(normalized(channels, 6 * channels, kernel: 1, HardSwish()))
    levels.append(FeatureLevel(stride: strides.total, channels: 6 * channels))
    taps.append(layers.count - 1)
    body = Sequential(layers)
    classifier = Sequential(
      Linear(6 * channels, configuration.last), HardSwish(), Dropout(dropout),
      Linear(configuration.last, classes))
    (self.levels, self.taps) = (levels, taps)
    startConvolutions(.kaimingNormal(fan: .output))
    startLinears(.normal(deviation: 0.01))
  }

  public var members: [(name: String, value: Any)] {
    [("features", body), ("classifier", classifier)]
  }

  public var head: [String] { ["classifier.3"] }

  /// The last maps at strides 2 to 32; with the small stem 1 to 8.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("MobileNetV3", side: 1)
    return body.outputs(of: taps, images)
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("MobileNetV3", side: 1)
    return classifier(body(images).globalAverage())
  }
}

extension MobileNetV3.Configuration {
  public static let large = Self(
    blocks: [
      Block(3, 16, 16, gated: false, hard: false, stride: 1),
      Block(3, 64, 24, gated: false, hard: false, stride: 2),
      Block(3, 72, 24, gated: false, hard: false, stride: 1),
      Block(5, 72, 40, gated: true, hard: false, stride: 2),
      Block(5, 120, 40, gated: true, hard: false, stride: 1),
      Block(5, 120, 40, gated: true, hard: false, stride: 1),
      Block(3, 240, 80, gated: false, hard: true, stride: 2),
      Block(3, 200, 80, gated: false, hard: true, stride: 1),
      Block(3, 184, 80, gated: false, hard: true, stride: 1),
      Block(3, 184, 80, gated: false, hard: true, stride: 1),
      Block(3, 480, 112, gated: true, hard: true, stride: 1),
      Block(3, 672, 112, gated: true, hard: true, stride: 1),
      Block(5, 672, 160, gated: true, hard: true, stride: 2),
      Block(5, 960, 160, gated: true, hard: true, stride: 1),
      Block(5, 960, 160, gated: true, hard: true, stride: 1),
    ], last: 1280)
  public static let small = Self(
    blocks: [
      Block(3, 16, 16, gated: true, hard: false, stride: 2),
      Block(3, 72, 24, gated: false, hard: false, stride: 2),
      Block(3, 88, 24, gated: false, hard: false, stride: 1),
      Block(5, 96, 40, gated: true, hard: true, stride: 2),
      Block(5, 240, 40, gated: true, hard: true, stride: 1),
      Block(5, 240, 40, gated: true, hard: true, stride: 1),
      Block(5, 120, 48, gated: true, hard: true, stride: 1),
      Block(5, 144, 48, gated: true, hard: true, stride: 1),
      Block(5, 288, 96, gated: true, hard: true, stride: 2),
      Block(5, 576, 96, gated: true, hard: true, stride: 1),
      Block(5, 576, 96, gated: true, hard: true, stride: 1),
    ], last: 1024)
}

extension MobileNetV3 {
  static let catalog: [ClassifierEntry] = [
    ("mobilenet_v3_large", Configuration.large), ("mobilenet_v3_small", .small),
  ].map { name, configuration in
    ClassifierEntry(
      name: name, family: "MobileNetV3", source: .torchvision, abilities: [.stem, .width]
    ) {
      let scaled = configuration.scaled($0.width)
      return MobileNetV3($0.isSmall ? scaled.small : scaled, classes: $0.classes)
    }
  }
}
