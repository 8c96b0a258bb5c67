import CKernels

/// One entry of the tape: the operation that made a tensor, or a leaf that collects a gradient.
///
/// Ids grow with creation, so an operation's id is larger than its inputs'; walking ids downward
/// visits every node after all that used its result.
final class Node: @unchecked Sendable {
  let id = saker_next_id()
  let operation: (any TensorOperation)?
  let shape: Shape
  let dtype: DType
  private(set) var saved: Saved
  /// One or two inputs lie here, more in an array.
  private var first, second: Node?
  private var more: [Node?]
  private let inputCount: Int
  var inputs: [Node?] {
    inputCount > 2 ? more : Array([first, second].prefix(inputCount))
  }
  /// Called with the complete gradient; what they return goes on.
  var hooks: [(id: Int64, body: (Tensor) -> Tensor?)] = []
  /// The gradient as far as it has arrived in the running backward pass; of leaves the pass keeps
  /// it.
  var arriving: Tensor?
  /// How often what waits in the running backward pass used this node's result.
  var uses = 0
  /// What a leaf has collected.
  var gradient: Tensor?
  /// Of a leaf: called when its gradient is complete.
  var readyHooks: [(id: Int64, body: () -> Void)] = []
  private var isReleased = false

  init(_ operation: any TensorOperation, _ saved: Saved, _ inputs: [Node?], _ output: Tensor) {
    self.operation = operation
    self.saved = saved
    inputCount = inputs.count
    first = inputs.count > 0 && inputs.count <= 2 ? inputs[0] : nil
    second = inputs.count == 2 ? inputs[1] : nil
    more = inputs.count > 2 ? inputs : []
    shape = output.shape
    dtype = output.dtype
  }

  init(
    _ operation: any TensorOperation, _ saved: Saved, _ first: Node?, _ second: Node?, _ count: Int,
    _ output: Tensor
  ) {
    self.operation = operation
    self.saved = saved
    (self.first, self.second, inputCount, more) = (first, second, count, [])
    shape = output.shape
    dtype = output.dtype
  }

  /// A leaf.
  init(shape: Shape, dtype: DType) {
    operation = nil
    saved = Saved(isRecording: false, needs: [], shapes: [])
    (first, second, inputCount, more) = (nil, nil, 0, [])
    self.shape = shape
    self.dtype = dtype
  }

  var isLeaf: Bool { operation == nil }

  /// The recorded inputs, each as often as it is one.
  func forEachInput(_ body: (Node) -> Void) {
    if let first { body(first) }
    if let second { body(second) }
    for case let input? in more { body(input) }
  }

  /// The gradients of the inputs that are recorded, nil where none flows, and the memory that was
  /// kept for them freed unless it is wanted again.
  func gradients(for gradient: Tensor, keepingGraph: Bool) -> [(node: Node, gradient: Tensor?)] {
    guard let operation else { return [] }
    check(
      !isReleased, op: "backward of \(operation.name)",
      expected: "a graph not walked before (or backward(keepingGraph: true))",
      got: "one whose saved tensors are gone")
    let results = operation.backward(gradient, saved)
    check(
      results.count == inputCount, op: "backward of \(operation.name)",
      expected: "a gradient or nil for each of \(inputCount) inputs", got: results.count)
    var pairs: [(Node, Tensor?)] = []
    for (input, result) in zip(inputs, results) {
      guard let input else { continue }
      check(
        result == nil || result!.shape == input.shape, op: "backward of \(operation.name)",
        expected: "a gradient of the input's shape \(input.shape)", got: result!.shape)
      pairs.append((input, result))
    }
    if !keepingGraph {
      isReleased = true
      saved.removeAll()
      (first, second, more) = (nil, nil, [])
    }
    return pairs
  }

  /// Releases a chain without recursion: a hundred thousand nested releases would
  /// overflow the stack.
  deinit {
    // Leaves have nothing that would be released after them.
    if more.isEmpty && first?.isLeaf != false && second?.isLeaf != false { return }
    var orphans = takeInputs()
    while var orphan = orphans.popLast() {
      guard orphan != nil, isKnownUniquelyReferenced(&orphan!) else { continue }
      orphans += orphan!.takeInputs()
    }
  }

  private func takeInputs() -> [Node?] {
    defer { (first, second, more) = (nil, nil, []) }
    return more.isEmpty ? [first, second] : more
  }
}
