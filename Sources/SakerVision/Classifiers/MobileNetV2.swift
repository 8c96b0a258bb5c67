import SakerNN
import SakerTensor

/// Inverted residuals: narrow, wide and depthwise, narrow again without activation. Sandler et al., arXiv:1801.04381, table 2.
/// Names are torchvision's: `features.1.conv.0.0`, ..., `classifier.1`.
public final class MobileNetV2: Classifier {
  let body: Sequential
  let classifier: Sequential
  public let levels: [FeatureLevel]
  /// The last layer of each stride.
  private let taps: [Int]

  /// - Parameter width: factor of all numbers of channels; the last layer never shrinks.
  public init(width: Double = 1, classes: Int = 1000, dropout: Float = 0.2) {
    var channels = divisible(32 * width)
    var layers: [any Layer] = [Sequential.normalized(3, channels, kernel: 3, stride: 2, ReLU6())]
    var (stride, levels, taps): (Int, [FeatureLevel], [Int]) = (2, [], [])
    // Expansion, channels, blocks, stride of the first.
    let stages = [
      (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
      (6, 320, 1, 1),
    ]
    for (expansion, wide, depth, first) in stages {
      if first == 2 {
        levels.append(FeatureLevel(stride: stride, channels: channels))
        taps.append(layers.count - 1)
        stride *= 2
      }
      let outputs = divisible(Double(wide) * width)
      for index in 0..<depth {
        layers.append(
          MobileNetV2.block(
            channels, outputs, stride: index == 0 ? first : 1, expansion: expansion))
        channels = outputs
      }
    }
    let last = divisible(1280 * max(1, width))
    layers.append(Sequential.normalized(channels, last, kernel: 1, ReLU6()))
    levels.append(FeatureLevel(stride: stride, channels: last))
    taps.append(layers.count - 1)
    body = Sequential(layers)
    classifier = Sequential(Dropout(dropout), Linear(last, classes))
    (self.levels, self.taps) = (levels, taps)
    startConvolutions(.kaimingNormal(fan: .output))
    startLinears(.normal(deviation: 0.01))
  }

  private static func block(_ inputs: Int, _ outputs: Int, stride: Int, expansion: Int) -> any Layer
  {
    let hidden = inputs * expansion
    var layers: [any Layer] = []
    if expansion != 1 { layers.append(Sequential.normalized(inputs, hidden, kernel: 1, ReLU6())) }
    layers += [
      Sequential.normalized(hidden, hidden, kernel: 3, stride: stride, groups: hidden, ReLU6()),
      Conv2d(hidden, outputs, kernel: 1, bias: false), BatchNorm2d(outputs),
    ]
    let body: [(name: String, layer: any Layer)] = [("conv", Sequential(layers))]
    return stride == 1 && inputs == outputs ? ResidualBlock(body) : Sequential(named: body)
  }

  public var members: [(name: String, value: Any)] {
    [("features", body), ("classifier", classifier)]
  }

  public var head: [String] { ["classifier.1"] }

  /// The last maps at strides 2 to 32.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("MobileNetV2", side: 1)
    return body.outputs(of: taps, images)
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("MobileNetV2", side: 1)
    return classifier(body(images).globalAverage())
  }

  static let catalog = [
    ClassifierEntry(name: "mobilenet_v2", family: "MobileNetV2", source: .torchvision) {
      MobileNetV2(classes: $0)
    }
  ]
}
