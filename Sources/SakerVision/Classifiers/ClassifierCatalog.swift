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
  /// The preprocessing that it expects.
  public let input: ClassifierInput
  /// Number of classes of the published network.
  public let classes: Int
  /// How it can differ from the published network.
  public let abilities: Abilities
  /// Pixels a side of its patches, of networks that are made for one size of pictures,
  /// a multiple of it.
  public let patch: Int?
  /// The least side of pictures for its auxiliary heads, where it has some.
  public let auxiliarySide: Int?
  private let maker: @Sendable (ClassifierPlan) -> any Classifier

  /// How a network can differ from the published one.
  public struct Abilities: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// A stem for small pictures.
    public static let stem = Abilities(rawValue: 1)
    /// More or fewer channels everywhere.
    public static let width = Abilities(rawValue: 2)
    /// Channels can be taken away: it is a `PrunableClassifier`.
    public static let channels = Abilities(rawValue: 4)
  }

  public enum Source: String, Codable, Sendable {
    case torchvision, timm
    /// Neither has it: the paper, and an independent definition in `Scripts/golden/classifiers.py`.
    case paper
  }

  public init(
    name: String, family: String, source: Source, input: ClassifierInput = .imageNet,
    build: @escaping @Sendable (_ classes: Int) -> any Classifier
  ) {
    self.init(name: name, family: family, source: source, input: input, abilities: []) {
      build($0.classes)
    }
  }

  /// - Parameters:
  ///   - classes: of the published network: 1000, or of gray pictures 10, if left out.
  ///   - patch: of networks that are made for one size of pictures.
  ///   - auxiliarySide: the least side of pictures for auxiliary heads, if the plan
  ///     may ask for some.
  ///   - build: obeys all of the plan that the abilities name.
  public init(
    name: String, family: String, source: Source, input: ClassifierInput = .imageNet,
    classes: Int? = nil, abilities: Abilities, patch: Int? = nil, auxiliarySide: Int? = nil,
    build: @escaping @Sendable (ClassifierPlan) -> any Classifier
  ) {
    self.name = name
    self.family = family
    self.source = source
    self.input = input
    self.classes = classes ?? (input.channels == 1 ? 10 : 1000)
    self.abilities = abilities
    self.patch = patch
    self.auxiliarySide = auxiliarySide
    maker = build
  }

  /// The published network.
  ///
  /// - Parameter classes: of the last layer.
  public func build(_ classes: Int) -> any Classifier {
    maker(ClassifierPlan(classes: classes, side: input.side))
  }

  /// - Parameter plan: one that `problem(with:)` finds nothing wrong with.
  public func build(_ plan: ClassifierPlan) -> any Classifier { maker(plan) }

  /// The side of small pictures that the network can take with the stem for them, at
  /// least so many pixels.
  public func smallSide(atLeast side: Int) -> Int {
    guard patch != nil else { return side }
    let patch = ClassifierPlan.smallPatch
    return (side + patch - 1) / patch * patch
  }

  /// What the network lacks that a plan asks for.
  public func problem(with plan: ClassifierPlan) -> String? {
    let variant = plan.variant
    if variant.stem != .standard && !abilities.contains(.stem) {
      return "\(name) has no other stem, got \(variant.stem.rawValue)"
    }
    if variant.width != 1 && !abilities.contains(.width) {
      return "\(name) has no other widths, got \(variant.width)"
    }
    if variant.auxiliary && auxiliarySide == nil { return "\(name) has no auxiliary heads" }
    if let patch = patch.map({ variant.stem == .small ? ClassifierPlan.smallPatch : $0 }),
      plan.side % patch != 0
    {
      return
        "\(name) has patches of \(patch)x\(patch): expected a multiple of it for its pictures' side, got \(plan.side)"
    }
    return nil
  }
}

/// What a network is built by.
public struct ClassifierPlan: Sendable {
  public var classes: Int
  /// Pixels a side of its pictures: for networks that are made for one size.
  public var side: Int
  public var variant: ClassifierVariant
  /// Remaining channels of a pruned network.
  public var widths: ChannelWidths

  /// Pixels a side of patches of small pictures.
  static let smallPatch = 4

  public init(
    classes: Int, side: Int, variant: ClassifierVariant = ClassifierVariant(),
    widths: ChannelWidths = ChannelWidths()
  ) {
    (self.classes, self.side, self.variant, self.widths) = (classes, side, variant, widths)
  }

  var isSmall: Bool { variant.stem == .small }
  /// In units of the published channels.
  var width: Double { variant.width }

  /// Pixels a side of a patch, of `published` with the standard stem.
  func patch(_ published: Int) -> Int { isSmall ? ClassifierPlan.smallPatch : published }

  /// Channels of `full` as wide as the plan says, a multiple of 8.
  func scaled(_ full: Int) -> Int { width == 1 ? full : full.scaled(width) }
}

extension Int {
  /// So many channels times `share`, the nearest multiple of 8, at least 8.
  func scaled(_ share: Double) -> Int {
    Swift.max(8, Int((Double(self) * share / 8).rounded()) * 8)
  }
}

/// The preprocessing of a classifier's input images.
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

  /// Order of the channels; weights trained with OpenCV have blue first.
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
  /// Means and deviations of one half, as the Inception networks and many transformers were
  /// trained.
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
      ResNet.catalog, CIFARResNet.catalog, ResNetV2.catalog, DenseNet.catalog, Darknet19.catalog,
      Darknet53.catalog,
      CSPNet.catalog, MobileNetV1.catalog, MobileNetV2.catalog, MobileNetV3.catalog,
      ShuffleNetV1.catalog, ShuffleNetV2.catalog, GhostNet.catalog, EfficientNet.catalog,
      RepVGG.catalog, VisionTransformer.catalog, MLPMixer.catalog, ConvMixer.catalog,
      FNet.catalog,
    ].flatMap { $0 }

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// The classifier of that name, or `nil`.
  public static func named(_ name: String) -> ClassifierEntry? { byName[name] }
}
