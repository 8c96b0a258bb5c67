import Saker
import Testing

@Suite struct BlockExamples {
  @Test("Residual block") func residual() {
    let map = Tensor.ones([1, 2, 3, 3])
    #expect(Residual(Sequential(Identity()))(map).floats == (map * 2).floats)
    let widened = Residual(
      Sequential(Conv2d(2, 4, kernel: 3, padding: 1)), shortcut: Conv2d(2, 4, kernel: 1))
    #expect(widened(map).shape == [1, 4, 3, 3])
  }

  @Test("Dense block") func dense() {
    // Each of three layers adds 4 channels to all that were there.
    let block = DenselyConnected(6, growth: 4, width: 8, depth: 3)
    #expect(block(.ones([1, 6, 5, 5])).shape == [1, 6 + 3 * 4, 5, 5])
  }

  @Test("Two linear layers") func mlp() {
    let block = MLP(8, hidden: 32)
    #expect(block(.ones([2, 5, 8])).shape == [2, 5, 8])
    #expect(block.parameterCount == 8 * 32 + 32 + 32 * 8 + 8)
  }

  @Test("Linear layer, by hand") func linear() {
    let layer = Linear(2, 1)
    layer.weight.value = Tensor([3, -1] as [Float], [1, 2])
    layer.bias?.value = Tensor([10] as [Float])
    #expect(layer(Tensor([1, 2] as [Float], [1, 2])).item == 11)  // 3·1 - 1·2 + 10
  }

  @Test("Layers of transformers") func transformerLayers() {
    let tokens = Tensor.ones([2, 6, 8])
    let encoder = TransformerEncoderLayer(8, heads: 2, .init(feedforward: 16))
    let decoder = TransformerDecoderLayer(8, heads: 2, .init(feedforward: 16))
    let memory = encoder(tokens)
    #expect(memory.shape == [2, 6, 8])
    #expect(decoder(tokens[.all, ..<4], memory: memory).shape == [2, 4, 8])
  }

  @Test("Fourier mixing") func fourierMixing() {
    // Of a constant, all but frequency 0 is 0.
    #expect(FourierMixing()(.ones([1, 2, 2])).floats == [4, 0, 0, 0])
  }
}
