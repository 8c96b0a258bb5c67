import Foundation

/// The normalizers of many short rows.
enum LogSumExp {
  private typealias Lanes = SIMD8<Float>

  /// `log Σ exp(x)` of each of `count` rows of `width` numbers, 8 rows at a time.
  static func rows(
    _ x: UnsafePointer<Float>, count: Int, width: Int, _ result: UnsafeMutablePointer<Float>
  ) {
    for first in stride(from: 0, to: count, by: 8) {
      let used = min(8, count - first)
      // Rows beyond the end repeat the last one.
      func column(_ k: Int) -> Lanes {
        let from = x + first * width + k
        if used == 8 {
          return Lanes(
            from[0], from[width], from[2 * width], from[3 * width], from[4 * width],
            from[5 * width], from[6 * width], from[7 * width])
        }
        var lanes = Lanes.zero
        for lane in 0..<8 { lanes[lane] = from[min(lane, used - 1) * width] }
        return lanes
      }
      var most = column(0)
      for k in 1..<max(width, 1) {
        let next = column(k)
        most.replace(with: next, where: next .> most)
      }
      var sum = Lanes.zero
      for k in 0..<width { sum += exponential(column(k) - most) }
      for lane in 0..<used { result[first + lane] = most[lane] + log(sum[lane]) }
    }
  }

  /// `exp(x)` for x ≤ 0 to 2 units in the last place; 0 below -87: `2ⁿ e^r` with `|r| ≤ ln 2 / 2`
  /// and a Taylor polynomial. NaN stays NaN.
  @inline(__always)
  private static func exponential(_ x: Lanes) -> Lanes {
    let bounded = x.replacing(with: -88, where: x .< -88)
    // Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits.
    let magic = Lanes(repeating: 12_582_912)
    let shifted = bounded * 1.442_695_04 + magic
    let n = shifted - magic
    let r = bounded - n * 0.693_145_75 - n * 1.428_606_8e-6
    var p = Lanes(repeating: 1 / 5040)
    p = p * r + 1 / 720
    p = p * r + 1 / 120
    p = p * r + 1 / 24
    p = p * r + 1 / 6
    p = p * r + 0.5
    p = p * r + 1
    p = p * r + 1
    let integers = unsafeBitCast(shifted, to: SIMD8<Int32>.self) &- 0x4B40_0000
    let power = unsafeBitCast((integers &+ 127) &<< 23, to: Lanes.self)
    return (p * power).replacing(with: 0, where: x .< -87)
  }
}
