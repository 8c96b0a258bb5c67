import SakerData
import SakerMetrics
import Testing

private let square = Box(left: 0, top: 0, right: 10, bottom: 10)
private let elsewhere = Box(left: 50, top: 50, right: 60, bottom: 60)

private func truth(_ box: Box, _ label: Int = 0, difficult: Bool = false) -> Annotation {
  Annotation(box: box, label: label, difficult: difficult)
}

private func found(_ box: Box, _ score: Float, _ label: Int = 0) -> Detection {
  Detection(box: box, label: label, score: score)
}

private func evaluate(
  _ detections: [Detection], _ truths: [Annotation], classes: [String] = ["a"],
  iou: Double = 0.5
) -> DetectionEvaluation {
  DetectionEvaluation(
    [PictureResult(detections: detections, truths: truths)], classNames: classes,
    iouThreshold: iou)
}

/// A box of 7/10 of `square`: its IoU is 0.7, which single precision would put below the threshold
/// 0.7.
private let sevenTenths = Box(left: 0, top: 0, right: 7, bottom: 10)

struct DetectionEvaluationTests {
  @Test(arguments: [(0.7, 1), (0.7000001, 0)])
  func matchesFromTheThresholdOn(threshold: Double, right: Int) {
    let counts = evaluate([found(sevenTenths, 0.9)], [truth(square)], iou: threshold)
      .counts(at: 0)
    #expect(counts.truePositives == right)
  }

  @Test func difficultTruthsNeitherRewardNorPunish() {
    let truths = [truth(square), truth(elsewhere, difficult: true)]
    let a = evaluate([found(square, 0.9), found(elsewhere, 0.8)], truths).classes[0]
    #expect(a.truths == 1 && a.difficult == 1)
    // Found twice, ignored twice.
    let b = evaluate(
      [found(elsewhere, 0.99), found(elsewhere, 0.95), found(square, 0.9)], truths
    ).classes[0]
    for each in [a, b] {
      #expect(each.detections == 1)
      #expect(each.averagePrecision() == 1)
      #expect(each.counts(at: 0) == DetectionCounts(truePositives: 1))
    }
    let onlyDifficult = evaluate([found(square, 0.9)], [truth(square, difficult: true)])
    #expect(onlyDifficult.classes[0].averagePrecision() == nil)
    #expect(onlyDifficult.meanAveragePrecision() == nil)
  }

  @Test func thereIsNoSecondChoice() {
    // Both detections overlap `near` most; the second overlaps `far` enough too, and is still
    // wrong.
    let near = Box(left: 0, top: 0, right: 10, bottom: 10)
    let far = Box(left: 2, top: 0, right: 12, bottom: 10)
    let counts = evaluate([found(near, 0.9), found(near, 0.8)], [truth(near), truth(far)])
      .counts(at: 0)
    #expect(counts == DetectionCounts(truePositives: 1, falsePositives: 1, falseNegatives: 1))
  }

  @Test func equalScoresKeepTheirOrder() {
    // The second of a pair is right where the first is, so only the order of pictures decides the
    // curve.
    let results = (0..<40).map { i in
      PictureResult(
        detections: [found(i < 20 ? square : elsewhere, 0.5)], truths: [truth(square)])
    }
    let curve = DetectionEvaluation(results, classNames: ["a"]).classes[0]
    #expect(curve.correct == (0..<40).map { $0 < 20 })
  }

  @Test func aScoreThatIsNoNumberComesLast() {
    let each = evaluate([found(elsewhere, .nan), found(square, 0.1)], [truth(square)]).classes[0]
    #expect(each.correct == [true, false])
    #expect(each.averagePrecision() == 1)
    #expect(each.counts(at: 0).falsePositives == 0)
    #expect(
      evaluate([found(Box(left: .nan, top: 0, right: 1, bottom: 1), 1)], [truth(square)])
        .counts(at: 0).falsePositives == 1)
  }

  @Test func classesWithoutTruthsStayOutOfTheMeanButCountAsWrong() {
    let result = evaluate(
      [found(square, 0.9), found(square, 0.8, 1)], [truth(square)], classes: ["a", "b", "c"])
    #expect(result.meanAveragePrecision() == 1)
    #expect(result.classes.map { $0.averagePrecision() } == [1, nil, nil])
    #expect(result.counts(at: 0.5) == DetectionCounts(truePositives: 1, falsePositives: 1))
    // A class that is there but never detected pulls the mean down.
    let missed = evaluate(
      [found(square, 0.9)], [truth(square), truth(square, 1)], classes: ["a", "b"])
    #expect(missed.meanAveragePrecision() == 0.5)
  }

  @Test(arguments: [Float(0.1), 0.3, 0.7, 0.9])
  func aScoreReachesItsOwnConfidence(score: Float) throws {
    let result = evaluate([found(square, score)], [truth(square)])
    let confidence = try #require(Double("\(score)"))
    #expect(result.counts(at: confidence).truePositives == 1)
    #expect(result.counts(at: confidence + 1e-6).truePositives == 0)
    let curve = result.confidenceCurve(points: 11)
    #expect(curve.recall.count { $0 == 1 } == Int((score * 10).rounded()) + 1)
  }

  @Test func nothingAtAll() {
    let none = DetectionEvaluation([], classNames: ["a"])
    #expect(none.meanAveragePrecision() == nil && none.bestF1 == nil)
    let counts = none.counts(at: 0)
    #expect((counts.precision, counts.recall, counts.f1) == (0, 0, 0))
    let curve = none.confidenceCurve(points: 11)
    #expect(curve.f1 == Array(repeating: 0, count: 11))
  }

  /// Right, wrong, right, then a truth never found: by hand, recall 1/3, 1/3, 2/3 and precision 1,
  /// 1/2, 2/3.
  @Test func curveByHand() throws {
    let third = Box(left: 80, top: 80, right: 90, bottom: 90)
    let nowhere = Box(left: 20, top: 20, right: 30, bottom: 30)
    let result = evaluate(
      [found(elsewhere, 0.3), found(square, 0.9), found(nowhere, 0.6)],
      [truth(square), truth(elsewhere), truth(third)])
    let curve = result.classes[0].precisionRecall
    let (one, two): (Double, Double) = (1 / 3, 2 / 3)
    #expect(curve.precision == [1, 0.5, two])
    #expect(curve.recall == [one, one, two])
    #expect(curve.envelope == [1, two, two])
    #expect(curve.precision(atRecall: 0.5) == two && curve.precision(atRecall: 0.7) == 0)
    let all = try #require(result.classes[0].averagePrecision())
    #expect(abs(all - 5.0 / 9) < 1e-12)
    // Recalls 0 to 0.3 at precision 1, 0.4 to 0.6 at 2/3, the rest at 0.
    let eleven = try #require(result.classes[0].averagePrecision(.elevenPoints))
    #expect(abs(eleven - 6.0 / 11) < 1e-12)
    let best = try #require(result.bestF1)
    #expect(best.confidence == 0.3 && abs(best.f1 - 2.0 / 3) < 1e-12)
  }

  @Test func confidenceCurveAgreesWithCounting() throws {
    let set = try Fixture("cartucho-map")
    let evaluation = DetectionEvaluation(set.results, classNames: set.classNames)
    let curve = evaluation.confidenceCurve(points: 101)
    for (i, confidence) in curve.confidence.enumerated() {
      let counts = evaluation.counts(at: confidence)
      #expect(curve.precision[i] == counts.precision)
      #expect(curve.recall[i] == counts.recall)
      #expect(curve.f1[i] == counts.f1)
    }
    let best = try #require(evaluation.bestF1)
    #expect(evaluation.counts(at: best.confidence).f1 == best.f1)
    #expect(curve.f1.allSatisfy { $0 <= best.f1 } && curve.f1.contains { $0 > best.f1 * 0.99 })
  }

  /// Keeping the detections of a confidence, and evaluating only those, is the same as asking for
  /// it.
  @Test func countingIsEvaluatingWhatIsKept() throws {
    let set = try Fixture("odm-persons")
    let kept = set.results.map { result in
      PictureResult(
        detections: result.detections.filter { Double($0.score) >= 0.5 }, truths: result.truths)
    }
    for iou in [0.1, 0.3] {
      let all = DetectionEvaluation(set.results, classNames: ["person"], iouThreshold: iou)
      let some = DetectionEvaluation(kept, classNames: ["person"], iouThreshold: iou)
      #expect(all.counts(at: 0.5) == some.counts(at: 0))
      #expect(all.counts(at: 0.5) != all.counts(at: 0))
    }
  }
}

struct ReportTests {
  private let report = evaluate(
    [found(square, 0.9), found(elsewhere, 0.8)], [truth(square)], classes: ["cell", "other"]
  ).report(confidence: 0.25)

  @Test func tableHasARowAClassAndOneForAll() {
    let lines = report.description.split(separator: "\n")
    #expect(lines[0].split(separator: " ").first == "class")
    let columns = ["cell", "1", "2", "1", "0.500", "1.000", "0.667", "1.000"]
    #expect(lines[2].split(separator: " ").map(String.init) == columns)
    #expect(lines[3].split(separator: " ").last == "-")
    #expect(lines[5].split(separator: " ").first == "all")
    #expect(lines[5].count == lines[2].count)
  }

  @Test func jsonHasNullsForWhatIsMissing() throws {
    let json = report.json
    #expect(json.contains("\"mean_average_precision\" : 1"))
    #expect(json.contains("\"average_precision\" : null"))
    #expect(json.contains("\"best_f1\" : null"))
    #expect(json.contains("\"iou_threshold\" : 0.5"))
  }
}
