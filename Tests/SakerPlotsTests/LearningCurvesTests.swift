import Foundation
import SakerPlots
import Testing

private let table = """
  epoch, time, train/loss, train/box_loss, val/loss, metrics/precision, metrics/recall, metrics/mAP50, metrics/AP50/RBC, metrics/AP50/WBC, lr/0
  1, 9.5, 5.0, 1.0, , 0.1, 0.2, 0.3, 0.1, 0.5, 0.001
  2, 19, 4.0, 0.9, 4.5, 0.2, 0.3, 0.4, nan, 0.6, 0.002

  """

struct LearningCurvesTests {
  @Test func columnsThatBelongTogetherShareAChart() throws {
    let charts = try LearningCurves(csv: table).charts
    #expect(
      charts.map(\.title) == [
        "loss", "box loss", "precision and recall", "mAP50", "AP50", "learning rate",
      ])
    #expect(charts[0].series.map(\.name) == ["train", "val"])
    #expect(charts[0].series[0].x == [1, 2] && charts[0].series[0].y == [5, 4])
    // The empty cell is a gap, not a zero.
    #expect(charts[0].series[1].x == [2] && charts[0].series[1].y == [4.5])
    #expect(charts[2].series.map(\.name) == ["precision", "recall"])
    #expect(charts[3].series.map(\.name) == [nil] && charts[3].y.range == 0...1)
    #expect(charts[4].series.map(\.name) == ["RBC", "WBC"])
  }

  /// A detector's: over-fitting is where the two lines of a loss part.
  @Test func lossesOfBothSplitsAndBothMeasuresShareTheirCharts() throws {
    let charts = try LearningCurves(
      csv: """
        epoch,time,train/class_loss,train/box_loss,metrics/mAP50,metrics/mAP50-95,val/class_loss,val/box_loss,lr
        1,9,5,1,0.3,0.1,4,1.1,0.1
        2,19,4,0.9,0.4,0.2,5,1.2,0.2

        """
    ).charts
    #expect(charts.map(\.title) == ["class loss", "box loss", "mAP", "learning rate"])
    #expect(charts[0].series.map(\.name) == ["train", "val"])
    #expect(charts[1].series[1].y == [1.1, 1.2])
    #expect(charts[2].series.map(\.name) == ["mAP50", "mAP50-95"] && charts[2].y.range == 0...1)
  }

  @Test func longRunsShowDataAndTrend() throws {
    let values = (0..<50).map { 1 / Double($0 + 1) }
    let charts = LearningCurves([.init("train/loss", values)]).charts
    #expect(charts[0].series.count == 2)
    #expect(charts[0].series[0].y == values && charts[0].series[1].y != values)
    #expect(charts[0].series[0].x.first == 1)
  }

  @Test(arguments: [
    ("", "expected a line of column names, got an empty file"),
    ("a,b\n1,2\n3\n", "line 3: expected 2 values, got 1"),
    ("a,b\n1,x\n", "line 2, column b: expected a number, got \"x\""),
  ])
  func whatIsNoTableThrows(text: String, problem: String) {
    #expect(throws: PlotError(file: "results.csv", problem)) {
      try LearningCurves(csv: text, file: "results.csv")
    }
  }

  @Test func filesAreReadAndDrawn() throws {
    try withDirectory { directory in
      try table.write(toFile: directory + "/results.csv", atomically: true, encoding: .utf8)
      var curves = try LearningCurves(file: directory + "/results.csv")
      curves.title = "a run"
      curves.logarithmicLosses = true
      try curves.write(to: directory + "/results.png")
      #expect(try Data(contentsOf: URL(fileURLWithPath: directory + "/results.png")).count > 10_000)
      #expect(throws: PlotError(file: directory + "/none.csv", "cannot be read")) {
        try LearningCurves(file: directory + "/none.csv")
      }
    }
    // Only names, no rows: axes and "no data".
    _ = try LearningCurves(csv: "epoch,train/loss\n").figure.picture()
  }
}
