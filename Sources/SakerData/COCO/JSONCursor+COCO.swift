/// What COCO's files consist of: ids, boxes, annotations, outlines and masks.
extension JSONCursor {
  /// A number, or a text that stands for one.
  @inline(__always)
  mutating func cocoID() throws(JSONError) -> Int {
    try isText() ? try textID() : try integer()
  }

  private mutating func textID() throws(JSONError) -> Int {
    let text = try string()
    if let number = Int(text), abs(number) <= 1 << 52, "\(number)" == text { return number }
    return COCODataset.number(of: text)
  }

  /// `[x, y, width, height]`; `nil` for null, or for an empty list, as files of key points have it.
  @inline(__always)
  mutating func cocoBox() throws(JSONError) -> COCOBox? {
    if try isNull() { return nil }
    try enterArray()
    guard try nextElement() else { return nil }
    let x = try double()
    guard try nextElement() else { throw error("a bbox has 4 numbers, not 1") }
    let y = try double()
    guard try nextElement() else { throw error("a bbox has 4 numbers, not 2") }
    let width = try double()
    guard try nextElement() else { throw error("a bbox has 4 numbers, not 3") }
    let height = try double()
    guard try !nextElement() else { throw error("a bbox has 4 numbers, not more") }
    return COCOBox(x: x, y: y, width: width, height: height)
  }

  mutating func doubles() throws(JSONError) -> [Double] {
    var numbers: [Double] = []
    try enterArray()
    while try nextElement() { numbers.append(try double()) }
    return numbers
  }

  /// One entry of `annotations`.
  mutating func cocoAnnotation(_ segmentations: Bool) throws(JSONError)
    -> COCOAnnotation
  {
    let start = offset
    var id: Int?
    var imageID: Int?
    var categoryID: Int?
    var annotation = COCOAnnotation(id: 0, imageID: 0, categoryID: 0)
    try enterObject()
    while let key = try nextKey() {
      if key == "id" {
        id = try cocoID()
      } else if key == "image_id" {
        imageID = try cocoID()
      } else if key == "category_id" {
        categoryID = try cocoID()
      } else if key == "bbox" {
        annotation.box = try cocoBox()
      } else if key == "area" {
        annotation.area = try isNull() ? nil : try double()
      } else if key == "iscrowd" {
        annotation.isCrowd = try flag()
      } else if segmentations && key == "segmentation" {
        annotation.segmentation = try cocoSegmentation()
      } else if segmentations && key == "keypoints" {
        annotation.keypoints = try doubles()
      } else {
        try skip()
      }
    }
    guard let id else { throw error("an annotation has no 'id'", at: start) }
    guard let imageID else { throw error("the annotation \(id) has no 'image_id'", at: start) }
    guard let categoryID else {
      throw error("the annotation \(id) has no 'category_id'", at: start)
    }
    (annotation.id, annotation.imageID, annotation.categoryID) = (id, imageID, categoryID)
    return annotation
  }

  /// `0`, `1`, `false` or `true`.
  mutating func flag() throws(JSONError) -> Bool {
    switch try kind() {
    case .null:
      try null()
      return false
    case .boolean: return try boolean()
    default: return try integer() != 0
    }
  }

  /// A picture's side, in pixels.
  mutating func side() throws(JSONError) -> Int {
    let start = offset
    let side = try integer()
    guard (0...RunLengthMask.sideLimit).contains(side) else {
      throw error("a side is 0...\(RunLengthMask.sideLimit) pixels, not \(side)", at: start)
    }
    return side
  }

  mutating func cocoSegmentation() throws(JSONError) -> COCOSegmentation? {
    switch try kind() {
    case .null:
      try null()
      return nil
    case .array:
      var polygons: [[Double]] = []
      var flat: [Double] = []
      try enterArray()
      while try nextElement() {
        // One outline without the list of outlines around it.
        if polygons.isEmpty, try kind() == .number {
          flat.append(try double())
        } else {
          polygons.append(try doubles())
        }
      }
      guard flat.isEmpty || polygons.isEmpty else {
        throw error("a segmentation has numbers and lists side by side")
      }
      return .polygons(flat.isEmpty ? polygons : [flat])
    default: return try runs()
    }
  }

  /// `nil` for an empty object.
  private mutating func runs() throws(JSONError) -> COCOSegmentation? {
    var start = offset
    var size: (height: Int, width: Int)?
    var counts: [UInt32]?
    var isCompressed = false
    try enterObject()
    while let key = try nextKey() {
      if key == "size" {
        try enterArray()
        guard try nextElement() else { throw error("a size has 2 numbers, not 0") }
        let height = try side()
        guard try nextElement() else { throw error("a size has 2 numbers, not 1") }
        let width = try side()
        guard try !nextElement() else { throw error("a size has 2 numbers, not more") }
        size = (height, width)
      } else if key == "counts" {
        start = offset
        isCompressed = try kind() == .string
        if isCompressed {
          let text = try text()
          counts =
            text.isEscaped
            ? RunLengthMask.counts(compressed: text.unescaped)
            : RunLengthMask.counts(compressed: text.bytes)
          guard counts != nil else { throw error("has broken run lengths", at: start) }
        } else {
          counts = try plainCounts()
        }
      } else {
        try skip()
      }
    }
    if size == nil && counts == nil { return nil }
    guard let size else { throw error("run lengths without 'size'", at: start) }
    guard let counts else { throw error("run lengths without 'counts'", at: start) }
    guard let mask = RunLengthMask(height: size.height, width: size.width, counts: counts) else {
      throw error(
        "run lengths don't add up to \(size.height) * \(size.width) pixels", at: start)
    }
    return .runs(mask, isCompressed: isCompressed)
  }

  private mutating func plainCounts() throws(JSONError) -> [UInt32] {
    var counts: [UInt32] = []
    try enterArray()
    while try nextElement() {
      let start = offset
      guard let count = UInt32(exactly: try integer()) else {
        throw error("a run length is 0 or more, and at most 2^32 - 1", at: start)
      }
      counts.append(count)
    }
    return counts
  }
}
