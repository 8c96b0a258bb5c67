import SakerNN
import SakerTensor

/// The network that began it. Krizhevsky, Sutskever & Hinton 2012, in the form for one processor:
/// Krizhevsky, "One weird trick for parallelizing convolutional neural networks", arXiv:1404.5997.
/// Names are torchvision's.
public final class AlexNet: Classifier {
  /// Convolutions at `features.0`, `.3`, `.6`, `.8`, `.10`
  let body: Sequential
  /// `classifier.1`, `.4`, `.6`
  let classifier: Sequential
  private static let mapSide = 6

  public init(classes: Int = 1000, dropout: Float = 0.5) {
    body = Sequential(
      Conv2d(3, 64, kernel: 11, stride: 4, padding: 2), ReLU(), MaxPool2d(kernel: 3, stride: 2),
      Conv2d(64, 192, kernel: 5, padding: 2), ReLU(), MaxPool2d(kernel: 3, stride: 2),
      Conv2d(192, 384, kernel: 3, padding: 1), ReLU(),
      Conv2d(384, 256, kernel: 3, padding: 1), ReLU(),
      Conv2d(256, 256, kernel: 3, padding: 1), ReLU(), MaxPool2d(kernel: 3, stride: 2))
    classifier = Sequential(
      Dropout(dropout), Linear(256 * 36, 4096), ReLU(),
      Dropout(dropout), Linear(4096, 4096), ReLU(), Linear(4096, classes))
  }

  public var members: [(name: String, value: Any)] {
    [("features", body), ("classifier", classifier)]
  }

  public var head: [String] { ["classifier.6"] }
  public let levels = [
    FeatureLevel(stride: 4, channels: 64), FeatureLevel(stride: 8, channels: 192),
    FeatureLevel(stride: 16, channels: 256), FeatureLevel(stride: 32, channels: 256),
  ]

  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("AlexNet", side: 63)
    return body.outputs(of: [1, 4, 11, 12], images)
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized, at least
  /// 63 pixels a side.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("AlexNet", side: 63)
    let map = adaptiveAveragePool2d(body(images), (AlexNet.mapSide, AlexNet.mapSide))
    return classifier(map.flatten(from: 1))
  }

  static let catalog = [
    ClassifierEntry(
      name: "alexnet", family: "AlexNet", source: .torchvision,
      input: ClassifierInput(smallestSide: 63)
    ) { AlexNet(classes: $0) }
  ]
}
