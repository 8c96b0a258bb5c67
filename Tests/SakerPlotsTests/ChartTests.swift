import Foundation
import SakerData
import Testing

@testable import SakerPlots

private let red = Color(0xFF0000)

/// Centers of the dots a chart draws in red for these points, one drawing a point.
private func dots(_ points: [(Double, Double)], x: Axis, y: Axis) throws -> [Point] {
  try points.map { point in
    let chart = Chart(
      title: "places", x: x, y: y,
      series: [
        Chart.Series(nil, x: [point.0], y: [point.1], color: red, style: .points, width: 3)
      ])
    let found = try chart.figure(width: 300, height: 240).picture(scale: 2).places(of: red)
    try #require(!found.isEmpty)
    let n = Double(found.count)
    return Point(
      x: found.reduce(0) { $0 + Double($1.x) } / n, y: found.reduce(0) { $0 + Double($1.y) } / n)
  }
}

struct ChartTests {
  @Test func placesAreLinearInTheData() throws {
    let axis = Axis("", range: 0...10)
    let p = try dots([(0, 0), (5, 5), (10, 10), (2.5, 7.5)], x: axis, y: axis)
    // To the right is more, up is more, and equal steps are equally long.
    #expect(p[0].x < p[2].x && p[0].y > p[2].y)
    #expect(abs((p[0].x + p[2].x) / 2 - p[1].x) < 0.7 && abs((p[0].y + p[2].y) / 2 - p[1].y) < 0.7)
    #expect(abs(p[0].x + 0.25 * (p[2].x - p[0].x) - p[3].x) < 0.7)
    #expect(abs(p[0].y + 0.75 * (p[2].y - p[0].y) - p[3].y) < 0.7)
  }

  @Test func logarithmicAxisHasEqualDecades() throws {
    let p = try dots(
      [(0, 0.001), (0, 0.1), (0, 10)], x: Axis("", range: 0...10),
      y: Axis("", range: 0.001...10, logarithmic: true))
    #expect(abs((p[0].y + p[2].y) / 2 - p[1].y) < 0.7 && p[0].y - p[2].y > 100)
  }

  @Test func linesBreakWhereThereIsNoNumber() throws {
    func ink(_ y: [Double]) throws -> Int {
      let chart = Chart(
        x: Axis("", range: 0...4), y: Axis("", range: 0...1),
        series: [Chart.Series(nil, x: [0, 1, 2, 3, 4], y: y, color: red, width: 3)])
      return try chart.figure().picture().places(of: red).count
    }
    let whole = try ink([0.5, 0.5, 0.5, 0.5, 0.5])
    let broken = try ink([0.5, 0.5, .nan, 0.5, 0.5])
    #expect(Double(broken) < 0.6 * Double(whole) && Double(broken) > 0.4 * Double(whole))
    #expect(try ink([0.5, .infinity, .nan, .nan, .nan]) > 0)
  }

  @Test func anEmptyChartSaysSo() throws {
    func picture(_ series: [Chart.Series]) throws -> Picture {
      try Chart(x: Axis("", range: 0...1), y: Axis("", range: 0...1), series: series).figure()
        .picture()
    }
    let gap = Chart.Series(nil, x: [0.5], y: [.nan], color: red)
    let outside = Chart.Series(nil, x: [0.5], y: [.infinity], color: red)
    #expect(try picture([]) == picture([gap]))
    #expect(try picture([outside]) == picture([]))
    #expect(
      try picture([])
        != picture([Chart.Series(nil, x: [0.5], y: [0.5], color: .white, style: .points)]))
  }

  @Test func legendKeepsOffTheData() throws {
    // Data in three corners; the legend takes the fourth.
    let x = [0.05, 0.95, 0.95, 0.05, 0.5]
    for empty in 0..<4 {
      let corners = [(0.05, 0.05), (0.95, 0.05), (0.95, 0.95), (0.05, 0.95)]
      let data = corners.indices.filter { $0 != empty }.map { corners[$0] }
      let many = data.flatMap { Array(repeating: $0, count: 50) } + x.map { ($0, 0.5) }
      var series = Chart.Series(
        "the name", x: many.map(\.0), y: many.map(\.1), color: Color(0x0000FF), style: .points)
      series.width = 2
      let line = Chart.Series("other", x: [0.5], y: [0.5], color: red, width: 3)
      let picture = try Chart(
        x: Axis("", range: 0...1), y: Axis("", range: 0...1), series: [series, line]
      ).figure().picture()
      let ink = picture.places(of: red)
      let (w, h) = (picture.width, picture.height)
      let corner = corners[empty]
      #expect(
        ink.contains { place in
          (place.x * 2 > w) == (corner.0 > 0.5) && (place.y * 2 < h) == (corner.1 > 0.5)
            && abs(place.y - h / 2) > h / 5
        }, "corner \(empty)")
    }
  }
}

struct AxisTests {
  @Test(arguments: [
    (0.0, 1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    (0, 40, ["0", "10", "20", "30", "40"]),
    (-1, 1, ["-1.0", "-0.5", "0.0", "0.5", "1.0"]),
    (0, 0.003, ["0.0000", "0.0005", "0.0010", "0.0015", "0.0020", "0.0025", "0.0030"]),
    (0, 2e-5, ["0", "5e-6", "1e-5", "1.5e-5", "2e-5"]),
    (0, 3_000_000, ["0", "5e5", "1e6", "1.5e6", "2e6", "2.5e6", "3e6"]),
  ])
  func ticksAreRound(low: Double, high: Double, expected: [String]) {
    let scale = Scale(Axis("", range: low...high), values: [])
    #expect(scale.texts(scale.ticks(5)) == expected)
  }

  @Test func ticksStayInsideAndInReasonableNumber() {
    var random = Seeded(state: 3)
    for logarithmic in [false, true] {
      for _ in 0..<500 {
        let low = pow(10, Double.random(in: -8...5, using: &random))
        let high = low * Double.random(in: 1.01...1e5, using: &random)
        let scale = Scale(Axis("", range: low...high, logarithmic: logarithmic), values: [])
        let ticks = scale.ticks(6)
        #expect(ticks.allSatisfy { $0 >= low * 0.999999 && $0 <= high * 1.000001 })
        #expect(logarithmic ? ticks.count <= 9 : (3...13).contains(ticks.count))
        #expect(Set(scale.texts(ticks)).count == ticks.count)
      }
    }
  }

  @Test func wholeAxesHaveNoFractions() {
    for high in [2.0, 3, 7, 40] {
      let ticks = Scale(Axis("", range: 0...high, whole: true), values: []).ticks(8)
      #expect(ticks.allSatisfy { $0 == $0.rounded() } && ticks.count > 1)
    }
  }

  @Test func rangesFollowTheData() {
    #expect(Scale(Axis(), values: [1, 6, .nan, .infinity]).low == 0)
    let far = Scale(Axis(), values: [90, 100])
    #expect(far.low < 90 && far.low > 80 && far.high > 100)
    for values in [[], [0], [5], [-3], [.nan]] as [[Double]] {
      for logarithmic in [false, true] {
        let scale = Scale(Axis("", logarithmic: logarithmic), values: values)
        #expect(scale.low < scale.high && scale.low.isFinite && scale.high.isFinite)
      }
    }
    let log = Scale(Axis("", logarithmic: true), values: [-1, 0, 0.01, 10])
    #expect(log.low > 0.005 && log.low <= 0.01 && log.high >= 10)
    #expect(log.place(0) == nil && log.place(-1) == nil)
  }
}

struct SmoothingTests {
  @Test func linesStayWhatTheyAre() {
    let line = (0..<30).map { 3 - 0.25 * Double($0) }
    for (a, b) in zip(smoothed(line, sigma: 3), line) { #expect(abs(a - b) < 1e-9) }
    #expect(smoothed([4], sigma: 2) == [4] && smoothed([], sigma: 2) == [])
    #expect(smoothed([1, 5, 2], sigma: 0) == [1, 5, 2])
  }

  @Test func noiseShrinks() {
    var random = Seeded(state: 5)
    let noise = (0..<400).map { _ in Double.random(in: -1...1, using: &random) }
    func power(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 } }
    // A bell curve of deviation 3 leaves 1 / (2 sqrt(pi) 3), about 9 %, of white noise.
    let left = power(smoothed(noise, sigma: 3)) / power(noise)
    #expect(left > 0.04 && left < 0.16)
  }
}
