import CKernels

/// `body(x)`, of which the tape keeps only `x`: going backward, `body` runs again to find what its
/// operations would have kept. Memory for time, one more forward pass. Chen et al., "Training Deep
/// Nets with Sublinear Memory Cost", arXiv:1604.06174.
///
/// `body` has to compute the same both times; `Checkpointed` sees to that for layers that
/// draw random numbers or collect statistics. Parameters that it uses get their gradients
/// as they always do.
///
/// - Parameter body: runs once without a tape and once more, with one, when the gradient comes.
public func checkpoint(_ x: Tensor, _ body: @escaping (Tensor) -> Tensor) -> Tensor {
  if Capture.isRunning { return body(x) }
  // Parameters inside want gradients also where x wants none, and an operation is recorded only for
  // its inputs' sake.
  var flag = Tensor.zeros([])
  flag.node = Node(shape: [], dtype: .float32)
  return apply(Checkpoint(body: body), x, flag)
}

private struct Checkpoint: TensorOperation, @unchecked Sendable {
  let body: (Tensor) -> Tensor

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    saved.keep(inputs[0])
    return body(inputs[0])
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    var x = saved[0]
    let leaf = saved.needs[0] ? Node(shape: x.shape, dtype: x.dtype) : nil
    x.node = leaf
    let y = withRecording { body(x) }
    check(
      y.shape == gradient.shape, op: "backward of checkpoint",
      expected: "the same result as going forward, \(gradient.shape)", got: y.shape)
    if y.isRecorded { y.backward(gradient) }
    return [leaf?.gradient, nil]
  }
}

/// Runs `body` recording, also inside `withoutGradients`.
public func withRecording<R>(_ body: () throws -> R) rethrows -> R {
  let depth = saker_get_not_recording()
  saker_add_not_recording(-depth)
  defer { saker_add_not_recording(depth) }
  return try body()
}

extension Tensor {
  /// Bytes that the tape behind this tensor keeps for its backward pass, memory that several
  /// operations share once.
  public var tapeBytes: Int {
    var seen: Set<ObjectIdentifier> = []
    var storages: [ObjectIdentifier: Int] = [:]
    var waiting = node.map { [$0] } ?? []
    while let next = waiting.popLast() {
      guard seen.insert(ObjectIdentifier(next)).inserted else { continue }
      for index in 0..<next.saved.count {
        let storage = next.saved[index].storage
        storages[ObjectIdentifier(storage)] = storage.bytes
      }
      waiting += next.inputs.compactMap(\.self)
    }
    return storages.values.reduce(0, +)
  }
}
