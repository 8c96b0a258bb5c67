import Foundation
import SakerData

/// What a checkpoint says about its classifier, so that the weights alone suffice to
/// build and use it.
public struct ClassifierCard: Hashable, Codable, Sendable {
  /// The name in the catalogue, such as `resnet18`.
  public var architecture: String
  /// How the network differs from the published one.
  public var variant: ClassifierVariant
  /// In the order of the logits.
  public var classNames: [String]
  /// How a picture becomes the network's input.
  public var input: ClassifierInput
  /// The classes' shares in training, where predictions are to be freed of them; else `nil`.
  public var priors: [Float]?
  /// Of a network that lost channels: how many its groups have left, by their names.
  public var widths: [String: Int]?
  /// Whether its leaky ReLUs are Darknet's, of slope 0.1, where timm's are of 0.01: such weights
  /// are told apart by nothing else.
  public var hasDarknetSlopes: Bool?

  public init(
    architecture: String, variant: ClassifierVariant = ClassifierVariant(), classNames: [String],
    input: ClassifierInput, priors: [Float]? = nil
  ) {
    self.architecture = architecture
    self.variant = variant
    self.classNames = classNames
    self.input = input
    self.priors = priors
  }

  /// The network, with random weights.
  ///
  /// - Throws: `ModelCardError` if there is no such network.
  public func build() throws(ModelCardError) -> any Classifier {
    guard let entry = ClassifierCatalog.named(architecture) else {
      throw ModelCardError(
        description: "expected a classifier that 'saker models' lists, got '\(architecture)'")
    }
    let plan = ClassifierPlan(classes: classNames.count, side: input.side, variant: variant)
    if let problem = entry.problem(with: plan) { throw ModelCardError(description: problem) }
    if let widths { return try buildNarrow(entry, plan, widths) }
    if hasDarknetSlopes == true, let network = entry.buildAsDarknet(classNames.count) {
      return network
    }
    return entry.build(plan)
  }
}

/// How a network differs from the published one, of families that can.
public struct ClassifierVariant: Hashable, Codable, Sendable {
  public var stem: ClassifierStem
  /// Channels everywhere, in units of the published ones, 1/8...4.
  public var width: Double
  /// Whether it has auxiliary heads.
  public var auxiliary: Bool

  public init(stem: ClassifierStem = .standard, width: Double = 1, auxiliary: Bool = false) {
    self.stem = stem
    self.width = width
    self.auxiliary = auxiliary
  }

  private enum CodingKeys: CodingKey { case stem, width, auxiliary }

  /// Older cards say nothing about auxiliary heads.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    stem = try values.decode(ClassifierStem.self, forKey: .stem)
    width = try values.decode(Double.self, forKey: .width)
    auxiliary = try values.decodeIfPresent(Bool.self, forKey: .auxiliary) ?? false
  }

  /// Nothing is written about heads that aren't there, so that older programs read the card.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(stem, forKey: .stem)
    try values.encode(width, forKey: .width)
    if auxiliary { try values.encode(true, forKey: .auxiliary) }
  }

  public var isPublished: Bool { self == ClassifierVariant() }

  /// For people: `small stem, width 0.5`; empty for the published one.
  public var description: String {
    [
      stem == .small ? "small stem" : "", width == 1 ? "" : "width \(width)",
      auxiliary ? "auxiliary heads" : "",
    ].filter { !$0.isEmpty }.joined(separator: ", ")
  }
}

/// How a network begins.
public enum ClassifierStem: String, Codable, Sendable, CaseIterable {
  /// As published, most often for pictures of 224 pixels.
  case standard
  /// Without the strides that leave nothing of pictures of 28 to 64 pixels.
  case small
}

extension ClassifierCard {
  /// The key in a checkpoint's metadata.
  public static let metadataKey = "saker.classifier"

  /// As an entry for a checkpoint's metadata; the same card gives the same text.
  public var metadata: [String: String] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    // Finite numbers and texts always encode.
    guard let data = try? encoder.encode(self) else {
      fatalError("ClassifierCard: expected finite numbers, got \(self)")
    }
    return [ClassifierCard.metadataKey: String(decoding: data, as: UTF8.self)]
  }

  /// From a checkpoint's metadata.
  ///
  /// - Parameter file: what messages call the checkpoint.
  /// - Throws: `ModelCardError` if there is no card, or one that makes no sense.
  public init(metadata: [String: String], file: String) throws(ModelCardError) {
    func fail(_ problem: String) -> ModelCardError {
      ModelCardError(description: "\(file): \(ClassifierCard.metadataKey): \(problem)")
    }
    guard let text = metadata[ClassifierCard.metadataKey] else {
      let other =
        metadata[ModelCard.metadataKey] == nil ? "got none" : "got that of a detector"
      throw ModelCardError(
        description:
          "\(file): expected metadata '\(ClassifierCard.metadataKey)' that says which classifier it is for, "
          + other)
    }
    do {
      self = try JSONDecoder().decode(ClassifierCard.self, from: Data(text.utf8))
    } catch let DecodingError.keyNotFound(key, _) {
      throw fail("expected '\(key.stringValue)', got none")
    } catch {
      throw fail("expected the description of a classifier as JSON, got \(text.prefix(60))")
    }
    if let problem { throw fail(problem) }
  }

  /// What would make the network or its input impossible.
  private var problem: String? {
    if classNames.isEmpty { return "expected class names, got none" }
    if let priors, priors.count != classNames.count || !priors.allSatisfy({ (0...1).contains($0) })
    {
      return "expected \(classNames.count) shares of 0...1, got \(priors)"
    }
    guard (0.125...4).contains(variant.width) else {
      return "expected a width of 0.125 to 4, got \(variant.width)"
    }
    return input.problem
  }
}

extension ClassifierInput {
  /// What would make it impossible.
  public var problem: String? {
    if !(1...16384).contains(side) || !(side...65536).contains(resizedSide) {
      return
        "expected an input of 1 to 16384 pixels a side, cut from as much or more, got \(side) of \(resizedSide)"
    }
    guard channels == 1 || channels == 3 else { return "expected 1 or 3 channels, got \(channels)" }
    if mean.count != channels || std.count != channels || std.contains(0)
      || !(mean + std).allSatisfy(\.isFinite)
    {
      return "expected \(channels) means and deviations that aren't 0, got \(mean) and \(std)"
    }
    return nil
  }
}
