import Saker
import Testing

// One example a technique, each of at most 15 lines, run by the tests: what docs/notes-map.md leads to.

@Suite struct ConvolutionExamples {
  @Test("Convolution") func convolution() {
    let picture = Tensor.ones([1, 3, 8, 8])
    let layer = Conv2d(3, 16, kernel: 3, padding: 1)
    #expect(layer(picture).shape == [1, 16, 8, 8])
  }
}
