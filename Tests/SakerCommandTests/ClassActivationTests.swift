import SakerTensor
import Testing

@testable import SakerCommand

struct ClassActivationTests {
  /// By hand: two channels [1, 2] and [3, -1] with mean gradients 1 and -0.5 give
  /// [-0.5, 2.5], rectified.
  @Test func gradCAMIsTheWeightedSumOfChannels() {
    let seen = VisualizedModel.Seen(
      layer: "", output: Tensor([1, 2, 3, -1] as [Float], [1, 2, 1, 2]),
      gradient: Tensor([1, 1, -1, 0] as [Float], [1, 2, 1, 2]))
    #expect(seen.classActivation.shape.sizes == [1, 1, 1, 2])
    #expect(seen.classActivation.floats == [0, 2.5])
  }
}
