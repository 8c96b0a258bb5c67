import Foundation
import SakerData
import SakerTensor

/// Anchors from the training boxes: k-means with the distance 1 - IoU of two boxes on one corner,
/// as in YOLO9000 (arXiv:1612.08242, section 2), on each level's own range of sizes. Called as a
/// function it keeps of each centre the size √(w h), for squares and the ratios; `priors` keeps
/// width and height, as YOLO9000 does.
///
/// A level whose cells are `d` apart can't reach boxes much smaller than `2 d`: at worst a box's
/// centre lies half a cell off in both directions, and then an anchor of the box's own size meets
/// it with IoU 0.39. So a level takes the boxes from twice its own spacing up to twice the next
/// level's; the last one takes what is larger than 0.75.
public struct AnchorFit: Sendable {
  /// Feature maps, the finest first.
  public var maps: [AnchorGrid.MapSize]
  /// How many sizes each level gets.
  public var sizesPerLevel: Int
  public var ratios: [Float]
  /// The input's width over its height, in pixels.
  public var aspect: Float
  public var seed: UInt64

  public init(
    maps: [AnchorGrid.MapSize], sizesPerLevel: Int = 2, ratios: [Float] = [1, 2, 0.5],
    aspect: Float = 1, seed: UInt64 = 0
  ) {
    precondition(!maps.isEmpty && sizesPerLevel > 0, "a fit needs levels and sizes")
    self.maps = maps
    self.sizesPerLevel = sizesPerLevel
    self.ratios = ratios
    self.aspect = aspect
    self.seed = seed
  }

  /// Levels for `boxes`, fractions of the input; the finest first. Empty boxes are not counted.
  ///
  /// - Throws: `AnchorError` if no box has an area.
  public func callAsFunction(_ boxes: Boxes) throws(AnchorError) -> [AnchorLevel] {
    try levels(boxes) { own, range, random in
      AnchorLevel(sizes: sizes(for: own, range, &random), ratios: ratios)
    }
  }

  /// Levels of widths and heights, as many a level as sizes and ratios together would make,
  /// `sizesPerLevel + ratios.count - 1`, by rising area. A level with fewer different boxes than
  /// that has nothing to learn shapes from, and gets those of its sizes and ratios.
  ///
  /// - Throws: `AnchorError` if no box has an area.
  public func priors(_ boxes: Boxes) throws(AnchorError) -> [AnchorLevel] {
    let count = sizesPerLevel + ratios.count - 1
    return try levels(boxes) { own, range, random in
      var centers =
        Set(own).count < count
        ? AnchorLevel(sizes: sizes(for: own, range, &random), ratios: ratios).extents
        : AnchorFit.means(own, count, &random)
      // Of equal areas the narrower first: the same boxes in another order give the same levels.
      centers.sort { ($0.x * $0.y, $0.x) < ($1.x * $1.y, $1.x) }
      return AnchorLevel(shapes: centers.map { AnchorShape(width: $0.x, height: $0.y) })
    }
  }

  /// A level for each map, from the boxes of its range.
  private func levels(
    _ boxes: Boxes,
    _ level: ([SIMD2<Float>], Range<Float>, inout Random) -> AnchorLevel
  ) throws(AnchorError) -> [AnchorLevel] {
    // In units of the input's height, as sizes are.
    let extents: [SIMD2<Float>] = boxes.filter { $0.area > 0 && $0.area.isFinite }
      .map { [$0.width * aspect, $0.height] }
    guard !extents.isEmpty else {
      throw AnchorError(description: "anchors: expected training boxes with an area, got none")
    }
    var random = Random(seed: seed)
    return ranges().map { range in
      level(extents.filter { range.contains(($0.x * $0.y).squareRoot()) }, range, &random)
    }
  }

  /// Which sizes each level takes.
  private func ranges() -> [Range<Float>] {
    var starts: [Float] = [0]
    for map in maps.dropFirst() {
      let spacing = max(1 / Float(map.rows), aspect / Float(map.columns))
      starts.append(max(min(2 * spacing, 0.75), starts.last!.nextUp))
    }
    return zip(starts, starts.dropFirst() + [Float.infinity]).map { $0..<$1 }
  }

  private func sizes(
    for extents: [SIMD2<Float>], _ range: Range<Float>, _ random: inout Random
  ) -> [Float] {
    let distinct = Set(extents.map { ($0.x * $0.y).squareRoot() })
    guard distinct.count >= sizesPerLevel else {
      // Nothing to learn from: the range evenly, by ratio, or around what little there is.
      let top = min(range.upperBound, max(1, 1.5 * range.lowerBound))
      let (low, high) =
        distinct.isEmpty
        ? (max(range.lowerBound, top / 4), top)
        : (0.8 * distinct.min()!, 1.25 * distinct.max()!)
      return (0..<sizesPerLevel).map { i in
        low * pow(high / low, (Float(i) + 0.5) / Float(sizesPerLevel))
      }
    }
    return AnchorFit.means(extents, sizesPerLevel, &random)
      .map { ($0.x * $0.y).squareRoot() }.sorted()
  }

  /// The centres of `count` clusters of widths and heights: the best of 8 runs from different
  /// starts (k-means++), by mean IoU with the nearest centre.
  static func means(
    _ extents: [SIMD2<Float>], _ count: Int, _ random: inout Random
  ) -> [SIMD2<Float>] {
    var best: (score: Float, centers: [SIMD2<Float>]) = (-1, [])
    for _ in 0..<8 {
      var centers = starts(extents, count, &random)
      for _ in 0..<100 {
        let groups = extents.map { nearest($0, centers).index }
        var sums = [(sum: SIMD2<Double>, count: Double)](repeating: (.zero, 0), count: count)
        for (extent, group) in zip(extents, groups) {
          sums[group].sum += SIMD2(log(Double(extent.x)), log(Double(extent.y)))
          sums[group].count += 1
        }
        // IoU compares by ratio, so the mean is the geometric one.
        let moved = zip(sums, centers).map { sum, center in
          guard sum.count > 0 else { return center }
          let mean = sum.sum / sum.count
          return SIMD2(Float(exp(mean.x)), Float(exp(mean.y)))
        }
        if moved == centers { break }
        centers = moved
      }
      let score = extents.reduce(0) { $0 + nearest($1, centers).iou } / Float(extents.count)
      if score > best.score { best = (score, centers) }
    }
    return best.centers
  }

  private static func starts(
    _ extents: [SIMD2<Float>], _ count: Int, _ random: inout Random
  ) -> [SIMD2<Float>] {
    var centers = [extents[Int.random(in: 0..<extents.count, using: &random)]]
    while centers.count < count {
      let weights = extents.map { extent in
        let distance = 1 - nearest(extent, centers).iou
        return distance * distance
      }
      var rest = random.uniform() * weights.reduce(0, +)
      let next = weights.firstIndex { weight in
        rest -= weight
        return weight > 0 && rest <= 0
      }
      centers.append(extents[next ?? weights.indices.max { weights[$0] < weights[$1] }!])
    }
    return centers
  }

  private static func nearest(
    _ extent: SIMD2<Float>, _ centers: [SIMD2<Float>]
  ) -> (index: Int, iou: Float) {
    var best: (index: Int, iou: Float) = (0, -1)
    for (index, center) in centers.enumerated() {
      let shared = min(extent.x, center.x) * min(extent.y, center.y)
      let iou = shared / (extent.x * extent.y + center.x * center.y - shared)
      if iou > best.iou { best = (index, iou) }
    }
    return best
  }
}

/// How well the anchors of a grid can reach the boxes of a data set.
public struct AnchorReport: Hashable, Codable, Sendable, CustomStringConvertible {
  /// Of the boxes of one class, or of all.
  public struct Row: Hashable, Codable, Sendable {
    public var name: String
    public var boxes: Int
    /// Share of the boxes that some anchor meets with IoU ≥ 0.5, 0...1; 0 if there are no boxes.
    public var reached: Float
    /// Mean over the boxes of the IoU with the best anchor.
    public var meanBestIoU: Float

    enum CodingKeys: String, CodingKey {
      // In snake case "mean_best_iou", where "IoU" would be "io_u".
      case name, boxes, reached
      case meanBestIoU = "meanBestIou"
    }
  }

  public var all: Row
  public var classes: [Row]
  public var levels: [AnchorLevel]

  /// - Parameter objects: in fractions of the input.
  public init(_ objects: [Annotation], _ grid: AnchorGrid, classNames: [String]) {
    var best = [Float](repeating: 0, count: objects.count)
    best.withUnsafeMutableBufferPointer { best in
      Parallel.run(objects.count, grain: 8) { part in
        withUnsafeTemporaryAllocation(
          of: BoxColumns.Lanes.self, capacity: max(grid.columns.blocks, 1)
        ) { row in
          for i in part {
            let box = objects[i].box
            grid.columns.iou(
              with: [box.left, box.top, box.right, box.bottom], 0..<grid.columns.blocks,
              into: row.baseAddress!)
            best[i] = row.prefix(grid.columns.blocks).reduce(0) { max($0, $1.max()) }
          }
        }
      }
    }
    func row(_ name: String, _ members: [Int]) -> Row {
      let count = Float(max(members.count, 1))
      return Row(
        name: name, boxes: members.count,
        reached: Float(members.count { best[$0] >= 0.5 }) / count,
        meanBestIoU: members.reduce(0) { $0 + best[$1] } / count)
    }
    all = row("all", Array(objects.indices))
    classes = classNames.enumerated().map { label, name in
      row(name, objects.indices.filter { objects[$0].label == label })
    }
    levels = grid.levels
  }

  public var description: String {
    let width = ([all] + classes).map(\.name.count).max()! + 2
    var lines = ["class".padding(width) + "  boxes  reached  mean best IoU"]
    for row in classes + [all] {
      lines.append(
        row.name.padding(width)
          + String(
            format: "%7d  %6.2f%%  %13.3f", row.boxes, 100 * row.reached, row.meanBestIoU))
    }
    let sizes = levels.map { level in
      (level.shapes?.map { String(format: "%.3fx%.3f", $0.width, $0.height) }
        ?? level.sizes.map { String(format: "%.3f", $0) }).joined(separator: "/")
    }
    let hasShapes = levels.contains { $0.shapes != nil }
    return (["anchor \(hasShapes ? "shapes" : "sizes"): " + sizes.joined(separator: ", ")] + lines)
      .joined(separator: "\n")
  }
}

extension String {
  fileprivate func padding(_ width: Int) -> String {
    self + String(repeating: " ", count: Swift.max(0, width - count))
  }
}
