/// An exact fraction in lowest terms, for tests that prove rather than measure. Overflow
/// traps, as `Int` does.
public struct Rational: Hashable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
  public let numerator: Int
  /// Positive.
  public let denominator: Int

  public init(_ numerator: Int, _ denominator: Int = 1) {
    precondition(denominator != 0, "rational: expected a denominator that is not 0")
    let divisor = Rational.greatestDivisor(numerator, denominator)
    let sign = denominator < 0 ? -1 : 1
    self.numerator = sign * numerator / divisor
    self.denominator = sign * denominator / divisor
  }

  public init(integerLiteral value: Int) { self.init(value) }

  public var double: Double { Double(numerator) / Double(denominator) }
  public var float: Float { Float(numerator) / Float(denominator) }
  public var description: String {
    denominator == 1 ? "\(numerator)" : "\(numerator)/\(denominator)"
  }

  private static func greatestDivisor(_ a: Int, _ b: Int) -> Int {
    var (a, b) = (abs(a), abs(b))
    while b != 0 { (a, b) = (b, a % b) }
    return a
  }

  public static func + (a: Rational, b: Rational) -> Rational {
    Rational(
      a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator)
  }
  public static func - (a: Rational, b: Rational) -> Rational { a + -b }
  public static prefix func - (a: Rational) -> Rational {
    Rational(-a.numerator, a.denominator)
  }
  public static func * (a: Rational, b: Rational) -> Rational {
    Rational(a.numerator * b.numerator, a.denominator * b.denominator)
  }
  public static func / (a: Rational, b: Rational) -> Rational {
    Rational(a.numerator * b.denominator, a.denominator * b.numerator)
  }
}

/// A matrix of fractions: rows of equal length.
public struct RationalMatrix: Hashable, Sendable, ExpressibleByArrayLiteral {
  public let rows: [[Rational]]

  public init(_ rows: [[Rational]]) {
    precondition(Set(rows.map(\.count)).count <= 1, "matrix: expected rows of one length")
    self.rows = rows
  }

  public init(arrayLiteral elements: [Rational]...) { self.init(elements) }

  public static func identity(_ size: Int) -> RationalMatrix {
    RationalMatrix((0..<size).map { i in (0..<size).map { $0 == i ? 1 : 0 } })
  }

  public subscript(row: Int) -> [Rational] { rows[row] }
  public var height: Int { rows.count }
  public var width: Int { rows.first?.count ?? 0 }

  public var transposed: RationalMatrix {
    RationalMatrix((0..<width).map { column in rows.map { $0[column] } })
  }

  /// The given rows, in the given order.
  public func choosing(_ chosen: [Int]) -> RationalMatrix {
    RationalMatrix(chosen.map { rows[$0] })
  }

  public static func * (a: RationalMatrix, b: RationalMatrix) -> RationalMatrix {
    precondition(a.width == b.height, "matrix: expected \(a.width) rows, got \(b.height)")
    return RationalMatrix(
      a.rows.map { row in
        (0..<b.width).map { column in
          zip(row, b.rows).reduce(0) { $0 + $1.0 * $1.1[column] }
        }
      })
  }

  public static func * (a: RationalMatrix, x: [Rational]) -> [Rational] {
    precondition(a.width == x.count, "matrix: expected \(a.width) numbers, got \(x.count)")
    return a.rows.map { row in zip(row, x).reduce(0) { $0 + $1.0 * $1.1 } }
  }

  /// Products of elements in the same place.
  public func elementwise(_ other: RationalMatrix) -> RationalMatrix {
    RationalMatrix(zip(rows, other.rows).map { zip($0, $1).map { $0 * $1 } })
  }
}
