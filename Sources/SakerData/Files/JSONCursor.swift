import Foundation

/// Why a JSON file was refused, and where.
public struct JSONError: Error, Hashable, CustomStringConvertible, Sendable {
  public let file: String
  /// From 1; 0 where the whole file is meant.
  public let line: Int
  /// Offset in the file, from 0.
  public let byte: Int
  public let reason: String

  public init(file: String, line: Int, byte: Int, reason: String) {
    self.file = file
    self.line = line
    self.byte = byte
    self.reason = ByteText.message(reason)
  }

  /// One line.
  public var description: String {
    line == 0 ? "\(file): \(reason)" : "\(file):\(line): \(reason) (byte \(byte))"
  }
}

/// Reads JSON (RFC 8259) front to back, value by value, without a tree in memory: the caller says
/// what it expects, and everything else is an error that names file, line and byte.
///
/// ```swift
/// try cursor.enterObject()
/// while let key = try cursor.nextKey() {
///   if key == "images" {
///     try cursor.enterArray()
///     while try cursor.nextElement() { images.append(try cursor.double()) }
///   } else {
///     try cursor.skip()
///   }
/// }
/// try cursor.end()
/// ```
///
/// Numbers are rounded correctly, as Python and `strtod` do. `NaN` and `Infinity`, which Python
/// writes, aren't JSON and are refused, as are numbers that no double holds. The bytes must stay
/// alive and unchanged for as long as the cursor or a text of it is in use.
public struct JSONCursor {
  /// What the next value is.
  public enum Kind: String, Sendable {
    case object, array, string, number, boolean, null
  }

  /// Objects and arrays inside each other; deeper files are refused.
  public static let depthLimit = 128

  public let file: String
  private let bytes: UnsafePointer<UInt8>
  private let count: Int
  private var place = 0
  private var depth = 0
  /// Just behind the bracket that opens a container, where a comma can't be.
  private var opened = false
  /// The last key that was read: errors of values name it.
  private var key: JSONText?
  /// Whether `skip` passes over what Python writes and JSON has not: `NaN`,
  /// `Infinity`, `-Infinity`.
  var skipsNoNumbers = false

  public init(_ bytes: UnsafeBufferPointer<UInt8>, file: String) {
    // An empty buffer may have no address; nothing is read through this one.
    self.bytes = bytes.baseAddress ?? UnsafePointer(bitPattern: 1)!
    self.file = file
    count = bytes.count
    // A byte order mark, as some editors leave it.
    if count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { place = 3 }
  }

  /// Offset of the next byte to be read: behind `nextKey` and `nextElement`, the value's first.
  public var offset: Int { place }

  /// A cursor in the same container, at the first byte of an element of it.
  func moved(toElementAt offset: Int) -> JSONCursor {
    var cursor = self
    cursor.place = offset
    cursor.opened = false
    return cursor
  }

  /// Where, behind the middle of what is left, an object seems to begin that follows another in a
  /// list; `nil` if it is not worth the while, or nothing looks like it. It may be inside a text,
  /// or in another list.
  func middleObject(least: Int) -> Int? {
    guard count - place >= least else { return nil }
    let middle = place + (count - place) / 2
    for start in middle..<min(count, middle + 1 << 20) where bytes[start] == 0x7B {
      var before = start - 1
      while before > place, bytes[before] <= 0x20 { before -= 1 }
      guard bytes[before] == 0x2C else { continue }
      before -= 1
      while before > place, bytes[before] <= 0x20 { before -= 1 }
      if bytes[before] == 0x7D { return start }
    }
    return nil
  }

  /// An error at the next byte, or at `offset`.
  public func error(_ reason: String, at offset: Int? = nil) -> JSONError {
    let end = min(max(offset ?? place, 0), count)
    var line = 1
    for index in 0..<end where bytes[index] == 0x0A { line += 1 }
    return JSONError(file: file, line: line, byte: end, reason: reason)
  }

  // MARK: Containers

  /// Steps into the object that comes next; `nextKey` then walks it.
  public mutating func enterObject() throws(JSONError) { try enter(0x7B, "an object") }

  /// Steps into the array that comes next; `nextElement` then walks it.
  public mutating func enterArray() throws(JSONError) { try enter(0x5B, "an array") }

  private mutating func enter(_ bracket: UInt8, _ what: String) throws(JSONError) {
    guard try peekByte() == bracket else { throw unexpected(what, isValue: true) }
    guard depth < Self.depthLimit else {
      throw error("is nested deeper than \(Self.depthLimit) levels")
    }
    place += 1
    depth += 1
    opened = true
  }

  /// The key of the next member, after which its value must be read or skipped; `nil` behind the
  /// last one, which leaves the object.
  @inline(__always)
  public mutating func nextKey() throws(JSONError) -> JSONText? {
    guard try step(0x7D, "a comma or }") else { return nil }
    guard try peekByte() == 0x22 else { throw unexpected("a key in quotes") }
    let key = try text()
    self.key = key
    guard try peekByte() == 0x3A else { throw unexpected("a colon") }
    place += 1
    skipSpace()
    return key
  }

  /// Whether another element follows, which must then be read or skipped; `false` behind the last
  /// one, which leaves the array.
  @inline(__always)
  public mutating func nextElement() throws(JSONError) -> Bool {
    try step(0x5D, "a comma or ]")
  }

  @inline(__always)
  private mutating func step(_ closing: UInt8, _ what: String) throws(JSONError) -> Bool {
    let byte = try peekByte()
    if byte == closing {
      place += 1
      depth -= 1
      opened = false
      return false
    }
    if opened {
      opened = false
      return true
    }
    guard byte == 0x2C else { throw unexpected(what) }
    place += 1
    skipSpace()
    return true
  }

  // MARK: Values

  /// What comes next, without reading it.
  public mutating func kind() throws(JSONError) -> Kind {
    switch try peekByte() {
    case 0x7B: .object
    case 0x5B: .array
    case 0x22: .string
    case 0x74, 0x66: .boolean
    case 0x6E: .null
    case 0x2D, 0x30...0x39: .number
    default: throw unexpected("a value", isValue: true)
    }
  }

  public mutating func boolean() throws(JSONError) -> Bool {
    switch try peekByte() {
    case 0x74:
      try word("true")
      return true
    case 0x66:
      try word("false")
      return false
    default: throw unexpected("true or false", isValue: true)
    }
  }

  public mutating func null() throws(JSONError) {
    guard try peekByte() == 0x6E else { throw unexpected("null", isValue: true) }
    try word("null")
  }

  /// Whether a string comes next, without reading it.
  @inline(__always)
  mutating func isText() throws(JSONError) -> Bool { try peekByte() == 0x22 }

  /// Reads a `null`, or nothing if something else comes next.
  public mutating func isNull() throws(JSONError) -> Bool {
    guard try peekByte() == 0x6E else { return false }
    try word("null")
    return true
  }

  public mutating func string() throws(JSONError) -> String {
    guard try peekByte() == 0x22 else { throw unexpected("a string", isValue: true) }
    let start = place
    guard let string = try text().string else { throw error("is not UTF-8 text", at: start) }
    return string
  }

  /// A string as it stands in the file, which costs nothing.
  @inline(__always)
  public mutating func text() throws(JSONError) -> JSONText {
    guard try peekByte() == 0x22 else { throw unexpected("a string", isValue: true) }
    place += 1
    let start = place
    var escaped = false
    while place < count {
      let byte = bytes[place]
      if byte == 0x22 {
        let raw = UnsafeBufferPointer(start: bytes + start, count: place - start)
        place += 1
        opened = false
        return JSONText(bytes: raw, isEscaped: escaped)
      }
      if byte < 0x20 { throw error("has a control character inside a string") }
      if byte == 0x5C {
        escaped = true
        try checkEscape()
      } else {
        place += 1
      }
    }
    throw error("ends inside a string")
  }

  private mutating func checkEscape() throws(JSONError) {
    guard place + 1 < count else {
      place = count
      throw error("ends inside a string")
    }
    switch bytes[place + 1] {
    case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: place += 2
    case 0x75:
      guard place + 6 <= count else {
        place = count
        throw error("ends inside a string")
      }
      for digit in place + 2..<place + 6 where hexadecimal(bytes[digit]) == nil {
        throw error("has \\u without four hexadecimal digits")
      }
      place += 6
    default: throw error("has an unknown escape in a string")
    }
  }

  /// A finite number.
  @inline(__always)
  public mutating func double() throws(JSONError) -> Double {
    let byte = try peekByte()
    guard byte == 0x2D || (0x30...0x39).contains(byte) else {
      throw unexpected("a number", isValue: true)
    }
    return try number()
  }

  /// A number without a fraction (`7`, or `7.0`) of at most 2^53, beyond which doubles skip some.
  @inline(__always)
  public mutating func integer() throws(JSONError) -> Int {
    let byte = try peekByte()
    guard byte == 0x2D || (0x30...0x39).contains(byte) else {
      throw unexpected("an integer", isValue: true)
    }
    let start = place
    let value = try number()
    guard abs(value) <= 0x1p53 else {
      throw error(named("has an integer beyond 2^53"), at: start)
    }
    guard let integer = Int(exactly: value) else {
      throw error(named("expected an integer, got \(value)"), at: start)
    }
    return integer
  }

  /// Reads past the next value, whatever it is; what is inside is checked like everything else.
  public mutating func skip() throws(JSONError) {
    if skipsNoNumbers, try skipNoNumber() { return }
    switch try kind() {
    case .object:
      try enterObject()
      while try nextKey() != nil { try skip() }
    case .array:
      try enterArray()
      while try nextElement() { try skip() }
    case .string: _ = try text()
    case .number: _ = try number()
    case .boolean: _ = try boolean()
    case .null: try null()
    }
  }

  private mutating func skipNoNumber() throws(JSONError) -> Bool {
    guard [0x4E, 0x49, 0x2D].contains(try peekByte()) else { return false }
    for word in ["NaN", "Infinity", "-Infinity"] as [StaticString] {
      let length = word.utf8CodeUnitCount
      guard place + length <= count, memcmp(bytes + place, word.utf8Start, length) == 0 else {
        continue
      }
      place += length
      opened = false
      return true
    }
    return false
  }

  /// The next value as it stands in the file, checked like everything else.
  mutating func raw() throws(JSONError) -> String {
    let start = place
    try skip()
    let text = UnsafeBufferPointer(start: bytes + start, count: place - start)
    guard let text = String(validating: text, as: UTF8.self) else {
      throw error("is not UTF-8 text", at: start)
    }
    return text
  }

  /// Checks that nothing but white space is left.
  public mutating func end() throws(JSONError) {
    skipSpace()
    guard place == count else { throw error("has something after its end") }
  }

  // MARK: Bytes

  @inline(__always)
  private mutating func skipSpace() {
    while place < count {
      let byte = bytes[place]
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
      place += 1
    }
  }

  /// The next byte that isn't white space.
  @inline(__always)
  private mutating func peekByte() throws(JSONError) -> UInt8 {
    skipSpace()
    guard place < count else { throw error("ends too early") }
    return bytes[place]
  }

  private mutating func word(_ word: StaticString) throws(JSONError) {
    let length = word.utf8CodeUnitCount
    guard place + length <= count, memcmp(bytes + place, word.utf8Start, length) == 0 else {
      throw unexpected("\(word)")
    }
    place += length
    opened = false
  }

  /// With the key whose value it is about.
  private func named(_ reason: String) -> String {
    guard let name = key?.string else { return reason }
    return "'\(ByteText.shown(name))': \(reason)"
  }

  /// What stands where something else was expected.
  private func unexpected(_ wanted: String, isValue: Bool = false) -> JSONError {
    guard place < count else { return error("ends too early, expected \(wanted)") }
    let got: String
    switch bytes[place] {
    case 0x7B: got = "an object"
    case 0x5B: got = "an array"
    case 0x22: got = "a string"
    case let byte where byte > 0x20 && byte < 0x7F:
      // A word or a number as a whole, so that NaN can be read in the message.
      var end = place + 1
      while end < count, end < place + 24, isWordByte(bytes[place]), isWordByte(bytes[end]) {
        end += 1
      }
      got = String(
        decoding: UnsafeBufferPointer(start: bytes + place, count: end - place), as: UTF8.self)
    case let byte: got = "the byte \(byte)"
    }
    let reason = "expected \(wanted), got \(got)"
    return error(isValue ? named(reason) : reason)
  }

  private func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2D, 0x2E: true
    default: false
    }
  }

  private func hexadecimal(_ byte: UInt8) -> UInt32? {
    switch byte {
    case 0x30...0x39: UInt32(byte) - 0x30
    case 0x41...0x46: UInt32(byte) - 0x41 + 10
    case 0x61...0x66: UInt32(byte) - 0x61 + 10
    default: nil
    }
  }

  // MARK: Numbers

  /// Reads a number's digits into an integer and a power of ten.
  private mutating func number() throws(JSONError) -> Double {
    let start = place
    let negative = bytes[place] == 0x2D
    if negative { place += 1 }
    var digits: UInt64 = 0
    var exponent = 0
    // The places of digits that count, the first of them not 0; 19 fit into 64 bits.
    var significant = 0

    let first = place
    while place < count, case let digit = bytes[place] &- 0x30, digit < 10 {
      if significant > 0 || digit > 0 { significant += 1 }
      digits = digits &* 10 &+ UInt64(digit)
      place += 1
    }
    guard place > first, place == first + 1 || bytes[first] != 0x30 else {
      throw error("has a malformed number", at: start)
    }
    if place < count, bytes[place] == 0x2E {
      place += 1
      let point = place
      while place < count, case let digit = bytes[place] &- 0x30, digit < 10 {
        if significant > 0 || digit > 0 { significant += 1 }
        digits = digits &* 10 &+ UInt64(digit)
        place += 1
      }
      guard place > point else { throw error("has a malformed number", at: start) }
      exponent = point - place
    }
    if place < count, bytes[place] | 0x20 == 0x65 {
      place += 1
      var isDown = false
      if place < count, bytes[place] == 0x2B || bytes[place] == 0x2D {
        isDown = bytes[place] == 0x2D
        place += 1
      }
      let power = place
      var written = 0
      while place < count, case let digit = bytes[place] &- 0x30, digit < 10 {
        written = min(written * 10 + Int(digit), 1_000_000)
        place += 1
      }
      guard place > power else { throw error("has a malformed number", at: start) }
      exponent += isDown ? -written : written
    }
    opened = false
    if significant <= 19, let value = DecimalNumber.double(digits, powerOfTen: exponent) {
      return negative ? -value : value
    }
    return try slowNumber(from: start)
  }

  /// For numbers of more digits or a larger exponent than the quick way takes.
  private func slowNumber(from start: Int) throws(JSONError) -> Double {
    var text = [CChar](unsafeUninitializedCapacity: place - start + 1) { buffer, done in
      for index in start..<place { buffer[index - start] = CChar(bytes[index]) }
      done = place - start
    }
    text.append(0)
    let value = strtod(text, nil)
    guard value.isFinite else {
      throw error("has a number that is too large", at: start)
    }
    return value
  }
}
