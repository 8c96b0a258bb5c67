/// What one element of a tensor is.
///
/// All types store and convert. Arithmetic runs in `float32` and the integers; `bfloat16` and
/// `float16` compute through `float32` and round once, except in the kernels that know `bfloat16`
/// themselves (convolution, products, normalization, pooling, activations).
public enum DType: String, Hashable, Codable, Sendable, CaseIterable {
  case float32, bfloat16, float16, int8, uint8, int32, int64, bool

  /// Bytes of one element.
  public var size: Int {
    switch self {
    case .float32, .int32: 4
    case .bfloat16, .float16: 2
    case .int8, .uint8, .bool: 1
    case .int64: 8
    }
  }

  /// Only floating tensors have gradients.
  public var isFloating: Bool {
    switch self {
    case .float32, .bfloat16, .float16: true
    default: false
    }
  }
}

/// A Swift type that elements can be written from and read as.
public protocol Scalar: Sendable {
  static var dtype: DType { get }
  /// Rounds to nearest for floating types, toward zero for integers; non-zero is `true`.
  init(scalar: Double)
  var scalar: Double { get }
}

extension Float: Scalar {
  public static var dtype: DType { .float32 }
  public init(scalar: Double) { self.init(scalar) }
  public var scalar: Double { Double(self) }
}

/// The upper half of a `Float`: 8 bits of exponent, 7 of fraction.
public struct BFloat16: Scalar, Hashable {
  public var bitPattern: UInt16

  public init(bitPattern: UInt16) { self.bitPattern = bitPattern }

  /// Rounds to nearest, ties to even.
  public init(_ value: Float) {
    let bits = value.bitPattern
    if value.isNaN {
      bitPattern = UInt16(bits >> 16) | 0x40
    } else {
      bitPattern = UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
    }
  }

  public var float: Float { Float(bitPattern: UInt32(bitPattern) << 16) }

  public static var dtype: DType { .bfloat16 }
  public init(scalar: Double) { self.init(Float(scalar)) }
  public var scalar: Double { Double(float) }
}

#if !(os(macOS) && arch(x86_64))
  extension Float16: Scalar {
    public static var dtype: DType { .float16 }
    public init(scalar: Double) { self.init(scalar) }
    public var scalar: Double { Double(self) }
  }
#endif

extension Int8: Scalar {
  public static var dtype: DType { .int8 }
  public init(scalar: Double) { self.init(saturating: scalar) }
  public var scalar: Double { Double(self) }
}

extension UInt8: Scalar {
  public static var dtype: DType { .uint8 }
  public init(scalar: Double) { self.init(saturating: scalar) }
  public var scalar: Double { Double(self) }
}

extension Int32: Scalar {
  public static var dtype: DType { .int32 }
  public init(scalar: Double) { self.init(saturating: scalar) }
  public var scalar: Double { Double(self) }
}

extension Int64: Scalar {
  public static var dtype: DType { .int64 }
  public init(scalar: Double) { self.init(saturating: scalar) }
  public var scalar: Double { Double(self) }
}

extension Bool: Scalar {
  public static var dtype: DType { .bool }
  public init(scalar: Double) { self = scalar != 0 }
  public var scalar: Double { self ? 1 : 0 }
}

extension FixedWidthInteger {
  /// Toward zero; beyond the range, the nearest end; NaN is 0.
  init(saturating value: Double) {
    if value.isNaN {
      self = 0
    } else if value >= Double(Self.max) {
      self = .max
    } else if value <= Double(Self.min) {
      self = .min
    } else {
      self = Self(value)
    }
  }
}
