import SakerNN
import SakerTensor
import TestSupport
import Testing

@Suite struct ConvolutionKindsTests {
  /// E31: the depthwise half is a group convolution, with as many groups as channels;
  /// the whole is none.
  @Test func depthwiseIsTheGroupConvolution() {
    let layer = DepthwiseSeparableConv2d(4, 6, kernel: 3, padding: 1, bias: false)
    let x = random([2, 4, 5, 5], seed: 1)
    let apart = concatenate(
      (0..<4).map {
        conv2d(
          x.narrow(1, $0..<$0 + 1), layer.depthwise.weight.value.narrow(0, $0..<$0 + 1),
          padding: (1, 1, 1, 1))
      }, axis: 1)
    expectClose(layer.depthwise(x), apart)
    // One convolution with the same result: its kernels are products of both halves' weights.
    let whole =
      layer.pointwise.weight.value * layer.depthwise.weight.value.reshape([1, 4, 3, 3])
    expectClose(layer(x), conv2d(x, whole, padding: (1, 1, 1, 1)))
    #expect(layer.parameterCount == 4 * 9 + 4 * 6)
  }

  /// L = 2, M = 3: every output sees every channel, with 2 · 3² · 9 + 3 · 2² weights of a
  /// full layer's 6² · 9.
  @Test func interleavedGroupsSeeEverything() {
    let layer = InterleavedGroupConv2d(groups: 2, width: 3, kernel: 3, padding: 1, bias: false)
    #expect(layer.parameterCount == 2 * 9 * 9 + 3 * 4)
    layer.primary.weight.value = .ones(layer.primary.weight.shape)
    layer.secondary.weight.value = .ones(layer.secondary.weight.shape)
    for output in 0..<6 {
      let x = Parameter(random([1, 6, 3, 3], seed: 1))
      layer(x.value)[0, output, 1, 1].backward()
      #expect(x.gradient!.floats.allSatisfy { $0 == 1 }, "output \(output)")
    }
    // Dealt back: with secondary weights that pass one's own channel only, the layer
    // is its first half.
    layer.primary.weight.value = random(layer.primary.weight.shape, seed: 2)
    layer.secondary.weight.value =
      Tensor.eye(2).repeated([3, 1]).reshape([6, 2, 1, 1])
    let x = random([1, 6, 4, 4], seed: 3)
    expectClose(layer(x), layer.primary(x))
  }

  /// E30: 2 k² are the channels of the offsets; the layer that makes them has in · k² · 2 k²
  /// weights, and a bias for each.
  @Test func offsetsAreChannels() {
    let layer = DeformConv2d(8, 4, kernel: 3, padding: 1)
    #expect(layer.convOffset.parameterCount == 8 * 9 * 18 + 18)
    #expect(
      DeformConv2d(8, 4, kernel: 3, offsetGroups: 2, modulated: true).convOffset.weight.shape[0]
        == 3 * 2 * 9)
    // It starts as the plain convolution, the modulated one at half of it.
    let x = random([1, 8, 5, 5], seed: 1)
    let plain = conv2d(
      x, layer.weight.value, bias: layer.bias!.value, padding: (1, 1, 1, 1))
    expectClose(layer(x), plain)
    let second = DeformConv2d(8, 4, kernel: 3, padding: 1, modulated: true, bias: false)
    expectClose(
      second(x), conv2d(x, second.weight.value, padding: (1, 1, 1, 1)) * 0.5)
    let y = layer(x)
    y.sum().backward()
    #expect(layer.parameters.allSatisfy { $0.gradient != nil })
  }

  /// The names that a checkpoint has for the kinds of layers.
  @Test func parameterNames() {
    func names(_ module: any Module) -> [String] { module.namedParameters.map(\.name) }
    #expect(names(ConvTranspose2d(2, 3, kernel: 2)) == ["weight", "bias"])
    #expect(
      names(DepthwiseSeparableConv2d(2, 3, kernel: 3, bias: false))
        == ["depthwise.weight", "pointwise.weight"])
    #expect(
      names(DeformConv2d(2, 3, kernel: 3))
        == ["weight", "bias", "conv_offset.weight", "conv_offset.bias"])
    #expect(names(DynamicConv2d(4, 3, kernel: 3, bias: false)).first == "weight")
  }

  @Test func dynamicKernelsAreMeans() {
    let layer = DynamicConv2d(4, 3, kernel: 3, padding: 1)
    let x = random([2, 4, 5, 5], seed: 1)
    expectClose(layer.attention(x).sum(axes: [1]), [1, 1] as [Float])
    layer.temperature = 1e6
    let even = conv2d(
      x, layer.weight.value.mean(axes: [0]), bias: layer.bias!.value.mean(axes: [0]),
      padding: (1, 1, 1, 1))
    expectClose(layer(x), even, relative: 1e-4)
  }

  @Test(arguments: NonLocalBlock2d.Similarity.allCases)
  func nonLocalBlocksStartAsTheIdentity(_ similarity: NonLocalBlock2d.Similarity) {
    let x = random([2, 4, 4, 4], seed: 1)
    expectClose(NonLocalBlock2d(4, similarity: similarity)(x), x, relative: 0)
    expectClose(NonLocalBlock2d(4, similarity: similarity, norm: false)(x), x, relative: 0)
  }

  /// Vectors of one length from pictures of any size.
  @Test func pyramidsHaveOneLength() {
    let layer = SpatialPyramidPooling(levels: [1, 2, 4])
    #expect(layer(random([2, 3, 13, 9], seed: 1)).shape == [2, 3 * 21])
    let x = Tensor.arange(16).converted(to: .float32).reshape([1, 1, 4, 4])
    expectClose(
      SpatialPyramidPooling(levels: [1, 2])(x), [15, 5, 7, 13, 15] as [Float], relative: 0)
    let maps = SPPBlock(kernels: [3, 5])(x)
    #expect(maps.shape == [1, 3, 4, 4])
    expectClose(maps[0, 1, 0], [5, 6, 7, 7] as [Float], relative: 0)
    #expect(maps[0, 2, 1, 1].item == 15)
  }

  @Test func fullPaddingCountsEveryOverlap() {
    let layer = Conv2d(1, 1, kernel: 2, padding: .full, bias: false)
    layer.weight.value = .ones([1, 1, 2, 2])
    expectClose(
      layer(.ones([1, 1, 2, 2])), [1, 2, 1, 2, 4, 2, 1, 2, 1] as [Float], relative: 0)
  }

  /// Numbers of pixels mean the same in functions as in layers, and as the four edges.
  @Test func functionsPadByNumbers() {
    let (x, w) = (random([2, 3, 5, 6], seed: 1), random([4, 3, 3, 3], seed: 2))
    let edges = conv2d(x, w, stride: (2, 1), padding: (1, 1, 1, 1))
    #expect(conv2d(x, w, stride: (2, 1), padding: 1).floats == edges.floats)
    #expect(
      conv2d(x, w, padding: .each(0, 2)).floats == conv2d(x, w, padding: (0, 0, 2, 2)).floats)
    #expect(
      conv2d(x, w, padding: .edges(top: 1, bottom: 0, left: 2, right: 1)).floats
        == conv2d(x, w, padding: (1, 0, 2, 1)).floats)
    // Of four equal numbers a mean kernel of two keeps all but what lies beyond the end: in front
    // nothing is added.
    let mean = Tensor.full([1, 1, 2], 0.5)
    expectClose(
      conv1d(.full([1, 1, 4], 6), mean, padding: .same), [6, 6, 6, 3] as [Float], relative: 0)
  }

  /// PyTorch refuses it, too; what TensorFlow makes of it depends on the picture's size.
  @Test func sameIsForStrideOne() async {
    expectStopped(
      saying: "conv2d: expected stride 1 with padding .same, got stride 2x1",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = conv2d(.zeros([1, 1, 4, 4]), .zeros([1, 1, 3, 3]), stride: (2, 1), padding: .same)
      })
    expectStopped(
      saying: "Conv3d: expected stride 1 with padding .same, got stride 2x2x2",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Conv3d(1, 1, kernel: 3, stride: 2, padding: .same)
      })
  }

  @Test func upsampling() {
    let x = random([1, 2, 3, 4], seed: 1)
    #expect(Upsample(scale: 2)(x).shape == [1, 2, 6, 8])
    #expect(Upsample(scale: 2, 0.5, mode: .linear)(x).shape == [1, 2, 6, 2])
    expectClose(
      Upsample(size: 5, mode: .linear, aligningCorners: true)(x),
      interpolate(x, size: [5, 5], mode: .linear, aligningCorners: true), relative: 0)
  }
}
