/// A network as a chain of its maps, and one of its blocks in detail: the picture of a page about
/// it.
public struct ArchitectureDiagram: Sendable {
  public struct Stage: Sendable {
    /// Height and width of the map.
    public var side: Int
    public var channels, stride: Int
    /// What computes it: `3x3 conv x 3, 1x1 conv x 7`.
    public var layers: String

    public init(side: Int, channels: Int, stride: Int, layers: String) {
      (self.side, self.channels, self.stride, self.layers) = (side, channels, stride, layers)
    }
  }

  public var title: String
  public var input: Stage
  public var stages: [Stage]
  /// What comes last: `1000 classes`.
  public var result: String
  public var blockName: String
  /// Layers from top to bottom, branches side by side; an empty one passes the input on.
  public var branches: [[String]]
  /// What joins the branches: `+`, `join`; empty for a single branch.
  public var blockEnd: String

  public init(
    title: String, input: Stage, stages: [Stage], result: String, blockName: String,
    branches: [[String]], blockEnd: String
  ) {
    (self.title, self.input, self.stages, self.result) = (title, input, stages, result)
    (self.blockName, self.branches, self.blockEnd) = (blockName, branches, blockEnd)
  }
}

extension ArchitectureDiagram {
  private static let column = 132.0
  private static let slabs = 120.0
  private static let lineHeight = 14.0
  private static let (layerWidth, layerHeight, layerGap) = (136.0, 22.0, 14.0)
  private static let title = Font(size: 15, bold: true)
  private static let strong = Font(size: 11, bold: true)
  private static let plain = Font(size: 10.5)

  /// Boxes as high as the maps are wide and as wide as they have channels, both by their
  /// logarithms; below them what they are and what computes them. Then the block.
  public var drawing: Drawing {
    let columns = Double(stages.count + 2)
    let lines = stages.map { Self.wrapped($0.layers).count }.max() ?? 0
    let texts = Double(lines + 2) * Self.lineHeight + 12
    let deepest = Double(max(1, branches.map(\.count).max() ?? 1))
    let blockTop = 40 + Self.slabs + texts + 26
    let blockHeight =
      74 + deepest * (Self.layerHeight + Self.layerGap) + (blockEnd.isEmpty ? 0 : 24)
    let blockWidth = Double(branches.count) * (Self.layerWidth + 16) + 40
    let width = max(columns * Self.column + 16, blockWidth, 480)
    return Drawing(width: width, height: blockTop + blockHeight) { canvas in
      canvas.text(title, at: Point(x: 16, y: 26), Self.title, Ink.text)
      drawStages(on: canvas, baseline: 40 + Self.slabs)
      drawBlock(on: canvas, top: blockTop, height: blockHeight)
    }
  }

  private static func wrapped(_ layers: String) -> [String] {
    layers.split(separator: ",").map { $0.trimmed }
  }

  // MARK: The chain

  private func drawStages(on canvas: Canvas, baseline: Double) {
    let all = [input] + stages
    let largest = Double(max(2, all.map(\.side).max() ?? 2))
    var right = 0.0
    for (index, stage) in all.enumerated() {
      let center = 8 + (Double(index) + 0.5) * Self.column
      let height =
        14 + (Self.slabs - 30) * Self.log(Double(max(1, stage.side))) / Self.log(largest)
      let width = 12 + 5 * Self.log(Double(max(1, stage.channels)))
      let box = Rect(
        x: center - width / 2, y: baseline - 4 - height, width: width, height: height)
      if index > 0 {
        let y = baseline - 4 - 9
        canvas.arrow(from: Point(x: right + 4, y: y), to: Point(x: box.x - 3, y: y))
      }
      right = box.right
      let color = index == 0 ? Color(0xDDDDDD) : Palette.color((index - 1) % 6)
      canvas.fill(box, color.with(opacity: 0.75), radius: 2)
      canvas.stroke(box, Ink.axis, width: 1, radius: 2)
      var y = baseline + 12
      func write(_ text: String, _ font: Font, _ color: Color) {
        canvas.text(
          canvas.fitted(text, font, width: Self.column - 6), at: Point(x: center, y: y), font,
          color, anchor: .middle)
        y += Self.lineHeight
      }
      write("\(stage.side) x \(stage.side) x \(stage.channels)", Self.strong, Ink.text)
      write(index == 0 ? "picture" : "stride \(stage.stride)", Self.plain, Ink.text)
      for line in Self.wrapped(stage.layers) { write(line, Self.plain, Ink.faint) }
    }
    let x = 8 + Double(all.count) * Self.column
    let y = baseline - 4 - 9
    canvas.arrow(from: Point(x: right + 4, y: y), to: Point(x: x + 10, y: y))
    canvas.text(result, at: Point(x: x + 16, y: y + 4), Self.strong, Ink.text)
  }

  /// To base 2.
  private static func log(_ value: Double) -> Double {
    var (value, result) = (value, 0.0)
    while value >= 2 {
      value /= 2
      result += 1
    }
    return result + (value - 1)
  }

  // MARK: The block

  private func drawBlock(on canvas: Canvas, top: Double, height: Double) {
    canvas.line(
      [Point(x: 16, y: top - 14), Point(x: canvas.width - 16, y: top - 14)], Ink.grid, width: 1)
    canvas.text(blockName, at: Point(x: 16, y: top + 6), Self.strong, Ink.text)
    let step = Self.layerWidth + 16
    let middle = 28 + Double(branches.count) * step / 2
    let (first, last) = (top + 34, top + height - (blockEnd.isEmpty ? 14 : 40))
    let start = Point(x: middle, y: first - 14)
    canvas.dot(start, radius: 3, Ink.text)
    for (index, layers) in branches.enumerated() {
      let center = 28 + (Double(index) + 0.5) * step
      var from = Point(x: center, y: first - 14)
      canvas.line([start, from], Ink.axis, width: 1.2)
      var y = first
      for layer in layers {
        let box = Rect(
          x: center - Self.layerWidth / 2, y: y, width: Self.layerWidth, height: Self.layerHeight)
        canvas.arrow(from: from, to: Point(x: center, y: box.y))
        let color = Self.color(layer)
        canvas.fill(box, color.with(opacity: 0.28), radius: 4)
        canvas.stroke(box, color, width: 1.2, radius: 4)
        canvas.text(
          canvas.fitted(layer, Self.plain, width: Self.layerWidth - 8),
          at: Point(x: center, y: box.y + 15), Self.plain, Ink.text, anchor: .middle)
        from = Point(x: center, y: box.bottom)
        y = box.bottom + Self.layerGap
      }
      if blockEnd.isEmpty {
        canvas.arrow(from: from, to: Point(x: center, y: last))
      } else {
        canvas.line(
          [from, Point(x: center, y: last), Point(x: middle, y: last)], Ink.axis, width: 1.2)
      }
    }
    guard !blockEnd.isEmpty else { return }
    let width = max(26, canvas.textWidth(blockEnd, Self.strong) + 16)
    let box = Rect(x: middle - width / 2, y: last - 11, width: width, height: 22)
    canvas.fill(box, .white, radius: 11)
    canvas.stroke(box, Ink.text, width: 1.2, radius: 11)
    canvas.text(
      blockEnd, at: Point(x: middle, y: last + 4), Self.strong, Ink.text, anchor: .middle)
    canvas.arrow(from: Point(x: middle, y: box.bottom), to: Point(x: middle, y: last + 32))
  }

  /// By what a layer does.
  private static func color(_ layer: String) -> Color {
    let kinds: [(words: [String], color: Int)] = [
      (["depthwise"], 4), (["conv"], 0), (["pool"], 1), (["attention", "MLP", "Fourier"], 2),
      (["gate", "shuffle"], 5),
    ]
    for kind in kinds where kind.words.contains(where: layer.contains) {
      return Palette.color(kind.color)
    }
    return Ink.axis
  }
}

extension Canvas {
  /// A line with a head of two strokes.
  fileprivate func arrow(from start: Point, to end: Point) {
    line([start, end], Ink.axis, width: 1.2)
    let length = max(
      1e-9,
      ((end.x - start.x) * (end.x - start.x) + (end.y - start.y) * (end.y - start.y)).squareRoot())
    let (dx, dy) = ((end.x - start.x) / length, (end.y - start.y) / length)
    for side in [1.0, -1.0] {
      let tip = Point(x: end.x - 5 * dx + side * 3 * dy, y: end.y - 5 * dy - side * 3 * dx)
      line([tip, end], Ink.axis, width: 1.2)
    }
  }
}

extension Substring {
  fileprivate var trimmed: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
