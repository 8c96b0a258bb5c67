import SakerData
import SakerTensor

/// Which anchors shall find which object.
///
/// First every anchor whose best object reaches the threshold takes that object (of equal ones the first); then, so that
/// no object goes without, the pair of largest IoU is joined again and again among objects and anchors not joined in this
/// second step, until every object has an anchor. "Dive into Deep Learning", section 14.4 (assign_anchor_to_bbox).
public struct AnchorMatcher: Hashable, Codable, Sendable {
  /// An anchor with at least this IoU takes the object.
  public var threshold: Float

  public init(threshold: Float = 0.5) { self.threshold = threshold }

  /// An anchor and the object it shall find.
  public struct Match: Hashable, Sendable {
    public var anchor, object: Int

    public init(anchor: Int, object: Int) {
      self.anchor = anchor
      self.object = object
    }
  }

  /// The joined anchors by rising index; all others are background.
  public func callAsFunction(_ grid: AnchorGrid, _ objects: Boxes) -> [Match] {
    let blocks = grid.columns.blocks
    guard !objects.isEmpty, blocks > 0 else { return [] }
    return withUnsafeTemporaryAllocation(
      of: BoxColumns.Lanes.self, capacity: blocks * objects.count
    ) { table in
      for object in objects.indices {
        grid.columns.iou(
          with: objects.vector(object), into: table.baseAddress! + object * blocks)
      }
      let rows = Rows(table: table, blocks: blocks, anchors: grid.count, objects: objects.count)
      var taken = rows.overThreshold(threshold)
      rows.takeBest(&taken)
      return taken.map { Match(anchor: $0.key, object: $0.value) }
        .sorted { $0.anchor < $1.anchor }
    }
  }
}

/// The IoU of every object (a row) with every anchor.
private struct Rows {
  typealias Lanes = BoxColumns.Lanes
  let table: UnsafeMutableBufferPointer<Lanes>
  let blocks, anchors, objects: Int

  private func row(_ object: Int) -> UnsafeMutablePointer<Lanes> {
    table.baseAddress! + object * blocks
  }

  private func numbers(_ object: Int) -> UnsafeMutablePointer<Float> {
    UnsafeMutableRawPointer(row(object)).assumingMemoryBound(to: Float.self)
  }

  /// Anchors whose best object reaches the threshold, and that object.
  func overThreshold(_ threshold: Float) -> [Int: Int] {
    var best: [Int: Int] = [:]
    let limit = Lanes(repeating: threshold)
    for object in 0..<objects {
      let row = row(object)
      for block in 0..<blocks where any(row[block] .>= limit) {
        for anchor in 8 * block..<min(8 * block + 8, anchors) {
          let value = numbers(object)[anchor]
          guard value >= threshold else { continue }
          // Of equal IoUs the earlier object stays.
          if let other = best[anchor], numbers(other)[anchor] >= value { continue }
          best[anchor] = object
        }
      }
    }
    return best
  }

  /// Joins the pair of largest IoU until each object has an anchor of its own; of equal pairs the lowest anchor, then the
  /// lowest object. Uses the table up.
  func takeBest(_ taken: inout [Int: Int]) {
    var best = (0..<objects).map { Optional(bestAnchor(of: $0)) }
    for _ in 0..<objects {
      var choice: (object: Int, anchor: Int, iou: Float)?
      for (object, candidate) in best.enumerated() {
        guard let candidate else { continue }
        if let choice {
          if candidate.iou < choice.iou { continue }
          if candidate.iou == choice.iou, candidate.anchor >= choice.anchor { continue }
        }
        choice = (object, candidate.anchor, candidate.iou)
      }
      // More objects than anchors: the rest goes without.
      guard let choice, choice.iou >= 0, choice.anchor < anchors else { return }
      taken[choice.anchor] = choice.object
      best[choice.object] = nil
      for object in best.indices {
        numbers(object)[choice.anchor] = -1
        if best[object]?.anchor == choice.anchor { best[object] = bestAnchor(of: object) }
      }
    }
  }

  /// The first of the anchors of largest IoU.
  private func bestAnchor(of object: Int) -> (anchor: Int, iou: Float) {
    let row = row(object)
    var most = Lanes(repeating: -1)
    for block in 0..<blocks { most = BoxColumns.greatest(most, row[block]) }
    let largest = most.max()
    for block in 0..<blocks where any(row[block] .== largest) {
      for lane in 0..<8 where row[block][lane] == largest { return (8 * block + lane, largest) }
    }
    return (anchors, -1)
  }
}

/// What each picture of a batch shall teach: the joined anchors with their class and offsets; all others are background.
public struct AnchorTargets: Sendable {
  /// An anchor that shall find an object.
  public struct Positive: Hashable, Sendable {
    public var anchor: Int
    /// Index of the object's class; its logit comes one later, after the background's.
    public var label: Int
    /// Offsets of the object's box from the anchor: x, y, width, height.
    public var offsets: SIMD4<Float>
  }

  /// For each picture, by rising anchor.
  public let positives: [[Positive]]
  /// How many anchors each picture has.
  public let anchors: Int

  /// - Parameter objects: of each picture, in fractions of the input.
  public init(
    _ objects: [[Annotation]], _ grid: AnchorGrid, matcher: AnchorMatcher = .init(),
    coder: BoxCoder = .init()
  ) {
    anchors = grid.count
    var results = [[Positive]](repeating: [], count: objects.count)
    results.withUnsafeMutableBufferPointer { results in
      Parallel.run(objects.count) { part in
        for picture in part {
          let boxes = Boxes(objects[picture].map(\.box))
          results[picture] = matcher(grid, boxes).map { match in
            Positive(
              anchor: match.anchor, label: objects[picture][match.object].label,
              offsets: coder.encode(
                boxes.vector(match.object), grid.boxes.vector(match.anchor)))
          }
        }
      }
    }
    positives = results
  }

  /// The number of pictures.
  public var count: Int { positives.count }

  /// The number of joined anchors in all pictures.
  public var positiveCount: Int { positives.reduce(0) { $0 + $1.count } }

  /// Class of every anchor, `[pictures, anchors]`, int32: 0 for background, else the object's class + 1.
  public var classes: Tensor {
    var result = [Int32](repeating: 0, count: count * anchors)
    for (picture, positives) in positives.enumerated() {
      for positive in positives {
        result[picture * anchors + positive.anchor] = Int32(positive.label + 1)
      }
    }
    return Tensor(result, [count, anchors])
  }

  /// Offsets of every anchor, `[pictures, anchors, 4]`, 0 for background; and the mask, 1 where an anchor is joined.
  public var offsets: (values: Tensor, mask: Tensor) {
    var values = [Float](repeating: 0, count: count * anchors * 4)
    var mask = values
    for (picture, positives) in positives.enumerated() {
      for positive in positives {
        let i = 4 * (picture * anchors + positive.anchor)
        for k in 0..<4 {
          values[i + k] = positive.offsets[k]
          mask[i + k] = 1
        }
      }
    }
    return (Tensor(values, [count, anchors, 4]), Tensor(mask, [count, anchors, 4]))
  }
}
