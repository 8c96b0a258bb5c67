import SakerVision
import TestSupport
import Testing

@Suite struct BoxCoderTests {
  @Test func offsetsMatchTorchvision() throws {
    let golden = try BoxesGolden.read().offsets
    let (anchors, boxes) = (Boxes(corners: golden.anchors), Boxes(corners: golden.boxes))
    // The ε in the logarithm is what differs: 1e-6 of a ratio of about 1, times 5.
    expectClose(
      BoxCoder().encode(boxes, anchors), golden.offsets, relative: 1e-5, absolute: 1e-4)
    expectClose(
      BoxCoder(epsilon: 0).encode(boxes, anchors), golden.offsets, relative: 2e-6, absolute: 2e-6)
  }

  @Test func decodingUndoesEncoding() throws {
    let golden = try BoxesGolden.read().offsets
    let (anchors, boxes) = (Boxes(corners: golden.anchors), Boxes(corners: golden.boxes))
    let coder = BoxCoder()
    expectClose(
      coder.decode(coder.encode(boxes, anchors), anchors).corners, boxes.corners, relative: 1e-5,
      absolute: 1e-5)
  }

  @Test func hugeOffsetsStayFinite() {
    let anchor = Boxes(corners: [0, 0, 1, 1])
    let box = BoxCoder().decode([0, 0, 1e30, 1e30], anchor)[0]
    #expect(box.width.isFinite && abs(box.width - 62.5) < 1e-3)
    let empty = Boxes(corners: [0.5, 0.5, 0.5, 0.5])
    #expect(BoxCoder().encode(empty, anchor).allSatisfy { $0.isFinite })
  }
}
