import Saker
import Testing

@Suite struct DetectionExamples {
  /// The four quarters of a picture, as anchors.
  private let quarters = AnchorGrid(
    [AnchorLevel(sizes: [0.5], ratios: [1])], maps: [.init(rows: 2, columns: 2)])
  /// In the upper right quarter.
  private let object = Annotation(
    box: Box(left: 0.5, top: 0, right: 1, bottom: 0.5), label: 2)

  @Test("Boxes by corners and by centres") func boxes() {
    let boxes = Boxes(corners: [2, 1, 6, 7])
    #expect(boxes.centers == [4, 4] && boxes.sizes == [4, 6])
    #expect(Boxes(centers: [4, 4], sizes: [4, 6]) == boxes)
    #expect(Boxes(vocInclusive: [3, 2, 6, 7]) == boxes)  // counted from 1, both corners inside
  }

  @Test("IoU, without and with + 1") func iou() {
    let a = Box(left: 0, top: 0, right: 4, bottom: 4)
    let b = Box(left: 2, top: 0, right: 6, bottom: 4)
    #expect(a.iou(b) == Float(8) / 24)  // 2·4 of 16 + 16 - 8
    #expect(a.iou(b, rule: .inclusive) == 15.0 / 35)  // 3·5 of 25 + 25 - 15
    let (first, both): (Boxes, Boxes) = ([a], [a, b])
    #expect(first.iou(both) == [1, Float(8) / 24])
    #expect(iouMatrix([a], [a, b]) == [[1, 8.0 / 24]])
  }

  @Test("Which of several boxes overlaps most") func largestIoU() {
    let box: Boxes = [Box(left: 0, top: 0, right: 10, bottom: 10)]
    let others = Boxes(corners: [0, 0, 10, 5, 0, 0, 10, 8, 20, 0, 30, 10])
    let ious = Tensor(box.iou(others))
    #expect(ious.floats == [0.5, 0.8, 0] && ious.argmax().item == 1)
  }

  @Test("Anchors of a cell") func anchors() {
    let level = AnchorLevel(sizes: [0.5, 0.25], ratios: [1, 4])
    let grid = AnchorGrid([level], maps: [.init(rows: 2, columns: 2)])
    #expect(level.perCell == 2 + 2 - 1 && grid.count == 4 * 3)
    // Around (0.25, 0.25): both sizes as squares, then the first size four times as wide as high.
    #expect(grid.boxes[0] == Box(left: 0, top: 0, right: 0.5, bottom: 0.5))
    #expect(grid.boxes[1] == Box(left: 0.125, top: 0.125, right: 0.375, bottom: 0.375))
    #expect(grid.boxes[2] == Box(left: -0.25, top: 0.125, right: 0.75, bottom: 0.375))
  }

  @Test("Anchors of several scales, drawn over a picture") func drawing() throws {
    let picture = Picture(width: 128, height: 128, filledWith: .white)
    let grid = AnchorGrid(
      [0.15, 0.3, 0.6].map { AnchorLevel(sizes: [$0], ratios: [1]) },
      maps: [4, 2, 1].map { .init(rows: $0, columns: $0) })
    let anchors = grid.boxes.map {
      Annotation(box: $0.scaled(x: 128, y: 128), label: Int($0.width * 5))
    }
    let drawn = try picture.annotated(with: [], classNames: [], truths: anchors)
    #expect(anchors.count == 16 + 4 + 1)
    #expect(drawn != picture && drawn[64, 64] == .white)  // within the largest, far from all edges
  }

  @Test("Assigning anchors to objects") func matching() {
    let matcher = AnchorMatcher(threshold: 0.5)
    #expect(matcher(quarters, [object.box]) == [.init(anchor: 1, object: 0)])
    // No anchor reaches the small one, but none goes without.
    let small = Box(left: 0.6, top: 0.6, right: 0.7, bottom: 0.7)
    #expect(matcher(quarters, [small]) == [.init(anchor: 3, object: 0)])
  }

  @Test("Targets of anchors") func targets() {
    let targets = AnchorTargets([[object], []], quarters)  // the second picture is background
    #expect(targets.classes.scalars(as: Int32.self) == [0, 3, 0, 0, 0, 0, 0, 0])
    #expect(targets.positiveCount == 1 && targets.offsets.mask.sum().item == 4)
    #expect(abs(targets.offsets.values).max().item < 1e-4)  // the anchor is the box
  }

  @Test("Anchor sizes from the data") func fitting() throws {
    let squares: [Box] = [0.1, 0.1, 0.4, 0.4].map { Box(left: 0, top: 0, right: $0, bottom: $0) }
    let fit = AnchorFit(maps: [.init(rows: 16, columns: 16)], sizesPerLevel: 2, ratios: [1])
    let levels = try fit(Boxes(squares))
    #expect(zip(levels[0].sizes.sorted(), [0.1, 0.4]).allSatisfy { abs($0 - $1) < 1e-4 })
    let report = AnchorReport([object], quarters, classNames: ["a", "b", "c"])
    #expect(report.all.reached == 1 && report.all.meanBestIoU == 1)
  }

  @Test("Offsets of boxes from anchors") func coding() {
    let anchor: Boxes = [Box(left: 0, top: 0, right: 10, bottom: 10)]
    let box: Boxes = [Box(left: 1, top: 0, right: 21, bottom: 10)]
    let coder = BoxCoder(centerDeviation: 0.1, sizeDeviation: 0.2)
    let offsets = coder.encode(box, anchor)
    // The centre moves by 6 of 10 pixels, the width doubles: 0.6 / 0.1 and log 2 / 0.2.
    #expect(zip(offsets, [6, 0, 3.4657, 0]).allSatisfy { abs($0 - $1) < 1e-3 })
    let decoded = coder.decode(offsets, anchor)
    #expect(zip(decoded.corners, [1, 0, 21, 10]).allSatisfy { abs($0 - $1) < 1e-3 })
  }

  @Test("Soft-NMS and other rules") func softSuppression() {
    // Half of each box is the other's: an IoU of 1/3.
    let boxes: Boxes = [
      Box(left: 0, top: 0, right: 10, bottom: 10), Box(left: 5, top: 0, right: 15, bottom: 10),
    ]
    func scores(_ rule: SuppressionRule) -> [Float] {
      let suppression = Suppression(iou: 0.3, rule: rule)
      return suppression.survivors(boxes, scores: [0.9, 0.6], labels: [0, 0]).map(\.score)
    }
    #expect(scores(.hard) == [0.9] && scores(.none) == [0.9, 0.6])
    #expect(abs(scores(.softLinear)[1] - 0.6 * 2 / 3) < 1e-6)  // 1 − IoU
    #expect(abs(scores(.softGaussian(sigma: 0.5))[1] - 0.4804) < 1e-4)  // e^(−IoU² / 0.5)
    #expect(scores(.distance()) == [0.9, 0.6])  // the centres lie apart
    #expect(abs(scores(.fusion())[0] - 0.75) < 1e-6)  // both as one
  }

  @Test("Non-maximum suppression, by class and with a limit") func suppression() {
    let boxes = Boxes(corners: [0, 0, 10, 10, 1, 0, 11, 10, 20, 0, 30, 10])
    let scores: [Float] = [0.9, 0.8, 0.7]
    #expect(nms(boxes, scores: scores, iou: 0.5) == [0, 2])  // 90 of 110 in common
    #expect(nms(boxes, scores: scores, iou: 0.9) == [0, 1, 2])
    #expect(nms(boxes, scores: scores, labels: [0, 1, 0], iou: 0.5) == [0, 1, 2])
    #expect(Suppression(iou: 0.5, limit: 1)(boxes, scores: scores, labels: [0, 0, 0]) == [0])
  }

  @Test("From logits and offsets to objects") func postProcessing() {
    let logits = Tensor([0, 9, 0, 9, 0, 0, 9, 0, 0, 9, 0, 0] as [Float], [1, 4, 3])
    let offsets = Tensor.zeros([1, 4, 4])
    let found = PostProcessor(DetectionOptions(confidence: 0.5))(logits, offsets, quarters)[0]
    #expect(found.map(\.box) == [quarters.boxes[0]] && found[0].label == 0)
    #expect(found[0].score > 0.999)
  }

  @Test("Each class over the threshold is a candidate of its own") func multiLabel() {
    let logits = Tensor([0, 9, 9] as [Float], [1, 1, 3])  // each of two classes: 1/2
    let grid = AnchorGrid(
      [AnchorLevel(sizes: [1], ratios: [1])], maps: [.init(rows: 1, columns: 1)])
    func labels(_ options: DetectionOptions) -> [Int] {
      PostProcessor(options)(logits, .zeros([1, 1, 4]), grid)[0].map(\.label)
    }
    #expect(labels(DetectionOptions(confidence: 0.4)).sorted() == [0, 1])
    #expect(labels(DetectionOptions(confidence: 0.4, isClassAgnostic: true)).count == 1)
    #expect(labels(DetectionOptions(confidence: 0.6)).isEmpty)
  }

  @Test("The book's table of detections") func multiBoxDetection() {
    let logits = Tensor([0, 9, 0, 9, 0, 0, 9, 0, 0, 9, 0, 0] as [Float], [1, 4, 3])
    let probabilities = softmax(logits).transposed(1, 2)  // classes before anchors
    let rows = MultiBoxDetection.detect(probabilities, .zeros([1, 16]), quarters.boxes)[0]
    #expect(rows.map(\.label) == [0, -1, -1, -1])
  }

  @Test("MultiBox loss: means, or hard negatives") func multiBoxLoss() {
    let targets = AnchorTargets([[object]], quarters)
    // Nothing is known of background and three classes, log 4 an anchor; offsets are wrong by 0.5.
    let (logits, offsets) = (Tensor.zeros([1, 4, 4]), Tensor.full([1, 4, 4], 0.5))
    let notes: DetectionLoss = MultiBoxLoss.notes(logits, offsets, targets)
    #expect(abs(notes.classification - 1.3863) < 1e-3 && abs(notes.box - 0.5 * 4 / 16) < 1e-3)
    let ssd = MultiBoxLoss.ssd(logits, offsets, targets)  // one object, three negatives
    #expect(abs(ssd.classification - 4 * 1.3863) < 1e-3 && abs(ssd.box - 4 * 0.125) < 1e-3)
    let mining: MultiBoxLoss.Classification = .hardNegatives(ratio: 1, minimum: 0)
    let loss = MultiBoxLoss(mining, .smoothL1)(logits, offsets, targets)
    #expect(abs(loss.classification - 2 * 1.3863) < 1e-3)
  }

  @Test("Boxes as RoI operations take them") func roiRows() {
    let (first, second) = (Boxes(corners: [1, 2, 3, 4]), Boxes(corners: [5, 6, 7, 8]))
    #expect(regions([first, second]).floats == [0, 1, 2, 3, 4, 1, 5, 6, 7, 8])
  }
}
