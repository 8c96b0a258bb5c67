import SakerNN
import SakerTensor

/// Networks of which one half of each stage's maps passes by the blocks (cross stage partial). Wang
/// et al., arXiv:1911.11929; Darknet's form, Bochkovskiy et al., "YOLOv4", arXiv:2004.10934. Names
/// are timm's: `stem.conv1.conv`, `stages.0.conv_down.conv`, `stages.0.conv_exp.conv`,
/// `stages.0.blocks.0.conv1.conv`, `stages.0.conv_transition_b.conv`,
/// `stages.0.conv_transition.conv`, ..., `head.fc`.
public final class CSPNet: Classifier {
  let stem: Sequential
  let stages: [CrossStage]
  let fc: Linear
  let kind: Kind
  let depths: [Int]
  public let levels: [FeatureLevel]

  public enum Kind: Sendable {
    /// Blocks of Darknet-53, of half the width in the first stage.
    case darknet
    /// Bottlenecks of ResNeXt, 32 groups, with a large stem.
    case resNeXt
  }

  /// - Parameters:
  ///   - depths: blocks in each stage.
  ///   - slope: of the leaky ReLUs; the authors' Darknet has 0.1.
  public init(_ kind: Kind, depths: [Int], classes: Int = 1000, slope: Float = 0.01) {
    let isDark = kind == .darknet
    var channels = isDark ? 32 : 64
    let first = Sequential.named(
      3, channels, kernel: isDark ? 3 : 7, stride: isDark ? 1 : 2, slope: slope)
    stem =
      isDark
      ? Sequential(named: [("conv1", first)])
      : Sequential(named: [
        ("conv1", first), ("pool", MaxPool2d(kernel: 3, stride: 2, padding: 1)),
      ])
    var levels = [FeatureLevel(stride: isDark ? 1 : 4, channels: channels)]
    if !isDark { levels = [] }
    stages = depths.enumerated().map { index, depth in
      let outputs = (isDark ? 64 : 256) << index
      defer { channels = outputs }
      levels.append(FeatureLevel(stride: (isDark ? 2 : 4) << index, channels: outputs))
      return CrossStage(kind, channels, outputs, depth, isFirst: index == 0, slope: slope)
    }
    fc = Linear(channels, classes)
    (self.kind, self.depths) = (kind, depths)
    self.levels = levels
    startConvolutions(.kaimingNormal(slope: slope))
    startLinears(.normal(deviation: 0.01))
  }

  public var members: [(name: String, value: Any)] {
    [("stem", stem), ("stages", stages), ("head.fc", fc)]
  }

  public var head: [String] { ["head.fc"] }

  /// The stages' maps, at strides 4 to 32; of Darknet's form those at strides 1 to 32.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("CSPNet", side: 1)
    var x = stem(images)
    let finest = levels.count > stages.count ? [x] : []
    return finest
      + stages.map { stage in
        x = stage(x)
        return x
      }
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("CSPNet", side: 1)
    return fc(stages(stem(images)).globalAverage())
  }

  static let catalog: [ClassifierEntry] = [
    ("cspdarknet53", Kind.darknet, [1, 2, 8, 8, 4]), ("cspresnext50", .resNeXt, [3, 3, 5, 2]),
  ].map { name, kind, depths in
    ClassifierEntry(
      name: name, family: "CSPNet", source: .timm,
      input: ClassifierInput(side: 256, resizedSide: 288)
    ) { CSPNet(kind, depths: depths, classes: $0) }
  }
}

/// Fewer and more channels; one half goes through blocks, both are joined again.
/// Figure 2b of the paper.
final class CrossStage: Layer {
  /// To half the size, if it does.
  private let shrink: Sequential?
  private let expand, blocks, transition, join: Sequential
  private let half: Int
  /// Expansion, whose result is split; blocks and transition, which run as one.
  private let start, branch: Sequential

  init(
    _ kind: CSPNet.Kind, _ inputs: Int, _ outputs: Int, _ depth: Int, isFirst: Bool, slope: Float
  ) {
    let isDark = kind == .darknet
    let channels = isDark ? outputs : inputs
    shrink =
      isFirst && !isDark
      ? nil
      : .named(inputs, channels, kernel: 3, stride: 2, groups: isDark ? 1 : 32, slope: slope)
    // Darknet's first stage is as wide as the others would be without halves.
    let wide = isFirst && isDark ? 2 * outputs : outputs
    let half = wide / 2
    self.half = half
    expand = .named(channels, wide, kernel: 1, slope: isDark ? slope : nil)
    blocks = Sequential(
      (0..<depth).map { _ in
        isDark
          ? ResidualBlock.dark(half, isFirst ? half / 2 : half, slope: slope)
          : ResidualBlock(
            [
              ("conv1", Sequential.named(half, half, kernel: 1, slope: slope)),
              ("conv2", Sequential.named(half, half, kernel: 3, groups: 32, slope: slope)),
              ("conv3", Sequential.named(half, half, kernel: 1, slope: nil)),
            ], activation: LeakyReLU(slope: slope))
      })
    transition = .named(half, half, kernel: 1, slope: slope)
    join = .named(wide, outputs, kernel: 1, slope: slope)
    start = Sequential([shrink, expand].compactMap { $0 })
    branch = Sequential(blocks, transition)
  }

  var members: [(name: String, value: Any)] {
    (shrink.map { [("conv_down", $0 as Any)] } ?? []) + [
      ("conv_exp", expand), ("blocks", blocks), ("conv_transition_b", transition),
      ("conv_transition", join),
    ]
  }

  func forward(_ x: Tensor) -> Tensor {
    let y = start(x)
    let beside = y.narrow(1, 0..<half)
    return join(concatenate([beside, branch(y.narrow(1, half..<2 * half))], axis: 1))
  }
}
