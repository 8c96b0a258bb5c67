import SakerNN
import SakerTensor

/// Half of the maps are computed by 1x1 convolutions, the other half from these by cheap depthwise
/// ones. Han et al., arXiv:1911.11907, table 1. Names are timm's: `conv_stem`,
/// `blocks.0.0.ghost1.primary_conv.0`, ..., `conv_head`, `classifier`.
public final class GhostNet: Classifier {
  let stem: Sequential
  let blocks: Sequential
  /// A 1x1 convolution over the means of the maps.
  let last: Conv2d
  let classifier: Linear
  private let dropout: Dropout
  public let levels: [FeatureLevel]
  private let taps: [Int]

  /// - Parameters:
  ///   - width: factor of the numbers of channels.
  ///   - small: whether the first two strides are 1, for small pictures.
  public init(
    width: Double = 1, small: Bool = false, classes: Int = 1000, dropout: Float = 0.2
  ) {
    // Kernel, hidden channels, outputs, whether gated; the first of a row strides, but for the
    // first row and the wide ones.
    let stages: [(stride: Int, blocks: [(Int, Int, Int, Bool)])] = [
      (1, [(3, 16, 16, false)]), (2, [(3, 48, 24, false)]), (1, [(3, 72, 24, false)]),
      (2, [(5, 72, 40, true)]), (1, [(5, 120, 40, true)]), (2, [(3, 240, 80, false)]),
      (
        1,
        [
          (3, 200, 80, false), (3, 184, 80, false), (3, 184, 80, false), (3, 480, 112, true),
          (3, 672, 112, true),
        ]
      ), (2, [(5, 672, 160, true)]),
      (
        1,
        [(5, 960, 160, false), (5, 960, 160, true), (5, 960, 160, false), (5, 960, 160, true)]
      ),
    ]
    func scaled(_ channels: Int) -> Int { divisible(Double(channels) * width, by: 4) }
    var channels = scaled(16)
    var strides = StrideCounter(small: small)
    let first = strides.next(2)
    stem = Sequential(named: [
      ("conv_stem", Conv2d(3, channels, kernel: 3, stride: first, padding: 1, bias: false)),
      ("bn1", BatchNorm2d(channels)), ("act1", ReLU()),
    ])
    var (levels, taps): ([FeatureLevel], [Int]) = ([], [])
    var layers: [any Layer] = []
    for stage in stages {
      let before = strides.total
      let stride = strides.next(stage.stride)
      if stride == 2 {
        levels.append(FeatureLevel(stride: before, channels: channels))
        taps.append(layers.count - 1)
      }
      layers.append(
        Sequential(
          stage.blocks.map { kernel, hidden, outputs, gated in
            defer { channels = scaled(outputs) }
            return GhostNet.block(
              channels, scaled(hidden), scaled(outputs), kernel: kernel, stride: stride,
              halves: stage.stride == 2, gated: gated)
          }))
    }
    let wide = scaled(960)
    layers.append(
      Sequential(
        Sequential(named: [
          ("conv", Conv2d(channels, wide, kernel: 1, bias: false)), ("bn1", BatchNorm2d(wide)),
          ("act", ReLU()),
        ])))
    levels.append(FeatureLevel(stride: strides.total, channels: wide))
    taps.append(layers.count - 1)
    blocks = Sequential(layers)
    last = Conv2d(wide, 1280, kernel: 1)
    classifier = Linear(1280, classes)
    self.dropout = Dropout(dropout)
    (self.levels, self.taps) = (levels, taps)
    startConvolutions(.kaimingNormal(fan: .output))
  }

  /// - Parameter halves: whether the published block halves the map: then it has its layers also
  ///   where the stride is 1.
  private static func block(
    _ inputs: Int, _ hidden: Int, _ outputs: Int, kernel: Int, stride: Int, halves: Bool,
    gated: Bool
  ) -> ResidualBlock {
    func depthwise(_ channels: Int) -> Conv2d {
      Conv2d(
        channels, channels, kernel: kernel, stride: stride, padding: kernel / 2, groups: channels,
        bias: false)
    }
    var body: [(name: String, layer: any Layer)] = [
      ("ghost1", GhostModule(inputs, hidden, isActive: true))
    ]
    if halves {
      body += [("conv_dw", depthwise(hidden)), ("bn_dw", BatchNorm2d(hidden))]
    }
    if gated {
      body.append(
        (
          "se",
          SqueezeExcitation(
            hidden, squeezed: divisible(Double(hidden) / 4, by: 4), hard: true,
            names: ("conv_reduce", "conv_expand"))
        ))
    }
    body.append(("ghost2", GhostModule(hidden, outputs, isActive: false)))
    let shortcut =
      !halves && inputs == outputs
      ? nil
      : Sequential(
        depthwise(inputs), BatchNorm2d(inputs), Conv2d(inputs, outputs, kernel: 1, bias: false),
        BatchNorm2d(outputs))
    return ResidualBlock(body, shortcut: shortcut, named: "shortcut")
  }

  public var members: [(name: String, value: Any)] {
    stem.members + [
      ("blocks", blocks), ("conv_head", last), ("dropout", dropout), ("classifier", classifier),
    ]
  }

  public var head: [String] { ["classifier"] }

  /// The last maps at strides 2 to 32; with the small stem 1 to 8.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("GhostNet", side: 1)
    return blocks.outputs(of: taps, stem(images))
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("GhostNet", side: 1)
    let means = adaptiveAveragePool2d(blocks(stem(images)), (1, 1))
    return classifier(dropout(relu(last(means)).flatten(from: 1)))
  }

  static let catalog: [ClassifierEntry] = [("050", 0.5), ("100", 1), ("130", 1.3)].map {
    (name: String, width: Double) in
    ClassifierEntry(
      name: "ghostnet_\(name)", family: "GhostNet", source: .timm,
      input: ClassifierInput(interpolation: .bicubic), abilities: [.stem, .width]
    ) { GhostNet(width: width * $0.width, small: $0.isSmall, classes: $0.classes) }
  }
}

/// Half of the outputs by a 1x1 convolution, the other half from these by a depthwise 3x3.
/// Figure 1 of the paper.
private final class GhostModule: Layer {
  let primaryConv, cheapOperation: Sequential

  /// - Parameter isActive: whether ReLUs follow.
  init(_ inputs: Int, _ outputs: Int, isActive: Bool) {
    let half = (outputs + 1) / 2
    primaryConv = .normalized(inputs, half, kernel: 1, isActive ? ReLU() : nil)
    cheapOperation = .normalized(
      half, outputs - half, kernel: 3, groups: half, isActive ? ReLU() : nil)
  }

  func forward(_ x: Tensor) -> Tensor {
    let y = primaryConv(x)
    return concatenate([y, cheapOperation(y)], axis: 1)
  }
}
