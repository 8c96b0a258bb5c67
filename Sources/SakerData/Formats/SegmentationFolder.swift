import CPNG

/// Pascal VOC's segmentation: `SegmentationClass/NAME.png` holds the class of each pixel,
/// `SegmentationObject/NAME.png` the object's number, by VOC's colours or as gray levels of 8 or 16
/// bits; 0 is background, 255 nobody decided.
enum SegmentationFolder {
  /// VOC's classes, for sets that name none.
  static let vocClasses = [
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
    "tvmonitor",
  ]

  static func read(_ path: String, _ reading: LabelReading) throws -> LabelSet {
    try LabelFolder.require(path)
    var folder = LabelFolder(path)
    func first(_ names: [String]) -> String? {
      names.map { path + "/" + $0 }.first(where: FileBytes.isFolder)
    }
    guard let masks = first(["SegmentationClass", "masks"]) else {
      throw LabelFolder.failure(path, "has no folder SegmentationClass")
    }
    let objects = first(["SegmentationObject"])
    let pictures =
      reading.pictureFolder ?? first(["JPEGImages", "images", "Images"]) ?? path + "/JPEGImages"
    var (splits, unread): ([String: String], [String: String]) = ([:], [:])
    for place in [path + "/ImageSets/Segmentation", path] {
      let usual = ["train", "val", "test"]
      // Beside the folders only lists of the usual names are splits.
      let lists = LabelFolder.names(place).filter { PathName.ending($0) == "txt" }
        .map(PathName.stem)
        .filter { place != path || SplitName.known($0) != nil }
        .sorted { (usual.contains($0) ? 0 : 1, $0) < (usual.contains($1) ? 0 : 1, $1) }
      for (list, split) in folder.splits(lists, in: place) {
        // Lists may share pictures: of a split that is asked for only its own lists count.
        if let wanted = reading.split, wanted != split { continue }
        let names = (folder.lines("\(place)/\(list).txt") ?? []).map(\.text)
        let others = Set(names.compactMap { splits[$0] })
        for name in names where splits[name] == nil { splits[name] = split }
        if !others.contains(split), !splits.values.contains(split) {
          unread[split] =
            others.isEmpty
            ? "its list is empty"
            : "all its pictures are in \(others.sorted().joined(separator: ", "))"
        }
      }
    }
    let files = LabelFolder.names(masks).filter { PathName.ending($0) == "png" }
      .filter { reading.split == nil || splits[PathName.stem($0)] == reading.split }
    guard !files.isEmpty else { throw LabelFolder.failure(masks, "holds no masks (*.png)") }
    let parsed = Concurrently.map(files.count) { i in
      Result { try parse(masks + "/" + files[i], objects.map { $0 + "/" + files[i] }) }
    }
    var (set, most) = (LabelSet(), 0)
    for (file, result) in zip(files, parsed) {
      let stem = PathName.stem(file)
      var picture = LabeledPicture(
        file: stem, path: "", split: splits[stem], source: masks + "/" + file)
      switch result {
      case .success(let content):
        picture.size = content.size
        picture.objects = content.objects
        if let void = content.void { picture.attributes["void"] = void }
        for object in content.objects { most = max(most, object.label + 1) }
      case .failure(let error):
        folder.report(picture.source, (error as? PictureError)?.reason ?? "\(error)")
      }
      if reading.pictures == .unread {
        picture.file = stem + ".jpg"
        picture.path = pictures + "/" + picture.file
      } else if let found = folder.picture(stem, in: pictures) {
        picture.path = found
        picture.file = PathName.last(found)
      } else {
        folder.report(picture.source, "is of no picture in \(pictures)")
      }
      set.pictures.append(picture)
    }
    var names = reading.classes ?? []
    for file in ["classes.txt", "labels.txt"] where names.isEmpty {
      if FileBytes.exists(path + "/" + file) { names = folder.classes(path + "/" + file) ?? [] }
    }
    if names.isEmpty {
      names =
        most <= 20 && objects != nil && most > 1
        ? vocClasses : (1...max(most, 1)).map { "class \($0)" }
    }
    set.classes = names.map { LabelClass($0) }
    set.unreadSplits = unread.filter { !splits.values.contains($0.key) }
    set.problems = folder.problems
    return set
  }

  private struct Content: Sendable {
    var size: PictureSize
    var objects: [LabeledObject]
    var void: String?
  }

  private static func parse(_ file: String, _ objectFile: String?) throws -> Content {
    let map = try LabelMap(file: file)
    let (classes, size) = (map.labels, map.size)
    var instances = InstanceMap(map)
    if let objectFile, FileBytes.exists(objectFile) {
      instances = try InstanceMap(file: objectFile)
      guard instances.size == size else {
        throw PictureError(
          file: objectFile, reason: "is \(instances.size), its classes are \(size)")
      }
    }
    var objects: [LabeledObject] = []
    for (_, mask) in instances.masks() {
      var votes = [Int](repeating: 0, count: 256)
      mask.forEachRun { x, top, bottom in
        for y in top..<bottom { votes[Int(classes[y * size.width + x])] += 1 }
      }
      // An object's class is what most of its pixels say.
      guard let label = (1..<255).max(by: { votes[$0] < votes[$1] }), votes[label] > 0 else {
        continue
      }
      objects.append(
        LabeledObject(label: label - 1, box: LabelBox(mask.box), shape: .mask(mask)))
    }
    var void: String?
    if classes.contains(255) {
      void =
        RunLengthMask(
          rows: classes.map { $0 == 255 ? 1 : 0 }, height: size.height, width: size.width
        ).compressed
    }
    return Content(size: size, objects: objects, void: void)
  }

  // MARK: Writing

  /// Class and object of each pixel as PNG with VOC's palette; later objects lie on top.
  static func masks(_ picture: LabeledPicture, _ size: PictureSize) throws -> (
    classes: [UInt8], objects: [UInt8], lost: Int
  ) {
    var classes = [UInt8](repeating: 0, count: size.width * size.height)
    var objects = classes
    if let void = picture.attributes["void"],
      let counts = RunLengthMask.counts(compressed: Array(void.utf8)),
      let mask = RunLengthMask(height: size.height, width: size.width, counts: counts)
    {
      mask.forEachRun { x, top, bottom in
        for y in top..<bottom {
          classes[y * size.width + x] = 255
          objects[y * size.width + x] = 255
        }
      }
    }
    var (number, lost) = (0, 0)
    for object in picture.objects {
      guard number < 254, (0..<254).contains(object.label), let mask = object.mask(size) else {
        lost += 1
        continue
      }
      number += 1
      mask.forEachRun { x, top, bottom in
        for y in top..<bottom {
          classes[y * size.width + x] = UInt8(object.label + 1)
          objects[y * size.width + x] = UInt8(number)
        }
      }
    }
    return (try png(classes, size), try png(objects, size), lost)
  }

  private static func png(_ numbers: [UInt8], _ size: PictureSize) throws -> [UInt8] {
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    image.width = UInt32(size.width)
    image.height = UInt32(size.height)
    image.format = UInt32(PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_COLORMAP)
    image.colormap_entries = 256
    let palette = LabelMap.colors.flatMap { [$0.red, $0.green, $0.blue] }
    var count = numbers.count + numbers.count / 500 + 8192
    var output = [UInt8](repeating: 0, count: count)
    guard png_image_write_to_memory(&image, &output, &count, 0, numbers, 0, palette) != 0 else {
      throw PictureError(file: "mask in memory", reason: "cannot be encoded as PNG")
    }
    return Array(output[..<count])
  }
}

extension LabeledObject {
  /// Its pixels in a picture of a size: of the mask, else inside its outlines, else inside its box.
  public func mask(_ size: PictureSize) -> RunLengthMask? {
    switch shape {
    case .mask(let mask):
      return mask.width == size.width && mask.height == size.height ? mask : nil
    case .polygons(let parts):
      return RunLengthMask(polygons: parts, height: size.height, width: size.width)
    case .box:
      let corners = [
        box.left, box.top, box.left, box.bottom, box.right, box.bottom, box.right, box.top,
      ]
      return RunLengthMask(polygon: corners, height: size.height, width: size.width)
    case .line: return nil
    }
  }
}
