import ArgumentParser
import Saker

@main
struct SakerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "saker",
    abstract: "Train, evaluate and use object detectors and image classifiers.",
    discussion: """
      Without options, 'saker train' trains a detector of blood cells on the embedded images. All commands run on the \
      CPU, on all cores; nothing is sent anywhere.
      """,
    version: Version.line,
    subcommands: [
      TrainCommand.self, ValCommand.self, EvaluateCommand.self, PredictCommand.self,
      InfoCommand.self, BenchmarkCommand.self, AugmentCommand.self, ForwardCommand.self,
      DoctorCommand.self, DataCommand.self, ModelsCommand.self, WeightsCommand.self,
      ReportCommand.self, VisualizeCommand.self, PruneCommand.self,
    ])

  static func main() {
    StandardStreams.open()
    var failure: (any Error)?
    do {
      try run(Array(CommandLine.arguments.dropFirst()))
    } catch {
      failure = error
    }
    do {
      try StandardStreams.finish()
    } catch {
      // Of two failures both are told.
      if failure != nil, error is OutputError { note("Error: \(error)") }
      failure = failure ?? error
    }
    if let failure { exit(withError: failure) }
  }

  /// Does what the arguments ask for. Help, versions and completion scripts are output, too.
  private static func run(_ arguments: [String]) throws {
    do {
      var command = try parse(checked: arguments)
      try command.run()
    } catch  where exitCode(for: error).isSuccess {
      let text = fullMessage(for: error)
      if !text.isEmpty { print(text) }
    }
  }

  /// The command of some arguments, none of them empty: nobody means an empty path, name or
  /// number, a script whose variable is not set gives one, and `--out ""` would be the root
  /// of the file system.
  ///
  /// - Throws: `ValidationError` that names the option, and what the parser throws.
  static func parse(checked arguments: [String]) throws -> any ParsableCommand {
    for (index, argument) in arguments.enumerated() {
      let isEmptyValue =
        argument.hasPrefix("--") && argument.firstIndex(of: "=") == argument.indices.last
      guard argument.isEmpty || isEmptyValue else { continue }
      let before = index > 0 && arguments[index - 1].hasPrefix("-") ? arguments[index - 1] : nil
      let name =
        isEmptyValue ? String(argument.dropLast()) : before ?? "argument \(index + 1)"
      throw ValidationError("\(name): expected a value, got an empty text")
    }
    return try parseAsRoot(arguments)
  }
}
