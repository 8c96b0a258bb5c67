import CKernels
import Synchronization

/// A trainable tensor: a value that optimizers change in place, and the gradient that
/// backward passes add to.
public final class Parameter: @unchecked Sendable {
  private let leaf: Node
  private var stored: Tensor
  /// Grows with every change of the value, so that what was derived from it (packed weights) knows
  /// when it is stale.
  public private(set) var version = 0
  /// A frozen parameter takes no gradient and no update.
  public var isFrozen = false

  public init(_ value: Tensor) {
    check(value.dtype.isFloating, op: "Parameter", expected: "a floating tensor", got: value.dtype)
    stored = value.detached().contiguous()
    leaf = Node(shape: value.shape, dtype: value.dtype)
  }

  public var shape: Shape { stored.shape }
  public var dtype: DType { stored.dtype }

  /// The value, recorded by the operations that use it unless the parameter is frozen. A new one
  /// must have the old one's shape and type.
  public var value: Tensor {
    get {
      var value = stored
      if !isFrozen { value.node = leaf }
      return value
    }
    set {
      check(
        newValue.shape == shape && newValue.dtype == dtype, op: "Parameter.value",
        expected: "\(dtype) \(shape)", got: "\(newValue.dtype) \(newValue.shape)")
      stored = newValue.detached().contiguous()
      version += 1
    }
  }

  /// What backward passes added since it was last cleared, the value's shape; `nil` if nothing
  /// came.
  public var gradient: Tensor? {
    get { leaf.gradient }
    set {
      if let newValue {
        check(
          newValue.shape == shape, op: "Parameter.gradient", expected: "\(shape)",
          got: newValue.shape)
      }
      leaf.gradient = newValue?.detached()
    }
  }

  /// Calls `body` in each backward pass as soon as this parameter's gradient is complete,
  /// while the gradients of what was computed before it are still to come: to send it, or to
  /// apply it and forget it.
  ///
  /// What `checkpoint` computes anew is a pass of its own: a parameter used in several such parts,
  /// or also outside of them, is complete with the last call.
  @discardableResult
  public func onReady(_ body: @escaping (Parameter) -> Void) -> HookHandle {
    let id = saker_next_id()
    leaf.readyHooks.append(
      (id, { [unowned self] in body(self) }))
    return HookHandle { [weak leaf] in leaf?.readyHooks.removeAll { $0.id == id } }
  }

  /// Lets an optimizer write the row-major float32 elements where they lie.
  public func update(_ body: (UnsafeMutableBufferPointer<Float>) throws -> Void) rethrows {
    check(dtype == .float32, op: "Parameter.update", expected: "float32", got: dtype)
    stored.makeUnique()
    version += 1
    try body(UnsafeMutableBufferPointer(start: stored.pointer(Float.self), count: stored.count))
  }
}

/// A tensor that a module keeps but does not learn, such as running statistics.
public final class Buffer: @unchecked Sendable {
  private var stored: Tensor
  /// Grows with every change of the value.
  public private(set) var version = 0

  public init(_ value: Tensor) { stored = value.detached() }

  /// A new one must have the old one's shape and type.
  public var value: Tensor {
    get { stored }
    set {
      check(
        newValue.shape == stored.shape && newValue.dtype == stored.dtype, op: "Buffer.value",
        expected: "\(stored.dtype) \(stored.shape)", got: "\(newValue.dtype) \(newValue.shape)")
      stored = newValue.detached()
      version += 1
    }
  }

  /// Lets a layer write the row-major float32 elements where they lie.
  public func update(_ body: (UnsafeMutableBufferPointer<Float>) throws -> Void) rethrows {
    check(stored.dtype == .float32, op: "Buffer.update", expected: "float32", got: stored.dtype)
    stored.makeUnique()
    version += 1
    try body(UnsafeMutableBufferPointer(start: stored.pointer(Float.self), count: stored.count))
  }
}

extension Tensor {
  /// Whether nobody else sees this memory, so that it may change in place.
  mutating func isUnshared() -> Bool {
    isKnownUniquelyReferenced(&storage) && storage.isOwn
  }

  /// Row-major memory that nobody shares, copied only if somebody does.
  mutating func makeUnique() {
    if isContiguous, offset == 0, isUnshared() {
      storage.didChange()
      return
    }
    let copy = Tensor(uninitialized: shape, dtype)
    Strided.copy(from: self, to: copy)
    self = copy
  }

  /// The sum with `other`, in this tensor's memory when nobody shares it: how gradients accumulate.
  consuming func adding(inPlace other: Tensor) -> Tensor {
    guard dtype == other.dtype, dtype == .float32 || dtype == .bfloat16, isDense,
      other.hasStrides(strides), offset == 0, isUnshared()
    else { return self + other }
    if dtype == .bfloat16 {
      BinaryFunction.add.bfloat16(self, other, into: self)
      return self
    }
    Strided.accumulate(other, into: self)
    return self
  }
}
