import Foundation

/// Data drawn against two axes.
public struct Chart: Sendable {
  public var title: String
  public var x: Axis
  public var y: Axis
  public var series: [Series]
  public var legend = Legend.automatic

  public init(title: String = "", x: Axis = Axis(), y: Axis = Axis(), series: [Series] = []) {
    self.title = title
    self.x = x
    self.y = y
    self.series = series
  }

  public enum Legend: Hashable, Sendable {
    /// In the emptiest corner, or to the right of the data if it is long.
    case automatic
    case none
  }

  /// Points, a line, or both, in one colour. Later series lie on top.
  public struct Series: Sendable {
    public enum Style: Hashable, Sendable { case line, points, linePoints }

    /// For the legend; `nil` to stay out of it.
    public var name: String?
    /// Equally many. Where one is no finite number (or not positive, on a logarithmic axis), the
    /// line breaks.
    public var x, y: [Double]
    public var color: Color
    public var style = Style.line
    /// In points.
    public var width = 1.6
    public var dashed = false

    public init(
      _ name: String?, x: [Double], y: [Double], color: Color, style: Style = .line,
      width: Double = 1.6, dashed: Bool = false
    ) {
      precondition(x.count == y.count, "\(x.count) x values, but \(y.count) y values")
      self.name = name
      self.x = x
      self.y = y
      self.color = color
      self.style = style
      self.width = width
      self.dashed = dashed
    }

    /// The data as it is, faint, and on top its trend, bold: `smoothed`
    /// with `sigma`, in data points. Values that are no finite numbers are passed over.
    public static func smoothed(
      _ name: String?, x: [Double], y: [Double], color: Color, sigma: Double = 2
    ) -> [Series] {
      let known = zip(x, y).filter { $0.isFinite && $1.isFinite }
      let xs = known.map(\.0)
      let ys = known.map(\.1)
      return [
        Series(
          nil, x: xs, y: ys, color: color.with(opacity: 0.35), style: .linePoints, width: 1),
        Series(name, x: xs, y: SakerPlots.smoothed(ys, sigma: sigma), color: color, width: 2.2),
      ]
    }
  }
}

/// The trend of equally spaced values: at each, the line that fits its neighbours best, weighed by
/// a bell curve of standard deviation `sigma` (in places). Unlike a plain average it follows a
/// slope up to the ends (Cleveland, "Robust locally weighted regression", JASA 1979, without the
/// robustness).
public func smoothed(_ values: [Double], sigma: Double) -> [Double] {
  guard sigma > 0 else { return values }
  let reach = Int((3 * sigma).rounded(.up))
  return values.indices.map { center in
    // Sums of w, w d, w d^2, w v, w d v, d being the distance from the center, where the line is
    // asked for.
    var (w0, w1, w2, v0, v1) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for i in max(0, center - reach)...min(values.count - 1, center + reach) {
      let d = Double(i - center)
      let weight = exp(-0.5 * d * d / (sigma * sigma))
      w0 += weight
      w1 += weight * d
      w2 += weight * d * d
      v0 += weight * values[i]
      v1 += weight * d * values[i]
    }
    let determinant = w0 * w2 - w1 * w1
    return determinant > 1e-12 * w0 * w2 ? (w2 * v0 - w1 * v1) / determinant : v0 / w0
  }
}
