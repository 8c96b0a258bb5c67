import SakerNN
import SakerTensor

/// Network in network: 1x1 convolutions behind each convolution, and one map a class in place of
/// linear layers. Lin, Chen & Yan, arXiv:1312.4400; sizes for ImageNet as in "Dive into Deep
/// Learning", section 8.3, whose names these are.
public final class NiN: Classifier {
  let net: Sequential

  public init(classes: Int = 1000) {
    func block(
      _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0
    ) -> Sequential {
      Sequential(
        Conv2d(inputs, outputs, kernel: kernel, stride: stride, padding: padding), ReLU(),
        Conv2d(outputs, outputs, kernel: 1), ReLU(), Conv2d(outputs, outputs, kernel: 1), ReLU())
    }
    net = Sequential(
      block(3, 96, kernel: 11, stride: 4), MaxPool2d(kernel: 3, stride: 2),
      block(96, 256, kernel: 5, padding: 2), MaxPool2d(kernel: 3, stride: 2),
      block(256, 384, kernel: 3, padding: 1), MaxPool2d(kernel: 3, stride: 2), Dropout(0.5),
      block(384, classes, kernel: 3, padding: 1), AdaptiveAvgPool2d(1), Flatten())
    startConvolutions(.kaimingNormal())
  }

  public var head: [String] { ["net.7.0", "net.7.2", "net.7.4"] }
  public let levels = [
    FeatureLevel(stride: 4, channels: 96), FeatureLevel(stride: 8, channels: 256),
    FeatureLevel(stride: 16, channels: 384), FeatureLevel(stride: 32, channels: 384),
  ]

  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("NiN", side: 67)
    return net.outputs(of: [0, 2, 4, 5], images)
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized, at least
  /// 67 pixels a side.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("NiN", side: 67)
    return net(images)
  }

  static let catalog = [
    ClassifierEntry(
      name: "nin", family: "NiN", source: .paper, input: ClassifierInput(smallestSide: 67)
    ) { NiN(classes: $0) }
  ]
}
