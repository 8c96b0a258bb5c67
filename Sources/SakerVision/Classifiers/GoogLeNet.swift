import SakerNN
import SakerTensor

/// Branches with kernels of 1, 3 and 5 and a pooling, side by side. Szegedy et al., "Going Deeper
/// with Convolutions", arXiv:1409.4842, table 1 (Inception v1).
///
/// Names and layout are torchvision's: with batch norm, and in the branch that the paper gives a
/// 5x5 kernel a 3x3 one, as in the weights that were published.
public final class GoogLeNet: PrunableClassifier, AuxiliaryClassifier {
  let body: Sequential
  let fc: Linear
  /// The two further heads that help training, or nothing.
  let auxiliary: [AuxiliaryHead]
  private let dropout = Dropout(0.2)
  public let levels: [FeatureLevel]

  /// - Parameters:
  ///   - auxiliary: whether there are auxiliary heads, `aux1` and `aux2`.
  ///   - widths: of a network that lost channels.
  public init(
    classes: Int = 1000, auxiliary: Bool = false, widths: ChannelWidths = ChannelWidths()
  ) {
    var channels = 3
    var layers: [(name: String, layer: any Layer)] = []
    var levels: [FeatureLevel] = []
    var auxiliaryInputs: [Int] = []
    func conv(_ name: String, _ published: Int, kernel: Int, stride: Int = 1) {
      let outputs = widths(name + ".conv", published)
      layers.append(
        (
          name,
          BasicConv2d(channels, outputs, kernel: kernel, stride: stride, padding: kernel / 2)
        ))
      channels = outputs
    }
    func pool(_ kernel: Int) {
      levels.append(FeatureLevel(stride: 2 << levels.count, channels: channels))
      layers.append(
        ("maxpool\(levels.count)", MaxPool2d(kernel: kernel, stride: 2, ceil: true)))
    }
    func block(
      _ name: String, _ one: Int, _ three: (Int, Int), _ five: (Int, Int), _ pooled: Int
    ) {
      let name = "inception" + name
      let block = InceptionBranches(channels, one, three, five, pooled) {
        widths("\(name).\($0).conv", $1)
      }
      layers.append((name, block))
      channels = block.channels(from: channels)
    }
    conv("conv1", 64, kernel: 7, stride: 2)
    pool(3)
    conv("conv2", 64, kernel: 1)
    conv("conv3", 192, kernel: 3)
    pool(3)
    block("3a", 64, (96, 128), (16, 32), 32)
    block("3b", 128, (128, 192), (32, 96), 64)
    pool(3)
    block("4a", 192, (96, 208), (16, 48), 64)
    auxiliaryInputs.append(channels)
    block("4b", 160, (112, 224), (24, 64), 64)
    block("4c", 128, (128, 256), (24, 64), 64)
    block("4d", 112, (144, 288), (32, 64), 64)
    auxiliaryInputs.append(channels)
    block("4e", 256, (160, 320), (32, 128), 128)
    pool(2)
    block("5a", 256, (160, 320), (32, 128), 128)
    block("5b", 384, (192, 384), (48, 128), 128)
    levels.append(FeatureLevel(stride: 32, channels: channels))
    body = Sequential(named: layers)
    self.levels = levels
    self.auxiliary =
      auxiliary
      ? auxiliaryInputs.enumerated().map { index, inputs in
        AuxiliaryHead(inputs, classes: classes) { widths("aux\(index + 1).\($0)", $1) }
      } : []
    fc = Linear(channels, classes)
    startConvolutions(.truncatedNormal(deviation: 0.01))
    startLinears(.truncatedNormal(deviation: 0.01))
  }

  public var members: [(name: String, value: Any)] {
    body.members + auxiliary.enumerated().map { ("aux\($0.offset + 1)", $0.element) }
      + [("dropout", dropout), ("fc", fc)]
  }

  public var head: [String] { ["fc"] + (auxiliary.isEmpty ? [] : ["aux1.fc2", "aux2.fc2"]) }
  public var auxiliaryHeads: [String] { auxiliary.indices.map { "aux\($0 + 1)" } }
  public var namesOfAllAuxiliaryHeads: [String] { ["aux1", "aux2"] }
  /// The paper's.
  public var auxiliaryWeight: Float { 0.3 }

  /// The places of `inception4a` and `inception4d` in the body.
  private static let auxiliaryPlaces = [8, 11]

  /// All channels but the classes: the branches' ends are read by the branches of the block behind,
  /// and by the auxiliary heads.
  public var channelGroups: [ChannelGroup] {
    var trace = ChannelTrace()
    let maps = trace.inceptions(body)
    trace.read("fc", maps[maps.count - 1])
    for (name, (head, place)) in zip(
      auxiliaryHeads, zip(auxiliary, GoogLeNet.auxiliaryPlaces))
    {
      let conv = trace.basic(name + ".conv", head.conv, maps[place])
      trace.read(name + ".fc1", conv, each: AuxiliaryHead.side * AuxiliaryHead.side)
      let hidden = trace.produce(name + ".fc1", channels: head.fc1.weight.shape[0])
      trace.read(name + ".fc2", hidden)
    }
    return trace.groups
  }

  /// The last maps at strides 2 to 32.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("GoogLeNet", side: 15)
    return body.outputs(of: [0, 3, 6, 12, 15], images)
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized, at least
  /// 15 pixels a side.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("GoogLeNet", side: 15)
    return fc(dropout(body(images).globalAverage()))
  }

  /// The logits and those of the auxiliary heads, which see the maps behind `inception4a`
  /// and `inception4d`.
  public func outputs(_ images: Tensor) -> AuxiliaryOutputs {
    images.checkPictures("GoogLeNet", side: 15)
    let maps = body.outputs(of: GoogLeNet.auxiliaryPlaces + [15], images)
    return AuxiliaryOutputs(
      logits: fc(dropout(maps[2].globalAverage())), auxiliary: zip(auxiliary, maps).map { $0($1) })
  }

  static let catalog = [
    ClassifierEntry(
      name: "googlenet", family: "GoogLeNet", source: .torchvision,
      input: .half(side: 224, smallestSide: 15, resizedSide: 256), abilities: .channels,
      auxiliarySide: 15
    ) { plan in
      GoogLeNet(
        classes: plan.classes, auxiliary: plan.variant.auxiliary, widths: plan.widths)
    }
  ]
}

/// Convolution without bias, batch norm (ε 0.001) and ReLU: `conv`, `bn`.
final class BasicConv2d: Layer {
  private let body: Sequential
  /// Channels that it puts out.
  let outputs: Int

  init(
    _ inputs: Int, _ outputs: Int, kernel: (Int, Int), stride: Int = 1, padding: (Int, Int)
  ) {
    self.outputs = outputs
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

extension InceptionBranches {
  /// Four branches: 1x1; 1x1 and 3x3, twice; a pooling and 1x1.
  ///
  /// - Parameters:
  ///   - one: channels of the 1x1 branch.
  ///   - three, five: of the other branches, before and behind the large kernel.
  ///   - pooled: of the branch with the pooling.
  fileprivate convenience init(
    _ inputs: Int, _ one: Int, _ three: (Int, Int), _ five: (Int, Int), _ pooled: Int,
    widths: (_ layer: String, _ published: Int) -> Int
  ) {
    self.init([
      Branch(inputs, [("branch1", one, (1, 1), 1)], widths),
      Branch(
        inputs, [("branch2.0", three.0, (1, 1), 1), ("branch2.1", three.1, (3, 3), 1)], widths),
      Branch(
        inputs, [("branch3.0", five.0, (1, 1), 1), ("branch3.1", five.1, (3, 3), 1)], widths),
      Branch(
        inputs, pool: MaxPool2d(kernel: 3, stride: 1, padding: 1, ceil: true),
        [("branch4.1", pooled, (1, 1), 1)], widths),
    ])
  }
}

/// Tells the classes apart from the middle of the network.
final class AuxiliaryHead: Layer {
  let conv: BasicConv2d
  let fc1, fc2: Linear
  private let dropout = Dropout(0.7)

  /// Height and width of the map that the first linear layer reads.
  static let side = 4

  init(
    _ inputs: Int, classes: Int, widths: (_ layer: String, _ published: Int) -> Int
  ) {
    let channels = widths("conv.conv", 128)
    let hidden = widths("fc1", 1024)
    conv = BasicConv2d(inputs, channels, kernel: 1)
    fc1 = Linear(channels * AuxiliaryHead.side * AuxiliaryHead.side, hidden)
    fc2 = Linear(hidden, classes)
  }

  func forward(_ x: Tensor) -> Tensor {
    let map = conv(adaptiveAveragePool2d(x, (AuxiliaryHead.side, AuxiliaryHead.side)))
    return fc2(dropout(relu(fc1(map.flatten(from: 1)))))
  }
}
