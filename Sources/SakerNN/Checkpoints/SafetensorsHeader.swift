import SakerTensor

/// The element types of the format.
enum SafetensorsType: String {
  case f32 = "F32"
  case bf16 = "BF16"
  case f16 = "F16"
  case i8 = "I8"
  case u8 = "U8"
  case i32 = "I32"
  case i64 = "I64"
  case bool = "BOOL"
  case f64 = "F64"
  case i16 = "I16"
  case u16 = "U16"
  case u32 = "U32"
  case u64 = "U64"
  case f8e4m3 = "F8_E4M3"
  case f8e5m2 = "F8_E5M2"

  init(_ dtype: DType) {
    switch dtype {
    case .float32: self = .f32
    case .bfloat16: self = .bf16
    case .float16: self = .f16
    case .int8: self = .i8
    case .uint8: self = .u8
    case .int32: self = .i32
    case .int64: self = .i64
    case .bool: self = .bool
    }
  }

  /// Ours, or `nil` for one that has to be widened.
  var dtype: DType? {
    switch self {
    case .f32: .float32
    case .bf16: .bfloat16
    case .f16: .float16
    case .i8: .int8
    case .u8: .uint8
    case .i32: .int32
    case .i64: .int64
    case .bool: .bool
    default: nil
    }
  }

  var size: Int {
    switch self {
    case .i8, .u8, .bool, .f8e4m3, .f8e5m2: 1
    case .bf16, .f16, .i16, .u16: 2
    case .f32, .i32, .u32: 4
    case .f64, .i64, .u64: 8
    }
  }

  /// The tensor of bytes of a type that `dtype` does not name.
  func widened(_ bytes: UnsafeRawBufferPointer, _ shape: Shape) -> Tensor {
    func convert<From, To: Scalar>(_ from: From.Type, _ element: (From) -> To) -> Tensor {
      let width = MemoryLayout<From>.size
      return Tensor(shape, of: To.self) { to in
        for i in to.indices {
          to[i] = element(bytes.loadUnaligned(fromByteOffset: i * width, as: From.self))
        }
      }
    }
    return switch self {
    case .f64: convert(UInt64.self) { Float(Double(bitPattern: UInt64(littleEndian: $0))) }
    case .i16: convert(Int16.self) { Int32(Int16(littleEndian: $0)) }
    case .u16: convert(UInt16.self) { Int32(UInt16(littleEndian: $0)) }
    case .u32: convert(UInt32.self) { Int64(UInt32(littleEndian: $0)) }
    case .u64: convert(UInt64.self) { Int64(clamping: UInt64(littleEndian: $0)) }
    case .f8e4m3: convert(UInt8.self) { Self.float($0, exponentBits: 4, hasInfinity: false) }
    case .f8e5m2: convert(UInt8.self) { Self.float($0, exponentBits: 5, hasInfinity: true) }
    default: fatalError("\(rawValue) needs no widening")
    }
  }

  /// An 8-bit float: without infinity, only all ones are no number.
  private static func float(_ bits: UInt8, exponentBits: Int, hasInfinity: Bool) -> Float {
    let fractionBits = 7 - exponentBits
    let fraction = Int(bits) & (1 << fractionBits - 1)
    let exponent = Int(bits) >> fractionBits & (1 << exponentBits - 1)
    let bias = 1 << (exponentBits - 1) - 1
    let sign: Float = bits & 0x80 == 0 ? 1 : -1
    let isLast = exponent == 1 << exponentBits - 1
    if isLast && (hasInfinity || fraction == 1 << fractionBits - 1) {
      return hasInfinity && fraction == 0 ? sign * .infinity : .nan
    }
    let step = Float(sign: .plus, exponent: max(exponent, 1) - bias - fractionBits, significand: 1)
    return sign * Float(exponent == 0 ? fraction : fraction + 1 << fractionBits) * step
  }
}

/// What a file says of its tensors.
struct SafetensorsHeader {
  struct Entry {
    let name: String
    let type: SafetensorsType
    let shape: Shape
    /// In bytes after the header.
    let range: Range<Int>
  }

  /// More than any model needs; the format's own limit.
  static let longest: UInt64 = 100_000_000

  private(set) var entries: [Entry] = []
  private(set) var metadata: [String: String] = [:]

  init(_ text: [UInt8], file: String) throws {
    let members: [(name: String, value: JSONValue)]
    do throws(JSONValue.Problem) {
      guard case .object(let found) = try JSONValue(text) else {
        throw JSONValue.Problem("expected an object", at: 0)
      }
      members = found
    } catch {
      throw CheckpointError(
        file: file, "has a corrupt header", ["\(error.what) at byte \(error.position + 8)"])
    }
    var problems: [String] = []
    var names: Set<String> = []
    for (name, value) in members {
      if !names.insert(name).inserted { problems.append("\(name): appears twice") }
      do throws(Problem) {
        if name == "__metadata__" {
          metadata = try Self.metadata(value)
        } else {
          entries.append(try Self.entry(name, value))
        }
      } catch {
        problems.append("\(name): \(error.what)")
      }
    }
    guard problems.isEmpty else {
      throw CheckpointError(file: file, "has a corrupt header", problems)
    }
  }

  private struct Problem: Error { let what: String }

  private static func metadata(_ value: JSONValue) throws(Problem) -> [String: String] {
    guard case .object(let members) = value else { throw Problem(what: "expected an object") }
    var result: [String: String] = [:]
    for (key, value) in members {
      guard case .string(let text) = value else {
        throw Problem(what: "expected a text for \(key)")
      }
      result[key] = text
    }
    return result
  }

  private static func entry(_ name: String, _ value: JSONValue) throws(Problem) -> Entry {
    guard case .object(let members) = value, members.count == 3,
      case .string(let typeName)? = value["dtype"], let sizes = value["shape"]?.naturals,
      let places = value["data_offsets"]?.naturals, places.count == 2
    else { throw Problem(what: "expected dtype, shape and two data_offsets") }
    guard let type = SafetensorsType(rawValue: typeName) else {
      throw Problem(what: "unknown type \(typeName)")
    }
    var bytes = type.size
    var isTooLarge = false
    // A zero makes the product zero however large the other sizes are.
    for size in sizes.contains(0) ? [0] : sizes {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
      bytes = product
      isTooLarge = isTooLarge || overflow
    }
    guard !isTooLarge, places[0] <= places[1], places[1] - places[0] == bytes else {
      throw Problem(
        what: "\(typeName) \(Shape(sizes)) does not fill bytes \(places[0])..<\(places[1])")
    }
    return Entry(name: name, type: type, shape: Shape(sizes), range: places[0]..<places[1])
  }

  /// Checks that the tensors fill the data without holes and overlaps.
  func check(dataSize: Int, file: String) throws {
    var problems: [String] = []
    var end = 0
    for entry in entries.sorted(by: {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }) {
      if entry.range.lowerBound < end {
        problems.append("\(entry.name): overlaps the tensor before, which ends at byte \(end)")
      } else if entry.range.lowerBound > end {
        problems.append(
          "\(entry.name): bytes \(end)..<\(entry.range.lowerBound) before it are nobody's")
      }
      if entry.range.upperBound > dataSize {
        problems.append(
          "\(entry.name): ends at byte \(entry.range.upperBound) of \(dataSize): truncated?")
      }
      end = max(end, entry.range.upperBound)
    }
    if end < dataSize { problems.append("bytes \(end)..<\(dataSize) at the end are nobody's") }
    guard problems.isEmpty else { throw CheckpointError(file: file, "is damaged", problems) }
  }

  /// The header's bytes, filled with spaces to a multiple of 8.
  static func text(
    _ tensors: [NamedTensor], _ ranges: [Range<Int>], _ metadata: [String: String]
  ) -> [UInt8] {
    var members: [(name: String, value: JSONValue)] = []
    if !metadata.isEmpty {
      let sorted = metadata.sorted { $0.key < $1.key }
      members.append(("__metadata__", .object(sorted.map { ($0.key, .string($0.value)) })))
    }
    for (named, range) in zip(tensors, ranges) {
      let (tensor, type) = (named.tensor, SafetensorsType(named.tensor.dtype))
      members.append(
        (
          named.name,
          .object([
            ("dtype", .string(type.rawValue)),
            ("shape", .array(tensor.shape.map { .number("\($0)") })),
            (
              "data_offsets",
              .array([.number("\(range.lowerBound)"), .number("\(range.upperBound)")])
            ),
          ])
        ))
    }
    var text = Array(JSONValue.object(members).description.utf8)
    while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
    return text
  }
}
