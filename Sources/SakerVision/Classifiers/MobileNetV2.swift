import SakerNN
import SakerTensor

/// Inverted residuals: narrow, wide and depthwise, narrow again without activation. Sandler et al.,
/// arXiv:1801.04381, table 2. Names are torchvision's: `features.1.conv.0.0`, ..., `classifier.1`.
public final class MobileNetV2: PrunableClassifier {
  let body: Sequential
  let classifier: Sequential
  public let levels: [FeatureLevel]
  /// The last layer of each stride.
  private let taps: [Int]

  /// - Parameters:
  ///   - width: factor of all numbers of channels; the last layer never shrinks.
  ///   - small: whether the first two strides are 1, for small pictures.
  ///   - widths: of a network that lost channels.
  public init(
    width: Double = 1, small: Bool = false, classes: Int = 1000, dropout: Float = 0.2,
    widths: ChannelWidths = ChannelWidths()
  ) {
    // As published, and as it is.
    var full = divisible(32 * width)
    var channels = widths("features.0.0", full)
    var strides = StrideCounter(small: small)
    var layers: [any Layer] = [
      Sequential.normalized(3, channels, kernel: 3, stride: strides.next(2), ReLU6())
    ]
    var (levels, taps): ([FeatureLevel], [Int]) = ([], [])
    // Expansion, channels, blocks, stride of the first.
    let stages = [
      (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
      (6, 320, 1, 1),
    ]
    for (expansion, wide, depth, step) in stages {
      let before = strides.total
      let first = strides.next(step)
      if first == 2 {
        levels.append(FeatureLevel(stride: before, channels: channels))
        taps.append(layers.count - 1)
      }
      let published = divisible(Double(wide) * width)
      for index in 0..<depth {
        let stride = index == 0 ? first : 1
        let name = "features.\(layers.count).conv"
        let adds = stride == 1 && full == published
        let outputs =
          adds ? channels : widths(name + (expansion == 1 ? ".1" : ".2"), published)
        let hidden = expansion == 1 ? channels : widths(name + ".0.0", full * expansion)
        layers.append(
          MobileNetV2.block(
            channels, hidden, outputs, stride: stride, expands: expansion != 1, adds: adds))
        (full, channels) = (published, outputs)
      }
    }
    let last = widths("features.\(layers.count).0", divisible(1280 * max(1, width)))
    layers.append(Sequential.normalized(channels, last, kernel: 1, ReLU6()))
    levels.append(FeatureLevel(stride: strides.total, channels: last))
    taps.append(layers.count - 1)
    body = Sequential(layers)
    classifier = Sequential(Dropout(dropout), Linear(last, classes))
    (self.levels, self.taps) = (levels, taps)
    startConvolutions(.kaimingNormal(fan: .output))
    startLinears(.normal(deviation: 0.01))
  }

  private static func block(
    _ inputs: Int, _ hidden: Int, _ outputs: Int, stride: Int, expands: Bool, adds: Bool
  ) -> any Layer {
    var layers: [any Layer] = []
    if expands { layers.append(Sequential.normalized(inputs, hidden, kernel: 1, ReLU6())) }
    layers += [
      Sequential.normalized(hidden, hidden, kernel: 3, stride: stride, groups: hidden, ReLU6()),
      Conv2d(hidden, outputs, kernel: 1, bias: false), BatchNorm2d(outputs),
    ]
    let body: [(name: String, layer: any Layer)] = [("conv", Sequential(layers))]
    return adds ? ResidualBlock(body) : Sequential(named: body)
  }

  public var members: [(name: String, value: Any)] {
    [("features", body), ("classifier", classifier)]
  }

  public var head: [String] { ["classifier.1"] }

  /// The wide channels of each block, with their depthwise convolution; the streams between the
  /// blocks; and the last convolution.
  public var channelGroups: [ChannelGroup] {
    func group(_ name: String, _ norms: [String]) -> ChannelGroup {
      ChannelGroup(name, channels: outputs(of: name), norms: norms, readers: [])
    }
    var inner: [ChannelGroup] = []
    var streams = [group("features.0.0", ["features.0.1"])]
    for index in 1..<body.count - 1 {
      let name = "features.\(index).conv"
      let expands = outputs(of: name + ".2") > 0
      let project = name + (expands ? ".2" : ".1")
      let norm = name + (expands ? ".3" : ".2")
      if expands {
        streams[streams.count - 1].readers.append(.init(name + ".0.0"))
        var wide = group(name + ".0.0", [name + ".0.1", name + ".1.1"])
        wide.followers = [name + ".1.0"]
        wide.readers = [.init(project)]
        inner.append(wide)
      } else {
        // The stream itself goes through the depthwise convolution.
        streams[streams.count - 1].norms.append(name + ".0.1")
        streams[streams.count - 1].followers.append(name + ".0.0")
        streams[streams.count - 1].readers.append(.init(project))
      }
      if body[index] is ResidualBlock {
        streams[streams.count - 1].producers.append(project)
        streams[streams.count - 1].norms.append(norm)
      } else {
        streams.append(group(project, [norm]))
      }
    }
    let last = "features.\(body.count - 1)"
    streams[streams.count - 1].readers.append(.init(last + ".0"))
    for index in streams.indices { streams[index].isStream = true }
    var end = group(last + ".0", [last + ".1"])
    end.readers = [.init("classifier.1")]
    return inner + [end] + streams
  }

  /// The last maps at strides 2 to 32; with the small stem 1 to 8.
  public func features(_ images: Tensor) -> [Tensor] {
    images.checkPictures("MobileNetV2", side: 1)
    return body.outputs(of: taps, images)
  }

  /// Class logits, `[N, classes]`, of RGB pictures `[N, 3, H, W]`, normalized.
  public func forward(_ images: Tensor) -> Tensor {
    images.checkPictures("MobileNetV2", side: 1)
    return classifier(body(images).globalAverage())
  }

  static let catalog = [
    ClassifierEntry(
      name: "mobilenet_v2", family: "MobileNetV2", source: .torchvision,
      abilities: [.stem, .width, .channels]
    ) { plan in
      MobileNetV2(
        width: plan.width, small: plan.isSmall, classes: plan.classes, widths: plan.widths)
    }
  ]
}
