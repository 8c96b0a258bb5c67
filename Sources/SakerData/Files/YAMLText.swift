import Yams

/// YAML by Yams, with errors in our form and a guard before it: the one door for every YAML text
/// from outside.
///
/// An alias lets a file of 300 bytes stand for a tree that fills the memory, and deep nesting
/// overflows the reader's stack. Both are refused by line before Yams sees the text.
enum YAMLText {
  struct Failure: Error {
    var line: Int?
    var reason: String
  }

  /// The first document as nodes.
  static func compose(_ text: String) throws(Failure) -> Node? {
    let text =
      text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
    if let danger = danger(text) { throw danger }
    do {
      let parser = try Parser(yaml: text)
      return try parser.singleRoot()
    } catch let error as YamlError {
      switch error {
      case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
        .composer(_, let problem, let mark, _):
        throw Failure(line: mark.line, reason: ByteText.shown(problem))
      default:
        throw Failure(
          reason: ByteText.shown(
            "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")))
      }
    } catch {
      throw Failure(reason: ByteText.shown("\(error)"))
    }
  }

  /// The first document as dictionaries, arrays, strings, numbers and truth values; `nil` for an
  /// empty one.
  static func load(_ text: String) throws(Failure) -> Any? {
    try compose(text)?.any
  }

  // MARK: The guard

  /// Why a text could ask for far more than its size.
  private static func danger(_ text: String) -> Failure? {
    var text = text
    return text.withUTF8 { bytes in nesting(bytes) ?? alias(bytes) }
  }

  /// The first alias whose anchor is in the text. Without the anchor there is no alias, whatever it
  /// looks like: `2 * 4`, or `f(*x)` in a script inside `|` text. The place of neither is asked for
  /// more closely, so none can be hidden.
  private static func alias(_ bytes: UnsafeBufferPointer<UInt8>) -> Failure? {
    let anchors = Set(marks(UInt8(ascii: "&"), bytes).map(\.name))
    guard !anchors.isEmpty else { return nil }
    return marks(UInt8(ascii: "*"), bytes).first { anchors.contains($0.name) }.map {
      Failure(
        line: $0.line,
        reason:
          "the alias *\(ByteText.shown($0.name)) is not followed: write out what it stands for")
    }
  }

  /// Names that follow the mark where a word could begin.
  private static func marks(
    _ mark: UInt8, _ bytes: UnsafeBufferPointer<UInt8>
  ) -> [(name: String, line: Int)] {
    var (found, line): ([(name: String, line: Int)], Int) = ([], 1)
    for (at, byte) in bytes.enumerated() {
      if byte == UInt8(ascii: "\n") { line += 1 }
      guard byte == mark, at == 0 || !isOfName(bytes[at - 1]) else { continue }
      let name = bytes[(at + 1)...].prefix(while: isOfName)
      if !name.isEmpty { found.append((String(decoding: name, as: UTF8.self), line)) }
    }
    return found
  }

  /// libyaml takes letters, digits, `-` and `_`.
  private static func isOfName(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: byte == UInt8(ascii: "-")
    }
  }

  /// Brackets more than 64 deep outside quotes (500 with those inside, as a quote can be made to
  /// look open), or a line of more than 256 indicators.
  private static func nesting(_ bytes: UnsafeBufferPointer<UInt8>) -> Failure? {
    var (line, depth, whole, lead, atStart, last) = (1, 0, 0, 0, true, UInt8(ascii: "\n"))
    var (quote, comment): (UInt8?, Bool) = (nil, false)
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "["), UInt8(ascii: "{"): whole += 1
      case UInt8(ascii: "]"), UInt8(ascii: "}"): whole = max(0, whole - 1)
      default: break
      }
      if byte == UInt8(ascii: "\n") {
        line += 1
        (lead, atStart, comment) = (0, true, false)
      } else {
        if atStart, [0x20, 0x09, 0x2D, 0x3F].contains(byte) { lead += 1 } else { atStart = false }
        if comment {
          // Nothing counts up to the line's end.
        } else if let open = quote {
          if byte == open { quote = nil }
        } else {
          let follows = [0x20, 0x09, 0x0A, 0x5B, 0x2C, 0x3A].contains(last)
          switch byte {
          case UInt8(ascii: "#") where follows: comment = true
          case UInt8(ascii: "\""), UInt8(ascii: "'"): if follows { quote = byte }
          case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
          case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
          default: break
          }
        }
      }
      if depth > 64 || whole > 500 || lead > 256 {
        return Failure(line: line, reason: "is nested too deeply")
      }
      last = byte
    }
    return nil
  }
}
