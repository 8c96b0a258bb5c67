import SakerPlots
import Testing

struct LearningRateCurveTests {
  @Test func showsLossTrendAndSuggestion() throws {
    let rates = [1e-4, 1e-3, 1e-2, 0.1, 1]
    let chart = Chart.learningRate(
      rates: rates, losses: [2, 1.9, 1, 3, 200], smoothed: [2, 1.95, 1.4, 2, 90], suggestion: 3e-3)
    #expect(chart.x.logarithmic && chart.series.count == 3)
    #expect(chart.series[0].y == [2, 1.9, 1, 3, 200] && chart.series[1].y[2] == 1.4)
    #expect(chart.series[2].name == "suggested  0.003" && chart.series[2].x == [3e-3, 3e-3])
    // The explosion at the end does not press the rest flat.
    let range = try #require(chart.y.range)
    #expect(range.lowerBound < 1.4 && range.upperBound > 2 && range.upperBound < 3)
    _ = try Figure([chart]).picture()
  }

  @Test(arguments: [[], [1.0], [1, 1], [.nan, .infinity]]) func draws(losses: [Double]) throws {
    let rates = losses.indices.map { Double($0 + 1) }
    _ = try Figure([
      .learningRate(rates: rates, losses: losses, smoothed: losses, suggestion: 1)
    ]).picture()
  }
}
