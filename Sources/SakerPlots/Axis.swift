import Foundation

/// One direction of a chart.
public struct Axis: Hashable, Sendable {
  public var label: String
  /// What the axis shows; `nil` for all data with a little room.
  public var range: ClosedRange<Double>?
  /// Equal factors at equal distances. Values that are not positive are not drawn.
  public var logarithmic: Bool
  /// Only whole numbers get a tick (epochs, counts).
  public var whole: Bool

  public init(
    _ label: String = "", range: ClosedRange<Double>? = nil, logarithmic: Bool = false,
    whole: Bool = false
  ) {
    self.label = label
    self.range = range
    self.logarithmic = logarithmic
    self.whole = whole
  }
}

/// An axis whose range is settled: maps values to a place between 0 and 1, and knows its ticks.
struct Scale: Hashable {
  let low, high: Double
  let logarithmic: Bool
  let whole: Bool

  /// For an axis that shows `values`; what cannot be shown is passed over.
  init(_ axis: Axis, values: some Sequence<Double>) {
    logarithmic = axis.logarithmic
    whole = axis.whole
    if let range = axis.range, !axis.logarithmic || range.lowerBound > 0 {
      (low, high) = Self.widened(range.lowerBound, range.upperBound, logarithmic)
      return
    }
    var least = Double.infinity
    var most = -Double.infinity
    for value in values where value.isFinite && (!axis.logarithmic || value > 0) {
      least = min(least, value)
      most = max(most, value)
    }
    guard least <= most else {
      (low, high) = logarithmic ? (0.1, 1) : (0, 1)
      return
    }
    if axis.logarithmic {
      let room = pow(most / least, 0.04)
      (low, high) = Self.widened(least / room, most * room, true)
    } else if least >= 0, least < 0.3 * most {
      // Close enough to zero to show it: heights then compare as they are.
      (low, high) = Self.widened(0, most * 1.05, false)
    } else {
      let room = (most - least) * 0.05
      (low, high) = Self.widened(least - room, most + room, false)
    }
  }

  private static func widened(_ a: Double, _ b: Double, _ logarithmic: Bool) -> (Double, Double) {
    if b > a { return (a, b) }
    if logarithmic { return (a / 2, a * 2) }
    let room = a == 0 ? 1 : abs(a) * 0.1
    return (a - room, a + room)
  }

  /// 0 at the low end, 1 at the high end; `nil` for what has no place.
  func place(_ value: Double) -> Double? {
    guard value.isFinite else { return nil }
    if logarithmic { return value > 0 ? log(value / low) / log(high / low) : nil }
    return (value - low) / (high - low)
  }

  /// About `count` round values inside the range.
  func ticks(_ count: Int) -> [Double] {
    logarithmic ? decadeTicks(count) : linearTicks(count)
  }

  /// Steps of 1, 2 or 5 times a power of ten. After Heckbert, "Nice numbers for graph labels",
  /// Graphics Gems, 1990.
  private func linearTicks(_ count: Int) -> [Double] {
    let raw = (high - low) / Double(max(1, count))
    let power = pow(10, log10(raw).rounded(.down))
    let digit = raw / power
    var step = (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10) * power
    if whole { step = max(1, step.rounded()) }
    // Rounding of low / step must not lose a tick on the border.
    let first = (low / step - 1e-9).rounded(.up)
    let last = (high / step + 1e-9).rounded(.down)
    guard last >= first, last - first < 1000 else { return [] }
    return stride(from: first, through: last, by: 1).map { $0 * step + 0 }  // + 0: never -0
  }

  /// Powers of ten, or their 1, 2 and 5 fold if there are few.
  private func decadeTicks(_ count: Int) -> [Double] {
    let (first, last) = (log10(low).rounded(.down), log10(high).rounded(.up))
    let decades = log10(high / low)
    let every = max(1, (decades / Double(max(1, count))).rounded(.up))
    let digits: [Double] = decades < 2.5 ? [1, 2, 5] : [1]
    let powers = Array(stride(from: first, through: last, by: every))
    let all = powers.flatMap { power in digits.map { digit in digit * pow(10, power) } }
    return all.filter { $0 >= low * (1 - 1e-9) && $0 <= high * (1 + 1e-9) }
  }

  /// Ticks as text, with as many decimals as they need to differ.
  func texts(_ ticks: [Double]) -> [String] {
    guard !logarithmic, ticks.count > 1 else { return ticks.map(\.tidy) }
    let step = ticks[1] - ticks[0]
    let most = max(abs(ticks[0]), abs(ticks[ticks.count - 1]))
    guard most < 1e6, step >= 1e-4 else {
      return ticks.map { abs($0) < step / 2 ? "0" : $0.tidy }
    }
    let decimals = max(0, Int((-log10(step) - 1e-9).rounded(.up)))
    return ticks.map { $0.fixed(decimals) }
  }
}
