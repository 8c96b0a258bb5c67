import SakerTensor
import TestSupport
import Testing

/// Where the study notes err, as cases by hand: docs/errata.md.
@Suite struct NotesErrataTests {
  /// E44: the mean's gradient spreads evenly; the largest value's goes to its place alone, as it comes.
  @Test func poolingGradientsByHand() {
    let x = Tensor([1, 3, 2, 2] as [Float], [1, 1, 2, 2])
    let mean = gradients(at: [x]) { averagePool2d($0[0], kernel: (2, 2)).sum() * 2 }
    #expect(averagePool2d(x, kernel: (2, 2)).floats == [2])
    #expect(mean.gradients[0].floats == [0.5, 0.5, 0.5, 0.5])
    let largest = gradients(at: [x]) { maxPool2d($0[0], kernel: (2, 2)).sum() * 7 }
    #expect(maxPool2d(x, kernel: (2, 2)).floats == [3])
    #expect(largest.gradients[0].floats == [0, 7, 0, 0])
  }

  /// E62: exp(-x) overflows for a very small x, and nothing may follow from it.
  @Test func sigmoidIsStableFarOut() {
    let x = Tensor([-1e4, -100, 0, 100, 1e4] as [Float])
    let result = gradients(at: [x]) { sigmoid($0[0]).sum() }
    expectClose(sigmoid(x), Tensor([0, 0, 0.5, 1, 1] as [Float]), absolute: 1e-6)
    expectClose(result.gradients[0], Tensor([0, 0, 0.25, 0, 0] as [Float]), absolute: 1e-6)
  }
}
