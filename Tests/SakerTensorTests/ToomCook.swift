import TestSupport

/// Minimal filtering F(m, 3), derived from the points it evaluates polynomials at: m results of a
/// filter of 3 taps by m + 2 products, `Aᵀ[(G g) ⊙ (Bᵀ d)]`. Winograd, "Arithmetic Complexity of
/// Computations", 1980, chapter V; docs/winograd.md tells it slowly.
struct ToomCook {
  /// A place where a polynomial is evaluated; at infinity that is its leading coefficient.
  enum Point: Hashable {
    case at(Rational)
    case infinity
  }

  /// The points of the largest tile. Smaller tiles use some of them, under the same numbers.
  static let points: [Point] = [.at(0), .at(1), .at(-1), .at(2), .at(-2), .infinity]
  static let taps = 3

  /// Results of a tile, 1...4.
  let m: Int

  /// The points of a tile of `m`: the first m + 1, and infinity.
  static func positions(_ m: Int) -> [Int] { Array(0...m) + [5] }

  var positions: [Int] { ToomCook.positions(m) }
  private var points: [Point] { positions.map { ToomCook.points[$0] } }

  /// Powers 1, a, a² … of each point, to `count` of them; at infinity only the last.
  private static func evaluation(_ points: [Point], _ count: Int) -> RationalMatrix {
    RationalMatrix(
      points.map { point in
        switch point {
        case .at(let a):
          var power: Rational = 1
          return (0..<count).map { _ in
            defer { power = power * a }
            return power
          }
        case .infinity: return (0..<count).map { $0 == count - 1 ? 1 : 0 }
        }
      })
  }

  /// Coefficients of Π (x − a), the constant first.
  private static func product(roots: [Rational]) -> [Rational] {
    roots.reduce([1]) { polynomial, root in
      zip([0] + polynomial, polynomial.map { -root * $0 } + [0]).map { $0 + $1 }
    }
  }

  /// Lagrange's divisor of each point, Π (a − b) over all other finite points of the LARGEST tile.
  /// It goes from the transform of the input into that of the weights, which are transformed once:
  /// so one G serves all tiles.
  private static let divisors: [Rational] = points.map { point in
    guard case .at(let a) = point else { return 1 }
    return points.reduce(1) { product, other in
      guard case .at(let b) = other, b != a else { return product }
      return product * (a - b)
    }
  }

  /// `[6, 3]`, for all tiles: values of the filter's polynomial at the points, over
  /// Lagrange's divisors.
  static let g = RationalMatrix(
    zip(evaluation(points, taps).rows, divisors).map { row, divisor in row.map { $0 / divisor } })

  /// `[m, m + 2]`: values of a polynomial of m coefficients, transposed.
  var at: RationalMatrix { ToomCook.evaluation(points, m).transposed }

  /// `[m + 2, m + 2]`: Lagrange's polynomials. The row of a finite point vanishes at all other
  /// finite points, that of infinity at all of them.
  var bt: RationalMatrix {
    let size = m + 2
    let finite = points.compactMap { point -> Rational? in
      if case .at(let a) = point { a } else { nil }
    }
    return RationalMatrix(
      zip(positions, points).map { position, point in
        guard case .at(let a) = point else { return ToomCook.product(roots: finite) }
        let others = finite.filter { $0 != a }
        let scale = others.reduce(ToomCook.divisors[position]) { $0 / (a - $1) }
        let row = ToomCook.product(roots: others).map { $0 * scale }
        return row + [Rational](repeating: 0, count: size - row.count)
      })
  }

  /// The same by another way, solving equations: the interpolation that undoes the
  /// evaluation at m + 2 points.
  var btBySolving: RationalMatrix {
    let size = m + 2
    var (left, right) = (
      ToomCook.evaluation(points, size).transposed.rows, RationalMatrix.identity(size).rows
    )
    func subtract(_ factor: Rational, _ from: Int, _ to: Int) {
      for i in 0..<size {
        left[to][i] = left[to][i] - factor * left[from][i]
        right[to][i] = right[to][i] - factor * right[from][i]
      }
    }
    for column in 0..<size {
      guard let pivot = (column..<size).first(where: { left[$0][column] != 0 }) else {
        preconditionFailure("interpolation: expected points that differ")
      }
      left.swapAt(column, pivot)
      right.swapAt(column, pivot)
      for row in 0..<size where row != column {
        subtract(left[row][column] / left[column][column], column, row)
      }
    }
    return RationalMatrix(
      (0..<size).map { i in
        right[i].map { $0 / left[i][i] * ToomCook.divisors[positions[i]] }
      })
  }
}

/// How many products a side costs: full tiles of 4 and a rest.
enum TileSplit {
  static func tiles(_ side: Int) -> [Int] {
    Array(repeating: 4, count: side / 4) + (side % 4 == 0 ? [] : [side % 4])
  }

  static func products(_ side: Int) -> Int { tiles(side).reduce(0) { $0 + $1 + 2 } }
}
