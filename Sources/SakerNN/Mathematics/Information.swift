import Foundation
import SakerTensor

/// Measures of distributions over finitely many outcomes, in nats. A distribution is a list of
/// probabilities that are not negative and add up to 1; `0 log 0` counts as 0. Each stops if that
/// or the lengths don't hold.
public enum Information {
  /// `−Σ p log p`, 0 for what is certain, `log n` for n equal chances. Shannon 1948.
  public static func entropy(_ p: [Double]) -> Double {
    require(p, "entropy")
    return -p.reduce(0) { $0 + ($1 > 0 ? $1 * log($1) : 0) }
  }

  /// `−Σ p log q`: infinite where q excludes what p allows.
  public static func crossEntropy(_ p: [Double], _ q: [Double]) -> Double {
    require(p, q, "crossEntropy")
    return -zip(p, q).reduce(0) { $0 + ($1.0 > 0 ? $1.0 * log($1.1) : 0) }
  }

  /// Kullback & Leibler's divergence `Σ p log(p/q)`, 0 for equal distributions only, infinite where
  /// q excludes what p allows: so for any two that do not overlap.
  public static func klDivergence(_ p: [Double], _ q: [Double]) -> Double {
    require(p, q, "klDivergence")
    return zip(p, q).reduce(0) { $0 + ($1.0 > 0 ? $1.0 * log($1.0 / $1.1) : 0) }
  }

  /// Jensen & Shannon's divergence, the mean of both divergences from the middle `(p + q) / 2`:
  /// symmetric, in `0...log 2`. It is `log 2` for any two distributions that do not overlap,
  /// however far apart, so that it has no gradient there.
  public static func jsDivergence(_ p: [Double], _ q: [Double]) -> Double {
    require(p, q, "jsDivergence")
    let middle = zip(p, q).map { ($0 + $1) / 2 }
    func half(_ p: [Double]) -> Double {
      zip(p, middle).reduce(0) { $0 + ($1.0 > 0 ? $1.0 * log($1.0 / $1.1) : 0) } / 2
    }
    return half(p) + half(q)
  }

  /// The earth mover's distance of two distributions over the places 0, 1, …: `Σ |P − Q|` of
  /// the cumulated probabilities. Grows with how far apart they are, also where the divergences
  /// no longer change.
  public static func wasserstein1(_ p: [Double], _ q: [Double]) -> Double {
    require(p, q, "wasserstein1")
    var (difference, total) = (0.0, 0.0)
    for (a, b) in zip(p, q) {
      difference += a - b
      total += abs(difference)
    }
    return total
  }

  /// What each of two variables says about the other, `Σ p(x, y) log(p(x, y) / (p(x) p(y)))`, from
  /// the table of the probabilities of pairs: 0 for independent ones.
  public static func mutualInformation(_ joint: [[Double]]) -> Double {
    check(
      Set(joint.map(\.count)).count == 1, op: "mutualInformation", expected: "rows of one length",
      got: joint.map(\.count))
    require(joint.flatMap { $0 }, "mutualInformation")
    let rows = joint.map { $0.reduce(0, +) }
    let columns = joint[0].indices.map { column in joint.reduce(0) { $0 + $1[column] } }
    var total = 0.0
    for (i, row) in joint.enumerated() {
      for (j, p) in row.enumerated() where p > 0 { total += p * log(p / (rows[i] * columns[j])) }
    }
    return total
  }

  private static func require(_ p: [Double], _ name: String) {
    check(
      p.allSatisfy { $0 >= 0 } && abs(p.reduce(0, +) - 1) < 1e-6, op: name,
      expected: "probabilities that add up to 1", got: p)
  }

  private static func require(_ p: [Double], _ q: [Double], _ name: String) {
    check(
      p.count == q.count, op: name, expected: "two distributions of the same outcomes",
      got: "\(p.count) and \(q.count)")
    require(p, name)
    require(q, name)
  }
}

/// Choosing among models by fit and size: the smaller the better; only differences on the same
/// data mean anything.
public enum ModelCriterion {
  /// Akaike's criterion `2 k − 2 log L`, k parameters and L the largest likelihood. Akaike 1974.
  public static func aic(logLikelihood: Double, parameters: Int) -> Double {
    2 * Double(parameters) - 2 * logLikelihood
  }

  /// Schwarz's criterion `k log n − 2 log L` for n samples. A parameter costs more than Akaike's 2
  /// once n > e² = 7.39, so from 8 samples on. Schwarz 1978.
  public static func bic(logLikelihood: Double, parameters: Int, samples: Int) -> Double {
    check(samples > 0, op: "bic", expected: "at least one sample", got: samples)
    return Double(parameters) * log(Double(samples)) - 2 * logLikelihood
  }
}
