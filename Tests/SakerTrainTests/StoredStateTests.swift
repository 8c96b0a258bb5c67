import Foundation
import SakerData
import SakerNN
import SakerTensor
import SakerVision
import Testing

@testable import SakerTrain

/// What checkpoints store forgets nothing: a resumed run would go on as another one.
@Suite struct StoredStateTests {
  @Test func trainingSettings() throws {
    var settings = TrainingSettings.reference
    settings.nesterov = true
    settings.momentumConvention = .rateOutside
    settings.frozen = ["stem.*"]
    settings.augmentation = "- flip"
    settings.multiScale = 0.5
    settings.minimumRate = 0.01
    settings.lastEpoch = 3
    var detection = DetectionSettings()
    (detection.headRate, detection.frozenLayers) = (2, "stage1")
    settings.detection = detection
    try expectKept(settings)
    try expectKept(detection)
  }

  @Test func classificationSettings() throws {
    var settings = ClassificationSettings()
    settings.randAugment = 9
    settings.frozenLayers = "layer2"
    settings.auxiliaryWeight = 0.5
    settings.distillation = .init(temperature: 3, alpha: 0.5)
    settings.localModules = 2
    try expectKept(settings)
    try expectKept(ClassificationSettings.Distillation())
    // The first checkpoints of classifiers had none of it.
    #expect(
      try JSONDecoder().decode(ClassificationSettings.self, from: Data("{}".utf8))
        == ClassificationSettings())
  }

  @Test func whereARunIs() throws {
    var state = TrainingState(
      settings: .reference, origin: ["data": "a"], fingerprint: DataFingerprint(pictures: 3),
      losses: 2)
    state.results = [
      EpochResult(
        epoch: 1, seconds: 2, learningRate: 0.5, imagesPerSecond: 3, values: ["trainLoss": 1])
    ]
    state.generators = ["dropout": Random(seed: 1)]
    try expectKept(state)
    var stopping = EarlyStopping(patience: 3, aim: .largest)
    _ = (stopping.update(0.5), stopping.update(0.25))
    try expectKept(stopping)
    try expectKept(DataFingerprint(pictures: 3))
    let result = state.results[0]
    #expect(
      try JSONDecoder().decode(EpochResult.self, from: JSONEncoder().encode(result)) == result)
  }

  @Test func cards() throws {
    var card = ClassifierCard(
      architecture: "resnet18",
      variant: ClassifierVariant(stem: .small, width: 0.5, auxiliary: true),
      classNames: ["a", "b"], input: ClassifierInput(), priors: [0.25, 0.75])
    card.widths = ["conv1": 3]
    card.hasDarknetSlopes = true
    try expectKept(card)
    try expectKept(card.variant)
    try expectKept(card.input)
    let preprocessing = Preprocessing(height: 32, width: 64, fit: .letterbox())
    var level = AnchorLevel(sizes: [0.25])
    level.shapes = [AnchorShape(width: 0.25, height: 0.5)]
    try expectKept(
      ModelCard(
        architecture: "tiny-ssd", classNames: ["a"], anchors: [level], preprocessing: preprocessing)
    )
    try expectKept(preprocessing)
    try expectKept(level)
  }
}

// MARK: - The law

/// Each property is a key, whatever is changed under one comes back, and optional ones may be
/// missing, as in checkpoints that are older than they.
///
/// - Parameter value: with a value for each optional property.
private func expectKept<T: Codable>(_ value: T, location: SourceLocation = #_sourceLocation) throws
{
  let properties = Mirror(reflecting: value).children
  let name = "\(T.self)"
  let stored = try JSON(of: value)
  guard case .object(let members) = stored else {
    Issue.record("\(name) is no object", sourceLocation: location)
    return
  }
  #expect(
    Set(members.keys) == Set(properties.compactMap(\.label)), "\(name)", sourceLocation: location)
  #expect(try stored.through(T.self) == stored, "\(name)", sourceLocation: location)
  for (label, property) in properties {
    guard let label, let member = members[label] else { continue }
    let place: Comment = "\(name).\(label)"
    let changes = member.changes.map { change in
      var members = members
      members[label] = change
      return JSON.object(members)
    }
    // Of texts that stand for cases, one is another case.
    let change = changes.first { (try? $0.decoded(T.self)) != nil }
    let changed = try #require(change, place, sourceLocation: location)
    let again = try changed.through(T.self)
    #expect(again.withoutFalse == changed.withoutFalse, place, sourceLocation: location)
    #expect(again != stored, place, sourceLocation: location)
    let mirror = Mirror(reflecting: property)
    if mirror.displayStyle == .optional {
      #expect(!mirror.children.isEmpty, "give \(name).\(label) a value", sourceLocation: location)
      var fewer = members
      fewer[label] = nil
      #expect(throws: Never.self, place, sourceLocation: location) {
        try JSON.object(fewer).decoded(T.self)
      }
    }
  }
}

/// JSON by kind, whole numbers exactly.
private indirect enum JSON: Codable, Hashable {
  case null
  case bool(Bool)
  case whole(UInt64)
  case number(Double)
  case text(String)
  case list([JSON])
  case object([String: JSON])

  init(of value: some Encodable) throws {
    self = try JSONDecoder().decode(JSON.self, from: JSONEncoder().encode(value))
  }

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let bool = try? value.decode(Bool.self) {
      self = .bool(bool)
    } else if let whole = try? value.decode(UInt64.self) {
      self = .whole(whole)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let text = try? value.decode(String.self) {
      self = .text(text)
    } else if let list = try? value.decode([JSON].self) {
      self = .list(list)
    } else {
      self = .object(try value.decode([String: JSON].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .whole(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .text(let value): try container.encode(value)
    case .list(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }

  func decoded<T: Decodable>(_ type: T.Type) throws -> T {
    try JSONDecoder().decode(type, from: JSONEncoder().encode(self))
  }

  /// What a type makes of it.
  func through<T: Codable>(_ type: T.Type) throws -> JSON { try JSON(of: decoded(type)) }

  /// Other values in its place, of which one may have to be a case's name.
  var changes: [JSON] {
    switch self {
    case .null: []
    case .bool(let value): [.bool(!value)]
    case .whole(let value): [.whole(value + 1)]
    case .number(let value): [.number(value / 2 + 0.0625)]
    case .text(let value):
      ([value + "x"]
        + [
          "adam", "cosine", "bf16", "sampler", "standard", "bicubic", "bgr", "smallest",
          "rate-inside",
        ]).filter {
          $0 != value
        }.map(JSON.text)
    case .list(let values):
      values.first.map { first in first.changes.map { .list([$0] + values.dropFirst()) } } ?? []
    case .object(let members):
      members.keys.sorted().flatMap { key in
        (members[key]?.changes ?? []).map { change in
          var members = members
          members[key] = change
          return .object(members)
        }
      }
    }
  }

  /// What is false may be left out, where it was so before there was such a key.
  var withoutFalse: JSON {
    switch self {
    case .object(let members):
      .object(members.filter { $0.value != .bool(false) }.mapValues(\.withoutFalse))
    case .list(let values): .list(values.map(\.withoutFalse))
    default: self
    }
  }
}
