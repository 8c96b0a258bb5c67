import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

@Suite struct MathematicsTests {
  // MARK: - Splines

  private struct SplineCase: Decodable {
    let ends: String
    let x, y, at: [Double]
    let values: [[Double]]
  }

  /// SciPy's values and derivatives. `values` begins with the curve, then its first to
  /// third derivative.
  @Test func splinesAreSciPys() throws {
    let data = try Data(contentsOf: Fixtures.url("golden/splines.json"))
    let cases = try JSONDecoder().decode([SplineCase].self, from: data)
    #expect(cases.count == 15)
    for golden in cases {
      let ends: CubicSpline.Ends =
        switch golden.ends {
        case "natural": .natural
        case "clamped": .clamped(0.7, -1.3)
        default: .notAKnot
        }
      let spline = CubicSpline(golden.x, golden.y, ends: ends)
      for (derivative, values) in golden.values.enumerated() {
        let scale = max(1, values.map { abs($0) }.max() ?? 1)
        // The third derivative jumps at the points themselves, the first numbers of `at`.
        let skipped = derivative == 3 ? golden.x.count : 0
        for (at, value) in zip(golden.at, values).dropFirst(skipped) {
          let error = abs(spline(at, derivative: derivative) - value)
          #expect(error <= 1e-12 * scale, "\(golden.ends) \(golden.x.count) at \(at)")
        }
      }
    }
  }

  /// 4 n − 2 equations leave two open (E61): three kinds of ends, three curves through the same
  /// points.
  @Test func theEndsSettleTwoEquations() {
    let (x, y) = ([0.0, 1, 2, 3], [0.0, 1, 8, 27])
    let natural = CubicSpline(x, y, ends: .natural)
    let clamped = CubicSpline(x, y, ends: .clamped(0, 27))
    let free = CubicSpline(x, y)
    for (a, b) in zip(x, y) {
      for spline in [natural, clamped, free] { #expect(abs(spline(a) - b) < 1e-12) }
    }
    #expect(abs(natural(0, derivative: 2)) < 1e-12 && abs(natural(3, derivative: 2)) < 1e-12)
    // x³ has these slopes and no knots: both find it.
    for t in [0.3, 1.5, 2.9] {
      #expect(abs(clamped(t) - t * t * t) < 1e-12 && abs(free(t) - t * t * t) < 1e-12)
      #expect(abs(natural(t) - t * t * t) > 1e-3)
    }
  }

  /// Runge's phenomenon (E61): a polynomial through equidistant points of 1/(1 + 25x²) swings ever
  /// wider, splines do not.
  @Test func polynomialsSwingSplinesDoNot() {
    func runge(_ x: Double) -> Double { 1 / (1 + 25 * x * x) }
    func errors(_ count: Int) -> (polynomial: Double, spline: Double) {
      let step = 2 / Double(count - 1)
      let x: [Double] = (0..<count).map { index in step * Double(index) - 1 }
      let y = x.map(runge)
      let spline = CubicSpline(x, y)
      func lagrange(_ t: Double) -> Double {
        x.indices.reduce(0) { sum, i in
          sum + x.indices.reduce(y[i]) { $1 == i ? $0 : $0 * (t - x[$1]) / (x[i] - x[$1]) }
        }
      }
      let points = (0...400).map { -1 + Double($0) / 200 }
      return (
        points.map { abs(lagrange($0) - runge($0)) }.max() ?? 0,
        points.map { abs(spline($0) - runge($0)) }.max() ?? 0
      )
    }
    let (few, many) = (errors(11), errors(21))
    #expect(many.polynomial > 10 * few.polynomial && many.polynomial > 50)
    #expect(many.spline < few.spline && many.spline < 0.005)
  }

  @Test func splinesOfBadPointsStop() async {
    for points in [[0.0], [1, 0]] {
      expectStopped(
        saying: "CubicSpline: expected at least two points, x increasing, all finite",
        await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
          [points = points as [Double]] in
          _ = CubicSpline(points, points.map { _ in 0 })
        })
    }
    // Not captured: what is no number can't be sent to the other process.
    expectStopped(
      saying: "CubicSpline: expected at least two points, x increasing, all finite",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = CubicSpline([0, .nan], [0, 0])
      })
  }

  // MARK: - Information

  /// SciPy's and scikit-learn's numbers, in nats.
  @Test func informationIsSciPys() throws {
    struct Golden: Decodable {
      let p, q: [Double]
      let joint: [[Double]]
      let entropy, crossEntropy, kl, js, wasserstein, mutual: Double
    }
    let data = try Data(contentsOf: Fixtures.url("golden/information.json"))
    let cases = try JSONDecoder().decode([Golden].self, from: data)
    #expect(cases.count == 4)
    for golden in cases {
      func close(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-12 * max(1, abs(b)) }
      #expect(close(Information.entropy(golden.p), golden.entropy))
      #expect(close(Information.crossEntropy(golden.p, golden.q), golden.crossEntropy))
      #expect(close(Information.klDivergence(golden.p, golden.q), golden.kl))
      #expect(close(Information.jsDivergence(golden.p, golden.q), golden.js))
      #expect(close(Information.wasserstein1(golden.p, golden.q), golden.wasserstein))
      #expect(close(Information.mutualInformation(golden.joint), golden.mutual))
    }
  }

  @Test func informationByHand() {
    #expect(Information.entropy([1, 0, 0]) == 0)
    #expect(abs(Information.entropy([0.25, 0.25, 0.25, 0.25]) - log(4)) < 1e-15)
    let (p, q) = ([0.5, 0.3, 0.2], [0.2, 0.2, 0.6])
    let excess = Information.crossEntropy(p, q) - Information.entropy(p)
    #expect(abs(Information.klDivergence(p, q) - excess) < 1e-15)
    #expect(Information.klDivergence([0.5, 0.5], [1, 0]) == .infinity)
    #expect(Information.klDivergence([1, 0], [0.5, 0.5]) == log(2))
    // Equal variables say all about each other, independent ones nothing.
    #expect(abs(Information.mutualInformation([[0.5, 0], [0, 0.5]]) - log(2)) < 1e-15)
    #expect(abs(Information.mutualInformation([[0.12, 0.28], [0.18, 0.42]])) < 1e-15)
  }

  /// Apart, JS stays at log 2 and KL is infinite, however far; the earth mover's distance
  /// still grows (E73).
  @Test func onlyWassersteinTellsFarFromFarther() {
    func point(_ place: Int) -> [Double] { (0..<8).map { $0 == place ? 1 : 0 } }
    for place in 1..<8 {
      #expect(Information.jsDivergence(point(0), point(place)) == log(2))
      #expect(Information.klDivergence(point(0), point(place)) == .infinity)
      #expect(Information.wasserstein1(point(0), point(place)) == Double(place))
    }
  }

  @Test func whatIsNoDistributionStops() async {
    expectStopped(
      saying: "entropy: expected probabilities that add up to 1",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Information.entropy([0.5, 0.4])
      })
    expectStopped(
      saying: "klDivergence: expected two distributions of the same outcomes",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Information.klDivergence([1], [0.5, 0.5])
      })
  }

  // MARK: - Choosing models

  /// A parameter costs more by Schwarz's criterion than by Akaike's from 8 samples on,
  /// as e² = 7.39 (E60).
  @Test func schwarzIsStricterFromEightSamples() {
    for n in 1...100 {
      let cost =
        ModelCriterion.bic(logLikelihood: -3, parameters: 5, samples: n)
        - ModelCriterion.aic(logLikelihood: -3, parameters: 5)
      #expect((cost > 0) == (n >= 8), "\(n) samples")
    }
    #expect(ModelCriterion.aic(logLikelihood: -12.5, parameters: 3) == 31)
    let bic = ModelCriterion.bic(logLikelihood: -12.5, parameters: 3, samples: 20)
    #expect(abs(bic - (3 * log(20) + 25)) < 1e-12)
  }

  // MARK: - Newton

  /// The published digits of √2, √3 and √10 (E63), cut off.
  @Test func rootsToManyDigits() {
    #expect(
      squareRoot(of: 2, digits: 60)
        == "1.414213562373095048801688724209698078569671875376948073176679")
    #expect(squareRoot(of: 3, digits: 30) == "1.732050807568877293527446341505")
    #expect(squareRoot(of: 10, digits: 20) == "3.16227766016837933199")
    #expect(squareRoot(of: 0, digits: 3) == "0.000")
    #expect(squareRoot(of: 144, digits: 0) == "12")
    #expect(squareRoot(of: 144, digits: 2) == "12.00")
    #expect(squareRoot(of: 2, digits: 0) == "1")
    #expect(squareRoot(of: .max, digits: 0) == "3037000499")
  }

  /// Digits of Python's integers: `Scripts/golden/mathematics.py`.
  @Test func rootsArePythons() throws {
    struct Golden: Decodable {
      let n, digits: Int
      let root: String
    }
    let data = try Data(contentsOf: Fixtures.url("golden/roots.json"))
    let cases = try JSONDecoder().decode([Golden].self, from: data)
    #expect(cases.count > 100)
    for golden in cases {
      #expect(squareRoot(of: golden.n, digits: golden.digits) == golden.root, "√\(golden.n)")
    }
  }

  @Test func rootsOfNegativesStop() async {
    expectStopped(
      saying: "squareRoot: expected n >= 0",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = squareRoot(of: -1, digits: 3)
      })
  }

  @Test func newtonFindsRootsOrSaysSo() throws {
    let found: Double? = newtonRoot({ x in cos(x) - x }, slope: { x in -sin(x) - 1 }, from: 1)
    let root = try #require(found)
    #expect(abs(root - 0.7390851332151607) < 1e-14)
    #expect(newtonRoot({ $0 * $0 + 1 }, slope: { 2 * $0 }, from: 0.5) == nil)
    #expect(newtonRoot({ $0 * $0 - 2 }, slope: { 2 * $0 }, from: 0) == nil)
  }

  /// x² y + sin y: [[2y, 2x], [2x, −sin y]].
  @Test func theHessianIsASymmetricMatrix() {
    let h = hessian(at: [1.5, 0.7]) { $0[0] * $0[0] * $0[1] + sin($0[1]) }
    let expected = [[1.4, 3], [3, -sin(0.7)]]
    for (row, wanted) in zip(h, expected) {
      for (a, b) in zip(row, wanted) { #expect(abs(a - b) < 1e-6) }
    }
    #expect(h[0][1] == h[1][0])
  }

  // MARK: - Fourier mixing

  /// FNet's mixing learns nothing: the real part of the transform along places and channels (E71:
  /// the paper's gain in speed is bought with accuracy, 92 to 97 % of BERT's).
  @Test func mixingHasNoWeights() {
    let layer = FourierMixing()
    #expect(layer.namedParameters.isEmpty)
    let x = random([2, 3, 4], seed: 1)
    let values = x.floats
    var expected: [Float] = []
    for n in 0..<2 {
      for k in 0..<3 {
        for m in 0..<4 {
          var sum = 0.0
          for l in 0..<3 {
            for e in 0..<4 {
              let angle = 2 * Double.pi * (Double(k * l) / 3 + Double(m * e) / 4)
              sum += Double(values[(n * 3 + l) * 4 + e]) * cos(angle)
            }
          }
          expected.append(Float(sum))
        }
      }
    }
    expectClose(layer(x), Tensor(expected, [2, 3, 4]))
    let block = withSeed(1) { FNetBlock(4, hidden: 8) }
    #expect(block(x).shape == x.shape)
    #expect(block(.zeros([0, 3, 4])).shape == [0, 3, 4])
  }
}
