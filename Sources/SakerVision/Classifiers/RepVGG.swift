import SakerNN
import SakerTensor

/// Learns with a 3x3 convolution, a 1x1 convolution and the identity side by side, each normalized,
/// and computes all of them as one 3x3 convolution when it has learned: `fused()`. Ding et al.,
/// arXiv:2101.03697, tables 2 and 3. Names are timm's: `stem.conv_kxk.conv`, `stages.0.0.identity`,
/// ..., `head.fc`; fused `stages.0.0.reparam_conv`.
public final class RepVGG: Classifier {
  public let configuration: Configuration
  let stem: RepVGGBlock
  let stages: [[RepVGGBlock]]
  let fc: Linear
  public let levels: [FeatureLevel]

  public struct Configuration: Sendable {
    /// Blocks in each of the four stages behind the stem.
    public var depths: [Int]
    /// Factors of 64, 128, 256 and 512 channels.
    public var widths: [Double]
    /// Groups of every second convolution.
    public var groups = 1
    /// Whether the first two strides are 1, for small pictures.
    public var isSmall = false

    public init(depths: [Int], widths: [Double], groups: Int = 1) {
      self.depths = depths
      self.widths = widths
      self.groups = groups
    }

    /// With that many groups in every second convolution.
    public func grouped(_ groups: Int) -> Configuration {
      Configuration(depths: depths, widths: widths, groups: groups)
    }

    /// For small pictures.
    public var small: Configuration {
      var copy = self
      copy.isSmall = true
      return copy
    }

    /// With `share` times as many channels everywhere, multiples of 8.
    public func scaled(_ share: Double) -> Configuration {
      guard share != 1 else { return self }
      var copy = self
      copy.widths = widths.enumerated().map { stage, factor in
        let published = Int(Double(64 << stage) * factor)
        return Double(published.scaled(share)) / Double(64 << stage)
      }
      return copy
    }
  }

  public convenience init(_ configuration: Configuration, classes: Int = 1000) {
    self.init(configuration, classes: classes, isFused: false)
  }

  private init(_ configuration: Configuration, classes: Int, isFused: Bool) {
    self.configuration = configuration
    let widths = configuration.widths.enumerated().map { Int(Double(64 << $0) * $1) }
    var channels = min(64, widths[0])
    var strides = StrideCounter(small: configuration.isSmall)
    stem = RepVGGBlock(
      3, channels, stride: strides.next(2), hasIdentity: false, isFused: isFused)
    var levels = [FeatureLevel(stride: strides.total, channels: channels)]
    stages = zip(configuration.depths, widths).map { depth, width in
      let first = strides.next(2)
      levels.append(FeatureLevel(stride: strides.total, channels: width))
      return (0..<depth).map { index in
        defer { channels = width }
        return RepVGGBlock(
          channels, width, stride: index == 0 ? first : 1,
          groups: index % 2 == 1 ? configuration.groups : 1, hasIdentity: index > 0,
          isFused: isFused)
      }
    }
    fc = Linear(channels, classes)
    self.levels = levels
    startConvolutions(.kaimingNormal(fan: .output))
    startLinears(.normal(deviation: 0.01))
  }

  public var members: [(name: String, value: Any)] {
    [("stem", stem), ("stages", stages), ("head.fc", fc)]
  }

  public var head: [String] { ["head.fc"] }
  /// Whether it has plain convolutions, as `fused()` makes them.
  public var isFused: Bool { stem.isFused }

  /// The maps at strides 2, 4, 8, 16 and 32; with the small stem 1, 1, 2, 4 and 8.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("RepVGG", side: 1)
    var maps = [stem(images)]
    for stage in stages { maps.append(stage(maps[maps.count - 1])) }
    return maps
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("RepVGG", side: 1)
    return fc(stages.reduce(stem(images)) { $1($0) }.globalAverage())
  }

  /// The same function as in evaluation now, of plain 3x3 convolutions with biases and ReLUs; it
  /// learns on its own.
  public func fused() -> RepVGG {
    let plain = RepVGG(configuration, classes: fc.weight.shape[0], isFused: true)
    let blocks = [stem] + stages.flatMap { $0 }
    let targets = [plain.stem] + plain.stages.flatMap { $0 }
    for (block, target) in zip(blocks, targets) {
      let (weight, bias) = block.kernel
      target.plain?.weight.value = weight
      target.plain?.bias?.value = bias
    }
    plain.fc.weight.value = fc.weight.value.detached()
    if let bias = fc.bias { plain.fc.bias?.value = bias.value.detached() }
    return plain
  }
}

/// `relu(norm(conv3x3(x)) + norm(conv1x1(x)) + norm(x))`, the last where the shape stays; or the
/// same as one convolution.
final class RepVGGBlock: Layer {
  private let identity: BatchNorm2d?
  private let large, small: Sequential?
  let plain: Conv2d?
  private let run: any Layer

  /// - Parameter hasIdentity: where the shape stays and the block is not the first of a stage.
  init(
    _ inputs: Int, _ outputs: Int, stride: Int, groups: Int = 1, hasIdentity: Bool, isFused: Bool
  ) {
    func conv(_ kernel: Int, bias: Bool) -> Conv2d {
      Conv2d(
        inputs, outputs, kernel: kernel, stride: stride, padding: kernel / 2, groups: groups,
        bias: bias)
    }
    if isFused {
      let conv = conv(3, bias: true)
      plain = conv
      (identity, large, small) = (nil, nil, nil)
      run = Sequential(conv, ReLU())
      return
    }
    func branch(_ kernel: Int) -> Sequential {
      Sequential(named: [("conv", conv(kernel, bias: false)), ("bn", BatchNorm2d(outputs))])
    }
    let (large, small) = (branch(3), branch(1))
    let identity = hasIdentity ? BatchNorm2d(inputs) : nil
    plain = nil
    (self.identity, self.large, self.small) = (identity, large, small)
    // Each sum is part of the normalization before it.
    run = Residual(
      large, shortcut: identity.map { Residual(small, shortcut: $0) } ?? small,
      activation: ReLU())
  }

  var isFused: Bool { plain != nil }

  var members: [(name: String, value: Any)] {
    [
      ("identity", identity as Any), ("conv_kxk", large as Any), ("conv_1x1", small as Any),
      ("reparam_conv", plain as Any),
    ]
  }

  func forward(_ x: Tensor) -> Tensor { run(x) }

  /// What the branches are together: weight `[out, in / groups, 3, 3]` and bias. Section
  /// 3.3 of the paper.
  var kernel: (weight: Tensor, bias: Tensor) {
    withoutGradients {
      guard let large, let small else {
        return (plain!.weight.value.detached(), plain!.bias!.value.detached())
      }
      var (weight, bias) = folded(large)
      let (point, shift) = folded(small)
      weight = weight + pad(point, [(1, 1), (1, 1)])
      bias = bias + shift
      if let identity {
        let shape = weight.shape
        let unit = Tensor(shape, of: Float.self) { elements in
          for i in elements.indices { elements[i] = 0 }
          // Each output takes the input of its own number, counted within its group.
          for output in 0..<shape[0] {
            elements[(output * shape[1] + output % shape[1]) * 9 + 4] = 1
          }
        }
        let (scale, shift) = identity.line
        weight = weight + unit * scale.reshape([shape[0], 1, 1, 1])
        bias = bias + shift
      }
      return (weight, bias)
    }
  }

  private func folded(_ branch: Sequential) -> (weight: Tensor, bias: Tensor) {
    guard let conv = branch[0] as? Conv2d, let norm = branch[1] as? BatchNorm2d else {
      fatalError("a branch is a convolution and a batch norm")
    }
    let (scale, shift) = norm.line
    return (conv.weight.value * scale.reshape([scale.count, 1, 1, 1]), shift)
  }
}

extension BatchNorm {
  /// In evaluation it computes `scale x + shift`, each `[C]`.
  fileprivate var line: (scale: Tensor, shift: Tensor) {
    let one = Tensor.ones([channels])
    let scale = (weight?.value ?? one) / sqrt((runningVar?.value ?? one) + epsilon)
    let shift = (runningMean?.value ?? .zeros([channels])) * scale
    return (scale, (bias?.value ?? .zeros([channels])) - shift)
  }
}

extension RepVGG.Configuration {
  public static let a0 = Self(depths: [2, 4, 14, 1], widths: [0.75, 0.75, 0.75, 2.5])
  public static let a1 = Self(depths: [2, 4, 14, 1], widths: [1, 1, 1, 2.5])
  public static let a2 = Self(depths: [2, 4, 14, 1], widths: [1.5, 1.5, 1.5, 2.75])
  public static let b0 = Self(depths: [4, 6, 16, 1], widths: [1, 1, 1, 2.5])
  public static let b1 = Self(depths: [4, 6, 16, 1], widths: [2, 2, 2, 4])
  public static let b2 = Self(depths: [4, 6, 16, 1], widths: [2.5, 2.5, 2.5, 5])
  public static let b3 = Self(depths: [4, 6, 16, 1], widths: [3, 3, 3, 5])
}

extension RepVGG {
  static let catalog: [ClassifierEntry] = [
    ("a0", Configuration.a0), ("a1", .a1), ("a2", .a2), ("b0", .b0), ("b1", .b1),
    ("b1g4", .b1.grouped(4)), ("b2", .b2), ("b2g4", .b2.grouped(4)), ("b3", .b3),
    ("b3g4", .b3.grouped(4)),
  ].map { name, configuration in
    ClassifierEntry(
      name: "repvgg_\(name)", family: "RepVGG", source: .timm, abilities: [.stem, .width]
    ) {
      let scaled = configuration.scaled($0.width)
      return RepVGG($0.isSmall ? scaled.small : scaled, classes: $0.classes)
    }
  }
}
