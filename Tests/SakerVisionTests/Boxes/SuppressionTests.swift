import SakerVision
import TestSupport
import Testing

@Suite struct SuppressionTests {
  @Test(arguments: 0..<5)
  func matchesTorchvision(index: Int) throws {
    let golden = try BoxesGolden.read().nms[index]
    let boxes = Boxes(corners: golden.boxes)
    #expect(nms(boxes, scores: golden.scores, iou: golden.iou) == golden.nms)
    #expect(
      nms(boxes, scores: golden.scores, labels: golden.labels, iou: golden.iou)
        == golden.batched)
  }

  /// The detectors' last suppression is by class, only a proposal's is blind to it (catalogue E52).
  @Test func classesSuppressOnlyThemselves() {
    let boxes = Boxes(corners: [0, 0, 10, 10, 1, 0, 11, 10, 0, 1, 10, 11])
    let (scores, labels): ([Float], [Int]) = ([0.5, 0.9, 0.8], [0, 0, 1])
    #expect(nms(boxes, scores: scores, labels: labels, iou: 0.5) == [1, 2])
    #expect(nms(boxes, scores: scores, iou: 0.5) == [1])
  }

  @Test func aBoxAtTheThresholdStays() {
    // They share 1 of 2.
    let boxes = Boxes(corners: [0, 0, 2, 1, 0, 0, 1, 1])
    #expect(nms(boxes, scores: [0.9, 0.8], iou: 0.5) == [0, 1])
    #expect(nms(boxes, scores: [0.9, 0.8], iou: 0.49) == [0])
  }

  @Test func equalScoresGoByIndexAndNoScoreIsLast() {
    let boxes = Boxes(corners: [0, 0, 1, 1, 5, 5, 6, 6, 0, 0, 1, 1, 8, 8, 9, 9])
    #expect(nms(boxes, scores: [0.5, .nan, 0.5, 0.5], iou: 0.5) == [0, 3, 1])
  }

  /// The published loop does not end, or fails on its last box (catalogue E51).
  @Test func nothingAndOneBoxEnd() {
    #expect(nms(Boxes(), scores: [], iou: 0.5) == [])
    #expect(nms(Boxes(corners: [0, 0, 1, 1]), scores: [1], iou: 0.5) == [0])
  }

  @Test func limitsTakeTheBest() {
    let boxes = Boxes(
      (0..<6).map { .init(left: Float($0), top: 0, right: Float($0) + 1, bottom: 1) })
    let scores: [Float] = [0.1, 0.6, 0.3, 0.5, 0.2, 0.4]
    let labels = [0, 0, 0, 1, 1, 1]
    #expect(
      Suppression(iou: 0.5, candidates: 2)(boxes, scores: scores, labels: labels) == [1, 3, 5, 2])
    #expect(
      Suppression(iou: 0.5, candidates: 2, limit: 3)(boxes, scores: scores, labels: labels)
        == [1, 3, 5])
    #expect(
      Suppression(iou: 0.5, isClassAgnostic: true, candidates: 2)(
        boxes, scores: scores, labels: labels) == [1, 3])
  }
}
