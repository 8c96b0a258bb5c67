import CKernels

/// One differentiable computation, ours or a user's: the seam that the tape, hooks, the profiler
/// and everything else that must see each operation hang on.
///
/// A value that holds the attributes (stride, axes); `forward` computes and may keep tensors,
/// `backward` gives one gradient, or none, for each input. Conform to `UnaryOperation` or
/// `BinaryOperation` where that reads better.
public protocol TensorOperation: Sendable {
  /// What profiles and messages call it.
  var name: String { get }
  /// Its attributes, and the constants that it holds, for graphs (`capture`). By reflection over
  /// the stored properties, unless it gives them itself.
  var facts: OperationFacts { get }
  /// The result for `inputs`, which come without a tape; what `backward` needs goes into `saved`.
  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor
  /// For the gradient of the result (its shape), the gradients of the inputs (their shapes): `nil`
  /// for one that has none or that `saved.needs` says nobody wants.
  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?]
}

extension TensorOperation {
  public var name: String {
    let name = String(describing: Self.self)
    return name.prefix(1).lowercased() + name.dropFirst()
  }

  public var facts: OperationFacts { OperationFacts(reflecting: self) }

  /// An operation without a gradient stops when one is asked for: none is dropped in silence.
  public func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    fatalError("\(name) has no gradient: use detached() if none is meant to flow")
  }
}

/// An operation on one tensor.
public protocol UnaryOperation: TensorOperation {
  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor
  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor?
}

extension UnaryOperation {
  public func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    forward(inputs[0], &saved)
  }

  public func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    [backward(gradient, saved)]
  }
}

/// An operation on two tensors.
public protocol BinaryOperation: TensorOperation {
  func forward(_ a: Tensor, _ b: Tensor, _ saved: inout Saved) -> Tensor
  func backward(_ gradient: Tensor, _ saved: Saved) -> (Tensor?, Tensor?)
}

extension BinaryOperation {
  public func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    forward(inputs[0], inputs[1], &saved)
  }

  public func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    let (a, b): (Tensor?, Tensor?) = backward(gradient, saved)
    return [a, b]
  }
}

/// What `forward` leaves for `backward`.
public struct Saved {
  /// Whether anything will go backward; if not, nothing is kept.
  public let isRecording: Bool
  /// For each input, whether its gradient is wanted.
  public let needs: [Bool]
  /// For each input, its shape.
  public var shapes: [Shape] {
    guard let first else { return more }
    return second.map { [first, $0] } ?? [first]
  }
  // One or two inputs' shapes and kept tensors lie here: an array each would cost more than
  // a small operation.
  private let first, second: Shape?
  private let more: [Shape]
  private var kept: (Tensor?, Tensor?) = (nil, nil)
  private var tensors: [Tensor] = []

  init(isRecording: Bool, needs: [Bool], shapes: [Shape]) {
    self.isRecording = isRecording
    self.needs = needs
    (first, second) = (nil, nil)
    more = shapes
  }

  private static let none = [false]
  private static let wanted = [true]
  private static let pairs = [[false, false], [true, false], [false, true], [true, true]]

  /// For one input.
  init(isRecording: Bool, _ x: Tensor) {
    self.isRecording = isRecording
    needs = isRecording ? Saved.wanted : Saved.none
    (first, second, more) = (x.shape, nil, [])
  }

  /// For two.
  init(isRecording: Bool, _ a: Tensor, _ b: Tensor) {
    self.isRecording = isRecording
    needs =
      Saved.pairs[
        isRecording ? (a.node == nil ? 0 : 1) + (b.node == nil ? 0 : 2) : 0]
    (first, second, more) = (a.shape, b.shape, [])
  }

  /// Keeps tensors, read back as `saved[0]`, `saved[1]` in the order they were kept.
  public mutating func keep(_ tensors: Tensor...) {
    guard isRecording else { return }
    if count == 0 { self.tensors = tensors } else { self.tensors = all + tensors }
    kept = (nil, nil)
  }

  public mutating func keep(_ a: Tensor) {
    guard isRecording else { return }
    if count == 0 { kept = (a, nil) } else { keep([a]) }
  }

  public mutating func keep(_ a: Tensor, _ b: Tensor) {
    guard isRecording else { return }
    if count == 0 { kept = (a, b) } else { keep([a, b]) }
  }

  private mutating func keep(_ tensors: [Tensor]) {
    self.tensors = all + tensors
    kept = (nil, nil)
  }

  private var all: [Tensor] {
    kept.0 == nil ? tensors : [kept.0, kept.1].compactMap { $0 }
  }

  public subscript(index: Int) -> Tensor {
    if index == 0, let tensor = kept.0 { return tensor }
    if index == 1, let tensor = kept.1 { return tensor }
    return tensors[index]
  }

  /// How many were kept.
  public var count: Int {
    kept.0 == nil ? tensors.count : kept.1 == nil ? 1 : 2
  }

  mutating func removeAll() {
    tensors = []
    kept = (nil, nil)
  }
}

/// Applies `operation`: the one function through which every computation goes.
public func apply(_ operation: some TensorOperation, _ inputs: Tensor...) -> Tensor {
  apply(operation, to: inputs)
}

/// Applies `operation` to one tensor.
public func apply(_ operation: some UnaryOperation, _ x: Tensor) -> Tensor {
  guard saker_observers() == 0 else { return apply(operation, to: [x]) }
  let recording = saker_get_not_recording() == 0 && x.node != nil
  var saved = Saved(isRecording: recording, x)
  saker_add_not_recording(1)
  saker_add_depth(1)
  var output: Tensor = operation.forward(recording ? x.detached() : x, &saved)
  saker_add_depth(-1)
  saker_add_not_recording(-1)
  output.node =
    recording && output.dtype.isFloating ? Node(operation, saved, x.node, nil, 1, output) : nil
  return output
}

/// Applies `operation` to two tensors.
public func apply(_ operation: some BinaryOperation, _ a: Tensor, _ b: Tensor) -> Tensor {
  guard saker_observers() == 0 else { return apply(operation, to: [a, b]) }
  let recording = saker_get_not_recording() == 0 && (a.node != nil || b.node != nil)
  var saved = Saved(isRecording: recording, a, b)
  saker_add_not_recording(1)
  saker_add_depth(1)
  var output: Tensor = operation.forward(
    recording ? a.detached() : a, recording ? b.detached() : b, &saved)
  saker_add_depth(-1)
  saker_add_not_recording(-1)
  output.node =
    recording && output.dtype.isFloating
    ? Node(operation, saved, a.node, b.node, 2, output) : nil
  return output
}

/// Applies `operation` to any number of inputs.
public func apply(_ operation: some TensorOperation, to inputs: [Tensor]) -> Tensor {
  let recording = saker_get_not_recording() == 0 && inputs.contains { $0.node != nil }
  var saved = Saved(
    isRecording: recording, needs: inputs.map { recording && $0.node != nil },
    shapes: recording ? inputs.map(\.shape) : [])
  let watching = Observers.watching
  let start = watching ? saker_now() : 0
  saker_add_not_recording(1)
  saker_add_depth(1)
  let plain = recording ? inputs.map { $0.detached() } : inputs
  var output = operation.forward(plain, &saved)
  saker_add_depth(-1)
  saker_add_not_recording(-1)
  if watching {
    Capture.recorder?.record(operation, plain, output)
    Observers.report(operation, .forward, plain, output, [output], since: start)
  }
  output.node =
    recording && output.dtype.isFloating
    ? Node(operation, saved, inputs.map(\.node), output) : nil
  return output
}

/// Runs `body` without recording: what it computes carries no gradient and keeps nothing.
public func withoutGradients<R>(_ body: () throws -> R) rethrows -> R {
  saker_add_not_recording(1)
  defer { saker_add_not_recording(-1) }
  return try body()
}

/// Whether operations on this thread record for a later `backward()`.
public var isRecordingGradients: Bool { saker_get_not_recording() == 0 }
