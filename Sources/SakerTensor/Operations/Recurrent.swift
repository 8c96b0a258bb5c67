import CKernels

/// A recurrent layer of one direction over all its steps. Backward runs through time; the products
/// with the input are one for all steps, forward and backward.
///
/// The gates' order and the two biases are PyTorch's. The state of step t lies at t before and
/// t + 1 after it, at t + 1 before and t after it when time runs backward: then each step's
/// neighbours are views of one memory.
struct RecurrentLayer: TensorOperation {
  /// What happens in a step.
  enum Kind: Sendable, Hashable {
    case tanh, relu, lstm, gru

    /// Rows of the weights for each hidden number.
    var gates: Int {
      switch self {
      case .tanh, .relu: 1
      case .lstm: 4
      case .gru: 3
      }
    }
  }

  let kind: Kind
  let isReversed: Bool
  /// For each step and sample whether it lies within the sample's length; `nil`: all do.
  let active: [UInt8]?
  let hasBias: Bool

  var name: String {
    switch kind {
    case .tanh, .relu: "rnn"
    case .lstm: "lstm"
    case .gru: "gru"
    }
  }

  /// - Parameter inputs: x `[T, N, in]`, h `[N, H]`, for an LSTM c `[N, H]`, the weights
  ///   `[G H, in]` and `[G H, H]`, and the biases `[G H]`, two or none.
  /// - Returns: `[T + 1, N, H]`, the outputs and the last h; for an LSTM one more, the last c.
  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let isLSTM = kind == .lstm
    let x = inputs[0].contiguous()
    let (wi, wh) = (inputs[isLSTM ? 3 : 2], inputs[isLSTM ? 4 : 3])
    let biases = hasBias ? Array(inputs.suffix(2)).map { $0.contiguous() } : []
    let (steps, samples, hidden) = (x.shape[0], x.shape[1], wh.shape[1])
    let size = samples * hidden
    let gates = kind.gates
    let states = Tensor(uninitialized: [steps + 1, samples, hidden])
    let cells = isLSTM ? Tensor(uninitialized: [steps + 1, samples, hidden]) : nil
    // Only what goes backward needs the gates of all steps.
    let keptSteps = saved.isRecording ? steps : min(steps, 1)
    let kept =
      isLSTM || kind == .gru ? Tensor(uninitialized: [keptSteps, samples, 4 * hidden]) : nil
    let y = Tensor(uninitialized: [steps + (isLSTM ? 2 : 1), samples, hidden])
    let first = isReversed ? steps : 0
    states.copy(inputs[1], at: first * size)
    cells?.copy(inputs[2], at: first * size)
    let parts = Kernels.product(
      x.reshape([1, steps * samples, x.shape[2]]), wi.transposed().unsqueeze(0), bias: biases.first,
      into: .float32)
    let turned = wh.transposed().unsqueeze(0)
    for step in 0..<steps {
      let t = isReversed ? steps - 1 - step : step
      let (before, after) = isReversed ? (t + 1, t) : (t, t + 1)
      let u = Kernels.product(
        states.narrow(0, before..<before + 1), turned, bias: biases.last, into: .float32)
      let px = parts.pointer(Float.self) + t * size * gates
      let (pu, py) = (u.pointer(Float.self), y.pointer(Float.self) + t * size)
      let h = states.pointer(Float.self)
      let c = cells?.pointer(Float.self)
      let keeping = kept.map {
        $0.pointer(Float.self) + (saved.isRecording ? t * size * 4 : 0)
      }
      forEachRow(t, samples, hidden) { row, count, active in
        let at = row * hidden
        let (hb, ha) = (h + before * size + at, h + after * size + at)
        let (gx, gu) = (px + at * gates, pu + at * gates)
        switch kind {
        case .tanh, .relu:
          saker_rnn_step_f32(gx, gu, count, hidden, function, active, hb, ha, py + at)
        case .lstm:
          saker_lstm_step_f32(
            gx, gu, count, hidden, active, hb, c! + before * size + at, ha, c! + after * size + at,
            py + at, keeping! + at * 4)
        case .gru:
          saker_gru_step_f32(gx, gu, count, hidden, active, hb, ha, py + at, keeping! + at * 4)
        }
      }
      withExtendedLifetime(u) {}
    }
    let last = isReversed ? 0 : steps
    y.copy(states.select(axis: 0, at: last), at: steps * size)
    if let cells { y.copy(cells.select(axis: 0, at: last), at: (steps + 1) * size) }
    saved.keep(x, wi, wh, states)
    if let kept { saved.keep(kept) }
    if let cells { saved.keep(cells) }
    return y
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    let isLSTM = kind == .lstm
    let (x, wi, wh, states) = (saved[0], saved[1], saved[2], saved[3])
    let (steps, samples, hidden) = (x.shape[0], x.shape[1], wh.shape[1])
    let (size, gates) = (samples * hidden, kind.gates)
    let dy = gradient.contiguous()
    var state = dy.select(axis: 0, at: steps) * 1
    let memory = isLSTM ? dy.select(axis: 0, at: steps + 1) * 1 : nil
    let dGates = Tensor(uninitialized: [steps, samples, gates * hidden])
    let dInner =
      kind == .gru ? Tensor(uninitialized: [steps, samples, gates * hidden]) : dGates
    let matrix = wh.unsqueeze(0)
    for step in (0..<steps).reversed() {
      let t = isReversed ? steps - 1 - step : step
      let (before, after) = isReversed ? (t + 1, t) : (t, t + 1)
      let h = states.pointer(Float.self)
      let (pg, ds) = (dy.pointer(Float.self) + t * size, state.pointer(Float.self))
      let dc = memory?.pointer(Float.self)
      let keeping = saved.count > 4 ? saved[4].pointer(Float.self) + t * size * 4 : nil
      let c = isLSTM ? saved[5].pointer(Float.self) : nil
      let outer = dGates.pointer(Float.self) + t * size * gates
      let inner = dInner.pointer(Float.self) + t * size * gates
      forEachRow(t, samples, hidden) { row, count, active in
        let at = row * hidden
        switch kind {
        case .tanh, .relu:
          saker_rnn_step_gradient_f32(
            count, hidden, function, active, h + after * size + at, pg + at, ds + at,
            outer + at)
        case .lstm:
          saker_lstm_step_gradient_f32(
            count, hidden, active, keeping! + at * 4, c! + before * size + at,
            c! + after * size + at, pg + at, ds + at, dc! + at, outer + at * gates)
        case .gru:
          saker_gru_step_gradient_f32(
            count, hidden, active, keeping! + at * 4, h + before * size + at, pg + at, ds + at,
            outer + at * gates, inner + at * gates)
        }
      }
      let through = Kernels.product(
        dInner.narrow(0, t..<t + 1), matrix, bias: nil, into: .float32)
      state = state + through.reshape([samples, hidden])
    }
    let width = gates * hidden
    let rows = dGates.reshape([1, steps * samples, width])
    let innerRows = dInner.reshape([1, steps * samples, width])
    let earlier = states.narrow(0, isReversed ? 1..<steps + 1 : 0..<steps)
      .reshape([1, steps * samples, hidden])
    var result: [Tensor?] = [
      saved.needs[0]
        ? Kernels.product(rows, wi.unsqueeze(0), bias: nil, into: .float32).reshape(x.shape) : nil,
      state,
    ]
    if isLSTM { result.append(memory) }
    let at = result.count
    result.append(
      saved.needs[at]
        ? Kernels.product(
          rows.transposed(), x.reshape([1, steps * samples, x.shape[2]]), bias: nil, into: .float32
        ).reshape(wi.shape) : nil)
    result.append(
      saved.needs[at + 1]
        ? Kernels.product(innerRows.transposed(), earlier, bias: nil, into: .float32)
          .reshape(wh.shape) : nil)
    if hasBias {
      result.append(saved.needs[at + 2] ? rows.sum(axes: [0, 1]) : nil)
      result.append(saved.needs[at + 3] ? innerRows.sum(axes: [0, 1]) : nil)
    }
    return result
  }

  private var function: Int32 {
    Int32(kind == .relu ? saker_recurrent_relu : saker_recurrent_tanh)
  }

  /// The samples of step t on all threads, when they are many.
  private func forEachRow(
    _ t: Int, _ samples: Int, _ hidden: Int,
    _ body: (_ row: Int, _ count: Int, _ active: UnsafePointer<UInt8>?) -> Void
  ) {
    func run(_ active: UnsafePointer<UInt8>?) {
      Parallel.run(samples, grain: max(1, 4096 / max(hidden, 1))) { part in
        body(part.lowerBound, part.count, active.map { $0 + part.lowerBound })
      }
    }
    guard let active else { return run(nil) }
    active.withUnsafeBufferPointer { run($0.baseAddress! + t * samples) }
  }
}

extension Tensor {
  /// Writes all elements of `source` from the float32 element at `offset`.
  fileprivate func copy(_ source: Tensor, at offset: Int) {
    let source = source.contiguous()
    (pointer(Float.self) + offset).update(from: source.pointer(Float.self), count: source.count)
    withExtendedLifetime(source) {}
  }
}

/// What a recurrent layer computes in a step, with σ the sigmoid and ⊙ the product of elements.
public enum RecurrentKind: Sendable, Hashable {
  /// h' = tanh(W x + b + U h + c). Elman 1990.
  case rnn
  /// h' = max(0, W x + b + U h + c)
  case rnnReLU
  /// c' = σ(f) ⊙ c + σ(i) ⊙ tanh(g), h' = σ(o) ⊙ tanh(c'), gates in the order i, f, g, o.
  /// Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000.
  case lstm
  /// h' = (1 − z) ⊙ n + z ⊙ h with n = tanh(W x + b + r ⊙ (U h + c)), gates in the order r, z, n.
  /// Cho et al., arXiv:1406.1078, with the reset after the product, as PyTorch and cuDNN do.
  case gru

  /// Rows of the weights for each hidden number.
  public var gates: Int { operation.gates }

  fileprivate var operation: RecurrentLayer.Kind {
    switch self {
    case .rnn: .tanh
    case .rnnReLU: .relu
    case .lstm: .lstm
    case .gru: .gru
    }
  }
}

/// The weights of one recurrent layer in one direction, `G` the number of gates.
public struct RecurrentWeights {
  /// `[G H, in]`
  public var input: Tensor
  /// `[G H, H]`
  public var hidden: Tensor
  /// `[G H]` each, both or none
  public var inputBias, hiddenBias: Tensor?

  public init(input: Tensor, hidden: Tensor, inputBias: Tensor? = nil, hiddenBias: Tensor? = nil) {
    self.input = input
    self.hidden = hidden
    self.inputBias = inputBias
    self.hiddenBias = hiddenBias
  }
}

/// Runs a recurrent layer over a sequence in one direction; one operation, gradients included.
///
/// - Parameters:
///   - x: `[T, N, in]`, computed in float32.
///   - hidden, cell: the state before the first step, `[N, H]`; zeros if left out. Only
///     an LSTM has a cell.
///   - lengths: for each sample how many steps it has, 0...T; all T if left out. Outputs beyond are
///     0, the state stays.
///   - reversed: from the last step of each sample to its first.
/// - Returns: the outputs `[T, N, H]` and the state after the last step of each sample, `[N, H]`.
public func recurrent(
  _ kind: RecurrentKind, _ x: Tensor, _ weights: RecurrentWeights, hidden: Tensor? = nil,
  cell: Tensor? = nil, lengths: [Int]? = nil, reversed: Bool = false
) -> (output: Tensor, hidden: Tensor, cell: Tensor?) {
  let name = "recurrent"
  check(
    x.rank == 3 && x.dtype.isFloating, op: name, expected: "floating [T, N, in]",
    got: "\(x.dtype) \(x.shape)")
  check(
    weights.hidden.rank == 2 && weights.hidden.shape[1] > 0, op: name,
    expected: "hidden weights [\(kind.gates) H, H]", got: weights.hidden.shape)
  let (steps, samples) = (x.shape[0], x.shape[1])
  let size = weights.hidden.shape[1]
  let rows = kind.gates * size
  check(
    weights.input.shape == [rows, x.shape[2]] && weights.hidden.shape == [rows, size]
      && (weights.inputBias == nil) == (weights.hiddenBias == nil)
      && [weights.inputBias, weights.hiddenBias].allSatisfy { $0 == nil || $0!.shape == [rows] },
    op: name,
    expected:
      "weights [\(rows), \(x.shape[2])], [\(rows), \(size)] and two biases [\(rows)] or none",
    got: "\(weights.input.shape), \(weights.hidden.shape)")
  for state in [hidden, cell] {
    check(
      state == nil || state!.shape == [samples, size], op: name,
      expected: "a state [\(samples), \(size)]", got: state!.shape)
  }
  check(
    cell == nil || kind == .lstm, op: name, expected: "no cell for \(kind)", got: "one")
  check(
    lengths == nil
      || lengths!.count == samples && lengths!.allSatisfy { (0...steps).contains($0) },
    op: name, expected: "\(samples) lengths in 0...\(steps)", got: lengths ?? [])
  let active = lengths.map { lengths in
    (0..<steps).flatMap { t in lengths.map { t < $0 ? UInt8(1) : 0 } }
  }
  let zeros = Tensor.zeros([samples, size])
  let states = [hidden ?? zeros] + (kind == .lstm ? [cell ?? zeros] : [])
  let biases = [weights.inputBias, weights.hiddenBias].compactMap { $0 }
  let inputs = ([x] + states + [weights.input, weights.hidden] + biases).map {
    $0.converted(to: .float32)
  }
  let operation = RecurrentLayer(
    kind: kind.operation, isReversed: reversed, active: active, hasBias: !biases.isEmpty)
  let all = apply(operation, to: inputs)
  return (
    all.narrow(0, 0..<steps).converted(to: x.dtype), all.select(axis: 0, at: steps),
    kind == .lstm ? all.select(axis: 0, at: steps + 1) : nil
  )
}
