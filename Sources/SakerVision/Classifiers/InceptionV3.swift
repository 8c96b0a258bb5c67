import SakerNN
import SakerTensor

/// Large kernels in factors: 5x5 as two 3x3, 7x7 as 1x7 and 7x1. Szegedy et al., "Rethinking the
/// Inception Architecture", arXiv:1512.00567, table 1. Names are torchvision's: `Conv2d_1a_3x3`,
/// `Mixed_5b.branch1x1`, ..., `fc`.
public final class InceptionV3: PrunableClassifier, AuxiliaryClassifier {
  let body: Sequential
  let fc: Linear
  private let dropout = Dropout(0.5)
  /// Behind `Mixed_6e`, or nothing.
  let auxiliary: InceptionV3Auxiliary?
  public let levels: [FeatureLevel]

  /// - Parameters:
  ///   - auxiliary: whether there is an auxiliary head, `AuxLogits`.
  ///   - widths: of a network that lost channels.
  public init(
    classes: Int = 1000, auxiliary: Bool = false, widths: ChannelWidths = ChannelWidths()
  ) {
    var channels = 3
    var layers: [(name: String, layer: any Layer)] = []
    var made: [Int] = []
    func add(_ name: String, _ layer: any Layer) {
      layers.append((name, layer))
      made.append(channels)
    }
    func conv(
      _ name: String, _ published: Int, kernel: Int, stride: Int = 1, padding: Int = 0
    ) {
      let outputs = widths("Conv2d_\(name).conv", published)
      let layer = BasicConv2d(
        channels, outputs, kernel: kernel, stride: stride, padding: padding)
      channels = outputs
      add("Conv2d_" + name, layer)
    }
    func mixed(
      _ name: String, _ make: (Int, (_ layer: String, _ published: Int) -> Int) -> InceptionBranches
    ) {
      let block = make(channels) { widths("Mixed_\(name).\($0).conv", $1) }
      channels = block.channels(from: channels)
      add("Mixed_" + name, block)
    }
    conv("1a_3x3", 32, kernel: 3, stride: 2)
    conv("2a_3x3", 32, kernel: 3)
    conv("2b_3x3", 64, kernel: 3, padding: 1)
    add("maxpool1", MaxPool2d(kernel: 3, stride: 2))
    conv("3b_1x1", 80, kernel: 1)
    conv("4a_3x3", 192, kernel: 3)
    add("maxpool2", MaxPool2d(kernel: 3, stride: 2))
    mixed("5b") { InceptionBranches.a($0, pooled: 32, $1) }
    mixed("5c") { InceptionBranches.a($0, pooled: 64, $1) }
    mixed("5d") { InceptionBranches.a($0, pooled: 64, $1) }
    mixed("6a", InceptionBranches.b)
    mixed("6b") { InceptionBranches.c($0, 128, $1) }
    mixed("6c") { InceptionBranches.c($0, 160, $1) }
    mixed("6d") { InceptionBranches.c($0, 160, $1) }
    mixed("6e") { InceptionBranches.c($0, 192, $1) }
    mixed("7a", InceptionBranches.d)
    mixed("7b", InceptionBranches.e)
    mixed("7c", InceptionBranches.e)
    body = Sequential(named: layers)
    levels = zip([2, 4, 8, 16, 32], InceptionV3.levelPlaces).map {
      FeatureLevel(stride: $0, channels: made[$1])
    }
    self.auxiliary =
      auxiliary
      ? InceptionV3Auxiliary(made[InceptionV3.auxiliaryPlace], classes: classes) {
        widths("AuxLogits.\($0).conv", $1)
      } : nil
    fc = Linear(channels, classes)
    startConvolutions(.truncatedNormal(deviation: 0.1))
    startLinears(.truncatedNormal(deviation: 0.1))
    self.auxiliary?.fc.weight.start(.truncatedNormal(deviation: 0.001))
  }

  /// The places of the last layers of each stride in the body, and of `Mixed_6e`.
  private static let levelPlaces = [2, 5, 9, 14, 17]
  private static let auxiliaryPlace = 14

  public var members: [(name: String, value: Any)] {
    body.members + (auxiliary.map { [("AuxLogits", $0 as Any)] } ?? []) + [
      ("dropout", dropout), ("fc", fc),
    ]
  }

  public var head: [String] { ["fc"] + (auxiliary == nil ? [] : ["AuxLogits.fc"]) }
  public var auxiliaryHeads: [String] { auxiliary == nil ? [] : ["AuxLogits"] }
  public var namesOfAllAuxiliaryHeads: [String] { ["AuxLogits"] }
  /// That of torchvision's training script.
  public var auxiliaryWeight: Float { 0.4 }

  /// All channels but the classes.
  public var channelGroups: [ChannelGroup] {
    var trace = ChannelTrace()
    let maps = trace.inceptions(body)
    trace.read("fc", maps[maps.count - 1])
    if let auxiliary {
      let narrow = trace.basic(
        "AuxLogits.conv0", auxiliary.conv0, maps[InceptionV3.auxiliaryPlace])
      let wide = trace.basic("AuxLogits.conv1", auxiliary.conv1, narrow)
      trace.read("AuxLogits.fc", wide)
    }
    return trace.groups
  }

  /// The last maps at strides 2 to 32; without padding they are a little smaller than the picture
  /// divided by these.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("InceptionV3", side: 75)
    return body.outputs(of: InceptionV3.levelPlaces, images)
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized, at least
  /// 75 pixels a side.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("InceptionV3", side: 75)
    return fc(dropout(body(images).globalAverage()))
  }

  /// The least side of pictures of which the auxiliary head's 5x5 kernel finds enough.
  public static let auxiliarySide = 299

  /// The logits, and the auxiliary head's if there is one.
  public func outputs(_ images: Tensor) -> AuxiliaryOutputs {
    let side = auxiliary == nil ? 75 : InceptionV3.auxiliarySide
    images.checkPictures("InceptionV3", side: side)
    let maps = body.outputs(of: [InceptionV3.auxiliaryPlace, 17], images)
    return AuxiliaryOutputs(
      logits: fc(dropout(maps[1].globalAverage())),
      auxiliary: auxiliary.map { [$0(maps[0])] } ?? [])
  }

  static let catalog = [
    ClassifierEntry(
      name: "inception_v3", family: "InceptionV3", source: .torchvision,
      input: .half(side: 299, smallestSide: 75, resizedSide: 342), abilities: .channels,
      auxiliarySide: auxiliarySide
    ) { plan in
      InceptionV3(
        classes: plan.classes, auxiliary: plan.variant.auxiliary, widths: plan.widths)
    }
  ]
}

extension InceptionBranches {
  /// How many channels a layer of a block has, of its name and how many it was published with.
  typealias Widths = (_ layer: String, _ published: Int) -> Int

  private static func pooled(_ inputs: Int, _ outputs: Int, _ widths: Widths) -> Branch {
    Branch(
      inputs, pool: AvgPool2d(kernel: 3, stride: 1, padding: 1),
      [("branch_pool", outputs, (1, 1), 1)], widths)
  }

  /// Figure 5 of the paper.
  static func a(_ inputs: Int, pooled outputs: Int, _ widths: Widths) -> InceptionBranches {
    InceptionBranches([
      Branch(inputs, [("branch1x1", 64, (1, 1), 1)], widths),
      Branch(
        inputs, [("branch5x5_1", 48, (1, 1), 1), ("branch5x5_2", 64, (5, 5), 1)], widths),
      Branch(
        inputs,
        [
          ("branch3x3dbl_1", 64, (1, 1), 1), ("branch3x3dbl_2", 96, (3, 3), 1),
          ("branch3x3dbl_3", 96, (3, 3), 1),
        ], widths), pooled(inputs, outputs, widths),
    ])
  }

  /// To half the size: figure 10.
  static func b(_ inputs: Int, _ widths: Widths) -> InceptionBranches {
    InceptionBranches([
      Branch(inputs, [("branch3x3", 384, (3, 3), 2)], widths),
      Branch(
        inputs,
        [
          ("branch3x3dbl_1", 64, (1, 1), 1), ("branch3x3dbl_2", 96, (3, 3), 1),
          ("branch3x3dbl_3", 96, (3, 3), 2),
        ], widths), .halving,
    ])
  }

  /// Figure 6.
  static func c(_ inputs: Int, _ width: Int, _ widths: Widths) -> InceptionBranches {
    InceptionBranches([
      Branch(inputs, [("branch1x1", 192, (1, 1), 1)], widths),
      Branch(
        inputs,
        [
          ("branch7x7_1", width, (1, 1), 1), ("branch7x7_2", width, (1, 7), 1),
          ("branch7x7_3", 192, (7, 1), 1),
        ], widths),
      Branch(
        inputs,
        [
          ("branch7x7dbl_1", width, (1, 1), 1), ("branch7x7dbl_2", width, (7, 1), 1),
          ("branch7x7dbl_3", width, (1, 7), 1), ("branch7x7dbl_4", width, (7, 1), 1),
          ("branch7x7dbl_5", 192, (1, 7), 1),
        ], widths), pooled(inputs, 192, widths),
    ])
  }

  /// To half the size.
  static func d(_ inputs: Int, _ widths: Widths) -> InceptionBranches {
    InceptionBranches([
      Branch(
        inputs, [("branch3x3_1", 192, (1, 1), 1), ("branch3x3_2", 320, (3, 3), 2)], widths),
      Branch(
        inputs,
        [
          ("branch7x7x3_1", 192, (1, 1), 1), ("branch7x7x3_2", 192, (1, 7), 1),
          ("branch7x7x3_3", 192, (7, 1), 1), ("branch7x7x3_4", 192, (3, 3), 2),
        ], widths), .halving,
    ])
  }

  /// Figure 7.
  static func e(_ inputs: Int, _ widths: Widths) -> InceptionBranches {
    InceptionBranches([
      Branch(inputs, [("branch1x1", 320, (1, 1), 1)], widths),
      Branch(
        inputs, [("branch3x3_1", 384, (1, 1), 1)],
        fork: [("branch3x3_2a", 384, (1, 3), 1), ("branch3x3_2b", 384, (3, 1), 1)], widths),
      Branch(
        inputs, [("branch3x3dbl_1", 448, (1, 1), 1), ("branch3x3dbl_2", 384, (3, 3), 1)],
        fork: [("branch3x3dbl_3a", 384, (1, 3), 1), ("branch3x3dbl_3b", 384, (3, 1), 1)],
        widths), pooled(inputs, 192, widths),
    ])
  }
}

/// Tells the classes apart from the maps at stride 16.
final class InceptionV3Auxiliary: Layer {
  let conv0, conv1: BasicConv2d
  let fc: Linear

  init(
    _ inputs: Int, classes: Int, widths: (_ layer: String, _ published: Int) -> Int
  ) {
    let (narrow, wide) = (widths("conv0", 128), widths("conv1", 768))
    conv0 = BasicConv2d(inputs, narrow, kernel: 1)
    conv1 = BasicConv2d(narrow, wide, kernel: 5)
    fc = Linear(wide, classes)
  }

  func forward(_ x: Tensor) -> Tensor {
    fc(conv1(conv0(averagePool2d(x, kernel: (5, 5), stride: (3, 3)))).globalAverage())
  }
}
