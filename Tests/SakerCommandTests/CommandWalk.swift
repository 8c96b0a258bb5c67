import Foundation
import Testing

/// Every command with its options, as the program tells them.
struct CommandLeaf: Sendable, CustomTestStringConvertible {
  /// `data`, `convert`
  let words: [String]
  /// Options that take a value, `--out`.
  let options: [String]
  let flags: [String]
  let positionals: Int
  var testDescription: String { words.joined(separator: " ") }

  static let all: [CommandLeaf] = {
    guard let result = try? Saker.run(["--experimental-dump-help"]),
      let top = try? result.object()["command"] as? [String: Any]
    else { return [] }
    return leaves(top, [])
  }()

  private static func leaves(_ command: [String: Any], _ words: [String]) -> [CommandLeaf] {
    let inner = (command["subcommands"] as? [[String: Any]] ?? [])
      .filter { $0["commandName"] as? String != "help" }
    guard inner.isEmpty else {
      return inner.flatMap { leaves($0, words + [$0["commandName"] as? String ?? ""]) }
    }
    let arguments = command["arguments"] as? [[String: Any]] ?? []
    func names(_ kind: String) -> [String] {
      arguments.filter { $0["kind"] as? String == kind }
        .flatMap { $0["names"] as? [[String: Any]] ?? [] }
        .compactMap { name in
          (name["name"] as? String).map { (name["kind"] as? String == "short" ? "-" : "--") + $0 }
        }
    }
    return [
      CommandLeaf(
        words: words, options: names("option"), flags: names("flag"),
        positionals: arguments.filter { $0["kind"] as? String == "positional" }.count)
    ]
  }
}
