import SakerNN
import SakerTensor

/// Inception with factored kernels throughout. Szegedy et al., arXiv:1602.07261, figures 3 to 9.
/// Names are timm's: `features.0.conv`, `features.6.branch1.0.bn`, ..., `last_linear`.
public final class InceptionV4: Classifier {
  let body: Sequential
  let last: Linear
  private let dropout: Dropout

  public init(classes: Int = 1000, dropout: Float = 0.2) {
    typealias Branches = InceptionBranches
    var layers: [any Layer] = [
      BasicConv2d(3, 32, kernel: 3, stride: 2), BasicConv2d(32, 32, kernel: 3),
      BasicConv2d(32, 64, kernel: 3, padding: 1),
      Branches([.halving, .init("conv", 64, [(96, (3, 3), 2)])]),
      Branches([
        Branches.Branch(steps: [
          ("branch0.0", BasicConv2d(160, 64, kernel: 1)),
          ("branch0.1", BasicConv2d(64, 96, kernel: 3)),
        ]),
        Branches.Branch(steps: [
          ("branch1.0", BasicConv2d(160, 64, kernel: 1)),
          ("branch1.1", Branches.conv(64, 64, (1, 7))),
          ("branch1.2", Branches.conv(64, 64, (7, 1))),
          ("branch1.3", BasicConv2d(64, 96, kernel: 3)),
        ]),
      ]), Branches([.init("conv", 192, [(192, (3, 3), 2)]), .halving]),
    ]
    layers += (0..<4).map { _ in Branches.v4A(384) }
    layers.append(Branches.v4ReductionA(384, (192, 224, 256), 384))
    layers += (0..<7).map { _ in Branches.v4B(1024) }
    layers.append(Branches.v4ReductionB(1024))
    layers += (0..<3).map { _ in Branches.v4C(1536) }
    body = Sequential(layers)
    last = Linear(1536, classes)
    self.dropout = Dropout(dropout)
    startConvolutions(.truncatedNormal(deviation: 0.1))
    startLinears(.truncatedNormal(deviation: 0.1))
  }

  public var members: [(name: String, value: Any)] {
    [("features", body), ("dropout", dropout), ("last_linear", last)]
  }

  public var head: [String] { ["last_linear"] }
  public let levels = [
    FeatureLevel(stride: 2, channels: 64), FeatureLevel(stride: 4, channels: 192),
    FeatureLevel(stride: 8, channels: 384), FeatureLevel(stride: 16, channels: 1024),
    FeatureLevel(stride: 32, channels: 1536),
  ]

  /// The last maps at strides 2 to 32; without padding they are a little smaller than the picture
  /// divided by these.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("InceptionV4", side: 75)
    return body.outputs(of: [2, 4, 9, 17, 21], images)
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized, at least
  /// 75 pixels a side.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("InceptionV4", side: 75)
    return last(dropout(body(images).globalAverage()))
  }

  static let catalog = [
    ClassifierEntry(
      name: "inception_v4", family: "InceptionV4", source: .timm,
      input: .half(side: 299, smallestSide: 75, resizedSide: 341, interpolation: .bicubic)
    ) { InceptionV4(classes: $0) }
  ]
}

extension InceptionBranches.Branch {
  /// Means of those in the picture and a 1x1 convolution, `branch3`.
  static func means(_ inputs: Int, _ outputs: Int) -> Self {
    Self(
      "branch3", inputs,
      pool: AvgPool2d(kernel: 3, stride: 1, padding: 1, countingPadding: false),
      [(outputs, (1, 1), 1)])
  }
}

extension InceptionBranches {
  /// Figure 4.
  fileprivate static func v4A(_ inputs: Int) -> InceptionBranches {
    InceptionBranches([
      Branch("branch0", inputs, [(96, (1, 1), 1)]),
      Branch("branch1", inputs, [(64, (1, 1), 1), (96, (3, 3), 1)]),
      Branch("branch2", inputs, [(64, (1, 1), 1), (96, (3, 3), 1), (96, (3, 3), 1)]),
      .means(inputs, 96),
    ])
  }

  /// To half the size: figure 7 with k, l, m and n of table 1.
  static func v4ReductionA(
    _ inputs: Int, _ widths: (Int, Int, Int), _ straight: Int
  ) -> InceptionBranches {
    InceptionBranches([
      Branch("branch0", inputs, [(straight, (3, 3), 2)]),
      Branch(
        "branch1", inputs,
        [(widths.0, (1, 1), 1), (widths.1, (3, 3), 1), (widths.2, (3, 3), 2)]),
      .halving,
    ])
  }

  /// Figure 5.
  fileprivate static func v4B(_ inputs: Int) -> InceptionBranches {
    InceptionBranches([
      Branch("branch0", inputs, [(384, (1, 1), 1)]),
      Branch("branch1", inputs, [(192, (1, 1), 1), (224, (1, 7), 1), (256, (7, 1), 1)]),
      Branch(
        "branch2", inputs,
        [
          (192, (1, 1), 1), (192, (7, 1), 1), (224, (1, 7), 1), (224, (7, 1), 1),
          (256, (1, 7), 1),
        ]), .means(inputs, 128),
    ])
  }

  /// To half the size: figure 8.
  fileprivate static func v4ReductionB(_ inputs: Int) -> InceptionBranches {
    InceptionBranches([
      Branch("branch0", inputs, [(192, (1, 1), 1), (192, (3, 3), 2)]),
      Branch(
        "branch1", inputs,
        [(256, (1, 1), 1), (256, (1, 7), 1), (320, (7, 1), 1), (320, (3, 3), 2)]),
      .halving,
    ])
  }

  /// Figure 6.
  fileprivate static func v4C(_ inputs: Int) -> InceptionBranches {
    InceptionBranches([
      Branch("branch0", inputs, [(256, (1, 1), 1)]),
      Branch(
        steps: [("branch1_0", conv(inputs, 384, (1, 1)))],
        fork: [("branch1_1a", conv(384, 256, (1, 3))), ("branch1_1b", conv(384, 256, (3, 1)))]),
      Branch(
        steps: [
          ("branch2_0", conv(inputs, 384, (1, 1))), ("branch2_1", conv(384, 448, (3, 1))),
          ("branch2_2", conv(448, 512, (1, 3))),
        ],
        fork: [("branch2_3a", conv(512, 256, (1, 3))), ("branch2_3b", conv(512, 256, (3, 1)))]),
      .means(inputs, 256),
    ])
  }
}
