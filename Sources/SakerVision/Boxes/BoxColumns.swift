/// Boxes eight at a time (their lefts, tops, rights, bottoms and areas), padded with empty boxes:
/// the form in which one box is compared with many.
struct BoxColumns: Sendable {
  typealias Lanes = SIMD8<Float>

  /// The number of boxes; the last block may hold a few empty ones more.
  let count: Int
  /// Five vectors a block.
  private let lanes: [Lanes]

  init(_ boxes: Boxes) {
    let corners = boxes.corners
    count = boxes.count
    var lanes: [Lanes] = []
    lanes.reserveCapacity(5 * (boxes.count + 7) / 8)
    for first in stride(from: 0, to: boxes.count, by: 8) {
      var columns = [Lanes](repeating: .zero, count: 4)
      for lane in 0..<min(8, boxes.count - first) {
        for corner in 0..<4 { columns[corner][lane] = corners[4 * (first + lane) + corner] }
      }
      let width = Self.positive(columns[2] - columns[0])
      let height = Self.positive(columns[3] - columns[1])
      lanes += columns + [width * height]
    }
    self.lanes = lanes
  }

  /// The number of vectors that a full comparison writes.
  var blocks: Int { lanes.count / 5 }

  /// Writes the intersection over union with `box` of each box in `blocks` to `result`, a vector a
  /// block; 0 for the padding.
  func iou(
    with box: SIMD4<Float>, _ blocks: Range<Int>, into result: UnsafeMutablePointer<Lanes>
  ) {
    let (l, t) = (Lanes(repeating: box[0]), Lanes(repeating: box[1]))
    let (r, b) = (Lanes(repeating: box[2]), Lanes(repeating: box[3]))
    let own = Lanes(repeating: max(0, box[2] - box[0]) * max(0, box[3] - box[1]))
    lanes.withUnsafeBufferPointer { lanes in
      for i in blocks {
        let w = Self.positive(Self.least(lanes[5 * i + 2], r) - Self.greatest(lanes[5 * i], l))
        let h = Self.positive(Self.least(lanes[5 * i + 3], b) - Self.greatest(lanes[5 * i + 1], t))
        let inner = w * h
        // Two empty boxes share nothing: 0, not 0/0.
        let union = Self.greatest(
          lanes[5 * i + 4] + own - inner, Lanes(repeating: .leastNormalMagnitude))
        result[i - blocks.lowerBound] = inner / union
      }
    }
  }

  /// The largest of the eight.
  @inline(__always)
  static func largest(_ a: Lanes) -> Float {
    let four = a.lowHalf.replacing(with: a.highHalf, where: a.highHalf .> a.lowHalf)
    let two = four.lowHalf.replacing(
      with: four.highHalf, where: four.highHalf .> four.lowHalf)
    return max(two.x, two.y)
  }

  @inline(__always)
  private static func least(_ a: Lanes, _ b: Lanes) -> Lanes { a.replacing(with: b, where: b .< a) }
  @inline(__always)
  private static func greatest(_ a: Lanes, _ b: Lanes) -> Lanes {
    a.replacing(with: b, where: b .> a)
  }
  @inline(__always)
  private static func positive(_ a: Lanes) -> Lanes { a.replacing(with: 0, where: a .< 0) }
}

extension Boxes {
  /// The corners of one box as a vector: left, top, right, bottom.
  func vector(_ index: Int) -> SIMD4<Float> {
    let i = 4 * index
    return [corners[i], corners[i + 1], corners[i + 2], corners[i + 3]]
  }
}
