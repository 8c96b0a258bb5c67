import Saker
import Testing

@Suite struct RecurrentExamples {
  /// 7 steps of 2 sequences of 3 numbers.
  let sequences = Tensor.ones([7, 2, 3])

  @Test("RNN") func rnn() {
    let layer = RNN(3, 5)
    #expect(layer(sequences).shape == [7, 2, 5])
  }

  @Test("LSTM, two layers in both directions") func lstm() {
    let layer = LSTM(3, 5, .init(layers: 2, bidirectional: true))
    let (output, state) = layer.run(sequences)
    #expect(output.shape == [7, 2, 10])
    #expect(state.hidden.shape == [4, 2, 5] && state.cell!.shape == [4, 2, 5])
  }

  @Test("GRU over sequences of different lengths") func gru() {
    let layer = GRU(3, 5, .init(batchFirst: true))
    let (output, _) = layer.run(sequences.transposed(0, 1), lengths: [7, 4])
    #expect(output.shape == [2, 7, 5])
    #expect(abs(output[1, 4...]).max().item == 0)
  }

  @Test("A recurrent cell, step by step") func cell() {
    let cell = RecurrentCell(.lstm, 3, 5)
    var state: RecurrentState?
    for step in sequences.unbind(axis: 0) { state = cell(step, state) }
    #expect(state!.hidden.shape == [2, 5])
  }

  @Test("Layer norm inside an LSTM's cell") func layerNorm() {
    let cell = LayerNormCell(.lstm, 3, 5)
    let (output, state) = cell.run(sequences)
    #expect(output.shape == [7, 2, 5] && state.cell!.shape == [2, 5])
  }
}
