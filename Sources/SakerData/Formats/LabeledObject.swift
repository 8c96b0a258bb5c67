/// A labelled or detected object in an image: the union of what the formats hold.
public struct LabeledObject: Hashable, Sendable {
  /// Index into the set's classes. Readers keep an index the file gives, even one beyond the
  /// classes: `LabelSet.check` finds it.
  public var label: Int
  /// In pixels; in fractions 0...1 while the picture's size is unknown.
  public var box: LabelBox
  public var flags: Flags
  /// Its outline, where the format has more than the box.
  public var shape: Shape
  public var keyPoints: [KeyPoint]
  /// Confidence 0...1 of a prediction.
  public var score: Double?
  /// The number that COCO gives an annotation.
  public var id: Int?
  /// Square pixels of the object itself, as COCO states it; not that of the box.
  public var area: Double?
  /// Where it stands in the picture's annotation file, from 1; 0 where lines mean nothing.
  public var line: Int32
  /// What else the file says: `pose`, `action`, ...
  public var attributes: [String: String]

  public init(
    label: Int, box: LabelBox, flags: Flags = [], shape: Shape = .box, keyPoints: [KeyPoint] = [],
    score: Double? = nil, id: Int? = nil, area: Double? = nil, line: Int32 = 0,
    attributes: [String: String] = [:]
  ) {
    self.label = label
    self.box = box
    self.flags = flags
    self.shape = shape
    self.keyPoints = keyPoints
    self.score = score
    self.id = id
    self.area = area
    self.line = line
    self.attributes = attributes
  }

  public struct Flags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Hard to recognize: neither counted nor punished by Pascal VOC's measure.
    public static let difficult = Flags(rawValue: 1)
    /// Cut off by the picture's border.
    public static let truncated = Flags(rawValue: 2)
    /// Partly hidden by something else.
    public static let occluded = Flags(rawValue: 4)
    /// A group of objects that are not separated (COCO's `iscrowd`).
    public static let crowd = Flags(rawValue: 8)
  }

  /// An outline; coordinates are x, y, x, y, ... in the unit of the box.
  public enum Shape: Hashable, Sendable {
    /// Nothing beyond the box.
    case box
    /// Closed outlines of its parts.
    case polygons([[Double]])
    /// One bit a pixel.
    case mask(RunLengthMask)
    /// An open line, from its first point to its last: a lane.
    case line([Double])
  }

  public struct KeyPoint: Hashable, Sendable {
    public var x, y: Double
    /// COCO's rule: 0 not marked, 1 marked but hidden, 2 visible.
    public var visibility: Int

    public init(x: Double, y: Double, visibility: Int = 2) {
      self.x = x
      self.y = y
      self.visibility = visibility
    }
  }

  /// The box in pixels or fractions times a factor an axis, with the outline and the key points; a
  /// mask stays, it has pixels.
  public func scaled(x: Double, y: Double) -> LabeledObject {
    var object = self
    object.box = box.scaled(x: x, y: y)
    func scaled(_ points: [Double]) -> [Double] {
      points.indices.map { points[$0] * ($0 % 2 == 0 ? x : y) }
    }
    switch shape {
    case .box, .mask: break
    case .polygons(let parts): object.shape = .polygons(parts.map(scaled))
    case .line(let points): object.shape = .line(scaled(points))
    }
    for i in keyPoints.indices {
      object.keyPoints[i].x *= x
      object.keyPoints[i].y *= y
    }
    return object
  }
}

/// A rectangle between pixels by its first corner and its sides, in double precision: what a file
/// states survives being read and written.
public struct LabelBox: Hashable, Sendable {
  public var left, top, width, height: Double

  public init(left: Double, top: Double, width: Double, height: Double) {
    self.left = left
    self.top = top
    self.width = width
    self.height = height
  }

  public init(left: Double, top: Double, right: Double, bottom: Double) {
    self.init(left: left, top: top, width: right - left, height: bottom - top)
  }

  /// The smallest box around points x, y, x, y, ...; empty at 0, 0 for none.
  public init(around points: some Collection<Double>) {
    var (low, high) = (
      [Double.infinity, .infinity], [-Double.infinity, -Double.infinity]
    )
    for (i, value) in points.enumerated() {
      low[i % 2] = min(low[i % 2], value)
      high[i % 2] = max(high[i % 2], value)
    }
    if low[0] > high[0] || low[1] > high[1] {
      self.init(left: 0, top: 0, width: 0, height: 0)
    } else {
      self.init(left: low[0], top: low[1], right: high[0], bottom: high[1])
    }
  }

  public init(_ box: Box) {
    self.init(
      left: Double(box.left), top: Double(box.top), right: Double(box.right),
      bottom: Double(box.bottom))
  }

  public var right: Double { left + width }
  public var bottom: Double { top + height }
  /// 0 for an empty or inverted box.
  public var area: Double { max(0, width) * max(0, height) }
  public var isFinite: Bool {
    left.isFinite && top.isFinite && width.isFinite && height.isFinite
  }

  public func scaled(x: Double, y: Double) -> LabelBox {
    LabelBox(left: left * x, top: top * y, width: width * x, height: height * y)
  }

  /// In single precision, as models take it.
  public var box: Box {
    Box(left: Float(left), top: Float(top), right: Float(right), bottom: Float(bottom))
  }
}

extension RunLengthMask {
  /// Calls `body` for every run of set pixels inside a column: its x, its first y and the
  /// y after its last.
  func forEachRun(_ body: (_ x: Int, _ top: Int, _ bottom: Int) -> Void) {
    guard height > 0 else { return }
    var at = 0
    for (i, count) in counts.enumerated() {
      let end = at + Int(count)
      if i % 2 == 1 {
        while at < end {
          let (x, y) = (at / height, at % height)
          let bottom = min(height, y + end - at)
          body(x, y, bottom)
          at += bottom - y
        }
      }
      at = end
    }
  }
}

extension LabelBox {
  public init(_ box: COCOBox) {
    self.init(left: box.x, top: box.y, width: box.width, height: box.height)
  }
}
