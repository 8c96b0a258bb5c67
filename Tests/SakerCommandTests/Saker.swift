import Foundation
import Testing

/// The built program, as a person or a script runs it.
enum Saker {
  /// Beside the test bundle, whose program this process is.
  static let path: String = {
    let own =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments[0]
    return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("saker")
      .path
  }()

  struct Result {
    var status: Int32
    /// Whether it ended by a signal instead of by itself.
    var crashed: Bool
    var output: String
    var errors: String

    /// The output as JSON.
    func json() throws -> Any { try JSONSerialization.jsonObject(with: Data(output.utf8)) }

    func object() throws -> [String: Any] { try #require(try json() as? [String: Any]) }
  }

  /// A program that runs; its output goes into files, so that no pipe fills up.
  final class Running {
    let process = Process()
    private let folder: Sandbox

    /// - Parameter shell: what a shell does first, or where it sends the output:
    ///   `trap '' HUP;`, `>/dev/full`.
    init(
      _ arguments: [String], in directory: String? = nil, environment: [String: String] = [:],
      shell: (before: String, redirection: String)? = nil
    ) throws {
      folder = try Sandbox()
      process.executableURL = URL(fileURLWithPath: shell == nil ? Saker.path : "/bin/sh")
      process.arguments =
        shell.map {
          ["-c", "\($0.before) exec \"$0\" \"$@\" \($0.redirection)", Saker.path] + arguments
        }
        ?? arguments
      if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
      // Tests run side by side, and compute threads that wait for each other keep the cores busy.
      process.environment = ProcessInfo.processInfo.environment
        .merging(["OMP_NUM_THREADS": "1"]) { $1 }.merging(environment) { $1 }
      process.standardInput = FileHandle.nullDevice
      for name in ["out", "err"] {
        try folder.write("", name)
      }
      process.standardOutput = FileHandle(forWritingAtPath: folder.path + "/out")
      process.standardError = FileHandle(forWritingAtPath: folder.path + "/err")
      try process.run()
    }

    var isRunning: Bool { process.isRunning }
    var output: String { text("out") }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Waits until the program has ended, for at most so many seconds.
    func result(within seconds: Double = 300) -> Result {
      let deadline = Date(timeIntervalSinceNow: seconds)
      while process.isRunning && Date() < deadline { usleep(2000) }
      if process.isRunning {
        Issue.record("did not end within \(seconds) s: \(process.arguments ?? [])")
        signal(SIGKILL)
      }
      process.waitUntilExit()
      return Result(
        status: process.terminationStatus, crashed: process.terminationReason == .uncaughtSignal,
        output: text("out"), errors: text("err"))
    }

    private func text(_ name: String) -> String {
      (try? String(contentsOfFile: folder.path + "/" + name, encoding: .utf8)) ?? ""
    }
  }

  static func run(
    _ arguments: [String], in directory: String? = nil, environment: [String: String] = [:],
    redirection: String? = nil
  ) throws -> Result {
    try Running(
      arguments, in: directory, environment: environment, shell: redirection.map { ("", $0) }
    ).result()
  }

  /// Runs what has to succeed.
  @discardableResult
  static func succeed(
    _ arguments: [String], in directory: String? = nil, environment: [String: String] = [:],
    _ location: SourceLocation = #_sourceLocation
  ) throws -> Result {
    let result = try run(arguments, in: directory, environment: environment)
    #expect(result.status == 0 && !result.crashed, "\(result.errors)", sourceLocation: location)
    return result
  }
}
