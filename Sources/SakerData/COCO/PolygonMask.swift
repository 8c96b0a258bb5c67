extension RunLengthMask {
  /// The pixels inside an outline `x0, y0, x1, y1, ...` (in pixels between pixels), as COCO's own
  /// tool draws them, to the pixel: the outline is walked in fifths of a pixel, and a column begins
  /// or ends a run where the walk passes its middle. `nil` without a whole point, or if the outline
  /// is over 50 million steps long.
  public init?(polygon: [Double], height: Int, width: Int) {
    let points = polygon.count / 2
    guard points > 0, (0...Self.sideLimit).contains(height),
      (0...Self.sideLimit).contains(width), height * width <= 1 << 31
    else { return nil }
    // Corners in fifths of a pixel, cut off towards zero.
    let limit = 1e8
    guard polygon.allSatisfy({ abs($0) < limit }) else { return nil }
    let x = (0..<points).map { Int(5 * polygon[2 * $0] + 0.5) }
    let y = (0..<points).map { Int(5 * polygon[2 * $0 + 1] + 0.5) }
    var steps = 0
    for index in 0..<points {
      let next = (index + 1) % points
      steps += max(abs(x[index] - x[next]), abs(y[index] - y[next])) + 1
    }
    guard steps <= 50_000_000 else { return nil }

    var crossings = Crossings(height: height, width: width)
    for index in 0..<points {
      let next = (index + 1) % points
      crossings.walk(from: (x[index], y[index]), to: (x[next], y[next]))
    }
    self.init(unchecked: crossings.counts, height: height, width: width)
  }

  /// The pixels inside any of the outlines; `nil` if there is none, or one can't be drawn.
  public init?(polygons: [[Double]], height: Int, width: Int) {
    var masks: [RunLengthMask] = []
    for polygon in polygons {
      guard let mask = RunLengthMask(polygon: polygon, height: height, width: width) else {
        return nil
      }
      masks.append(mask)
    }
    guard !masks.isEmpty else { return nil }
    self = .union(masks)
  }
}

/// Where an outline passes the middles of columns: there a run of the mask begins or ends.
private struct Crossings {
  let height, width: Int
  /// Pixels numbered down the columns.
  private var pixels: [Int] = []
  private var last: (x: Int, y: Int)?

  init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }

  /// Every step of one edge, in its direction. The rounding is that of an edge walked from its lower
  /// end, so that an edge shared by two outlines is the same for both.
  mutating func walk(from start: (x: Int, y: Int), to end: (x: Int, y: Int)) {
    let (dx, dy) = (abs(end.x - start.x), abs(end.y - start.y))
    let isFlat = dx >= dy
    let isTurned = isFlat ? start.x > end.x : start.y > end.y
    let (low, high) = isTurned ? (end, start) : (start, end)
    let length = isFlat ? dx : dy
    if length == 0 {
      // A corner that is there twice; its step lies on the one before and after.
      step(start.x, start.y)
      return
    }
    let slope =
      isFlat ? Double(high.y - low.y) / Double(dx) : Double(high.x - low.x) / Double(dy)
    for index in 0...length {
      let along = isTurned ? length - index : index
      if isFlat {
        step(low.x + along, Int(Double(low.y) + slope * Double(along) + 0.5))
      } else {
        step(Int(Double(low.x) + slope * Double(along) + 0.5), low.y + along)
      }
    }
  }

  private mutating func step(_ x: Int, _ y: Int) {
    defer { last = (x, y) }
    guard let last, last.x != x else { return }
    // From fifths of a pixel to the middle of a column; only those that fall on one.
    let column = (Double(x < last.x ? x : x - 1) + 0.5) / 5 - 0.5
    guard column == column.rounded(.down), column >= 0, column <= Double(width) - 1 else { return }
    let row = (Double(min(y, last.y)) + 0.5) / 5 - 0.5
    pixels.append(Int(column) * height + Int(min(max(row, 0), Double(height)).rounded(.up)))
  }

  /// The runs between crossings; two at one pixel cancel each other.
  var counts: [UInt32] {
    let edges = (pixels + [height * width]).sorted()
    var counts = [UInt32(edges[0])]
    var index = 1
    while index < edges.count {
      let run = edges[index] - edges[index - 1]
      if run > 0 {
        counts.append(UInt32(run))
      } else {
        index += 1
        if index < edges.count {
          counts[counts.count - 1] += UInt32(edges[index] - edges[index - 1])
        }
      }
      index += 1
    }
    return counts
  }
}
