import SakerNN
import SakerTensor

/// YOLO's plain network of 3x3 and 1x1 convolutions. Redmon & Farhadi, "YOLO9000",
/// arXiv:1612.08242, table 6. Neither torchvision nor timm has it; names: `stages.0.0.conv`,
/// `stages.0.0.bn`, ..., `head`, which is a 1x1 convolution.
public final class Darknet19: Classifier {
  let stages: [Sequential]
  let fc: Conv2d
  public let levels: [FeatureLevel]
  private let pool = MaxPool2d(kernel: 2)

  /// - Parameter slope: of the leaky ReLUs.
  public init(classes: Int = 1000, slope: Float = 0.1) {
    let widths = [
      [32], [64], [128, 64, 128], [256, 128, 256], [512, 256, 512, 256, 512],
      [1024, 512, 1024, 512, 1024],
    ]
    var channels = 3
    stages = widths.map { widths in
      Sequential(
        widths.enumerated().map { index, width in
          defer { channels = width }
          return Sequential.named(channels, width, kernel: index % 2 == 0 ? 3 : 1, slope: slope)
        })
    }
    fc = Conv2d(channels, classes, kernel: 1)
    levels = widths.enumerated().map { FeatureLevel(stride: 1 << $0, channels: $1.last ?? 0) }
    startConvolutions(.kaimingNormal(slope: slope))
    fc.weight.start(.normal(deviation: 0.01))
  }

  public var members: [(name: String, value: Any)] {
    [("stages", stages), ("pool", pool), ("head", fc)]
  }

  public var head: [String] { ["head"] }

  /// Six maps, at strides 1 to 32.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("Darknet19", side: 32)
    var maps = [stages[0](images)]
    for stage in stages.dropFirst() { maps.append(stage(pool(maps[maps.count - 1]))) }
    return maps
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized, at least
  /// 32 pixels a side.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("Darknet19", side: 32)
    let maps = stages.dropFirst().reduce(stages[0](images)) { $1(pool($0)) }
    return fc(maps).globalAverage()
  }

  static let catalog = [
    ClassifierEntry(name: "darknet19", family: "Darknet19", source: .paper) {
      Darknet19(classes: $0)
    }
  ]
}

/// Residual blocks of a 1x1 and a 3x3 convolution. Redmon & Farhadi, "YOLOv3", arXiv:1804.02767,
/// table 1. Names are timm's: `stem.conv1.conv`, `stages.0.conv_down.bn`,
/// `stages.0.blocks.0.conv1.conv`, ..., `head.fc`.
public final class Darknet53: Classifier {
  let stem: Sequential
  let stages: [Sequential]
  let fc: Linear
  let depths: [Int]
  public let levels: [FeatureLevel]

  /// - Parameters:
  ///   - depths: blocks in each stage.
  ///   - slope: of the leaky ReLUs: 0.01 in timm's weights, 0.1 in the authors'.
  public init(depths: [Int] = [1, 2, 8, 8, 4], classes: Int = 1000, slope: Float = 0.01) {
    stem = Sequential(named: [("conv1", Sequential.named(3, 32, kernel: 3, slope: slope))])
    stages = depths.enumerated().map { stage, depth in
      let width = 64 << stage
      return Sequential(named: [
        ("conv_down", Sequential.named(width / 2, width, kernel: 3, stride: 2, slope: slope)),
        (
          "blocks",
          Sequential((0..<depth).map { _ in ResidualBlock.dark(width, width / 2, slope: slope) })
        ),
      ])
    }
    fc = Linear(32 << depths.count, classes)
    self.depths = depths
    levels =
      [FeatureLevel(stride: 1, channels: 32)]
      + depths.indices.map { FeatureLevel(stride: 2 << $0, channels: 64 << $0) }
    startConvolutions(.kaimingNormal(slope: slope))
    startLinears(.normal(deviation: 0.01))
  }

  public var members: [(name: String, value: Any)] {
    [("stem", stem), ("stages", stages), ("head.fc", fc)]
  }

  public var head: [String] { ["head.fc"] }

  /// The maps at strides 1 to 32.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("Darknet53", side: 1)
    var maps = [stem(images)]
    for stage in stages { maps.append(stage(maps[maps.count - 1])) }
    return maps
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("Darknet53", side: 1)
    return fc(stages(stem(images)).globalAverage())
  }

  static let catalog = [
    ClassifierEntry(
      name: "darknet53", family: "Darknet53", source: .timm,
      input: ClassifierInput(side: 256, resizedSide: 288, interpolation: .bicubic)
    ) { Darknet53(classes: $0) }
  ]
}

extension Sequential {
  /// Convolution, batch norm and leaky ReLU as `conv` and `bn`; nothing is rectified without a
  /// slope.
  static func named(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, groups: Int = 1, slope: Float?
  ) -> Sequential {
    let layers: [(name: String, layer: any Layer)] = [
      (
        "conv",
        Conv2d(
          inputs, outputs, kernel: kernel, stride: stride, padding: kernel / 2, groups: groups,
          bias: false)
      ), ("bn", BatchNorm2d(outputs)),
    ]
    guard let slope else { return Sequential(named: layers) }
    return Sequential(named: layers + [("act", LeakyReLU(slope: slope))])
  }
}

extension ResidualBlock {
  /// 1x1 to `inner` channels and 3x3 back; nothing over the sum.
  static func dark(_ channels: Int, _ inner: Int, slope: Float) -> ResidualBlock {
    ResidualBlock([
      ("conv1", Sequential.named(channels, inner, kernel: 1, slope: slope)),
      ("conv2", Sequential.named(inner, channels, kernel: 3, slope: slope)),
    ])
  }
}
