import SakerData
import SakerTensor

/// Which anchors shall find which object.
///
/// First every anchor whose best object reaches the threshold takes that object (of equal ones the
/// first); then, so that no object goes without, the pair of largest IoU is joined again and again
/// among objects and anchors not joined in this second step, until every object has an anchor.
/// "Dive into Deep Learning", section 14.4 (assign_anchor_to_bbox).
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
    guard !objects.isEmpty, grid.count > 0 else { return [] }
    var matching = Matching(grid, objects)
    matching.joinOverThreshold(threshold)
    matching.joinBest()
    return matching.matches
  }
}

/// The state of one matching. Of the table of all IoUs only what is not 0 is computed: objects are
/// small, and most anchors lie elsewhere.
private struct Matching {
  let grid: AnchorGrid
  let objects: Boxes
  /// For each object, blocks of eight anchors, their IoUs with it and the largest of them.
  var rows: [[(block: Int, largest: Float, iou: BoxColumns.Lanes)]] = []
  /// The object of each anchor, or -1.
  var joined: [Int32]
  /// What the anchor's IoU with it is.
  var overlap: [Float]
  /// Anchors that the second step has joined.
  var taken: Set<Int> = []

  init(_ grid: AnchorGrid, _ objects: Boxes) {
    self.grid = grid
    self.objects = objects
    joined = [Int32](repeating: -1, count: grid.count)
    overlap = [Float](repeating: 0, count: grid.count)
    withUnsafeTemporaryAllocation(
      of: BoxColumns.Lanes.self, capacity: grid.columns.blocks
    ) { scratch in
      for object in objects.indices {
        let box = objects.vector(object)
        var row: [(block: Int, largest: Float, iou: BoxColumns.Lanes)] = []
        grid.blocks(near: box) { blocks in
          grid.columns.iou(with: box, blocks, into: scratch.baseAddress!)
          for block in blocks {
            let iou = scratch[block - blocks.lowerBound]
            row.append((block, BoxColumns.largest(iou), iou))
          }
        }
        rows.append(row)
      }
    }
  }

  var matches: [AnchorMatcher.Match] {
    joined.indices.lazy.filter { joined[$0] >= 0 }
      .map { AnchorMatcher.Match(anchor: $0, object: Int(joined[$0])) }
  }

  /// Joins anchors whose best object reaches the threshold with that object; of equal
  /// IoUs with the first.
  mutating func joinOverThreshold(_ threshold: Float) {
    for object in objects.indices {
      for (block, largest, iou) in rows[object] where largest >= threshold {
        for lane in 0..<8 where iou[lane] >= threshold {
          let anchor = 8 * block + lane
          guard anchor < joined.count, joined[anchor] < 0 || iou[lane] > overlap[anchor] else {
            continue
          }
          joined[anchor] = Int32(object)
          overlap[anchor] = iou[lane]
        }
      }
    }
  }

  /// Joins the pair of largest IoU until each object has an anchor of its own; of equal pairs the
  /// lowest anchor, then the lowest object.
  mutating func joinBest() {
    var best = objects.indices.map { Optional(bestAnchor(of: $0)) }
    for _ in objects.indices {
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
      guard let choice, choice.iou >= 0 else { return }
      joined[choice.anchor] = Int32(choice.object)
      taken.insert(choice.anchor)
      best[choice.object] = nil
      for object in best.indices where best[object]?.anchor == choice.anchor {
        best[object] = bestAnchor(of: object)
      }
    }
  }

  /// The first of the anchors of largest IoU that are not taken.
  private func bestAnchor(of object: Int) -> (anchor: Int, iou: Float) {
    var best: (anchor: Int, iou: Float) = (0, 0)
    for (block, largest, iou) in rows[object] where largest > best.iou {
      for lane in 0..<8 where iou[lane] > best.iou {
        let anchor = 8 * block + lane
        if !taken.isEmpty, taken.contains(anchor) { continue }
        best = (anchor, iou[lane])
      }
    }
    if best.iou > 0 { return best }
    // It meets none: then all that are left are equally good.
    let free = (0..<grid.count).first { !taken.contains($0) }
    return free.map { ($0, 0) } ?? (0, -1)
  }
}

/// What each picture of a batch shall teach: the joined anchors with their class and offsets; all
/// others are background.
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

  /// Class of every anchor, `[pictures, anchors]`, int32: 0 for background, else the
  /// object's class + 1.
  public var classes: Tensor {
    var result = [Int32](repeating: 0, count: count * anchors)
    for (picture, positives) in positives.enumerated() {
      for positive in positives {
        result[picture * anchors + positive.anchor] = Int32(positive.label + 1)
      }
    }
    return Tensor(result, [count, anchors])
  }

  /// Offsets of every anchor, `[pictures, anchors, 4]`, 0 for background; and the mask, 1 where an
  /// anchor is joined.
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
