import ArgumentParser
import Saker

/// How a file's weights become a model's.
struct LoadingOptions: ParsableArguments {
  @Option(help: "The part of the file to take, such as ema; 'saker weights info' lists them.")
  var part: String?
  @Flag(help: "Take what fits, and tell on standard error what doesn't.")
  var partial = false
  @Option(
    name: .customLong("rename"),
    help:
      "FROM=TO changes names; a star on both sides is any text: 'backbone.*=*'. Several are tried in order."
  )
  var renames: [String] = []
  @Option(
    name: .customLong("ignore"), help: "A pattern of names in the file to leave out: 'head.*'.")
  var ignored: [String] = []
  @Flag(help: "Also take tensors with elements that are infinite or not a number.")
  var allowNonfinite = false

  func validate() throws {
    if let wrong = renames.first(where: { NameRule($0) == nil }) {
      throw ValidationError(
        "rename: expected FROM=TO with at most one star a side, none in TO alone; got '\(wrong)'")
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
    let report = try model.load(weights: file, part: part, options)
    // Nothing at all is hardly what somebody means by a part.
    guard !report.loaded.isEmpty else {
      throw CheckpointError(file: file.path, "has no tensor that fits the model", report.misshapen)
    }
    if partial || report.names != nil || !report.nonFinite.isEmpty { note(report.summary) }
    return report
  }
}
