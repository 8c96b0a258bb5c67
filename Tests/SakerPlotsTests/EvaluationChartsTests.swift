import SakerData
import SakerMetrics
import SakerPlots
import Testing

private func evaluation(classes: Int, seed: UInt64 = 1) -> DetectionEvaluation {
  var random = Seeded(state: seed)
  let results = (0..<60).map { _ in
    let truths = (0..<5).map { _ in
      let x = Float.random(in: 0...100, using: &random)
      return Annotation(
        box: Box(left: x, top: x, right: x + 20, bottom: x + 20),
        label: .random(in: 0..<classes, using: &random))
    }
    let detections = truths.map { truth in
      var box = truth.box
      let shift = Float.random(in: 0...12, using: &random)
      box.left += shift
      box.right += shift
      return Detection(
        box: box, label: truth.label, score: .random(in: 0...0.9, using: &random))
    }
    return PictureResult(detections: detections, truths: truths)
  }
  return DetectionEvaluation(
    results, classNames: (0...classes).map { "class \($0)" }, iouThreshold: 0.5)
}

/// Area under a line by trapezoids.
private func area(_ series: Chart.Series) -> Double {
  zip(zip(series.x, series.y), zip(series.x, series.y).dropFirst())
    .reduce(0) { $0 + ($1.1.0 - $1.0.0) * ($1.1.1 + $1.0.1) / 2 }
}

struct EvaluationChartsTests {
  @Test func areaUnderADrawnCurveIsItsAveragePrecision() throws {
    let result = evaluation(classes: 3)
    let chart = Chart.precisionRecall(result)
    // Three classes with truths (the fourth has none) and their mean.
    #expect(chart.series.count == 4)
    for (series, each) in zip(chart.series, result.classes.prefix(3)) {
      let ap = try #require(each.averagePrecision())
      #expect(ap > 0.1 && ap < 0.99)
      #expect(abs(area(series) - ap) < 1e-9)
      #expect(series.name?.hasPrefix(each.name) == true)
    }
    let mean = try #require(result.meanAveragePrecision())
    #expect(abs(area(chart.series[3]) - mean) < 1e-3)
  }

  @Test func confidenceCurvesShowEveryClassAndAll() throws {
    let result = evaluation(classes: 3)
    for measure in Chart.Measure.allCases {
      let chart = Chart.confidence(result, measure)
      #expect(chart.series.compactMap(\.name).count == 4)
      let all = try #require(chart.series.last)
      let at = all.x.firstIndex { $0 >= 0.5 } ?? 0
      let counts = result.counts(at: all.x[at])
      let expected =
        switch measure {
        case .f1: counts.f1
        case .precision: counts.precision
        case .recall: counts.recall
        }
      #expect(all.y[at] == expected && expected > 0)
      // Where nothing is kept, precision has no value; recall is 0.
      #expect(measure == .precision ? all.y.last?.isNaN == true : all.y.last == 0)
    }
  }

  @Test func oneClassNeedsNoMeanAndManyNoNames() {
    #expect(Chart.precisionRecall(evaluation(classes: 1)).series.count == 1)
    let many = Chart.precisionRecall(evaluation(classes: 40))
    #expect(many.series.compactMap(\.name).count == 1 && many.series.count == 41)
  }

  @Test func evaluationsOfNothingAreDrawn() throws {
    let none = DetectionEvaluation([], classNames: ["a"])
    let picture = try Figure.evaluation(none, title: "nothing").picture(scale: 1)
    #expect(picture.width > 600 && picture.height > 400)
  }
}
