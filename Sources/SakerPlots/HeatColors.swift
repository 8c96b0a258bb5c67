/// From nothing to much: colours whose brightness only falls, so that everybody, and a printer
/// without colours, sees the same order. Stops after ColorBrewer's "YlGnBu" (Harrower and Brewer,
/// "ColorBrewer.org", Cartographic Journal 2003), which is safe for the colour-blind.
enum HeatColors {
  private static let stops: [Color] = [
    Color(0xFFFFFF), Color(0xEDF8B1), Color(0xC7E9B4), Color(0x7FCDBB), Color(0x41B6C4),
    Color(0x1D91C0), Color(0x225EA8), Color(0x253494), Color(0x081D58),
  ]

  /// - Parameter share: 0...1; what lies outside, or is no number, is taken to the nearer end.
  static func color(_ share: Double) -> Color {
    let place = (share > 0 ? min(share, 1) : 0) * Double(stops.count - 1)
    let low = min(Int(place), stops.count - 2)
    let part = place - Double(low)
    func mix(_ a: Double, _ b: Double) -> Double { a + (b - a) * part }
    let (a, b) = (stops[low], stops[low + 1])
    return Color(
      red: mix(a.red, b.red), green: mix(a.green, b.green), blue: mix(a.blue, b.blue))
  }
}

extension Canvas {
  /// A scale of `HeatColors` from `low` (below) to `high`, with a label at its right.
  func heatBar(in rect: Rect, low: String, high: String, label: String) {
    let steps = 64
    let height = rect.height / Double(steps)
    for step in 0..<steps {
      fill(
        Rect(
          x: rect.x, y: rect.bottom - Double(step + 1) * height, width: rect.width,
          height: height + 0.6), HeatColors.color((Double(step) + 0.5) / Double(steps)))
    }
    stroke(rect, Ink.axis, width: 0.8)
    let font = Chart.tickFont
    text(low, at: Point(x: rect.right + 5, y: rect.bottom), font, Ink.faint)
    text(high, at: Point(x: rect.right + 5, y: rect.y + font.size), font, Ink.faint)
    text(
      label, at: Point(x: rect.right + 6 + font.size, y: rect.y + rect.height / 2), font,
      Ink.text, anchor: .middle, upwards: true)
  }
}
