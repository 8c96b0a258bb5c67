import Foundation

/// A point of a picture, in pixels from the upper left corner: the middle of the first
/// pixel is (0.5, 0.5).
public struct PicturePoint: Hashable, Codable, Sendable {
  public var x, y: Float

  public init(x: Float, y: Float) {
    self.x = x
    self.y = y
  }
}

/// A projective map of the plane, 3 x 3, for column vectors (x, y, 1): y grows downwards, so
/// positive angles turn clockwise. It tells where each point of a picture goes; pixels, boxes,
/// masks and key points follow the same map.
public struct PlaneMap: Hashable, Codable, Sendable {
  /// Row by row.
  public let elements: [Double]

  /// - Parameter elements: nine numbers, row by row.
  public init(_ elements: [Double]) {
    precondition(elements.count == 9, "a map of the plane has 9 elements, got \(elements.count)")
    self.elements = elements
  }

  public static let identity = PlaneMap([1, 0, 0, 0, 1, 0, 0, 0, 1])

  public static func moved(x: Double, y: Double) -> PlaneMap {
    PlaneMap([1, 0, x, 0, 1, y, 0, 0, 1])
  }

  public static func scaled(x: Double, y: Double) -> PlaneMap {
    PlaneMap([x, 0, 0, 0, y, 0, 0, 0, 1])
  }

  /// Clockwise around (0, 0), as it is seen.
  public static func rotated(degrees: Double) -> PlaneMap {
    let angle = degrees * .pi / 180
    return PlaneMap([cos(angle), -sin(angle), 0, sin(angle), cos(angle), 0, 0, 0, 1])
  }

  /// `x + tan(x degrees) y` and `y + tan(y degrees) x`.
  public static func sheared(xDegrees: Double, yDegrees: Double) -> PlaneMap {
    PlaneMap([1, tan(xDegrees * .pi / 180), 0, tan(yDegrees * .pi / 180), 1, 0, 0, 0, 1])
  }

  /// What torchvision's `affine` computes: turned (clockwise), sheared, scaled around `center`,
  /// then moved. Its shear is R(angle) S(scale) Y(-tan) X(-tan), each axis in degrees.
  public static func affine(
    degrees: Double, x: Double = 0, y: Double = 0, scale: Double = 1, shearX: Double = 0,
    shearY: Double = 0, around center: PicturePoint
  ) -> PlaneMap {
    let (cx, cy) = (Double(center.x), Double(center.y))
    return PlaneMap.moved(x: -cx, y: -cy)
      .then(.sheared(xDegrees: -shearX, yDegrees: 0))
      .then(.sheared(xDegrees: 0, yDegrees: -shearY))
      .then(.rotated(degrees: degrees)).then(.scaled(x: scale, y: scale))
      .then(.moved(x: cx + x, y: cy + y))
  }

  /// The map that brings four points to four others; `nil` if three of either lie on a line.
  public init?(from: [PicturePoint], to: [PicturePoint]) {
    precondition(from.count == 4 && to.count == 4, "four points go to four, got \(from), \(to)")
    // Each pair gives two linear equations in the first eight elements; the ninth is 1.
    var rows: [[Double]] = []
    for (p, q) in zip(from, to) {
      let (x, y, u, v) = (Double(p.x), Double(p.y), Double(q.x), Double(q.y))
      rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, u])
      rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, v])
    }
    for column in 0..<8 {
      let pivot = (column..<8).max { abs(rows[$0][column]) < abs(rows[$1][column]) }!
      guard abs(rows[pivot][column]) > 1e-9 else { return nil }
      rows.swapAt(column, pivot)
      for row in 0..<8 where row != column {
        let factor = rows[row][column] / rows[column][column]
        for k in column..<9 { rows[row][k] -= factor * rows[column][k] }
      }
    }
    var elements = (0..<8).map { row in rows[row][8] / rows[row][row] }
    elements.append(1)
    self.init(elements)
  }

  /// This map first, then another.
  public func then(_ next: PlaneMap) -> PlaneMap {
    let (a, b) = (next.elements, elements)
    return PlaneMap(
      (0..<9).map { i in
        let (row, column) = (i / 3 * 3, i % 3)
        return a[row] * b[column] + a[row + 1] * b[column + 3] + a[row + 2] * b[column + 6]
      })
  }

  /// The map back; `nil` if this one folds the plane onto a line.
  public var inverse: PlaneMap? {
    let m = elements
    let cofactors = [
      m[4] * m[8] - m[5] * m[7], m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4],
      m[5] * m[6] - m[3] * m[8], m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5],
      m[3] * m[7] - m[4] * m[6], m[1] * m[6] - m[0] * m[7], m[0] * m[4] - m[1] * m[3],
    ]
    let determinant = m[0] * cofactors[0] + m[1] * cofactors[3] + m[2] * cofactors[6]
    guard determinant.isFinite, abs(determinant) > 1e-12 else { return nil }
    // Scaled so that the last element is 1 where it can be: kernels know maps without
    // perspective by that.
    let last = cofactors[8]
    let unit = abs(last) > 1e-12 ? last : determinant
    return PlaneMap(cofactors.map { $0 / unit })
  }

  /// Whether boxes stay boxes: no turn, no shear, no perspective.
  public var keepsAxes: Bool {
    elements[1] == 0 && elements[3] == 0 && elements[6] == 0 && elements[7] == 0
  }

  /// Where a point goes. Points on or behind the horizon of a perspective go nowhere: both
  /// coordinates are NaN.
  public func callAsFunction(_ point: PicturePoint) -> PicturePoint {
    let (x, y, m) = (Double(point.x), Double(point.y), elements)
    let w = m[6] * x + m[7] * y + m[8]
    guard w > 1e-9 else { return PicturePoint(x: .nan, y: .nan) }
    return PicturePoint(
      x: Float((m[0] * x + m[1] * y + m[2]) / w), y: Float((m[3] * x + m[4] * y + m[5]) / w))
  }

  /// The smallest upright box around the moved corners; with NaN if a corner is behind the horizon.
  public func callAsFunction(_ box: Box) -> Box {
    let corners = [
      PicturePoint(x: box.left, y: box.top), PicturePoint(x: box.right, y: box.top),
      PicturePoint(x: box.right, y: box.bottom), PicturePoint(x: box.left, y: box.bottom),
    ].map { self($0) }
    guard corners.allSatisfy({ $0.x.isFinite && $0.y.isFinite }) else {
      return Box(left: .nan, top: .nan, right: .nan, bottom: .nan)
    }
    let (xs, ys) = (corners.map(\.x), corners.map(\.y))
    return Box(left: xs.min()!, top: ys.min()!, right: xs.max()!, bottom: ys.max()!)
  }
}
