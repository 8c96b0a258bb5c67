import SakerMetrics

extension Chart {
  /// Precision against recall: the envelope of each class, whose area is its average precision, and
  /// their mean. Classes without truths are left out; with more than 20, only the mean is in the
  /// legend.
  public static func precisionRecall(_ evaluation: DetectionEvaluation) -> Chart {
    var chart = Chart(
      title: "precision and recall at IoU \(evaluation.iouThreshold.tidy)",
      x: Axis("recall", range: 0...1), y: Axis("precision", range: 0...1.02))
    let grid = (0...2000).map { Double($0) / 2000 }
    var mean = Array(repeating: 0.0, count: grid.count)
    let known = evaluation.classes.enumerated().filter { $0.element.truths > 0 }
    for (index, each) in known {
      let curve = each.precisionRecall
      let ap = each.averagePrecision() ?? 0
      let steps = staircase(curve)
      chart.series.append(
        Series(
          known.count > 20 ? nil : "\(each.name)  \(ap.fixed(3))", x: steps.x, y: steps.y,
          color: Palette.color(index), width: known.count > 20 ? 0.8 : 1.6))
      for (i, recall) in grid.enumerated() {
        mean[i] += curve.precision(atRecall: recall) / Double(known.count)
      }
    }
    if let average = evaluation.meanAveragePrecision(), known.count > 1 {
      chart.series.append(
        Series(
          "mean  \(average.fixed(3))", x: grid, y: mean, color: Ink.text, width: 2.6))
    }
    return chart
  }

  /// The envelope as the stairs it is: level up to each recall, then down.
  private static func staircase(_ curve: PrecisionRecallCurve) -> (x: [Double], y: [Double]) {
    var x: [Double] = []
    var y: [Double] = []
    var before = 0.0
    for (recall, precision) in zip(curve.recall, curve.envelope)
    where recall > before {
      x += [before, recall]
      y += [precision, precision]
      before = recall
    }
    if let last = x.last, last < 1 {
      x.append(last)
      y.append(0)
    }
    return (x, y)
  }

  /// A measure that depends on the confidence from which detections are kept.
  public enum Measure: String, CaseIterable, Sendable {
    case f1 = "F1"
    case precision, recall
  }

  /// A measure of each class, and of all classes together, against confidence. Where nothing is
  /// kept any more there is no precision, so its lines end there.
  public static func confidence(_ evaluation: DetectionEvaluation, _ measure: Measure) -> Chart {
    var chart = Chart(
      title: "\(measure.rawValue) and confidence", x: Axis("confidence", range: 0...1),
      y: Axis(measure.rawValue, range: 0...1.02))
    let known = evaluation.classes.enumerated().filter { $0.element.truths > 0 }
    func series(
      _ name: String?, _ curve: ConfidenceCurve, highest: Double, _ color: Color, _ width: Double
    ) -> Series {
      var values =
        switch measure {
        case .f1: curve.f1
        case .precision: curve.precision
        case .recall: curve.recall
        }
      if measure == .precision {
        for (i, confidence) in curve.confidence.enumerated() where confidence > highest {
          values[i] = .nan
        }
      }
      return Series(name, x: curve.confidence, y: values, color: color, width: width)
    }
    for (index, each) in known {
      chart.series.append(
        series(
          known.count > 20 ? nil : each.name, each.confidenceCurve(),
          highest: each.scores.first ?? -1, Palette.color(index), known.count > 20 ? 0.8 : 1.6))
    }
    var name = "all"
    if measure == .f1, let best = evaluation.bestF1 {
      name += "  \(best.f1.fixed(2)) at \(best.confidence.fixed(2))"
      chart.series.append(
        Series(
          nil, x: [best.confidence, best.confidence], y: [0, best.f1], color: Ink.axis, width: 1,
          dashed: true))
    }
    chart.series.append(
      series(
        name, evaluation.confidenceCurve(),
        highest: evaluation.classes.compactMap(\.scores.first).max() ?? -1, Ink.text, 2.6))
    return chart
  }
}

extension Figure {
  /// One page about a detector: precision against recall, and F1, precision and recall against
  /// confidence.
  public static func evaluation(_ evaluation: DetectionEvaluation, title: String = "") -> Figure {
    Figure(
      title: title,
      [.precisionRecall(evaluation)] + Chart.Measure.allCases.map { .confidence(evaluation, $0) },
      columns: 2)
  }
}
