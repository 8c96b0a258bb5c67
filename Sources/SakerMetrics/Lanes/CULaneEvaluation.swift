import SakerTensor

/// CULane's measure of lanes (Pan et al., "Spatial As Deep", arXiv:1712.06080, section 4):
/// lanes are drawn 30 pixels wide along a cubic spline through their points; lanes of truth
/// and prediction are paired so that the sum of IoUs is highest, and a pair with
/// `IoU > threshold` is right.
///
/// Pixels are those of OpenCV's `line`, which the benchmark's program draws with. Unlike there,
/// points twice in a row are dropped (a division by zero there), and a lane of fewer than 2 points
/// never matches without a message.
public struct CULaneEvaluation: Sendable {
  public var width = 1640
  public var height = 590
  /// Thickness of the strokes, in pixels.
  public var thickness = 30
  public var iouThreshold = 0.5
  /// Lanes found, invented and missed.
  public private(set) var counts = DetectionCounts()

  public init(
    width: Int = 1640, height: Int = 590, thickness: Int = 30, iouThreshold: Double = 0.5
  ) {
    precondition(
      (1...16384).contains(width) && (1...16384).contains(height) && (1...1024).contains(thickness),
      "lanes are drawn in pictures of 1...16384 pixels a side and 1...1024 wide")
    self.width = width
    self.height = height
    self.thickness = thickness
    self.iouThreshold = iouThreshold
  }

  public var precision: Double { counts.precision }
  public var recall: Double { counts.recall }
  /// The number that is reported.
  public var f1: Double { counts.f1 }

  /// Counts one picture.
  public mutating func add(predicted: [[LanePoint]], truths: [[LanePoint]]) {
    counts = counts + count(predicted, truths)
  }

  /// Counts many pictures, on all cores.
  public mutating func add(_ pictures: [(predicted: [[LanePoint]], truths: [[LanePoint]])]) {
    var each = [DetectionCounts](repeating: DetectionCounts(), count: pictures.count)
    each.withUnsafeMutableBufferPointer { each in
      nonisolated(unsafe) let each = each
      Parallel.run(pictures.count) { range in
        for index in range {
          each[index] = count(pictures[index].predicted, pictures[index].truths)
        }
      }
    }
    for one in each { counts = counts + one }
  }

  private func count(
    _ predicted: [[LanePoint]], _ truths: [[LanePoint]]
  ) -> DetectionCounts {
    let weights = similarities(truths, predicted)
    let right = Assignment.maximum(weights).enumerated().count { row, column in
      column.map { weights[row][$0] > iouThreshold } ?? false
    }
    return DetectionCounts(
      truePositives: right, falsePositives: predicted.count - right,
      falseNegatives: truths.count - right)
  }

  /// IoU of every lane with every other as they are drawn; 0 for lanes of fewer than 2 points.
  func similarities(_ rows: [[LanePoint]], _ columns: [[LanePoint]]) -> [[Double]] {
    let (first, second) = (rows.map(draw), columns.map(draw))
    return first.map { a in
      second.map { b in
        guard let a, let b else { return 0 }
        var shared = 0
        for (x, y) in zip(a.pixels, b.pixels) { shared += Int(x & y) }
        return ratio(shared, a.area + b.area - shared)
      }
    }
  }

  private func draw(_ lane: [LanePoint]) -> (pixels: [UInt8], area: Int)? {
    guard lane.count >= 2 else { return nil }
    var canvas = LaneCanvas(width: width, height: height)
    canvas.draw(LaneSpline.points(lane), thickness: thickness)
    return (canvas.pixels, canvas.pixels.reduce(0) { $0 + Int($1) })
  }
}
