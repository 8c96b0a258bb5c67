import Foundation
import Synchronization

/// Tells of letters that no installed font has, with the package of Debian that brings one: a line
/// for each package, once.
public enum MissingLetters {
  private static let told = Mutex<[(package: String, warning: String)]>([])

  /// What was told until now, for those who read no standard error.
  public static var warnings: [String] { told.withLock { $0.map(\.warning) } }

  static func tell(_ letter: Unicode.Scalar) {
    let package = package(for: letter)
    let isNew = told.withLock { told in
      guard !told.contains(where: { $0.package == package }) else { return false }
      told.append((package, warning(letter)))
      return true
    }
    guard isNew else { return }
    FileHandle.standardError.write(Data((warning(letter) + "\n").utf8))
  }

  static func warning(_ letter: Unicode.Scalar) -> String {
    let code = String(letter.value, radix: 16, uppercase: true)
    let package = package(for: letter)
    let smaller = package == cjk ? " (or fonts-wqy-microhei, which is smaller)" : ""
    return """
      Warning: no installed font has the letter '\(letter)' (U+\(code)): a box is drawn instead. \
      Debian's package \(package)\(smaller) has it.
      """
  }

  private static let cjk = "fonts-noto-cjk"

  /// The package of fonts for the script of a letter.
  static func package(for letter: Unicode.Scalar) -> String {
    switch letter.value {
    // Hangul, radicals, kana, Bopomofo, ideographs, their compatible and wide forms, the
    // supplementary planes.
    case 0x1100...0x11FF, 0x2E80...0x33FF, 0x3400...0x9FFF, 0xA960...0xA97F, 0xAC00...0xD7FF,
      0xF900...0xFAFF, 0xFE30...0xFE4F, 0xFF00...0xFFEF, 0x1AFF0...0x1B16F, 0x20000...0x3FFFF:
      cjk
    case 0x2600...0x27BF, 0x2B00...0x2BFF, 0xFE0F, 0x1F000...0x1FAFF: "fonts-noto-color-emoji"
    default: "fonts-noto-core"
    }
  }
}
