import ArgumentParser
import Saker

struct DataConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Write labels in another format, and tell what is lost.")

  @Flag(help: "Print the result as JSON on standard output, and nothing else there.")
  var json = false
  @Option(help: "The format to write.")
  var to: DataFormat
  @Option(help: "A new folder for labels and pictures.")
  var out: String
  @Option(help: "What happens to the pictures: copy, link or none (labels only).")
  var transfer = PictureTransfer.copy
  @Flag(help: "Leave out objects with errors instead of stopping.")
  var skipBad = false
  @OptionGroup var source: LabelOptions

  func run() throws {
    var set = try source.read()
    try set.refuseErrors(unless: skipBad, source)
    let report = try set.write(to: out, as: to, pictures: transfer)
    try report.tell(out, json: json)
  }
}

struct DataSplitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "split", abstract: "Divide pictures into train, val and test.",
    discussion: """
      Every split gets its share of each class, the rarest first. The same seed gives the same splits. Splits that \
      are there already are joined first.
      """)

  @Flag(help: "Print the result as JSON on standard output, and nothing else there.")
  var json = false
  @Option(help: "Parts of train, val and test, such as 6:2:2 or 0.8:0.2.")
  var ratio = "6:2:2"
  @Option(help: "One seed, one division.")
  var seed: UInt64 = 0
  @Flag(help: "Do not look at classes.")
  var unstratified = false
  @Option(help: "The format to write; that of the data if left out.")
  var to: DataFormat?
  @Option(help: "A new folder for labels and pictures.")
  var out: String
  @Option(help: "What happens to the pictures: copy, link or none (labels only).")
  var transfer = PictureTransfer.copy
  @Flag(help: "Leave out objects with errors instead of stopping.")
  var skipBad = false
  @OptionGroup var source: LabelOptions

  private func shares() throws -> [(name: String, part: Double)] {
    let parts = ratio.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) }
    guard (2...3).contains(parts.count),
      parts.allSatisfy({ $0.map { $0.isFinite && $0 >= 0 && $0 <= 1e9 } ?? false }),
      parts.contains(where: { $0! > 0 })
    else {
      throw ValidationError("ratio: expected two or three parts such as 6:2:2, got '\(ratio)'")
    }
    return Array(zip(["train", "val", "test"], parts.map { $0! }))
  }

  func validate() throws { _ = try shares() }

  private struct Result: Encodable {
    var folder: String
    var format: DataFormat
    var seed: UInt64
    /// Pictures of each split, and objects of each class in it.
    var splits: [String: Part]
    struct Part: Encodable {
      var pictures: Int
      var classes: [String: Int]
    }
    var lost: [ConversionReport.Loss]
  }

  func run() throws {
    var set = try source.read()
    try set.refuseErrors(unless: skipBad, source)
    let divided = set.splitting(try shares(), seed: seed, stratified: !unstratified)
    let report = try divided.write(
      to: out, as: to ?? set.format ?? .voc, pictures: transfer)
    var splits: [String: Result.Part] = [:]
    for (name, _) in try shares() {
      let part = divided.split(name)
      var classes: [String: Int] = [:]
      for (name, count) in zip(part.classNames, part.countsByClass) {
        classes[name, default: 0] += count
      }
      for picture in part.pictures {
        if let label = picture.label { classes[part.classNames[label], default: 0] += 1 }
      }
      splits[name] = Result.Part(pictures: part.pictures.count, classes: classes)
    }
    if json {
      return try printJSON(
        Result(folder: out, format: report.format, seed: seed, splits: splits, lost: report.lost))
    }
    for (name, _) in try shares() {
      let part = splits[name]!
      let counts = set.classNames.map { "\(part.classes[$0] ?? 0) \($0)" }
      print("\(name): \(part.pictures) pictures, \(counts.joined(separator: ", "))")
    }
    try report.tell(out, json: false)
  }
}

extension LabelSet {
  /// Stops where there are errors, or takes out what is wrong.
  mutating func refuseErrors(unless skips: Bool, _ source: LabelOptions) throws {
    let found = problems + check()
    let errors = found.filter { $0.severity == .error }
    guard !errors.isEmpty else { return source.tell(found) }
    guard skips else { throw DatasetError.problems(found) }
    source.tell(found)
    let left = removeBad()
    note("left out \(left.pictures) pictures and \(left.objects) objects with errors")
  }
}

extension ConversionReport {
  func tell(_ folder: String, json: Bool) throws {
    if json { return try printJSON(self) }
    print("\(folder): \(pictures) pictures, \(objects) objects as \(format.title)")
    print("classes in order: \(classes.joined(separator: ", "))")
    for loss in lost { print("not carried: \(loss.what) (\(loss.count))") }
  }
}
