import SakerData

/// What a box's corners mean when areas are measured.
public enum PixelRule: String, Codable, Sendable {
  /// Corners lie between pixels: a box is `right - left` wide. COCO's and Saker's rule.
  case continuous
  /// Corners are the first and the last pixel inside: a box is `right - left + 1` wide. The rule of
  /// the Pascal VOC devkit, of use to reproduce its numbers.
  case inclusive
}

extension Box {
  /// Intersection over union in double precision, 0...1; 0 if both are empty. Doubles, so that 7/10
  /// reaches a threshold of 0.7, which it misses in single precision.
  public func iou(_ other: Box, rule: PixelRule) -> Double {
    let extra = rule == .inclusive ? 1.0 : 0.0
    func side(_ low: Float, _ high: Float) -> Double { max(0, Double(high) - Double(low) + extra) }
    let overlap =
      side(max(left, other.left), min(right, other.right))
      * side(max(top, other.top), min(bottom, other.bottom))
    let union =
      side(left, right) * side(top, bottom)
      + side(other.left, other.right) * side(other.top, other.bottom) - overlap
    return union > 0 ? overlap / union : 0
  }
}

/// Intersection over union of every box with every other: row `i`, column `j` is `rows[i]` with
/// `columns[j]`.
public func iouMatrix(
  _ rows: [Box], _ columns: [Box], rule: PixelRule = .continuous
) -> [[Double]] {
  rows.map { row in columns.map { row.iou($0, rule: rule) } }
}
