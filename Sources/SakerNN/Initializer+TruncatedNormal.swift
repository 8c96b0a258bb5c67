import Foundation
import SakerTensor

extension Initializer {
  /// A normal distribution of which only `range` is drawn. As in
  /// `torch.nn.init.trunc_normal_` the bounds are values, not multiples of the deviation, and
  /// the variance is smaller than `deviation²`.
  /// - Parameters:
  ///   - deviation: positive.
  ///   - range: not a single value; it may lie anywhere, also far out in a tail.
  public static func truncatedNormal(
    mean: Float = 0, deviation: Float = 1, in range: ClosedRange<Float> = -2...2
  ) -> Initializer {
    check(
      deviation > 0 && range.lowerBound < range.upperBound, op: "Initializer.truncatedNormal",
      expected: "a positive deviation and a range with an inside", got: (deviation, range))
    let (mean64, deviation64) = (Double(mean), Double(deviation))
    let source = TruncatedNormal(
      (Double(range.lowerBound) - mean64) / deviation64,
      (Double(range.upperBound) - mean64) / deviation64)
    return Initializer { shape, random in
      Tensor(shape, of: Float.self) { elements in
        for i in elements.indices {
          let value = Float(mean64 + deviation64 * source.draw(&random))
          // Rounding may have gone over the edge.
          elements[i] = min(max(value, range.lowerBound), range.upperBound)
        }
      }
    }
  }
}

/// Standard normal numbers between two bounds, by rejection: of proposals as near to the wanted
/// density as the place allows. After Robert, "Simulation of truncated normal variables",
/// Statistics and Computing 1995.
struct TruncatedNormal {
  private enum Proposal {
    case normal, uniform, tail
  }

  private let low, high: Double
  /// Whether the bounds are those wanted, with the other sign.
  private let isMirrored: Bool
  private let proposal: Proposal

  init(_ low: Double, _ high: Double) {
    // A tail is always the right one.
    isMirrored = high < 0
    (self.low, self.high) = isMirrored ? (-high, -low) : (low, high)
    if self.low <= 0 {
      // Which of the two is accepted more often.
      proposal = self.high - self.low > (2 * Double.pi).squareRoot() ? .normal : .uniform
    } else if self.low < 0.5 {
      proposal = self.high > 2.5 ? .normal : .uniform
    } else {
      // Across the range the density falls by a factor of e^-fall.
      let fall = (self.high * self.high - self.low * self.low) / 2
      proposal = fall < 2 ? .uniform : .tail
    }
  }

  func draw(_ random: inout Random) -> Double {
    while true {
      if let x = propose(&random), x >= low, x <= high { return isMirrored ? -x : x }
    }
  }

  /// A proposal, unless it is rejected at once.
  private func propose(_ random: inout Random) -> Double? {
    switch proposal {
    case .normal:
      return Double(Initializer.normalPair(&random).0)
    case .uniform:
      let x = low + (high - low) * TruncatedNormal.uniform(&random)
      let top = max(low, 0)
      return TruncatedNormal.uniform(&random) <= exp((top * top - x * x) / 2) ? x : nil
    case .tail:
      // Rayleigh's distribution from `low` on, x exp(−x²/2), of which the share low / x is
      // kept. Marsaglia 1964.
      let x = (low * low - 2 * log(1 - TruncatedNormal.uniform(&random))).squareRoot()
      return TruncatedNormal.uniform(&random) * x <= low ? x : nil
    }
  }

  /// In 0..<1, with 53 random bits: tails need them.
  private static func uniform(_ random: inout Random) -> Double {
    Double(random.next() >> 11) * 0x1p-53
  }
}
