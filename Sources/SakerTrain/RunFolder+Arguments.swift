import Foundation
import SakerData

extension RunFolder {
  public var arguments: String { path + "/args.yaml" }
  public var report: String { path + "/report.html" }

  /// Writes `args.yaml`: everything that decides the run, a line a setting, sorted by name.
  ///
  /// - Parameter more: what settings don't know: model, data, classes.
  /// - Throws: `TrainingError` that names the file.
  public func writeArguments(
    _ settings: TrainingSettings, _ more: [String: String] = [:]
  ) throws {
    var lines = try RunFolder.lines(of: settings)
    for (name, value) in more { lines[name] = RunFolder.quoted(value) }
    let text = lines.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)\n" }.joined()
    try RunFolder.write(text, to: arguments)
  }

  /// Settings as the right-hand sides of YAML.
  static func lines(of settings: TrainingSettings) throws -> [String: String] {
    let encoder = JSONEncoder()
    // A line a value, in an order that does not change.
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let object = try JSONSerialization.jsonObject(with: encoder.encode(settings))
    return lines(of: object as? [String: Any] ?? [:])
  }

  /// What lies deeper, such as a task's own settings, stands beside the rest: no two of
  /// them share a name.
  private static func lines(of object: [String: Any]) -> [String: String] {
    var lines: [String: String] = [:]
    for (name, value) in object {
      switch value {
      case let inner as [String: Any]: lines.merge(RunFolder.lines(of: inner)) { $1 }
      case let text as String: lines[name] = quoted(text)
      case let list as [String]:
        lines[name] = "[" + list.map(quoted).joined(separator: ", ") + "]"
      case let number as NSNumber: lines[name] = "\(number)"
      default: continue
      }
    }
    return lines
  }

  /// Plain where every reader of YAML takes it for a text, else in quotes: JSON's are YAML's, too.
  static func quoted(_ text: String) -> String {
    let isPlain =
      text.first?.isLetter == true
      && text.unicodeScalars.allSatisfy {
        $0.isASCII && ($0.properties.isAlphabetic || "0123456789-_./".unicodeScalars.contains($0))
      }
      && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(text.lowercased())
    if isPlain { return text }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    // A text alone always encodes.
    guard let data = try? encoder.encode(text) else { return "\"\"" }
    return String(decoding: data, as: UTF8.self)
  }
}

extension Trainer {
  /// All finished epochs, those before a resumption included.
  public var results: [EpochResult] { state.results }

  /// The first batches of the first epoch, as training sees them. Reading them changes nothing.
  ///
  /// - Throws: what the loader throws.
  public func firstBatches(_ count: Int) throws -> [Batch] {
    let epoch = loader.epoch(0)
    var batches: [Batch] = []
    while batches.count < count, let batch = try epoch.next() { batches.append(batch) }
    return batches
  }
}
