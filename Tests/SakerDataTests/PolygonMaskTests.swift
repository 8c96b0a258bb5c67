import SakerData
import Testing

@Suite("Pixels inside outlines") struct PolygonMaskTests {
  /// COCO's rule step by step: the outline is walked in fifths of a pixel, and every
  /// step is looked at.
  private static func walked(_ polygon: [Double], _ height: Int, _ width: Int) -> [UInt32] {
    let count = polygon.count / 2
    let x = (0..<count).map { Int(5 * polygon[2 * $0] + 0.5) }
    let y = (0..<count).map { Int(5 * polygon[2 * $0 + 1] + 0.5) }
    var (edges, last): ([Int], (x: Int, y: Int)?) = ([], nil)
    for i in 0..<count {
      let (from, to) = ((x[i], y[i]), (x[(i + 1) % count], y[(i + 1) % count]))
      let (dx, dy) = (abs(from.0 - to.0), abs(from.1 - to.1))
      let isTurned = dx >= dy ? from.0 > to.0 : from.1 > to.1
      let (low, high) = isTurned ? (to, from) : (from, to)
      let length = max(dx, dy)
      for step in 0...length {
        let along = isTurned ? length - step : step
        let share = Double(dx >= dy ? high.1 - low.1 : high.0 - low.0) / Double(max(length, 1))
        let here =
          dx >= dy
          ? (x: low.0 + along, y: Int(Double(low.1) + share * Double(along) + 0.5))
          : (x: Int(Double(low.0) + share * Double(along) + 0.5), y: low.1 + along)
        if let last, last.x != here.x {
          let column = (Double(min(here.x, last.x)) + 0.5) / 5 - 0.5
          if column == column.rounded(.down), column >= 0, column < Double(width) {
            let row = (Double(min(here.y, last.y)) + 0.5) / 5 - 0.5
            edges.append(
              Int(column) * height + Int(min(max(row, 0), Double(height)).rounded(.up)))
          }
        }
        last = here
      }
    }
    // Between an odd and an even crossing lies the inside.
    edges.sort()
    var inside = [UInt8](repeating: 0, count: height * width)
    for i in stride(from: 0, to: edges.count - 1, by: 2) {
      for pixel in edges[i]..<edges[i + 1] { inside[pixel] = 1 }
    }
    var (runs, value): ([UInt32], UInt8) = ([0], 0)
    for pixel in inside {
      if pixel != value {
        runs.append(0)
        value = pixel
      }
      runs[runs.count - 1] += 1
    }
    return runs
  }

  @Test("columns are crossed where a walk of every step crosses them")
  func crossings() {
    var state: UInt64 = 7
    func random(_ range: ClosedRange<Double>) -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return range.lowerBound + Double(state >> 40) / Double(1 << 24)
        * (range.upperBound - range.lowerBound)
    }
    for round in 0..<300 {
      let (height, width) = (1 + Int(random(0...40)), 1 + Int(random(0...40)))
      let corners = 2 * (1 + Int(random(0...12)))
      let isWhole = round % 3 == 0
      let polygon = (0..<corners).map { _ in
        let value = random(round % 2 == 0 ? -20...60 : 0...40)
        return isWhole ? value.rounded() : value
      }
      let mask = RunLengthMask(polygon: polygon, height: height, width: width)
      let wanted = RunLengthMask(
        height: height, width: width, counts: Self.walked(polygon, height, width))
      #expect(mask?.rows == wanted?.rows, "\(polygon) \(height)x\(width)")
    }
  }

  @Test("many corners on a large picture cost what their crossings cost")
  func large() {
    var state: UInt64 = 1
    let polygon = (0..<400).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 40) / Double(1 << 24) * 4000
    }
    let mask = RunLengthMask(polygon: polygon, height: 4000, width: 4000)
    // Crossings of all columns are sorted whatever their number.
    #expect(mask.map { $0.counts.reduce(0) { $0 + Int($1) } } == 16_000_000)
    #expect(mask?.box.width ?? 0 > 3800)
  }
}
