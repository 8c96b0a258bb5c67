import SakerMetrics

extension ConfusionMatrix {
  /// What was taken for what: a column for each true class, a row for each predicted one; the
  /// darker, the more.
  ///
  /// Cells show their number while there are at most 30 classes, names stand at every row while
  /// they have room, else at every second, third and so on.
  /// - Parameter normalized: shares of each column (0...1) instead of counts. Counts are coloured
  ///   by the square root, or the most frequent class would leave all others white.
  public func drawing(normalized isNormalized: Bool) -> Drawing {
    let size = names.count
    let cell = max(7, min(64, 520 / Double(max(1, size))))
    let side = cell * Double(max(1, size))
    let longest = min(150.0, Double(names.map(\.count).max() ?? 0) * 5.6 + 8)
    let left = longest + 34
    let (top, bottom) = (40.0, longest + 34)
    return Drawing(width: left + side + 84, height: top + max(side, 120) + bottom) { canvas in
      let plot = Rect(x: left, y: top, width: side, height: side)
      let title = isNormalized ? "confusion matrix, share of each true class" : "confusion matrix"
      canvas.text(
        canvas.fitted(title, Chart.titleFont, width: canvas.width - 16),
        at: Point(x: canvas.width / 2, y: 24), Chart.titleFont, Ink.text, anchor: .middle)
      drawCells(on: canvas, plot, cell, isNormalized)
      canvas.stroke(plot, Ink.axis, width: 1)
      drawNames(on: canvas, plot, cell, width: longest)
      let most = counts.flatMap(\.self).max() ?? 0
      canvas.heatBar(
        in: Rect(x: plot.right + 18, y: plot.y, width: 12, height: max(plot.height, 60)),
        low: "0", high: isNormalized ? "1" : "\(most)",
        label: isNormalized ? "share of the column" : "count")
    }
  }

  private func drawCells(on canvas: Canvas, _ plot: Rect, _ cell: Double, _ isNormalized: Bool) {
    let shares = normalized
    let most = Double(max(1, counts.flatMap(\.self).max() ?? 1))
    let font = Font(size: max(6.5, min(11, cell * 0.24)))
    for (row, line) in counts.enumerated() {
      for (column, count) in line.enumerated() {
        let share = shares[row][column]
        let color = HeatColors.color(isNormalized ? share : (Double(count) / most).squareRoot())
        let place = Rect(
          x: plot.x + Double(column) * cell, y: plot.y + Double(row) * cell, width: cell,
          height: cell)
        if count > 0 { canvas.fill(place, color) }
        canvas.stroke(place, Ink.grid, width: 0.5)
        guard cell >= 17, count > 0 else { continue }
        let text = isNormalized ? share.fixed(2) : "\(count)"
        guard canvas.textWidth(text, font) <= cell else { continue }
        canvas.text(
          text, at: Point(x: place.x + cell / 2, y: place.y + cell / 2 + font.size * 0.36), font,
          color.readableText, anchor: .middle)
      }
    }
  }

  private func drawNames(on canvas: Canvas, _ plot: Rect, _ cell: Double, width: Double) {
    let font = Chart.tickFont
    let every = max(1, Int((11 / cell).rounded(.up)))
    for (index, name) in names.enumerated() where index.isMultiple(of: every) {
      let middle = (Double(index) + 0.5) * cell + font.size * 0.36
      let text = canvas.fitted(name, font, width: width)
      canvas.text(
        text, at: Point(x: plot.x - 5, y: plot.y + middle), font, Ink.text, anchor: .end)
      canvas.text(
        text, at: Point(x: plot.x + middle, y: plot.bottom + 6), font, Ink.text, anchor: .end,
        upwards: true)
    }
    canvas.text(
      "true", at: Point(x: plot.x + plot.width / 2, y: canvas.height - 8), Chart.labelFont,
      Ink.text, anchor: .middle)
    canvas.text(
      "predicted", at: Point(x: 16, y: plot.y + plot.height / 2), Chart.labelFont, Ink.text,
      anchor: .middle, upwards: true)
  }
}
