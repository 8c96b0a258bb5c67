import SakerNN
import SakerTensor

/// Residual networks that normalize and rectify before they convolve, so that nothing stands in the
/// way of a shortcut. He et al., "Identity Mappings in Deep Residual Networks", arXiv:1603.05027,
/// figure 1b. Names are timm's: `stem.conv`, `stages.0.blocks.0.norm1`, ..., `norm`, `head.fc`, the
/// last a 1x1 convolution.
public final class ResNetV2: Classifier {
  let stem: Sequential
  let stages: [[PreActivationBlock]]
  /// Batch norm and ReLU
  let last: Sequential
  let fc: Conv2d
  public let levels: [FeatureLevel]

  /// - Parameters:
  ///   - block: a bottleneck strides in its 3x3 convolution.
  ///   - depths: blocks in each of the four stages.
  ///   - first: channels of the stem and of the first stage; each stage doubles them.
  ///   - small: whether the stem halves nothing, for small pictures: a 3x3 convolution.
  public init(
    _ block: ResNet.Block, depths: [Int], width first: Int = 64, small: Bool = false,
    classes: Int = 1000
  ) {
    stem = Sequential(
      named: small
        ? [("conv", Conv2d(3, first, kernel: 3, padding: 1, bias: false))]
        : [
          ("conv", Conv2d(3, first, kernel: 7, stride: 2, padding: 3, bias: false)),
          ("pool", MaxPool2d(kernel: 3, stride: 2, padding: 1)),
        ])
    var channels = first
    stages = depths.enumerated().map { stage, depth in
      (0..<depth).map { index in
        let (inputs, width) = (channels, first << stage)
        channels = width * block.expansion
        return PreActivationBlock(
          block, inputs, width, stride: stage > 0 && index == 0 ? 2 : 1, shrinks: index == 0)
      }
    }
    last = Sequential(named: [("norm", BatchNorm2d(channels)), ("act", ReLU())])
    fc = Conv2d(channels, classes, kernel: 1)
    levels = depths.indices.map {
      FeatureLevel(stride: (small ? 1 : 4) << $0, channels: first << $0 * block.expansion)
    }
    startConvolutions(.kaimingNormal(fan: .output))
    fc.weight.start(.normal(deviation: 0.01))
  }

  public var members: [(name: String, value: Any)] {
    [("stem", stem)]
      + stages.enumerated().map { ("stages.\($0.offset).blocks", $0.element as Any) }
      + last.members + [("head.fc", fc)]
  }

  public var head: [String] { ["head.fc"] }

  /// The maps of the four stages, before they are normalized, at strides 4, 8, 16 and 32; with the
  /// small stem 1, 2, 4 and 8.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("ResNetV2", side: 1)
    var x = stem(images)
    return stages.map { stage in
      x = stage(x)
      return x
    }
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("ResNetV2", side: 1)
    let maps = last(stages.reduce(stem(images)) { $1($0) })
    return fc(adaptiveAveragePool2d(maps, (1, 1))).flatten(from: 1)
  }

  static let catalog: [ClassifierEntry] = [
    (18, ResNet.Block.basic, [2, 2, 2, 2], 0.9), (34, .basic, [3, 4, 6, 3], 0.9),
    (50, .bottleneck, [3, 4, 6, 3], 0.95), (101, .bottleneck, [3, 4, 23, 3], 0.95),
    (152, .bottleneck, [3, 8, 36, 3], 0.875),
  ].map { (depth: Int, block: ResNet.Block, depths: [Int], crop: Double) in
    ClassifierEntry(
      name: "resnetv2_\(depth)", family: "ResNetV2", source: .timm,
      input: .half(side: 224, resizedSide: Int(224 / crop), interpolation: .bicubic),
      abilities: [.stem, .width]
    ) {
      ResNetV2(
        block, depths: depths, width: $0.scaled(64), small: $0.isSmall, classes: $0.classes)
    }
  }
}

/// Norm, ReLU, convolution, two or three times, and the shortcut.
final class PreActivationBlock: Layer {
  private let named: [(name: String, value: Any)]
  private let run: Sequential

  /// - Parameter shrinks: whether it may need a shortcut that makes the input fit; it sees what is
  ///   already normalized.
  init(_ block: ResNet.Block, _ inputs: Int, _ width: Int, stride: Int, shrinks: Bool) {
    let outputs = width * block.expansion
    func conv(_ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1) -> Conv2d {
      Conv2d(
        inputs, outputs, kernel: kernel, stride: stride, padding: kernel / 2, bias: false)
    }
    let norm: [(name: String, layer: any Layer)] = [
      ("norm1", BatchNorm2d(inputs)), ("act1", ReLU()),
    ]
    var body: [(name: String, layer: any Layer)]
    switch block {
    case .basic:
      body = [("conv1", conv(inputs, width, kernel: 3, stride: stride))]
    case .bottleneck:
      body = [
        ("conv1", conv(inputs, width, kernel: 1)), ("norm2", BatchNorm2d(width)), ("act2", ReLU()),
        ("conv2", conv(width, width, kernel: 3, stride: stride)),
      ]
    }
    let (last, kernel) = block == .basic ? (2, 3) : (3, 1)
    body += [
      ("norm\(last)", BatchNorm2d(width)), ("act\(last)", ReLU()),
      ("conv\(last)", conv(width, outputs, kernel: kernel)),
    ]
    var named = (norm + body).map { ($0.name, $0.layer as Any) }
    if shrinks && (stride > 1 || inputs != outputs) {
      let shortcut = conv(inputs, outputs, kernel: 1, stride: stride)
      named.append(("downsample.conv", shortcut))
      run = Sequential(
        norm.map(\.layer) + [Residual(Sequential(named: body), shortcut: shortcut)])
    } else {
      run = Sequential(Residual(Sequential(named: norm + body)))
    }
    self.named = named
  }

  var members: [(name: String, value: Any)] { named }
  func forward(_ x: Tensor) -> Tensor { run(x) }
}
