import ArgumentParser
import Saker

/// How a file's weights become a model's.
struct LoadingOptions: ParsableArguments {
  @Option(help: "The part of the file to load, such as ema; 'saker weights info' lists them.")
  var part: String?
  @Flag(help: "Load what fits, and report the rest on standard error.")
  var partial = false
  @Option(
    name: .customLong("rename"),
    help:
      "FROM=TO changes names; what FROM's stars stand for takes the places of TO's, in order: 'backbone.*=*', 'b*.c*.w=b.*.c.*.weight'. The first of several that fits is used."
  )
  var renames: [String] = []
  @Option(
    name: .customLong("ignore"), help: "A pattern of names in the file to leave out: 'head.*'.")
  var ignored: [String] = []
  @Flag(help: "Also load tensors that contain infinities or NaN.")
  var allowNonfinite = false

  func validate() throws {
    if let wrong = renames.first(where: { NameRule($0) == nil }) {
      throw ValidationError(
        "rename: expected FROM=TO with no more stars in TO than in FROM, got '\(wrong)'")
    }
  }

  /// Whether nothing was asked for.
  var isPlain: Bool {
    part == nil && !partial && renames.isEmpty && ignored.isEmpty && !allowNonfinite
  }

  var options: PartialLoading {
    var result = partial ? PartialLoading.whatFits : .whole
    result.renaming = renames.compactMap { NameRule($0) }
    result.ignoring = ignored
    result.allowsNonFinite = allowNonfinite
    return result
  }

  /// Loads a classifier's weights; what somebody may want to know goes to standard error.
  @discardableResult
  func load(_ file: WeightsFile, into model: any Classifier) throws -> LoadReport {
    noteUnused(try file.state(part: part).map(\.name))
    let report = try model.load(weights: file, part: part, options)
    if partial || report.names != nil || !report.nonFinite.isEmpty { note(report.summary) }
    return report
  }

  /// Says which patterns fit none of the names.
  func noteUnused(_ names: [String]) {
    for pattern in ignored where !names.contains(where: { $0.matches(glob: pattern) }) {
      note("ignore: no name matches '\(pattern)'")
    }
    for rule in renames where !names.contains(where: { NameRule(rule)?($0) != nil }) {
      note("rename: no name matches '\(rule)'")
    }
  }
}

/// What became of a file's tensors, for JSON.
struct LoadingSummary: Encodable {
  /// How many of the model's tensors took values, and how many there are.
  var loaded, total: Int
  /// Names of the model that the file lacks, and names of the file that the model lacks.
  var missing, notUsed: [String]
  /// Names with what was expected and got.
  var misshapen, nonFinite: [String]
  /// Whose names the file's are, if not the model's own.
  var names: String?

  init(_ report: LoadReport) {
    (loaded, total) = (report.loaded.count, report.total)
    (missing, notUsed) = (report.missing, report.unexpected)
    (misshapen, nonFinite) = (report.misshapen, report.nonFinite)
    names = report.names
  }
}
