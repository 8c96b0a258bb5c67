extension RunLengthMask {
  /// The outlines of the mask along the edges of its pixels, `x, y, x, y, ...`: clockwise around
  /// what is inside, counter-clockwise around holes. Corners only; pixels that touch at a corner
  /// alone are apart. Filled, they give the mask again.
  public var outlines: [[Double]] {
    let inside = rows
    func isInside(_ x: Int, _ y: Int) -> Bool {
      x >= 0 && y >= 0 && x < width && y < height && inside[y * width + x] != 0
    }
    // Edges that go right start here with the mask below them; each loop has such an edge.
    var isOpen = [Bool](repeating: false, count: width * height)
    for y in 0..<height {
      for x in 0..<width { isOpen[y * width + x] = isInside(x, y) && !isInside(x, y - 1) }
    }
    var loops: [[Double]] = []
    for y in 0..<height {
      for x in 0..<width where isOpen[y * width + x] {
        loops.append(
          loop(from: x, y, isInside) { x, y in isOpen[y * width + x] = false })
      }
    }
    return loops
  }

  /// One loop with the mask on its right hand, from the upper left corner of a pixel to the right.
  private func loop(
    from startX: Int, _ startY: Int, _ isInside: (Int, Int) -> Bool,
    _ passed: (Int, Int) -> Void
  ) -> [Double] {
    // Right, down, left, up; the pixels ahead on the right and on the left hand, from a corner.
    let steps = [(1, 0), (0, 1), (-1, 0), (0, -1)]
    let right = [(0, 0), (-1, 0), (-1, -1), (0, -1)]
    let left = [(0, -1), (0, 0), (-1, 0), (-1, -1)]
    var (x, y, direction) = (startX, startY, 0)
    var points = [Double(x), Double(y)]
    while true {
      if direction == 0 { passed(x, y) }
      x += steps[direction].0
      y += steps[direction].1
      let next: Int
      if !isInside(x + right[direction].0, y + right[direction].1) {
        next = (direction + 1) % 4
      } else if isInside(x + left[direction].0, y + left[direction].1) {
        next = (direction + 3) % 4
      } else {
        next = direction
      }
      if x == startX && y == startY && next == 0 { return points }
      if next != direction { points += [Double(x), Double(y)] }
      direction = next
    }
  }
}
