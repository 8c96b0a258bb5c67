/// JSON (RFC 8259) with members in their order and as often as they appear, which Foundation's
/// reader does not tell: a header that names a tensor twice is damaged.
enum JSONValue: CustomStringConvertible {
  case object([(name: String, value: JSONValue)])
  case array([JSONValue])
  case string(String)
  /// As it is written.
  case number(String)
  case bool(Bool)
  case null

  struct Problem: Error {
    let what: String
    /// In bytes from the start.
    let position: Int

    init(_ what: String, at position: Int) {
      self.what = what
      self.position = position
    }
  }

  init(_ text: [UInt8]) throws(Problem) {
    var parser = JSONParser(text)
    self = try parser.whole()
  }

  /// The first member of that name.
  subscript(name: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  /// The elements of an array of whole numbers from 0 up.
  var naturals: [Int]? {
    guard case .array(let values) = self else { return nil }
    let numbers = values.compactMap { value -> Int? in
      guard case .number(let digits) = value, let number = Int(digits), number >= 0 else {
        return nil
      }
      return number
    }
    return numbers.count == values.count ? numbers : nil
  }

  var description: String {
    switch self {
    case .object(let members):
      "{" + members.map { "\(Self.quoted($0.name)):\($0.value)" }.joined(separator: ",") + "}"
    case .array(let values): "[" + values.map(\.description).joined(separator: ",") + "]"
    case .string(let text): Self.quoted(text)
    case .number(let digits): digits
    case .bool(let value): value ? "true" : "false"
    case .null: "null"
    }
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

private struct JSONParser {
  private let text: [UInt8]
  private var position = 0
  private var depth = 0

  init(_ text: [UInt8]) { self.text = text }

  mutating func whole() throws(JSONValue.Problem) -> JSONValue {
    let result = try value()
    skipSpace()
    if position < text.count { throw problem("expected nothing more") }
    return result
  }

  private func problem(_ what: String) -> JSONValue.Problem {
    JSONValue.Problem(what, at: position)
  }

  private mutating func skipSpace() {
    while position < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[position]) {
      position += 1
    }
  }

  /// Whether `byte` comes next, after space; if so it is passed.
  private mutating func next(is byte: Character) -> Bool {
    skipSpace()
    guard position < text.count, text[position] == byte.asciiValue else { return false }
    position += 1
    return true
  }

  private mutating func value() throws(JSONValue.Problem) -> JSONValue {
    depth += 1
    defer { depth -= 1 }
    if depth > 64 { throw problem("nested too deeply") }
    skipSpace()
    guard position < text.count else { throw problem("the text ends too early") }
    switch text[position] {
    case UInt8(ascii: "{"): return try object()
    case UInt8(ascii: "["): return try array()
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func word(
    _ word: String, _ value: JSONValue
  ) throws(JSONValue.Problem) -> JSONValue {
    guard text[position...].starts(with: word.utf8) else { throw problem("expected a value") }
    position += word.utf8.count
    return value
  }

  private mutating func number() throws(JSONValue.Problem) -> JSONValue {
    let start = position
    while position < text.count, "+-.0123456789eE".utf8.contains(text[position]) { position += 1 }
    let digits = String(decoding: text[start..<position], as: UTF8.self)
    guard Double(digits) != nil, digits.first != "+", digits.first != "." else {
      position = start
      throw problem("expected a value")
    }
    return .number(digits)
  }

  private mutating func object() throws(JSONValue.Problem) -> JSONValue {
    position += 1
    var members: [(name: String, value: JSONValue)] = []
    if next(is: "}") { return .object(members) }
    repeat {
      skipSpace()
      guard position < text.count, text[position] == UInt8(ascii: "\"") else {
        throw problem("expected a name")
      }
      let name = try string()
      guard next(is: ":") else { throw problem("expected a colon") }
      members.append((name, try value()))
    } while next(is: ",")
    guard next(is: "}") else { throw problem("expected a comma or a brace") }
    return .object(members)
  }

  private mutating func array() throws(JSONValue.Problem) -> JSONValue {
    position += 1
    var values: [JSONValue] = []
    if next(is: "]") { return .array(values) }
    repeat { values.append(try value()) } while next(is: ",")
    guard next(is: "]") else { throw problem("expected a comma or a bracket") }
    return .array(values)
  }

  private mutating func string() throws(JSONValue.Problem) -> String {
    position += 1
    var bytes: [UInt8] = []
    while position < text.count {
      let byte = text[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let result = String(validating: bytes, as: UTF8.self) else {
          throw problem("expected UTF-8")
        }
        return result
      case UInt8(ascii: "\\"): try escape(&bytes)
      case 0..<0x20: throw problem("a control character in a text")
      default: bytes.append(byte)
      }
    }
    throw problem("a text does not end")
  }

  private mutating func escape(_ bytes: inout [UInt8]) throws(JSONValue.Problem) {
    guard position < text.count else { throw problem("a text does not end") }
    let byte = text[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(byte)
    case UInt8(ascii: "b"): bytes.append(0x08)
    case UInt8(ascii: "f"): bytes.append(0x0C)
    case UInt8(ascii: "n"): bytes.append(0x0A)
    case UInt8(ascii: "r"): bytes.append(0x0D)
    case UInt8(ascii: "t"): bytes.append(0x09)
    case UInt8(ascii: "u"):
      var units = [try unit()]
      // Characters beyond the first 65536 come in two units.
      if (0xD800..<0xDC00).contains(units[0]), text[position...].starts(with: "\\u".utf8) {
        position += 2
        units.append(try unit())
      }
      guard let decoded = String(validating: units, as: UTF16.self) else {
        throw problem("half a character")
      }
      bytes += Array(decoded.utf8)
    default: throw problem("an unknown escape")
    }
  }

  private mutating func unit() throws(JSONValue.Problem) -> UInt16 {
    guard position + 4 <= text.count else { throw problem("a text does not end") }
    let digits = String(decoding: text[position..<position + 4], as: UTF8.self)
    guard digits.allSatisfy(\.isHexDigit), let value = UInt16(digits, radix: 16) else {
      throw problem("expected four hexadecimal digits")
    }
    position += 4
    return value
  }
}
