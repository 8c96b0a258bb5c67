import SakerData
import SakerTensor
import SakerVision
import TestSupport
import Testing

@Suite struct RegionsTests {
  @Test func boxesOfEachPicture() {
    let a = Boxes(corners: [0, 0, 4, 4, 1, 2, 3, 5])
    let b = Boxes(corners: [2, 2, 6, 5])
    let rois = regions([a, Boxes(), b])
    expectClose(
      rois, [0, 0, 0, 4, 4, 0, 1, 2, 3, 5, 2, 2, 2, 6, 5] as [Float], relative: 0)
    let x = random([3, 2, 8, 8], seed: 1)
    let both = roiAlign(x, [a, Boxes(), b], size: (2, 2), scale: 0.5, aligned: true)
    expectClose(both, roiAlign(x, rois, size: (2, 2), scale: 0.5, aligned: true), relative: 0)
    #expect(roiPool(x, [a, Boxes(), b], size: (3, 2)).shape == [3, 2, 3, 2])
    #expect(roiPool(x, [Boxes(), Boxes(), Boxes()], size: (3, 2)).shape == [0, 2, 3, 2])
  }
}
