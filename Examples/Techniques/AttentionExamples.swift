import Saker
import Testing

@Suite struct AttentionExamples {
  /// 2 sequences of 6 vectors of 8 numbers.
  let sequences = Tensor.ones([2, 6, 8])

  @Test("Scaled dot-product attention") func scaledDotProduct() {
    // Keys that are all alike get the same share: the mean of the values.
    let (queries, keys) = (Tensor.ones([3, 8]), Tensor.ones([3, 8]))
    let values = Tensor([0, 2, 4] as [Float], [3, 1])
    let mean = scaledDotProductAttention(queries, keys, values)
    #expect(allClose(mean, .full([3, 1], 2), absolute: 1e-6))
    let causal = scaledDotProductAttention(queries, keys, values, causal: true)  // only what was
    #expect(allClose(causal.flatten(), Tensor([0, 1, 2] as [Float]), absolute: 1e-6))
  }

  @Test("Multi-head self-attention") func selfAttention() {
    let layer = MultiheadAttention(8, heads: 2)
    let padding = Tensor([false, false, false, false, true, true]).expand([2, 6])
    #expect(layer.attend(sequences, keyPadding: padding).shape == [2, 6, 8])
  }

  @Test("Cross-attention") func crossAttention() {
    let layer = MultiheadAttention(8, heads: 2, keyWidth: 16)
    let queries = Tensor.ones([2, 3, 8])
    let pictures = Tensor.ones([2, 49, 16])
    let values = Tensor.ones([2, 49, 8])
    #expect(layer.attend(queries, pictures, values).shape == [2, 3, 8])
  }

  @Test("Positions, sinusoidal and learned") func positions() {
    let start = SinusoidalPositions(8)(.zeros([1, 6, 8]))[0, 0]  // sin 0 and cos 0
    #expect(start.sorted().values.floats == [0, 0, 0, 0, 1, 1, 1, 1])
    #expect(LearnedPositions(100, 8)(sequences).shape == [2, 6, 8])
  }

  @Test("Transformer encoder") func encoder() {
    let encoder = TransformerEncoder(
      8, heads: 2, layers: 3, .init(feedforward: 32, activation: .gelu, normFirst: true))
    #expect(encoder(sequences).shape == [2, 6, 8])
  }

  @Test("Transformer decoder") func decoder() {
    let decoder = TransformerDecoder(8, heads: 2, layers: 3, .init(feedforward: 32))
    let target = Tensor.ones([2, 4, 8])
    #expect(decoder(target, memory: sequences).shape == [2, 4, 8])
  }

  @Test("Transformer") func transformer() {
    let model = Transformer(
      8, heads: 2, encoderLayers: 1, decoderLayers: 1, .init(feedforward: 32))
    #expect(model(sequences, .ones([2, 4, 8])).shape == [2, 4, 8])
  }

  @Test("Patch embedding") func patches() {
    let embedding = PatchEmbedding(3, 8, patch: 16)
    #expect(embedding(.ones([2, 3, 64, 48])).shape == [2, 12, 8])
  }

  @Test("MLP-Mixer block") func mixer() {
    let block = MLPMixerBlock(8, tokens: 6)
    #expect(block(sequences).shape == [2, 6, 8])
  }

  @Test("ConvMixer block") func convMixer() {
    let block = ConvMixerBlock(8, kernel: 5)
    #expect(block(.ones([2, 8, 7, 7])).shape == [2, 8, 7, 7])
  }

  @Test("Squeeze-and-excitation") func squeezeExcitation() {
    let block = SqueezeExcitation(32)
    let weighed = block(.ones([2, 32, 7, 7]))  // each channel times a share of its own
    #expect(weighed.min().item > 0 && weighed.max().item < 1)
    #expect(weighed.min(axes: [2, 3]).floats == weighed.max(axes: [2, 3]).floats)
  }
}
