import Saker
import Testing

@Suite struct ConvolutionKindsExamples {
  @Test("Same, valid and full convolution") func paddings() {
    let picture = Tensor.ones([1, 1, 8, 8])
    func side(_ padding: Padding) -> Int {
      Conv2d(1, 1, kernel: 3, padding: padding)(picture).shape[2]
    }
    #expect(side(.same) == 8 && side(.valid) == 6 && side(.full) == 10)
  }

  @Test("Sequences and volumes") func otherDimensions() {
    let sequence = Conv1d(4, 8, kernel: 3, padding: 1, mode: .circular)
    #expect(sequence(.ones([2, 4, 16])).shape == [2, 8, 16])
    let volume = Conv3d(1, 8, kernel: 3, padding: .same)
    #expect(volume(.ones([1, 1, 4, 8, 8])).shape == [1, 8, 4, 8, 8])
  }

  @Test("Transposed convolution") func transposed() {
    // The numbers of a convolution turn its shapes around, not its values.
    let down = Conv2d(10, 20, kernel: 5, stride: 3, padding: 2)
    let up = ConvTranspose2d(20, 10, kernel: 5, stride: 3, padding: 2)
    #expect(up(down(.ones([1, 10, 16, 16]))).shape == [1, 10, 16, 16])
  }

  @Test("Depthwise-separable convolution") func separable() {
    let layer = DepthwiseSeparableConv2d(32, 64, kernel: 3, padding: 1, bias: false)
    let count = ConvolutionCount.depthwiseSeparable(32, 64, kernel: (3, 3), output: (14, 14))
    #expect(layer(.ones([1, 32, 14, 14])).shape == [1, 64, 14, 14])
    #expect(layer.parameterCount == count.parameters)
  }

  @Test("Channel shuffle") func shuffle() {
    let mixed = Sequential(
      Conv2d(12, 12, kernel: 3, padding: 1, groups: 3), ChannelShuffle(groups: 3),
      Conv2d(12, 12, kernel: 3, padding: 1, groups: 3))
    #expect(mixed(.ones([1, 12, 8, 8])).shape == [1, 12, 8, 8])
  }

  @Test("Interleaved group convolution") func interleaved() {
    let layer = InterleavedGroupConv2d(groups: 2, width: 3, kernel: 3, padding: 1)
    #expect(layer(.ones([1, 6, 8, 8])).shape == [1, 6, 8, 8])
  }

  @Test("Deformable convolution") func deformable() {
    let layer = DeformConv2d(8, 16, kernel: 3, padding: 1, modulated: true)
    #expect(layer(.ones([1, 8, 10, 10])).shape == [1, 16, 10, 10])
    #expect(layer.convOffset.weight.shape[0] == 3 * 9)
  }

  @Test("Dynamic convolution") func dynamic() {
    let layer = DynamicConv2d(8, 16, kernel: 3, padding: 1, kernels: 4)
    layer.temperature = 1
    let pictures = Tensor.ones([2, 8, 10, 10])
    #expect(layer.attention(pictures).shape == [2, 4])
    #expect(layer(pictures).shape == [2, 16, 10, 10])
  }

  @Test("Non-local block") func nonLocal() {
    let block = NonLocalBlock2d(8, similarity: .dotProduct, subsampled: true)
    let map = Tensor.ones([1, 8, 6, 6])
    #expect(block(map).shape == map.shape)
  }

  @Test("Upsampling") func upsampling() {
    let map = Tensor([0, 4] as [Float], [1, 1, 1, 2])
    #expect(Upsample(scale: 1, 2)(map).floats == [0, 0, 4, 4])
    let edges = interpolate(map, size: [1, 4], mode: .linear)
    #expect(edges.floats == [0, 1, 3, 4])
    let centers = interpolate(map, size: [1, 5], mode: .linear, aligningCorners: true)
    #expect(centers.floats == [0, 1, 2, 3, 4])
  }

  @Test("Unpooling") func unpooling() {
    let map = Tensor([1, 3, 2, 0, 5, 4, 6, 7] as [Float], [1, 1, 2, 4])
    let (largest, places) = maxPool2dWithIndices(map, kernel: (2, 2))
    #expect(maxUnpool(largest, places, size: [2, 4]).floats == [0, 0, 0, 0, 5, 0, 0, 7])
  }

  @Test("Pixel shuffle") func pixels() {
    #expect(PixelShuffle(2)(.ones([1, 12, 4, 4])).shape == [1, 3, 8, 8])
  }

  @Test("Reading a picture at any points") func grid() {
    let picture = Tensor([0, 1, 2, 3] as [Float], [1, 1, 2, 2])
    let middle = Tensor.zeros([1, 1, 1, 2])
    #expect(gridSample(picture, middle).item == 1.5)
  }

  @Test("RoI pooling and RoI Align") func regionsOfInterest() {
    let map = Tensor.ones([1, 4, 16, 16])
    let boxes = [Boxes(corners: [10, 20, 90, 100])]
    let pooled = roiPool(map, boxes, size: (7, 7), scale: 1 / 16)
    let cells = roiAlign(map, boxes, size: (7, 7), scale: 1 / 16, samplingRatio: 2, aligned: true)
    for regions in [pooled, cells] {  // of a constant map only that constant
      #expect(regions.shape == [1, 4, 7, 7] && abs(regions - 1).max().item < 1e-6)
    }
  }

  @Test("Corner pooling") func corners() {
    let row = Tensor([2, 1, 3, 0, 2] as [Float], [1, 1, 1, 5])
    #expect(cornerPool(row, .left).floats == [3, 3, 3, 2, 2])
    #expect(topLeftPool(row, row).floats == [5, 4, 6, 2, 4])
  }

  @Test("Spatial pyramid pooling") func pyramid() {
    let pyramid = SpatialPyramidPooling(levels: [1, 2, 4])
    #expect(pyramid(.ones([1, 8, 13, 9])).shape == pyramid(.ones([1, 8, 20, 30])).shape)
    #expect(SPPBlock()(.ones([1, 8, 13, 13])).shape == [1, 32, 13, 13])
  }

  @Test("Receptive field") func receptiveField() {
    let field = ReceptiveField([
      .init(7, stride: 2, padding: 3), .init(3, stride: 2, padding: 1), .init(3, dilation: 2),
    ])
    #expect(field.size == 27 && field.stride == 4)
    #expect(field.elements(of: 0) == -5...21)
  }

  @Test("Transposed convolution by hand, of sequences and volumes") func transposedByHand() {
    let kernel = Tensor([1, 2, 3, 4] as [Float], [1, 1, 2, 2])
    let spread = convTranspose2d(.full([1, 1, 1, 1], 3), kernel)  // puts the kernel down, 3 times
    #expect(spread.floats == [3, 6, 9, 12])
    // (n - 1) stride - 2 padding + kernel
    let sequence = ConvTranspose1d(2, 3, kernel: 4, stride: 2, padding: 1)
    #expect(sequence(.ones([1, 2, 5])).shape == [1, 3, 10])
    let volume = ConvTranspose3d(1, 2, kernel: (2, 2, 2), stride: (2, 2, 2))
    #expect(volume(.ones([1, 1, 2, 3, 4])).shape == [1, 2, 4, 6, 8])
  }

  @Test("Shuffles by hand") func shuffles() {
    let six = Tensor.arange(6).converted(to: .float32).reshape([1, 6, 1, 1])
    #expect(channelShuffle(six, groups: 2).floats == [0, 3, 1, 4, 2, 5])
    let four = Tensor([1, 2, 3, 4] as [Float], [1, 4, 1, 1])
    #expect(pixelShuffle(four, 2).shape == [1, 1, 2, 2])
    #expect(pixelShuffle(four, 2).floats == [1, 2, 3, 4])
  }

  @Test("Deformable convolution that does not deform") func undeformed() {
    let map = Tensor.arange(9).converted(to: .float32).reshape([1, 1, 3, 3])
    let kernel = Tensor.ones([1, 1, 2, 2])
    let plain = deformConv2d(map, offset: .zeros([1, 2 * 4, 2, 2]), kernel)
    #expect(plain.floats == [8, 12, 20, 24])  // 0 + 1 + 3 + 4, ...
    // Every place looks one row further down.
    let down = Tensor([1, 0, 1, 0, 1, 0, 1, 0] as [Float], [1, 8, 1, 1]).expand([1, 8, 2, 2])
    #expect(deformConv2d(map, offset: down, kernel).floats.prefix(2) == [20, 24])
  }

  @Test("Position-sensitive RoI Align") func positionSensitiveAlign() {
    // Channel c holds c everywhere: each of 2×2 cells reads a channel of its own.
    let maps = Tensor.arange(4).converted(to: .float32).reshape([1, 4, 1, 1]).expand([1, 4, 8, 8])
    let box = Tensor([0, 1, 1, 6, 6] as [Float], [1, 5])
    let cells = positionSensitiveRoIAlign(maps, box, size: (2, 2), samplingRatio: 2)
    #expect(cells.floats == [0, 1, 2, 3])
  }

  @Test("Bottom-right pooling") func bottomRight() {
    let row = Tensor([2, 1, 3, 0, 2] as [Float], [1, 1, 1, 5])
    #expect(cornerPool(row, .right).floats == [2, 2, 3, 3, 3])
    #expect(bottomRightPool(row, row).floats == [4, 3, 6, 3, 5])
  }
}
