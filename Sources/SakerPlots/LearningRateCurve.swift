/// What a search for a learning rate saw: the loss against the rate.
extension Chart {
  /// The loss of each rate, faint, its trend, bold, and a dashed line at the rate that is
  /// suggested. Rates are on a logarithmic axis. A trend that explodes at the end must not hide
  /// what came before: the axis ends a little above the first losses.
  /// - Parameters:
  ///   - losses: as many as rates, as is `smoothed`.
  public static func learningRate(
    rates: [Double], losses: [Double], smoothed: [Double], suggestion: Double? = nil
  ) -> Chart {
    var chart = Chart(
      title: "learning rate", x: Axis("learning rate", logarithmic: true), y: Axis("loss"))
    let known = smoothed.filter(\.isFinite)
    if let least = known.min(), let most = known.max(), let first = known.first, least < most {
      // Of a loss that only rises, a quarter of the rise.
      let fall = first > least ? first - least : most - least
      let top = max(first, min(most, first + 0.25 * fall))
      let room = 0.05 * (top - least)
      if room > 0 { chart.y.range = (least - room)...(top + room) }
    }
    chart.series = [
      Series(nil, x: rates, y: losses, color: Palette.color(0).with(opacity: 0.35), width: 1),
      Series(nil, x: rates, y: smoothed, color: Palette.color(0), width: 2.2),
    ]
    if let suggestion, let range = chart.y.range {
      chart.series.append(
        Series(
          "suggested  \(suggestion.tidy)", x: [suggestion, suggestion],
          y: [range.lowerBound, range.upperBound], color: Ink.axis, width: 1, dashed: true))
    }
    return chart
  }
}
