import Foundation

/// Paths as text: no disk is asked.
enum PathName {
  /// What follows the last slash.
  static func last(_ path: String) -> String {
    path.utf8.lastIndex(of: UInt8(ascii: "/")).map {
      String(path[path.utf8.index(after: $0)...])
    } ?? path
  }

  /// What stands before the last slash; `.` for none.
  static func folder(_ path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Without its extension.
  static func stem(_ path: String) -> String {
    let utf8 = path.utf8
    var at = utf8.endIndex
    while at > utf8.startIndex {
      utf8.formIndex(before: &at)
      if utf8[at] == UInt8(ascii: "/") { return path }
      if utf8[at] == UInt8(ascii: ".") {
        return at == utf8.startIndex ? path : String(path[..<at])
      }
    }
    return path
  }

  /// In lower case, without the dot; empty for none.
  static func ending(_ path: String) -> String {
    let stem = stem(path)
    return stem.utf8.count == path.utf8.count
      ? "" : String(path.utf8.dropFirst(stem.utf8.count + 1))!.lowercased()
  }

  /// Without a slash at its end, except the root's.
  static func trimmed(_ path: String) -> String {
    var path = path
    while path.utf8.count > 1 && path.utf8.last == UInt8(ascii: "/") { path.removeLast() }
    return path
  }

  /// Without `.` and `..` as far as that can be told without a disk.
  static func normalized(_ path: String) -> String {
    // Nearly all are: asked for every picture of a set.
    if isPlain(path) { return path }
    let isAbsolute = path.utf8.first == UInt8(ascii: "/")
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == "..", let last = parts.last, last != ".." {
        parts.removeLast()
      } else if part != ".." || !isAbsolute {
        parts.append(part)
      }
    }
    let text = parts.joined(separator: "/")
    return isAbsolute ? "/" + text : text.isEmpty ? "." : text
  }

  /// `name` inside the folder `root`; `nil` if it would lead out of it. An absolute name must
  /// begin with the root.
  static func inside(_ root: String, _ name: String) -> String? {
    guard !name.utf8.contains(0) else { return nil }
    // Nearly all names are plain, and this is asked for every picture.
    if name.utf8.first != UInt8(ascii: "/"), !name.utf8.isEmpty, !mayClimb(name) {
      return root == "." ? name : root == "/" ? "/" + name : root + "/" + name
    }
    // An absolute name can lie in a root that is told from the working folder.
    let isForeign = name.hasPrefix("/") && !root.hasPrefix("/")
    let root = normalized(isForeign ? FileManager.default.currentDirectoryPath + "/" + root : root)
    let target = name.hasPrefix("/") ? normalized(name) : normalized(root + "/" + name)
    if root == "." { return target.hasPrefix("/") || target.hasPrefix("..") ? nil : target }
    if root == "/" { return target }
    return target == root || target.hasPrefix(root + "/") ? target : nil
  }

  /// Whether there is no empty part, and none that begins with a dot.
  private static func isPlain(_ path: String) -> Bool {
    var last: UInt8 = 0
    for byte in path.utf8 {
      if last == UInt8(ascii: "/") || last == 0 {
        if byte == UInt8(ascii: ".") || (byte == last) { return false }
      }
      last = byte
    }
    return last != UInt8(ascii: "/") && last != 0
  }

  private static func mayClimb(_ name: String) -> Bool {
    var last: UInt8 = UInt8(ascii: "/")
    for byte in name.utf8 {
      if byte == UInt8(ascii: "."), last == UInt8(ascii: "/") || last == byte { return true }
      last = byte
    }
    return false
  }

  /// Whether a name has an ending of pictures that are not read.
  static func isUnreadPicture(_ name: String) -> Bool { !isPicture(name) && isAnyPicture(name) }

  /// Whether the name ends as pictures do that are read (`Picture.endings`), in any case.
  static func isPicture(_ name: String) -> Bool {
    // Asked for every file of a set: no string is made.
    var (key, length): (UInt64, Int) = (0, 0)
    for byte in name.utf8.reversed() {
      if byte == UInt8(ascii: ".") {
        return length > 0 && name.utf8.count > length + 1 && pictureKeys.contains(key)
      }
      guard length < 4 else { return false }
      key |= UInt64(byte | 0x20) << UInt64(8 * length)
      length += 1
    }
    return false
  }

  /// Whether a name is of what systems and tools leave behind, which is never data: it begins with
  /// a dot (`.DS_Store`, `._a.jpg`, `.ipynb_checkpoints`), or is `__MACOSX`, `Thumbs.db` or
  /// `desktop.ini`.
  static func isHidden(_ name: String) -> Bool {
    switch name.utf8.first {
    case UInt8(ascii: "."): true
    case UInt8(ascii: "_"): name == "__MACOSX"
    case UInt8(ascii: "T"), UInt8(ascii: "t"), UInt8(ascii: "D"), UInt8(ascii: "d"):
      ["thumbs.db", "desktop.ini"].contains(name.lowercased())
    default: false
    }
  }

  /// Whether people keep pictures under such a name, also of kinds that are not read.
  static func isAnyPicture(_ name: String) -> Bool {
    isPicture(name) || Picture.isNamedUnread(name)
  }

  /// Whether a text of that name lists classes, not objects.
  static func isListOfClasses(_ name: String) -> Bool {
    ["classes.txt", "predefined_classes.txt", "labels.txt"].contains(name.lowercased())
  }

  /// The endings of pictures, a byte a letter, the last letter lowest.
  private static let pictureKeys = Set(
    Picture.endings.map { $0.utf8.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } })

  /// Whether the extension is that one, of small letters, in any case; as `ending` tells,
  /// without making a string.
  static func ends(_ path: String, with ending: StaticString) -> Bool {
    let utf8 = path.utf8
    let count = ending.utf8CodeUnitCount
    // A name that is all extension has none.
    guard utf8.count > count + 1 else { return false }
    var at = utf8.endIndex
    for i in stride(from: count - 1, through: 0, by: -1) {
      utf8.formIndex(before: &at)
      guard utf8[at] | 0x20 == ending.utf8Start[i] else { return false }
    }
    return utf8[utf8.index(before: at)] == UInt8(ascii: ".")
  }
}
