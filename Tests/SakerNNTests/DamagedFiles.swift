import Foundation
import SakerTensor
import TestSupport
import Testing

/// Copies of a file with damage that readers have to survive: every one is read, or refused in one
/// line that names the file.
enum DamagedFiles {
  /// - Parameters:
  ///   - rounds: how many copies (more in long checks): cut off, with changed bytes, and with some
  ///     taken out, in turn.
  ///   - least: how many have to be refused; changes of numbers are no damage that a reader can
  ///     see.
  static func check(
    _ path: String, rounds: Int, least: Int, seed: UInt64 = 7, _ read: (String) throws -> Void
  ) throws {
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    var random = Random(seed: seed)
    var refused = 0
    try inFolder { target in
      for round in 0..<rounds * LongChecks.factor {
        var bytes = whole
        switch round % 3 {
        case 0: bytes.removeLast(1 + Int(random.next() % UInt64(whole.count - 1)))
        case 1:
          for _ in 0..<1 + Int(random.next() % 8) {
            bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(
              truncatingIfNeeded: random.next())
          }
        default:
          let start = Int(random.next() % UInt64(bytes.count))
          let end = min(bytes.count, start + 1 + Int(random.next() % 64))
          bytes.replaceSubrange(start..<end, with: [])
        }
        if try isRefused(bytes, target, read) { refused += 1 }
      }
    }
    #expect(
      refused >= least * LongChecks.factor,
      "only \(refused) of \(rounds * LongChecks.factor) were refused")
  }

  /// Cut off at every byte, or at every `step`th: all have to be refused, but for
  /// those in `allowed`.
  static func checkTruncations(
    _ path: String, step: Int = 1, allowed: Set<Int> = [],
    _ read: (String) throws -> Void
  ) throws {
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    try inFolder { target in
      for length in stride(from: 0, to: whole.count, by: step) where !allowed.contains(length) {
        let isRefused = try isRefused(Array(whole[..<length]), target, read)
        #expect(isRefused, "\(length) bytes of \(path) are read")
      }
    }
  }

  private static func isRefused(
    _ bytes: [UInt8], _ target: String, _ read: (String) throws -> Void
  ) throws -> Bool {
    try Data(bytes).write(to: URL(fileURLWithPath: target))
    do {
      try read(target)
      return false
    } catch {
      let text = "\(error)"
      #expect(text.contains(target) && !text.contains("\n"), "\(text)")
      return true
    }
  }

  private static func inFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("saker-damaged-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.appendingPathComponent("damaged").path)
  }
}
