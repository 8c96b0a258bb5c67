import SakerNN
import SakerTensor

/// Depthwise-separable convolutions all the way. Howard et al., arXiv:1704.04861, table 1. The
/// paper's activation is ReLU; timm's weights and names (`mobilenetv1_100`: `conv_stem`,
/// `blocks.0.0.conv_dw`, ...) are used with ReLU6.
public final class MobileNetV1: Classifier {
  let stem: Sequential
  /// Stages of blocks.
  let blocks: [[Sequential]]
  let classifier: Linear
  public let levels: [FeatureLevel]

  /// - Parameters:
  ///   - width: factor of all numbers of channels.
  ///   - capped: ReLU6 in place of ReLU.
  ///   - small: whether the first two strides are 1, for small pictures.
  public init(
    width: Double = 1, capped: Bool = true, small: Bool = false, classes: Int = 1000
  ) {
    var strides = StrideCounter(small: small)
    let first = strides.next(2)
    func activation() -> any Layer { capped ? ReLU6() : ReLU() }
    var channels = divisible(32 * width)
    stem = Sequential(named: [
      ("conv_stem", Conv2d(3, channels, kernel: 3, stride: first, padding: 1, bias: false)),
      ("bn1", BatchNorm2d(channels)), ("act1", activation()),
    ])
    var levels: [FeatureLevel] = []
    let stages = [(1, 64, 1), (2, 128, 2), (2, 256, 2), (6, 512, 2), (2, 1024, 2)]
    blocks = stages.map { depth, wide, published in
      let first = strides.next(published)
      let outputs = divisible(Double(wide) * width)
      levels.append(FeatureLevel(stride: strides.total, channels: outputs))
      return (0..<depth).map { index in
        defer { channels = outputs }
        let step = index == 0 ? first : 1
        return Sequential(named: [
          (
            "conv_dw",
            Conv2d(
              channels, channels, kernel: 3, stride: step, padding: 1, groups: channels,
              bias: false)
          ), ("bn1", BatchNorm2d(channels)), ("act1", activation()),
          ("conv_pw", Conv2d(channels, outputs, kernel: 1, bias: false)),
          ("bn2", BatchNorm2d(outputs)), ("act2", activation()),
        ])
      }
    }
    classifier = Linear(channels, classes)
    self.levels = levels
    startConvolutions(.kaimingNormal(fan: .output))
  }

  public var members: [(name: String, value: Any)] {
    stem.members + [("blocks", blocks), ("classifier", classifier)]
  }

  public var head: [String] { ["classifier"] }

  /// The maps of the five stages, at strides 2 to 32; with the small stem 1 to 8, the first two 1.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("MobileNetV1", side: 1)
    var x = stem(images)
    return blocks.map { stage in
      x = stage(x)
      return x
    }
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("MobileNetV1", side: 1)
    return classifier(blocks.reduce(stem(images)) { $1($0) }.globalAverage())
  }

  static let catalog: [ClassifierEntry] = [("mobilenetv1_100", 1.0), ("mobilenetv1_125", 1.25)].map
  {
    name, width in
    ClassifierEntry(
      name: name, family: "MobileNetV1", source: .timm, abilities: [.stem, .width]
    ) {
      MobileNetV1(width: width * $0.width, small: $0.isSmall, classes: $0.classes)
    }
  }
}
