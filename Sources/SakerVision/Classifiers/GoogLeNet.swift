import SakerNN
import SakerTensor

/// Branches with kernels of 1, 3 and 5 and a pooling, side by side. Szegedy et al., "Going Deeper with Convolutions",
/// arXiv:1409.4842, table 1 (Inception v1).
///
/// Names and layout are torchvision's: with batch norm, and in the branch that the paper gives a 5x5 kernel a 3x3 one, as in the
/// weights that were published.
public final class GoogLeNet: Classifier {
  let body: Sequential
  let fc: Linear
  /// The two further heads that help training, or nothing.
  let auxiliary: [AuxiliaryHead]
  private let dropout = Dropout(0.2)

  /// What training sees.
  public struct Output {
    /// `[N, classes]`
    public let logits: Tensor
    /// Those of the first and second auxiliary head; the paper adds their losses with weight 0.3.
    public let auxiliary: [Tensor]
  }

  /// - Parameter auxiliary: whether there are auxiliary heads, `aux1` and `aux2`.
  public init(classes: Int = 1000, auxiliary: Bool = false) {
    func conv(_ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1) -> BasicConv2d {
      BasicConv2d(inputs, outputs, kernel: kernel, stride: stride, padding: kernel / 2)
    }
    func pool(_ kernel: Int) -> MaxPool2d { MaxPool2d(kernel: kernel, stride: 2, ceil: true) }
    body = Sequential(named: [
      ("conv1", conv(3, 64, kernel: 7, stride: 2)), ("maxpool1", pool(3)),
      ("conv2", conv(64, 64, kernel: 1)), ("conv3", conv(64, 192, kernel: 3)),
      ("maxpool2", pool(3)),
      ("inception3a", InceptionV1Block(192, 64, (96, 128), (16, 32), 32)),
      ("inception3b", InceptionV1Block(256, 128, (128, 192), (32, 96), 64)),
      ("maxpool3", pool(3)),
      ("inception4a", InceptionV1Block(480, 192, (96, 208), (16, 48), 64)),
      ("inception4b", InceptionV1Block(512, 160, (112, 224), (24, 64), 64)),
      ("inception4c", InceptionV1Block(512, 128, (128, 256), (24, 64), 64)),
      ("inception4d", InceptionV1Block(512, 112, (144, 288), (32, 64), 64)),
      ("inception4e", InceptionV1Block(528, 256, (160, 320), (32, 128), 128)),
      ("maxpool4", pool(2)),
      ("inception5a", InceptionV1Block(832, 256, (160, 320), (32, 128), 128)),
      ("inception5b", InceptionV1Block(832, 384, (192, 384), (48, 128), 128)),
    ])
    self.auxiliary =
      auxiliary ? [AuxiliaryHead(512, classes: classes), AuxiliaryHead(528, classes: classes)] : []
    fc = Linear(1024, classes)
    startConvolutions(.truncatedNormal(deviation: 0.01))
    startLinears(.truncatedNormal(deviation: 0.01))
  }

  public var members: [(name: String, value: Any)] {
    body.members + auxiliary.enumerated().map { ("aux\($0.offset + 1)", $0.element) }
      + [("dropout", dropout), ("fc", fc)]
  }

  public var head: [String] { ["fc"] + (auxiliary.isEmpty ? [] : ["aux1.fc2", "aux2.fc2"]) }
  public let levels = [
    FeatureLevel(stride: 2, channels: 64), FeatureLevel(stride: 4, channels: 192),
    FeatureLevel(stride: 8, channels: 480), FeatureLevel(stride: 16, channels: 832),
    FeatureLevel(stride: 32, channels: 1024),
  ]

  /// The last maps at strides 2 to 32.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("GoogLeNet", side: 15)
    return body.outputs(of: [0, 3, 6, 12, 15], images)
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized, at least 15 pixels a side.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("GoogLeNet", side: 15)
    return fc(dropout(body(images).globalAverage()))
  }

  /// The logits and those of the auxiliary heads, which see the maps behind `inception4a` and `inception4d`.
  public func outputs(_ images: Tensor) -> Output {
    images.checkPictures("GoogLeNet", side: 15)
    let maps = body.outputs(of: [8, 11, 15], images)
    return Output(
      logits: fc(dropout(maps[2].globalAverage())), auxiliary: zip(auxiliary, maps).map { $0($1) })
  }

  static let catalog = [
    ClassifierEntry(
      name: "googlenet", family: "GoogLeNet", source: .torchvision,
      input: .half(side: 224, smallestSide: 15, resizedSide: 256)
    ) { GoogLeNet(classes: $0) }
  ]
}

/// Convolution without bias, batch norm (ε 0.001) and ReLU: `conv`, `bn`.
final class BasicConv2d: Layer {
  private let body: Sequential

  init(
    _ inputs: Int, _ outputs: Int, kernel: (Int, Int), stride: Int = 1, padding: (Int, Int)
  ) {
    body = Sequential(named: [
      (
        "conv",
        Conv2d(
          inputs, outputs, kernel: kernel, stride: (stride, stride),
          padding: .each(padding.0, padding.1), bias: false)
      ), ("bn", BatchNorm2d(outputs, epsilon: 1e-3)), ("relu", ReLU()),
    ])
  }

  convenience init(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0
  ) {
    self.init(
      inputs, outputs, kernel: (kernel, kernel), stride: stride, padding: (padding, padding))
  }

  var members: [(name: String, value: Any)] { body.members }
  func forward(_ x: Tensor) -> Tensor { body(x) }
}

/// Four branches, their maps one after the other.
private final class InceptionV1Block: Layer {
  let branch1: BasicConv2d
  let branch2, branch3, branch4: Sequential

  /// - Parameters:
  ///   - one: channels of the 1x1 branch.
  ///   - three, five: of the other branches, before and behind the large kernel.
  ///   - pooled: of the branch with the pooling.
  init(_ inputs: Int, _ one: Int, _ three: (Int, Int), _ five: (Int, Int), _ pooled: Int) {
    func conv(_ inputs: Int, _ outputs: Int, kernel: Int) -> BasicConv2d {
      BasicConv2d(inputs, outputs, kernel: kernel, padding: kernel / 2)
    }
    branch1 = conv(inputs, one, kernel: 1)
    branch2 = Sequential(conv(inputs, three.0, kernel: 1), conv(three.0, three.1, kernel: 3))
    branch3 = Sequential(conv(inputs, five.0, kernel: 1), conv(five.0, five.1, kernel: 3))
    branch4 = Sequential(
      MaxPool2d(kernel: 3, stride: 1, padding: 1, ceil: true), conv(inputs, pooled, kernel: 1))
  }

  func forward(_ x: Tensor) -> Tensor {
    concatenate([branch1(x), branch2(x), branch3(x), branch4(x)], axis: 1)
  }
}

/// Tells the classes apart from the middle of the network.
final class AuxiliaryHead: Layer {
  let conv: BasicConv2d
  let fc1, fc2: Linear
  private let dropout = Dropout(0.7)

  init(_ inputs: Int, classes: Int) {
    conv = BasicConv2d(inputs, 128, kernel: 1)
    fc1 = Linear(2048, 1024)
    fc2 = Linear(1024, classes)
  }

  func forward(_ x: Tensor) -> Tensor {
    let map = conv(adaptiveAveragePool2d(x, (4, 4)))
    return fc2(dropout(relu(fc1(map.flatten(from: 1)))))
  }
}
