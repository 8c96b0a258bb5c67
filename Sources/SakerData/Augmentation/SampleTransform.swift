import SakerTensor

/// A change of a sample: boxes, masks and key points follow the picture. The same generator
/// gives the same result.
public protocol SampleTransform: Sendable, CustomStringConvertible {
  /// Whether anything is drawn. What comes before the first random transform is done once when
  /// pictures are cached.
  var isRandom: Bool { get }

  func apply(_ sample: inout Sample, using random: inout Random)

  /// Whether it may need other samples.
  var mixes: Bool { get }

  /// As `apply(_:using:)`, for transforms that may need other samples: mosaics, mixtures.
  func apply(_ sample: inout Sample, using random: inout Random, from source: SampleSource) throws
}

extension SampleTransform {
  public var isRandom: Bool { true }
  public var mixes: Bool { false }

  public func apply(
    _ sample: inout Sample, using random: inout Random, from source: SampleSource
  ) throws {
    apply(&sample, using: &random)
  }

  /// The type's name and its parameters: `HorizontalFlip(probability: 0.5)`.
  public var description: String {
    let parameters = Mirror(reflecting: self).children.map { child in
      "\(child.label ?? "_"): \(readable(child.value))"
    }
    let name = (self as? any ParameterizedTransform).map { type(of: $0).name }
    return "\(name ?? String(describing: type(of: self)))(\(parameters.joined(separator: ", ")))"
  }
}

private func readable(_ value: Any) -> String {
  switch value {
  case let range as ClosedRange<Float>: "\(range.lowerBound)...\(range.upperBound)"
  case let color as RGB: "[\(color.red), \(color.green), \(color.blue)]"
  case let rule as VisibilityRule: "\(rule.share)" + (rule.needsCentre ? " with centre" : "")
  case let list as [any SampleTransform]:
    "[" + list.map(\.description).joined(separator: ", ") + "]"
  default:
    Mirror(reflecting: value).displayStyle == .optional
      ? Mirror(reflecting: value).children.first.map { readable($0.value) } ?? "none" : "\(value)"
  }
}

/// Where transforms get other samples from.
public struct SampleSource {
  private let take: (inout Random) throws -> Sample

  /// - Parameter draw: a sample, chosen by the generator.
  public init(_ draw: @escaping (inout Random) throws -> Sample) { take = draw }

  public func draw(_ random: inout Random) throws -> Sample { try take(&random) }
}

/// A transform that needs other samples. Alone, without a source, it changes nothing.
public protocol MixingTransform: SampleTransform {}

extension MixingTransform {
  public var mixes: Bool { true }
  public func apply(_ sample: inout Sample, using random: inout Random) {}
}

extension Collection where Element == any SampleTransform {
  /// Applies all transforms in order. Where one needs other samples, each goes first
  /// through the transforms before that one, with numbers of its own: after a mosaic,
  /// `MixUp` mixes two mosaics.
  ///
  /// - Parameter source: samples as they are before the first transform.
  /// - Throws: what the source throws.
  public func apply(
    to sample: inout Sample, using random: inout Random, from source: SampleSource
  ) throws {
    let transforms = Array(self)
    for (index, transform) in transforms.enumerated() {
      let before = transforms[..<index]
      let ready = SampleSource { random in
        var other = try source.draw(&random)
        try before.apply(to: &other, using: &random, from: source)
        return other
      }
      try transform.apply(&sample, using: &random, from: ready)
    }
  }
}

/// Applies another transform with a probability.
public struct Sometimes: SampleTransform {
  public let transform: any SampleTransform
  public let probability: Float

  /// - Parameter probability: 0...1.
  public init(_ transform: any SampleTransform, probability: Float) {
    precondition((0...1).contains(probability), "a probability is 0...1, got \(probability)")
    self.transform = transform
    self.probability = probability
  }

  public var mixes: Bool { transform.mixes }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    if random.uniform() < probability { transform.apply(&sample, using: &random) }
  }

  public func apply(
    _ sample: inout Sample, using random: inout Random, from source: SampleSource
  ) throws {
    if random.uniform() < probability {
      try transform.apply(&sample, using: &random, from: source)
    }
  }
}

/// Applies one transform with a probability, else another.
public struct Either: SampleTransform {
  public let first, second: any SampleTransform
  public let probability: Float

  /// - Parameter probability: of the first, 0...1.
  public init(
    _ first: any SampleTransform, or second: any SampleTransform, probability: Float = 0.5
  ) {
    precondition((0...1).contains(probability), "a probability is 0...1, got \(probability)")
    self.first = first
    self.second = second
    self.probability = probability
  }

  public var mixes: Bool { first.mixes || second.mixes }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    (random.uniform() < probability ? first : second).apply(&sample, using: &random)
  }

  public func apply(
    _ sample: inout Sample, using random: inout Random, from source: SampleSource
  ) throws {
    let chosen = random.uniform() < probability ? first : second
    try chosen.apply(&sample, using: &random, from: source)
  }
}

/// Applies one of several transforms, each as likely as the others.
public struct OneOf: SampleTransform {
  public let transforms: [any SampleTransform]

  public init(_ transforms: [any SampleTransform]) {
    precondition(!transforms.isEmpty, "one of at least 1 transform, got none")
    self.transforms = transforms
  }

  public var mixes: Bool { transforms.contains { $0.mixes } }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    transforms[random.index(below: transforms.count)].apply(&sample, using: &random)
  }

  public func apply(
    _ sample: inout Sample, using random: inout Random, from source: SampleSource
  ) throws {
    let chosen = transforms[random.index(below: transforms.count)]
    try chosen.apply(&sample, using: &random, from: source)
  }
}

/// Applies several transforms in order: a list as one transform.
public struct InOrder: SampleTransform {
  public let transforms: [any SampleTransform]

  public init(_ transforms: [any SampleTransform]) { self.transforms = transforms }

  public var isRandom: Bool { transforms.contains { $0.isRandom } }

  public var mixes: Bool { transforms.contains { $0.mixes } }

  public func apply(_ sample: inout Sample, using random: inout Random) {
    for transform in transforms { transform.apply(&sample, using: &random) }
  }

  public func apply(
    _ sample: inout Sample, using random: inout Random, from source: SampleSource
  ) throws {
    try transforms.apply(to: &sample, using: &random, from: source)
  }
}
