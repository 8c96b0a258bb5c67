import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

struct AttentionTests {
  private let x = random([2, 6, 8], seed: 1)

  @Test func parametersAreThoseOfPyTorch() {
    let layer = TransformerEncoderLayer(512, heads: 8)
    #expect(layer.parameterCount == 3_152_384)
    #expect(TransformerDecoderLayer(512, heads: 8).parameterCount == 4_204_032)
    #expect(Transformer().parameterCount == 44_140_544)
    #expect(
      Set(layer.namedParameters.map(\.name)) == [
        "self_attn.in_proj_weight", "self_attn.in_proj_bias", "self_attn.out_proj.weight",
        "self_attn.out_proj.bias", "linear1.weight", "linear1.bias", "linear2.weight",
        "linear2.bias", "norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias",
      ])
  }

  @Test func attentionKnowsNoOrder() {
    let layer = MultiheadAttention(8, heads: 2)
    let turned = x.flip([1])
    expectClose(layer(turned), layer(x).flip([1]))
    let positions = SinusoidalPositions(8)
    #expect(abs(layer(positions(turned)) - layer(positions(x)).flip([1])).max().item > 1e-3)
  }

  @Test func weightsAreTheOnesUsed() {
    let layer = MultiheadAttention(8, heads: 2)
    let padding = Tensor([false, false, false, false, true, true]).expand([2, 6])
    let weights = layer.attentionWeights(x, x, keyPadding: padding, causal: true)
    #expect(weights.shape == [2, 2, 6, 6])
    expectClose(weights.sum(axes: [-1]), .ones([2, 2, 6]))
    #expect(weights[0..., 0..., 0..., 4...].max().item == 0)
    #expect(weights[0..., 0..., 0, 1...].max().item == 0)
    // With dropout that drops nothing the weights are stored, and the result is the fused one's.
    let value = layer.inProjWeight!.value.narrow(0, 16..<24)
    let heads = matmul(x, value.transposed()).reshape([2, 6, 2, 4]).transposed(1, 2)
    let mixed = matmul(weights, heads).transposed(1, 2).reshape([2, 6, 8])
    expectClose(layer.outProj(mixed), layer.attend(x, keyPadding: padding, causal: true))
  }

  /// Dropped weights grow the others: the mean over many draws is the result without.
  @Test func dropoutKeepsTheMean() {
    let layer = withSeed(1) { MultiheadAttention(8, heads: 2, dropout: 0.3) }
    let many = (0..<600).map { _ in withoutGradients { layer(x) } }
    let mean = stack(many).mean(axes: [0])
    #expect(abs(many[0] - many[1]).max().item > 1e-3)
    layer.eval()
    expectClose(mean, layer(x), relative: 0, absolute: 0.05)
  }

  @Test func decodersSeeOnlyThePast() {
    let layer = TransformerDecoderLayer(8, heads: 2, .init(feedforward: 16))
    layer.eval()
    let memory = random([2, 4, 8], seed: 2)
    var changed = x
    changed[0..., 4...] = Tensor(3)
    let (a, b) = (layer(x, memory: memory), layer(changed, memory: memory))
    expectClose(b[0..., 0..<4], a[0..., 0..<4], relative: 1e-6)
    #expect(abs(a - b)[0..., 4...].max().item > 0.01)
    let open = layer(changed, memory: memory, causal: false)
    #expect(abs(open - layer(x, memory: memory, causal: false))[0..., 0..<4].max().item > 1e-3)
  }

  @Test func paddingIsAsIfItWereNotThere() {
    let model = TransformerEncoder(8, heads: 2, layers: 2, .init(feedforward: 16))
    model.eval()
    var padded = x
    padded[0..., 4...] = Tensor(1e3)
    let padding = Tensor([false, false, false, false, true, true]).expand([2, 6])
    expectClose(model.encode(padded, padding: padding)[0..., 0..<4], model(x[0..., 0..<4]))
  }

  /// sin and cos of t, then of t / 100; a shift by one place rotates each pair by the same
  /// angle everywhere.
  @Test func sinusoidsByHand() {
    let waves = sinusoidalPositions(5, 4)
    expectClose(waves[0], [0, 1, 0, 1])
    let expected = [sin(3.0), cos(3.0), sin(0.03), cos(0.03)].map { Float($0) }
    expectClose(waves[3], expected)
    let products = waves.narrow(0, 0..<4) * waves.narrow(0, 1..<5)
    let turn = Float(cos(1.0)) + Float(cos(0.01))
    expectClose(products.sum(axes: [1]), [turn, turn, turn, turn])
    #expect(sinusoidalPositions(3, 5).shape == [3, 5])
    // Longer than the table.
    expectClose(
      SinusoidalPositions(4, length: 2)(.zeros([1, 5, 4])).squeeze(0), waves, relative: 0)
  }

  @Test func learnedPositionsLearn() {
    let layer = LearnedPositions(10, 8)
    layer(x).sum().backward()
    let gradient = layer.weight.gradient!
    #expect(gradient[0, 0..<6].min().item == 2 && gradient[0, 6...].max().item == 0)
  }

  @Test func patchesAreReadByRows() {
    let layer = PatchEmbedding(1, 1, patch: 2)
    layer.proj.weight.value = .full([1, 1, 2, 2], 0.25)
    layer.proj.bias!.value = .zeros([1])
    let picture = Tensor.arange(16).converted(to: .float32).reshape([1, 1, 4, 4])
    expectClose(layer(picture), [2.5, 4.5, 10.5, 12.5])
  }

  /// A mixer trains: which of two patterns a sequence holds, in a few steps.
  @Test func blocksTrain() {
    let blocks: [(any Layer, [Int])] = withSeed(Trial.seed(2)) {
      [
        (MLPMixerBlock(8, tokens: 6), [16, 6, 8]),
        (TransformerEncoderLayer(8, heads: 2, .init(feedforward: 16)), [16, 6, 8]),
        (ConvMixerBlock(4, kernel: 3), [16, 4, 5, 5]),
        (SqueezeExcitation(4), [16, 4, 5, 5]),
      ]
    }
    for (block, shape) in blocks {
      let x = random(Shape(shape), seed: Trial.seed(3))
      // Squeeze-and-excitation can only weigh channels: it is asked for that.
      let shares = Tensor([0.1, 0.4, 0.6, 0.9] as [Float], [1, 4, 1, 1])
      let target =
        block is SqueezeExcitation
        ? x * shares : random(Shape(shape), seed: Trial.seed(4)) * 0.1 + 0.5
      let optimizer = Optimizer(Adam(), block, rate: 0.01)
      func loss() -> Tensor { square(block(x) - target).mean() }
      let before = loss().item
      for _ in 0..<100 {
        loss().backward()
        optimizer.step()
        optimizer.zeroGradients()
      }
      Trial.expect(loss().item / before, below: 0.9, "\(type(of: block))")
    }
  }

  @Test func emptyAndSingle() {
    let layer = TransformerEncoderLayer(8, heads: 2, .init(feedforward: 16))
    #expect(layer(.ones([0, 6, 8])).shape == [0, 6, 8])
    #expect(layer(.ones([2, 1, 8])).shape == [2, 1, 8])
    #expect(MLPMixerBlock(8, tokens: 6)(.ones([0, 6, 8])).shape == [0, 6, 8])
  }

  @Test func wrongShapesStop() async {
    expectStopped(
      saying: "MultiheadAttention: expected a width that 3 heads divide, got 8",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = MultiheadAttention(8, heads: 3)
      })
    expectStopped(
      saying: "MultiheadAttention: expected queries [N, L, 8]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = MultiheadAttention(8, heads: 2)(.ones([2, 5, 6]))
      })
    expectStopped(
      saying: "MultiheadAttention: expected bool padding [2, 5], got float32 [2, 5]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = MultiheadAttention(8, heads: 2).attend(.ones([2, 5, 8]), keyPadding: .ones([2, 5]))
      })
    expectStopped(
      saying: "PatchEmbedding: expected [N, C, H, W] with sides that 4 divides, got [1, 3, 8, 6]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = PatchEmbedding(3, 8, patch: 4)(.ones([1, 3, 8, 6]))
      })
    expectStopped(
      saying: "LearnedPositions: expected [N, at most 4, 8], got [2, 5, 8]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = LearnedPositions(4, 8)(.ones([2, 5, 8]))
      })
  }
}
