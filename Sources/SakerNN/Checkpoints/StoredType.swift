import SakerTensor

/// The element types that files of weights have, under safetensors' names.
enum StoredType: String {
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
