import SakerData
import SakerTensor
import SakerVision
import TestSupport
import Testing

@Suite struct PostProcessorTests {
  /// The book's example, section 14.4: a dog three times and a cat.
  static let anchors = Boxes(corners: [
    0.1, 0.08, 0.52, 0.92, 0.08, 0.2, 0.56, 0.95, 0.15, 0.3, 0.62, 0.91, 0.55, 0.2, 0.9, 0.88,
  ])

  @Test func theBooksDetections() {
    let probabilities = Tensor(
      [0, 0, 0, 0, 0.9, 0.8, 0.7, 0.1, 0.1, 0.2, 0.3, 0.9] as [Float], [1, 3, 4])
    let rows = MultiBoxDetection.detect(
      probabilities, .zeros([1, 16]), Self.anchors)[0]
    #expect(rows.map(\.label) == [0, 1, -1, -1])
    #expect(rows.map(\.confidence) == [0.9, 0.9, 0.8, 0.7])
    expectClose(
      Boxes(rows.map(\.box)).corners,
      [
        0.1, 0.08, 0.52, 0.92, 0.55, 0.2, 0.9, 0.88, 0.08, 0.2, 0.56, 0.95, 0.15, 0.3, 0.62, 0.91,
      ], relative: 1e-6)
  }

  private static let grid = AnchorGrid(
    [AnchorLevel(sizes: [0.5], ratios: [1])], maps: [.init(rows: 2, columns: 2)])

  /// Logits whose softmax is the given probabilities.
  private func logits(_ probabilities: [[Float]]) -> Tensor {
    log(Tensor(probabilities.flatMap { $0 }, [1, 4, 3]))
  }

  @Test func classesAreCandidatesOnTheirOwn() {
    // One anchor speaks for two classes; the book's way would hear only one.
    let z = logits([[0.2, 0.45, 0.35], [0.98, 0.01, 0.01], [0.1, 0.8, 0.1], [0.6, 0.3, 0.1]])
    let found = PostProcessor(.init(confidence: 0.2999))(z, .zeros([1, 4, 4]), Self.grid)[0]
    #expect(found.map(\.label) == [0, 0, 1, 0])
    expectClose(found.map(\.score), [0.8, 0.45, 0.35, 0.3], relative: 1e-5)
    #expect(found[0].box == Box(left: 0, top: 0.5, right: 0.5, bottom: 1))
    #expect(found[1].box == found[2].box)
    let best = PostProcessor(.init(confidence: 0.2999, limit: 2))(z, .zeros([1, 4, 4]), Self.grid)[
      0]
    #expect(best == Array(found.prefix(2)))
  }

  @Test func boxesAreDecodedAndClipped() {
    let z = logits([
      [0.01, 0.98, 0.01], [0.98, 0.01, 0.01], [0.98, 0.01, 0.01], [0.98, 0.01, 0.01],
    ])
    var offsets = [Float](repeating: 0, count: 16)
    offsets[0] = -2  // a fifth of the width to the left
    let found = PostProcessor(.init(confidence: 0.5))(z, Tensor(offsets, [1, 4, 4]), Self.grid)[0]
    #expect(found.count == 1)
    expectClose(
      Boxes(found.map(\.box)).corners, [0, 0, 0.4, 0.5], relative: 1e-6, absolute: 1e-6)
  }

  /// After the network: confidence from .01 on, suppression above .45, 400 boxes a class in, 200 a
  /// picture out; not .5 and 400 boxes (catalogue E46).
  @Test func usualOptionsAreThoseOfThePaper() {
    let usual = DetectionOptions()
    #expect((usual.confidence, usual.iou) == (0.01, 0.45))
    #expect((usual.candidates, usual.limit) == (400, 200))
    // 450 cells apart from one another, each sure of both classes alike.
    let grid = AnchorGrid(
      [AnchorLevel(sizes: [0.02], ratios: [1])], maps: [.init(rows: 15, columns: 30)])
    let count = grid.count
    func found(_ options: DetectionOptions, _ probabilities: [Float]) -> [Detection] {
      let z = log(
        Tensor((0..<count).flatMap { _ in probabilities }, [1, count, probabilities.count]))
      return PostProcessor(options)(z, .zeros([1, count, 4]), grid)[0]
    }
    #expect(found(usual, [0.2, 0.4, 0.4]).count == 200)
    let all = found(DetectionOptions(limit: 10_000), [0.2, 0.4, 0.4])
    #expect(all.count == 800 && all.count { $0.label == 0 } == 400)
    #expect(found(usual, [0.989, 0.011]).count == 200)
    #expect(found(usual, [0.991, 0.009]).isEmpty)
    // Two anchors of one cell: an IoU of .46 is too much, one of .44 is not.
    for (height, kept) in [(Float(0.46), 1), (0.44, 2)] {
      let pair = AnchorGrid(
        [
          AnchorLevel(shapes: [
            .init(width: 0.5, height: 0.5), .init(width: 0.5, height: 0.5 * height),
          ])
        ], maps: [.init(rows: 1, columns: 1)])
      let z = log(Tensor([0.1, 0.9, 0.2, 0.8] as [Float], [1, 2, 2]))
      #expect(PostProcessor(usual)(z, .zeros([1, 2, 4]), pair)[0].count == kept)
    }
  }

  @Test func nothingOverTheConfidenceIsNothing() {
    let z = Tensor.zeros([2, 4, 3])
    #expect(PostProcessor(.init(confidence: 0.5))(z, .zeros([2, 4, 4]), Self.grid) == [[], []])
  }

  @Test func bfloat16Works() {
    let z = logits([[0.1, 0.8, 0.1], [0.9, 0.05, 0.05], [0.9, 0.05, 0.05], [0.9, 0.05, 0.05]])
    let found = PostProcessor(.init(confidence: 0.5))(
      z.converted(to: .bfloat16), Tensor.zeros([1, 4, 4], .bfloat16), Self.grid)[0]
    #expect(found.count == 1 && abs(found[0].score - 0.8) < 0.01)
  }
}
