import SakerData
import SakerTensor
import SakerVision
import TestSupport
import Testing

@Suite struct BoxesTests {
  @Test func vocCornersAreInclusiveAndCountFromOne() {
    let boxes = Boxes(vocInclusive: [1, 1, 1, 1, 260, 177, 491, 376])
    #expect(boxes[0] == Box(left: 0, top: 0, right: 1, bottom: 1))
    #expect(boxes[1] == Box(left: 259, top: 176, right: 491, bottom: 376))
    #expect(boxes.areas == [1, 232 * 200])
    #expect(boxes.vocInclusive == [1, 1, 1, 1, 260, 177, 491, 376])
  }

  @Test func centersAndSizesGoThereAndBack() {
    let boxes = Boxes(centers: [0.5, 0.25, 3, 4], sizes: [0.5, 0.5, 2, 6])
    #expect(boxes.corners == [0.25, 0, 0.75, 0.5, 2, 1, 4, 7])
    #expect(Boxes(centers: boxes.centers, sizes: boxes.sizes) == boxes)
  }

  /// A corner pair is left, top, right, bottom: a second corner at the right top would have no
  /// area (catalogue E64).
  @Test func cornersAreLeftTopRightBottom() {
    let box = Boxes(corners: [1, 2, 4, 8])[0]
    #expect((box.left, box.top, box.right, box.bottom) == (1, 2, 4, 8))
    #expect(box.area == 18)
  }

  @Test func clippingLeavesEmptyBoxesNotInvertedOnes() {
    let clipped = Boxes(corners: [-1, -2, 5, 5, 12, 2, 15, 3, 1, 1, 2, 2])
      .clipped(toWidth: 10, height: 4)
    #expect(clipped.corners == [0, 0, 5, 4, 10, 2, 10, 3, 1, 1, 2, 2])
    #expect(clipped.areas == [20, 0, 1])
  }

  @Test func tensorsGoThereAndBack() {
    let boxes = Boxes(corners: [0, 1, 2, 3, 4, 5, 6, 7])
    #expect(boxes.tensor.shape == [2, 4])
    #expect(Boxes(boxes.tensor) == boxes)
  }

  /// The catalogue's 1.14: without the +1 of inclusive pixels (E50: with it .0837,
  /// .9296 and .3854).
  @Test func iouOfCornersBetweenPixels() {
    let truth = Boxes(corners: [70, 80, 120, 150])
    let found = Boxes(corners: [
      15, 18, 47, 60, 50, 50, 90, 100, 70, 80, 120, 145, 130, 160, 250, 280, 25.6, 66.1, 113.3,
      147.8,
    ])
    expectClose(truth.iou(found), [0, 0.0784, 0.9286, 0, 0.3798], relative: 0, absolute: 5e-5)
    expectClose(found.map { $0.iou(truth[0]) }, truth.iou(found), relative: 1e-6)
  }

  @Test func iouMatchesTorchvision() throws {
    let golden = try BoxesGolden.read().iou
    let (a, b) = (Boxes(corners: golden.a), Boxes(corners: golden.b))
    expectClose(a.iou(b), golden.iou, relative: 1e-6, absolute: 1e-7)
    #expect(a.iou(b)[5 * b.count + 3] == 1)
  }

  @Test func iouOfEmptyBoxesIsZero() {
    let empty = Boxes(corners: [1, 1, 1, 1, 3, 3, 2, 2])
    #expect(empty.iou(empty) == [0, 0, 0, 0])
    #expect(empty.iou(Boxes()) == [])
    #expect(Boxes().iou(empty) == [])
  }
}
