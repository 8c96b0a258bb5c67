/// Something wrong in a data set, and where.
public struct DataProblem: Hashable, CustomStringConvertible, Sendable {
  public enum Severity: String, Sendable {
    /// The file cannot be used.
    case error
    /// Something was left out or mended; the rest of the file is used.
    case warning
  }

  public let file: String
  /// From 1; `nil` where the whole file is meant.
  public let line: Int?
  public let severity: Severity
  public let message: String
  /// Whether it tells what was taken where the files did not say.
  public let isGuess: Bool

  public init(
    _ severity: Severity, file: String, line: Int? = nil, _ message: String, isGuess: Bool = false
  ) {
    self.isGuess = isGuess
    self.file = file
    self.line = line
    self.severity = severity
    self.message = ByteText.message(message)
  }

  public var isError: Bool { severity == .error }

  public var description: String {
    "\(ByteText.path(file)):\(line.map { "\($0):" } ?? "") \(severity.rawValue): \(message)"
  }
}

/// Why a data set was refused: everything found in it, not the first thing only.
public enum DatasetError: Error, Hashable, CustomStringConvertible, Sendable {
  case problems([DataProblem])

  public var problems: [DataProblem] {
    switch self {
    case .problems(let problems): problems
    }
  }

  /// One line for a single problem; otherwise a line that counts them, then a line each.
  public var description: String {
    if problems.count == 1 { return problems[0].description }
    let errors = problems.filter { $0.severity == .error }.count
    let files = Set(problems.map(\.file)).count
    let head =
      "\(problems.count) problems in \(files) file\(files == 1 ? "" : "s"), \(errors) of them errors:"
    return ([head] + problems.map(\.description)).joined(separator: "\n")
  }
}
