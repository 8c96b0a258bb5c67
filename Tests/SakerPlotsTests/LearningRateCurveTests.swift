import SakerData
import Testing

@testable import SakerPlots

struct LearningRateCurveTests {
  private static let scale = 2.0

  /// The picture of a chart, and where in it values lie.
  private func drawn(_ chart: Chart) throws -> (
    picture: Picture, plot: Rect, place: (Double, Double) -> (x: Int, y: Int)?
  ) {
    let figure = Figure([chart])
    let picture = try figure.picture(scale: Self.scale)
    let canvas = try figure.drawn(.png, scale: Self.scale)
    // The margins of a figure without title.
    let area = Rect(x: 6, y: 4, width: figure.chartWidth, height: figure.chartHeight).inset(4)
    let layout = chart.layout(on: canvas, in: area)
    return (
      picture, layout.plot,
      { x, y in
        layout.point(x, y).map { (Int(Self.scale * $0.x), Int(Self.scale * $0.y)) }
      }
    )
  }

  /// Whether a pixel with the colour lies within two of the place.
  private func has(_ color: Color, _ picture: Picture, at place: (x: Int, y: Int)) -> Bool {
    (-2...2).contains { dy in
      (-2...2).contains { dx in
        let (x, y) = (place.x + dx, place.y + dy)
        return (0..<picture.width).contains(x) && (0..<picture.height).contains(y)
          && picture.bytes(x, y) == color.bytes
      }
    }
  }

  @Test func showsLossTrendAndSuggestion() throws {
    let rates = [1e-4, 1e-3, 1e-2, 0.1, 1]
    let (losses, smoothed) = ([2, 1.9, 1.45, 3, 200], [2, 1.95, 1.4, 2, 90])
    let chart = Chart.learningRate(
      rates: rates, losses: losses, smoothed: smoothed, suggestion: 3e-3)
    #expect(chart.x.logarithmic && chart.series.count == 3)
    #expect(chart.series[0].y == losses && chart.series[1].y[2] == 1.4)
    #expect(chart.series[2].name == "suggested  0.003" && chart.series[2].x == [3e-3, 3e-3])
    // The explosion at the end does not press the rest flat.
    let range = try #require(chart.y.range)
    #expect(range.lowerBound < 1.4 && range.upperBound > 2 && range.upperBound < 3)

    let (picture, plot, place) = try drawn(chart)
    let color = Palette.color(0)
    for (rate, loss) in zip(rates, smoothed).prefix(4) {
      let point = try #require(place(rate, loss))
      #expect(has(color, picture, at: point), "\(rate), \(loss)")
    }
    // Halfway between two rates of the axis the trend is halfway between their losses, and nothing
    // is drawn far below it.
    let middle = try #require(place(10.0.squareRoot() * 1e-4, 1.975))
    #expect(has(color, picture, at: middle))
    #expect(!has(color, picture, at: (middle.x, middle.y + 40)))
    // The losses themselves are faint: at one that lies apart from the trend there is ink,
    // but not the trend's.
    let single = try #require(place(1e-2, 1.45))
    let ink = picture.bytes(single.x, single.y)
    #expect(ink != [255, 255, 255] && ink != color.bytes)
    // The suggestion is a dashed line from the top to the bottom.
    let (top, bottom) = (Int(Self.scale * plot.y), Int(Self.scale * plot.bottom))
    let column = try #require(place(3e-3, 1.6)).x
    func gray(_ y: Int) -> Bool {
      (-1...1).contains { dx in
        let pixel = picture.bytes(column + dx, y).map(Int.init)
        return (pixel.max() ?? 0) - (pixel.min() ?? 0) < 12 && pixel[0] < 200
      }
    }
    let dashed = (top..<bottom).filter(gray)
    #expect(dashed.count > (bottom - top) / 3 && dashed.count < bottom - top - 20)
    #expect(dashed.contains { $0 < top + 30 } && dashed.contains { $0 > bottom - 30 })
  }

  /// A loss that only rises leaves a suggestion, too, and room for the beginning.
  @Test func aRiseAloneIsNotPressedFlat() throws {
    let losses = [2.0, 2, 2.1, 4, 12]
    let chart = Chart.learningRate(
      rates: [1e-4, 1e-3, 1e-2, 0.1, 1], losses: losses, smoothed: losses, suggestion: 1e-3)
    let range = try #require(chart.y.range)
    #expect(range.lowerBound < 2 && range.upperBound > 4 && range.upperBound < 5)
    #expect(chart.series.count == 3)
    let (picture, _, place) = try drawn(chart)
    for (rate, loss) in [(1e-4, 2.0), (1e-2, 2.1), (0.1, 4)] {
      #expect(has(Palette.color(0), picture, at: try #require(place(rate, loss))))
    }
  }

  /// One loss is a dot, two are a line, and what is no number is nothing, and said.
  @Test(arguments: [
    ([], 0...0), ([1.0], 20...400), ([1, 1], 1000...6000), ([.nan, .infinity], 0...0),
  ])
  func draws(losses: [Double], ink: ClosedRange<Int>) throws {
    let rates = losses.indices.map { Double($0 + 1) }
    let chart = Chart.learningRate(rates: rates, losses: losses, smoothed: losses, suggestion: 1)
    let (picture, plot, place) = try drawn(chart)
    let colored = picture.places(of: Palette.color(0))
    #expect(ink.contains(colored.count), "\(colored.count)")
    for (rate, loss) in zip(rates, losses) where loss.isFinite {
      let point = try #require(place(rate, loss))
      #expect(has(Palette.color(0), picture, at: point))
    }
    // "no data", in the middle.
    let (x, y) = (Self.scale * (plot.x + plot.width / 2), Self.scale * (plot.y + plot.height / 2))
    let letters = (Int(y) - 20..<Int(y) + 20).reduce(0) { sum, row in
      sum + (Int(x) - 40..<Int(x) + 40).count { picture.bytes($0, row)[0] < 200 }
    }
    if ink.upperBound == 0 { #expect(letters > 60) }
  }
}
