/// A file of weights that cannot be read, does not fit the model, or cannot be written.
public struct CheckpointError: Error, CustomStringConvertible, Sendable {
  public let file: String
  /// What is wrong on the whole: `does not fit the model`.
  public let summary: String
  /// Every problem found, one line each.
  public let problems: [String]

  public init(file: String, _ summary: String, _ problems: [String] = []) {
    self.file = file
    self.summary = summary
    self.problems = problems
  }

  /// One line. A file for another model altogether has hundreds of problems: those after the tenth
  /// are counted here and listed in `problems`.
  public var description: String {
    // Names come from files, which may have anything in them.
    String(text.map { $0.isNewline || $0.asciiValue.map { $0 < 32 } ?? false ? " " : $0 })
  }

  private var text: String {
    guard !problems.isEmpty else { return "\(file) \(summary)" }
    let shown = problems.prefix(10).map { problem in
      problem.unicodeScalars.count > 300 ? String(problem.prefix(300)) + "..." : problem
    }.joined(separator: "; ")
    let rest = problems.count > 10 ? "; and \(problems.count - 10) more problems" : ""
    return "\(file) \(summary): \(shown)\(rest)"
  }
}
