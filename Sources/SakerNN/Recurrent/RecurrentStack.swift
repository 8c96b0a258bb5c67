import SakerTensor

/// The state of recurrent layers: one matrix `[N, H]` for each layer and direction, stacked as
/// `[layers · directions, N, H]`, the directions of a layer next to each other.
public struct RecurrentState {
  public var hidden: Tensor
  /// Only for an LSTM.
  public var cell: Tensor?

  public init(hidden: Tensor, cell: Tensor? = nil) {
    self.hidden = hidden
    self.cell = cell
  }
}

/// How recurrent layers are built.
public struct RecurrentOptions: Sendable {
  /// Layers, each of which reads the outputs of the one below.
  public var layers = 1
  public var bias = true
  /// Sequences are `[N, T, ...]`, not `[T, N, ...]`.
  public var batchFirst = false
  /// A second pass from the end, whose outputs stand behind those of the first.
  public var bidirectional = false
  /// Between layers, in training.
  public var dropout: Float = 0

  public init(
    layers: Int = 1, bias: Bool = true, batchFirst: Bool = false, bidirectional: Bool = false,
    dropout: Float = 0
  ) {
    self.layers = layers
    self.bias = bias
    self.batchFirst = batchFirst
    self.bidirectional = bidirectional
    self.dropout = dropout
  }
}

/// Recurrent layers over sequences, stacked, in one or two directions, with PyTorch's names:
/// `weight_ih_l0`, `weight_hh_l0_reverse`, …
public class RecurrentStack: Layer {
  public let kind: RecurrentKind
  public let inputs, hidden: Int
  public let options: RecurrentOptions
  /// The four of each layer and direction, or two: input, hidden, input bias, hidden bias.
  public let weights: [[Parameter]]
  private let dropout: Dropout?

  /// All weights and biases start uniform in ±1/√hidden.
  init(_ kind: RecurrentKind, _ inputs: Int, _ hidden: Int, _ options: RecurrentOptions) {
    check(
      inputs > 0 && hidden > 0 && options.layers > 0, op: "\(kind)",
      expected: "at least one input, hidden number and layer",
      got: "\(inputs), \(hidden), \(options.layers)")
    (self.kind, self.inputs, self.hidden, self.options) = (kind, inputs, hidden, options)
    let start = Initializer.uniform(1 / Float(hidden).squareRoot())
    let directions = options.bidirectional ? 2 : 1
    weights = (0..<options.layers * directions).map { index in
      let width = index < directions ? inputs : hidden * directions
      let rows = kind.gates * hidden
      return [Parameter([rows, width], start), Parameter([rows, hidden], start)]
        + (options.bias ? [Parameter([rows], start), Parameter([rows], start)] : [])
    }
    dropout = options.dropout > 0 ? Dropout(options.dropout) : nil
  }

  public var directions: Int { options.bidirectional ? 2 : 1 }

  public var members: [(name: String, value: Any)] {
    let names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
    var result: [(name: String, value: Any)] = []
    for (index, group) in weights.enumerated() {
      let ending = "_l\(index / directions)" + (index % directions == 1 ? "_reverse" : "")
      result += zip(names, group).map { ($0 + ending, $1 as Any) }
    }
    if let dropout { result.append(("dropout", dropout)) }
    return result
  }

  /// The outputs alone, from a state of zeros: `[T, N, in]` to `[T, N, directions · H]`.
  public func forward(_ x: Tensor) -> Tensor { run(x).output }

  /// - Parameters:
  ///   - x: `[T, N, in]`, with `batchFirst` `[N, T, in]`.
  ///   - initial: the state before the first step, zeros if left out.
  ///   - lengths: for each sample how many steps it has; all T if left out. As PyTorch's packed
  ///     sequences: outputs beyond are 0, the state is that after the sample's last step, and the
  ///     way back starts there. In any order.
  /// - Returns: the outputs, in the order of `x` with the last axis `directions · H`,
  ///   and the last state.
  public func run(
    _ x: Tensor, initial: RecurrentState? = nil, lengths: [Int]? = nil
  ) -> (output: Tensor, state: RecurrentState) {
    check(
      x.rank == 3 && x.shape[2] == inputs, op: "\(kind)",
      expected: options.batchFirst ? "[N, T, \(inputs)]" : "[T, N, \(inputs)]", got: x.shape)
    var sequence = options.batchFirst ? x.transposed(0, 1) : x
    let wanted: Shape = [weights.count, sequence.shape[1], hidden]
    for state in [initial?.hidden, initial?.cell] {
      check(
        state == nil || state!.shape == wanted, op: "\(kind)", expected: "a state \(wanted)",
        got: state!.shape)
    }
    check(
      initial == nil || (initial!.cell != nil) == (kind == .lstm), op: "\(kind)",
      expected: kind == .lstm ? "a cell" : "no cell", got: initial?.cell == nil ? "none" : "one")
    var (hiddens, cells): ([Tensor], [Tensor]) = ([], [])
    for layer in 0..<options.layers {
      if layer > 0, let dropout { sequence = dropout(sequence) }
      let outputs = (0..<directions).map { direction in
        let index = layer * directions + direction
        let group = weights[index].map(\.value)
        let result = recurrent(
          kind, sequence,
          RecurrentWeights(
            input: group[0], hidden: group[1], inputBias: options.bias ? group[2] : nil,
            hiddenBias: options.bias ? group[3] : nil),
          hidden: initial?.hidden.select(axis: 0, at: index),
          cell: initial?.cell?.select(axis: 0, at: index), lengths: lengths,
          reversed: direction == 1)
        hiddens.append(result.hidden)
        if let cell = result.cell { cells.append(cell) }
        return result.output
      }
      sequence = outputs.count == 1 ? outputs[0] : concatenate(outputs, axis: 2)
    }
    return (
      options.batchFirst ? sequence.transposed(0, 1) : sequence,
      RecurrentState(hidden: stack(hiddens), cell: cells.isEmpty ? nil : stack(cells))
    )
  }
}

/// Simple recurrent layers, `h' = tanh(W x + b + U h + c)`, or with ReLU. Elman, "Finding
/// Structure in Time" (1990).
///
/// The gradient of a step t steps back passes t times through U: it shrinks or grows like a power,
/// which LSTM and GRU, whose states add up, avoid.
public final class RNN: RecurrentStack {
  public init(
    _ inputs: Int, _ hidden: Int, relu: Bool = false, _ options: RecurrentOptions = .init()
  ) {
    super.init(relu ? .rnnReLU : .rnn, inputs, hidden, options)
  }
}

/// Long short-term memory. Hochreiter & Schmidhuber 1997; forget gates: Gers et al. 2000.
public final class LSTM: RecurrentStack {
  public init(_ inputs: Int, _ hidden: Int, _ options: RecurrentOptions = .init()) {
    super.init(.lstm, inputs, hidden, options)
  }
}

/// Gated recurrent units. Cho et al., arXiv:1406.1078.
public final class GRU: RecurrentStack {
  public init(_ inputs: Int, _ hidden: Int, _ options: RecurrentOptions = .init()) {
    super.init(.gru, inputs, hidden, options)
  }
}
