import ArgumentParser
import Foundation
import Saker

/// `saker data`: labels of any format, looked at, checked and carried over.
struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Inspect, check, convert, split and crop labels of any format.",
    discussion: """
      Formats: \(DataFormat.allCases.map(\.rawValue).joined(separator: ", ")). The format is told from the files where \
      --format is left out.
      """,
    subcommands: [
      DataInfoCommand.self, DataCheckCommand.self, DataConvertCommand.self, DataSplitCommand.self,
      DataCropsCommand.self, DataStatsCommand.self, DataViewCommand.self,
    ])
}

extension DataFormat: ExpressibleByArgument {}
extension PictureTransfer: ExpressibleByArgument {}

/// Which labels, and how they are read.
struct LabelOptions: ParsableArguments {
  @Argument(
    help:
      "A folder, the file that holds or lists everything, or embedded data: bccd (blood cells, boxes; if left out), fashion-mnist (clothes, a class each) or cards (playing cards, a class each)."
  )
  var data: String?
  @Option(help: "The format; recognized from the files by default.")
  var format: DataFormat?
  @Option(help: "One split of the data; all by default.")
  var split: String?
  @Option(help: "The folder of the images, if it is not where the format expects it.")
  var pictures: String?

  func read(_ depth: LabelReading.Pictures = .header) throws -> LabelSet {
    var reading = LabelReading(split: split, pictures: depth)
    reading.pictureFolder = pictures
    return try LabelSet(path: path, format: format, reading)
  }

  var path: String {
    get throws { try EmbeddedData.path(data ?? EmbeddedData.bloodCells.rawValue) }
  }

  func tell(_ problems: [DataProblem]) {
    let limit = 20
    for problem in problems.prefix(limit) { note(problem.description) }
    if problems.count > limit { note("... and \(problems.count - limit) more") }
  }
}

struct DataInfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Show format, splits, classes, images and objects."
  )

  @Flag(help: "Print the result as JSON on standard output, and nothing else there.")
  var json = false
  @Flag(help: "Read labels only; do not open images.")
  var labelsOnly = false
  @OptionGroup var source: LabelOptions

  private struct Info: Encodable {
    struct Class: Encodable {
      var label: Int
      var name: String
      var id: Int?
      var objects: Int
    }
    struct Guess: Encodable {
      var file: String
      var line: Int?
      var message: String
    }
    var path: String
    var format: DataFormat
    var pictures, objects, backgrounds: Int
    var splits: [String: Int]
    /// In the order of labels.
    var classes: [Class]
    /// How often the set uses what formats differ in.
    var features: [String: Int]
    var errors, warnings: Int
    /// What was taken where the files do not say.
    var guessed: [Guess]
    /// What became of every file.
    var files: FileAccount?
    /// Said where no picture has labels.
    var lack: String?
    /// Reading, without the start of the program.
    var readSeconds: Double
    var peakMemoryBytes: Int
  }

  func run() throws {
    let start = Date()
    let set = try source.read(labelsOnly ? .unread : .header)
    let seconds = Date().timeIntervalSince(start)
    let counts = set.countsByClass
    let ofPictures = set.pictures.reduce(into: [Int: Int]()) { counts, picture in
      if let label = picture.label { counts[label, default: 0] += 1 }
    }
    let errors = set.problems.filter { $0.severity == .error }.count
    var splits = Dictionary(grouping: set.pictures) { $0.split ?? "" }.mapValues(\.count)
    if set.splits.isEmpty { splits = [:] }
    let info = Info(
      path: try source.path, format: set.format ?? .voc, pictures: set.pictures.count,
      objects: set.objectCount,
      backgrounds: set.pictures.filter { $0.objects.isEmpty && $0.label == nil }.count,
      splits: splits,
      classes: set.classes.enumerated().map {
        .init(
          label: $0, name: $1.name, id: $1.id, objects: counts[$0] + (ofPictures[$0] ?? 0))
      },
      features: Dictionary(uniqueKeysWithValues: set.features.map { ($0.rawValue, $1) }),
      errors: errors, warnings: set.problems.count - errors,
      guessed: set.problems.filter(\.isGuess).prefix(1000).map {
        .init(file: $0.file, line: $0.line, message: $0.message)
      },
      files: set.account(), lack: set.lackOfLabels?.message, readSeconds: seconds,
      peakMemoryBytes: ProcessMemory.peak)
    if json { return try printJSON(info) }
    source.tell(set.problems)
    print("\(info.path): \(info.format.title) (\(info.format.rawValue))")
    print(
      "\(info.pictures) pictures (\(info.backgrounds) without objects), \(info.objects) objects, "
        + "\(info.classes.count) classes")
    for (name, count) in splits.sorted(by: { $0.key < $1.key }) {
      print("  split \(name.isEmpty ? "(none)" : name): \(count) pictures")
    }
    if let files = info.files { print(files) }
    if let lack = info.lack { print(lack) }
    let width = set.classes.map(\.name.count).max() ?? 0
    for entry in info.classes {
      let id = entry.id.map { "  id \($0)" } ?? ""
      print(
        "  \(String(entry.label).leftPadded(4))  "
          + entry.name.padding(toLength: max(width, 1), withPad: " ", startingAt: 0)
          + "  \(String(entry.objects).leftPadded(8))\(id)")
    }
    let used = info.features.filter { $0.key != "boxes" }.sorted { $0.key < $1.key }
    if !used.isEmpty {
      print("uses: " + used.map { "\($0.key) (\($0.value))" }.joined(separator: ", "))
    }
    print("\(errors) errors, \(info.warnings) warnings (saker data check tells more)")
  }
}

struct DataCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Find every problem, with file and line.",
    discussion: "Exits with a non-zero code if there are errors.")

  @Flag(help: "Print the result as JSON on standard output, and nothing else there.")
  var json = false
  @Flag(help: "Read only image headers instead of decoding each image.")
  var fast = false
  @Option(help: "How far a box may extend beyond its image, in pixels.")
  var tolerance = 1.0
  @Option(help: "Maximum number of problems to print.")
  var limit = 1000
  @OptionGroup var source: LabelOptions

  func validate() throws {
    guard tolerance >= 0, tolerance.isFinite else {
      throw ValidationError("tolerance: expected 0 or more, got \(tolerance)")
    }
    guard limit >= 1 else { throw ValidationError("limit: expected 1 or more, got \(limit)") }
  }

  private struct Report: Encodable {
    struct Problem: Encodable {
      var file: String
      var line: Int?
      var severity, message: String
    }
    var path: String
    var format: DataFormat
    var pictures, objects, errors, warnings: Int
    var classes: [String]
    var files: FileAccount?
    var problems: [Problem]
  }

  func run() throws {
    let set = try source.read(fast ? .header : .full)
    var rules = LabelSet.CheckRules()
    rules.tolerance = tolerance
    let problems = set.problems + set.check(rules)
    let errors = problems.filter { $0.severity == .error }.count
    if json {
      try printJSON(
        Report(
          path: try source.path, format: set.format ?? .voc, pictures: set.pictures.count,
          objects: set.objectCount, errors: errors, warnings: problems.count - errors,
          classes: set.classNames, files: set.account(),
          problems: problems.prefix(limit).map {
            .init(
              file: $0.file, line: $0.line, severity: $0.severity.rawValue, message: $0.message)
          }))
    } else {
      for problem in problems.prefix(limit) { print(problem) }
      if problems.count > limit { print("... and \(problems.count - limit) more") }
      print(
        "\(set.pictures.count) pictures, \(set.objectCount) objects, classes in order: "
          + set.classNames.joined(separator: ", "))
      if let files = set.account() { print(files) }
      print("\(errors) errors, \(problems.count - errors) warnings")
    }
    if errors > 0 { throw ExitCode.failure }
  }
}

extension String {
  /// Filled up on the left.
  func leftPadded(_ width: Int) -> String {
    String(repeating: " ", count: max(0, width - count)) + self
  }
}
