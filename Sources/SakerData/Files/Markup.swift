/// One element of an XML document.
struct MarkupElement {
  let name: String
  /// The line of its start tag, from 1.
  let line: Int
  /// Its own characters, those of its children left out, trimmed.
  var text = ""
  var children: [MarkupElement] = []

  /// The first child of that name.
  subscript(_ name: String) -> MarkupElement? { children.first { $0.name == name } }
}

/// Why a text is not XML as annotations use it, and where.
struct MarkupError: Error, Equatable {
  let line: Int
  let reason: String
}

/// A strict reader of the XML that annotations use: elements, attributes (checked, not kept), comments, CDATA, the five named characters and
/// numbered ones. A document type with declarations is refused and entities are never expanded: no bomb, no outside file.
struct MarkupParser {
  private let bytes: [UInt8]
  private var at = 0
  private var line = 1

  private static let maximumDepth = 64

  static func parse(_ bytes: [UInt8]) throws(MarkupError) -> MarkupElement {
    var parser = MarkupParser(bytes: bytes)
    return try parser.document()
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private func failure(_ reason: String) -> MarkupError { MarkupError(line: line, reason: reason) }

  // MARK: Characters

  private var current: UInt8? { at < bytes.count ? bytes[at] : nil }

  private mutating func advance(_ count: Int = 1) {
    for _ in 0..<count where at < bytes.count {
      if bytes[at] == UInt8(ascii: "\n") { line += 1 }
      at += 1
    }
  }

  private func sees(_ text: StaticString) -> Bool {
    guard at + text.utf8CodeUnitCount <= bytes.count else { return false }
    return text.withUTF8Buffer { expected in
      bytes[at..<at + expected.count].elementsEqual(expected)
    }
  }

  private mutating func take(_ text: StaticString) -> Bool {
    guard sees(text) else { return false }
    advance(text.utf8CodeUnitCount)
    return true
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }

  @discardableResult
  private mutating func skipSpace() -> Bool {
    let start = at
    while let byte = current, Self.isSpace(byte) { advance() }
    return at > start
  }

  private mutating func skip(past end: StaticString, of what: String) throws(MarkupError) {
    let start = line
    while at < bytes.count {
      if take(end) { return }
      advance()
    }
    throw MarkupError(line: start, reason: "\(what) is not closed")
  }

  private mutating func name() throws(MarkupError) -> String {
    let start = at
    while let byte = current {
      let letter = (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A
      let digit = byte >= 0x30 && byte <= 0x39 || byte == 0x2D || byte == 0x2E
      guard letter || byte == 0x5F || byte == 0x3A || byte >= 0x80 || (digit && at > start) else {
        break
      }
      at += 1
    }
    guard at > start else { throw failure("expected a name") }
    return String(decoding: bytes[start..<at], as: UTF8.self)
  }

  // MARK: Structure

  private mutating func document() throws(MarkupError) -> MarkupElement {
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      throw failure("is UTF-16; expected UTF-8")
    }
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
    if let bad = firstInvalidLine() { throw MarkupError(line: bad, reason: "is not UTF-8 text") }
    try miscellany()
    guard current == UInt8(ascii: "<") else {
      throw failure(at == bytes.count ? "no element in it" : "text before the first element")
    }
    let root = try element(depth: 1)
    try miscellany()
    guard at == bytes.count else { throw failure("something follows the closing </\(root.name)>") }
    return root
  }

  /// The line of the first bytes that are no UTF-8.
  private func firstInvalidLine() -> Int? {
    if bytes.withUnsafeBufferPointer({ String(validating: $0, as: UTF8.self) }) != nil {
      return nil
    }
    var number = 1
    for row in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      if String(validating: row, as: UTF8.self) == nil { return number }
      number += 1
    }
    return 1
  }

  /// What may stand outside the root: space, comments, instructions, a document type without declarations.
  private mutating func miscellany() throws(MarkupError) {
    while true {
      skipSpace()
      if take("<!--") {
        try skip(past: "-->", of: "a comment")
      } else if take("<?") {
        try skip(past: "?>", of: "an instruction")
      } else if sees("<!DOCTYPE") {
        let start = line
        while let byte = current, byte != UInt8(ascii: ">") {
          if byte == UInt8(ascii: "[") {
            throw MarkupError(line: start, reason: "declares entities, which are not expanded")
          }
          advance()
        }
        guard take(">") else {
          throw MarkupError(line: start, reason: "a document type is not closed")
        }
      } else {
        return
      }
    }
  }

  private mutating func element(depth: Int) throws(MarkupError) -> MarkupElement {
    guard depth <= Self.maximumDepth else {
      throw failure("elements nest deeper than \(Self.maximumDepth)")
    }
    let start = line
    advance()
    var element = MarkupElement(name: try name(), line: start)
    while true {
      let spaced = skipSpace()
      if take("/>") { return element }
      if take(">") { break }
      guard current != nil else {
        throw MarkupError(line: start, reason: "<\(element.name)> is not closed")
      }
      guard spaced else { throw failure("<\(element.name)> is malformed") }
      try attribute(of: element.name)
    }
    var text: [UInt8] = []
    while true {
      guard let byte = current else {
        throw MarkupError(line: start, reason: "<\(element.name)> is not closed")
      }
      if byte == UInt8(ascii: "&") {
        text += try reference()
      } else if byte != UInt8(ascii: "<") {
        text.append(byte)
        advance()
      } else if take("</") {
        let closing = try name()
        skipSpace()
        guard closing == element.name, take(">") else {
          throw failure("</\(closing)> closes <\(element.name)> of line \(start)")
        }
        element.text = Self.trimmed(text)
        return element
      } else if take("<!--") {
        try skip(past: "-->", of: "a comment")
      } else if take("<![CDATA[") {
        let from = at
        try skip(past: "]]>", of: "a CDATA section")
        text += bytes[from..<at - 3]
      } else if take("<?") {
        try skip(past: "?>", of: "an instruction")
      } else {
        element.children.append(try self.element(depth: depth + 1))
      }
    }
  }

  private mutating func attribute(of element: String) throws(MarkupError) {
    let attribute = try name()
    skipSpace()
    guard take("=") else { throw failure("attribute \(attribute) of <\(element)> has no value") }
    skipSpace()
    guard let quote = current, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
      throw failure("attribute \(attribute) of <\(element)> is not quoted")
    }
    advance()
    while let byte = current, byte != quote {
      if byte == UInt8(ascii: "<") {
        throw failure("a < in attribute \(attribute) of <\(element)>")
      }
      if byte == UInt8(ascii: "&") { _ = try reference() } else { advance() }
    }
    guard current == quote else {
      throw failure("attribute \(attribute) of <\(element)> is not closed")
    }
    advance()
  }

  private mutating func reference() throws(MarkupError) -> [UInt8] {
    advance()
    let start = at
    while let byte = current, byte != UInt8(ascii: ";"), at - start < 32, !Self.isSpace(byte) {
      advance()
    }
    let name = String(decoding: bytes[start..<at], as: UTF8.self)
    guard take(";") else { throw failure("an & that starts no character (write &amp;)") }
    switch name {
    case "amp": return [UInt8(ascii: "&")]
    case "lt": return [UInt8(ascii: "<")]
    case "gt": return [UInt8(ascii: ">")]
    case "quot": return [UInt8(ascii: "\"")]
    case "apos": return [UInt8(ascii: "'")]
    default: break
    }
    guard name.first == "#" else { throw failure("entity &\(name); (entities are not expanded)") }
    let digits = name.dropFirst()
    let code = digits.first == "x" ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
    guard let code, code > 0, let scalar = Unicode.Scalar(code) else {
      throw failure("&\(name); is no character")
    }
    return Array(String(Character(scalar)).utf8)
  }

  private static func trimmed(_ text: [UInt8]) -> String {
    guard let first = text.firstIndex(where: { !isSpace($0) }),
      let last = text.lastIndex(where: { !isSpace($0) })
    else { return "" }
    return String(decoding: text[first...last], as: UTF8.self)
  }
}
