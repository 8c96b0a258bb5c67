import Foundation

/// A string or key as it stands in a file, between its quotes.
public struct JSONText {
  public let bytes: UnsafeBufferPointer<UInt8>
  /// Whether it holds backslashes, which `string` replaces by what they stand for.
  public let isEscaped: Bool

  init(bytes: UnsafeBufferPointer<UInt8>, isEscaped: Bool) {
    self.bytes = bytes
    self.isEscaped = isEscaped
  }

  @inline(__always)
  public static func == (text: JSONText, word: StaticString) -> Bool {
    if text.isEscaped { return text.string == "\(word)" }
    return text.bytes.count == word.utf8CodeUnitCount
      && memcmp(text.bytes.baseAddress!, word.utf8Start, text.bytes.count) == 0
  }

  @inline(__always)
  public static func != (text: JSONText, word: StaticString) -> Bool { !(text == word) }

  /// `nil` if it isn't UTF-8. Half a surrogate pair becomes U+FFFD.
  public var string: String? {
    isEscaped
      ? String(validating: unescaped, as: UTF8.self) : String(validating: bytes, as: UTF8.self)
  }

  /// The bytes, with what escapes stand for in their place, in UTF-8.
  public var unescaped: [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var place = 0
    while place < bytes.count {
      let byte = bytes[place]
      place += 1
      guard byte == 0x5C else {
        result.append(byte)
        continue
      }
      // Escapes were checked while they were read, so what they need is there.
      let code = bytes[place]
      place += 1
      switch code {
      case 0x62: result.append(0x08)
      case 0x66: result.append(0x0C)
      case 0x6E: result.append(0x0A)
      case 0x72: result.append(0x0D)
      case 0x74: result.append(0x09)
      case 0x75:
        var units = [unit(at: place)]
        place += 4
        if UTF16.isLeadSurrogate(units[0]), place + 6 <= bytes.count, bytes[place] == 0x5C,
          bytes[place + 1] == 0x75, UTF16.isTrailSurrogate(unit(at: place + 2))
        {
          units.append(unit(at: place + 2))
          place += 6
        }
        result.append(contentsOf: String(decoding: units, as: UTF16.self).utf8)
      default: result.append(code)
      }
    }
    return result
  }

  private func unit(at place: Int) -> UInt16 {
    UInt16(String(decoding: bytes[place..<place + 4], as: UTF8.self), radix: 16) ?? 0
  }
}
