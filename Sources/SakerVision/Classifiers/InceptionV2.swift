import SakerNN
import SakerTensor

/// Inception with batch norm, and two 3x3 convolutions for each 5x5. Ioffe & Szegedy,
/// arXiv:1502.03167, figure 5; the factors, Szegedy et al., arXiv:1512.00567. Neither torchvision
/// nor timm has it; names as of torchvision's `googlenet`: `conv1.conv`,
/// `inception3a.branch2.0.conv`, ..., `fc`.
///
/// The first convolution is a plain one; the authors computed it separably, with eight depthwise
/// maps for each channel.
public final class InceptionV2: Classifier {
  let body: Sequential
  let fc: Linear
  public let levels = [
    FeatureLevel(stride: 2, channels: 64), FeatureLevel(stride: 4, channels: 192),
    FeatureLevel(stride: 8, channels: 320), FeatureLevel(stride: 16, channels: 576),
    FeatureLevel(stride: 32, channels: 1024),
  ]

  public init(classes: Int = 1000) {
    func pool() -> MaxPool2d { MaxPool2d(kernel: 3, stride: 2, padding: 1) }
    var layers: [(name: String, layer: any Layer)] = [
      ("conv1", BasicConv2d(3, 64, kernel: 7, stride: 2, padding: 3)), ("maxpool1", pool()),
      ("conv2", BasicConv2d(64, 64, kernel: 1)),
      ("conv3", BasicConv2d(64, 192, kernel: 3, padding: 1)), ("maxpool2", pool()),
    ]
    typealias Pooled = InceptionBranches.Pooled
    let blocks: [(String, Int, Int, (Int, Int), (Int, Int), Pooled)] = [
      ("3a", 192, 64, (64, 64), (64, 96), .means(32)),
      ("3b", 256, 64, (64, 96), (64, 96), .means(64)),
      ("3c", 320, 0, (128, 160), (64, 96), .halving),
      ("4a", 576, 224, (64, 96), (96, 128), .means(128)),
      ("4b", 576, 192, (96, 128), (96, 128), .means(128)),
      ("4c", 576, 160, (128, 160), (128, 160), .means(96)),
      ("4d", 576, 96, (128, 192), (160, 192), .means(96)),
      ("4e", 576, 0, (128, 192), (192, 256), .halving),
      ("5a", 1024, 352, (192, 320), (160, 224), .means(128)),
      ("5b", 1024, 352, (192, 320), (192, 224), .maxima(128)),
    ]
    for (name, inputs, one, three, double, pooled) in blocks {
      layers.append(
        (
          "inception" + name, InceptionBranches(inputs, one: one, three, double: double, pooled)
        ))
    }
    body = Sequential(named: layers)
    fc = Linear(1024, classes)
    startConvolutions(.truncatedNormal(deviation: 0.1))
    startLinears(.truncatedNormal(deviation: 0.01))
  }

  public var members: [(name: String, value: Any)] { body.members + [("fc", fc)] }
  public var head: [String] { ["fc"] }

  /// The last maps at strides 2 to 32.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("InceptionV2", side: 1)
    return body.outputs(of: [0, 3, 6, 11, 14], images)
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("InceptionV2", side: 1)
    return fc(body(images).globalAverage())
  }

  static let catalog = [
    ClassifierEntry(
      name: "inception_v2", family: "InceptionV2", source: .paper, input: .half(side: 224)
    ) { InceptionV2(classes: $0) }
  ]
}

extension InceptionBranches {
  fileprivate enum Pooled {
    /// Means or maxima of 3x3 windows, and a 1x1 convolution.
    case means(Int)
    case maxima(Int)
    /// Maxima of the input as they are: all branches halve the size.
    case halving
  }

  /// - Parameters:
  ///   - one: channels of the 1x1 branch; none with 0.
  ///   - three, double: before and behind a 3x3 kernel, or two of them.
  fileprivate convenience init(
    _ inputs: Int, one: Int, _ three: (Int, Int), double: (Int, Int), _ pooled: Pooled
  ) {
    var stride = 1
    if case .halving = pooled { stride = 2 }
    func conv(_ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1) -> BasicConv2d {
      BasicConv2d(inputs, outputs, kernel: kernel, stride: stride, padding: kernel / 2)
    }
    var branches: [Branch] =
      one == 0 ? [] : [Branch(steps: [("branch1", conv(inputs, one, kernel: 1))])]
    branches += [
      Branch(steps: [
        ("branch2.0", conv(inputs, three.0, kernel: 1)),
        ("branch2.1", conv(three.0, three.1, kernel: 3, stride: stride)),
      ]),
      Branch(steps: [
        ("branch3.0", conv(inputs, double.0, kernel: 1)),
        ("branch3.1", conv(double.0, double.1, kernel: 3)),
        ("branch3.2", conv(double.1, double.1, kernel: 3, stride: stride)),
      ]),
    ]
    switch pooled {
    case .means(let outputs):
      branches.append(
        Branch(
          pool: AvgPool2d(kernel: 3, stride: 1, padding: 1),
          steps: [("branch4.1", conv(inputs, outputs, kernel: 1))]))
    case .maxima(let outputs):
      branches.append(
        Branch(
          pool: MaxPool2d(kernel: 3, stride: 1, padding: 1),
          steps: [("branch4.1", conv(inputs, outputs, kernel: 1))]))
    case .halving:
      branches.append(Branch(pool: MaxPool2d(kernel: 3, stride: 2, padding: 1), steps: []))
    }
    self.init(branches)
  }
}
