import Foundation
import SakerTensor

extension Random {
  /// In `range`, with evenly drawn logarithms: 1/2 is as likely as 2.
  mutating func logarithmic(_ range: ClosedRange<Float>) -> Float {
    exp(uniform(log(range.lowerBound)...log(range.upperBound)))
  }

  /// Uniform in 0..<1 with 53 bits.
  private mutating func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }

  private mutating func normal() -> Double {
    (-2 * log(1 - fraction())).squareRoot() * cos(2 * .pi * fraction())
  }

  /// Gamma distribution of scale 1, by Marsaglia and Tsang's method (ACM TOMS 26, 2000).
  private mutating func gamma(_ shape: Double) -> Double {
    if shape < 1 { return gamma(shape + 1) * pow(1 - fraction(), 1 / shape) }
    let d = shape - 1 / 3.0
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = normal()
      let v = pow(1 + c * x, 3)
      guard v > 0 else { continue }
      if log(1 - fraction()) < x * x / 2 + d - d * v + d * log(v) { return d * v }
    }
  }

  /// Beta distribution, 0...1; both parameters above 0.
  mutating func beta(_ a: Double, _ b: Double) -> Float {
    let (x, y) = (gamma(a), gamma(b))
    // Tiny parameters may underflow both: then either end is as good.
    return x + y > 0 ? Float(x / (x + y)) : (next() & 1 == 0 ? 0 : 1)
  }
}
