import SakerNN
import SakerTensor

/// Inception blocks whose result, made small, is added to their input. Szegedy et al.,
/// arXiv:1602.07261, figures 15 to 19. Names are timm's: `conv2d_1a.conv`, `mixed_5b.branch1.0.bn`,
/// `repeat.0.conv2d`, `block8`, ..., `classif`.
public final class InceptionResNetV2: Classifier {
  let body: Sequential
  let classif: Linear
  private let dropout: Dropout

  public init(classes: Int = 1000, dropout: Float = 0.2) {
    typealias Branches = InceptionBranches
    typealias Branch = InceptionBranches.Branch
    body = Sequential(named: [
      ("conv2d_1a", BasicConv2d(3, 32, kernel: 3, stride: 2)),
      ("conv2d_2a", BasicConv2d(32, 32, kernel: 3)),
      ("conv2d_2b", BasicConv2d(32, 64, kernel: 3, padding: 1)),
      ("maxpool_3a", MaxPool2d(kernel: 3, stride: 2)),
      ("conv2d_3b", BasicConv2d(64, 80, kernel: 1)),
      ("conv2d_4a", BasicConv2d(80, 192, kernel: 3)),
      ("maxpool_5a", MaxPool2d(kernel: 3, stride: 2)),
      (
        "mixed_5b",
        Branches([
          Branch("branch0", 192, [(96, (1, 1), 1)]),
          Branch("branch1", 192, [(48, (1, 1), 1), (64, (5, 5), 1)]),
          Branch("branch2", 192, [(64, (1, 1), 1), (96, (3, 3), 1), (96, (3, 3), 1)]),
          .means(192, 64),
        ])
      ), ("repeat", Sequential((0..<10).map { _ in InceptionResidual.a(scale: 0.17) })),
      ("mixed_6a", Branches.v4ReductionA(320, (256, 256, 384), 384)),
      ("repeat_1", Sequential((0..<20).map { _ in InceptionResidual.b(scale: 0.1) })),
      (
        "mixed_7a",
        Branches([
          Branch("branch0", 1088, [(256, (1, 1), 1), (384, (3, 3), 2)]),
          Branch("branch1", 1088, [(256, (1, 1), 1), (288, (3, 3), 2)]),
          Branch("branch2", 1088, [(256, (1, 1), 1), (288, (3, 3), 1), (320, (3, 3), 2)]),
          .halving,
        ])
      ), ("repeat_2", Sequential((0..<9).map { _ in InceptionResidual.c(scale: 0.2) })),
      ("block8", InceptionResidual.c(scale: 1, isActive: false)),
      ("conv2d_7b", BasicConv2d(2080, 1536, kernel: 1)),
    ])
    classif = Linear(1536, classes)
    self.dropout = Dropout(dropout)
    startConvolutions(.truncatedNormal(deviation: 0.1))
    startLinears(.truncatedNormal(deviation: 0.1))
  }

  public var members: [(name: String, value: Any)] {
    body.members + [("dropout", dropout), ("classif", classif)]
  }

  public var head: [String] { ["classif"] }
  public let levels = [
    FeatureLevel(stride: 2, channels: 64), FeatureLevel(stride: 4, channels: 192),
    FeatureLevel(stride: 8, channels: 320), FeatureLevel(stride: 16, channels: 1088),
    FeatureLevel(stride: 32, channels: 1536),
  ]

  /// The last maps at strides 2 to 32; without padding they are a little smaller than the picture
  /// divided by these.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("InceptionResNetV2", side: 75)
    return body.outputs(of: [2, 5, 8, 10, 14], images)
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized, at least
  /// 75 pixels a side.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("InceptionResNetV2", side: 75)
    return classif(dropout(body(images).globalAverage()))
  }

  static let catalog = [
    ClassifierEntry(
      name: "inception_resnet_v2", family: "InceptionResNetV2", source: .timm,
      input: .half(side: 299, smallestSide: 75, resizedSide: 333, interpolation: .bicubic)
    ) { InceptionResNetV2(classes: $0) }
  ]
}

/// `relu(x + scale · conv2d(branches(x)))`
private final class InceptionResidual: Layer {
  let branches: InceptionBranches
  let conv2d: Conv2d
  private let scale: Float
  private let isActive: Bool

  /// - Parameters:
  ///   - channels: of the input.
  ///   - joined: of the branches together.
  ///   - scale: small, or deep networks stop learning (section 3.3).
  init(
    _ channels: Int, _ branches: [InceptionBranches.Branch], joined: Int, scale: Float,
    isActive: Bool = true
  ) {
    self.branches = InceptionBranches(branches)
    conv2d = Conv2d(joined, channels, kernel: 1)
    (self.scale, self.isActive) = (scale, isActive)
  }

  var members: [(name: String, value: Any)] { branches.members + [("conv2d", conv2d)] }

  func forward(_ x: Tensor) -> Tensor {
    let sum = x + scale * conv2d(branches(x))
    return isActive ? relu(sum) : sum
  }

  /// Figure 16.
  static func a(scale: Float) -> InceptionResidual {
    InceptionResidual(
      320,
      [
        .init("branch0", 320, [(32, (1, 1), 1)]),
        .init("branch1", 320, [(32, (1, 1), 1), (32, (3, 3), 1)]),
        .init("branch2", 320, [(32, (1, 1), 1), (48, (3, 3), 1), (64, (3, 3), 1)]),
      ], joined: 128, scale: scale)
  }

  /// Figure 17.
  static func b(scale: Float) -> InceptionResidual {
    InceptionResidual(
      1088,
      [
        .init("branch0", 1088, [(192, (1, 1), 1)]),
        .init("branch1", 1088, [(128, (1, 1), 1), (160, (1, 7), 1), (192, (7, 1), 1)]),
      ], joined: 384, scale: scale)
  }

  /// Figure 19.
  static func c(scale: Float, isActive: Bool = true) -> InceptionResidual {
    InceptionResidual(
      2080,
      [
        .init("branch0", 2080, [(192, (1, 1), 1)]),
        .init("branch1", 2080, [(192, (1, 1), 1), (224, (1, 3), 1), (256, (3, 1), 1)]),
      ], joined: 448, scale: scale, isActive: isActive)
  }
}
