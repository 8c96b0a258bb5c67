import SakerNN
import SakerTensor

/// A classifier that can be built by its name.
public struct ClassifierEntry: Sendable {
  /// torchvision's name where it has the model, else timm's, else the paper's in lower case.
  public let name: String
  /// The type that builds it.
  public let family: String
  /// Whose names its weights have, and whose outputs it was compared with.
  public let source: Source
  /// What it expects of pictures.
  public let input: ClassifierInput
  /// - Parameter classes: of the last layer.
  public let build: @Sendable (_ classes: Int) -> any Classifier
  /// The same with another stem or width, where the family has them.
  public let buildVariant: (@Sendable (ClassifierVariant, _ classes: Int) -> any Classifier)?
  /// The same with fewer channels, where the family can lose some.
  public let buildNarrow: NarrowBuilder?

  public typealias NarrowBuilder =
    @Sendable (ClassifierVariant, ChannelWidths, _ classes: Int) -> any PrunableClassifier

  public enum Source: String, Codable, Sendable {
    case torchvision, timm
    /// Neither has it: the paper, and an independent definition in `Scripts/golden/classifiers.py`.
    case paper
  }

  public init(
    name: String, family: String, source: Source, input: ClassifierInput = .imageNet,
    buildVariant: (@Sendable (ClassifierVariant, _ classes: Int) -> any Classifier)? = nil,
    buildNarrow: NarrowBuilder? = nil,
    build: @escaping @Sendable (_ classes: Int) -> any Classifier
  ) {
    self.name = name
    self.family = family
    self.source = source
    self.input = input
    self.build = build
    self.buildVariant = buildVariant
    self.buildNarrow = buildNarrow
  }
}

/// What a classifier expects of its pictures.
public struct ClassifierInput: Hashable, Codable, Sendable {
  /// Height and width of the crop that the network sees.
  public var side: Int
  /// The least side that leaves something of the last map.
  public var smallestSide: Int
  /// The shorter side is resized to this before the crop.
  public var resizedSide: Int
  public var interpolation: Interpolation
  /// In the order of the channels, where black is 0 and white 1.
  public var mean: [Float]
  public var std: [Float]
  /// 3, or 1 for gray.
  public var channels: Int
  public var order: Order

  public enum Interpolation: String, Codable, Sendable { case bilinear, bicubic }

  /// Of the channels; weights that came from OpenCV's world have blue first.
  public enum Order: String, Codable, Sendable { case rgb, bgr }

  public init(
    side: Int = 224, smallestSide: Int = 32, resizedSide: Int? = nil,
    interpolation: Interpolation = .bilinear, mean: [Float] = [0.485, 0.456, 0.406],
    std: [Float] = [0.229, 0.224, 0.225], channels: Int = 3, order: Order = .rgb
  ) {
    self.side = side
    self.smallestSide = smallestSide
    self.resizedSide = resizedSide ?? side * 256 / 224
    self.interpolation = interpolation
    self.mean = mean
    self.std = std
    self.channels = channels
    self.order = order
  }

  /// 224 of 256 pixels, with ImageNet's means and deviations: torchvision's first recipe.
  public static let imageNet = ClassifierInput()
  /// Means and deviations of one half, as the Inception networks and many transformers were trained.
  public static func half(
    side: Int, smallestSide: Int = 32, resizedSide: Int? = nil,
    interpolation: Interpolation = .bilinear
  ) -> ClassifierInput {
    ClassifierInput(
      side: side, smallestSide: smallestSide, resizedSide: resizedSide,
      interpolation: interpolation, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5])
  }
}

/// Every classifier by name: the only such table.
public enum ClassifierCatalog {
  public static let all: [ClassifierEntry] =
    [
      LeNet.catalog, AlexNet.catalog, NiN.catalog, VGG.catalog, GoogLeNet.catalog,
      InceptionV2.catalog, InceptionV3.catalog, InceptionV4.catalog, InceptionResNetV2.catalog,
      ResNet.catalog, ResNetV2.catalog, DenseNet.catalog, Darknet19.catalog, Darknet53.catalog,
      CSPNet.catalog, MobileNetV1.catalog, MobileNetV2.catalog, MobileNetV3.catalog,
      ShuffleNetV1.catalog, ShuffleNetV2.catalog, GhostNet.catalog, EfficientNet.catalog,
      RepVGG.catalog, VisionTransformer.catalog, MLPMixer.catalog, ConvMixer.catalog,
      FNet.catalog,
    ].flatMap { $0 }

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// The classifier of that name, or `nil`.
  public static func named(_ name: String) -> ClassifierEntry? { byName[name] }
}
