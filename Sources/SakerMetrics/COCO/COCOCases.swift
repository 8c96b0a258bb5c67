import SakerData
import SakerTensor

/// Truths and detections as numbers, sorted by category and picture.
struct COCOCases {
  struct Truth {
    var box: COCOBox
    var area: Double
    var isCrowd: Bool
    /// The id 0, which pycocotools takes for "no match".
    var isZero: Bool
    var mask: Int32 = -1
  }

  struct Found {
    var box: COCOBox
    var area: Double
    var score: Double
    var mask: Int32 = -1
  }

  let kind: COCOEvaluation.Kind
  /// Ascending.
  let categoryIDs: [Int]
  let pictures: Int
  private(set) var strayTruths = 0
  private(set) var strayDetections = 0
  private(set) var hasZeroID = false

  /// Sorted by category, then picture, then their order in the file; group `category * pictures +
  /// picture` is `starts[group]..<starts[group + 1]`.
  private(set) var truths: [Truth] = []
  private(set) var truthStarts: [Int32] = []
  private(set) var found: [Found] = []
  private(set) var foundStarts: [Int32] = []
  /// Of truths and detections, where masks are compared.
  private(set) var masks: [RunLengthMask] = []

  init(
    _ dataset: COCODataset, _ detections: [COCODetection], _ kind: COCOEvaluation.Kind
  ) throws(COCOEvaluationError) {
    self.kind = kind
    let images = IndexOfID(dataset.images.map(\.id))
    let categories = IndexOfID(dataset.categories.map(\.id))
    categoryIDs = categories.ids
    pictures = images.ids.count
    guard images.ids.count == dataset.images.count else {
      throw COCOEvaluationError("the ground truth has an image id twice")
    }
    guard categories.ids.count == dataset.categories.count else {
      throw COCOEvaluationError("the ground truth has a category id twice")
    }
    guard pictures * max(categoryIDs.count, 1) < 1 << 30, detections.count < 1 << 31 else {
      throw COCOEvaluationError(
        "\(pictures) pictures of \(categoryIDs.count) categories are too many")
    }
    try sort(dataset, images, categories)
    try sort(detections, images, categories)
    if kind == .masks { try makeMasks(dataset, detections, images, categories) }
  }

  private mutating func sort(
    _ dataset: COCODataset, _ images: IndexOfID, _ categories: IndexOfID
  ) throws(COCOEvaluationError) {
    let groups = dataset.annotations.map { annotation -> Int32 in
      guard let picture = images[annotation.imageID],
        let category = categories[annotation.categoryID]
      else { return -1 }
      return Int32(category * pictures + picture)
    }
    let (order, starts) = sorted(groups, into: pictures * categoryIDs.count)
    truthStarts = starts
    strayTruths = dataset.annotations.count - order.count
    truths.reserveCapacity(order.count)
    for index in order {
      let annotation = dataset.annotations[Int(index)]
      guard let area = annotation.area else {
        throw COCOEvaluationError("the annotation \(annotation.id) has no 'area'")
      }
      guard annotation.box != nil || kind == .masks else {
        throw COCOEvaluationError("the annotation \(annotation.id) has no 'bbox'")
      }
      guard annotation.box?.isFinite ?? true, area.isFinite else {
        throw COCOEvaluationError("the box of the annotation \(annotation.id) is not finite")
      }
      hasZeroID = hasZeroID || annotation.id == 0
      truths.append(
        Truth(
          box: annotation.box ?? COCOBox(x: 0, y: 0, width: 0, height: 0), area: area,
          isCrowd: annotation.isCrowd, isZero: annotation.id == 0))
    }
    truthOrder = kind == .masks ? order : []
  }

  private mutating func sort(
    _ detections: [COCODetection], _ images: IndexOfID, _ categories: IndexOfID
  ) throws(COCOEvaluationError) {
    // The first one says for all whether areas are those of boxes.
    let byBox = detections.first?.box != nil
    var groups = [Int32](repeating: -1, count: detections.count)
    for (index, detection) in detections.enumerated() {
      guard let picture = images[detection.imageID] else {
        throw COCOEvaluationError(
          "detection \(index + 1) is in picture \(detection.imageID), which the ground truth "
            + "doesn't list")
      }
      guard !detection.score.isNaN else {
        throw COCOEvaluationError("the score of detection \(index + 1) is not a number")
      }
      if let box = detection.box, !box.isFinite {
        throw COCOEvaluationError("the box of detection \(index + 1) is not finite")
      }
      guard !byBox || detection.box != nil else {
        throw COCOEvaluationError("detection \(index + 1) has no 'bbox', as those before have")
      }
      guard byBox || detection.segmentation != nil else {
        throw COCOEvaluationError(
          "detection \(index + 1) has neither 'bbox' nor 'segmentation'")
      }
      guard let category = categories[detection.categoryID] else { continue }
      groups[index] = Int32(category * pictures + picture)
    }
    let (order, starts) = sorted(groups, into: pictures * categoryIDs.count)
    foundStarts = starts
    strayDetections = detections.count - order.count
    found = order.map { index in
      let detection = detections[Int(index)]
      let box = detection.box ?? COCOBox(x: 0, y: 0, width: 0, height: 0)
      return Found(box: box, area: box.area, score: detection.score)
    }
    foundOrder = kind == .masks || !byBox ? order : []
    if !byBox && kind == .boxes { try measureMasks(detections) }
  }

  // Where what was sorted came from, for the masks.
  private var truthOrder: [Int32] = []
  private var foundOrder: [Int32] = []

  /// Boxes and areas of results that have masks only.
  private mutating func measureMasks(
    _ detections: [COCODetection]
  ) throws(COCOEvaluationError) {
    for (place, index) in foundOrder.enumerated() {
      guard case .runs(let mask, _)? = detections[Int(index)].segmentation else {
        throw COCOEvaluationError("detection \(index + 1) has no 'bbox', and no run lengths")
      }
      found[place].box = mask.box
      found[place].area = Double(mask.area)
    }
  }

  /// Draws all outlines, on all cores.
  private mutating func makeMasks(
    _ dataset: COCODataset, _ detections: [COCODetection], _ images: IndexOfID,
    _ categories: IndexOfID
  ) throws(COCOEvaluationError) {
    var sizes = [COCOImage](repeating: COCOImage(id: 0), count: pictures)
    for image in dataset.images {
      if let place = images[image.id] { sizes[place] = image }
    }
    let truthCount = truths.count
    let byBox = detections.first?.box != nil
    let total = truthCount + found.count
    var drawn = [RunLengthMask?](repeating: nil, count: total)
    drawn.withUnsafeMutableBufferPointer { drawn in
      nonisolated(unsafe) let drawn = drawn
      Parallel.run(total, grain: 64) { range in
        for place in range {
          if place < truthCount {
            let annotation = dataset.annotations[Int(truthOrder[place])]
            let size = sizes[images[annotation.imageID] ?? 0]
            drawn[place] = annotation.segmentation.flatMap { mask(of: $0, size) }
          } else {
            let detection = detections[Int(foundOrder[place - truthCount])]
            let size = sizes[images[detection.imageID] ?? 0]
            let outline = detection.segmentation ?? detection.box.map(rectangle)
            drawn[place] = outline.flatMap { mask(of: $0, size) }
          }
        }
      }
    }
    masks.reserveCapacity(total)
    for (place, mask) in drawn.enumerated() {
      guard let mask else {
        let who =
          place < truthCount
          ? "the annotation \(dataset.annotations[Int(truthOrder[place])].id)"
          : "detection \(foundOrder[place - truthCount] + 1)"
        throw COCOEvaluationError("\(who) has no 'segmentation' that can be drawn in its picture")
      }
      masks.append(mask)
      if place < truthCount {
        truths[place].mask = Int32(place)
        truths[place].box = mask.box
      } else {
        found[place - truthCount].mask = Int32(place)
        if !byBox { found[place - truthCount].area = Double(mask.area) }
        found[place - truthCount].box = mask.box
      }
    }
    truthOrder = []
    foundOrder = []
  }
}

extension COCOBox {
  fileprivate var isFinite: Bool {
    x.isFinite && y.isFinite && width.isFinite && height.isFinite
  }
}

private func rectangle(_ box: COCOBox) -> COCOSegmentation {
  let (right, bottom) = (box.x + box.width, box.y + box.height)
  return .polygons([[box.x, box.y, box.x, bottom, right, bottom, right, box.y]])
}

private func mask(of segmentation: COCOSegmentation, _ image: COCOImage) -> RunLengthMask? {
  switch segmentation {
  case .runs(let mask, _): mask
  case .polygons(let polygons):
    image.width > 0 && image.height > 0
      ? RunLengthMask(polygons: polygons, height: image.height, width: image.width) : nil
  }
}

/// Stable counting sort: the places of all but the groups -1, and where each group starts.
private func sorted(_ groups: [Int32], into count: Int) -> (order: [Int32], starts: [Int32]) {
  var starts = [Int32](repeating: 0, count: count + 1)
  for group in groups where group >= 0 { starts[Int(group) + 1] += 1 }
  for group in 0..<count { starts[group + 1] += starts[group] }
  var next = starts
  var order = [Int32](repeating: 0, count: Int(starts[count]))
  for (index, group) in groups.enumerated() where group >= 0 {
    order[Int(next[Int(group)])] = Int32(index)
    next[Int(group)] += 1
  }
  return (order, starts)
}

/// The place of an id among all, ascending.
struct IndexOfID {
  let ids: [Int]
  private let first: Int
  /// For ids close to each other: a table from the first one on.
  private var table: [Int32] = []
  private var dictionary: [Int: Int] = [:]

  init(_ all: [Int]) {
    ids = Set(all).sorted()
    first = ids.first ?? 0
    let (span, overflow) = (ids.last ?? 0).subtractingReportingOverflow(first)
    if !overflow && span < 8 * ids.count + 1_000_000 {
      table = [Int32](repeating: -1, count: span + 1)
      for (place, id) in ids.enumerated() { table[id - first] = Int32(place) }
      if ids.isEmpty { table = [] }
    } else {
      dictionary = Dictionary(uniqueKeysWithValues: ids.enumerated().map { ($1, $0) })
    }
  }

  subscript(id: Int) -> Int? {
    if table.isEmpty { return dictionary[id] }
    let (place, overflow) = id.subtractingReportingOverflow(first)
    guard !overflow, table.indices.contains(place), table[place] >= 0 else { return nil }
    return Int(table[place])
  }
}
