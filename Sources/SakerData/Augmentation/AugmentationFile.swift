import Foundation
import Yams

/// A list of transforms as JSON or YAML: each is a mapping with its type's `name` and its
/// parameters, of which those left out have the values of `standard`. `Sometimes` has a
/// `probability` and a `transform`, `Either` a `probability`, a `first` and a `second`, `OneOf` and
/// `InOrder` have `transforms`.
///
/// ```yaml
/// - name: Mosaic
///   size: 640
/// - name: Sometimes
///   probability: 0.3
///   transform: {name: GaussianBlur, probability: 1}
/// - name: HorizontalFlip
/// ```
public enum AugmentationFile {
  /// All transforms that files can name.
  public static let types: [any ParameterizedTransform.Type] = [
    AutoAugment.self, ColorJitter.self, CopyPaste.self, SampleCutMix.self, Cutout.self,
    Expansion.self,
    GaussianBlur.self, GaussianNoise.self, HSVGains.self, HorizontalFlip.self, JPEGArtifacts.self,
    Letterbox.self, LongestSide.self, SampleMixUp.self, Mosaic.self, QuarterTurns.self,
    RandAugment.self, RandomAffine.self, RandomAutocontrast.self, RandomCrop.self,
    RandomEqualize.self, RandomErasing.self, RandomGamma.self, RandomGrayscale.self,
    RandomInvert.self, RandomPerspective.self, RandomPosterize.self, RandomResizedCrop.self,
    RandomRotation.self, RandomScale.self, RandomSharpness.self, RandomShift.self,
    RandomSolarize.self, Resize.self, SaltAndPepper.self, TrivialAugment.self, VerticalFlip.self,
  ]

  /// Why a list could not be read or written.
  public struct Failure: Error, Hashable, CustomStringConvertible, Sendable {
    /// The file's name, or where the text came from.
    public let source: String
    public let reason: String
    public var description: String { ByteText.message("\(source): \(reason)") }
  }

  /// Reads a file; JSON is YAML, too.
  ///
  /// - Throws: `Failure` with the place in the list, what was expected and what was got.
  public static func read(_ path: String) throws -> [any SampleTransform] {
    do {
      return try parse(
        String(decoding: FileBytes.read(path), as: UTF8.self), source: path)
    } catch let failure as FileBytes.Failure {
      throw Failure(source: path, reason: failure.reason)
    }
  }

  /// - Parameter source: stands for the file in errors.
  public static func parse(_ text: String, source: String = "transforms") throws
    -> [any SampleTransform]
  {
    let tree: Any?
    do {
      tree = try YAMLText.load(text)
    } catch {
      let place = error.line.map { "line \($0): " } ?? ""
      throw Failure(source: source, reason: "is neither YAML nor JSON: \(place)\(error.reason)")
    }
    return try list(tree, Place(source: source, path: []))
  }

  /// The list as YAML, every parameter written out. Transforms without a file form throw.
  public static func yaml(_ transforms: [any SampleTransform]) throws -> String {
    try Yams.serialize(node: node(tree(transforms)))
  }

  /// The list as JSON.
  public static func json(_ transforms: [any SampleTransform]) throws -> String {
    let data = try JSONSerialization.data(
      withJSONObject: tree(transforms), options: [.prettyPrinted, .sortedKeys])
    return String(decoding: data, as: UTF8.self)
  }

  // MARK: Reading

  private struct Place {
    let source: String
    let path: [String]
    func failure(_ reason: String) -> Failure {
      Failure(
        source: source,
        reason: path.isEmpty ? reason : "\(path.joined(separator: ", ")): \(reason)")
    }
    func inside(_ part: String) -> Place { Place(source: source, path: path + [part]) }
  }

  private static func list(_ tree: Any?, _ place: Place) throws -> [any SampleTransform] {
    guard place.path.count < 20 else { throw place.failure("transforms are nested too deeply") }
    guard let entries = tree as? [Any] else {
      throw place.failure("expected a list of transforms, got \(kind(tree))")
    }
    return try entries.enumerated().map { index, entry in
      try transform(entry, place.inside("transform \(index + 1)"))
    }
  }

  private static func transform(_ tree: Any?, _ place: Place) throws -> any SampleTransform {
    guard place.path.count < 20 else { throw place.failure("transforms are nested too deeply") }
    guard let fields = tree as? [String: Any] else {
      throw place.failure("expected a mapping with a name, got \(kind(tree))")
    }
    guard let name = fields["name"] as? String else {
      throw place.failure("expected a name, got \(fields.keys.sorted().joined(separator: ", "))")
    }
    let parameters = fields.filter { $0.key != "name" }
    let place = Place(
      source: place.source, path: place.path.dropLast() + ["\(place.path.last ?? "") (\(name))"])
    func only(_ known: String...) throws {
      if let odd = parameters.keys.sorted().first(where: { !known.contains($0) }) {
        throw place.failure(
          "has no parameter \(odd), expected \(known.joined(separator: ", "))")
      }
    }
    switch name {
    case "Sometimes":
      try only("probability", "transform")
      return Sometimes(
        try transform(parameters["transform"], place.inside("transform")),
        probability: try probability(parameters["probability"], place))
    case "Either":
      try only("probability", "first", "second")
      return Either(
        try transform(parameters["first"], place.inside("first")),
        or: try transform(parameters["second"], place.inside("second")),
        probability: try probability(parameters["probability"], place))
    case "OneOf":
      try only("transforms")
      let choices = try list(parameters["transforms"], place)
      guard !choices.isEmpty else { throw place.failure("expected at least 1 transform, got none") }
      return OneOf(choices)
    case "InOrder":
      try only("transforms")
      return InOrder(try list(parameters["transforms"], place))
    default:
      guard let type = types.first(where: { $0.name == name }) else {
        let known = types.map { $0.name } + ["Sometimes", "Either", "OneOf", "InOrder"]
        throw place.failure("unknown transform, expected \(known.sorted().joined(separator: ", "))")
      }
      return try decode(type, parameters, place)
    }
  }

  private static func probability(_ value: Any?, _ place: Place) throws -> Float {
    let number = (value as? Double) ?? (value as? Int).map(Double.init)
    guard let number, (0...1).contains(number) else {
      throw place.failure("expected a probability in 0...1, got \(kind(value))")
    }
    return Float(number)
  }

  private static func decode<T: ParameterizedTransform>(
    _ type: T.Type, _ parameters: [String: Any], _ place: Place
  ) throws -> T {
    // Everything that may be there: nested mappings are completed, too, and unknown names are told.
    let complete = try completed(parameters, from: fields(of: T.standard), place)
    let result: T
    do {
      guard JSONSerialization.isValidJSONObject(complete) else {
        throw place.failure("has a parameter that is neither number, text, list nor mapping")
      }
      result = try JSONDecoder().decode(
        T.self, from: JSONSerialization.data(withJSONObject: complete))
    } catch let error as DecodingError {
      throw place.failure(readable(error))
    }
    if let problem = result.problem { throw place.failure(problem) }
    return result
  }

  private static func completed(
    _ given: [String: Any], from standard: [String: Any], _ place: Place
  ) throws -> [String: Any] {
    var result = standard
    for (key, value) in given {
      guard let usual = standard[key] else {
        let known = standard.keys.sorted().joined(separator: ", ")
        throw place.failure(
          known.isEmpty
            ? "has no parameters, got \(key)" : "has no parameter \(key), expected \(known)")
      }
      if let given = value as? [String: Any], let usual = usual as? [String: Any] {
        result[key] = try completed(given, from: usual, place)
      } else {
        result[key] = value
      }
    }
    return result
  }

  private static func readable(_ error: DecodingError) -> String {
    func at(_ context: DecodingError.Context) -> String {
      let path = context.codingPath.map(\.stringValue).joined(separator: ".")
      return (path.isEmpty ? "" : "\(path): ") + context.debugDescription
    }
    switch error {
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      return at(context)
    case .keyNotFound(let key, let context): return "\(key.stringValue) is missing; \(at(context))"
    @unknown default: return "\(error)"
    }
  }

  private static func kind(_ value: Any?) -> String {
    switch value {
    case nil, is NSNull: "nothing"
    case is [Any]: "a list"
    case is [String: Any]: "a mapping"
    case let text as String: "'\(text.prefix(40))'"
    default: "\(value!)"
    }
  }

  // MARK: Writing

  private static func fields<T: ParameterizedTransform>(of transform: T) throws -> [String: Any] {
    // YAML's reader keeps truth values, whole numbers and fractions apart.
    let json = String(decoding: try JSONEncoder().encode(transform), as: UTF8.self)
    return try Yams.load(yaml: json) as? [String: Any] ?? [:]
  }

  /// With parameters that are `nil`, which encoders leave out.
  private static func allFields<T: ParameterizedTransform>(of transform: T) throws
    -> [String: Any]
  {
    let usual = try fields(of: T.standard)
    return try usual.mapValues { _ in NSNull() as Any }
      .merging(fields(of: transform)) { $1 }
  }

  private static func tree(_ transforms: [any SampleTransform]) throws -> [[String: Any]] {
    try transforms.map(tree)
  }

  private static func tree(_ transform: any SampleTransform) throws -> [String: Any] {
    switch transform {
    case let some as Sometimes:
      return [
        "name": "Sometimes", "probability": Double("\(some.probability)") ?? 0,
        "transform": try tree(some.transform),
      ]
    case let either as Either:
      return [
        "name": "Either", "probability": Double("\(either.probability)") ?? 0,
        "first": try tree(either.first), "second": try tree(either.second),
      ]
    case let choice as OneOf: return ["name": "OneOf", "transforms": try tree(choice.transforms)]
    case let list as InOrder: return ["name": "InOrder", "transforms": try tree(list.transforms)]
    case let named as any ParameterizedTransform:
      var fields = try allFields(of: named)
      fields["name"] = type(of: named).name
      return fields
    default:
      throw Failure(source: "\(transform)", reason: "has no form in files")
    }
  }

  /// Names first, then parameters in order.
  private static func node(_ tree: Any) -> Node {
    switch tree {
    case let list as [Any]:
      let isShort = list.allSatisfy { !($0 is [Any]) && !($0 is [String: Any]) }
      return Node(list.map(node), Tag(.seq), isShort ? .flow : .block)
    case let fields as [String: Any]:
      let keys =
        ["name"].filter { fields[$0] != nil } + fields.keys.filter { $0 != "name" }.sorted()
      return Node(keys.map { (Node($0), node(fields[$0]!)) }, Tag(.map), .block)
    case let text as String: return Node(text)
    case let flag as Bool: return Node(flag ? "true" : "false", Tag(.bool))
    case let number as Int: return Node("\(number)", Tag(.int))
    case let number as Double: return Node("\(number)", Tag(.float))
    default: return Node("null", Tag(.null))
    }
  }
}
