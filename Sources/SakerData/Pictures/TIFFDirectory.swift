/// The first directory of TIFF data, which are a file of their own or the EXIF part of another.
/// TIFF revision 6.0, section 2; BigTIFF has wider numbers.
struct TIFFDirectory {
  typealias Failure = FileBytes.Failure

  enum Tag: Int {
    case width = 256
    case height = 257
    case stripOffsets = 273
    case orientation = 274
    case stripByteCounts = 279
    case tileOffsets = 324
    case tileByteCounts = 325
  }

  private struct Entry {
    var type, count: Int
    /// Where the values stand.
    var at: Int
  }

  /// Whether another directory, which is another page, follows.
  private(set) var hasMore = false
  private let base, count: Int
  private let isBigEndian: Bool
  private var entries: [Tag: Entry] = [:]

  /// - Throws: when there is no TIFF header, or the directory doesn't lie inside the `count`
  ///   bytes from `base` on.
  init(_ window: inout ByteWindow, base: Int = 0, count: Int) throws(Failure) {
    let mark = try window.big16(base)
    guard mark == 0x4949 || mark == 0x4D4D else { throw Failure("is a broken TIFF: no byte order") }
    (self.base, self.count, isBigEndian) = (base, count, mark == 0x4D4D)
    let version = try number(&window, 2, bytes: 2)
    guard version == 42 || version == 43 else {
      throw Failure("is a broken TIFF: version \(version)")
    }
    let isBig = version == 43
    // Widths of an offset, of the number of entries, and of an entry.
    let (word, counter, size) = isBig ? (8, 8, 20) : (4, 2, 12)
    let directory = try number(&window, isBig ? 8 : 4, bytes: word)
    let length = try number(&window, directory, bytes: counter)
    guard length <= 65_535 else { throw Failure("is a broken TIFF: a directory of \(length) tags") }
    let first = directory + counter
    for index in 0..<length {
      let at = first + size * index
      guard let tag = Tag(rawValue: try number(&window, at, bytes: 2)), entries[tag] == nil else {
        continue
      }
      let type = try number(&window, at + 2, bytes: 2)
      let values = try number(&window, at + 4, bytes: word)
      let place = at + 4 + word
      let fits = values <= word && values * (TIFFDirectory.size(type) ?? 1) <= word
      entries[tag] = Entry(
        type: type, count: values,
        at: fits ? place : try number(&window, place, bytes: word))
    }
    hasMore = ((try? number(&window, first + size * length, bytes: word)) ?? 0) != 0
  }

  /// The first value of a tag; `nil` if it isn't there, or is no whole number.
  func value(_ tag: Tag, _ window: inout ByteWindow) -> Int? {
    guard let entry = entries[tag], entry.count > 0, let size = TIFFDirectory.size(entry.type)
    else { return nil }
    return try? number(&window, entry.at, bytes: size)
  }

  func orientation(_ window: inout ByteWindow) -> Orientation {
    value(.orientation, &window).flatMap(Orientation.init(rawValue:)) ?? .upright
  }

  /// Whether the file holds all bytes of its strips or tiles, as far as the directory tells.
  func hasAllData(_ window: inout ByteWindow) -> Bool {
    for (offsets, counts) in [
      (Tag.stripOffsets, Tag.stripByteCounts), (.tileOffsets, .tileByteCounts),
    ] {
      guard let offset = entries[offsets], let length = entries[counts],
        offset.count == length.count, offset.count > 0, offset.count <= 1_000_000,
        let wide = TIFFDirectory.size(offset.type), let long = TIFFDirectory.size(length.type)
      else { continue }
      for index in 0..<offset.count {
        guard let start = try? number(&window, offset.at + index * wide, bytes: wide),
          let bytes = try? number(&window, length.at + index * long, bytes: long),
          start <= count, bytes <= count - start
        else { return false }
      }
      return true
    }
    return false
  }

  /// Bytes of a whole number of this type.
  private static func size(_ type: Int) -> Int? {
    switch type {
    case 1: 1  // BYTE
    case 3: 2  // SHORT
    case 4, 13: 4  // LONG, IFD
    case 16, 18: 8  // LONG8, IFD8
    default: nil
    }
  }

  private func number(_ window: inout ByteWindow, _ at: Int, bytes: Int) throws(Failure) -> Int {
    guard at >= 0, at <= count - bytes else { throw Failure("is a broken TIFF: it ends early") }
    var value: UInt64 = 0
    for index in 0..<bytes {
      let byte = UInt64(try window.byte(base + at + (isBigEndian ? index : bytes - 1 - index)))
      value = value << 8 | byte
    }
    guard value <= UInt64(Int.max >> 8) else {
      throw Failure("is a broken TIFF: a number of \(value)")
    }
    return Int(value)
  }
}
