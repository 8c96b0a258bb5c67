/// Finds places for labels beside their boxes: inside the picture, and off each other as far as
/// there is room.
struct LabelPlacement {
  let area: Rect
  /// All boxes of the picture; a label had better not hide an object.
  let boxes: [Rect]
  private(set) var taken: [Rect] = []

  init(area: Rect, boxes: [Rect]) {
    self.area = area
    // With hundreds of boxes there is no free place to look for.
    self.boxes = boxes.count <= 200 ? boxes : []
  }

  /// The place for a label of this size. Those placed first get the better places.
  mutating func place(width: Double, height: Double, at box: Rect) -> Rect {
    let right = box.right - width
    // In the order of preference: above, below, beside, inside, then further off.
    let corners: [(Double, Double)] = [
      (box.x, box.y - height), (right, box.y - height),
      (box.x, box.bottom), (right, box.bottom),
      (box.x, box.y), (right, box.y), (box.x, box.bottom - height), (right, box.bottom - height),
      (box.right, box.y), (box.x - width, box.y),
      (box.right, box.bottom - height), (box.x - width, box.bottom - height),
      (box.x, box.y + height), (box.x, box.y - 2 * height), (box.x, box.bottom + height),
    ]
    var best = area
    var lowest = Double.infinity
    for (rank, corner) in corners.enumerated() {
      let place = Rect(
        x: max(area.x, min(corner.0, area.right - width)),
        y: max(area.y, min(corner.1, area.bottom - height)), width: width, height: height)
      let hidden = taken.reduce(0) { $0 + $1.overlap(place) } / place.area
      // A small object under a label is worse than a corner of a large one.
      let covered = boxes.reduce(0) {
        $0 + $1.overlap(place) / max(1, min($1.area, 9 * place.area))
      }
      let cost = 4 * hidden + covered + 0.02 * Double(rank)
      if cost < lowest { (lowest, best) = (cost, place) }
    }
    taken.append(best)
    return best
  }
}
