import Foundation
import SakerData
import Testing

/// Reads text with a cursor.
func reading<Value>(
  _ text: some StringProtocol, _ body: (inout JSONCursor) throws(JSONError) -> Value
) throws(JSONError) -> Value {
  let result: Result<Value, JSONError> = Array(text.utf8).withUnsafeBufferPointer { bytes in
    var cursor = JSONCursor(bytes, file: "x.json")
    do throws(JSONError) {
      let value = try body(&cursor)
      try cursor.end()
      return .success(value)
    } catch {
      return .failure(error)
    }
  }
  return try result.get()
}

func jsonProblem(_ text: some StringProtocol) -> String? {
  do {
    try reading(text) { (cursor) throws(JSONError) in try cursor.skip() }
    return nil
  } catch {
    return error.description
  }
}

@Suite("JSON cursor") struct JSONCursorTests {
  @Test("numbers are the doubles strtod gives, bit for bit")
  func numbers() throws {
    var random = SeededRandom(seed: 9)
    var texts = [
      "0", "-0", "-0.0", "1", "0.1", "1e22", "1e23", "123456789012345678", "9007199254740993",
      "9007199254740993.0", "0.30000000000000004", "1.7976931348623157e308", "5e-324", "4.9e-324",
      "2.2250738585072011e-308", "0.000000000000000000123", "18446744073709551615",
      "1844674407370955161.5", "0.5000000000000000277", "9.999999999999999e-5", "1E+2", "1e-2",
      "100000000000000000000000000000000000000000000000000000000000000000000000000000001",
    ]
    for _ in 0..<4000 {
      texts.append("\(random.double())")
      texts.append("\(random.double() * 1000 - 500)")
      texts.append("\(Double(bitPattern: random.next() & 0x7FDF_FFFF_FFFF_FFFF))")
      let digits = String(random.next() % 10_000_000_000_000_000_000)
      let cut = digits.index(digits.startIndex, offsetBy: Int(random.next() % UInt64(digits.count)))
      texts.append("\(digits[..<cut].isEmpty ? "0" : digits[..<cut]).\(digits[cut...])")
    }
    for text in texts where !text.hasPrefix("00") {
      let got = try reading(text) { (c) throws(JSONError) in try c.double() }
      #expect(got.bitPattern == strtod(text, nil).bitPattern, "\(text)")
    }
  }

  @Test("strings with escapes")
  func strings() throws {
    let text = #""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é""#
    let got = try reading(text) { (c) throws(JSONError) in try c.string() }
    #expect(got == "a\"\\/\u{8}\u{c}\n\r\té😀é")
    let lone = try reading(#""\ud83dx""#) { (c) throws(JSONError) in try c.string() }
    #expect(lone == "\u{FFFD}x")
    let two = try reading(#""\ud83d\u0041\udc00""#) { (c) throws(JSONError) in try c.string() }
    #expect(two == "\u{FFFD}A\u{FFFD}")
    let broken = Array("\"\\n".utf8) + [0xFF, 0x22]
    broken.withUnsafeBufferPointer { bytes in
      var cursor = JSONCursor(bytes, file: "x")
      #expect(throws: JSONError.self) { try cursor.string() }
    }
  }

  @Test(
    "good texts",
    arguments: [
      "{}", "[]", " [ ] ", "[1,2]", #"{"a":[{},[],null,true,false,-1.5e+3,"x"]}"#, "\u{FEFF}[]",
    ])
  func good(_ text: String) { #expect(jsonProblem(text) == nil) }

  @Test(
    "bad texts are refused with file, line and byte",
    arguments: [
      ("", "x.json:1: ends too early (byte 0)"),
      ("[1,]", "x.json:1: expected a value, got ] (byte 3)"),
      ("[,1]", "x.json:1: expected a value, got , (byte 1)"),
      ("[1 2]", "x.json:1: expected a comma or ], got 2 (byte 3)"),
      ("{\"a\" 1}", "x.json:1: expected a colon, got 1 (byte 5)"),
      ("{\"a\":1,}", "x.json:1: expected a key in quotes, got } (byte 7)"),
      ("{a:1}", "x.json:1: expected a key in quotes, got a (byte 1)"),
      ("[1}", "x.json:1: expected a comma or ], got } (byte 2)"),
      ("[\n\n nan]", "x.json:3: expected null, got nan (byte 4)"),
      ("[NaN]", "x.json:1: expected a value, got NaN (byte 1)"),
      ("[-Infinity]", "x.json:1: has a malformed number (byte 1)"),
      ("[1e999]", "x.json:1: has a number that is too large (byte 1)"),
      ("[01]", "x.json:1: has a malformed number (byte 1)"),
      ("[1.]", "x.json:1: has a malformed number (byte 1)"),
      ("[.5]", "x.json:1: expected a value, got .5 (byte 1)"),
      ("[1e]", "x.json:1: has a malformed number (byte 1)"),
      ("[+1]", "x.json:1: expected a value, got +1 (byte 1)"),
      ("[\"a]", "x.json:1: ends inside a string (byte 4)"),
      ("[\"\\x\"]", "x.json:1: has an unknown escape in a string (byte 2)"),
      ("[\"\\u12g4\"]", "x.json:1: has \\u without four hexadecimal digits (byte 2)"),
      ("[\"a\tb\"]", "x.json:1: has a control character inside a string (byte 3)"),
      ("[tru]", "x.json:1: expected true, got tru (byte 1)"),
      ("[] []", "x.json:1: has something after its end (byte 3)"),
    ])
  func bad(_ text: String, _ problem: String) { #expect(jsonProblem(text) == problem) }

  @Test("nesting is bounded")
  func nesting() {
    let depth = JSONCursor.depthLimit
    let fits = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    #expect(jsonProblem(fits) == nil)
    let deep = String(repeating: "[", count: 1_000_000)
    #expect(jsonProblem(deep) == "x.json:1: is nested deeper than 128 levels (byte 128)")
    let objects = String(repeating: #"{"a":"#, count: 100_000)
    #expect(jsonProblem(objects)?.contains("nested deeper") == true)
  }

  @Test("integers")
  func integers() throws {
    func integer(_ text: String) throws -> Int {
      try reading(text) { (c) throws(JSONError) in try c.integer() }
    }
    #expect(try integer("7") == 7)
    #expect(try integer("-7.0") == -7)
    #expect(try integer("9007199254740992") == 1 << 53)
    #expect(throws: JSONError.self) { try integer("7.5") }
    #expect(throws: JSONError.self) { try integer("9007199254740994") }
    #expect(throws: JSONError.self) { try integer("1e300") }
    #expect(throws: JSONError.self) { try integer("\"7\"") }
  }
}

/// SplitMix64: the same numbers with every version of the library.
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Uniform in 0..<1.
  mutating func double() -> Double { Double(next() >> 11) * 0x1p-53 }
}
