import SakerTensor

/// Pictures and the objects marked in them.
public struct DetectionDataset: Sendable {
  /// One picture, its size and its objects; nothing is decoded until it is needed.
  public struct Item: Hashable, Sendable {
    /// The picture's name without folder and extension.
    public var name: String
    /// Path of the picture.
    public var picture: String
    /// Size of the upright image, in pixels.
    public var size: PictureSize
    /// In pixels of the picture; empty for a background.
    public var annotations: [Annotation]
    /// What is marked beyond the boxes, one for each annotation; or empty, if there is nothing.
    public var outlines: [ObjectOutline?]

    public init(
      name: String, picture: String, size: PictureSize, annotations: [Annotation],
      outlines: [ObjectOutline?] = []
    ) {
      self.outlines = outlines
      self.name = name
      self.picture = picture
      self.size = size
      self.annotations = annotations
    }
  }

  /// What to do with files that have errors.
  public enum Policy: Sendable {
    /// Refuse the data set and report all of them.
    case strict
    /// Leave them out and count them.
    case skipBad
  }

  /// How closely pictures are looked at while the folder is read.
  public enum Verification: Sendable {
    /// Format, size and end of the file; a picture is decoded only when that leaves a doubt.
    case header
    /// Every picture is decoded.
    case full
  }

  /// Names of the classes; an annotation's label is an index into them.
  public var classes: [String]
  public var items: [Item]
  /// Everything found while reading: warnings, and with `.skipBad` the errors of the files left
  /// out.
  public var problems: [DataProblem]
  /// Files left out because of errors.
  public var skipped: Int
  /// Boxes left out because they are empty.
  public var droppedBoxes: Int

  public init(
    classes: [String], items: [Item], problems: [DataProblem] = [], skipped: Int = 0,
    droppedBoxes: Int = 0
  ) {
    self.classes = classes
    self.items = items
    self.problems = problems
    self.skipped = skipped
    self.droppedBoxes = droppedBoxes
  }

  /// Objects in all pictures.
  public var boxCount: Int { items.reduce(0) { $0 + $1.annotations.count } }

  /// Objects of each class, in the order of `classes`.
  public var countsByClass: [Int] {
    var counts = [Int](repeating: 0, count: classes.count)
    for item in items {
      for annotation in item.annotations { counts[annotation.label] += 1 }
    }
    return counts
  }

  /// Cuts the set in two, for data that come without splits; the order inside each part stays.
  ///
  /// - Parameter share: of the pictures that go to the second part, 0...1; each part gets at least
  ///   one picture if there are two.
  public func divided(share: Double, seed: UInt64) -> (DetectionDataset, DetectionDataset) {
    precondition((0...1).contains(share), "a share is 0...1, got \(share)")
    var random = Random(seed: seed)
    var order = Array(items.indices)
    order.shuffle(&random)
    var count = Int((Double(items.count) * share).rounded())
    if items.count >= 2 && share > 0 && share < 1 { count = min(max(count, 1), items.count - 1) }
    let second = Set(order.prefix(count))
    var (first, rest) = (self, self)
    first.items = items.indices.filter { !second.contains($0) }.map { items[$0] }
    rest.items = items.indices.filter { second.contains($0) }.map { items[$0] }
    return (first, rest)
  }
}

extension Array {
  /// Fisher and Yates's shuffle, written out so that a seed gives the same order with every
  /// version of the library.
  mutating func shuffle(_ random: inout Random) {
    for last in stride(from: count - 1, to: 0, by: -1) {
      swapAt(last, random.index(below: last + 1))
    }
  }
}

extension Random {
  /// Uniform in `0..<bound`, by the high half of a product (its bias is below 2^-32 for
  /// any array's count).
  mutating func index(below bound: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// Uniform in `0..<1`, with 53 random bits.
  mutating func double() -> Double { Double(next() >> 11) * 0x1p-53 }
}
