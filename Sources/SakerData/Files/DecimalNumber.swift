/// Numbers as text files state them, to the nearest double.
public enum DecimalNumber {
  /// `-12`, `3.25`, `1e-3`; `nil` for anything else: hexadecimal digits, `inf`, `nan`, a number
  /// that no double holds, space around it. Every reader of text takes numbers through here or
  /// through the bytes' form of it.
  public static func parse(_ text: some StringProtocol) -> Double? {
    var copy = String(text)
    return copy.withUTF8 { ByteText.double($0) }
  }

  /// `digits * 10^powerOfTen`, correctly rounded (half to even); `nil` outside -19...19, where 64
  /// bits don't hold the power.
  @inline(__always)
  static func double(_ digits: UInt64, powerOfTen: Int) -> Double? {
    if digits <= 1 << 53, powerOfTen >= -22, powerOfTen <= 22 {
      // Both are exact doubles, so one operation rounds once (Clinger, "How to read floating point
      // numbers accurately", PLDI 1990).
      return powerOfTen < 0
        ? Double(digits) / exactPowers[-powerOfTen] : Double(digits) * exactPowers[powerOfTen]
    }
    guard powerOfTen >= -19, powerOfTen <= 0 else { return nil }
    return quotient(digits, powersOfTen[-powerOfTen])
  }

  /// `a / b` of integers, correctly rounded: 64 bits of the quotient, and whether anything is left.
  static func quotient(_ a: UInt64, _ b: UInt64) -> Double {
    guard a != 0 else { return 0 }
    let (up, down) = (a.leadingZeroBitCount, b.leadingZeroBitCount)
    let (top, divisor) = (a << UInt64(up), b << UInt64(down))
    // Both lie in 2^63..<2^64; the quotient of a half of the first stays below 1.
    let isLarger = top >= divisor
    let (high, low) = isLarger ? (top >> 1, top << 63) : (top, 0)
    let (whole, rest) = divisor.dividingFullWidth((high, low))
    // `whole` has 64 bits; a double takes 53 of them, and the 11 below decide how it is rounded.
    var mantissa = whole >> 11
    let below = whole & 0x7FF
    if below > 0x400 || (below == 0x400 && (rest != 0 || mantissa & 1 == 1)) { mantissa += 1 }
    // a/b = whole * 2^(down - up - 64), twice that if the dividend was halved.
    return Double(
      sign: .plus, exponent: down - up - 64 + 11 + (isLarger ? 1 : 0), significand: Double(mantissa)
    )
  }

  private static let exactPowers: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
  ]

  private static let powersOfTen: [UInt64] = (0...19).map { power in
    (0..<power).reduce(1) { value, _ in value * 10 }
  }
}
