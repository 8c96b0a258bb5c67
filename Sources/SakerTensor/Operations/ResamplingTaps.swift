import Foundation

/// How values between elements are found when a tensor changes its size.
public enum ResamplingMode: String, CaseIterable, Sendable {
  /// The element at `i * in / out`, rounded down.
  case nearest
  /// The element whose centre is nearest: at `(i + 1/2) * in / out`.
  case nearestExact
  /// Linear between neighbours: bilinear on pictures, trilinear in volumes.
  case linear
  /// Keys's cubic with a = -3/4 over four neighbours: bicubic on pictures.
  case cubic
  /// Means over windows that cover the axis, as adaptive average pooling has them.
  case area
}

/// Which elements of an axis, and how much of each, make each of the results: the same both ways,
/// for the gradient.
struct ResamplingTaps: Sendable {
  /// Sums one after the other: those of result `o` are `starts[o]..<starts[o + 1]`.
  struct Table: Sendable {
    var starts: [Int32] = [0]
    var index: [Int32] = []
    var weight: [Float] = []
  }
  let input, output: Int
  let forward, backward: Table

  /// - Parameter scale: results per element, where the caller gave it; else `output / input`.
  init(
    _ input: Int, _ output: Int, scale: Double?, _ mode: ResamplingMode, aligningCorners: Bool,
    antialias: Bool
  ) {
    self.input = input
    self.output = output
    let step =
      aligningCorners
      ? (output > 1 ? Double(input - 1) / Double(output - 1) : 0)
      : scale.map { 1 / $0 } ?? Double(input) / Double(output)
    var rows: [[(index: Int, weight: Double)]] = []
    for o in 0..<output {
      let center = aligningCorners ? Double(o) * step : (Double(o) + 0.5) * step - 0.5
      switch mode {
      case .nearest:
        // In single precision, as the field computes it.
        rows.append([(min(Int(Float(o) * Float(step)), input - 1), 1)])
      case .nearestExact:
        rows.append([(min(Int((Float(o) + 0.5) * Float(step)), input - 1), 1)])
      case .area:
        let (first, end) = (o * input / output, ((o + 1) * input + output - 1) / output)
        rows.append((first..<end).map { ($0, 1 / Double(end - first)) })
      case .linear, .cubic:
        rows.append(
          antialias
            ? ResamplingTaps.filtered(
              input, (Double(o) + 0.5) * step, mode, spread: max(step, 1))
            : mode == .linear
              ? ResamplingTaps.linear(input, max(center, 0))
              : ResamplingTaps.cubic(input, center))
      }
    }
    forward = Table(rows)
    var columns = [[(index: Int, weight: Double)]](repeating: [], count: input)
    for (o, row) in rows.enumerated() {
      for tap in row { columns[tap.index].append((o, tap.weight)) }
    }
    backward = Table(columns)
  }

  private static func linear(_ size: Int, _ at: Double) -> [(Int, Double)] {
    let low = min(Int(at), size - 1)
    let part = min(max(at - Double(low), 0), 1)
    return [(low, 1 - part), (min(low + 1, size - 1), part)]
  }

  private static func cubic(_ size: Int, _ at: Double) -> [(Int, Double)] {
    let low = at.rounded(.down)
    return (-1...2).map { step in
      let index = min(max(Int(low) + step, 0), size - 1)
      return (index, keys(low + Double(step) - at, a: -0.75))
    }
  }

  /// Keys, "Cubic convolution interpolation for digital image processing", 1981.
  private static func keys(_ distance: Double, a: Double) -> Double {
    let x = abs(distance)
    if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
  }

  /// The filter widened by `spread`, so that a smaller picture sees all of the larger one; its
  /// taps sum up to 1.
  private static func filtered(
    _ size: Int, _ center: Double, _ mode: ResamplingMode, spread: Double
  ) -> [(Int, Double)] {
    let support = (mode == .linear ? 1 : 2) * spread
    let first = max(Int(center - support + 0.5), 0)
    let end = min(Int(center + support + 0.5), size)
    let weights = (first..<max(end, first)).map { i -> Double in
      let x = (Double(i) - center + 0.5) / spread
      return mode == .linear ? max(0, 1 - abs(x)) : keys(x, a: -0.5)
    }
    let sum = weights.reduce(0, +)
    return zip(first..<max(end, first), weights).map { ($0, $1 / sum) }
  }
}

extension ResamplingTaps.Table {
  /// Taps of one element are added up; those of weight 0 go, so that infinities do not reach where
  /// they have no part.
  init(_ rows: [[(index: Int, weight: Double)]]) {
    for row in rows {
      var sums: [(index: Int, weight: Double)] = []
      for tap in row where tap.weight != 0 {
        if let known = sums.firstIndex(where: { $0.index == tap.index }) {
          sums[known].weight += tap.weight
        } else {
          sums.append(tap)
        }
      }
      index += sums.map { Int32($0.index) }
      weight += sums.map { Float($0.weight) }
      starts.append(Int32(index.count))
    }
  }
}
