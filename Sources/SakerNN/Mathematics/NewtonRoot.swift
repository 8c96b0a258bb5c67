import SakerTensor

/// √n to `digits` digits after the point, cut off, not rounded: the integer root of n · 100^digits
/// by Newton's iteration `x ← (x + N/x) / 2` from above, in integers of any size, so that all
/// digits are right.
public func squareRoot(of n: Int, digits: Int) -> String {
  check(
    n >= 0 && digits >= 0, op: "squareRoot", expected: "n >= 0 and digits >= 0", got: (n, digits))
  let scaled = Natural(n).times(powerOfTen: 2 * digits)
  var text = scaled.squareRoot.description
  guard digits > 0 else { return text }
  text = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
  let point = text.index(text.endIndex, offsetBy: -digits)
  return text[..<point] + "." + text[point...]
}

/// A root of `f` near `start`: `x ← x − f(x)/f'(x)` until a step is below `tolerance`; `nil` if
/// `steps` do not suffice or the iteration leaves the finite numbers.
public func newtonRoot(
  _ f: (Double) -> Double, slope: (Double) -> Double, from start: Double, tolerance: Double = 1e-14,
  steps: Int = 100
) -> Double? {
  var x = start
  for _ in 0..<steps {
    let step = f(x) / slope(x)
    x -= step
    guard x.isFinite else { return nil }
    if abs(step) <= tolerance * max(1, abs(x)) { return x }
  }
  return nil
}

/// The second derivatives of `f` at `x`, by central differences of relative step `step`. The
/// derivative of a gradient is a matrix, one row for each variable; it is symmetric.
public func hessian(
  at x: [Double], step: Double = 1e-4, of f: ([Double]) -> Double
) -> [[Double]] {
  let steps = x.map { step * max(1, abs($0)) }
  func moved(_ i: Int, _ a: Double, _ j: Int, _ b: Double) -> Double {
    var point = x
    point[i] += a * steps[i]
    point[j] += b * steps[j]
    return f(point)
  }
  var result = x.map { _ in x.map { _ in 0.0 } }
  for i in x.indices {
    for j in i..<x.count {
      let difference =
        moved(i, 1, j, 1) - moved(i, 1, j, -1) - moved(i, -1, j, 1) + moved(i, -1, j, -1)
      result[i][j] = difference / (4 * steps[i] * steps[j])
      result[j][i] = result[i][j]
    }
  }
  return result
}

/// A natural number of any size: digits of base 10⁹, the lowest first, none for 0.
struct Natural: Equatable, CustomStringConvertible {
  private static let base: UInt64 = 1_000_000_000
  private var digits: [UInt64]

  init(_ value: Int) {
    var (rest, digits) = (UInt64(value), [UInt64]())
    while rest > 0 {
      digits.append(rest % Natural.base)
      rest /= Natural.base
    }
    self.digits = digits
  }

  private init(digits: [UInt64]) {
    self.digits = digits
    while self.digits.last == 0 { self.digits.removeLast() }
  }

  func times(powerOfTen exponent: Int) -> Natural {
    let factor = (0..<exponent % 9).reduce(UInt64(1)) { product, _ in product * 10 }
    var (result, carry) = ([UInt64](repeating: 0, count: exponent / 9), UInt64(0))
    for digit in digits {
      let value = digit * factor + carry
      result.append(value % Natural.base)
      carry = value / Natural.base
    }
    return Natural(digits: result + [carry])
  }

  /// ⌊√self⌋
  var squareRoot: Natural {
    guard !digits.isEmpty else { return self }
    // A power of ten above the root; from above the iteration falls until it is there.
    var x = Natural(1).times(powerOfTen: description.count / 2 + 1)
    while true {
      let next = ((self / x) + x).half
      if !(next < x) { return x }
      x = next
    }
  }

  var half: Natural {
    var (result, rest) = (digits, UInt64(0))
    for i in digits.indices.reversed() {
      let value = rest * Natural.base + digits[i]
      result[i] = value / 2
      rest = value % 2
    }
    return Natural(digits: result)
  }

  static func + (a: Natural, b: Natural) -> Natural {
    var (result, carry) = ([UInt64](), UInt64(0))
    for i in 0..<max(a.digits.count, b.digits.count) {
      let value =
        (i < a.digits.count ? a.digits[i] : 0) + (i < b.digits.count ? b.digits[i] : 0) + carry
      result.append(value % base)
      carry = value / base
    }
    return Natural(digits: result + [carry])
  }

  static func < (a: Natural, b: Natural) -> Bool {
    if a.digits.count != b.digits.count { return a.digits.count < b.digits.count }
    return a.digits.reversed().lexicographicallyPrecedes(b.digits.reversed())
  }

  /// The whole part of a / b, by Knuth's algorithm D ("The Art of Computer
  /// Programming", section 4.3.1).
  static func / (a: Natural, b: Natural) -> Natural {
    check(!b.digits.isEmpty, op: "Natural", expected: "a divisor above 0", got: 0)
    if a < b { return Natural(0) }
    // Both times a number that makes the divisor's first digit at least half the base: then two
    // digits guess the third.
    let factor = base / (b.digits[b.digits.count - 1] + 1)
    var rest = a.scaled(by: factor)
    let divisor = b.scaled(by: factor).trimmed
    let n = divisor.count
    if rest.count == a.digits.count { rest.append(0) }
    var quotient = [UInt64](repeating: 0, count: rest.count - n)
    for j in quotient.indices.reversed() {
      let top = rest[j + n] * base + rest[j + n - 1]
      var (guess, over) = top.quotientAndRemainder(dividingBy: divisor[n - 1])
      while guess >= base
        || n >= 2 && guess * divisor[n - 2] > over * base + rest[j + n - 2]
      {
        guess -= 1
        over += divisor[n - 1]
        if over >= base { break }
      }
      var borrow: Int64 = 0
      for i in 0...n {
        let product = i < n ? guess * divisor[i] : 0
        let value = Int64(rest[i + j]) - Int64(product % base) - borrow
        let low =
          value < 0 ? value + Int64(base) * ((-value + Int64(base) - 1) / Int64(base)) : value
        borrow = (low - value) / Int64(base) + Int64(product / base)
        rest[i + j] = UInt64(low)
      }
      if borrow > 0 {
        // One too many: rare, and never by more than one.
        guess -= 1
        var carry: UInt64 = 0
        for i in 0...n {
          let value = rest[i + j] + (i < n ? divisor[i] : 0) + carry
          rest[i + j] = value % base
          carry = value / base
        }
      }
      quotient[j] = guess
    }
    return Natural(digits: quotient)
  }

  private func scaled(by factor: UInt64) -> [UInt64] {
    var (result, carry) = ([UInt64](), UInt64(0))
    for digit in digits {
      let value = digit * factor + carry
      result.append(value % Natural.base)
      carry = value / Natural.base
    }
    if carry > 0 { result.append(carry) }
    return result
  }

  var description: String {
    guard let first = digits.last else { return "0" }
    return digits.dropLast().reversed().reduce(String(first)) { text, digit in
      let part = String(digit)
      return text + String(repeating: "0", count: 9 - part.count) + part
    }
  }
}

extension Array where Element == UInt64 {
  /// Without zeros at the upper end.
  fileprivate var trimmed: [UInt64] {
    var result = self
    while result.last == 0 { result.removeLast() }
    return result
  }
}
