extension Chart {
  static let titleFont = Font(size: 12.5, bold: true)
  static let labelFont = Font(size: 10.5)
  static let tickFont = Font(size: 9.5)
  static let legendFont = Font(size: 9.5)

  /// Where the data goes, and how values become places.
  struct Layout {
    let plot: Rect
    let x, y: Scale

    func point(_ px: Double, _ py: Double) -> Point? {
      guard let px = x.place(px), let py = y.place(py) else { return nil }
      return Point(x: plot.x + px * plot.width, y: plot.bottom - py * plot.height)
    }
  }

  /// Entries of the legend: those with a name.
  private var entries: [Series] {
    legend == .none ? [] : series.filter { $0.name != nil }
  }

  private var legendIsBeside: Bool { entries.count > 6 }

  func layout(on canvas: Canvas, in area: Rect) -> Layout {
    let xScale = Scale(x, values: series.lazy.flatMap(\.x))
    let yScale = Scale(y, values: series.lazy.flatMap(\.y))
    let tickHeight = Self.tickFont.size
    let top = title.isEmpty ? 10 : 30.0
    let bottom = 8 + tickHeight + 6 + (x.label.isEmpty ? 0 : Self.labelFont.size + 7)
    let height = max(10, area.height - top - bottom)
    let texts = yScale.texts(yScale.ticks(Self.tickCount(height, every: 42)))
    let widest = texts.map { canvas.textWidth($0, Self.tickFont) }.max() ?? 0
    let left = 8 + widest + 6 + (y.label.isEmpty ? 0 : Self.labelFont.size + 7)
    let right = legendIsBeside ? min(area.width * 0.4, legendWidth(canvas) + 14) : 14
    let plot = Rect(
      x: area.x + left, y: area.y + top, width: max(10, area.width - left - right), height: height)
    return Layout(plot: plot, x: xScale, y: yScale)
  }

  func draw(on canvas: Canvas, in area: Rect) {
    let layout = layout(on: canvas, in: area)
    let plot = layout.plot
    drawFrame(on: canvas, in: area, layout)
    // A little outside, so that lines and dots on the border are whole.
    canvas.clipped(to: plot.inset(-4)) {
      for each in series { draw(each, on: canvas, layout) }
    }
    if !series.contains(where: { $0.hasPoint(in: layout) }) {
      canvas.text(
        "no data", at: Point(x: plot.x + plot.width / 2, y: plot.y + plot.height / 2),
        Self.labelFont, Ink.faint, anchor: .middle)
    }
    drawLegend(on: canvas, in: area, layout)
  }

  /// Title and axes, without data.
  /// - Parameter yIsDownwards: the axis has its low end on top, as pictures have.
  func drawFrame(
    on canvas: Canvas, in area: Rect, _ layout: Layout, yIsDownwards: Bool = false
  ) {
    drawAxes(on: canvas, in: area, layout, yIsDownwards)
    guard !title.isEmpty else { return }
    canvas.text(
      canvas.fitted(title, Self.titleFont, width: area.width - 8),
      at: Point(x: layout.plot.x + layout.plot.width / 2, y: area.y + 19), Self.titleFont,
      Ink.text, anchor: .middle)
  }

  private static func tickCount(_ length: Double, every distance: Double) -> Int {
    max(2, Int(length / distance))
  }

  private func drawAxes(
    on canvas: Canvas, in area: Rect, _ layout: Layout, _ yIsDownwards: Bool
  ) {
    let plot = layout.plot
    let (left, bottom) = (plot.x, plot.bottom)
    let xTicks = layout.x.ticks(Self.tickCount(plot.width, every: 56))
    let yTicks = layout.y.ticks(Self.tickCount(plot.height, every: 42))
    for (tick, text) in zip(xTicks, layout.x.texts(xTicks)) {
      guard let place = layout.x.place(tick) else { continue }
      let at = left + place * plot.width
      canvas.line(
        [Point(x: at, y: plot.y), Point(x: at, y: bottom)], Ink.grid, width: 0.8)
      canvas.text(
        text, at: Point(x: at, y: bottom + 6 + Self.tickFont.size * 0.85), Self.tickFont,
        Ink.faint, anchor: .middle)
    }
    for (tick, text) in zip(yTicks, layout.y.texts(yTicks)) {
      guard let place = layout.y.place(tick) else { continue }
      let at = yIsDownwards ? plot.y + place * plot.height : bottom - place * plot.height
      canvas.line(
        [Point(x: left, y: at), Point(x: plot.right, y: at)], Ink.grid, width: 0.8)
      canvas.text(
        text, at: Point(x: left - 6, y: at + Self.tickFont.size * 0.36), Self.tickFont, Ink.faint,
        anchor: .end)
    }
    canvas.line(
      [
        Point(x: left, y: plot.y), Point(x: left, y: bottom), Point(x: plot.right, y: bottom),
      ], Ink.axis, width: 1)
    if !x.label.isEmpty {
      canvas.text(
        x.label, at: Point(x: left + plot.width / 2, y: area.bottom - 7), Self.labelFont,
        Ink.text, anchor: .middle)
    }
    if !y.label.isEmpty {
      canvas.text(
        y.label,
        at: Point(x: area.x + 6 + Self.labelFont.size * 0.8, y: plot.y + plot.height / 2),
        Self.labelFont, Ink.text, anchor: .middle, upwards: true)
    }
  }

  private func draw(_ each: Series, on canvas: Canvas, _ layout: Layout) {
    var run: [Point] = []
    func finish() {
      if run.count > 1 {
        canvas.line(
          run, each.color, width: each.width,
          dash: each.dashed ? [4 * each.width, 2.5 * each.width] : [])
      } else if let only = run.first, each.style == .line {
        // A line of one point would be nothing.
        canvas.dot(only, radius: each.width * 1.4, each.color)
      }
      run.removeAll()
    }
    for (px, py) in zip(each.x, each.y) {
      let point = layout.point(px, py)
      if each.style != .line, let point {
        canvas.dot(point, radius: each.width * (each.style == .points ? 1.6 : 1.4), each.color)
      }
      guard each.style != .points else { continue }
      if let point { run.append(point) } else { finish() }
    }
    finish()
  }
}

// MARK: The legend

extension Chart {
  private static let row = 14.5
  private static let sample = 18.0

  private func legendWidth(_ canvas: Canvas) -> Double {
    let widest = entries.map { canvas.textWidth($0.name ?? "", Self.legendFont) }.max() ?? 0
    return 8 + Self.sample + 6 + widest + 8
  }

  private func drawLegend(on canvas: Canvas, in area: Rect, _ layout: Layout) {
    guard !entries.isEmpty else { return }
    let plot = layout.plot
    var shown = entries
    let place: Rect
    if legendIsBeside {
      let most = max(1, Int((area.bottom - plot.y - 10) / Self.row))
      if shown.count > most { shown = Array(shown[..<max(0, most - 1)]) }
      place = Rect(
        x: plot.right + 6, y: plot.y, width: area.right - plot.right - 8,
        height: Double(most) * Self.row + 8)
    } else {
      let width = min(plot.width, legendWidth(canvas))
      place = emptiestCorner(
        width: width, height: Double(shown.count) * Self.row + 7, layout)
      canvas.fill(place, .white.with(opacity: 0.85), radius: 3)
      canvas.stroke(place, Color(0xD0D0D0), width: 0.7, radius: 3)
    }
    var y = place.y + 4 + Self.row / 2
    for each in shown {
      let from = Point(x: place.x + 8, y: y)
      let to = Point(x: place.x + 8 + Self.sample, y: y)
      if each.style != .points {
        canvas.line([from, to], each.color, width: each.width, dash: each.dashed ? [5, 3] : [])
      }
      if each.style != .line {
        canvas.dot(Point(x: (from.x + to.x) / 2, y: y), radius: each.width * 1.6, each.color)
      }
      let text = canvas.fitted(
        each.name ?? "", Self.legendFont, width: place.right - to.x - 6)
      canvas.text(
        text, at: Point(x: to.x + 6, y: y + Self.legendFont.size * 0.36), Self.legendFont,
        Ink.text)
      y += Self.row
    }
    if shown.count < entries.count {
      canvas.text(
        "and \(entries.count - shown.count) more",
        at: Point(x: place.x + 8, y: y + Self.legendFont.size * 0.36), Self.legendFont, Ink.faint)
    }
  }

  /// Of the four corners and the middles of the sides, where the least data would be hidden.
  private func emptiestCorner(width: Double, height: Double, _ layout: Layout) -> Rect {
    let plot = layout.plot
    let margin = 8.0
    let rows = [
      plot.y + margin, plot.bottom - margin - height, plot.y + (plot.height - height) / 2,
    ]
    let columns = [plot.right - margin - width, plot.x + margin, plot.x + (plot.width - width) / 2]
    let places = rows.flatMap { y in
      columns.map { Rect(x: $0, y: y, width: width, height: height) }
    }
    var hidden = Array(repeating: 0.0, count: places.count)
    for each in series {
      let points = zip(each.x, each.y).compactMap { layout.point($0, $1) }
      for (a, b) in zip(points, points.dropFirst() + points.suffix(1)) {
        // A line hides as much as it is long; points, as many as there are.
        let steps = max(1, min(200, Int(max(abs(a.x - b.x), abs(a.y - b.y)) / 4)))
        for step in 0..<steps {
          let t = Double(step) / Double(steps)
          let (x, y) = (a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t)
          for (i, place) in places.enumerated()
          where x > place.x - 3 && x < place.right + 3 && y > place.y - 3 && y < place.bottom + 3 {
            hidden[i] += 1
          }
        }
      }
    }
    let best = hidden.indices.min { hidden[$0] < hidden[$1] } ?? 0
    return places[best]
  }
}

extension Chart.Series {
  fileprivate func hasPoint(in layout: Chart.Layout) -> Bool {
    zip(x, y).contains { layout.point($0, $1) != nil }
  }
}
