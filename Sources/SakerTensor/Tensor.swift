import CKernels

/// Numbers in a box with axes: a value over shared memory.
///
/// Operations return new tensors, and views (reshape, permute, slice, expand) share memory where
/// strides allow it; nothing that one tensor does can be seen through another, because a tensor
/// changes in place only while nobody shares it. Image tensors speak `[N, C, H, W]` and lie
/// channels-last in memory; the strides carry that and every operation keeps it.
public struct Tensor: @unchecked Sendable {
  var storage: Storage
  public let shape: Shape
  /// In elements, one for each axis; 0 where an axis repeats one element.
  let strides: [Int]
  /// In elements, from the start of the storage.
  let offset: Int
  public let dtype: DType
  /// What made the tensor, when a gradient can flow through it.
  var node: Node?

  init(storage: Storage, shape: Shape, strides: [Int], offset: Int, dtype: DType) {
    self.storage = storage
    self.shape = shape
    self.strides = strides
    self.offset = offset
    self.dtype = dtype
  }

  /// Memory of its own, not yet written.
  init(uninitialized shape: Shape, _ dtype: DType = .float32, strides: [Int]? = nil) {
    self.init(
      storage: Storage(bytes: shape.elements * dtype.size), shape: shape,
      strides: strides ?? shape.rowMajorStrides, offset: 0, dtype: dtype)
  }

  /// Memory of its own, not yet written, for a result in the order of the contiguous `model`:
  /// shares its description.
  init(uninitializedLike model: Tensor) {
    self.init(
      storage: Storage(bytes: model.bytes), shape: model.shape, strides: model.strides, offset: 0,
      dtype: model.dtype)
  }

  /// Channels-last memory, not yet written, for `[N, C, spatial...]`.
  init(uninitializedImage shape: Shape, _ dtype: DType = .float32) {
    self.init(uninitialized: shape, dtype, strides: shape.channelsLastStrides)
  }

  /// The number of elements.
  public var count: Int { shape.elements }
  public var rank: Int { shape.rank }
  /// The size in bytes of all elements.
  public var bytes: Int { count * dtype.size }

  /// Whether a gradient flows through this tensor to something that wants one.
  public var isRecorded: Bool { node != nil }

  /// The same numbers, cut loose from the tape.
  public func detached() -> Tensor {
    var copy = self
    copy.node = nil
    return copy
  }
}

// MARK: - Memory order

extension Tensor {
  /// The first element.
  var raw: UnsafeMutableRawPointer {
    if saker_capturing() != 0 { Capture.willRead(self) }
    return storage.pointer + offset * dtype.size
  }

  func pointer<T>(_ type: T.Type = T.self) -> UnsafeMutablePointer<T> {
    raw.assumingMemoryBound(to: type)
  }

  /// Whether elements lie row by row without holes.
  public var isContiguous: Bool {
    var step = 1
    for axis in stride(from: strides.count - 1, through: 0, by: -1) {
      let size = shape[axis]
      if size != 1 && strides[axis] != step { return count == 0 }
      step *= size
    }
    return true
  }

  /// Whether an image tensor's channels lie next to each other, without holes.
  public var isChannelsLast: Bool {
    rank >= 3 && hasStrides(shape.channelsLastStrides)
  }

  /// Strides agree, not counting axes of size 1, whose stride means nothing.
  func hasStrides(_ wanted: [Int]) -> Bool {
    if strides == wanted { return true }
    for axis in 0..<rank where shape[axis] != 1 && strides[axis] != wanted[axis] {
      return count == 0
    }
    return true
  }

  /// Whether the elements fill one block of memory, in whatever order: then a function of single
  /// elements can run over the block and give its result the same strides.
  var isDense: Bool {
    if isContiguous || isChannelsLast { return true }
    var step = 1
    for axis in (0..<rank).sorted(by: { strides[$0] < strides[$1] }) where shape[axis] != 1 {
      guard strides[axis] == step else { return false }
      step *= shape[axis]
    }
    return true
  }

  /// The same numbers in row-major memory: itself if they lie so, else a copy.
  public func contiguous() -> Tensor {
    isContiguous ? self : apply(Reorder(order: .rowMajor), self)
  }

  /// The same numbers in channels-last memory: itself if they lie so, else a copy.
  public func channelsLast() -> Tensor {
    isChannelsLast || rank < 3 ? self : apply(Reorder(order: .channelsLast), self)
  }

  /// A copy, or itself, whose elements fill one block.
  var dense: Tensor { isDense ? self : contiguous() }
}

/// The same numbers in another memory order. The gradient passes as it is.
struct Reorder: UnaryOperation {
  enum Order { case rowMajor, channelsLast }
  let order: Order

  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    let strides =
      order == .rowMajor ? x.shape.rowMajorStrides : x.shape.channelsLastStrides
    let result = Tensor(uninitialized: x.shape, x.dtype, strides: strides)
    Strided.copy(from: x, to: result)
    return result
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? { gradient }
}

// MARK: - Made from numbers, and read as numbers

extension Tensor {
  /// Row-major elements in `shape`.
  public init<T: Scalar>(_ elements: [T], _ shape: Shape) {
    check(
      elements.count == shape.elements, op: "Tensor.init",
      expected: "\(shape.elements) elements for \(shape)", got: "\(elements.count)")
    self.init(uninitialized: shape, T.dtype)
    pointer(T.self).update(from: elements, count: elements.count)
  }

  /// A vector.
  public init<T: Scalar>(_ elements: [T]) {
    self.init(elements, [elements.count])
  }

  /// A scalar, shape `[]`.
  public init(_ value: Float) {
    self.init([value], [])
  }

  /// Takes memory that `owner` holds, without a copy: `shape` in row-major order, or
  /// channels-last for images.
  public init(
    adopting memory: UnsafeMutablePointer<Float>, _ shape: Shape, channelsLast: Bool,
    owner: AnyObject
  ) {
    self.init(
      storage: Storage(
        adopting: UnsafeMutableRawPointer(memory), bytes: shape.elements * 4, owner: owner),
      shape: shape, strides: channelsLast ? shape.channelsLastStrides : shape.rowMajorStrides,
      offset: 0, dtype: .float32)
  }

  public static func full(_ shape: Shape, _ value: Double, _ dtype: DType = .float32) -> Tensor {
    if dtype == .float32 {
      let result = Tensor(uninitialized: shape, dtype)
      let to = result.pointer(Float.self)
      if result.count == 1 {
        to.pointee = Float(value)
      } else {
        Parallel.run(result.count, grain: 65536) {
          (to + $0.lowerBound).update(repeating: Float(value), count: $0.count)
        }
      }
      return result
    }
    let result = Tensor(uninitialized: shape, dtype)
    let one = Tensor(uninitialized: [], dtype)
    dtype.with { type in
      func write<T: Scalar>(_: T.Type) { one.pointer(T.self).pointee = T(scalar: value) }
      write(type)
    }
    Strided.copy(from: one.spread(to: shape), to: result)
    return result
  }

  public static func zeros(_ shape: Shape, _ dtype: DType = .float32) -> Tensor {
    let result = Tensor(uninitialized: shape, dtype)
    result.clear()
    return result
  }

  /// Zeros all bytes of fresh memory.
  func clear() {
    let start = raw
    Parallel.run(bytes, grain: 1 << 18) {
      (start + $0.lowerBound).initializeMemory(as: UInt8.self, repeating: 0, count: $0.count)
    }
  }

  public static func ones(_ shape: Shape, _ dtype: DType = .float32) -> Tensor {
    full(shape, 1, dtype)
  }

  /// All elements in row-major order, converted to `T`.
  public func scalars<T: Scalar>(as type: T.Type = T.self) -> [T] {
    let source = detached().converted(to: T.dtype).contiguous()
    return Array(UnsafeBufferPointer(start: source.pointer(T.self), count: count))
  }

  /// All elements in row-major order as `Float`.
  public var floats: [Float] { scalars() }

  /// The one element of a tensor that has just one.
  public var item: Float {
    check(count == 1, op: "item", expected: "one element", got: shape)
    return floats[0]
  }
}

extension DType {
  /// Calls `body` with the Swift type of the elements.
  func with<R>(_ body: (any Scalar.Type) -> R) -> R {
    switch self {
    case .float32: body(Float.self)
    case .bfloat16: body(BFloat16.self)
    case .float16: body(Float16.self)
    case .int8: body(Int8.self)
    case .uint8: body(UInt8.self)
    case .int32: body(Int32.self)
    case .int64: body(Int64.self)
    case .bool: body(Bool.self)
    }
  }
}
