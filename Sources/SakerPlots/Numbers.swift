import Foundation

extension Double {
  /// With a fixed number of decimals.
  func fixed(_ decimals: Int) -> String { String(format: "%.\(decimals)f", self) }

  /// As short as it reads well: `0.25`, `12`, `1e-5`.
  var tidy: String {
    if self == 0 { return "0" }
    let text =
      abs(self) < 1e-3 || abs(self) >= 1e5
      ? String(format: "%.3e", self) : String(format: "%.6f", self)
    let parts = text.split(separator: "e", maxSplits: 1)
    var digits = String(parts[0])
    if digits.contains(".") {
      while digits.hasSuffix("0") { digits.removeLast() }
      if digits.hasSuffix(".") { digits.removeLast() }
    }
    guard parts.count == 2, let exponent = Int(parts[1]) else { return digits }
    return "\(digits)e\(exponent)"
  }
}
