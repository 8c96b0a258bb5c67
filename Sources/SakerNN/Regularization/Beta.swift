import Foundation
import SakerTensor

extension Random {
  /// From the Beta distribution, in 0...1: X / (X + Y) of two Gamma variables, by their logarithms,
  /// which do not underflow for small parameters. Mean a / (a + b), variance ab / ((a + b)²
  /// (a + b + 1)). Stops unless both are above 0.
  public mutating func beta(_ a: Double, _ b: Double) -> Double {
    check(a > 0 && b > 0, op: "Random.beta", expected: "parameters above 0", got: (a, b))
    let (x, y) = (logGamma(a), logGamma(b))
    return 1 / (1 + exp(y - x))
  }

  /// The logarithm of a Gamma variable of scale 1. Marsaglia & Tsang, "A simple method for
  /// generating gamma variables", 2000; a shape below 1 by `Gamma(a) = Gamma(a + 1) U^(1/a)`.
  private mutating func logGamma(_ shape: Double) -> Double {
    if shape < 1 { return logGamma(shape + 1) + log(open()) / shape }
    let d = shape - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = normal()
      let v = 1 + c * x
      guard v > 0 else { continue }
      let cube = v * v * v
      if log(open()) < 0.5 * x * x + d - d * cube + d * log(cube) { return log(d) + log(cube) }
    }
  }

  /// Normally distributed. Box & Muller 1958.
  private mutating func normal() -> Double {
    (-2 * log(open())).squareRoot() * cos(2 * Double.pi * open())
  }

  /// Uniform in 0...1 without 0.
  private mutating func open() -> Double { 1 - Double(next() >> 11) * 0x1p-53 }
}
