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

  mutating func little16(_ at: Int) throws(Failure) -> Int {
    Int(try byte(at)) | Int(try byte(at + 1)) << 8
  }

  mutating func little24(_ at: Int) throws(Failure) -> Int {
    try little16(at) | Int(try byte(at + 2)) << 16
  }

  mutating func little32(_ at: Int) throws(Failure) -> Int {
    try little16(at) | (try little16(at + 2)) << 16
  }

  mutating func matches(_ expected: [UInt8], at: Int) throws(Failure) -> Bool {
    guard at + expected.count <= count else { return false }
    for (i, value) in expected.enumerated() where try byte(at + i) != value { return false }
    return true
  }

  /// Whether the marker FF D9 stands in the last kilobyte, as in all files to which
  /// nothing was appended.
  mutating func endsWithEndOfImage() throws(Failure) -> Bool {
    for at in stride(from: count - 2, through: max(0, count - 1024), by: -1) {
      if try byte(at + 1) == 0xD9, try byte(at) == 0xFF { return true }
    }
    return false
  }

  /// EXIF's orientation in the TIFF data at `base`, `count` bytes; upright if there is none, or if
  /// they are damaged: that is no reason to refuse a picture.
  mutating func orientation(at base: Int, count: Int) -> Orientation {
    guard let directory = try? TIFFDirectory(&self, base: base, count: count) else {
      return .upright
    }
    return directory.orientation(&self)
  }
}
