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

  @Test("An RNN by hand") func byHand() {
    // Each step adds its input to the state: max(0, 1 · x + 1 · h).
    let weights = RecurrentWeights(input: .ones([1, 1]), hidden: .ones([1, 1]))
    let steps = Tensor([1, 2, -5, 4] as [Float], [4, 1, 1])
    #expect(recurrent(.rnnReLU, steps, weights).output.floats == [1, 3, 0, 4])
    #expect(recurrent(.rnnReLU, steps, weights, reversed: true).hidden.item == 3)  // 4, 0, 2, 3
  }

  @Test("Parameters of RNN, GRU and LSTM: one, three and four gates") func gates() {
    let layers: [RecurrentStack] = [RNN(3, 5), GRU(3, 5), LSTM(3, 5)]
    let gate = 5 * 3 + 5 * 5 + 5 + 5  // of the input, of the state, two biases
    #expect(layers.map(\.parameterCount) == [gate, 3 * gate, 4 * gate])
  }
}
