import SakerTensor

/// Width and height of an anchor, both as fractions of the input's height: a square of
/// pixels has equal ones.
public struct AnchorShape: Hashable, Codable, Sendable {
  public var width, height: Float

  public init(width: Float, height: Float) {
    self.width = width
    self.height = height
  }

  var extent: SIMD2<Float> { [width, height] }
  var isValid: Bool { width > 0 && height > 0 && width.isFinite && height.isFinite }
}

/// The anchors of one cell of one feature map: every size at the first ratio, then the first size
/// at every further ratio, so `sizes.count + ratios.count - 1` of them; or widths and heights
/// written out, as YOLOv2's priors are.
public struct AnchorLevel: Hashable, Codable, Sendable {
  /// Sides of a square anchor as fractions of the input's height; without meaning where
  /// there are shapes.
  public var sizes: [Float]
  /// Width over height, in pixels; without meaning where there are shapes.
  public var ratios: [Float]
  /// In place of sizes and ratios, an anchor each.
  public var shapes: [AnchorShape]?

  public init(sizes: [Float], ratios: [Float] = [1, 2, 0.5]) {
    self.sizes = sizes
    self.ratios = ratios
    precondition(
      isValid, "a level has sizes and ratios, all positive, got \(sizes) and \(ratios)")
  }

  public init(shapes: [AnchorShape]) {
    (sizes, ratios) = ([], [])
    self.shapes = shapes
    precondition(isValid, "a level has shapes, all positive, got \(shapes)")
  }

  var isValid: Bool {
    if let shapes { return !shapes.isEmpty && shapes.allSatisfy(\.isValid) }
    return !sizes.isEmpty && !ratios.isEmpty
      && (sizes + ratios).allSatisfy { $0 > 0 && $0.isFinite }
  }

  /// How many anchors a cell has.
  public var perCell: Int { shapes?.count ?? sizes.count + ratios.count - 1 }

  /// Width and height of each anchor of a cell: the width in units of the input's height, too.
  var extents: [SIMD2<Float>] {
    if let shapes { return shapes.map(\.extent) }
    return sizes.map { [$0 * ratios[0].squareRoot(), $0 / ratios[0].squareRoot()] }
      + ratios.dropFirst().map { [sizes[0] * $0.squareRoot(), sizes[0] / $0.squareRoot()] }
  }
}

/// The anchors of several feature maps of one input, one level after the other; in a level row by
/// row, cell by cell.
///
/// A cell's anchors share its centre `((column + 0.5) / columns, (row + 0.5) / rows)`; coordinates
/// are fractions of the input, 0...1 (anchors may reach beyond). "Dive into Deep Learning", section
/// 14.4 (multibox_prior).
public struct AnchorGrid: Sendable {
  public let levels: [AnchorLevel]
  /// Rows and columns of each level's feature map.
  public let maps: [MapSize]
  /// All anchors, `[count, 4]`.
  public let boxes: Boxes
  let columns: BoxColumns

  /// A feature map's height and width in cells.
  public struct MapSize: Hashable, Codable, Sendable {
    public var rows, columns: Int

    public init(rows: Int, columns: Int) {
      self.rows = rows
      self.columns = columns
    }
  }

  public init(_ levels: [AnchorLevel], maps: [MapSize]) {
    precondition(
      levels.count == maps.count, "one feature map a level, got \(maps.count) for \(levels.count)")
    self.levels = levels
    self.maps = maps
    var corners: [Float] = []
    corners.reserveCapacity(4 * zip(levels, maps).reduce(0) { $0 + $1.0.perCell * $1.1.cells })
    for (level, map) in zip(levels, maps) {
      // A square of pixels is a square of cells: a map that is wider than high makes its
      // anchors' widths smaller.
      let halves = level.extents.map { extent in
        SIMD2(extent.x * Float(map.rows) / Float(map.columns), extent.y) / 2
      }
      let steps = SIMD2(1 / Float(map.columns), 1 / Float(map.rows))
      for row in 0..<map.rows {
        for column in 0..<map.columns {
          let center = (SIMD2(Float(column), Float(row)) + 0.5) * steps
          for half in halves {
            let (low, high) = (center - half, center + half)
            corners += [low.x, low.y, high.x, high.y]
          }
        }
      }
    }
    boxes = Boxes(corners: corners)
    columns = BoxColumns(boxes)
  }

  /// Any boxes as anchors, without levels.
  init(boxes: Boxes) {
    levels = []
    maps = []
    self.boxes = boxes
    columns = BoxColumns(boxes)
  }

  /// The number of anchors.
  public var count: Int { boxes.count }
}

extension AnchorGrid {
  /// Calls `body` with ranges of blocks of eight anchors, rising and apart, that together hold
  /// every anchor that has a point in common with `box`, and some more.
  func blocks(near box: SIMD4<Float>, _ body: (Range<Int>) -> Void) {
    guard !levels.isEmpty else { return body(0..<columns.blocks) }
    var first = 0
    var end = 0
    for (level, map) in zip(levels, maps) {
      let shape = Float(map.rows) / Float(map.columns)
      let reach = level.extents.reduce(SIMD2<Float>.zero) {
        $0.replacing(with: $1, where: $1 .> $0)
      }
      let columns = AnchorGrid.cells(
        of: map.columns, from: box[0], to: box[2], reach: reach.x * shape / 2)
      let rows = AnchorGrid.cells(of: map.rows, from: box[1], to: box[3], reach: reach.y / 2)
      if !columns.isEmpty {
        for row in rows {
          let start = first + (row * map.columns + columns.lowerBound) * level.perCell
          let stop = first + (row * map.columns + columns.upperBound) * level.perCell
          let blocks = max(start / 8, end)..<max((stop + 7) / 8, end)
          if !blocks.isEmpty { body(blocks) }
          end = blocks.upperBound
        }
      }
      first += map.cells * level.perCell
    }
  }

  /// The cells along one axis whose centres lie at most `reach` outside of `low...high`, and one
  /// more on both sides, so that no rounding can leave one out.
  private static func cells(
    of count: Int, from low: Float, to high: Float, reach: Float
  ) -> Range<Int> {
    let start = (low - reach) * Float(count) - 1.5
    let end = (high + reach) * Float(count) + 1.5
    // Also for corners that are no numbers, or far away.
    let first = Int(max(0, min(Float(count), start.rounded(.down))))
    let last = Int(max(0, min(Float(count), end.rounded(.up))))
    return first..<max(first, last)
  }
}

extension AnchorGrid.MapSize {
  var cells: Int { rows * columns }
}
