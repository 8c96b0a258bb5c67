import Foundation

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

/// A strict reader of the XML that annotations use: elements, attributes (checked; kept for the
/// root), comments, CDATA, the five named characters and numbered ones. A document type with
/// declarations is refused and entities are never expanded: no bomb, no outside file.
struct MarkupParser {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var at = 0
  // Lines are counted when somebody asks, from where they were counted last.
  private var line = 1
  private var counted = 0
  private(set) var rootAttributes: [String: String] = [:]

  private static let maximumDepth = 64

  static func parse(_ bytes: [UInt8]) throws(MarkupError) -> MarkupElement {
    try parseWithAttributes(bytes).root
  }

  /// With the attributes of the root.
  static func parseWithAttributes(_ bytes: [UInt8]) throws(MarkupError)
    -> (root: MarkupElement, attributes: [String: String])
  {
    let result = bytes.withUnsafeBufferPointer { buffer in
      var parser = MarkupParser(bytes: buffer)
      return Result { () throws(MarkupError) in
        let root = try parser.document()
        return (root, parser.rootAttributes)
      }
    }
    return try result.get()
  }

  private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  private mutating func lineHere() -> Int {
    var newlines = 0
    for i in counted..<max(counted, at) where bytes[i] == UInt8(ascii: "\n") { newlines += 1 }
    line += newlines
    counted = max(counted, at)
    return line
  }

  private mutating func failure(_ reason: String) -> MarkupError {
    MarkupError(line: lineHere(), reason: reason)
  }

  // MARK: Characters

  private var current: UInt8? { at < bytes.count ? bytes[at] : nil }

  private func sees(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard at + count <= bytes.count else { return false }
    return memcmp(bytes.baseAddress! + at, text.utf8Start, count) == 0
  }

  private mutating func take(_ text: StaticString) -> Bool {
    guard sees(text) else { return false }
    at += text.utf8CodeUnitCount
    return true
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }

  @discardableResult
  private mutating func skipSpace() -> Bool {
    let start = at
    while at < bytes.count, Self.isSpace(bytes[at]) { at += 1 }
    return at > start
  }

  private mutating func skip(past end: StaticString, of what: String) throws(MarkupError) {
    let start = lineHere()
    while at < bytes.count {
      if take(end) { return }
      at += 1
    }
    throw MarkupError(line: start, reason: "\(what) is not closed")
  }

  private mutating func nameRange() throws(MarkupError) -> Range<Int> {
    let start = at
    while at < bytes.count {
      let byte = bytes[at]
      let letter = (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A
      let digit = byte >= 0x30 && byte <= 0x39 || byte == 0x2D || byte == 0x2E
      guard letter || byte == 0x5F || byte == 0x3A || byte >= 0x80 || (digit && at > start) else {
        break
      }
      at += 1
    }
    guard at > start else { throw failure("expected a name") }
    return start..<at
  }

  private func text(_ range: Range<Int>) -> String {
    String(decoding: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self)
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
    if bytes.allSatisfy({ $0 < 0x80 }) || String(validating: bytes, as: UTF8.self) != nil {
      return nil
    }
    var number = 1
    for row in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      if String(validating: row, as: UTF8.self) == nil { return number }
      number += 1
    }
    return 1
  }

  /// What may stand outside the root: space, comments, instructions, a document type
  /// without declarations.
  private mutating func miscellany() throws(MarkupError) {
    while true {
      skipSpace()
      if take("<!--") {
        try skip(past: "-->", of: "a comment")
      } else if take("<?") {
        try skip(past: "?>", of: "an instruction")
      } else if sees("<!DOCTYPE") {
        let start = lineHere()
        while let byte = current, byte != UInt8(ascii: ">") {
          if byte == UInt8(ascii: "[") {
            throw MarkupError(line: start, reason: "declares entities, which are not expanded")
          }
          at += 1
        }
        guard take(">") else {
          throw MarkupError(line: start, reason: "a document type is not closed")
        }
      } else {
        return
      }
    }
  }

  /// The characters of an element, gathered without a copy while they are one run.
  private struct Characters {
    var run: Range<Int>?
    var pieces: [UInt8]?
  }

  private mutating func element(depth: Int) throws(MarkupError) -> MarkupElement {
    guard depth <= Self.maximumDepth else {
      throw failure("elements nest deeper than \(Self.maximumDepth)")
    }
    let start = lineHere()
    at += 1
    let name = try nameRange()
    var element = MarkupElement(name: text(name), line: start)
    while true {
      if take(">") { break }
      let spaced = skipSpace()
      if take("/>") { return element }
      if take(">") { break }
      guard current != nil else {
        throw MarkupError(line: start, reason: "<\(element.name)> is not closed")
      }
      guard spaced else { throw failure("<\(element.name)> is malformed") }
      try attribute(of: element.name, keep: depth == 1)
    }
    var characters = Characters()
    while true {
      guard let byte = current else {
        throw MarkupError(line: start, reason: "<\(element.name)> is not closed")
      }
      if byte == UInt8(ascii: "&") {
        let character = try reference()
        var pieces = characters.pieces ?? characters.run.map { Array(bytes[$0]) } ?? []
        pieces += character
        characters = Characters(run: nil, pieces: pieces)
      } else if byte != UInt8(ascii: "<") {
        let from = at
        while at < bytes.count, bytes[at] != UInt8(ascii: "<"), bytes[at] != UInt8(ascii: "&") {
          at += 1
        }
        add(from..<at, to: &characters)
      } else if take("</") {
        let closing = try nameRange()
        skipSpace()
        guard
          closing.count == name.count,
          memcmp(
            bytes.baseAddress! + closing.lowerBound, bytes.baseAddress! + name.lowerBound,
            name.count) == 0, take(">")
        else {
          throw failure("</\(text(closing))> closes <\(element.name)> of line \(start)")
        }
        if let pieces = characters.pieces {
          element.text = Self.trimmed(pieces)
        } else if let run = characters.run {
          element.text = trimmedText(run)
        }
        return element
      } else if take("<!--") {
        try skip(past: "-->", of: "a comment")
      } else if take("<![CDATA[") {
        let from = at
        try skip(past: "]]>", of: "a CDATA section")
        add(from..<at - 3, to: &characters)
      } else if take("<?") {
        try skip(past: "?>", of: "an instruction")
      } else {
        element.children.append(try self.element(depth: depth + 1))
      }
    }
  }

  private func add(_ run: Range<Int>, to characters: inout Characters) {
    if characters.run == nil && characters.pieces == nil {
      // Space before the first character would be trimmed anyway.
      if run.contains(where: { !Self.isSpace(bytes[$0]) }) { characters.run = run }
    } else {
      let pieces = characters.pieces ?? Array(bytes[characters.run!])
      characters = Characters(run: nil, pieces: pieces + bytes[run])
    }
  }

  private mutating func attribute(of element: String, keep: Bool) throws(MarkupError) {
    let attribute = text(try nameRange())
    skipSpace()
    guard take("=") else { throw failure("attribute \(attribute) of <\(element)> has no value") }
    skipSpace()
    guard let quote = current, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
      throw failure("attribute \(attribute) of <\(element)> is not quoted")
    }
    at += 1
    var value: [UInt8] = []
    while let byte = current, byte != quote {
      if byte == UInt8(ascii: "<") {
        throw failure("a < in attribute \(attribute) of <\(element)>")
      }
      if byte == UInt8(ascii: "&") {
        value += try reference()
      } else {
        value.append(byte)
        at += 1
      }
    }
    guard current == quote else {
      throw failure("attribute \(attribute) of <\(element)> is not closed")
    }
    at += 1
    if keep { rootAttributes[attribute] = String(decoding: value, as: UTF8.self) }
  }

  private mutating func reference() throws(MarkupError) -> [UInt8] {
    at += 1
    let start = at
    while let byte = current, byte != UInt8(ascii: ";"), at - start < 32, !Self.isSpace(byte) {
      at += 1
    }
    let name = text(start..<at)
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

  private func trimmedText(_ run: Range<Int>) -> String {
    var (first, end) = (run.lowerBound, run.upperBound)
    while first < end, Self.isSpace(bytes[first]) { first += 1 }
    while end > first, Self.isSpace(bytes[end - 1]) { end -= 1 }
    return text(first..<end)
  }

  private static func trimmed(_ text: [UInt8]) -> String {
    guard let first = text.firstIndex(where: { !isSpace($0) }),
      let last = text.lastIndex(where: { !isSpace($0) })
    else { return "" }
    return String(decoding: text[first...last], as: UTF8.self)
  }

  /// Text with the five characters that markup needs written as references, for writers.
  static func escaped(_ text: String) -> String {
    guard text.utf8.contains(where: { [0x26, 0x3C, 0x3E, 0x22].contains($0) || $0 < 0x20 }) else {
      return text
    }
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\u{0}"..<" ": result += scalar == "\t" || scalar == "\n" ? String(scalar) : " "
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
