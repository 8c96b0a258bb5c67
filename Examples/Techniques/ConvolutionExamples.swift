import Saker
import Testing

// One example a technique, each of at most 15 lines, run by the tests: what
// docs/notes-map.md leads to.

@Suite struct ConvolutionExamples {
  @Test("Convolution") func convolution() {
    let picture = Tensor.ones([1, 3, 8, 8])
    let layer = Conv2d(3, 16, kernel: 3, padding: 1)
    #expect(layer(picture).shape == [1, 16, 8, 8])
  }

  @Test("Size of the result") func sizes() {
    let picture = Tensor.zeros([1, 3, 20, 30])
    // (n + 2 padding - dilation (kernel - 1) - 1) / stride + 1, rounded down.
    #expect(Conv2d(3, 8, kernel: 5)(picture).shape == [1, 8, 16, 26])
    #expect(Conv2d(3, 8, kernel: 4, stride: 2, padding: 1)(picture).shape == [1, 8, 10, 15])
    #expect(Conv2d(3, 8, kernel: (2, 7), stride: (1, 3))(picture).shape == [1, 8, 19, 8])
    #expect(Conv2d(3, 8, kernel: 3, dilation: 4)(picture).shape == [1, 8, 12, 22])
  }

  @Test("Convolution by hand: the kernel is not turned") func byHand() {
    let picture = Tensor([1, 2, 3, 4] as [Float], [1, 1, 2, 2])
    let kernel = Tensor([1, 0, 0, -1] as [Float], [1, 1, 2, 2])
    #expect(conv2d(picture, kernel, bias: .ones([1])).item == 1 - 4 + 1)
    let (row, edge) = (Tensor([1, 2, 4] as [Float]), Tensor([1, -1] as [Float]))
    #expect(conv1d(row.reshape([1, 1, 3]), edge.reshape([1, 1, 2])).floats == [-1, -2])
    #expect(conv3d(.ones([1, 1, 2, 2, 2]), .ones([1, 1, 2, 2, 2])).item == 8)
  }

  @Test("A network of layers, and its twin of functions") func functionalTwin() {
    let network = Sequential(
      Conv2d(1, 4, kernel: 3), ReLU(), MaxPool2d(kernel: 2), Flatten(), Linear(36, 10))
    let weights = network.parameters.map(\.value)
    func twin(_ x: Tensor) -> Tensor {
      let map = relu(conv2d(x, weights[0], bias: weights[1]))
      let flat = maxPool2d(map, kernel: (2, 2)).flatten(from: 1)
      return matmul(flat, weights[2].transposed(), adding: weights[3])
    }
    let pictures = Tensor.linspace(-1, 1, count: 128).reshape([2, 1, 8, 8])
    #expect(allClose(network(pictures), twin(pictures), relative: 1e-4, absolute: 1e-5))
  }

  @Test("Group, depthwise and 1×1 convolution: their parameters") func groups() {
    #expect(Conv2d(8, 16, kernel: 3, bias: false).parameterCount == 8 * 16 * 9)
    #expect(Conv2d(8, 16, kernel: 3, groups: 4, bias: false).parameterCount == 8 * 16 * 9 / 4)
    #expect(Conv2d(8, 8, kernel: 3, groups: 8, bias: false).parameterCount == 8 * 9)
    #expect(Conv2d(8, 16, kernel: 1, bias: false).parameterCount == 8 * 16)
  }

  @Test("1×1 convolution is a linear layer at each place") func pointwise() {
    let conv = Conv2d(3, 5, kernel: 1, bias: false)
    let map = Tensor.linspace(0, 1, count: 24).reshape([1, 3, 2, 4])
    let rows = matmul(map.permute([0, 2, 3, 1]), conv.weight.value.reshape([5, 3]).transposed())
    #expect(allClose(conv(map), rows.permute([0, 3, 1, 2]), relative: 1e-4, absolute: 1e-6))
  }
}
