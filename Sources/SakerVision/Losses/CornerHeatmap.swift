import Foundation
import SakerData
import SakerTensor

/// Targets for corners: a map per class with a Gaussian bump at each corner, since corners near the
/// right one make good boxes, too. Law and Deng, arXiv:1808.01244, section 3.2.
public enum CornerHeatmap {
  /// The largest r such that any box whose corners are moved by at most r along both axes keeps
  /// an IoU of `iou` with the box of this size: the least of three cases (both corners outwards,
  /// both inwards, one each way), each the root of a quadratic. The formula
  /// `(b + √(b² − 4ac)) / 2` that went around with the paper's code misses the division by 2a,
  /// and gives radii that are too large.
  public static func radius(width: Float, height: Float, iou: Float = 0.7) -> Float {
    check(
      iou > 0 && iou < 1, op: "CornerHeatmap.radius", expected: "an IoU between 0 and 1", got: iou)
    check(
      width >= 0 && height >= 0, op: "CornerHeatmap.radius", expected: "a size >= 0",
      got: "\(width) x \(height)")
    let (w, h, m) = (Double(width), Double(height), Double(iou))
    let (sum, area) = (w + h, w * h)
    // Shifted: (w − r)(h − r) = m (2 w h − (w − r)(h − r))
    let shifted = least(1, -sum, area * (1 - m) / (1 + m))
    // Inwards: (w − 2r)(h − 2r) = m w h
    let inner = least(4, -2 * sum, area * (1 - m))
    // Outwards: w h = m (w + 2r)(h + 2r)
    let (a, b, c) = (4 * m, 2 * m * sum, (m - 1) * area)
    let outer = (-b + (b * b - 4 * a * c).squareRoot()) / (2 * a)
    return Float(max(0, min(shifted, inner, outer)))
  }

  /// The smaller root of `a r² + b r + c`, without the cancellation of `−b − √…` for b < 0.
  private static func least(_ a: Double, _ b: Double, _ c: Double) -> Double {
    let root = max(0, b * b - 4 * a * c).squareRoot()
    return root - b > 0 ? 2 * c / (root - b) : 0
  }

  /// A corner of an object, in cells of the map.
  public struct Corner: Hashable, Sendable {
    public var label: Int
    /// Position of the cell.
    public var x, y: Int
    /// Radius of the bump, in cells.
    public var radius: Int

    public init(label: Int, x: Int, y: Int, radius: Int) {
      (self.label, self.x, self.y, self.radius) = (label, x, y, radius)
    }
  }

  /// Bumps `exp(−d² / 2σ²)` with σ a third of the radius' diameter's half, `(2r + 1) / 6`; within r
  /// cells along both axes, the larger one where they overlap. Exactly 1 at each corner.
  ///
  /// - Parameter corners: those outside the map, or of labels that it does not have, stop.
  /// - Returns: `[classes, height, width]`
  public static func targets(
    _ corners: [Corner], classes: Int, height: Int, width: Int
  ) -> Tensor {
    var map = [Float](repeating: 0, count: classes * height * width)
    for corner in corners {
      check(
        (0..<classes).contains(corner.label) && (0..<width).contains(corner.x)
          && (0..<height).contains(corner.y) && corner.radius >= 0, op: "CornerHeatmap.targets",
        expected: "corners in \(classes) maps of \(width) x \(height)", got: corner)
      let sigma = Float(2 * corner.radius + 1) / 6
      let (r, scale) = (corner.radius, -1 / (2 * sigma * sigma))
      for y in max(0, corner.y - r)...min(height - 1, corner.y + r) {
        for x in max(0, corner.x - r)...min(width - 1, corner.x + r) {
          let (dx, dy) = (Float(x - corner.x), Float(y - corner.y))
          let place = (corner.label * height + y) * width + x
          map[place] = max(map[place], exp((dx * dx + dy * dy) * scale))
        }
      }
    }
    return Tensor(map, [classes, height, width])
  }
}
