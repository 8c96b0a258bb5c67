import Saker
import Testing

@Suite struct MeasureExamples {
  /// Two objects; found right, then a false alarm, then right: by descending score.
  private let evaluation: DetectionEvaluation = {
    let boxes = [0, 20, 40].map {
      Box(left: Float($0), top: 0, right: Float($0) + 10, bottom: 10)
    }
    let detections = zip([0, 2, 1], [0.9, 0.8, 0.5]).map {
      Detection(box: boxes[$0], label: 0, score: Float($1))
    }
    let truths = boxes[0...1].map { Annotation(box: $0, label: 0) }
    return DetectionEvaluation(
      [PictureResult(detections: detections, truths: truths)], classNames: ["cell"])
  }()

  @Test("Precision, recall, accuracy, F1") func binaryCounts() {
    let counts = BinaryCounts(
      scores: [0.9, 0.8, 0.7, 0.3, 0.2], truths: [true, false, true, true, false], threshold: 0.5)
    #expect(counts.truePositives == 2 && counts.falsePositives == 1)
    #expect(counts.precision == 2.0 / 3 && counts.recall == 2.0 / 3)
    #expect(counts.f1 == 4.0 / 6 && counts.accuracy == 3.0 / 5)
  }

  @Test("Counts of a detector at a confidence") func detectionCounts() {
    let expected = DetectionCounts(truePositives: 1, falsePositives: 1, falseNegatives: 1)
    #expect(evaluation.counts(at: 0.6) == expected)
    #expect(expected.precision == 0.5 && expected.recall == 0.5 && expected.f1 == 0.5)
  }

  @Test("Pascal VOC's average precision: 11 points, all points") func averagePrecision() {
    let cells: ClassEvaluation = evaluation.classes[0]
    // Precision 1 up to a recall of 1/2, 2/3 up to 1: areas, or 6 and 5 of the 11 recalls.
    #expect(abs(cells.averagePrecision(.allPoints)! - (0.5 * 1 + 0.5 * 2 / 3)) < 1e-12)
    #expect(abs(cells.averagePrecision(.elevenPoints)! - (6.0 + 5 * 2.0 / 3) / 11) < 1e-12)
    #expect(evaluation.meanAveragePrecision() == cells.averagePrecision())
  }

  @Test("Difficult objects do not count") func difficult() {
    let box = Box(left: 0, top: 0, right: 10, bottom: 10)
    let result = PictureResult(
      detections: [Detection(box: box, label: 0, score: 0.9)],
      truths: [Annotation(box: box, label: 0, difficult: true)])
    let cells = DetectionEvaluation([result], classNames: ["cell"]).classes[0]
    #expect(cells.truths == 0 && cells.averagePrecision() == nil)
  }

  @Test("Precision-recall curve; precision, recall, F1 over confidence") func curves() {
    let curve: PrecisionRecallCurve = evaluation.classes[0].precisionRecall
    let twoThirds: Double = 2 / 3
    #expect(curve.precision == [1, 0.5, twoThirds])
    #expect(curve.recall == [0.5, 0.5, 1])
    #expect(curve.envelope == [1, twoThirds, twoThirds])
    let over: ConfidenceCurve = evaluation.confidenceCurve(points: 3)  // at confidence 0, 0.5 and 1
    #expect(over.recall == [1, 1, 0] && over.f1 == [0.8, 0.8, 0])
  }

  @Test("Miss rate over false positives a picture") func missRate() {
    let curve: MissRateCurve = evaluation.missRates
    #expect(curve.falsePositivesPerPicture == [0, 1, 1] && curve.missRate == [0.5, 0.5, 0])
    #expect(curve.missRate(atFalsePositivesPerPicture: 0.1) == 0.5)
  }

  @Test("Classification: top-k, F1 of each class, balanced accuracy") func classification() {
    let evaluation = ClassificationEvaluation(
      probabilities: [[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.1, 0.2, 0.7], [0.6, 0.1, 0.3]],
      truths: [0, 1, 2, 0], classNames: ["cat", "cow", "dog"])
    #expect(evaluation.top1 == 0.75 && evaluation.topK(2) == 1)
    #expect(evaluation.classes[0].precision == 2.0 / 3 && evaluation.classes[0].recall == 1)
    #expect(evaluation.balancedAccuracy == 2.0 / 3 && evaluation.worst == [1])
  }

  @Test("TuSimple's accuracy") func lanes() {
    var evaluation = TuSimpleEvaluation()
    let rows: [Double] = [240, 250, 260, 270]
    evaluation.add(predicted: [[100, 105, 110, 300]], truths: [[100, 100, 100, 100]], rows: rows)
    #expect(evaluation.mean.accuracy == 0.75)  // three of four rows within 20 pixels
    #expect(evaluation.mean.falsePositives == 1)  // a lane needs 85 % of its rows
  }

  @Test("Panoptic quality") func panoptic() {
    var quality = PanopticQuality()
    // The cat is found in 3 of its 4 pixels, the dog is missed.
    quality.add(
      predicted: [1, 1, 1, 0, 0, 0], [PanopticSegment(id: 1, category: 7)],
      truths: [1, 1, 1, 1, 2, 2],
      [PanopticSegment(id: 1, category: 7), PanopticSegment(id: 2, category: 8)])
    #expect(quality.categories[7]?.quality == 0.75 && quality.categories[8]?.quality == 0)
    #expect(quality.quality == 0.75 / 2)
  }

  @Test("Top-k accuracy of scores") func topK() {
    let scores = [[0.1, 0.5, 0.4], [0.2, 0.3, 0.5]]
    #expect(topKAccuracy(scores: scores, truths: [2, 2], k: 1) == 0.5)
    #expect(topKAccuracy(scores: scores, truths: [2, 2], k: 2) == 1)
  }

  @Test("YOLOv5's average precision") func interpolatedPrecision() {
    // Precision 1 up to a recall of 1/2, then a line down to 0: 1/2 + 1/4.
    let precision = ultralyticsAveragePrecision(recall: [0.5], precision: [1])
    #expect(abs(precision - 0.75) < 1e-9)
  }
}
