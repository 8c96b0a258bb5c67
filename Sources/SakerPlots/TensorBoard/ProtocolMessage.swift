/// A message of Protocol Buffers while it is written (protobuf.dev, "Encoding"): fields in the
/// order of the calls, each by its number.
struct ProtocolMessage {
  private(set) var bytes: [UInt8] = []

  private enum Wire: UInt64 {
    case varint = 0
    case fixed64 = 1
    case length = 2
    case fixed32 = 5
  }

  mutating func add(_ field: Int, _ value: Double) {
    tag(field, .fixed64)
    append(value.bitPattern)
  }

  mutating func add(_ field: Int, _ value: Float) {
    tag(field, .fixed32)
    append(value.bitPattern)
  }

  mutating func add(_ field: Int, _ value: Int) {
    tag(field, .varint)
    varint(UInt64(bitPattern: Int64(value)))
  }

  mutating func add(_ field: Int, _ text: String) { add(field, bytes: Array(text.utf8)) }

  mutating func add(_ field: Int, _ message: ProtocolMessage) { add(field, bytes: message.bytes) }

  mutating func add(_ field: Int, bytes more: [UInt8]) {
    tag(field, .length)
    varint(UInt64(more.count))
    bytes += more
  }

  /// Numbers of one field, packed.
  mutating func add(_ field: Int, packed values: [Double]) {
    guard !values.isEmpty else { return }
    tag(field, .length)
    varint(UInt64(8 * values.count))
    for value in values { append(value.bitPattern) }
  }

  private mutating func tag(_ field: Int, _ wire: Wire) {
    varint(UInt64(field) << 3 | wire.rawValue)
  }

  /// Seven bits a byte, the lowest first.
  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest > 127 {
      bytes.append(UInt8(rest & 127) | 128)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func append(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
  }
}
