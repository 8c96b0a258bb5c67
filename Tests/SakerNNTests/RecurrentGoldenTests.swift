import SakerNN
import SakerTensor
import TestSupport
import Testing

/// Recurrent layers against PyTorch's outputs, last states and gradients
/// (Scripts/golden/recurrent.py).
struct RecurrentGoldenTests {
  private func layer(_ golden: GoldenCase, inputs: Int, hidden: Int) -> RecurrentStack {
    let options = RecurrentOptions(
      layers: Int(golden.number("layers") ?? 1), bias: golden.flag("bias"),
      batchFirst: golden.flag("batch_first"), bidirectional: golden.flag("bidirectional"))
    return switch golden.text("kind") {
    case "lstm": LSTM(inputs, hidden, options)
    case "gru": GRU(inputs, hidden, options)
    case let kind: RNN(inputs, hidden, relu: kind == "relu", options)
    }
  }

  private func flat(_ parts: Tensor?...) -> Tensor {
    concatenate(parts.compactMap { $0?.flatten(from: 0) }, axis: 0)
  }

  @Test(arguments: GoldenCase.all("recurrent", "recurrent"))
  func sequences(_ golden: GoldenCase) {
    let layer = layer(golden, inputs: 3, hidden: 4)
    let states = ["h0", "c0"].filter { golden.tensors[$0] != nil }
    let lengths = golden.numbers("lengths")!.map { Int($0) }
    golden.expectModule(layer, ["x"] + states) { inputs in
      let initial =
        inputs.count > 1
        ? RecurrentState(hidden: inputs[1], cell: inputs.count > 2 ? inputs[2] : nil) : nil
      let (output, state) = layer.run(
        inputs[0], initial: initial, lengths: lengths.isEmpty ? nil : lengths)
      return flat(output, state.hidden, state.cell)
    }
  }

  @Test(arguments: GoldenCase.all("recurrent", "layer_norm_cell"))
  func layerNormInside(_ golden: GoldenCase) {
    let kinds: [String: RecurrentKind] = [
      "rnn": .rnn, "relu": .rnnReLU, "lstm": .lstm, "gru": .gru,
    ]
    let kind = kinds[golden.text("kind")!]!
    let cell = LayerNormCell(kind, 3, 4)
    golden.expectModule(cell, ["x", "h0"] + (kind == .lstm ? ["c0"] : [])) { inputs in
      let initial = RecurrentState(hidden: inputs[1], cell: inputs.count > 2 ? inputs[2] : nil)
      let (output, state) = cell.run(inputs[0], initial: initial)
      return flat(output, state.cell)
    }
  }
}
