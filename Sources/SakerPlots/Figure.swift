import Foundation
import SakerData

/// Charts in a grid, drawn to a picture or a file.
public struct Figure: Sendable {
  public var title: String
  public var charts: [Chart]
  /// `nil` for about as many columns as rows.
  public var columns: Int?
  /// Size of one chart, in points.
  public var chartWidth = 400.0
  public var chartHeight = 300.0

  public init(title: String = "", _ charts: [Chart], columns: Int? = nil) {
    self.title = title
    self.charts = charts
    self.columns = columns
  }

  /// With `scale` pixels a point.
  public func picture(scale: Double = 2) throws -> Picture {
    try drawn(.png, scale: scale).picture()
  }

  /// Writes a PNG (2 pixels a point unless `scale` says otherwise), PDF or SVG file, by the end of
  /// the name, whole or not at all. Throws `PlotError` naming the file.
  public func write(to path: String, scale: Double = 2) throws {
    let ending = path.split(separator: "/").last?.split(separator: ".").last?.lowercased() ?? ""
    guard let kind = Canvas.Kind(rawValue: ending) else {
      throw PlotError(file: path, "expected a name that ends in .png, .pdf or .svg")
    }
    let bytes: [UInt8]
    do {
      bytes = try drawn(kind, scale: kind == .png ? scale : 1).encoded()
    } catch let error as PlotError {
      throw PlotError(file: path, error.problem)
    }
    try writeAtomically(bytes, to: path)
  }

  func drawn(_ kind: Canvas.Kind, scale: Double) throws -> Canvas {
    let count = max(1, charts.count)
    let across = max(1, min(columns ?? Int(Double(count).squareRoot().rounded(.up)), count))
    let down = (count + across - 1) / across
    let top = title.isEmpty ? 4 : 36.0
    let margin = 6.0
    let canvas = try Canvas(
      kind, width: Double(across) * chartWidth + 2 * margin,
      height: top + Double(down) * chartHeight + margin, scale: scale)
    canvas.fill(.white)
    if !title.isEmpty {
      canvas.text(
        title, at: Point(x: canvas.width / 2, y: 25), Font(size: 16, bold: true), Ink.text,
        anchor: .middle)
    }
    for (index, chart) in charts.enumerated() {
      chart.draw(
        on: canvas,
        in: Rect(
          x: margin + Double(index % across) * chartWidth,
          y: top + Double(index / across) * chartHeight, width: chartWidth, height: chartHeight
        ).inset(4))
    }
    return canvas
  }
}

extension Chart {
  /// A figure of this chart alone, `width` by `height` points.
  public func figure(width: Double = 600, height: Double = 420) -> Figure {
    var figure = Figure([self])
    figure.chartWidth = width
    figure.chartHeight = height
    return figure
  }

  /// See `Figure.write`.
  public func write(to path: String, width: Double = 600, height: Double = 420) throws {
    try figure(width: width, height: height).write(to: path)
  }
}
