import SakerTensor
import TestSupport
import Testing

/// Where the study notes err, as cases by hand: docs/errata.md.
@Suite struct NotesErrataTests {
  /// E44: the mean's gradient spreads evenly; the largest value's goes to its place
  /// alone, as it comes.
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

  /// E74: as many new axes as one likes, all of them in front; in the middle,
  /// `unsqueeze` makes them.
  @Test func expandAddsAnyNumberOfAxes() {
    let x = Tensor([1, 2, 3] as [Float], [1, 3])
    let y = x.expand([4, 5, 2, 3])
    #expect(y.shape == [4, 5, 2, 3])
    #expect(y.floats == (0..<40).flatMap { _ in [1, 2, 3] as [Float] })
    #expect(x.unsqueeze(1).expand([1, 2, 3]).floats == [1, 2, 3, 1, 2, 3])
    // What a new axis repeats, its gradient adds up.
    let sums = gradients(at: [x]) { $0[0].expand([4, 5, 2, 3]).sum() }
    #expect(sums.gradients[0].floats == [40, 40, 40])
  }

  /// E75: the four listings, with the x that the printed results are of.
  @Test func expandAsTheNotesPrintIt() async {
    let x = Tensor([7, 8] as [Float], [2, 1, 1])
    #expect(x.expand([2, 3, 4]).shape == [2, 3, 4])
    #expect(x.expand([6, -1, -1, -1]).shape == [6, 2, 1, 1])
    #expect(x.expand([6, 2, 3, 4]).shape == [6, 2, 3, 4])
    #expect(x.expand([6, 2, 3, 4])[5, 1, 2, 3].item == 8)
    // With x of (2, 3, 4), as the listing has left it, the fourth result is another one.
    #expect(x.expand([2, 3, 4]).expand([6, -1, -1, -1]).shape == [6, 2, 3, 4])
    expectStopped(
      saying: "expand: expected 2 or -1 for axis 1, which is not of size 1, got 3",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.zeros([2, 1, 1]).expand([2, 3, 4, 6])
      })
    expectStopped(
      saying: "expand: expected 2 or -1 for axis 1, which is not of size 1, got 3",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.zeros([2, 2, 2]).expand([2, 3, 4])
      })
  }

  /// E76: unpooling puts each largest value back to where it was; zeros at regular places are the
  /// transposed convolution's.
  @Test func unpoolingIsNoInsertionOfZeros() {
    let x = Tensor(
      [
        1, 2, 0, 0,
        0, 0, 0, 5,
        0, 3, 4, 0,
        0, 0, 0, 0,
      ] as [Float], [1, 1, 4, 4])
    let (values, places) = maxPool2dWithIndices(x, kernel: (2, 2), stride: (2, 2))
    #expect(values.floats == [2, 5, 3, 4])
    expectClose(
      maxUnpool(values, places, size: [4, 4]),
      [
        0, 2, 0, 0,
        0, 0, 0, 5,
        0, 3, 4, 0,
        0, 0, 0, 0,
      ] as [Float], relative: 0)
    // A kernel of one weight shows where a transposed convolution puts what it gets.
    expectClose(
      convTranspose2d(values, .ones([1, 1, 1, 1]), stride: (2, 2), outputPadding: (1, 1)),
      [
        2, 0, 5, 0,
        0, 0, 0, 0,
        3, 0, 4, 0,
        0, 0, 0, 0,
      ] as [Float], relative: 0)
  }
}
