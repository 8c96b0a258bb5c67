import CKernels

extension Tensor {
  /// Walks the tape back from this tensor and adds into the gradient of every leaf that it
  /// was computed from.
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
      var pass = BackwardPass(from: node, keepingGraph: keepingGraph)
      pass.run(from: node, start.detached())
    }
  }

  /// Calls `body` with this tensor's gradient once it is complete in a backward pass; what
  /// it returns, unless `nil`, takes the gradient's place. Stops for a tensor through which
  /// no gradient flows.
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

/// The gradients of `body`'s scalar result with respect to each tensor in `tensors`; zero for one
/// it does not depend on.
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

/// One walk back from a tensor. A node has its turn when its last use has come, so that a
/// parameter's gradient is complete, and can be sent or applied, while the rest is still computed.
private struct BackwardPass {
  /// A leaf's share in this pass. Not kept in the node: what a checkpoint computes anew is a pass
  /// of its own, inside of another that may be waiting for the same leaf.
  private struct Leaf {
    let node: Node
    var uses = 0
    var arriving: Tensor?
  }

  private let keepingGraph: Bool
  private var leaves: [ObjectIdentifier: Leaf] = [:]
  private var queue = NodeQueue()

  /// Counts the uses of all that `root` was computed from.
  init(from root: Node, keepingGraph: Bool) {
    self.keepingGraph = keepingGraph
    var waiting = root.isLeaf ? [] : [root]
    while let node = waiting.popLast() {
      node.forEachInput { input in
        if input.isLeaf {
          leaves[ObjectIdentifier(input), default: Leaf(node: input)].uses += 1
        } else {
          if input.uses == 0 { waiting.append(input) }
          input.uses += 1
        }
      }
    }
  }

  mutating func run(from root: Node, _ start: Tensor) {
    if root.isLeaf { return deliver(start, to: root) }
    root.arriving = start
    queue.push(root)
    while let next = queue.pop() { walk(next) }
  }

  private mutating func walk(_ node: Node) {
    guard var gradient = node.arriving else { return }
    node.arriving = nil
    for hook in node.hooks { gradient = hook.body(gradient) ?? gradient }
    let watching = Observers.watching
    let start = watching ? saker_now() : 0
    saker_add_depth(1)
    let results = node.gradients(for: gradient, keepingGraph: keepingGraph)
    saker_add_depth(-1)
    if watching, let operation = node.operation {
      Observers.report(
        operation, .backward, [gradient], gradient, results.compactMap(\.gradient), since: start)
    }
    for (input, result) in results { arrive(result, at: input) }
  }

  /// One of the uses of `node` has come, with a gradient or without one.
  private mutating func arrive(_ gradient: Tensor?, at node: Node) {
    if node.isLeaf { return arrive(gradient, atLeaf: ObjectIdentifier(node)) }
    if let gradient {
      // Nobody else holds the sum meanwhile, or it could not grow in place.
      if let sum = node.arriving {
        node.arriving = nil
        node.arriving = sum.adding(inPlace: gradient)
      } else {
        node.arriving = gradient
      }
    }
    node.uses -= 1
    guard node.uses == 0 else { return }
    if node.arriving != nil {
      queue.push(node)
    } else {
      skip(node)
    }
  }

  private mutating func arrive(_ gradient: Tensor?, atLeaf id: ObjectIdentifier) {
    guard var leaf = leaves.removeValue(forKey: id) else { return }
    if let gradient {
      if let sum = leaf.arriving {
        leaf.arriving = nil
        leaf.arriving = sum.adding(inPlace: gradient)
      } else {
        leaf.arriving = gradient
      }
    }
    leaf.uses -= 1
    if leaf.uses > 0 {
      leaves[id] = leaf
    } else if let gradient = leaf.arriving {
      leaf.arriving = nil
      deliver(gradient, to: leaf.node)
    }
  }

  /// No gradient reaches `first`: its inputs wait no longer for it.
  private mutating func skip(_ first: Node) {
    var waiting = [first]
    while let node = waiting.popLast() {
      var inputs: [Node] = []
      node.forEachInput { inputs.append($0) }
      for input in inputs {
        if input.isLeaf {
          arrive(nil, atLeaf: ObjectIdentifier(input))
          continue
        }
        input.uses -= 1
        guard input.uses == 0 else { continue }
        if input.arriving != nil {
          queue.push(input)
        } else {
          waiting.append(input)
        }
      }
    }
  }

  private func deliver(_ gradient: Tensor, to leaf: Node) {
    var gradient = gradient
    for hook in leaf.hooks { gradient = hook.body(gradient) ?? gradient }
    if let sum = leaf.gradient {
      leaf.gradient = nil
      leaf.gradient = sum.adding(inPlace: gradient)
    } else {
      leaf.gradient = gradient
    }
    for hook in leaf.readyHooks { hook.body() }
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
