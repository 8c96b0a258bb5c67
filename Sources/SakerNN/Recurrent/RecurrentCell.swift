import SakerTensor

/// What computes one step of a recurrent layer: the state after it from the input and
/// the state before it.
public protocol RecurrentStep: Module {
  /// The state after `x`, `[N, in]`; before it zeros if left out. States are `[N, H]`.
  func callAsFunction(_ x: Tensor, _ state: RecurrentState?) -> RecurrentState
}

extension RecurrentStep {
  /// One step after the other over `[T, N, in]`, at least one.
  ///
  /// - Returns: the outputs, which are the hidden states of all steps, `[T, N, H]`,
  ///   and the last state.
  public func run(
    _ x: Tensor, initial: RecurrentState? = nil
  ) -> (output: Tensor, state: RecurrentState) {
    check(
      x.rank == 3 && x.shape[0] > 0, op: "RecurrentStep.run", expected: "[T, N, in] with T > 0",
      got: x.shape)
    var state = initial
    let outputs = x.unbind(axis: 0).map { step in
      let next = self(step, state)
      state = next
      return next.hidden
    }
    return (stack(outputs), state!)
  }
}

/// One step of a recurrent layer, for loops that need the state between steps.
public final class RecurrentCell: RecurrentStep {
  /// `[G H, in]` and `[G H, H]`, G the gates
  public let weightIh, weightHh: Parameter
  /// `[G H]`, `nil` without bias
  public let biasIh, biasHh: Parameter?
  public let kind: RecurrentKind

  /// All start uniform in ±1/√hidden.
  public init(_ kind: RecurrentKind, _ inputs: Int, _ hidden: Int, bias: Bool = true) {
    let start = Initializer.uniform(1 / Float(hidden).squareRoot())
    let rows = kind.gates * hidden
    self.kind = kind
    weightIh = Parameter([rows, inputs], start)
    weightHh = Parameter([rows, hidden], start)
    biasIh = bias ? Parameter([rows], start) : nil
    biasHh = bias ? Parameter([rows], start) : nil
  }

  public func callAsFunction(_ x: Tensor, _ state: RecurrentState? = nil) -> RecurrentState {
    check(
      x.rank == 2 && x.shape[1] == weightIh.shape[1], op: "RecurrentCell",
      expected: "[N, \(weightIh.shape[1])]", got: x.shape)
    let result = recurrent(
      kind, x.unsqueeze(0),
      RecurrentWeights(
        input: weightIh.value, hidden: weightHh.value, inputBias: biasIh?.value,
        hiddenBias: biasHh?.value),
      hidden: state?.hidden, cell: state?.cell)
    return RecurrentState(hidden: result.hidden, cell: result.cell)
  }
}

/// One step of a recurrent layer whose products are normalized, which holds the sizes of states
/// steady over long sequences: `h' = f(LN(W x) + LN(U h))`; for an LSTM c' is normalized too before
/// it leaves through the output gate. Ba et al., arXiv:1607.06450, equations 4 and 20 to 22.
///
/// The biases of the norms are those of the gates. All gates are normalized together, a GRU's
/// candidate with them (the paper normalizes that one apart).
public final class LayerNormCell: RecurrentStep {
  /// `[G H, in]` and `[G H, H]`, G the gates
  public let weightIh, weightHh: Parameter
  /// Over `G H`
  public let normIh, normHh: LayerNorm
  /// Of an LSTM's c.
  public let normCell: LayerNorm?
  public let kind: RecurrentKind

  /// Weights start uniform in ±1/√hidden.
  public init(_ kind: RecurrentKind, _ inputs: Int, _ hidden: Int) {
    check(
      inputs > 0 && hidden > 0, op: "LayerNormCell",
      expected: "at least one input and hidden number", got: "\(inputs), \(hidden)")
    let start = Initializer.uniform(1 / Float(hidden).squareRoot())
    let rows = kind.gates * hidden
    self.kind = kind
    weightIh = Parameter([rows, inputs], start)
    weightHh = Parameter([rows, hidden], start)
    normIh = LayerNorm(rows)
    normHh = LayerNorm(rows)
    normCell = kind == .lstm ? LayerNorm(hidden) : nil
  }

  public func callAsFunction(_ x: Tensor, _ state: RecurrentState? = nil) -> RecurrentState {
    let size = weightHh.shape[1]
    check(
      x.rank == 2 && x.shape[1] == weightIh.shape[1], op: "LayerNormCell",
      expected: "[N, \(weightIh.shape[1])]", got: x.shape)
    let zeros = Tensor.zeros([x.shape[0], size])
    let before = state?.hidden ?? zeros
    check(
      before.shape == zeros.shape && (state?.cell ?? zeros).shape == zeros.shape,
      op: "LayerNormCell", expected: "a state \(zeros.shape)", got: before.shape)
    let outer = normIh(matmul(x, weightIh.value.transposed()))
    let inner = normHh(matmul(before, weightHh.value.transposed()))
    switch kind {
    case .rnn: return RecurrentState(hidden: tanh(outer + inner))
    case .rnnReLU: return RecurrentState(hidden: relu(outer + inner))
    case .gru:
      let (a, b) = (outer.chunked(into: 3, axis: 1), inner.chunked(into: 3, axis: 1))
      let (reset, update) = (sigmoid(a[0] + b[0]), sigmoid(a[1] + b[1]))
      let fresh = tanh(a[2] + reset * b[2])
      return RecurrentState(hidden: fresh + update * (before - fresh))
    case .lstm:
      let gates = (outer + inner).chunked(into: 4, axis: 1)
      let kept = sigmoid(gates[1]) * (state?.cell ?? zeros)
      let cell = kept + sigmoid(gates[0]) * tanh(gates[2])
      return RecurrentState(hidden: sigmoid(gates[3]) * tanh(normCell!(cell)), cell: cell)
    }
  }
}
