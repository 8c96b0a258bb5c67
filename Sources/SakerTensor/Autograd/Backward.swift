import CKernels

extension Tensor {
  /// Walks the tape back from this tensor and adds into the gradient of every leaf that it was computed from.
  ///
  /// - Parameters:
  ///   - gradient: of this tensor, its shape; 1 for a scalar if left out.
  ///   - keepingGraph: keeps what the operations saved, so that the same graph can be walked again.
  public func backward(_ gradient: Tensor? = nil, keepingGraph: Bool = false) {
    guard let node else {
      fatalError("backward: nothing was recorded for this tensor of shape \(shape)")
    }
    check(
      gradient != nil || count == 1, op: "backward",
      expected: "a scalar, or a gradient to start from", got: shape)
    let start = gradient ?? Tensor.full(shape, 1, dtype)
    check(
      start.shape == shape, op: "backward", expected: "a gradient of shape \(shape)",
      got: start.shape)
    withoutGradients {
      var queue = NodeQueue()
      node.arriving = start.detached()
      queue.push(node)
      while let next = queue.pop() {
        next.walk(keepingGraph: keepingGraph, &queue)
      }
    }
  }

  /// Calls `body` with this tensor's gradient once it is complete in a backward pass; what it returns, unless `nil`,
  /// takes the gradient's place. Stops for a tensor through which no gradient flows.
  @discardableResult
  public func onGradient(_ body: @escaping (Tensor) -> Tensor?) -> HookHandle {
    guard let node else {
      fatalError("onGradient: expected a tensor that is recorded, got one without a tape")
    }
    let id = saker_next_id()
    node.hooks.append((id, body))
    return HookHandle { [weak node] in node?.hooks.removeAll { $0.id == id } }
  }
}

/// Takes a hook away again; a handle that is dropped leaves its hook in place.
public struct HookHandle {
  private let action: () -> Void

  public init(_ remove: @escaping () -> Void) { action = remove }

  public func remove() { action() }
}

/// The gradients of `body`'s scalar result with respect to each tensor in `tensors`; zero for one it does not depend on.
public func gradients(
  at tensors: [Tensor], of body: ([Tensor]) -> Tensor
) -> (value: Tensor, gradients: [Tensor]) {
  let leaves = tensors.map { tensor in
    var leaf = tensor.detached()
    leaf.node = Node(shape: tensor.shape, dtype: tensor.dtype)
    return leaf
  }
  let value = body(leaves)
  if value.isRecorded { value.backward() }
  return (
    value.detached(), leaves.map { $0.node!.gradient ?? .zeros($0.shape, $0.dtype) }
  )
}

extension Node {
  fileprivate func walk(keepingGraph: Bool, _ queue: inout NodeQueue) {
    guard var gradient = arriving else { return }
    arriving = nil
    for hook in hooks { gradient = hook.body(gradient) ?? gradient }
    if isLeaf {
      self.gradient = self.gradient?.adding(inPlace: gradient) ?? gradient
      return
    }
    let watching = Observers.watching
    let start = watching ? saker_now() : 0
    saker_add_depth(1)
    let results = gradients(for: gradient, keepingGraph: keepingGraph)
    saker_add_depth(-1)
    if watching, let operation {
      Observers.report(
        operation, .backward, [gradient], gradient, results.map(\.gradient), since: start)
    }
    for (input, result) in results {
      if let sum = input.arriving {
        input.arriving = nil
        input.arriving = sum.adding(inPlace: result)
      } else {
        input.arriving = result
        queue.push(input)
      }
    }
  }
}

/// Nodes that wait for their turn, the largest id first: a binary heap.
private struct NodeQueue {
  private var heap: [Node] = []

  mutating func push(_ node: Node) {
    heap.append(node)
    var child = heap.count - 1
    while child > 0, heap[child].id > heap[(child - 1) / 2].id {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() -> Node? {
    guard let first = heap.first else { return nil }
    let last = heap.removeLast()
    guard !heap.isEmpty else { return first }
    heap[0] = last
    var parent = 0
    while true {
      var largest = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < heap.count && heap[child].id > heap[largest].id {
        largest = child
      }
      if largest == parent { return first }
      heap.swapAt(parent, largest)
      parent = largest
    }
  }
}
