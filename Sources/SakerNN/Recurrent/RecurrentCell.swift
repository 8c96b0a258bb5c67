import SakerTensor

/// One step of a recurrent layer, for loops that need the state between steps.
public final class RecurrentCell: Module {
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

  /// The state after `x`, `[N, in]`; before it zeros if left out. States are `[N, H]`.
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

/// One step of a recurrent layer whose summed inputs are normalized, which holds the sizes of states steady over long
/// sequences: `h' = tanh(LN(W x) + LN(U h))`; for an LSTM c' is normalized too before it leaves through the output gate.
/// Ba et al., arXiv:1607.06450, equations 20 to 22 and, for `rnn`, 4.
public final class LayerNormCell: Module {
  public let weightIh, weightHh: Parameter
  /// Over all gates together.
  public let normIh, normHh: LayerNorm
  /// Of an LSTM's c.
  public let normCell: LayerNorm?
  public let kind: RecurrentKind

  /// - Parameter kind: `rnn`, `rnnReLU` or `lstm`.
  public init(_ kind: RecurrentKind, _ inputs: Int, _ hidden: Int) {
    check(kind != .gru, op: "LayerNormCell", expected: "rnn, rnnReLU or lstm", got: kind)
    let start = Initializer.uniform(1 / Float(hidden).squareRoot())
    let rows = kind.gates * hidden
    self.kind = kind
    weightIh = Parameter([rows, inputs], start)
    weightHh = Parameter([rows, hidden], start)
    normIh = LayerNorm(rows)
    normHh = LayerNorm(rows)
    normCell = kind == .lstm ? LayerNorm(hidden) : nil
  }

  /// The state after `x`, `[N, in]`; before it zeros if left out. States are `[N, H]`.
  public func callAsFunction(_ x: Tensor, _ state: RecurrentState? = nil) -> RecurrentState {
    let size = weightHh.shape[1]
    check(
      x.rank == 2 && x.shape[1] == weightIh.shape[1], op: "LayerNormCell",
      expected: "[N, \(weightIh.shape[1])]", got: x.shape)
    let zeros = Tensor.zeros([x.shape[0], size])
    let before = state?.hidden ?? zeros
    let sum =
      normIh(matmul(x, weightIh.value.transposed()))
      + normHh(matmul(before, weightHh.value.transposed()))
    guard let normCell else {
      return RecurrentState(hidden: kind == .rnn ? tanh(sum) : relu(sum))
    }
    let gates = sum.chunked(into: 4, axis: 1)
    let cell = sigmoid(gates[1]) * (state?.cell ?? zeros) + sigmoid(gates[0]) * tanh(gates[2])
    return RecurrentState(hidden: sigmoid(gates[3]) * tanh(normCell(cell)), cell: cell)
  }
}
