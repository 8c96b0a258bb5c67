/// What a set of labels looks like in numbers: for tables, and for pictures of them.
public struct DataStatistics: Codable, Sendable {
  public struct ClassCount: Codable, Hashable, Sendable {
    public var name: String
    /// Objects of the class, and pictures with at least one; of a classification set,
    /// pictures of the class.
    public var objects, pictures: Int
  }

  /// Where the values of a quantity lie; all 0 without any.
  public struct Spread: Codable, Hashable, Sendable {
    public var least = 0.0
    /// A tenth of the values lies below.
    public var p10 = 0.0
    public var median = 0.0
    public var mean = 0.0
    /// A tenth of the values lies above.
    public var p90 = 0.0
    public var most = 0.0

    init(_ values: [Double]) {
      guard !values.isEmpty else { return }
      let sorted = values.sorted()
      func at(_ share: Double) -> Double {
        sorted[Int((Double(sorted.count - 1) * share).rounded())]
      }
      (least, p10, median, p90, most) = (sorted[0], at(0.1), at(0.5), at(0.9), sorted.last!)
      mean = sorted.reduce(0, +) / Double(sorted.count)
    }
  }

  public struct SizeCount: Codable, Hashable, Sendable {
    public var width, height, pictures: Int
  }

  /// A box in fractions of its picture.
  public struct Shape: Codable, Hashable, Sendable {
    public var label: Int
    public var centerX, centerY, width, height: Float
  }

  public var pictures = 0
  /// Pictures without an object.
  public var backgrounds = 0
  public var objects = 0
  public var classes: [ClassCount] = []
  /// Pictures by split.
  public var splits: [String: Int] = [:]
  /// The sizes of pictures, the most frequent first; at most 20.
  public var sizes: [SizeCount] = []
  public var objectsPerPicture = Spread([])
  /// Fractions of the picture's sides.
  public var boxWidth = Spread([])
  public var boxHeight = Spread([])
  /// Width divided by height, in pixels.
  public var aspectRatio = Spread([])
  /// The square root of a box's area, in pixels.
  public var boxSide = Spread([])
  /// By COCO's borders, 32² and 96² pixels.
  public var small = 0
  public var medium = 0
  public var large = 0
  /// Marked as `difficult`, `truncated`, `occluded`, `crowd`; as polygon, mask, line, with key
  /// points.
  public var marks: [String: Int] = [:]
  /// Pictures with 0, 1, 2, ... objects; the last entry, 100, stands for all with more.
  public var objectsHistogram: [Int] = []
  /// How often a box's centre lies in each of 50 x 50 cells, row by row from the top left.
  public var centerMap: [[Int]] = []
  /// How often a box has width (column) and height (row) in each fiftieth of its picture,
  /// row by row from 0.
  public var sizeMap: [[Int]] = []
  /// Boxes evenly chosen from the whole set, for pictures of them; not in the JSON.
  public var shapes: [Shape] = []

  private enum CodingKeys: String, CodingKey {
    case pictures, backgrounds, objects, classes, splits, sizes, objectsPerPicture, boxWidth
    case boxHeight, aspectRatio, boxSide, small, medium, large, marks, objectsHistogram, centerMap
    case sizeMap
  }

  public static let cells = 50

  /// - Parameter shapes: the most boxes kept in `shapes`.
  public init(_ set: LabelSet, shapes limit: Int = 10_000) {
    let cells = Self.cells
    var (widths, heights, ratios, sides): ([Double], [Double], [Double], [Double]) = (
      [], [], [], []
    )
    var perPicture: [Double] = []
    var bySize: [PictureSize: Int] = [:]
    classes = set.classNames.map { ClassCount(name: $0, objects: 0, pictures: 0) }
    objectsHistogram = [Int](repeating: 0, count: 101)
    centerMap = Array(repeating: Array(repeating: 0, count: cells), count: cells)
    sizeMap = centerMap
    let total = set.objectCount
    let step = max(1, (total + max(limit, 1) - 1) / max(limit, 1))
    var last = [Int](repeating: -1, count: classes.count)
    for (index, picture) in set.pictures.enumerated() {
      pictures += 1
      splits[picture.split ?? "", default: 0] += 1
      if picture.objects.isEmpty && picture.label == nil { backgrounds += 1 }
      perPicture.append(Double(picture.objects.count))
      objectsHistogram[min(picture.objects.count, 100)] += 1
      if let size = picture.size { bySize[size, default: 0] += 1 }
      if let label = picture.label, classes.indices.contains(label) {
        classes[label].pictures += 1
      }
      for object in picture.objects {
        objects += 1
        count(object)
        if classes.indices.contains(object.label) {
          classes[object.label].objects += 1
          if last[object.label] != index { classes[object.label].pictures += 1 }
          last[object.label] = index
        }
        if case .line = object.shape { continue }
        let box = object.box
        guard box.isFinite, box.width > 0, box.height > 0 else { continue }
        let size = picture.size ?? PictureSize(width: 1, height: 1)
        let (w, h) = (box.width / Double(size.width), box.height / Double(size.height))
        let (x, y) = (box.left / Double(size.width) + w / 2, box.top / Double(size.height) + h / 2)
        widths.append(w)
        heights.append(h)
        func cell(_ value: Double) -> Int { min(max(Int(value * Double(cells)), 0), cells - 1) }
        guard w.magnitude < 1e6, h.magnitude < 1e6, x.magnitude < 1e6, y.magnitude < 1e6 else {
          continue
        }
        centerMap[cell(y)][cell(x)] += 1
        sizeMap[cell(h)][cell(w)] += 1
        if picture.size != nil {
          ratios.append(box.width / box.height)
          sides.append(box.area.squareRoot())
          switch object.area ?? box.area {
          case ..<1024: small += 1
          case ..<9216: medium += 1
          default: large += 1
          }
        }
        if objects % step == 0, shapes.count < limit {
          shapes.append(
            Shape(
              label: object.label, centerX: Float(x), centerY: Float(y), width: Float(w),
              height: Float(h)))
        }
      }
    }
    splits[""] = set.splits.isEmpty ? nil : splits[""]
    sizes =
      bySize.sorted {
        ($1.value, $0.key.width, $0.key.height) < ($0.value, $1.key.width, $1.key.height)
      }.prefix(20).map { SizeCount(width: $0.key.width, height: $0.key.height, pictures: $0.value) }
    while objectsHistogram.count > 1, objectsHistogram.last == 0 { objectsHistogram.removeLast() }
    objectsPerPicture = Spread(perPicture)
    boxWidth = Spread(widths)
    boxHeight = Spread(heights)
    aspectRatio = Spread(ratios)
    boxSide = Spread(sides)
  }

  private mutating func count(_ object: LabeledObject) {
    func add(_ name: String, _ used: Bool) { if used { marks[name, default: 0] += 1 } }
    if !object.flags.isEmpty {
      add("difficult", object.flags.contains(.difficult))
      add("truncated", object.flags.contains(.truncated))
      add("occluded", object.flags.contains(.occluded))
      add("crowd", object.flags.contains(.crowd))
    }
    switch object.shape {
    case .box: break
    case .polygons: add("polygons", true)
    case .mask: add("masks", true)
    case .line: add("lines", true)
    }
    add("key_points", !object.keyPoints.isEmpty)
  }
}
