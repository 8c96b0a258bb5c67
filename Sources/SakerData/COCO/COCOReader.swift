import Foundation

extension COCODataset {
  /// Reads an annotation file (`images`, `categories`, `annotations`, `info` and `licenses`; other
  /// keys are skipped).
  ///
  /// Ids may be text, too: digits are the number they spell, other text a number above 2^52
  /// that is made of it.
  ///
  /// - Parameters:
  ///   - segmentations: whether outlines, masks and key points are kept; without them a large
  ///     file takes a quarter of the time and memory.
  ///   - isLenient: whether an entry with something missing, twice there, or of another type is
  ///     left out and told in `problems`, instead of refusing the file.
  /// - Throws: at the first thing that is wrong; leniently, only where the file is no
  ///   JSON or lacks a list.
  public init(
    file: String, segmentations: Bool = true, isLenient: Bool = false
  ) throws(JSONError) {
    let bytes = try JSONFile.bytes(file)
    self = try bytes.read { (buffer) throws(JSONError) in
      try COCODataset(json: buffer, file: file, segmentations: segmentations, isLenient: isLenient)
    }
  }

  /// From bytes in memory; `file` is the name in errors.
  public init(
    json: UnsafeBufferPointer<UInt8>, file: String, segmentations: Bool = true,
    isLenient: Bool = false
  ) throws(JSONError) {
    self.init()
    var cursor = JSONCursor(json, file: file)
    cursor.skipsNoNumbers = isLenient
    var (hasImages, hasCategories, hasAnnotations) = (false, false, false)
    try cursor.enterObject()
    while let key = try cursor.nextKey() {
      if key == "images" {
        guard !hasImages else { throw cursor.error("has 'images' twice") }
        hasImages = true
        try readImages(&cursor, isLenient)
      } else if key == "categories" {
        guard !hasCategories else { throw cursor.error("has 'categories' twice") }
        hasCategories = true
        try readCategories(&cursor, isLenient)
      } else if key == "annotations" {
        guard !hasAnnotations else { throw cursor.error("has 'annotations' twice") }
        hasAnnotations = true
        try readAnnotations(&cursor, segmentations, isLenient)
      } else if key == "info" {
        info = try cursor.raw()
      } else if key == "licenses" {
        licenses = try cursor.raw()
      } else {
        try cursor.skip()
      }
    }
    try cursor.end()
    for (name, isThere) in [
      ("images", hasImages), ("categories", hasCategories), ("annotations", hasAnnotations),
    ] where !isThere {
      throw cursor.error("has no '\(name)'", at: 0)
    }
  }

  /// Walks a list; leniently, an entry that throws is told and passed over.
  private mutating func readEntries(
    _ cursor: inout JSONCursor, _ isLenient: Bool,
    _ read: (inout COCODataset, inout JSONCursor) throws(JSONError) -> Void
  ) throws(JSONError) {
    while try cursor.nextElement() {
      let start = cursor
      do throws(JSONError) {
        try read(&self, &cursor)
      } catch {
        guard isLenient else { throw error }
        cursor = start
        try cursor.skip()
        if problems.count < LabelFolder.mostProblems { problems.append(error) }
      }
    }
  }

  private mutating func readImages(
    _ cursor: inout JSONCursor, _ isLenient: Bool
  ) throws(JSONError) {
    var known = UniqueNumbers()
    try cursor.enterArray()
    try readEntries(&cursor, isLenient) { (set, cursor) throws(JSONError) in
      let start = cursor.offset
      var id: Int?
      var image = COCOImage(id: 0)
      try cursor.enterObject()
      while let key = try cursor.nextKey() {
        if key == "id" {
          id = try cursor.cocoID()
        } else if key == "file_name" {
          image.fileName = try cursor.string()
        } else if key == "width" {
          image.width = try cursor.side()
        } else if key == "height" {
          image.height = try cursor.side()
        } else if key == "license", try cursor.kind() == .number {
          // Whoever numbers licences otherwise is not refused: nothing but their list needs it.
          image.license = Int(exactly: try cursor.double())
        } else {
          try cursor.skip()
        }
      }
      guard let id else { throw cursor.error("an image has no 'id'", at: start) }
      guard known.insert(id) else {
        throw cursor.error("the image id \(id) is there twice", at: start)
      }
      image.id = id
      set.images.append(image)
    }
  }

  private mutating func readCategories(
    _ cursor: inout JSONCursor, _ isLenient: Bool
  ) throws(JSONError) {
    var known = UniqueNumbers()
    try cursor.enterArray()
    try readEntries(&cursor, isLenient) { (set, cursor) throws(JSONError) in
      let start = cursor.offset
      var id: Int?
      var category = COCOCategory(id: 0)
      try cursor.enterObject()
      while let key = try cursor.nextKey() {
        if key == "id" {
          id = try cursor.cocoID()
        } else if key == "name" {
          category.name = try cursor.string()
        } else if key == "supercategory", try !cursor.isNull() {
          category.supercategory = try cursor.string()
        } else if !(key == "supercategory") {
          try cursor.skip()
        }
      }
      guard let id else { throw cursor.error("a category has no 'id'", at: start) }
      guard known.insert(id) else {
        throw cursor.error("the category id \(id) is there twice", at: start)
      }
      category.id = id
      set.categories.append(category)
    }
  }

  private mutating func readAnnotations(
    _ cursor: inout JSONCursor, _ segmentations: Bool, _ isLenient: Bool
  ) throws(JSONError) {
    try cursor.enterArray()
    if let end = readHalves(cursor, segmentations) {
      cursor = end
      return
    }
    var known = UniqueNumbers()
    try readEntries(&cursor, isLenient) { (set, cursor) throws(JSONError) in
      let start = cursor.offset
      let annotation = try cursor.cocoAnnotation(segmentations)
      guard known.insert(annotation.id) else {
        throw cursor.error("the annotation id \(annotation.id) is there twice", at: start)
      }
      set.annotations.append(annotation)
    }
  }

  /// Reads a long list of annotations from its beginning and from its middle at the same time. What
  /// looks like the middle is it only if the first half ends there.
  ///
  /// - Returns: the cursor behind the list; `nil`, with nothing read, where that is no gain or
  ///   anything is wrong: reading front to back tells what.
  private mutating func readHalves(_ cursor: JSONCursor, _ segmentations: Bool) -> JSONCursor? {
    guard let middle = cursor.middleObject(least: 1 << 18) else { return nil }
    typealias Half = (annotations: GrowingMemory<COCOAnnotation>, cursor: JSONCursor, isCut: Bool)
    nonisolated(unsafe) var halves: [Half?] = [nil, nil]
    nonisolated(unsafe) let starts = [cursor, cursor.moved(toElementAt: middle)]
    halves.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let results = buffer
      DispatchQueue.concurrentPerform(iterations: 2) { part in
        var cursor = starts[part]
        let found = GrowingMemory<COCOAnnotation>()
        do throws(JSONError) {
          var isCut = false
          if part == 1 { found.append(try cursor.cocoAnnotation(segmentations)) }
          while try cursor.nextElement() {
            if part == 0, cursor.offset == middle {
              isCut = true
              break
            }
            found.append(try cursor.cocoAnnotation(segmentations))
          }
          results[part] = (found, cursor, isCut)
        } catch {
          // Told by whoever reads front to back.
        }
      }
    }
    guard let first = halves[0] else { return nil }
    let second = first.isCut ? halves[1] : nil
    if first.isCut && second == nil { return nil }
    let count = first.annotations.count + (second?.annotations.count ?? 0)
    let all = [COCOAnnotation](unsafeUninitializedCapacity: count) { buffer, done in
      done = first.annotations.move(to: buffer.baseAddress)
      done += second?.annotations.move(to: buffer.baseAddress.map { $0 + done }) ?? 0
    }
    var known = UniqueNumbers()
    for i in all.indices where !known.insert(all[i].id) { return nil }
    annotations = all
    return (second ?? first).cursor
  }
}

/// A list that can be moved elsewhere without a copy of its elements.
private final class GrowingMemory<Element> {
  private var base = UnsafeMutablePointer<Element>.allocate(capacity: 1024)
  private var capacity = 1024
  private(set) var count = 0

  func append(_ element: Element) {
    if count == capacity {
      capacity *= 2
      let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
      larger.moveInitialize(from: base, count: count)
      base.deallocate()
      base = larger
    }
    (base + count).initialize(to: element)
    count += 1
  }

  /// - Returns: how many elements were moved; none are left here.
  func move(to place: UnsafeMutablePointer<Element>?) -> Int {
    defer { count = 0 }
    if let place { place.moveInitialize(from: base, count: count) }
    return count
  }

  deinit {
    base.deinitialize(count: count)
    base.deallocate()
  }
}

extension COCODetection {
  /// Reads a results file: a list of `{"image_id", "category_id", "bbox" or
  /// "segmentation", "score"}`.
  public static func read(
    file: String, segmentations: Bool = true
  ) throws(JSONError) -> [COCODetection] {
    let bytes = try JSONFile.bytes(file)
    return try bytes.read { (buffer) throws(JSONError) in
      try read(json: buffer, file: file, segmentations: segmentations)
    }
  }

  /// From bytes in memory; `file` is the name in errors.
  public static func read(
    json: UnsafeBufferPointer<UInt8>, file: String, segmentations: Bool = true
  ) throws(JSONError) -> [COCODetection] {
    var cursor = JSONCursor(json, file: file)
    var detections: [COCODetection] = []
    // A detection takes 100 bytes or so; a wrong guess costs a copy.
    detections.reserveCapacity(json.count / 128)
    try cursor.enterArray()
    while try cursor.nextElement() {
      detections.append(try read(&cursor, segmentations))
    }
    try cursor.end()
    return detections
  }

  @inline(__always)
  private static func read(
    _ cursor: inout JSONCursor, _ segmentations: Bool
  ) throws(JSONError) -> COCODetection {
    let start = cursor.offset
    var imageID: Int?
    var categoryID: Int?
    var score: Double?
    var detection = COCODetection(imageID: 0, categoryID: 0, score: 0)
    try cursor.enterObject()
    while let key = try cursor.nextKey() {
      if key == "image_id" {
        imageID = try cursor.cocoID()
      } else if key == "category_id" {
        categoryID = try cursor.cocoID()
      } else if key == "bbox" {
        detection.box = try cursor.cocoBox()
      } else if key == "score" {
        score = try cursor.double()
      } else if segmentations && key == "segmentation" {
        detection.segmentation = try cursor.cocoSegmentation()
      } else {
        try cursor.skip()
      }
    }
    guard let imageID else { throw cursor.error("a detection has no 'image_id'", at: start) }
    guard let categoryID else { throw cursor.error("a detection has no 'category_id'", at: start) }
    guard let score else { throw cursor.error("a detection has no 'score'", at: start) }
    detection.imageID = imageID
    detection.categoryID = categoryID
    detection.score = score
    return detection
  }
}

extension COCODataset {
  /// Ids from here on were made of text.
  static let textIDs = 1 << 52

  /// A number for a text that is the same in every file (FNV-1a); two texts of a million share one
  /// with a chance of 1 in 9,000.
  static func number(of text: String) -> Int {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    hash ^= hash >> 32
    return textIDs + Int(hash & UInt64(textIDs - 1))
  }
}

/// Tells numbers that come again; a bit for each up to 2^26, beyond it a set.
struct UniqueNumbers {
  private var bits: [UInt64] = []
  private var known: Set<Int> = []

  /// Whether the number is new.
  mutating func insert(_ number: Int) -> Bool {
    guard number >= 0, number < 1 << 26 else { return known.insert(number).inserted }
    let word = number >> 6
    if word >= bits.count {
      bits.append(contentsOf: repeatElement(0, count: max(word + 1, 2 * bits.count) - bits.count))
    }
    let bit = UInt64(1) << UInt64(number & 63)
    guard bits[word] & bit == 0 else { return false }
    bits[word] |= bit
    return true
  }
}
