import Foundation

/// Reads the annotation files that devkits and labelImg write in one pass and without a tree:
/// ASCII, elements without attributes, nothing wrong. It gives up on everything else, and
/// `MarkupParser` reads the file instead: results are the same.
struct VOCScanner {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var at = 0
  private var line = 1
  // The tag that was read last.
  private var name = 0..<0
  private var isClosing = false
  private var tagLine = 1

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  /// Whether the file could be read; else the result is to be thrown away.
  mutating func read(_ parsed: inout PascalVOC.Parsed) -> Bool {
    guard bytes.count > 0, bytes.allSatisfy({ $0 < 0x80 }), skipHead(), tag(), !isClosing,
      isNamed("annotation")
    else { return false }
    while true {
      guard tag() else { return false }
      if isClosing { break }
      guard child(&parsed) else { return false }
    }
    // Without a size the tree tells.
    guard isNamed("annotation"), parsed.picture.size != nil else { return false }
    while at < bytes.count {
      guard ByteText.isSpace(bytes[at]), bytes[at] != 0x0B, bytes[at] != 0x0C else { return false }
      at += 1
    }
    return true
  }

  /// An element of the root, whose start tag was read.
  private mutating func child(_ parsed: inout PascalVOC.Parsed) -> Bool {
    let start = tagLine
    if isNamed("object") { return object(&parsed) }
    if isNamed("filename") {
      guard let text = leaf() else { return false }
      if !text.isEmpty {
        let last = text.lastIndex { bytes[$0] == 0x2F || bytes[$0] == 0x5C }
        // A folder has no name: whatever is meant, the tree tells.
        if let last, last + 1 == text.upperBound { return false }
        parsed.filename = string(last.map { $0 + 1..<text.upperBound } ?? text)
        parsed.picture.line = Int32(clamping: start)
      }
      return true
    }
    if isNamed("size") { return size(&parsed) }
    if isNamed("segmented") {
      guard let text = leaf() else { return false }
      if isOne(text) { parsed.picture.attributes["segmented"] = "1" }
      return true
    }
    if isNamed("source") {
      var isFirst = true
      return children { scanner in
        guard scanner.isNamed("database"), isFirst else { return scanner.skip(1) }
        isFirst = false
        guard let text = scanner.leaf() else { return false }
        if !text.isEmpty, !scanner.isText(text, "Unknown") {
          parsed.picture.attributes["database"] = scanner.string(text)
        }
        return true
      }
    }
    return skip(1)
  }

  private mutating func size(_ parsed: inout PascalVOC.Parsed) -> Bool {
    parsed.picture.sizeLine = Int32(clamping: tagLine)
    var sides: (Double?, Double?)
    guard
      children({ scanner in
        if scanner.isNamed("width"), sides.0 == nil {
          sides.0 = scanner.number()
          return sides.0 != nil
        }
        if scanner.isNamed("height"), sides.1 == nil {
          sides.1 = scanner.number()
          return sides.1 != nil
        }
        return scanner.skip(1)
      }), let width = sides.0, let height = sides.1, (1...1e6).contains(width),
      (1...1e6).contains(height)
    else { return false }
    parsed.picture.size = PictureSize(width: Int(width), height: Int(height))
    return true
  }

  private mutating func object(_ parsed: inout PascalVOC.Parsed) -> Bool {
    var result = LabeledObject(label: 0, box: LabelBox(left: 0, top: 0, width: 0, height: 0))
    let start = tagLine
    var name: String?
    var hasBox = false
    let isRead = children { scanner in
      if scanner.isNamed("name"), name == nil {
        guard let text = scanner.leaf(), !text.isEmpty else { return false }
        name = scanner.string(text)
        return true
      }
      if scanner.isNamed("bndbox"), !hasBox {
        hasBox = true
        result.line = Int32(clamping: scanner.tagLine)
        guard let box = scanner.box() else { return false }
        result.box = box
        return true
      }
      let flag: LabeledObject.Flags
      if scanner.isNamed("difficult") {
        flag = .difficult
      } else if scanner.isNamed("truncated") {
        flag = .truncated
      } else if scanner.isNamed("occluded") {
        flag = .occluded
      } else if scanner.isNamed("pose") {
        guard let text = scanner.leaf() else { return false }
        if !text.isEmpty, !scanner.isText(text, "Unspecified") {
          result.attributes["pose"] = scanner.string(text)
        }
        return true
      } else {
        return scanner.skip(1)
      }
      guard let text = scanner.leaf() else { return false }
      if scanner.isOne(text) { result.flags.insert(flag) }
      return true
    }
    guard isRead, hasBox, let name else { return false }
    parsed.names.append(name)
    parsed.lines.append(Int32(clamping: start))
    parsed.picture.objects.append(result)
    return true
  }

  private mutating func box() -> LabelBox? {
    var sides: (Double?, Double?, Double?, Double?)
    let isRead = children { scanner in
      if scanner.isNamed("xmin"), sides.0 == nil {
        sides.0 = scanner.number()
        return sides.0 != nil
      }
      if scanner.isNamed("ymin"), sides.1 == nil {
        sides.1 = scanner.number()
        return sides.1 != nil
      }
      if scanner.isNamed("xmax"), sides.2 == nil {
        sides.2 = scanner.number()
        return sides.2 != nil
      }
      if scanner.isNamed("ymax"), sides.3 == nil {
        sides.3 = scanner.number()
        return sides.3 != nil
      }
      return scanner.skip(1)
    }
    guard isRead, let left = sides.0, let top = sides.1, let right = sides.2, let bottom = sides.3
    else { return nil }
    return LabelBox(left: left - 1, top: top - 1, right: right, bottom: bottom)
  }

  // MARK: Elements

  /// Calls `body` at each child's start tag, which it reads to the end, until this element ends.
  @inline(__always)
  private mutating func children(_ body: (inout VOCScanner) -> Bool) -> Bool {
    let own = name
    while true {
      guard tag() else { return false }
      if isClosing { return isSame(own) }
      guard body(&self) else { return false }
    }
  }

  /// Reads past an element that nobody asks for.
  private mutating func skip(_ depth: Int) -> Bool {
    guard depth < 50 else { return false }
    return children { $0.skip(depth + 1) }
  }

  /// The characters of an element without children, trimmed, and its end tag.
  private mutating func leaf() -> Range<Int>? {
    let own = name
    var (first, end) = (at, at)
    guard tag(&end), isClosing, isSame(own) else { return nil }
    while first < end, isSpace(bytes[first]) { first += 1 }
    while end > first, isSpace(bytes[end - 1]) { end -= 1 }
    return first..<end
  }

  private mutating func number() -> Double? {
    leaf().flatMap { ByteText.double(UnsafeBufferPointer(rebasing: bytes[$0])) }
  }

  private mutating func tag() -> Bool {
    var end = 0
    return tag(&end)
  }

  /// Reads up to and with the next tag; `end` is where the characters before it end.
  @inline(__always)
  private mutating func tag(_ end: inout Int) -> Bool {
    while at < bytes.count, bytes[at] != UInt8(ascii: "<") {
      if bytes[at] == UInt8(ascii: "\n") { line += 1 }
      if bytes[at] == UInt8(ascii: "&") { return false }
      at += 1
    }
    end = at
    tagLine = line
    at += 1
    guard at < bytes.count else { return false }
    isClosing = bytes[at] == UInt8(ascii: "/")
    if isClosing { at += 1 }
    let start = at
    while at < bytes.count, bytes[at] != UInt8(ascii: ">") {
      let byte = bytes[at]
      let isLetter = byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A
      guard isLetter || byte == 0x5F || (at > start && byte >= 0x30 && byte <= 0x39) else {
        return false
      }
      at += 1
    }
    guard at < bytes.count, at > start else { return false }
    name = start..<at
    at += 1
    return true
  }

  /// Space and `<?xml ... ?>`.
  private mutating func skipHead() -> Bool {
    guard bytes.count > 1, bytes[0] == UInt8(ascii: "<"), bytes[1] == UInt8(ascii: "?") else {
      return bytes[0] == UInt8(ascii: "<")
    }
    while at + 1 < bytes.count {
      if bytes[at] == UInt8(ascii: "?"), bytes[at + 1] == UInt8(ascii: ">") {
        at += 2
        return rootFollows()
      }
      if bytes[at] == UInt8(ascii: "\n") { line += 1 }
      at += 1
    }
    return false
  }

  /// Only space may stand before the root.
  private func rootFollows() -> Bool {
    var next = at
    while next < bytes.count, isSpace(bytes[next]) { next += 1 }
    return next < bytes.count && bytes[next] == UInt8(ascii: "<")
  }

  // MARK: Texts

  private func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }

  @inline(__always)
  private func isNamed(_ word: StaticString) -> Bool { isText(name, word) }

  @inline(__always)
  private func isText(_ text: Range<Int>, _ word: StaticString) -> Bool {
    text.count == word.utf8CodeUnitCount
      && memcmp(bytes.baseAddress! + text.lowerBound, word.utf8Start, text.count) == 0
  }

  private func isSame(_ other: Range<Int>) -> Bool {
    other.count == name.count
      && memcmp(
        bytes.baseAddress! + other.lowerBound, bytes.baseAddress! + name.lowerBound, name.count)
        == 0
  }

  private func isOne(_ text: Range<Int>) -> Bool {
    text.count == 1 && bytes[text.lowerBound] == UInt8(ascii: "1")
  }

  private func string(_ text: Range<Int>) -> String {
    String(decoding: UnsafeBufferPointer(rebasing: bytes[text]), as: UTF8.self)
  }
}
