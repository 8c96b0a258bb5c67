import SakerNN
import SakerTensor

/// Half of the channels pass untouched, then the halves are shuffled. Ma et al., arXiv:1807.11164,
/// table 5. Names are torchvision's: `stage2.0.branch1.0`, ..., `conv5.0`, `fc`.
public final class ShuffleNetV2: Classifier {
  let conv1: Sequential
  /// Halves the map; nothing with the small stem.
  private let maxpool: any Layer
  let stage2, stage3, stage4: [ShuffleUnit]
  let conv5: Sequential
  let fc: Linear
  public let levels: [FeatureLevel]

  /// - Parameters:
  ///   - widths: channels of the three stages, and of the last convolution.
  ///   - small: whether the stem halves nothing, for small pictures.
  public init(widths: [Int], small: Bool = false, classes: Int = 1000) {
    check(
      widths.count == 4 && widths.allSatisfy { $0 % 2 == 0 }, op: "ShuffleNetV2",
      expected: "4 even widths", got: widths)
    conv1 = .normalized(3, 24, kernel: 3, stride: small ? 1 : 2, ReLU())
    maxpool = small ? Identity() : MaxPool2d(kernel: 3, stride: 2, padding: 1)
    func stage(_ inputs: Int, _ outputs: Int, _ depth: Int) -> [ShuffleUnit] {
      (0..<depth).map { ShuffleUnit($0 == 0 ? inputs : outputs, outputs, stride: $0 == 0 ? 2 : 1) }
    }
    stage2 = stage(24, widths[0], 4)
    stage3 = stage(widths[0], widths[1], 8)
    stage4 = stage(widths[1], widths[2], 4)
    conv5 = .normalized(widths[2], widths[3], kernel: 1, ReLU())
    fc = Linear(widths[3], classes)
    levels =
      [FeatureLevel(stride: small ? 1 : 2, channels: 24)]
      + [0, 1].map { FeatureLevel(stride: (small ? 2 : 8) << $0, channels: widths[$0]) }
      + [FeatureLevel(stride: small ? 8 : 32, channels: widths[3])]
  }

  public var members: [(name: String, value: Any)] {
    [
      ("conv1", conv1), ("maxpool", maxpool), ("stage2", stage2), ("stage3", stage3),
      ("stage4", stage4),
      ("conv5", conv5), ("fc", fc),
    ]
  }

  public var head: [String] { ["fc"] }

  /// Four maps, at strides 2, 8, 16 and 32; with the small stem 1, 2, 4 and 8.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("ShuffleNetV2", side: 1)
    let c1 = conv1(images)
    let c2 = stage2(maxpool(c1))
    let c3 = stage3(c2)
    return [c1, c2, c3, conv5(stage4(c3))]
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("ShuffleNetV2", side: 1)
    return fc(conv5(stage4(stage3(stage2(maxpool(conv1(images)))))).globalAverage())
  }

  static let catalog: [ClassifierEntry] = [
    ("shufflenet_v2_x0_5", [48, 96, 192, 1024]), ("shufflenet_v2_x1_0", [116, 232, 464, 1024]),
    ("shufflenet_v2_x1_5", [176, 352, 704, 1024]), ("shufflenet_v2_x2_0", [244, 488, 976, 2048]),
  ].map { name, widths in
    ClassifierEntry(
      name: name, family: "ShuffleNetV2", source: .torchvision, abilities: [.stem, .width]
    ) { plan in
      // The last convolution never shrinks, as in the published ones.
      let last = plan.width > 1 ? plan.scaled(widths[3]) : widths[3]
      return ShuffleNetV2(
        widths: widths[..<3].map(plan.scaled) + [last], small: plan.isSmall,
        classes: plan.classes)
    }
  }
}

/// Two branches, joined and shuffled. With stride 1 one branch is half of the input as it is.
final class ShuffleUnit: Layer {
  let branch1: Sequential?
  let branch2: Sequential

  init(_ inputs: Int, _ outputs: Int, stride: Int) {
    let half = outputs / 2
    func depthwise(_ channels: Int) -> Conv2d {
      Conv2d(
        channels, channels, kernel: 3, stride: stride, padding: 1, groups: channels, bias: false)
    }
    branch1 =
      stride == 1
      ? nil
      : Sequential(
        depthwise(inputs), BatchNorm2d(inputs), Conv2d(inputs, half, kernel: 1, bias: false),
        BatchNorm2d(half), ReLU())
    branch2 = Sequential(
      Conv2d(stride == 1 ? half : inputs, half, kernel: 1, bias: false), BatchNorm2d(half), ReLU(),
      depthwise(half), BatchNorm2d(half), Conv2d(half, half, kernel: 1, bias: false),
      BatchNorm2d(half), ReLU())
  }

  func forward(_ x: Tensor) -> Tensor {
    guard let branch1 else {
      let halves = x.chunked(into: 2, axis: 1)
      return channelShuffle(concatenate([halves[0], branch2(halves[1])], axis: 1), groups: 2)
    }
    return channelShuffle(concatenate([branch1(x), branch2(x)], axis: 1), groups: 2)
  }
}
