import SakerTensor

/// How far computed sums may be from the exact ones: the one place that tolerances of numeric tests
/// come from. docs/testing.md, "Tolerances", derives the formula.
public enum Rounding {
  /// How a kernel adds up the products of a result.
  public enum Kernel: Hashable, Sendable {
    /// One after another, or in any other order: no order that is in use is worse.
    case chain
    /// In chains of at most `length`, whose sums are added up.
    case parts(length: Int)
    /// By tiles of 4 or 2 results a side and what is left of them; docs/winograd.md.
    case winograd(tile: Int)

    /// How much larger the numbers are that a kernel adds up than what comes out.
    fileprivate var amplification: Double {
      guard case .winograd(let tile) = self else { return 1 }
      return (1...tile).map { Rounding.winogradAmplification[$0 - 1].double }.max()!
    }

    /// The roundings that a sum of `terms` products goes through, as far as they count.
    fileprivate func roundings(_ terms: Int) -> Int {
      switch self {
      case .chain: terms
      case .parts(let length): min(terms, length) + terms / length
      // 256 of the products, 128 of the tiles of a weight's gradient; and the transforms' own.
      case .winograd: Kernel.parts(length: 256).roundings(terms) + Rounding.transforms
      }
    }
  }

  /// Amplification of tiles of 1, 2, 3 and 4 results a side, in two dimensions:
  /// `WinogradMathematicsTests` derives them.
  public static let winogradAmplification = [
    Rational(7, 3), Rational(5, 3), 6, Rational(6205, 576),
  ]

  /// Roundings of the transforms of a tile, its weights and its results, as many as a sum of
  /// so many terms has.
  static let transforms = 9

  /// Half the distance between 1 and the next number of a type: a rounding's largest relative
  /// error.
  public static func unit(_ dtype: DType) -> Double {
    switch dtype {
    case .bfloat16: 0x1p-8
    case .float16: 0x1p-11
    default: 0x1p-24
    }
  }

  /// The largest root mean square of errors that rounding explains, relative to the root mean
  /// square of exact results: sums of `terms` products of numbers whose signs are mixed. The same
  /// number, relative to the largest result, bounds each error.
  ///
  /// Wrong code is off by far more: a term left out of n changes a result by 1/√n of it.
  public static func bound(
    terms: Int, _ kernel: Kernel = .chain, unit dtype: DType = .float32
  ) -> Double {
    unit(dtype) * kernel.amplification * Double(kernel.roundings(max(1, terms))).squareRoot()
  }

  /// The same for a network of layers with these weights, one behind the other, that neither
  /// enlarges nor damps errors: each layer's errors are independent of the others', so their
  /// squares add up. Layers of 3x3 count as Winograd's.
  public static func bound(through weights: [Shape]) -> Double {
    weights.filter { $0.rank > 1 }.map { shape -> Double in
      let terms = shape.elements / shape[0]
      let isSquare = shape.rank == 4 && shape[2] == 3 && shape[3] == 3
      let one = isSquare ? bound(terms: shape[1], .winograd(tile: 4)) : bound(terms: terms)
      return one * one
    }.reduce(0, +).squareRoot()
  }

  /// The largest error of a whole network, of which one float32 computation by direct kernels,
  /// elsewhere, is off by `error`: that tells how far this network enlarges rounding. Four times it
  /// for another draw of the roundings, times what tiles of 4 make of a sum over channels against
  /// the sum of nine times as many products.
  public static func bound(enlarged error: Float) -> Float {
    4 * error * Float(winogradAmplification[3].double / 3)
  }
}
