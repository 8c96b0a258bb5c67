import SakerData

/// How many boxes a class has, how large they are and where they lie: what YOLOv5's `labels.jpg`
/// and `labels_correlogram.jpg` show.
public struct LabelShapes: Sendable {
  /// A box in fractions of its picture.
  public struct Shape: Hashable, Sendable {
    public var label: Int
    public var x, y, width, height: Double

    public init(label: Int, x: Double, y: Double, width: Double, height: Double) {
      self.label = label
      self.x = x
      self.y = y
      self.width = width
      self.height = height
    }
  }

  public var classNames: [String]
  /// Objects a class.
  public var counts: [Int]
  /// All boxes, or evenly chosen ones.
  public var shapes: [Shape]

  /// - Parameter limit: the most boxes that are drawn.
  public init(_ dataset: DetectionDataset, limit: Int = 10_000) {
    classNames = dataset.classes
    counts = dataset.countsByClass
    let step = max(1, (dataset.boxCount + max(limit, 1) - 1) / max(limit, 1))
    var (shapes, seen): ([Shape], Int) = ([], 0)
    for item in dataset.items {
      let (w, h) = (Double(item.size.width), Double(item.size.height))
      for annotation in item.annotations {
        defer { seen += 1 }
        guard seen.isMultiple(of: step), w > 0, h > 0 else { continue }
        let box = annotation.box
        shapes.append(
          Shape(
            label: annotation.label, x: Double(box.left + box.right) / 2 / w,
            y: Double(box.top + box.bottom) / 2 / h, width: Double(box.width) / w,
            height: Double(box.height) / h))
      }
    }
    self.shapes = shapes
  }

  public init(_ statistics: DataStatistics) {
    classNames = statistics.classes.map(\.name)
    counts = statistics.classes.map(\.objects)
    shapes = statistics.shapes.map {
      Shape(
        label: $0.label, x: Double($0.centerX), y: Double($0.centerY), width: Double($0.width),
        height: Double($0.height))
    }
  }

  /// One page: objects a class, box shapes laid on one another, centres, and widths against
  /// heights.
  public var overview: Drawing {
    Drawing(width: 760, height: 720) { canvas in
      let cells = (0..<4).map { index in
        Rect(
          x: 10 + Double(index % 2) * 375, y: 8 + Double(index / 2) * 355, width: 365, height: 345)
      }
      drawHistogram(on: canvas, in: cells[0])
      drawOutlines(on: canvas, in: cells[1])
      let centers = DensityMap(shapes.map { ($0.x, $0.y) })
      centers.draw(
        on: canvas, in: cells[2], title: "centres", x: "x / width of the picture",
        y: "y / height of the picture", isDownwards: true)
      let sizes = DensityMap(shapes.map { ($0.width, $0.height) })
      sizes.draw(
        on: canvas, in: cells[3], title: "sizes", x: "width / width of the picture",
        y: "height / height of the picture", isDownwards: false)
    }
  }

  /// Position and size against one another: histograms on the diagonal, densities below it.
  public var correlogram: Drawing {
    let columns: [(name: String, values: [Double])] = [
      ("x", shapes.map(\.x)), ("y", shapes.map(\.y)), ("width", shapes.map(\.width)),
      ("height", shapes.map(\.height)),
    ]
    return Drawing(width: 760, height: 750) { canvas in
      canvas.text(
        "box centres and sizes, as fractions of the picture",
        at: Point(x: canvas.width / 2, y: 22), Chart.titleFont, Ink.text, anchor: .middle)
      for row in 0..<4 {
        for column in 0...row {
          let cell = Rect(
            x: 8 + Double(column) * 187, y: 32 + Double(row) * 178, width: 183, height: 174)
          let (x, y) = (columns[column], columns[row])
          if row == column {
            histogram(x.values, label: x.name).draw(on: canvas, in: cell)
          } else {
            DensityMap(Array(zip(x.values, y.values))).draw(
              on: canvas, in: cell, title: "", x: x.name, y: y.name, isDownwards: row == 1)
          }
        }
      }
    }
  }

  private func histogram(_ values: [Double], label: String) -> Chart {
    let bins = 40
    var counts = [Double](repeating: 0, count: bins)
    for value in values where value >= 0 && value <= 1 {
      counts[min(Int(value * Double(bins)), bins - 1)] += 1
    }
    var (x, y): ([Double], [Double]) = ([0], [0])
    for (bin, count) in counts.enumerated() {
      x += [Double(bin), Double(bin + 1)].map { $0 / Double(bins) }
      y += [count, count]
    }
    return Chart(
      x: Axis(label, range: 0...1), y: Axis("boxes"),
      series: [Chart.Series(nil, x: x + [1], y: y + [0], color: Palette.color(0), width: 1.2)])
  }

  // MARK: The parts of the overview

  private func drawHistogram(on canvas: Canvas, in area: Rect) {
    canvas.text(
      "objects a class", at: Point(x: area.x + area.width / 2, y: area.y + 19), Chart.titleFont,
      Ink.text, anchor: .middle)
    // The most frequent classes where not all have room.
    let room = max(1, Int((area.height - 50) / 12))
    let order = counts.indices.sorted { (counts[$1], $0) < (counts[$0], $1) }
    let shown = counts.count > room ? Array(order.prefix(room - 1)) : Array(counts.indices)
    let most = Double(max(1, counts.max() ?? 1))
    let font = Chart.tickFont
    let names = shown.map { canvas.fitted(classNames[$0], font, width: 110) }
    let left = area.x + 14 + (names.map { canvas.textWidth($0, font) }.max() ?? 0)
    let row = min(40, (area.height - 50) / Double(max(1, shown.count)))
    let length = area.right - left - 52
    for (place, index) in shown.enumerated() {
      let y = area.y + 34 + Double(place) * row
      let bar = Rect(
        x: left, y: y + row * 0.12, width: length * Double(counts[index]) / most,
        height: row * 0.76)
      canvas.fill(bar, Palette.color(index))
      let base = y + row / 2 + font.size * 0.36
      canvas.text(names[place], at: Point(x: left - 6, y: base), font, Ink.text, anchor: .end)
      canvas.text("\(counts[index])", at: Point(x: bar.right + 5, y: base), font, Ink.faint)
    }
    canvas.line(
      [
        Point(x: left, y: area.y + 32),
        Point(x: left, y: area.y + 36 + Double(shown.count) * row),
      ], Ink.axis, width: 1)
    if shown.count < counts.count {
      canvas.text(
        "and \(counts.count - shown.count) classes with fewer",
        at: Point(x: left, y: area.bottom - 4), font, Ink.faint)
    }
  }

  private func drawOutlines(on canvas: Canvas, in area: Rect) {
    canvas.text(
      "shapes, centred", at: Point(x: area.x + area.width / 2, y: area.y + 19), Chart.titleFont,
      Ink.text, anchor: .middle)
    let side = min(area.width - 40, area.height - 60)
    let plot = Rect(
      x: area.x + (area.width - side) / 2, y: area.y + 32, width: side, height: side)
    canvas.fill(plot, Ink.empty)
    let step = max(1, shapes.count / 1000)
    canvas.clipped(to: plot) {
      for (index, shape) in shapes.enumerated() where index.isMultiple(of: step) {
        let (w, h) = (shape.width * side, shape.height * side)
        canvas.stroke(
          Rect(
            x: plot.x + (side - w) / 2, y: plot.y + (side - h) / 2, width: w, height: h),
          Palette.color(shape.label).with(opacity: 0.35), width: 0.8)
      }
    }
    canvas.stroke(plot, Ink.axis, width: 1)
    canvas.text(
      "the frame is the picture", at: Point(x: plot.x + side / 2, y: plot.bottom + 16),
      Chart.labelFont, Ink.text, anchor: .middle)
  }
}

/// How many points lie in each cell of the unit square.
struct DensityMap {
  static let cells = 40
  let counts: [[Int]]
  let most: Int

  init(_ points: [(Double, Double)]) {
    let cells = Self.cells
    var counts = Array(repeating: Array(repeating: 0, count: cells), count: cells)
    for (x, y) in points where x >= 0 && x <= 1 && y >= 0 && y <= 1 {
      counts[min(Int(y * Double(cells)), cells - 1)][min(Int(x * Double(cells)), cells - 1)] += 1
    }
    self.counts = counts
    most = counts.flatMap(\.self).max() ?? 0
  }

  /// - Parameter isDownwards: y grows downwards, as in pictures.
  func draw(
    on canvas: Canvas, in area: Rect, title: String, x: String, y: String, isDownwards: Bool
  ) {
    // Axes as a chart of nothing has them.
    let chart = Chart(title: title, x: Axis(x, range: 0...1), y: Axis(y, range: 0...1))
    let layout = chart.layout(on: canvas, in: area)
    let plot = layout.plot
    let (width, height) = (plot.width / Double(Self.cells), plot.height / Double(Self.cells))
    chart.drawFrame(on: canvas, in: area, layout, yIsDownwards: isDownwards)
    for (row, line) in counts.enumerated() {
      for (column, count) in line.enumerated() where count > 0 {
        let top = isDownwards ? row : Self.cells - 1 - row
        canvas.fill(
          Rect(
            x: plot.x + Double(column) * width, y: plot.y + Double(top) * height,
            width: width + 0.3, height: height + 0.3),
          HeatColors.color(0.15 + 0.85 * (Double(count) / Double(most)).squareRoot()))
      }
    }
  }
}
