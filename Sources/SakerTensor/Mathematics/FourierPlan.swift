import CKernels
import Foundation
import Synchronization

/// How lines of n complex numbers are transformed: by the factors 2, 3, 4, 5 in Stockham's form or,
/// where n has others, as a convolution of a length that has only these (Bluestein 1970). Roots are
/// computed in double precision.
final class FourierPlan: Sendable {
  let length: Int
  /// Factors of the length that is transformed: `length`, or a power of two for Bluestein's form.
  private let factors: [Int32]
  private let roots: [Double]
  private let chirp: [Double]?
  private let filter: [Double]?

  private init(_ n: Int) {
    length = n
    if let own = FourierPlan.factors(of: n) {
      (factors, roots, chirp, filter) = (own, FourierPlan.roots(n), nil, nil)
      return
    }
    var m = 1
    while m < 2 * n - 1 { m *= 2 }
    factors = FourierPlan.factors(of: m) ?? []
    roots = FourierPlan.roots(m)
    // exp(-πi k²/n): k² is taken modulo 2n first, or its digits would be lost.
    var chirp = [Double](repeating: 0, count: 2 * n)
    var wrapped = [Double](repeating: 0, count: 2 * m)
    for k in 0..<n {
      let root = FourierPlan.root(k * k % (2 * n), of: 2 * n)
      (chirp[2 * k], chirp[2 * k + 1]) = root
      for at in Set([k, (m - k) % m]) {
        (wrapped[2 * at], wrapped[2 * at + 1]) = (root.0, -root.1)
      }
    }
    self.chirp = chirp
    var filter = [Double](repeating: 0, count: 2 * m)
    let space = [Double](repeating: 0, count: 32 * m)
    FourierPlan.withPlain(m, factors, roots) { plain in
      var space = space
      saker_fourier_f64(plain, wrapped, &filter, &space)
    }
    self.filter = filter.map { $0 / Double(m) }
  }

  /// Calls `body` with the description that the kernels read.
  func with<R>(_ body: (saker_fourier_line) -> R) -> R {
    FourierPlan.withPlain(roots.count / 2, factors, roots) { plain in
      guard let chirp, let filter else {
        return body(saker_fourier_line(n: length, plain: plain, chirp: nil, filter: nil))
      }
      return chirp.withUnsafeBufferPointer { chirp in
        filter.withUnsafeBufferPointer { filter in
          body(
            saker_fourier_line(
              n: length, plain: plain, chirp: chirp.baseAddress, filter: filter.baseAddress))
        }
      }
    }
  }

  private static func withPlain<R>(
    _ n: Int, _ factors: [Int32], _ roots: [Double], _ body: (saker_fourier) -> R
  ) -> R {
    factors.withUnsafeBufferPointer { factors in
      roots.withUnsafeBufferPointer { roots in
        body(
          saker_fourier(
            n: n, factors: Int32(factors.count), radix: factors.baseAddress,
            roots: roots.baseAddress))
      }
    }
  }

  private static func factors(of n: Int) -> [Int32]? {
    var (rest, result) = (n, [Int32]())
    for factor in [4, 2, 3, 5] {
      while rest % factor == 0 {
        result.append(Int32(factor))
        rest /= factor
      }
    }
    return rest == 1 ? result : nil
  }

  private static func roots(_ n: Int) -> [Double] {
    (0..<n).flatMap { k in
      let root = root(k, of: n)
      return [root.0, root.1]
    }
  }

  /// exp(-2πi k/n), exact at the multiples of a quarter circle.
  private static func root(_ k: Int, of n: Int) -> (Double, Double) {
    let eighth = 8 * k
    switch eighth {
    case 0: return (1, 0)
    case 2 * n: return (0, -1)
    case 4 * n: return (-1, 0)
    case 6 * n: return (0, 1)
    default:
      let angle = 2 * Double.pi * Double(k) / Double(n)
      return (cos(angle), -sin(angle))
    }
  }

  // MARK: - Plans made before

  private static let plans = Mutex<[Int: FourierPlan]>([:])

  static func of(_ n: Int) -> FourierPlan {
    if let plan = plans.withLock({ $0[n] }) { return plan }
    let plan = FourierPlan(n)
    plans.withLock { plans in
      // A program that meets ever new lengths shall not keep them all.
      if plans.count >= 64 { plans.removeAll() }
      plans[n] = plan
    }
    return plan
  }
}
