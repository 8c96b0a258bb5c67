import SakerNN
import SakerTensor

/// 1x1 convolutions in groups, whose channels are shuffled between them. Zhang et al.,
/// arXiv:1707.01083, table 1. Neither torchvision nor timm has it; names: `conv1`, `bn1`,
/// `stage2.0.conv1`, ..., `fc`.
public final class ShuffleNetV1: Classifier {
  let stem: Sequential
  let stage2, stage3, stage4: [GroupShuffleUnit]
  let fc: Linear
  public let levels: [FeatureLevel]
  /// Halves the map; nothing with the small stem.
  private let maxpool: any Layer

  /// - Parameters:
  ///   - groups: 1, 2, 3, 4 or 8.
  ///   - width: factor of the stages' numbers of channels.
  ///   - small: whether the stem halves nothing, for small pictures.
  public init(groups: Int = 3, width: Double = 1, small: Bool = false, classes: Int = 1000) {
    let table = [1: 144, 2: 200, 3: 240, 4: 272, 8: 384]
    check(
      table[groups] != nil, op: "ShuffleNetV1", expected: "1, 2, 3, 4 or 8 groups", got: groups)
    // More than the stem's: the first unit adds what is missing.
    let least = 24 / (4 * groups) * 4 * groups + 4 * groups
    let first = max(least, divisible(Double(table[groups] ?? 0) * width, by: 4 * groups))
    stem = Sequential(named: [
      ("conv1", Conv2d(3, 24, kernel: 3, stride: small ? 1 : 2, padding: 1, bias: false)),
      ("bn1", BatchNorm2d(24)), ("relu", ReLU()),
    ])
    func stage(_ inputs: Int, _ outputs: Int, _ depth: Int, isFirst: Bool = false)
      -> [GroupShuffleUnit]
    {
      (0..<depth).map {
        GroupShuffleUnit(
          $0 == 0 ? inputs : outputs, outputs, groups: groups, stride: $0 == 0 ? 2 : 1,
          // 24 channels are too few for groups.
          startsUngrouped: isFirst && $0 == 0)
      }
    }
    stage2 = stage(24, first, 4, isFirst: true)
    stage3 = stage(first, 2 * first, 8)
    stage4 = stage(2 * first, 4 * first, 4)
    fc = Linear(4 * first, classes)
    levels =
      [FeatureLevel(stride: small ? 1 : 2, channels: 24)]
      + (0..<3).map { FeatureLevel(stride: (small ? 2 : 8) << $0, channels: first << $0) }
    maxpool = small ? Identity() : MaxPool2d(kernel: 3, stride: 2, padding: 1)
    startConvolutions(.kaimingNormal(fan: .output))
  }

  public var members: [(name: String, value: Any)] {
    stem.members + [
      ("maxpool", maxpool), ("stage2", stage2), ("stage3", stage3), ("stage4", stage4), ("fc", fc),
    ]
  }

  public var head: [String] { ["fc"] }

  /// Four maps, at strides 2, 8, 16 and 32; with the small stem 1, 2, 4 and 8.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("ShuffleNetV1", side: 1)
    let c1 = stem(images)
    let c2 = stage2(maxpool(c1))
    let c3 = stage3(c2)
    return [c1, c2, c3, stage4(c3)]
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("ShuffleNetV1", side: 1)
    return fc(stage4(stage3(stage2(maxpool(stem(images))))).globalAverage())
  }

  static let catalog: [ClassifierEntry] = [1, 2, 3, 4, 8].map { groups in
    ClassifierEntry(
      name: "shufflenet_v1_g\(groups)", family: "ShuffleNetV1", source: .paper,
      abilities: [.stem, .width]
    ) {
      ShuffleNetV1(groups: groups, width: $0.width, small: $0.isSmall, classes: $0.classes)
    }
  }
}

/// Grouped 1x1, shuffle, depthwise 3x3, grouped 1x1; added to the input, or beside its means at
/// half the size. Figure 2 of the paper.
final class GroupShuffleUnit: Layer {
  let body: Sequential
  private let halves: Bool
  private let pool = AvgPool2d(kernel: 3, stride: 2, padding: 1)

  init(_ inputs: Int, _ outputs: Int, groups: Int, stride: Int, startsUngrouped: Bool) {
    halves = stride == 2
    // With the means beside, the branch makes the channels that are missing.
    let made = halves ? outputs - inputs : outputs
    let width = outputs / 4
    body = Sequential(named: [
      (
        "conv1",
        Conv2d(inputs, width, kernel: 1, groups: startsUngrouped ? 1 : groups, bias: false)
      ), ("bn1", BatchNorm2d(width)), ("relu", ReLU()),
      ("shuffle", ChannelShuffle(groups: groups)),
      (
        "conv2",
        Conv2d(width, width, kernel: 3, stride: stride, padding: 1, groups: width, bias: false)
      ), ("bn2", BatchNorm2d(width)),
      ("conv3", Conv2d(width, made, kernel: 1, groups: groups, bias: false)),
      ("bn3", BatchNorm2d(made)),
    ])
  }

  var members: [(name: String, value: Any)] {
    body.members + (halves ? [("pool", pool)] : [])
  }

  func forward(_ x: Tensor) -> Tensor {
    relu(halves ? concatenate([pool(x), body(x)], axis: 1) : x + body(x))
  }
}
