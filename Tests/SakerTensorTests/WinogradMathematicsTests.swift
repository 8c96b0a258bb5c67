import TestSupport
import Testing

@testable import SakerTensor

/// What docs/winograd.md says, proven with fractions: no tolerance below, except where
/// rounding is the subject.
@Suite struct WinogradMathematicsTests {
  static let sizes = [1, 2, 3, 4]

  /// The matrices as docs/winograd.md and the kernels have them.
  private static let g: RationalMatrix = [
    [Rational(1, 4), 0, 0],
    [Rational(-1, 6), Rational(-1, 6), Rational(-1, 6)],
    [Rational(-1, 6), Rational(1, 6), Rational(-1, 6)],
    [Rational(1, 24), Rational(1, 12), Rational(1, 6)],
    [Rational(1, 24), Rational(-1, 12), Rational(1, 6)],
    [0, 0, 1],
  ]

  private static let bt: [Int: RationalMatrix] = [
    1: [[4, -4, 0], [0, -6, 0], [0, -1, 1]],
    2: [[4, 0, -4, 0], [0, -3, -3, 0], [0, 3, -3, 0], [0, -1, 0, 1]],
    3: [
      [4, -2, -4, 2, 0], [0, -6, -3, 3, 0], [0, 2, -3, 1, 0], [0, -4, 0, 4, 0], [0, 2, -1, -2, 1],
    ],
    4: [
      [4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0],
      [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1],
    ],
  ]

  private static let at: [Int: RationalMatrix] = [
    1: [[1, 1, 1]],
    2: [[1, 1, 1, 0], [0, 1, -1, 1]],
    3: [[1, 1, 1, 1, 0], [0, 1, -1, 2, 0], [0, 1, 1, 4, 1]],
    4: [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
  ]

  @Test(arguments: sizes)
  func derivationArrivesAtTheMatrices(m: Int) throws {
    let derived = ToomCook(m: m)
    #expect(ToomCook.g == WinogradMathematicsTests.g)
    #expect(derived.bt == WinogradMathematicsTests.bt[m])
    #expect(derived.bt == derived.btBySolving)
    #expect(derived.at == WinogradMathematicsTests.at[m])
  }

  /// All three statements are linear in each of filter, input and gradient: true for each unit
  /// vector, true for all.
  @Test(arguments: sizes)
  func oneDimensionEqualsCorrelationOnABasis(m: Int) {
    let (bt, at) = (ToomCook(m: m).bt, ToomCook(m: m).at)
    let g = ToomCook.g.choosing(ToomCook.positions(m))
    for (k, tap) in unitVectors(3).enumerated() {
      for (j, input) in unitVectors(m + 2).enumerated() {
        let products = zip(g * tap, bt * input).map { $0 * $1 }
        // Result i is filter tap k times input i + k.
        #expect(at * products == (0..<m).map { $0 + k == j ? 1 : 0 })
      }
      for (i, gradient) in unitVectors(m).enumerated() {
        // Turned around: the gradient of result i reaches input i + k by tap k.
        let products = zip(g * tap, at.transposed * gradient).map { $0 * $1 }
        #expect(bt.transposed * products == (0..<(m + 2)).map { $0 == i + k ? 1 : 0 })
      }
    }
    for (i, gradient) in unitVectors(m).enumerated() {
      for (j, input) in unitVectors(m + 2).enumerated() {
        // And the gradient of tap k is input i + k times gradient i.
        let products = zip(bt * input, at.transposed * gradient).map { $0 * $1 }
        #expect(g.transposed * products == (0..<3).map { i + $0 == j ? 1 : 0 })
      }
    }
  }

  @Test(arguments: sizes, sizes)
  func twoDimensionsNestOnABasis(m: Int, n: Int) {
    let (rows, columns) = (ToomCook(m: m), ToomCook(m: n))
    let (bt, bRight) = (rows.bt, columns.bt.transposed)
    let (at, aRight) = (rows.at, columns.at.transposed)
    // Of the one 6 x 6 transformed filter the positions of this tile.
    let transformed = unitMatrices(3, 3).map { filter in
      let all = ToomCook.g * filter * ToomCook.g.transposed
      return all.choosing(rows.positions).transposed.choosing(columns.positions).transposed
    }
    var wrong = 0
    for (j, input) in unitMatrices(m + 2, n + 2).enumerated() {
      let (jy, jx) = (j / (n + 2), j % (n + 2))
      let turned = bt * input * bRight
      for (k, v) in transformed.enumerated() {
        let (ky, kx) = (k / 3, k % 3)
        let expected = RationalMatrix(
          (0..<m).map { y in (0..<n).map { x in y + ky == jy && x + kx == jx ? 1 : 0 } })
        if at * turned.elementwise(v) * aRight != expected { wrong += 1 }
      }
    }
    #expect(wrong == 0)
    #expect(transformed[0].height * transformed[0].width == (m + 2) * (n + 2))
  }

  @Test(arguments: sizes, sizes)
  func weightGradientNestsOnABasis(m: Int, n: Int) {
    let (rows, columns) = (ToomCook(m: m), ToomCook(m: n))
    let gLeft = ToomCook.g.choosing(rows.positions).transposed
    let gRight = ToomCook.g.choosing(columns.positions)
    let gradients = unitMatrices(m, n).map { rows.at.transposed * $0 * columns.at }
    var wrong = 0
    for (j, input) in unitMatrices(m + 2, n + 2).enumerated() {
      let (jy, jx) = (j / (n + 2), j % (n + 2))
      let turned = rows.bt * input * columns.bt.transposed
      for (i, gradient) in gradients.enumerated() {
        let (iy, ix) = (i / n, i % n)
        let expected = RationalMatrix(
          (0..<3).map { y in (0..<3).map { x in iy + y == jy && ix + x == jx ? 1 : 0 } })
        if gLeft * turned.elementwise(gradient) * gRight != expected { wrong += 1 }
      }
    }
    #expect(wrong == 0)
  }

  /// Whole lines, cut into tiles of 4 and a rest, with every padding: forward, and both gradients
  /// as the kernels take them (the sum over tiles at each position, one Gᵀ at the end; and the
  /// turned filter with padding 2 − p).
  @Test(arguments: 1...21, 0...2)
  func linesOfAnyLengthAreExact(length: Int, padding: Int) {
    var draw = Random(seed: UInt64(length * 3 + padding))
    func numbers(_ count: Int) -> [Rational] {
      (0..<count).map { _ in Rational(Int.random(in: -9...9, using: &draw)) }
    }
    let results = length + 2 * padding - 2
    guard results > 0 else { return }
    let (filter, line, gradient) = (numbers(3), numbers(length), numbers(results))
    #expect(tiled(line, filter, padding: padding) == direct(line, filter, padding: padding))

    // The gradient of the line, by definition and as a convolution.
    var expected = [Rational](repeating: 0, count: length)
    for i in 0..<results {
      for k in 0..<3 where expected.indices.contains(i + k - padding) {
        expected[i + k - padding] = expected[i + k - padding] + gradient[i] * filter[k]
      }
    }
    #expect(tiled(gradient, filter.reversed(), padding: 2 - padding) == expected)

    // The gradient of the filter.
    let ends = [Rational](repeating: 0, count: padding)
    let padded = ends + line + ends
    let byDefinition = (0..<3).map { k in
      (0..<results).reduce(Rational(0)) { $0 + gradient[$1] * padded[$1 + k] }
    }
    var sums = [Rational](repeating: 0, count: 6)
    var start = 0
    for m in TileSplit.tiles(results) {
      let tile = ToomCook(m: m)
      let inputs = tile.bt * Array(padded[start..<(start + m + 2)])
      let gradients = tile.at.transposed * Array(gradient[start..<(start + m)])
      for (p, product) in zip(tile.positions, zip(inputs, gradients).map { $0 * $1 }) {
        sums[p] = sums[p] + product
      }
      start += m
    }
    #expect(ToomCook.g.transposed * sums == byDefinition)
  }

  @Test func sidesCostTheirTiles() {
    // 7 = 4 + 3, 13 = 4 + 4 + 4 + 1, 14 = 4 + 4 + 4 + 2
    #expect([4, 7, 13, 14, 28].map(TileSplit.products) == [6, 11, 21, 22, 42])
    for side in 1...100 {
      #expect(TileSplit.tiles(side).reduce(0, +) == side)
      #expect(TileSplit.products(side) <= (side + 3) / 4 * 6)
      #expect(TileSplit.products(side) <= 3 * side)
    }
  }

  /// The example of docs/winograd.md, number by number.
  @Test func exampleOfTheDocumentation() {
    let tile = ToomCook(m: 2)
    let g = ToomCook.g.choosing(tile.positions)
    let (filter, input): ([Rational], [Rational]) = ([1, 2, 3], [5, 1, 4, 2])
    let (v, u) = (g * filter, tile.bt * input)
    #expect(v == [Rational(1, 4), -1, Rational(-1, 3), 3])
    #expect(u == [4, -15, -9, 1])
    let products = zip(v, u).map { $0 * $1 }
    #expect(products == [1, 15, 3, 3])
    #expect(tile.at * products == [19, 15])
    #expect(direct(input, filter, padding: 0) == [19, 15])
  }

  // MARK: Rounding

  /// How much larger, squared, the numbers are that the last transform adds than what comes out,
  /// for random data: the factor by which rounding in the products shows, once for each direction.
  /// docs/winograd.md lists them.
  @Test func amplificationIsThatOfTheDocumentation() {
    let squares = WinogradMathematicsTests.sizes.map(amplification)
    #expect(squares == [Rational(7, 3), Rational(5, 3), 6, Rational(6205, 576)])
    #expect(squares == Rounding.winogradAmplification, "in two dimensions it is squared by itself")
    // The gradient of a filter is the same sum read in another order, with the same figure.
    #expect(WinogradMathematicsTests.sizes.map(gradientAmplification) == squares)
  }

  /// float32 against exact results. A single sum over all channels errs by the root of their
  /// number; sums of parts that are added at the end stay at the level of a part.
  @Test func roundingStaysBelowTheBound() {
    var errors: [Int: [Double]] = [:]
    for channels in [1, 16, 64, 256] {
      let row = WinogradMathematicsTests.sizes.map { roundingError(m: $0, channels: channels) }
      errors[channels] = row
      for (m, error) in zip(WinogradMathematicsTests.sizes, row) {
        // No part is longer than 256. The bound is 3 times what is expected, and a
        // single sample varies.
        let bound = Rounding.bound(terms: channels, .winograd(tile: m))
        #expect(error < 0.6 * bound, "\(channels) channels by tiles of \(m): \(error / bound)")
        // Tiles of 1 and 3 are bounded by the worst of their company; what is bounded too
        // widely proves nothing.
        if m == 4 { #expect(error > 0.2 * bound, "\(channels) channels: \(error / bound)") }
      }
      // The order that amplification foretells: 2, 1, 3, 4.
      #expect(row[1] < row[0] && row[0] < row[2] && row[2] < row[3], "\(channels) channels: \(row)")
      #expect(row[1] > 1e-8, "an error this small means that nothing was rounded")
    }
    #expect((1.5...3).contains(errors[256]![3] / errors[64]![3]))
    let parts = roundingError(m: 4, channels: 1024, part: 128)
    #expect(parts < 0.7 * roundingError(m: 4, channels: 1024))
    #expect(parts < 0.6 * Rounding.bound(terms: 1024, .winograd(tile: 4)))
  }

  // MARK: Helpers

  private func unitVectors(_ count: Int) -> [[Rational]] { RationalMatrix.identity(count).rows }

  private func unitMatrices(_ height: Int, _ width: Int) -> [RationalMatrix] {
    unitVectors(height * width).map { flat in
      RationalMatrix((0..<height).map { Array(flat[($0 * width)..<(($0 + 1) * width)]) })
    }
  }

  private func direct(_ line: [Rational], _ filter: [Rational], padding: Int) -> [Rational] {
    let ends = [Rational](repeating: 0, count: padding)
    let padded = ends + line + ends
    return (0..<(padded.count - 2)).map { i in
      (0..<3).reduce(Rational(0)) { $0 + filter[$1] * padded[i + $1] }
    }
  }

  private func tiled(_ line: [Rational], _ filter: [Rational], padding: Int) -> [Rational] {
    let ends = [Rational](repeating: 0, count: padding)
    let padded = ends + line + ends
    let v = ToomCook.g * filter
    var results: [Rational] = []
    for m in TileSplit.tiles(padded.count - 2) {
      let tile = ToomCook(m: m)
      let input = tile.bt * Array(padded[results.count..<(results.count + m + 2)])
      results += tile.at * zip(tile.positions, input).map { v[$0] * $1 }
    }
    return results
  }

  /// Mean over the results of Σ_p A_ip² |G_p|² |B_p|² / 3: for independent numbers of variance 1
  /// the products have the variance |G_p|² |B_p|², the result has 3.
  private func amplification(m: Int) -> Rational {
    func squared(_ row: [Rational]) -> Rational { row.reduce(0) { $0 + $1 * $1 } }
    let tile = ToomCook(m: m)
    let g = ToomCook.g.choosing(tile.positions)
    let total = tile.at.rows.reduce(Rational(0)) { total, row in
      row.indices.reduce(total) {
        $0 + row[$1] * row[$1] * squared(g[$1]) * squared(tile.bt[$1])
      }
    }
    return total / Rational(3 * m)
  }

  /// The same for the gradient of the filter: mean over the taps of Σ_p G_pk² |B_p|² |A_p|² / m.
  private func gradientAmplification(m: Int) -> Rational {
    func squared(_ row: [Rational]) -> Rational { row.reduce(0) { $0 + $1 * $1 } }
    let tile = ToomCook(m: m)
    let (g, at) = (ToomCook.g.choosing(tile.positions), tile.at.transposed)
    let total = g.rows.indices.reduce(Rational(0)) {
      $0 + squared(g[$1]) * squared(tile.bt[$1]) * squared(at[$1])
    }
    return total / Rational(3 * m)
  }

  /// Root of the mean squared error over that of the exact results, for m x m tiles of random data.
  /// Sums of `part` channels each are added at the end.
  private func roundingError(m: Int, channels: Int, part: Int = .max) -> Double {
    let tile = ToomCook(m: m)
    let size = m + 2
    func floats(_ matrix: RationalMatrix) -> [[Float]] { matrix.rows.map { $0.map(\.float) } }
    let (bt, at) = (floats(tile.bt), floats(tile.at))
    let g = floats(ToomCook.g.choosing(tile.positions))
    func times(_ a: [[Float]], _ x: [[Float]]) -> [[Float]] {
      a.map { row in
        x[0].indices.map { column in
          zip(row, x).reduce(Float(0)) { $1.0 == 0 ? $0 : $0 + $1.0 * $1.1[column] }
        }
      }
    }
    func sum(_ a: [[Float]], _ b: [[Float]]) -> [[Float]] {
      zip(a, b).map { zip($0, $1).map { $0 + $1 } }
    }
    func transposed(_ x: [[Float]]) -> [[Float]] { x[0].indices.map { c in x.map { $0[c] } } }
    func bothSides(_ a: [[Float]], _ x: [[Float]]) -> [[Float]] {
      transposed(times(a, transposed(times(a, x))))
    }

    var draw = Random(seed: 11)
    func numbers(_ side: Int) -> [[Float]] {
      (0..<side).map { _ in (0..<side).map { _ in draw.uniform(-1...1) } }
    }
    var (wrong, right) = (0.0, 0.0)
    for _ in 0..<(64 / m) {
      let zeros = [[Float]](repeating: [Float](repeating: 0, count: size), count: size)
      var (sums, total) = (zeros, zeros)
      var exact = [[Double]](repeating: [Double](repeating: 0, count: m), count: m)
      for channel in 0..<channels {
        if channel % part == 0 {
          total = sum(total, sums)
          sums = zeros
        }
        let (filter, input) = (numbers(3), numbers(size))
        let (v, u) = (bothSides(g, filter), bothSides(bt, input))
        for p in 0..<size {
          for q in 0..<size { sums[p][q].addProduct(u[p][q], v[p][q]) }
        }
        for y in 0..<m {
          for x in 0..<m {
            for k in 0..<9 {
              exact[y][x] += Double(filter[k / 3][k % 3]) * Double(input[y + k / 3][x + k % 3])
            }
          }
        }
      }
      for (row, truths) in zip(bothSides(at, sum(total, sums)), exact) {
        for (value, truth) in zip(row, truths) {
          wrong += (Double(value) - truth) * (Double(value) - truth)
          right += truth * truth
        }
      }
    }
    return (wrong / right).squareRoot()
  }
}
