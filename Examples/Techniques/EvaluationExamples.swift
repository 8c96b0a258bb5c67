import Saker
import Testing

@Suite struct EvaluationExamples {
  private let classNames = ["cat", "dog"]
  /// Two pictures: a cat found well, a dog taken for a cat; and a detection of nothing.
  private let results = [
    PictureResult(
      detections: [
        Detection(box: Box(left: 10, top: 10, right: 50, bottom: 48), label: 0, score: 0.9),
        Detection(box: Box(left: 60, top: 12, right: 90, bottom: 42), label: 0, score: 0.7),
      ],
      truths: [
        Annotation(box: Box(left: 10, top: 10, right: 50, bottom: 50), label: 0),
        Annotation(box: Box(left: 60, top: 10, right: 90, bottom: 40), label: 1),
      ]),
    PictureResult(
      detections: [
        Detection(box: Box(left: 5, top: 5, right: 25, bottom: 25), label: 1, score: 0.6)
      ], truths: []),
  ]

  @Test("COCO's 12 numbers") func coco() throws {
    let evaluation = try COCOEvaluation(results, classNames: classNames)
    #expect(abs(evaluation.stats[1] - 0.5) < 1e-12)  // AP50: all cats, no dogs
    #expect(evaluation.categories[1].stats[1] == 0)
  }

  @Test("YOLOv5's numbers") func ultralytics() {
    let evaluation = UltralyticsEvaluation(results, classNames: classNames)
    #expect(evaluation.map50 > 0.49 && evaluation.fitness <= evaluation.map50)
  }

  @Test("Confusion matrix with background") func confusion() {
    let matrix = ConfusionMatrix(results, classNames: classNames)
    #expect(matrix.counts == [[1, 1, 0], [0, 0, 1], [0, 0, 0]])
  }

  @Test("False positives per picture, precision at fixed recall") func production() {
    let cats = DetectionEvaluation(results, classNames: classNames).classes[0]
    #expect(cats.missRates(pictures: 2).missRate(atFalsePositivesPerPicture: 0.1) == 0)
    #expect(cats.operatingPoint(recall: 1)?.precision == 1)
  }

  @Test("ROC and PR, and their areas") func curves() {
    let scores = [0.9, 0.8, 0.3, 0.2]
    let truths = [true, false, true, false]
    #expect(ROCCurve(scores: scores, truths: truths)?.area == 0.75)
    #expect((ScoreCurve(scores: scores, truths: truths)?.averagePrecision ?? 0) > 0.83)
  }

  @Test("Kinds of mistakes, hard negatives") func mistakes() {
    let errors = DetectionErrors(results, classNames: classNames)
    #expect(errors.worst(1).first?.kind == .classification)
    #expect(errors.hardNegatives(confidence: 0.5).map(\.picture) == [1])
  }

  @Test("Segmentation: pixel accuracy, mean IoU, Dice") func segmentation() {
    var evaluation = SegmentationEvaluation(classes: 2)
    evaluation.add(predicted: [0, 1, 1, 1] as [UInt8], truths: [0, 0, 1, 255])
    #expect(evaluation.pixelAccuracy == 2.0 / 3 && evaluation.meanIoU == 0.5)
  }

  @Test("CULane's F1") func lanes() {
    let lane = [LanePoint(x: 100, y: 580), LanePoint(x: 400, y: 400), LanePoint(x: 700, y: 300)]
    var evaluation = CULaneEvaluation()
    evaluation.add(
      predicted: [lane], truths: [lane, lane.map { LanePoint(x: $0.x + 300, y: $0.y) }])
    #expect(evaluation.precision == 1 && evaluation.recall == 0.5)
  }
}
