/// COCO's JSON as a set of labels, and back.
enum COCOFormat {
  /// - Parameter path: an annotation file, or a folder with some (`annotations/instances_*.json`,
  ///   Roboflow's `train/_annotations.coco.json`).
  static func read(_ path: String, _ reading: LabelReading) throws -> LabelSet {
    var set = LabelSet()
    var folder = LabelFolder(path)
    var files = try JSONFiles.find(path, reading, .coco, &folder)
    let instances = files.filter { PathName.last($0.file).hasPrefix("instances") }
    // Captions and key points lie beside COCO's instances, for the same pictures.
    if !instances.isEmpty { files = instances }
    for (file, split) in files {
      let data: COCODataset
      do {
        data = try COCODataset(file: file, isLenient: true)
      } catch {
        throw LabelFolder.failure(
          file, line: error.line > 0 ? error.line : nil,
          error.line > 0 ? "\(error.reason) (byte \(error.byte))" : error.reason)
      }
      for problem in data.problems {
        folder.report(file, line: problem.line, "\(problem.reason) (byte \(problem.byte))")
      }
      try add(data, file, split, &set, &folder, reading)
    }
    if let classes = reading.classes { set = try set.renamed(to: classes, path) }
    set.problems = folder.problems
    return set
  }

  private static func add(
    _ data: COCODataset, _ file: String, _ split: String?, _ set: inout LabelSet,
    _ folder: inout LabelFolder, _ reading: LabelReading
  ) throws {
    var labels: [Int: Int] = [:]
    var names: [String: Int] = [:]
    for category in data.categories {
      let name = category.name.isEmpty ? "class \(category.id)" : category.name
      let other = names.updateValue(category.id, forKey: name)
      if let other {
        folder.report(
          file,
          "gives two classes the name \(ByteText.shown(name)), with the ids \(other) and \(category.id)"
        )
      }
      if let known = set.classes.firstIndex(where: { $0.name == name }) {
        labels[category.id] = known
        if set.classes[known].id != category.id, other == nil {
          folder.warn(
            file,
            "gives the class \(ByteText.shown(name)) the id \(category.id); it is "
              + "\(set.classes[known].id.map(String.init) ?? "none") in another place")
        }
      } else {
        labels[category.id] = set.classes.count
        set.classes.append(
          LabelClass(
            name, id: category.id,
            supercategory: category.supercategory.isEmpty ? nil : category.supercategory))
      }
    }
    for (path, given) in [(\LabelSet.info, data.info), (\.licenses, data.licenses)] {
      // One list for all files: that of the first that has one.
      if let known = set[keyPath: path], let given, known != given, path == \.licenses {
        folder.warn(file, "lists other licences than the files before it, left out")
      }
      // Some tools write the keys and nothing in them.
      if let given, !["{}", "[]", "null"].contains(given) {
        set[keyPath: path] = set[keyPath: path] ?? given
      }
    }
    let base = pictureFolder(file, data, reading)
    let first = set.pictures.count
    set.pictures.reserveCapacity(first + data.images.count)
    // The annotations of each picture, in the file's order, by their numbers.
    let places = PlaceTable(data.images.map(\.id))
    let known = PlaceTable(data.categories.map(\.id))
    let labelOf = data.categories.map { labels[$0.id]! }
    var homes = [Int32](repeating: -1, count: data.annotations.count)
    var starts = [Int](repeating: 0, count: data.images.count + 1)
    for k in data.annotations.indices {
      guard let home = places[data.annotations[k].imageID] else {
        let annotation = data.annotations[k]
        folder.report(
          file,
          "annotation \(annotation.id) is of the picture \(annotation.imageID), which is not there"
        )
        continue
      }
      guard known[data.annotations[k].categoryID] != nil else {
        let annotation = data.annotations[k]
        folder.report(
          file,
          "annotation \(annotation.id) is of the class \(annotation.categoryID), which is not there"
        )
        continue
      }
      tellShape(data.annotations[k], data.images[home], file, &folder)
      homes[k] = Int32(home)
      starts[home + 1] += 1
    }
    for i in data.images.indices { starts[i + 1] += starts[i] }
    var (order, next) = ([Int](repeating: 0, count: starts[data.images.count]), starts)
    for (k, home) in homes.enumerated() where home >= 0 {
      order[next[Int(home)]] = k
      next[Int(home)] += 1
    }
    let (begins, sorted) = (starts, order)
    let pictures = Concurrently.map(data.images.count) { i in
      let image = data.images[i]
      var picture = LabeledPicture(
        file: image.fileName.isEmpty ? "\(image.id).jpg" : image.fileName, path: "",
        split: split, id: image.id, source: file)
      if image.width > 0 && image.height > 0 {
        picture.size = PictureSize(width: image.width, height: image.height)
      }
      picture.license = image.license
      picture.objects = sorted[begins[i]..<begins[i + 1]].map { k in
        object(data.annotations[k], labelOf[known[data.annotations[k].categoryID]!], picture.size)
      }
      if reading.pictures == .unread { picture.path = PathName.inside(base, picture.file) ?? "" }
      return picture
    }
    if set.pictures.isEmpty { set.pictures = pictures } else { set.pictures += pictures }
    for i in first..<set.pictures.count where set.pictures[i].path.isEmpty {
      folder.locate(&set.pictures[i], in: base, reading)
    }
  }

  /// An outline has three corners or more, each with x and y.
  private static func isOutline(_ part: [Double]) -> Bool { part.count >= 6 && part.count % 2 == 0 }

  /// Tells what is left out of an annotation whose box stays.
  private static func tellShape(
    _ annotation: COCOAnnotation, _ image: COCOImage, _ file: String, _ folder: inout LabelFolder
  ) {
    let place = "annotation \(annotation.id)"
    switch annotation.segmentation {
    case .polygons(let parts)?:
      if let bad = parts.first(where: { !isOutline($0) }) {
        folder.warn(
          file,
          "\(place) has an outline of \(bad.count) numbers, expected 6 or more and an even count; "
            + "the outline is left out")
      }
    case .runs(let mask, _)?:
      if image.width > 0, image.height > 0,
        mask.width != image.width || mask.height != image.height
      {
        folder.warn(
          file,
          "\(place) has a mask of \(mask.width)x\(mask.height), its picture states "
            + "\(image.width)x\(image.height); the mask is left out")
      }
    case nil:
      if annotation.box == nil, annotation.keypoints.isEmpty {
        folder.report(file, "\(place) has neither 'bbox' nor 'segmentation'")
      }
    }
  }

  private static func object(
    _ annotation: COCOAnnotation, _ label: Int, _ size: PictureSize?
  ) -> LabeledObject {
    var object = LabeledObject(
      label: label, box: LabelBox(left: 0, top: 0, width: 0, height: 0), id: annotation.id,
      area: annotation.area)
    if annotation.isCrowd { object.flags.insert(.crowd) }
    var outline: LabelBox?
    switch annotation.segmentation {
    case .polygons(let parts)? where !parts.isEmpty:
      let whole = parts.allSatisfy(isOutline) ? parts : parts.filter(isOutline)
      if !whole.isEmpty { object.shape = .polygons(whole) }
      if annotation.box == nil { outline = LabelBox(around: whole.joined()) }
    case .runs(let mask, _)?:
      if size == nil || size == PictureSize(width: mask.width, height: mask.height) {
        object.shape = .mask(mask)
      }
      if annotation.box == nil { outline = LabelBox(mask.box) }
    default: break
    }
    object.box = annotation.box.map { LabelBox($0) } ?? outline ?? object.box
    if !annotation.keypoints.isEmpty {
      let values = annotation.keypoints
      object.keyPoints = stride(from: 0, to: values.count - values.count % 3, by: 3).map {
        LabeledObject.KeyPoint(
          x: values[$0], y: values[$0 + 1],
          visibility: Int(exactly: values[$0 + 2].rounded()) ?? 0)
      }
    }
    return object
  }

  /// Pictures lie beside the file, in `images`, or in the folder of the split that COCO's names
  /// tell (`train2017`).
  private static func pictureFolder(
    _ file: String, _ data: COCODataset, _ reading: LabelReading
  ) -> String {
    if let given = reading.pictureFolder { return given }
    let base = PathName.folder(file)
    guard reading.pictures != .unread, let first = data.images.first?.fileName else { return base }
    let above = PathName.folder(base)
    let stem = PathName.stem(PathName.last(file))
    let own = "instances_"
    let part =
      stem.hasPrefix(own)
      ? String(stem.dropFirst(own.count)) : stem.split(separator: "_").last.map(String.init) ?? ""
    // The folder above is the set's only where this one is for annotations.
    let isInside = ["annotations", "labels"].contains(PathName.last(base))
    let candidates =
      [base, base + "/images"]
      + (isInside
        ? [above + "/" + part, above + "/images/" + part, above + "/images", above] : [])
    return candidates.first {
      PathName.inside($0, LabelFolder.separated(first, in: $0)).map(FileBytes.exists) ?? false
    } ?? base
  }

  // MARK: Writing

  /// The set as COCO's JSON. Numbers that are missing are made: pictures and annotations count from
  /// 1, classes from 1.
  static func json(_ set: LabelSet) throws -> [UInt8] {
    var out = TextOutput()
    out.write("{\n\"info\": " + (set.info ?? "{\"description\": \"written by saker\"}"))
    if let licenses = set.licenses { out.write(",\n\"licenses\": " + licenses) }
    out.write(",\n\"images\": [")
    let pictureIDs = ids(set.pictures.map(\.id))
    let classIDs = ids(set.classes.map(\.id))
    for (i, picture) in set.pictures.enumerated() {
      guard let size = picture.size else {
        throw LabelFolder.failure(picture.path, "has no known size, which COCO's JSON needs")
      }
      out.write(i == 0 ? "\n" : ",\n")
      out.write("{\"id\": \(pictureIDs[i]), \"file_name\": ")
      out.writeJSON(picture.file)
      out.write(", \"width\": \(size.width), \"height\": \(size.height)")
      if let license = picture.license { out.write(", \"license\": \(license)") }
      out.write("}")
    }
    out.write("\n],\n\"categories\": [")
    for (i, entry) in set.classes.enumerated() {
      out.write(i == 0 ? "\n" : ",\n")
      out.write("{\"id\": \(classIDs[i]), \"name\": ")
      out.writeJSON(entry.name)
      if let group = entry.supercategory {
        out.write(", \"supercategory\": ")
        out.writeJSON(group)
      }
      out.write("}")
    }
    out.write("\n],\n\"annotations\": [")
    var used: Set<Int> = []
    for picture in set.pictures {
      for object in picture.objects { if let id = object.id { used.insert(id) } }
    }
    let isWhole =
      used.count == set.objectCount && !used.contains { $0 >= COCODataset.textIDs }
    var (next, isFirst) = (1, true)
    for (i, picture) in set.pictures.enumerated() {
      for object in picture.objects {
        out.write(isFirst ? "\n" : ",\n")
        isFirst = false
        out.write("{\"id\": \(isWhole ? object.id! : next), \"image_id\": \(pictureIDs[i])")
        next += 1
        let isKnown = classIDs.indices.contains(object.label)
        out.write(", \"category_id\": \(isKnown ? classIDs[object.label] : object.label)")
        out.write(object, pictureSize: picture.size!)
        out.write("}")
      }
    }
    out.write("\n]\n}\n")
    return out.bytes
  }

  /// Numbers as given if all are there and differ; else 1, 2, 3, ...
  private static func ids(_ given: [Int?]) -> [Int] {
    let known = given.compactMap(\.self)
    return known.count == given.count && Set(known).count == known.count
      && !known.contains { $0 >= COCODataset.textIDs }
      ? known : Array(1..<given.count + 1)
  }
}

/// Where a number stands in a list, the last time if it is there twice; without hashing where
/// numbers are small.
private struct PlaceTable: Sendable {
  private var table: [Int32] = []
  private var places: [Int: Int] = [:]

  init(_ numbers: [Int]) {
    let limit = max(1 << 16, 16 * numbers.count)
    if let least = numbers.min(), let most = numbers.max(), least >= 0, most < limit {
      table = [Int32](repeating: -1, count: most + 1)
      for (place, number) in numbers.enumerated() { table[number] = Int32(place) }
    } else {
      for (place, number) in numbers.enumerated() { places[number] = place }
    }
  }

  subscript(number: Int) -> Int? {
    if table.isEmpty { return places[number] }
    guard table.indices.contains(number), table[number] >= 0 else { return nil }
    return Int(table[number])
  }
}

extension TextOutput {
  /// A string of JSON, in quotes.
  mutating func writeJSON(_ text: String) {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\t": quoted += "\\t"
      case "\r": quoted += "\\r"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    write(quoted + "\"")
  }

  /// A number as short as its value allows, exactly.
  mutating func writeExact(_ number: Double) {
    guard number.isFinite else { return write("0") }
    // Sums and differences of decimals leave dust in the last places of a double.
    let rounded = (number * 1e9).rounded() / 1e9
    let value = abs(number) < 1e6 ? rounded : number
    if value == value.rounded(), abs(value) < 1e15 {
      write(String(Int(value)))
    } else {
      write("\(value)")
    }
  }

  fileprivate mutating func writeList(_ numbers: [Double]) {
    write("[")
    for (i, number) in numbers.enumerated() {
      if i > 0 { write(", ") }
      writeExact(number)
    }
    write("]")
  }

  fileprivate mutating func write(_ object: LabeledObject, pictureSize: PictureSize) {
    let box = object.box
    write(", \"bbox\": ")
    writeList([box.left, box.top, box.width, box.height])
    write(", \"area\": ")
    switch object.shape {
    case .mask(let mask):
      writeExact(object.area ?? Double(mask.area))
      write(", \"segmentation\": {\"size\": [\(mask.height), \(mask.width)], \"counts\": ")
      if object.flags.contains(.crowd) {
        write("[" + mask.counts.map(String.init).joined(separator: ", ") + "]}")
      } else {
        writeJSON(mask.compressed)
        write("}")
      }
    case .polygons(let parts):
      writeExact(object.area ?? parts.reduce(0) { $0 + PolygonArea.of($1) })
      write(", \"segmentation\": [")
      for (i, part) in parts.enumerated() {
        if i > 0 { write(", ") }
        writeList(part)
      }
      write("]")
    case .box, .line:
      writeExact(object.area ?? box.area)
    }
    write(", \"iscrowd\": \(object.flags.contains(.crowd) ? 1 : 0)")
    if !object.keyPoints.isEmpty {
      write(", \"num_keypoints\": \(object.keyPoints.filter { $0.visibility > 0 }.count)")
      write(", \"keypoints\": ")
      writeList(object.keyPoints.flatMap { [$0.x, $0.y, Double($0.visibility)] })
    }
    if let score = object.score {
      write(", \"score\": ")
      writeExact(score)
    }
  }
}

/// The area inside an outline x, y, x, y, ... (shoelace formula).
enum PolygonArea {
  static func of(_ points: [Double]) -> Double {
    let count = points.count / 2
    guard count > 2 else { return 0 }
    var sum = 0.0
    for i in 0..<count {
      let k = (i + 1) % count
      sum += points[2 * i] * points[2 * k + 1] - points[2 * k] * points[2 * i + 1]
    }
    return abs(sum) / 2
  }
}
