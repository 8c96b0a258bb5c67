import Foundation

/// A black and white picture that lanes are drawn into, with the strokes of OpenCV 4's `line` to
/// the pixel, so that CULane's numbers come out: a stroke is a filled rectangle with a disc at each
/// end, in coordinates of 1/65536 pixel.
struct LaneCanvas {
  let width, height: Int
  private(set) var pixels: [UInt8]

  private static let one = 1 << 16

  init(width: Int, height: Int) {
    self.width = width
    self.height = height
    pixels = Array(repeating: 0, count: width * height)
  }

  /// A stroke through points, which are rounded to whole pixels first.
  mutating func draw(_ points: [LanePoint], thickness: Int) {
    let corners = points.map { (x: Self.rounded($0.x), y: Self.rounded($0.y)) }
    for (a, b) in zip(corners, corners.dropFirst()) {
      line(a, b, thickness)
    }
  }

  /// The nearest whole pixel, of two equally near ones the even one.
  private static func rounded(_ value: Float) -> Int {
    // Farther out, products of coordinates would not fit.
    guard abs(value) <= 15000 else { return value > 0 ? 15000 : -15000 }
    return Int(value.rounded(.toNearestOrEven))
  }

  private mutating func line(_ a: (x: Int, y: Int), _ b: (x: Int, y: Int), _ thickness: Int) {
    let half = thickness << 15
    if a != b {
      let (dx, dy) = (Double(a.x - b.x), Double(b.y - a.y))
      let odd = Double(thickness & 1) * Double(Self.one) * 0.5
      let scale = (Double(half) + odd) / (dx * dx + dy * dy).squareRoot()
      let side = (
        x: Int((dy * scale).rounded(.toNearestOrEven)),
        y: Int((dx * scale).rounded(.toNearestOrEven))
      )
      let (start, end) = ((a.x << 16, a.y << 16), (b.x << 16, b.y << 16))
      fill([
        (start.0 + side.x, start.1 + side.y), (start.0 - side.x, start.1 - side.y),
        (end.0 - side.x, end.1 - side.y), (end.0 + side.x, end.1 + side.y),
      ])
    }
    let radius = (half + Self.one / 2) >> 16
    disc(a, radius)
    if a != b { disc(b, radius) }
  }

  private mutating func row(_ y: Int, _ first: Int, _ last: Int) {
    guard y >= 0, y < height, last >= 0, first < width, first <= last else { return }
    let (from, to) = (max(first, 0), min(last, width - 1))
    pixels.withUnsafeMutableBufferPointer { pixels in
      for x in from...to { pixels[y * width + x] = 1 }
    }
  }

  private mutating func point(_ x: Int, _ y: Int) {
    if x >= 0, y >= 0, x < width, y < height { pixels[y * width + x] = 1 }
  }

  /// A convex polygon: its edges, and the rows between them.
  private mutating func fill(_ corners: [(x: Int, y: Int)]) {
    let half = Self.one / 2
    for index in corners.indices {
      edge(corners[(index + corners.count - 1) % corners.count], corners[index])
    }
    let top = corners.indices.min { (corners[$0].y, $0) < (corners[$1].y, $1) } ?? 0
    let first = (corners[top].y + half) >> 16
    let last = ((corners.map(\.y).max() ?? 0) + half) >> 16
    guard last >= 0, first < height else { return }
    // Two chains from the top corner: one forwards, one backwards.
    var sides = [1, corners.count - 1].map { step in
      Side(step: step, index: top, end: first, x: -Self.one, slope: 0)
    }
    var edges = corners.count
    var y = first
    while y <= min(last, height - 1) {
      for side in sides.indices where y >= sides[side].end {
        var from = sides[side].index
        var to = (from + sides[side].step) % corners.count
        while true {
          edges -= 1
          if edges < 0 { return }
          let end = (corners[to].y + half) >> 16
          if end > y {
            let run = end - y
            sides[side].end = end
            sides[side].slope = ((corners[to].x - corners[from].x) * 2 + run) / (2 * run)
            sides[side].x = corners[from].x
            sides[side].index = to
            break
          }
          from = to
          to = (to + sides[side].step) % corners.count
        }
      }
      let (left, right) = (min(sides[0].x, sides[1].x), max(sides[0].x, sides[1].x))
      row(y, (left + half) >> 16, (right + half) >> 16)
      sides[0].x += sides[0].slope
      sides[1].x += sides[1].slope
      y += 1
    }
  }

  private struct Side {
    var step, index, end, x, slope: Int
  }

  /// A thin line between points in 1/65536 pixels.
  private mutating func edge(_ a: (x: Int, y: Int), _ b: (x: Int, y: Int)) {
    guard var (start, end) = clipped(a, b) else { return }
    let half = Self.one / 2
    let (width, height) = (abs(end.x - start.x), abs(end.y - start.y))
    if width > height {
      if end.x < start.x { swap(&start, &end) }
      let slope = ((end.y - start.y) << 16) / (width | 1)
      point((end.x + half) >> 16, (end.y + half) >> 16)
      var y = start.y + half
      let first = (start.x + half) >> 16
      for x in first...first + (end.x - start.x) >> 16 {
        point(x, y >> 16)
        y += slope
      }
    } else {
      if end.y < start.y { swap(&start, &end) }
      let slope = ((end.x - start.x) << 16) / (height | 1)
      point((end.x + half) >> 16, (end.y + half) >> 16)
      var x = start.x + half
      let first = (start.y + half) >> 16
      for y in first...first + (end.y - start.y) >> 16 {
        point(x >> 16, y)
        x += slope
      }
    }
  }

  /// The part of a line inside the picture, by whole-number divisions cut off towards zero.
  private func clipped(
    _ a: (x: Int, y: Int), _ b: (x: Int, y: Int)
  ) -> ((x: Int, y: Int), (x: Int, y: Int))? {
    let (right, bottom) = ((width << 16) - 1, (height << 16) - 1)
    var (p, q) = (a, b)
    func sides(_ point: (x: Int, y: Int)) -> Int {
      (point.x < 0 ? 1 : 0) + (point.x > right ? 2 : 0) + (point.y < 0 ? 4 : 0)
        + (point.y > bottom ? 8 : 0)
    }
    func columns(_ x: Int) -> Int { (x < 0 ? 1 : 0) + (x > right ? 2 : 0) }
    var (c1, c2) = (sides(p), sides(q))
    if c1 & c2 == 0 && c1 | c2 != 0 {
      if c1 & 12 != 0 {
        let edge = c1 < 8 ? 0 : bottom
        p.x += (edge - p.y) * (q.x - p.x) / (q.y - p.y)
        p.y = edge
        c1 = columns(p.x)
      }
      if c2 & 12 != 0 {
        let edge = c2 < 8 ? 0 : bottom
        q.x += (edge - q.y) * (q.x - p.x) / (q.y - p.y)
        q.y = edge
        c2 = columns(q.x)
      }
      if c1 & c2 == 0 && c1 | c2 != 0 {
        if c1 != 0 {
          let edge = c1 == 1 ? 0 : right
          p.y += (edge - p.x) * (q.y - p.y) / (q.x - p.x)
          p.x = edge
          c1 = 0
        }
        if c2 != 0 {
          let edge = c2 == 1 ? 0 : right
          q.y += (edge - q.x) * (q.y - p.y) / (q.x - p.x)
          q.x = edge
          c2 = 0
        }
      }
    }
    return c1 | c2 == 0 ? (p, q) : nil
  }

  /// A filled circle by the midpoint rule.
  private mutating func disc(_ center: (x: Int, y: Int), _ radius: Int) {
    var (dx, dy, error, plus, minus) = (radius, 0, 0, 1, (radius << 1) - 1)
    while dx >= dy {
      row(center.y - dy, center.x - dx, center.x + dx)
      row(center.y + dy, center.x - dx, center.x + dx)
      row(center.y - dx, center.x - dy, center.x + dy)
      row(center.y + dx, center.x - dy, center.x + dy)
      dy += 1
      error += plus
      plus += 2
      if error > 0 {
        error -= minus
        dx -= 1
        minus -= 2
      }
    }
  }
}
