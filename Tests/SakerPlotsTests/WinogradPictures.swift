@testable import SakerPlots

/// The drawings of docs/winograd.md. `Scripts/docs-pictures.sh` writes them to docs/images.
enum WinogradPictures {
  static let all: [(name: String, draw: @Sendable () throws -> Canvas)] = [
    ("winograd-tiles", tiles), ("winograd-positions", positions), ("winograd-splits", splits),
    ("winograd-pipeline", pipeline),
  ]

  private static let blue = Palette.fixed[0]
  private static let orange = Palette.fixed[1]
  private static let green = Palette.fixed[2]
  private static let pink = Palette.fixed[5]
  private static let line = Color(0xBBBBBB)
  private static let title = Font(size: 15, bold: true)
  private static let body = Font(size: 13)
  private static let small = Font(size: 11)

  private static func canvas(_ width: Double, _ height: Double) throws -> Canvas {
    let canvas = try Canvas(.png, width: width, height: height, scale: 1.5)
    canvas.fill(.white)
    return canvas
  }

  /// `rows` x `columns` cells from `corner` on, each with its colour and text.
  private static func grid(
    _ canvas: Canvas, _ corner: Point, cell: Double, rows: Int, columns: Int,
    _ look: (_ row: Int, _ column: Int) -> (fill: Color, text: String)
  ) {
    for row in 0..<rows {
      for column in 0..<columns {
        let rect = area(corner, cell, row, column, 1, 1)
        let (fill, text) = look(row, column)
        canvas.fill(rect, fill)
        canvas.stroke(rect, line, width: 0.7)
        centred(canvas, text, rect, small, Ink.text)
      }
    }
  }

  private static func area(
    _ corner: Point, _ cell: Double, _ row: Int, _ column: Int, _ height: Int, _ width: Int
  ) -> Rect {
    Rect(
      x: corner.x + Double(column) * cell, y: corner.y + Double(row) * cell,
      width: Double(width) * cell, height: Double(height) * cell)
  }

  private static func centred(
    _ canvas: Canvas, _ text: String, _ rect: Rect, _ font: Font, _ color: Color
  ) {
    canvas.text(
      text, at: Point(x: rect.x + rect.width / 2, y: rect.y + rect.height / 2 + font.size * 0.36),
      font, color, anchor: .middle)
  }

  private static func arrow(_ canvas: Canvas, _ from: Point, _ to: Point) {
    canvas.line([from, to], Ink.text, width: 1.6)
    let length = ((to.x - from.x) * (to.x - from.x) + (to.y - from.y) * (to.y - from.y))
      .squareRoot()
    let (dx, dy) = ((to.x - from.x) / length * 7, (to.y - from.y) / length * 7)
    canvas.line(
      [
        Point(x: to.x - dx - dy * 0.6, y: to.y - dy + dx * 0.6), to,
        Point(x: to.x - dx + dy * 0.6, y: to.y - dy - dx * 0.6),
      ], Ink.text, width: 1.6)
  }

  // MARK: (a) overlapping input tiles

  @Sendable private static func tiles() throws -> Canvas {
    let canvas = try canvas(820, 420)
    let cell = 30.0
    let (input, output) = (Point(x: 40, y: 60), Point(x: 500, y: 90))
    canvas.text("8 × 8 input, with a border of zeros", at: Point(x: 40, y: 38), title, Ink.text)
    canvas.text("8 × 8 results", at: Point(x: 500, y: 38), title, Ink.text)
    grid(canvas, input, cell: cell, rows: 10, columns: 10) { row, column in
      let border = row == 0 || column == 0 || row == 9 || column == 9
      let (first, second) = (row < 6 && column < 6, row < 6 && column >= 4)
      let fill =
        first && second
        ? pink.with(opacity: 0.55)
        : first ? blue.with(opacity: 0.25) : second ? orange.with(opacity: 0.3) : Color.white
      return (fill, border ? "0" : "")
    }
    grid(canvas, output, cell: cell, rows: 8, columns: 8) { row, column in
      let fill =
        row >= 4
        ? Color.white : column < 4 ? blue.with(opacity: 0.25) : orange.with(opacity: 0.3)
      return (fill, "")
    }
    canvas.stroke(area(input, cell, 0, 0, 6, 6).inset(1.5), blue, width: 3)
    canvas.stroke(area(input, cell, 0, 4, 6, 6).inset(3), orange, width: 3, dash: [9, 5])
    canvas.stroke(area(output, cell, 0, 0, 4, 4).inset(1.5), blue, width: 3)
    canvas.stroke(area(output, cell, 0, 4, 4, 4).inset(1.5), orange, width: 3, dash: [9, 5])
    for (row, column) in [(4, 0), (4, 4)] {
      canvas.stroke(area(output, cell, row, column, 4, 4), Ink.axis, width: 1.5)
    }
    centred(canvas, "tile 1", area(output, cell, 1, 0, 1, 4), body, Ink.text)
    centred(canvas, "tile 2", area(output, cell, 1, 4, 1, 4), body, Ink.text)
    centred(canvas, "tile 3", area(output, cell, 5, 0, 1, 4), body, Ink.text)
    centred(canvas, "tile 4", area(output, cell, 5, 4, 1, 4), body, Ink.text)
    arrow(canvas, Point(x: 358, y: 210), Point(x: 484, y: 210))
    canvas.text("6 × 6 values each", at: Point(x: 421, y: 180), small, Ink.text, anchor: .middle)
    canvas.text("4 × 4 results each", at: Point(x: 421, y: 198), small, Ink.text, anchor: .middle)
    canvas.text(
      "Neighbours share 2 rows or columns (pink): a 3 × 3 filter looks 1 pixel beyond its tile on each side.",
      at: Point(x: 40, y: 392), body, Ink.text)
    return canvas
  }

  // MARK: (b) positions

  private static let points = ["0", "1", "−1", "2", "−2", "∞"]

  private static func uses(_ tile: Int, _ point: Int) -> Bool { point <= tile || point == 5 }

  @Sendable private static func positions() throws -> Canvas {
    let canvas = try canvas(840, 560)
    canvas.text(
      "One set of 36 transformed weights; a tile multiplies the positions of its points",
      at: Point(x: 30, y: 32), title, Ink.text)
    let cell = 27.0
    for (index, tile) in [(4, 4), (3, 3), (2, 2), (1, 1), (4, 3), (4, 2)].enumerated() {
      let (height, width) = tile
      let corner = Point(x: 62 + Double(index % 3) * 268, y: 102 + Double(index / 3) * 252)
      let used = (height + 2) * (width + 2)
      canvas.text(
        "\(height) × \(width) results: \(used) of 36", at: Point(x: corner.x, y: corner.y - 28),
        body,
        Ink.text)
      for (i, point) in points.enumerated() {
        let middle = (Double(i) + 0.5) * cell
        canvas.text(
          point, at: Point(x: corner.x + middle, y: corner.y - 7), small,
          uses(width, i) ? Ink.text : line, anchor: .middle)
        canvas.text(
          point, at: Point(x: corner.x - 8, y: corner.y + middle + 4), small,
          uses(height, i) ? Ink.text : line, anchor: .end)
      }
      grid(canvas, corner, cell: cell, rows: 6, columns: 6) { row, column in
        uses(height, row) && uses(width, column)
          ? (index < 4 ? blue.with(opacity: 0.6) : green.with(opacity: 0.6), "") : (.white, "")
      }
    }
    canvas.text(
      "Rows and columns: the points at which the tile's polynomials are evaluated.",
      at: Point(x: 30, y: 545), body, Ink.text)
    return canvas
  }

  // MARK: (c) splits

  @Sendable private static func splits() throws -> Canvas {
    let canvas = try canvas(880, 420)
    canvas.text(
      "Products of each tile, and of the map, for one pair of channels", at: Point(x: 30, y: 32),
      title, Ink.text)
    for (index, side) in [7, 13, 14].enumerated() {
      let sizes = Array(repeating: 4, count: side / 4) + (side % 4 == 0 ? [] : [side % 4])
      let corner = Point(x: 30 + Double(index) * 285, y: 84)
      let cell = 252.0 / Double(side)
      canvas.text("\(side) × \(side) results", at: Point(x: corner.x, y: 70), body, Ink.text)
      var top = 0
      for height in sizes {
        var left = 0
        for width in sizes {
          let rect = area(corner, cell, top, left, height, width)
          let full = (height == 4 ? 1 : 0) + (width == 4 ? 1 : 0)
          canvas.fill(rect, [pink, orange, blue][full].with(opacity: full == 2 ? 0.3 : 0.45))
          for y in 0..<height {
            for x in 0..<width {
              canvas.stroke(area(corner, cell, top + y, left + x, 1, 1), .white, width: 0.6)
            }
          }
          canvas.stroke(rect, Ink.text, width: 1.5)
          // A slim tile has no room for a large figure.
          let font = Font(size: cell * Double(min(height, width)) < 30 ? 10 : 14, bold: true)
          centred(canvas, "\((height + 2) * (width + 2))", rect, font, Ink.text)
          left += width
        }
        top += height
      }
      let products = sizes.reduce(0) { $0 + $1 + 2 }
      let padded = (side + 3) / 4 * 6
      let lines = [
        "\(side) = \(sizes.map(String.init).joined(separator: " + ")): \(products) a side, "
          + "\(products * products)",
        "tiles of 4 only: \(padded) a side, \(padded * padded)",
        "direct: 9 × \(side * side) = \(9 * side * side)",
      ]
      for (i, text) in lines.enumerated() {
        canvas.text(
          text, at: Point(x: corner.x, y: 362 + Double(i) * 20), body, i == 0 ? Ink.text : Ink.faint
        )
      }
    }
    return canvas
  }

  // MARK: (d) the pass

  private struct Step {
    let heading: String
    let lines: [String]
    let color: Color
  }

  @Sendable private static func pipeline() throws -> Canvas {
    let canvas = try canvas(960, 400)
    canvas.text(
      "A block of tiles on its way, by one thread", at: Point(x: 30, y: 34), title, Ink.text)
    let steps = [
      Step(
        heading: "load",
        lines: ["6 × 6 pixels,", "a vector of", "channels each;", "normalize and", "activate"],
        color: orange),
      Step(
        heading: "Bᵀ d B",
        lines: [
          "columns, then", "rows: additions", "in registers;", "to 36 matrices", "of tiles × in",
        ],
        color: blue),
      Step(
        heading: "36 products",
        lines: ["one for each", "position:", "(tiles × in)", "(in × out),", "12 × 2 vectors"],
        color: green),
      Step(
        heading: "Aᵀ m A", lines: ["36 sums to", "4 × 4 results,", "additions", "in registers"],
        color: blue),
      Step(
        heading: "epilogue",
        lines: ["bias, residual,", "activation;", "sums for batch", "norm; store"],
        color: orange),
    ]
    let (width, gap, top, height) = (144.0, 45.0, 130.0, 150.0)
    for (index, step) in steps.enumerated() {
      let rect = Rect(x: 30 + Double(index) * (width + gap), y: top, width: width, height: height)
      canvas.fill(rect, step.color.with(opacity: 0.2), radius: 8)
      canvas.stroke(rect, step.color, width: 2, radius: 8)
      canvas.text(
        step.heading, at: Point(x: rect.x + width / 2, y: top + 28), title, Ink.text,
        anchor: .middle)
      for (i, text) in step.lines.enumerated() {
        canvas.text(
          text, at: Point(x: rect.x + width / 2, y: top + 54 + Double(i) * 18), body, Ink.text,
          anchor: .middle)
      }
      if index > 0 {
        arrow(
          canvas, Point(x: rect.x - gap + 4, y: top + height / 2),
          Point(x: rect.x - 5, y: top + height / 2))
      }
    }
    let middle = 30 + 2 * (width + gap) + width / 2
    let weights = Rect(x: middle - 210, y: 58, width: 420, height: 34)
    canvas.fill(weights, pink.with(opacity: 0.25), radius: 8)
    canvas.stroke(weights, pink, width: 2, radius: 8)
    centred(
      canvas, "V = G g Gᵀ: 36 matrices of in × out, packed once for a weight", weights, body,
      Ink.text)
    arrow(canvas, Point(x: middle, y: 92), Point(x: middle, y: top - 4))

    // Where the numbers are meanwhile.
    let places: [(Double, Double, String)] = [
      (30, width, "memory → registers"),
      (
        30 + width + gap, 3 * width + 2 * gap,
        "second-level cache: the block's 36 matrices, in and out"
      ),
      (30 + 4 * (width + gap), width, "registers → memory"),
    ]
    for (x, wide, text) in places {
      canvas.line(
        [
          Point(x: x, y: 298), Point(x: x, y: 306), Point(x: x + wide, y: 306),
          Point(x: x + wide, y: 298),
        ], Ink.axis, width: 1.5)
      canvas.text(text, at: Point(x: x + wide / 2, y: 326), body, Ink.text, anchor: .middle)
    }
    canvas.text(
      "Maps are read once (their overlaps from a cache) and written once; all between stays in registers and caches.",
      at: Point(x: 30, y: 372), body, Ink.text)
    return canvas
  }
}
