import Foundation
import SakerNN
import SakerTensor

/// Depth, width and resolution scaled together. Tan & Le, arXiv:1905.11946, table 1. Names are
/// torchvision's: `features.1.0.block.0.0`, ..., `classifier.1`.
public final class EfficientNet: Classifier {
  let body: Sequential
  let classifier: Sequential
  public let levels: [FeatureLevel]
  private let taps: [Int]
  /// Of its batch norms.
  let epsilon: Float

  public struct Configuration: Sendable {
    /// Factors of channels and of blocks a stage.
    public var width, depth: Double
    public var dropout: Float
    /// Of batch norms; B5 to B7 were trained with 0.001 and a momentum of 0.01.
    public var epsilon: Float
    public var momentum: Float
    /// Pixels a side, and those before the crop.
    public var side, resizedSide: Int
    /// Whether the first two strides are 1, for small pictures.
    public var isSmall = false

    public init(
      width: Double, depth: Double, dropout: Float, side: Int, resizedSide: Int,
      epsilon: Float = 1e-5, momentum: Float = 0.1
    ) {
      (self.width, self.depth, self.dropout) = (width, depth, dropout)
      (self.side, self.resizedSide) = (side, resizedSide)
      (self.epsilon, self.momentum) = (epsilon, momentum)
    }

    /// For small pictures.
    public var small: Configuration {
      var copy = self
      copy.isSmall = true
      return copy
    }

    /// With `share` times as many channels everywhere.
    public func scaled(_ share: Double) -> Configuration {
      var copy = self
      copy.width *= share
      return copy
    }
  }

  /// - Parameter dropPath: the probability with which training skips the last block; earlier ones
  ///   less, in proportion.
  public init(_ configuration: Configuration, classes: Int = 1000, dropPath: Float = 0.2) {
    func normalized(
      _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, groups: Int = 1,
      _ activation: (any Layer)?
    ) -> Sequential {
      .normalized(
        inputs, outputs, kernel: kernel, stride: stride, groups: groups,
        epsilon: configuration.epsilon, momentum: configuration.momentum, activation)
    }
    func scaled(_ channels: Int) -> Int { divisible(Double(channels) * configuration.width) }
    // Expansion, kernel, stride, channels, blocks.
    let stages = [
      (1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3),
      (6, 5, 2, 192, 4), (6, 3, 1, 320, 1),
    ]
    let depths = stages.map { Int((Double($0.4) * configuration.depth).rounded(.up)) }
    let total = depths.reduce(0, +)
    var channels = scaled(32)
    var strides = StrideCounter(small: configuration.isSmall)
    var layers: [any Layer] = [
      normalized(3, channels, kernel: 3, stride: strides.next(2), SiLU())
    ]
    var (levels, taps): ([FeatureLevel], [Int]) = ([], [])
    var place = 0
    for (stage, depth) in zip(stages, depths) {
      let (expansion, kernel, published, wide, _) = stage
      let before = strides.total
      let first = strides.next(published)
      if first == 2 {
        levels.append(FeatureLevel(stride: before, channels: channels))
        taps.append(layers.count - 1)
      }
      let outputs = scaled(wide)
      var blocks: [any Layer] = []
      for index in 0..<depth {
        let step = index == 0 ? first : 1
        let hidden = channels * expansion
        var inner: [any Layer] = []
        if expansion != 1 { inner.append(normalized(channels, hidden, kernel: 1, SiLU())) }
        inner += [
          normalized(hidden, hidden, kernel: kernel, stride: step, groups: hidden, SiLU()),
          SqueezeExcitation(hidden, squeezed: max(1, channels / 4), activation: SiLU()),
          normalized(hidden, outputs, kernel: 1, nil),
        ]
        var body: [(name: String, layer: any Layer)] = [("block", Sequential(inner))]
        if step == 1 && channels == outputs {
          let drop = dropPath * Float(place) / Float(total)
          body.append(("stochastic_depth", StochasticDepth(drop)))
          blocks.append(ResidualBlock(body))
        } else {
          blocks.append(Sequential(named: body))
        }
        channels = outputs
        place += 1
      }
      layers.append(Sequential(blocks))
    }
    layers.append(normalized(channels, 4 * channels, kernel: 1, SiLU()))
    levels.append(FeatureLevel(stride: strides.total, channels: 4 * channels))
    taps.append(layers.count - 1)
    body = Sequential(layers)
    classifier = Sequential(Dropout(configuration.dropout), Linear(4 * channels, classes))
    (self.levels, self.taps) = (levels, taps)
    epsilon = configuration.epsilon
    startConvolutions(.kaimingNormal(fan: .output))
    startLinears(.uniform(1 / Float(classes).squareRoot()))
  }

  public var members: [(name: String, value: Any)] {
    [("features", body), ("classifier", classifier)]
  }

  public var head: [String] { ["classifier.1"] }

  /// The last maps at strides 2 to 32; with the small stem 1 to 8.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("EfficientNet", side: 1)
    return body.outputs(of: taps, images)
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("EfficientNet", side: 1)
    return classifier(body(images).globalAverage())
  }
}

extension EfficientNet.Configuration {
  public static let b0 = Self(width: 1, depth: 1, dropout: 0.2, side: 224, resizedSide: 256)
  public static let b1 = Self(width: 1, depth: 1.1, dropout: 0.2, side: 240, resizedSide: 256)
  public static let b2 = Self(width: 1.1, depth: 1.2, dropout: 0.3, side: 288, resizedSide: 288)
  public static let b3 = Self(width: 1.2, depth: 1.4, dropout: 0.3, side: 300, resizedSide: 320)
  public static let b4 = Self(width: 1.4, depth: 1.8, dropout: 0.4, side: 380, resizedSide: 384)
  public static let b5 = Self(
    width: 1.6, depth: 2.2, dropout: 0.4, side: 456, resizedSide: 456, epsilon: 1e-3,
    momentum: 0.01)
  public static let b6 = Self(
    width: 1.8, depth: 2.6, dropout: 0.5, side: 528, resizedSide: 528, epsilon: 1e-3,
    momentum: 0.01)
  public static let b7 = Self(
    width: 2, depth: 3.1, dropout: 0.5, side: 600, resizedSide: 600, epsilon: 1e-3, momentum: 0.01)
}

extension EfficientNet {
  static let catalog: [ClassifierEntry] = [
    Configuration.b0, .b1, .b2, .b3, .b4, .b5, .b6, .b7,
  ].enumerated().map { index, configuration in
    ClassifierEntry(
      name: "efficientnet_b\(index)", family: "EfficientNet", source: .torchvision,
      input: ClassifierInput(
        side: configuration.side, resizedSide: configuration.resizedSide, interpolation: .bicubic),
      abilities: [.stem, .width]
    ) {
      let scaled = configuration.scaled($0.width)
      return EfficientNet($0.isSmall ? scaled.small : scaled, classes: $0.classes)
    }
  }
}
