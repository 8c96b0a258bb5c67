import SakerTensor

/// What a ZIP file says it holds: entries as they are, or compressed with DEFLATE. PKWARE's APPNOTE
/// 6.3, sections 4.3 and 4.5.
struct ZipDirectory {
  struct Entry {
    let name: String
    /// Where its bytes are in the file, as they are stored.
    let range: Range<Int>
    /// How many bytes it claims to be when unpacked; as many as are stored if it isn't compressed.
    let size: Int
    let isCompressed: Bool
    /// CRC-32 of the unpacked bytes.
    let checksum: UInt32
  }

  private(set) var entries: [Entry] = []

  subscript(name: String) -> Entry? { entries.first { $0.name == name } }

  private static let (endSize, endMark) = (22, UInt32(0x0605_4B50))
  private static let (end64Size, end64Mark) = (56, UInt32(0x0606_4B50))
  private static let (locator64Size, locator64Mark) = (20, UInt32(0x0706_4B50))
  private static let (centralSize, centralMark) = (46, UInt32(0x0201_4B50))
  private static let (localSize, localMark) = (30, UInt32(0x0403_4B50))
  /// A comment, the only thing that may follow the end record, is at most this long.
  private static let longestComment = 65535
  private static let mostEntries = 1_000_000

  init(_ file: InputFile, path: String) throws {
    func fail(_ problem: String) -> CheckpointError {
      CheckpointError(file: path, "is a damaged ZIP file", [problem])
    }
    let tailSize = min(file.size, ZipDirectory.endSize + ZipDirectory.longestComment)
    let tailStart = file.size - tailSize
    let tail = try file.read(tailSize, at: tailStart) { LittleEndian(Array($0)) }
    guard
      let end = stride(from: tailSize - ZipDirectory.endSize, through: 0, by: -1).first(where: {
        tail.u32($0) == ZipDirectory.endMark
      })
    else { throw fail("expected a directory at its end, found none: truncated?") }
    var count = tail.u16(end + 10)
    var size = tail.u32(end + 12).map(UInt64.init) ?? 0
    var start = tail.u32(end + 16).map(UInt64.init) ?? 0
    let locator = tailStart + end - ZipDirectory.locator64Size
    if locator >= 0 {
      let bytes = try file.read(ZipDirectory.locator64Size, at: locator) { LittleEndian(Array($0)) }
      if bytes.u32(0) == ZipDirectory.locator64Mark, let place = bytes.u64(8) {
        guard let place = Int(exactly: place), place <= file.size - ZipDirectory.end64Size else {
          throw fail("the 64-bit directory lies at byte \(place) of \(file.size)")
        }
        let record = try file.read(ZipDirectory.end64Size, at: place) { LittleEndian(Array($0)) }
        guard record.u32(0) == ZipDirectory.end64Mark else {
          throw fail("expected the 64-bit directory at byte \(place)")
        }
        count = record.u64(32).flatMap { Int(exactly: $0) }
        size = record.u64(40) ?? 0
        start = record.u64(48) ?? 0
      }
    }
    guard let count, count <= ZipDirectory.mostEntries, let size = Int(exactly: size),
      let start = Int(exactly: start), start <= file.size, size <= file.size - start
    else { throw fail("the directory claims bytes \(start)..., the file has \(file.size)") }
    let bytes = try file.read(size, at: start) { LittleEndian(Array($0)) }
    var names: Set<String> = []
    var position = 0
    for _ in 0..<count {
      let entry = try ZipDirectory.entry(bytes, &position, fail)
      guard names.insert(entry.name).inserted else { throw fail("\(entry.name): appears twice") }
      entries.append(try ZipDirectory.located(entry, in: file, fail))
    }
  }

  private struct Claim {
    var name: String
    var place: UInt64
    /// As it is stored, and unpacked.
    var packed, size: UInt64
    var isCompressed: Bool
    var checksum: UInt32
  }

  /// One record of the directory.
  private static func entry(
    _ bytes: LittleEndian, _ position: inout Int, _ fail: (String) -> CheckpointError
  ) throws -> Claim {
    guard bytes.u32(position) == centralMark, let method = bytes.u16(position + 10),
      let checksum = bytes.u32(position + 16), let packed = bytes.u32(position + 20),
      let size = bytes.u32(position + 24),
      let nameLength = bytes.u16(position + 28), let extraLength = bytes.u16(position + 30),
      let commentLength = bytes.u16(position + 32), let place = bytes.u32(position + 42),
      let name = bytes.text(position + centralSize, nameLength)
    else { throw fail("its directory ends too early") }
    guard method == 0 || method == 8 else {
      throw fail("\(name): expected compression method 0 or 8, got \(method)")
    }
    var claim = Claim(
      name: name, place: UInt64(place), packed: UInt64(packed), size: UInt64(size),
      isCompressed: method == 8, checksum: checksum)
    guard method == 8 || packed == size else {
      throw fail("\(name): has two sizes, \(packed) and \(size)")
    }
    // Numbers that need 64 bits are all ones above and follow, in this order, in an extra field.
    var extra = position + centralSize + nameLength
    let extraEnd = extra + extraLength
    while extra + 4 <= extraEnd, let id = bytes.u16(extra), let length = bytes.u16(extra + 2) {
      if id == 1 {
        var field = extra + 4
        if size == .max {
          claim.size = bytes.u64(field) ?? .max
          field += 8
        }
        if packed == .max {
          claim.packed = bytes.u64(field) ?? .max
          field += 8
        }
        if place == .max { claim.place = bytes.u64(field) ?? .max }
      }
      extra += 4 + length
    }
    position = extraEnd + commentLength
    return claim
  }

  /// Where the bytes of an entry are, behind its own header.
  private static func located(
    _ claim: Claim, in file: InputFile, _ fail: (String) -> CheckpointError
  ) throws -> Entry {
    guard let place = Int(exactly: claim.place), let size = Int(exactly: claim.packed),
      let unpacked = Int(exactly: claim.size), claim.isCompressed || unpacked == size,
      place <= file.size - localSize
    else { throw fail("\(claim.name): lies at byte \(claim.place) of \(file.size)") }
    let header = try file.read(localSize, at: place) { LittleEndian(Array($0)) }
    guard header.u32(0) == localMark, let name = header.u16(26), let extra = header.u16(28) else {
      throw fail("\(claim.name): expected its header at byte \(place)")
    }
    let start = place + localSize + name + extra
    guard start <= file.size, size <= file.size - start else {
      throw fail("\(claim.name): claims \(size) bytes from \(start), the file has \(file.size)")
    }
    guard !claim.isCompressed || unpacked <= Inflate.most(from: size) else {
      throw fail("\(claim.name): claims to become \(unpacked) bytes, which \(size) cannot")
    }
    return Entry(
      name: claim.name, range: start..<start + size, size: unpacked,
      isCompressed: claim.isCompressed, checksum: claim.checksum)
  }
}

/// Little-endian numbers at any place of some bytes; `nil` where they end too early.
struct LittleEndian {
  let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  private func number(_ position: Int, _ size: Int) -> UInt64? {
    guard position >= 0, position <= bytes.count - size else { return nil }
    return (0..<size).reduce(0) { $0 | UInt64(bytes[position + $1]) << (8 * UInt64($1)) }
  }

  func u16(_ position: Int) -> Int? { number(position, 2).map { Int($0) } }
  func u32(_ position: Int) -> UInt32? { number(position, 4).map { UInt32($0) } }
  func u64(_ position: Int) -> UInt64? { number(position, 8) }

  func text(_ position: Int, _ length: Int) -> String? {
    guard position >= 0, length >= 0, position <= bytes.count - length else { return nil }
    return String(validating: bytes[position..<position + length], as: UTF8.self)
  }
}
