import Foundation

/// One line of `results.csv`: an epoch's losses and measures.
public struct EpochResult: Hashable, Sendable {
  /// From 1.
  public var epoch: Int
  /// Since the run started, over all its sessions, in seconds.
  public var seconds: Double
  public var learningRate: Double
  /// Pictures a second, training alone.
  public var imagesPerSecond: Double
  /// Losses and measures by their columns' keys; finite.
  public var values: [String: Double]

  public subscript(column: EpochColumn) -> Double? { values[column.key] }

  static func table(_ results: [EpochResult], _ columns: [EpochColumn]) -> String {
    func text(_ value: Double?) -> String { value.map { String(format: "%.6g", $0) } ?? "" }
    let header = ["epoch", "time"] + columns.map(\.title) + ["lr", "images_per_second"]
    let rows = results.map { result in
      ["\(result.epoch)", text(result.seconds)] + columns.map { text(result[$0]) }
        + [text(result.learningRate), text(result.imagesPerSecond)]
    }
    return ([header] + rows).map { $0.joined(separator: ",") + "\n" }.joined()
  }
}

/// All numbers side by side, as checkpoints have had them from the beginning.
extension EpochResult: Codable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
    init(_ name: String) { stringValue = name }

    static let own: Set<String> = ["epoch", "seconds", "learningRate", "imagesPerSecond"]
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    func number(_ name: String) throws -> Double {
      try container.decode(Double.self, forKey: Key(name))
    }
    epoch = try container.decode(Int.self, forKey: Key("epoch"))
    seconds = try number("seconds")
    learningRate = try number("learningRate")
    imagesPerSecond = try number("imagesPerSecond")
    values = [:]
    for key in container.allKeys where !Key.own.contains(key.stringValue) {
      values[key.stringValue] = try container.decode(Double.self, forKey: key)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(epoch, forKey: Key("epoch"))
    try container.encode(seconds, forKey: Key("seconds"))
    try container.encode(learningRate, forKey: Key("learningRate"))
    try container.encode(imagesPerSecond, forKey: Key("imagesPerSecond"))
    for (name, value) in values { try container.encode(value, forKey: Key(name)) }
  }
}
