/// Boxes by columns (all lefts, all tops, ...) with their areas, padded with empty boxes to whole vectors: the form in
/// which one box is compared with many.
struct BoxColumns: Sendable {
  typealias Lanes = SIMD8<Float>

  /// The number of boxes; `lanes` hold a few empty ones more.
  let count: Int
  let left, top, right, bottom, area: [Lanes]

  init(_ boxes: Boxes) {
    let boxCount = boxes.count
    let corners = boxes.corners
    func column(_ corner: Int) -> [Lanes] {
      (0..<(boxCount + 7) / 8).map { block in
        var lanes = Lanes.zero
        for lane in 0..<Swift.min(8, boxCount - 8 * block) {
          lanes[lane] = corners[4 * (8 * block + lane) + corner]
        }
        return lanes
      }
    }
    count = boxCount
    left = column(0)
    top = column(1)
    right = column(2)
    bottom = column(3)
    area = zip(zip(left, right), zip(top, bottom)).map { x, y in
      Self.positive(x.1 - x.0) * Self.positive(y.1 - y.0)
    }
  }

  /// The number of vectors in each column.
  var blocks: Int { left.count }

  /// Writes the intersection over union of each box here with `box` to `result`, `8 * blocks` numbers; 0 for the padding.
  func iou(with box: SIMD4<Float>, into result: UnsafeMutablePointer<Lanes>) {
    let (l, t) = (Lanes(repeating: box[0]), Lanes(repeating: box[1]))
    let (r, b) = (Lanes(repeating: box[2]), Lanes(repeating: box[3]))
    let own = Lanes(repeating: max(0, box[2] - box[0]) * max(0, box[3] - box[1]))
    left.withUnsafeBufferPointer { left in
      top.withUnsafeBufferPointer { top in
        right.withUnsafeBufferPointer { right in
          bottom.withUnsafeBufferPointer { bottom in
            area.withUnsafeBufferPointer { area in
              for i in 0..<left.count {
                let w = Self.positive(Self.least(right[i], r) - Self.greatest(left[i], l))
                let h = Self.positive(Self.least(bottom[i], b) - Self.greatest(top[i], t))
                let inner = w * h
                // Two empty boxes share nothing: 0, not 0/0.
                let union = Self.greatest(
                  area[i] + own - inner, Lanes(repeating: .leastNormalMagnitude))
                result[i] = inner / union
              }
            }
          }
        }
      }
    }
  }

  static func least(_ a: Lanes, _ b: Lanes) -> Lanes { a.replacing(with: b, where: b .< a) }
  static func greatest(_ a: Lanes, _ b: Lanes) -> Lanes { a.replacing(with: b, where: b .> a) }
  private static func positive(_ a: Lanes) -> Lanes { a.replacing(with: 0, where: a .< 0) }
}

extension Boxes {
  /// The corners of one box as a vector: left, top, right, bottom.
  func vector(_ index: Int) -> SIMD4<Float> {
    let i = 4 * index
    return [corners[i], corners[i + 1], corners[i + 2], corners[i + 3]]
  }
}
