import SakerNN
import SakerTensor

/// Residual networks for pictures of 32 pixels, with 16, 32 and 64 channels: n blocks in each of
/// three stages make 6n + 2 layers. He et al., "Deep Residual Learning for Image Recognition",
/// arXiv:1512.03385, section 4.2. (`resnet18` and its like are the paper's networks for ImageNet.)
///
/// Names are those of the widespread PyTorch port: `conv1`, `bn1`, `layer1.0.conv1`,
/// `layer1.0.bn1`, ..., `linear`; projections are `layer2.0.shortcut.0` and `.1`.
public final class CIFARResNet: Classifier {
  let conv1: Conv2d, bn1: BatchNorm2d
  let layer1, layer2, layer3: [ResidualBlock]
  let linear: Linear
  public let levels: [FeatureLevel]

  /// What stands beside a block that halves the map and doubles its channels.
  public enum Shortcut: Sendable {
    /// Every second row and column, and zeros for the new channels, as many before the old ones as
    /// behind: no parameters. The paper's option A; which of the channels are zeros is as in the
    /// port.
    case padding
    /// A 1x1 convolution with batch norm. The paper's option B.
    case projection
  }

  /// - Parameters:
  ///   - blocks: of each stage, n.
  ///   - width: channels of the first stage; each stage doubles them.
  public init(
    blocks: Int, shortcut: Shortcut = .padding, width: Int = 16, classes: Int = 10
  ) {
    conv1 = Conv2d(3, width, kernel: 3, padding: 1, bias: false)
    bn1 = BatchNorm2d(width)
    let stages = (0..<3).map { stage in
      (0..<blocks).map { index in
        let shrinks = stage > 0 && index == 0
        let outputs = width << stage
        return CIFARResNet.block(
          shrinks ? outputs / 2 : outputs, outputs, shrinks: shrinks, shortcut)
      }
    }
    (layer1, layer2, layer3) = (stages[0], stages[1], stages[2])
    linear = Linear(width << 2, classes)
    levels = (0..<3).map { FeatureLevel(stride: 1 << $0, channels: width << $0) }
    startConvolutions(.kaimingNormal(fan: .input))
  }

  private static func block(
    _ inputs: Int, _ outputs: Int, shrinks: Bool, _ shortcut: Shortcut
  ) -> ResidualBlock {
    let stride = shrinks ? 2 : 1
    let body: [(name: String, layer: any Layer)] = [
      ("conv1", Conv2d(inputs, outputs, kernel: 3, stride: stride, padding: 1, bias: false)),
      ("bn1", BatchNorm2d(outputs)), ("act1", ReLU()),
      ("conv2", Conv2d(outputs, outputs, kernel: 3, padding: 1, bias: false)),
      ("bn2", BatchNorm2d(outputs)),
    ]
    guard shrinks else { return ResidualBlock(body, activation: ReLU()) }
    let side: any Layer =
      switch shortcut {
      case .padding: PaddedShortcut(adding: outputs - inputs)
      case .projection:
        Sequential(
          Conv2d(inputs, outputs, kernel: 1, stride: 2, bias: false), BatchNorm2d(outputs))
      }
    return ResidualBlock(body, shortcut: side, named: "shortcut", activation: ReLU())
  }

  public var head: [String] { ["linear"] }

  /// Three maps, at strides 1, 2 and 4.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("CIFARResNet", side: 4)
    let c1 = layer1(relu(bn1(conv1(images))))
    let c2 = layer2(c1)
    return [c1, c2, layer3(c2)]
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized.
  public func forward(_ images: Tensor) -> Tensor { linear(features(images)[2].globalAverage()) }

  /// The port's are trained with ImageNet's mean and deviation.
  static let catalog: [ClassifierEntry] = [
    ("", Shortcut.padding), ("_projection", .projection),
  ].flatMap { suffix, shortcut in
    [20, 32, 44, 56, 110].map { depth in
      ClassifierEntry(
        name: "resnet\(depth)\(suffix)", family: "CIFARResNet", source: .paper,
        input: ClassifierInput(side: 32, smallestSide: 8, resizedSide: 32), classes: 10,
        abilities: [.width]
      ) {
        CIFARResNet(
          blocks: (depth - 2) / 6, shortcut: shortcut, width: $0.scaled(16), classes: $0.classes)
      }
    }
  }
}

/// Every second row and column, with channels of zeros around the input's: half of them before,
/// half behind.
final class PaddedShortcut: Layer {
  private let added: Int

  /// - Parameter added: how many channels the output has more, even.
  init(adding added: Int) { self.added = added }

  /// `[N, C, H, W]` to `[N, C + added, ⌈H / 2⌉, ⌈W / 2⌉]`
  func forward(_ x: Tensor) -> Tensor {
    let smaller = averagePool2d(x, kernel: (1, 1), stride: (2, 2))
    return pad(smaller, [(added / 2, added - added / 2), (0, 0), (0, 0)])
  }
}
