import SakerNN
import SakerTensor

/// Large kernels in factors: 5x5 as two 3x3, 7x7 as 1x7 and 7x1. Szegedy et al., "Rethinking the Inception Architecture",
/// arXiv:1512.00567, table 1. Names are torchvision's: `Conv2d_1a_3x3`, `Mixed_5b.branch1x1`, ..., `fc`.
public final class InceptionV3: Classifier {
  let body: Sequential
  let fc: Linear
  private let dropout = Dropout(0.5)
  /// Behind `Mixed_6e`, or nothing.
  let auxiliary: InceptionV3Auxiliary?

  /// - Parameter auxiliary: whether there is an auxiliary head, `AuxLogits`.
  public init(classes: Int = 1000, auxiliary: Bool = false) {
    func conv(
      _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0
    ) -> BasicConv2d {
      BasicConv2d(inputs, outputs, kernel: kernel, stride: stride, padding: padding)
    }
    body = Sequential(named: [
      ("Conv2d_1a_3x3", conv(3, 32, kernel: 3, stride: 2)),
      ("Conv2d_2a_3x3", conv(32, 32, kernel: 3)),
      ("Conv2d_2b_3x3", conv(32, 64, kernel: 3, padding: 1)),
      ("maxpool1", MaxPool2d(kernel: 3, stride: 2)),
      ("Conv2d_3b_1x1", conv(64, 80, kernel: 1)), ("Conv2d_4a_3x3", conv(80, 192, kernel: 3)),
      ("maxpool2", MaxPool2d(kernel: 3, stride: 2)),
      ("Mixed_5b", InceptionBranches.a(192, pooled: 32)),
      ("Mixed_5c", InceptionBranches.a(256, pooled: 64)),
      ("Mixed_5d", InceptionBranches.a(288, pooled: 64)),
      ("Mixed_6a", InceptionBranches.b(288)),
      ("Mixed_6b", InceptionBranches.c(768, 128)), ("Mixed_6c", InceptionBranches.c(768, 160)),
      ("Mixed_6d", InceptionBranches.c(768, 160)), ("Mixed_6e", InceptionBranches.c(768, 192)),
      ("Mixed_7a", InceptionBranches.d(768)),
      ("Mixed_7b", InceptionBranches.e(1280)), ("Mixed_7c", InceptionBranches.e(2048)),
    ])
    self.auxiliary = auxiliary ? InceptionV3Auxiliary(768, classes: classes) : nil
    fc = Linear(2048, classes)
    startConvolutions(.truncatedNormal(deviation: 0.1))
    startLinears(.truncatedNormal(deviation: 0.1))
  }

  public var members: [(name: String, value: Any)] {
    body.members + (auxiliary.map { [("AuxLogits", $0 as Any)] } ?? []) + [
      ("dropout", dropout), ("fc", fc),
    ]
  }

  public var head: [String] { ["fc"] + (auxiliary == nil ? [] : ["AuxLogits.fc"]) }
  public let levels = [
    FeatureLevel(stride: 2, channels: 64), FeatureLevel(stride: 4, channels: 192),
    FeatureLevel(stride: 8, channels: 288), FeatureLevel(stride: 16, channels: 768),
    FeatureLevel(stride: 32, channels: 2048),
  ]

  /// The last maps at strides 2 to 32; without padding they are a little smaller than the picture divided by these.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("InceptionV3", side: 75)
    return body.outputs(of: [2, 5, 9, 14, 17], images)
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized, at least 75 pixels a side.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("InceptionV3", side: 75)
    return fc(dropout(body(images).globalAverage()))
  }

  /// The logits, and the auxiliary head's if there is one; the paper adds its loss with weight 0.4.
  public func outputs(_ images: Tensor) -> (logits: Tensor, auxiliary: Tensor?) {
    images.checkPictures("InceptionV3", side: 75)
    let maps = body.outputs(of: [14, 17], images)
    return (fc(dropout(maps[1].globalAverage())), auxiliary?(maps[0]))
  }

  static let catalog = [
    ClassifierEntry(
      name: "inception_v3", family: "InceptionV3", source: .torchvision,
      input: .half(side: 299, smallestSide: 75, resizedSide: 342)
    ) { InceptionV3(classes: $0) }
  ]
}

extension InceptionBranches {
  private static func pooled(_ inputs: Int, _ outputs: Int) -> Branch {
    Branch(
      pool: AvgPool2d(kernel: 3, stride: 1, padding: 1),
      steps: [("branch_pool", conv(inputs, outputs, (1, 1)))])
  }

  /// Figure 5 of the paper.
  static func a(_ inputs: Int, pooled outputs: Int) -> InceptionBranches {
    InceptionBranches([
      Branch(steps: [("branch1x1", conv(inputs, 64, (1, 1)))]),
      Branch(steps: [
        ("branch5x5_1", conv(inputs, 48, (1, 1))), ("branch5x5_2", conv(48, 64, (5, 5))),
      ]),
      Branch(steps: [
        ("branch3x3dbl_1", conv(inputs, 64, (1, 1))), ("branch3x3dbl_2", conv(64, 96, (3, 3))),
        ("branch3x3dbl_3", conv(96, 96, (3, 3))),
      ]), pooled(inputs, outputs),
    ])
  }

  /// To half the size: figure 10.
  static func b(_ inputs: Int) -> InceptionBranches {
    InceptionBranches([
      Branch(steps: [("branch3x3", conv(inputs, 384, (3, 3), stride: 2))]),
      Branch(steps: [
        ("branch3x3dbl_1", conv(inputs, 64, (1, 1))), ("branch3x3dbl_2", conv(64, 96, (3, 3))),
        ("branch3x3dbl_3", conv(96, 96, (3, 3), stride: 2)),
      ]), .halving,
    ])
  }

  /// Figure 6.
  static func c(_ inputs: Int, _ width: Int) -> InceptionBranches {
    InceptionBranches([
      Branch(steps: [("branch1x1", conv(inputs, 192, (1, 1)))]),
      Branch(steps: [
        ("branch7x7_1", conv(inputs, width, (1, 1))),
        ("branch7x7_2", conv(width, width, (1, 7))), ("branch7x7_3", conv(width, 192, (7, 1))),
      ]),
      Branch(steps: [
        ("branch7x7dbl_1", conv(inputs, width, (1, 1))),
        ("branch7x7dbl_2", conv(width, width, (7, 1))),
        ("branch7x7dbl_3", conv(width, width, (1, 7))),
        ("branch7x7dbl_4", conv(width, width, (7, 1))),
        ("branch7x7dbl_5", conv(width, 192, (1, 7))),
      ]), pooled(inputs, 192),
    ])
  }

  /// To half the size.
  static func d(_ inputs: Int) -> InceptionBranches {
    InceptionBranches([
      Branch(steps: [
        ("branch3x3_1", conv(inputs, 192, (1, 1))),
        ("branch3x3_2", conv(192, 320, (3, 3), stride: 2)),
      ]),
      Branch(steps: [
        ("branch7x7x3_1", conv(inputs, 192, (1, 1))), ("branch7x7x3_2", conv(192, 192, (1, 7))),
        ("branch7x7x3_3", conv(192, 192, (7, 1))),
        ("branch7x7x3_4", conv(192, 192, (3, 3), stride: 2)),
      ]), .halving,
    ])
  }

  /// Figure 7.
  static func e(_ inputs: Int) -> InceptionBranches {
    InceptionBranches([
      Branch(steps: [("branch1x1", conv(inputs, 320, (1, 1)))]),
      Branch(
        steps: [("branch3x3_1", conv(inputs, 384, (1, 1)))],
        fork: [
          ("branch3x3_2a", conv(384, 384, (1, 3))), ("branch3x3_2b", conv(384, 384, (3, 1))),
        ]),
      Branch(
        steps: [
          ("branch3x3dbl_1", conv(inputs, 448, (1, 1))),
          ("branch3x3dbl_2", conv(448, 384, (3, 3))),
        ],
        fork: [
          ("branch3x3dbl_3a", conv(384, 384, (1, 3))), ("branch3x3dbl_3b", conv(384, 384, (3, 1))),
        ]), pooled(inputs, 192),
    ])
  }
}

/// Tells the classes apart from the maps at stride 16.
final class InceptionV3Auxiliary: Layer {
  let conv0, conv1: BasicConv2d
  let fc: Linear

  init(_ inputs: Int, classes: Int) {
    conv0 = BasicConv2d(inputs, 128, kernel: 1)
    conv1 = BasicConv2d(128, 768, kernel: 5)
    fc = Linear(768, classes)
  }

  func forward(_ x: Tensor) -> Tensor {
    fc(conv1(conv0(averagePool2d(x, kernel: (5, 5), stride: (3, 3)))).globalAverage())
  }
}
