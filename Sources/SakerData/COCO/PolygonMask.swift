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
/// Only the steps at those middles are looked at, one in five of a flat edge and one a
/// column of a steep one.
private struct Crossings {
  let height, width: Int
  /// Pixels numbered down the columns.
  private var pixels: [UInt32] = []

  init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }

  /// One edge. The rounding is that of an edge walked from its lower end, so that an edge shared by
  /// two outlines is the same for both.
  mutating func walk(from start: (x: Int, y: Int), to end: (x: Int, y: Int)) {
    let (dx, dy) = (abs(end.x - start.x), abs(end.y - start.y))
    let isFlat = dx >= dy
    let isTurned = isFlat ? start.x > end.x : start.y > end.y
    let (low, high) = isTurned ? (end, start) : (start, end)
    // The step from fifth 5k + 2 to 5k + 3 passes the middle of column k.
    let (left, right) = (min(low.x, high.x), max(low.x, high.x))
    let first = max(0, (max(left, 0) + 2) / 5)
    let last = min(width - 1, right < 3 ? -1 : (right - 3) / 5)
    guard first <= last else { return }
    pixels.reserveCapacity(pixels.count + last - first + 1)
    if isFlat {
      let slope = Double(high.y - low.y) / Double(dx)
      func row(_ x: Int) -> Int { Int(Double(low.y) + slope * Double(x - low.x) + 0.5) }
      for column in first...last {
        let x = 5 * column + 2
        add(column, min(row(x), row(x + 1)))
      }
    } else {
      let slope = Double(high.x - low.x) / Double(dy)
      func isPast(_ along: Int, _ x: Int) -> Bool {
        let here = Int(Double(low.x) + slope * Double(along) + 0.5)
        return slope > 0 ? here > x : here <= x
      }
      for column in first...last {
        let x = 5 * column + 2
        // The first step on the other side: by the formula's inverse, then exactly.
        var along = Int((Double(x) + 0.5 - Double(low.x)) / slope)
        along = min(max(along, 1), dy)
        while along < dy, !isPast(along, x) { along += 1 }
        while along > 1, isPast(along - 1, x) { along -= 1 }
        add(column, low.y + along - 1)
      }
    }
  }

  /// From fifths of a pixel to the first row whose middle lies below.
  private mutating func add(_ column: Int, _ y: Int) {
    let row = y < 2 ? 0 : min(height, (y + 2) / 5)
    pixels.append(UInt32(column * height + row))
  }

  /// The runs between crossings; two at one pixel cancel each other.
  var counts: [UInt32] {
    var edges = pixels
    edges.append(UInt32(height * width))
    RadixSort.sort(&edges)
    var counts: [UInt32] = []
    counts.reserveCapacity(edges.count)
    counts.append(edges[0])
    edges.withUnsafeBufferPointer { edges in
      var index = 1
      while index < edges.count {
        let run = edges[index] - edges[index - 1]
        if run > 0 {
          counts.append(run)
        } else {
          index += 1
          if index < edges.count {
            counts[counts.count - 1] += edges[index] - edges[index - 1]
          }
        }
        index += 1
      }
    }
    return counts
  }
}

/// Numbers sorted by their digits of 11 bits: three passes, whatever the order.
private enum RadixSort {
  static func sort(_ numbers: inout [UInt32]) {
    guard numbers.count > 2048 else { return numbers.sort() }
    var other = [UInt32](repeating: 0, count: numbers.count)
    for shift in [UInt32(0), 11, 22] {
      var starts = [Int](repeating: 0, count: 2049)
      for number in numbers { starts[Int(number >> shift & 2047) + 1] += 1 }
      for digit in 1...2048 { starts[digit] += starts[digit - 1] }
      starts.withUnsafeMutableBufferPointer { starts in
        other.withUnsafeMutableBufferPointer { other in
          for number in numbers {
            let digit = Int(number >> shift & 2047)
            other[starts[digit]] = number
            starts[digit] += 1
          }
        }
      }
      swap(&numbers, &other)
    }
  }
}
