import Foundation

/// A record of an event file as it was written, with what is needed to choose among records.
struct TensorBoardRecord {
  let bytes: [UInt8]
  private(set) var time = 0.0
  private(set) var step = 0
  private(set) var tag: String?
  private(set) var isPicture = false
  /// Whether it is the first record of a file, which says what the file is.
  private(set) var isVersion = false
  /// The message without the time: what two runs have in common.
  private(set) var content: [UInt8] = []

  /// The records of a file, up to the first that is torn or damaged.
  static func read(_ file: [UInt8]) -> [TensorBoardRecord] {
    var records: [TensorBoardRecord] = []
    var rest = file[...]
    while rest.count >= 16 {
      let header = rest.prefix(8)
      let length = header.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      guard checksum(rest, after: 8) == CRC32C.masked(header), length <= UInt64(rest.count - 16)
      else { break }
      let message = rest.dropFirst(12).prefix(Int(length))
      guard checksum(rest, after: 12 + Int(length)) == CRC32C.masked(message) else { break }
      records.append(TensorBoardRecord(Array(rest.prefix(16 + Int(length))), message))
      rest = rest.dropFirst(16 + Int(length))
    }
    return records
  }

  private static func checksum(_ bytes: ArraySlice<UInt8>, after count: Int) -> UInt32 {
    bytes.dropFirst(count).prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  private init(_ bytes: [UInt8], _ message: ArraySlice<UInt8>) {
    self.bytes = bytes
    for field in ProtocolFields(message) {
      switch (field.number, field.value) {
      case (1, .fixed(let bits)): time = Double(bitPattern: bits)
      case (2, .number(let value)): step = Int(truncatingIfNeeded: value)
      case (3, _): isVersion = true
      case (5, .bytes(let summary)):
        for value in ProtocolFields(summary) where value.number == 1 {
          guard case .bytes(let inside) = value.value else { continue }
          for part in ProtocolFields(inside) {
            if case (1, .bytes(let name)) = (part.number, part.value) {
              tag = String(decoding: name, as: UTF8.self)
            }
            isPicture = isPicture || part.number == 4
          }
        }
      default: break
      }
      if field.number != 1 { content += field.bytes }
    }
  }
}

/// The fields of a message of Protocol Buffers, in order, up to the first that makes no sense.
struct ProtocolFields: Sequence, IteratorProtocol {
  enum Value {
    case number(UInt64)
    /// Of 4 or 8 bytes.
    case fixed(UInt64)
    case bytes(ArraySlice<UInt8>)
  }

  struct Field {
    let number: UInt64
    let value: Value
    /// With the number and the length.
    let bytes: ArraySlice<UInt8>
  }

  private var rest: ArraySlice<UInt8>

  init(_ message: ArraySlice<UInt8>) { rest = message }

  mutating func next() -> Field? {
    let start = rest
    guard let tag = varint(), let value = value(tag & 7) else { return nil }
    return Field(number: tag >> 3, value: value, bytes: start[..<rest.startIndex])
  }

  private mutating func value(_ wire: UInt64) -> Value? {
    switch wire {
    case 0: return varint().map { .number($0) }
    case 1, 5:
      let count = wire == 1 ? 8 : 4
      return take(count).map { .fixed($0.reversed().reduce(0) { $0 << 8 | UInt64($1) }) }
    case 2:
      return varint().flatMap { take($0 > UInt64(rest.count) ? -1 : Int($0)) }.map { .bytes($0) }
    default: return nil
    }
  }

  private mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
    guard count >= 0, count <= rest.count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  private mutating func varint() -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard let byte = rest.popFirst() else { return nil }
      value |= UInt64(byte & 127) << shift
      if byte < 128 { return value }
    }
    return nil
  }
}
