import Foundation

/// Reading and writing text as bytes: label files hold hundreds of thousands of numbers.
package enum ByteText {
  static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A || byte == 0x0B || byte == 0x0C
  }

  /// Calls `body` with each line's number, from 1, and its bytes without the line's end and
  /// without space around it.
  static func forEachLine(
    _ bytes: UnsafeBufferPointer<UInt8>,
    _ body: (_ line: Int, _ text: UnsafeBufferPointer<UInt8>) throws -> Void
  ) rethrows {
    var (start, line) = (0, 1)
    // A byte order mark is no text.
    if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { start = 3 }
    while start < bytes.count {
      let end =
        memchr(bytes.baseAddress! + start, 0x0A, bytes.count - start).map {
          UnsafePointer($0.assumingMemoryBound(to: UInt8.self)) - bytes.baseAddress!
        } ?? bytes.count
      try body(line, trimmed(UnsafeBufferPointer(rebasing: bytes[start..<end])))
      start = end + 1
      line += 1
    }
  }

  static func trimmed(_ text: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
    var (start, end) = (0, text.count)
    while start < end, isSpace(text[start]) { start += 1 }
    while end > start, isSpace(text[end - 1]) { end -= 1 }
    return UnsafeBufferPointer(rebasing: text[start..<end])
  }

  /// The words of a line, by white space.
  static func forEachWord(
    _ text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) throws -> Void
  ) rethrows {
    var at = 0
    while at < text.count {
      while at < text.count, isSpace(text[at]) { at += 1 }
      guard at < text.count else { return }
      let start = at
      while at < text.count, !isSpace(text[at]) { at += 1 }
      try body(UnsafeBufferPointer(rebasing: text[start..<at]))
    }
  }

  /// `-12`, `3.25`, `1e-3`; `nil` for anything else, infinities included.
  static func double(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
    var (at, mantissa, digits, exponent) = (0, UInt64(0), 0, 0)
    guard text.count > 0 else { return nil }
    let isNegative = text[0] == UInt8(ascii: "-")
    if isNegative || text[0] == UInt8(ascii: "+") { at = 1 }
    let first = at
    while at < text.count, text[at] &- 0x30 < 10 {
      if digits < 18 {
        mantissa = mantissa * 10 + UInt64(text[at] - 0x30)
        if mantissa > 0 { digits += 1 }
      } else {
        return slowDouble(text)
      }
      at += 1
    }
    var count = at - first
    if at < text.count, text[at] == UInt8(ascii: ".") {
      at += 1
      let start = at
      while at < text.count, text[at] &- 0x30 < 10 {
        guard digits < 18 else { return slowDouble(text) }
        mantissa = mantissa * 10 + UInt64(text[at] - 0x30)
        if mantissa > 0 { digits += 1 }
        at += 1
      }
      exponent = start - at
      count += at - start
    }
    guard count > 0 else { return nil }
    // Exact while both the digits and the power of ten are (Clinger 1990); else the library rounds.
    guard at == text.count, mantissa < 1 << 53, exponent >= -22 else { return slowDouble(text) }
    let value = Double(mantissa) / powers[-exponent]
    return isNegative ? -value : value
  }

  /// At an address that stays: an array would be retained for each number.
  nonisolated(unsafe) private static let powers: UnsafePointer<Double> = {
    let table = UnsafeMutablePointer<Double>.allocate(capacity: 23)
    for i in 0...22 { (table + i).initialize(to: Double("1e\(i)")!) }
    return UnsafePointer(table)
  }()

  private static func slowDouble(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
    guard text.count < 400,
      text.allSatisfy({ $0 &- 0x30 < 10 || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains($0) }),
      let value = Double(String(decoding: text, as: UTF8.self)), value.isFinite
    else { return nil }
    return value
  }

  static func integer(_ text: UnsafeBufferPointer<UInt8>) -> Int? {
    guard let value = double(text), value.magnitude < 1e15, value == value.rounded(.towardZero)
    else { return nil }
    return Int(value)
  }

  static func string(_ text: UnsafeBufferPointer<UInt8>) -> String {
    String(decoding: text, as: UTF8.self)
  }

  /// For messages: a word of a file, shortened, with nothing that disturbs a terminal.
  static func shown(_ text: UnsafeBufferPointer<UInt8>) -> String {
    shown(String(decoding: text.prefix(60), as: UTF8.self), cut: text.count > 60)
  }

  static func shown(_ text: String, cut: Bool = false, most: Int = 60) -> String {
    let short = text.unicodeScalars.prefix(most)
    let clean = String(
      String.UnicodeScalarView(
        short.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }))
    return cut || text.unicodeScalars.count > most ? clean + "..." : clean
  }

  /// Names for a message: the first twenty, each shortened.
  package static func list(_ names: [String]) -> String {
    names.prefix(20).map { shown($0) }.joined(separator: ", ")
      + (names.count > 20 ? ", ... (\(names.count))" : "")
  }

  /// A path for a message. No system has longer ones than 4096 bytes, but files may state them.
  static func path(_ path: String) -> String {
    path.utf8.count <= 4096 ? path : shown(path, most: 200)
  }

  /// A whole message, which may quote names that nobody shortened: one line of at most 1000
  /// characters. Everything that tells what is wrong with a file goes through here.
  package static func message(_ text: String) -> String {
    if text.utf8.count <= 1000, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) { return text }
    return shown(text, most: 1000)
  }
}

/// A text file being made.
struct TextOutput {
  private(set) var bytes: [UInt8] = []

  mutating func write(_ text: String) { bytes.append(contentsOf: text.utf8) }

  mutating func write(_ number: Int) { write(String(number)) }

  /// In decimal notation with `most` digits after the point, zeros at the end left out down
  /// to `least` digits.
  mutating func write(_ number: Double, least: Int = 0, most: Int) {
    let factor = TextOutput.powers[most]
    let scaled = (number.magnitude * factor).rounded()
    guard scaled < 9e17 else { return write("\(number)") }
    var digits = UInt64(scaled)
    if number < 0 && digits > 0 { bytes.append(UInt8(ascii: "-")) }
    var places = most
    while places > least && digits % 10 == 0 {
      digits /= 10
      places -= 1
    }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 40) { buffer in
      var at = 40
      var place = 0
      repeat {
        if place == places && places > 0 {
          at -= 1
          buffer[at] = UInt8(ascii: ".")
        }
        at -= 1
        buffer[at] = 0x30 + UInt8(digits % 10)
        digits /= 10
        place += 1
      } while digits > 0 || place <= places
      bytes.append(contentsOf: buffer[at...])
    }
  }

  private static let powers: [Double] = (0...15).map { Double("1e\($0)")! }
}
