/// What the first bytes of a JPEG or PNG file tell, without decoding it.
struct PictureHeader: Equatable {
  enum Format { case jpeg, png }

  var format: Format
  /// As stored, before `orientation`.
  var width, height: Int
  /// Channels as stored: 1, 3 or 4 for JPEG; not used for PNG.
  var components: Int
  var orientation: Orientation
  /// Whether the end of the file was seen where the format wants it; a JPEG file that says no may still be whole.
  var ends: Bool

  /// As seen, after `orientation`.
  var size: PictureSize {
    orientation.swapsSides
      ? PictureSize(width: height, height: width) : PictureSize(width: width, height: height)
  }
}

/// Width and height in pixels.
public struct PictureSize: Hashable, Codable, CustomStringConvertible, Sendable {
  public var width, height: Int

  public init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  public var description: String { "\(width)x\(height)" }
}

extension Picture {
  /// A side longer than this is refused before any memory is asked for.
  public static let maximumSide = 50_000
  /// More pixels than this are refused before any memory is asked for.
  public static let maximumPixels = 200_000_000
}

extension PictureHeader {
  typealias Failure = FileBytes.Failure

  /// Reads the header through a window, so that a large file costs a few kilobytes.
  init(_ window: inout ByteWindow) throws(Failure) {
    guard window.count > 0 else { throw Failure("is empty (zero bytes)") }
    if try window.matches([0xFF, 0xD8, 0xFF], at: 0) {
      self = try PictureHeader.jpeg(&window)
    } else if try window.matches([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], at: 0) {
      self = try PictureHeader.png(&window)
    } else {
      throw Failure("is not a picture that can be read here (neither JPEG nor PNG)")
    }
    guard width > 0 && height > 0 else { throw Failure("has no size (\(width)x\(height))") }
    guard
      width <= Picture.maximumSide && height <= Picture.maximumSide
        && width * height <= Picture.maximumPixels
    else {
      throw Failure(
        "is \(width)x\(height) pixels; at most \(Picture.maximumSide) a side and "
          + "\(Picture.maximumPixels / 1_000_000) million in all are read")
    }
  }

  /// ITU-T T.81, annex B: markers up to the frame header; EXIF stands in the first APP1 that says so.
  private static func jpeg(_ window: inout ByteWindow) throws(Failure) -> PictureHeader {
    var at = 2
    var orientation = Orientation.upright
    while true {
      guard try window.byte(at) == 0xFF else {
        throw Failure("is a broken JPEG: no marker at byte \(at)")
      }
      let marker = try window.byte(at + 1)
      switch marker {
      case 0xFF:
        at += 1  // fill bytes may stand before a marker
        continue
      case 0x01, 0xD0...0xD7:
        at += 2
        continue
      case 0xD9, 0xDA:
        throw Failure("is a broken JPEG: no frame header before its data")
      default: break
      }
      let length = try window.big16(at + 2)
      guard length >= 2 else { throw Failure("is a broken JPEG: a segment of \(length) bytes") }
      switch marker {
      case 0xE1 where length >= 16 && orientation == .upright:
        if try window.matches([0x45, 0x78, 0x69, 0x66, 0, 0], at: at + 4) {
          let found = try? window.orientation(at: at + 10, count: length - 8)
          orientation = found ?? .upright  // damaged EXIF is no reason to refuse a picture
        }
      case 0xC0...0xCF where marker != 0xC4 && marker != 0xC8 && marker != 0xCC:
        return PictureHeader(
          format: .jpeg, width: try window.big16(at + 7), height: try window.big16(at + 5),
          components: Int(try window.byte(at + 9)), orientation: orientation,
          ends: try window.endsWithEndOfImage())
      default: break
      }
      at += 2 + length
    }
  }

  /// PNG specification, third edition, section 5: a chunk is length, type, data, check sum.
  private static func png(_ window: inout ByteWindow) throws(Failure) -> PictureHeader {
    guard try window.matches(Array("IHDR".utf8), at: 12) else {
      throw Failure("is a broken PNG: no IHDR chunk at its start")
    }
    var header = PictureHeader(
      format: .png, width: try window.big32(16), height: try window.big32(20), components: 0,
      orientation: .upright, ends: false)
    var at = 8
    while at + 12 <= window.count {
      let length = try window.big32(at)
      if try window.matches(Array("IEND".utf8), at: at + 4) {
        header.ends = true
        break
      }
      if try window.matches(Array("eXIf".utf8), at: at + 4), at + 12 + length <= window.count {
        header.orientation = (try? window.orientation(at: at + 8, count: length)) ?? .upright
      }
      at += 12 + length
    }
    return header
  }
}

/// Bytes of a file or of memory, read a few kilobytes at a time.
struct ByteWindow {
  typealias Failure = FileBytes.Failure

  let count: Int
  private let handle: FileBytes.Handle?
  private var start = 0
  private var bytes: [UInt8]

  init(_ bytes: [UInt8]) {
    handle = nil
    self.bytes = bytes
    count = bytes.count
  }

  init(_ handle: FileBytes.Handle) {
    self.handle = handle
    bytes = []
    count = handle.count
  }

  mutating func byte(_ at: Int) throws(Failure) -> UInt8 {
    guard at >= 0 && at < count else { throw Failure("is truncated (\(count) bytes)") }
    if at < start || at >= start + bytes.count, let handle {
      start = at
      bytes = try handle.read(at: at, count: min(4096, count - at))
    }
    guard at >= start && at < start + bytes.count else {
      throw Failure("is truncated (\(count) bytes)")
    }
    return bytes[at - start]
  }

  mutating func big16(_ at: Int) throws(Failure) -> Int {
    Int(try byte(at)) << 8 | Int(try byte(at + 1))
  }

  mutating func big32(_ at: Int) throws(Failure) -> Int {
    try big16(at) << 16 | (try big16(at + 2))
  }

  mutating func matches(_ expected: [UInt8], at: Int) throws(Failure) -> Bool {
    guard at + expected.count <= count else { return false }
    for (i, value) in expected.enumerated() where try byte(at + i) != value { return false }
    return true
  }

  /// Whether the marker FF D9 stands in the last kilobyte, as in all files to which nothing was appended.
  mutating func endsWithEndOfImage() throws(Failure) -> Bool {
    for at in stride(from: count - 2, through: max(0, count - 1024), by: -1) {
      if try byte(at + 1) == 0xD9, try byte(at) == 0xFF { return true }
    }
    return false
  }

  /// Tag 0x0112 of the first directory of the TIFF data at `base`; upright if there is none.
  mutating func orientation(at base: Int, count: Int) throws(Failure) -> Orientation {
    let mark = try big16(base)
    guard mark == 0x4949 || mark == 0x4D4D else { return .upright }
    func read16(_ window: inout ByteWindow, _ at: Int) throws(Failure) -> Int {
      guard at >= 0 && at + 2 <= count else { throw Failure("has EXIF data that end early") }
      let value = try window.big16(base + at)
      return mark == 0x4D4D ? value : (value & 0xFF) << 8 | value >> 8
    }
    func read32(_ window: inout ByteWindow, _ at: Int) throws(Failure) -> Int {
      let (first, second) = (try read16(&window, at), try read16(&window, at + 2))
      return mark == 0x4D4D ? first << 16 | second : second << 16 | first
    }
    guard try read16(&self, 2) == 42 else { return .upright }
    let directory = try read32(&self, 4)
    for entry in 0..<(try read16(&self, directory)) {
      let at = directory + 2 + 12 * entry
      if try read16(&self, at) == 0x0112 {
        return Orientation(rawValue: try read16(&self, at + 8)) ?? .upright
      }
    }
    return .upright
  }
}
