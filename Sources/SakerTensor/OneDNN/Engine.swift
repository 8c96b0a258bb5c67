import COneDNN
import Synchronization

/// oneDNN's engine and stream for this processor, made once.
final class Engine: @unchecked Sendable {
  static let shared = Engine()

  let engine: OpaquePointer
  let stream: OpaquePointer
  /// Primitives take their scratch memory from our pool, so that it is shared among
  /// them and given back.
  let attributes: OpaquePointer

  private init() {
    var engine: OpaquePointer?
    var stream: OpaquePointer?
    demand(dnnl_engine_create(&engine, dnnl_cpu, 0), "engine")
    demand(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags.rawValue), "stream")
    self.engine = engine!
    self.stream = stream!
    attributes = Engine.makeAttributes()
  }

  private static func makeAttributes() -> OpaquePointer {
    var attributes: OpaquePointer?
    demand(dnnl_primitive_attr_create(&attributes), "attributes")
    demand(
      dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user), "scratchpad")
    return attributes!
  }

  /// Calls `body` with attributes by which a primitive adds its result to what stands in its place,
  /// if `adding`, and then applies `function`.
  func withAttributes<R>(
    adding: Bool, _ function: ElementwiseFunction?, _ body: (_ attributes: OpaquePointer) -> R
  ) -> R {
    guard adding || function != nil else { return body(attributes) }
    let attributes = Engine.makeAttributes()
    var operations: OpaquePointer?
    demand(dnnl_post_ops_create(&operations), "post-operations")
    if adding { demand(saker_append_sum(operations), "post-operation sum") }
    if let function {
      let (kind, alpha, beta) = function.algorithm
      demand(saker_append_eltwise(operations, kind, alpha, beta), "post-operation \(function)")
    }
    demand(dnnl_primitive_attr_set_post_ops(attributes, operations), "post-operations")
    dnnl_post_ops_destroy(operations)
    defer { dnnl_primitive_attr_destroy(attributes) }
    return body(attributes)
  }

  /// Whether convolutions run in bfloat16 on this processor; if not, they compute through float32.
  static let hasBFloat16: Bool = {
    let shape: Shape = [1, 16, 8, 8]
    let x = MemoryDescription(shape, .bfloat16, shape.channelsLastStrides)
    let w = MemoryDescription(anyLayout: [16, 16, 3, 3], .bfloat16)
    var description: OpaquePointer?
    let ones: [Int64] = [1, 1]
    let zeros: [Int64] = [0, 0]
    let status = PrimitiveCache.alone {
      saker_convolution(
        &description, shared.engine, saker_training, nil, x.raw, w.raw, nil, x.raw, 2, ones, zeros,
        ones, ones, shared.attributes)
    }
    if let description { dnnl_primitive_desc_destroy(description) }
    return status == dnnl_success
  }()
}

/// Stops on an answer from oneDNN that a correct call never gets.
func demand(_ status: dnnl_status_t, _ what: @autoclosure () -> String) {
  guard status == dnnl_success else {
    let reason =
      switch status {
      case dnnl_out_of_memory: "out of memory"
      case dnnl_invalid_arguments: "invalid arguments"
      case dnnl_unimplemented: "not implemented for this processor"
      default: "status \(status.rawValue)"
      }
    fatalError("oneDNN: \(what()): \(reason)")
  }
}

/// How oneDNN sees a tensor: sizes, type, strides or a layout of its own choice. Each distinct one
/// is made once and lives as long as the program, so that nobody has to hold it.
struct MemoryDescription {
  let raw: OpaquePointer

  init(_ shape: Shape, _ dtype: DType, _ strides: [Int]) {
    raw = MemoryDescription.interned(shape, dtype, strides)
  }

  /// The layout is the primitive's to choose.
  init(anyLayout shape: Shape, _ dtype: DType) {
    raw = MemoryDescription.interned(shape, dtype, nil)
  }

  init(_ tensor: Tensor) {
    self.init(tensor.shape, tensor.dtype, tensor.packedStrides)
  }

  /// A float32 vector.
  init(vector count: Int) {
    self.init([count], .float32, [1])
  }

  /// Addresses by sizes, type and strides.
  private static let made = Mutex<[[Int]: UInt]>([:])

  private static func interned(_ shape: Shape, _ dtype: DType, _ strides: [Int]?)
    -> OpaquePointer
  {
    // The rank in front tells sizes from strides.
    let key = [shape.rank, dtype.dnnl.hashNumber] + shape.sizes + (strides ?? [])
    let address = made.withLock { made -> UInt in
      if let found = made[key] { return found }
      guard
        let description = saker_md_make(
          Int32(shape.rank), shape.sizes.map(Int64.init), dtype.dnnl, strides?.map(Int64.init))
      else { fatalError("oneDNN cannot describe \(dtype) \(shape) with strides \(strides ?? [])") }
      made[key] = UInt(bitPattern: description)
      return UInt(bitPattern: description)
    }
    return OpaquePointer(bitPattern: address)!
  }
}

extension DType {
  var dnnl: dnnl_data_type_t {
    switch self {
    case .float32: dnnl_f32
    case .bfloat16: dnnl_bf16
    case .float16: dnnl_f16
    case .int8: dnnl_s8
    case .uint8, .bool: dnnl_u8
    case .int32: dnnl_s32
    case .int64: fatalError("oneDNN has no 64-bit integers")
    }
  }
}

/// The library that computes, for `saker doctor` and reports.
public enum KernelLibrary {
  public static var version: String {
    let version = dnnl_version()!.pointee
    return "oneDNN \(version.major).\(version.minor).\(version.patch)"
  }

  /// The widest instruction set that oneDNN uses on this processor.
  public static var instructionSet: String { String(cString: saker_isa_name()) }

  /// Whether bfloat16 runs on its own instructions; if not, it computes through float32.
  public static var hasBFloat16: Bool { Engine.hasBFloat16 }
}
