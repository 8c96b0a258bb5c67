/// The formats that hold boxes, one file a picture.
extension LabelWriter {
  mutating func writeVOC() throws {
    try saveClasses()
    var lists: [(split: String, names: [String])] = []
    for (split, pictures) in bySplit {
      var names: [String] = []
      for index in pictures {
        let (stem, ending) = freeName(index, in: "")
        names.append(stem)
        try save(
          try voc(index, "\(stem).\(ending)", folder: "JPEGImages"), "Annotations/\(stem).xml")
        try transferPicture(index, to: "JPEGImages/\(stem).\(ending)")
      }
      if let split { lists.append((split, names)) }
    }
    for (split, names) in lists {
      try save(
        Array((names.joined(separator: "\n") + "\n").utf8), "ImageSets/Main/\(split).txt")
    }
  }

  /// Labels beside pictures, as labelImg writes them: XML or YOLO's text.
  mutating func writeBeside() throws {
    for (split, pictures) in bySplit {
      let place = split.map { $0 + "/" } ?? ""
      for index in pictures {
        let (stem, ending) = freeName(index, in: place)
        let name = "\(place)\(stem)"
        if format == .labelImgVOC {
          let folder = PathName.last(split ?? root)
          try save(try voc(index, "\(stem).\(ending)", folder: folder), name + ".xml")
        } else {
          try save(try yolo(index, stem, isLabelImg: true), name + ".txt")
        }
        try transferPicture(index, to: "\(name).\(ending)")
      }
      if format == .labelImgYOLO { try saveClasses(place + "classes.txt") }
    }
    if format == .labelImgVOC || set.pictures.allSatisfy({ $0.split != nil }) {
      try saveClasses()
    }
  }

  /// One annotation with the elements, their order and the tabs of labelImg.
  private mutating func voc(_ index: Int, _ file: String, folder: String) throws -> [UInt8] {
    let picture = set.pictures[index]
    let size = try size(picture)
    let text = MarkupParser.escaped
    var out = TextOutput()
    let verified = picture.attributes["verified"].map { " verified=\"\(text($0))\"" } ?? ""
    out.write("<annotation\(verified)>\n\t<folder>\(text(folder))</folder>\n")
    out.write("\t<filename>\(text(file))</filename>\n")
    out.write("\t<source>\n\t\t<database>")
    out.write(text(picture.attributes["database"] ?? "Unknown"))
    out.write("</database>\n\t</source>\n\t<size>\n\t\t<width>\(size.width)</width>\n")
    out.write("\t\t<height>\(size.height)</height>\n\t\t<depth>3</depth>\n\t</size>\n")
    out.write("\t<segmented>\(picture.attributes["segmented"] ?? "0")</segmented>\n")
    for object in boxes(index, as: PathName.stem(file)) {
      func flag(_ flag: LabeledObject.Flags) -> String { object.flags.contains(flag) ? "1" : "0" }
      out.write("\t<object>\n\t\t<name>\(text(set.classes[object.label].name))</name>\n")
      out.write("\t\t<pose>\(text(object.attributes["pose"] ?? "Unspecified"))</pose>\n")
      out.write("\t\t<truncated>\(flag(.truncated))</truncated>\n")
      out.write("\t\t<difficult>\(flag(.difficult))</difficult>\n")
      if object.flags.contains(.occluded) { out.write("\t\t<occluded>1</occluded>\n") }
      out.write("\t\t<bndbox>\n")
      let box = object.box
      // Corners count pixels from 1, both inside.
      for (name, value) in [
        ("xmin", box.left + 1), ("ymin", box.top + 1), ("xmax", box.right), ("ymax", box.bottom),
      ] {
        out.write("\t\t\t<\(name)>")
        out.write(value, most: 2)
        out.write("</\(name)>\n")
      }
      out.write("\t\t</bndbox>\n\t</object>\n")
    }
    out.write("</annotation>\n")
    return out.bytes
  }

  // MARK: YOLO

  mutating func writeYOLO() throws {
    var places: [(split: String, place: String)] = []
    for (split, pictures) in bySplit {
      let part = split.map { "/" + $0 } ?? ""
      places.append((split ?? "train", "images" + part))
      for index in pictures {
        let (stem, ending) = freeName(index, in: part)
        try save(try yolo(index, stem, isLabelImg: false), "labels\(part)/\(stem).txt")
        try transferPicture(index, to: "images\(part)/\(stem).\(ending)")
      }
      try makeFolder(root + "/images" + part)
    }
    // Tools want both; a set without splits is validated on what it learns from.
    if places.count == 1, bySplit[0].split == nil { places.append(("val", places[0].place)) }
    var out = TextOutput()
    out.write("# Written by saker. Paths are relative to this file.\n")
    for (split, place) in places {
      out.writeYAML(split)
      out.write(": ")
      out.writeYAML(place)
      out.write("\n")
    }
    out.write("nc: \(set.classes.count)\nnames:\n")
    for (i, name) in set.classNames.enumerated() {
      out.write("  \(i): ")
      out.writeYAML(name)
      out.write("\n")
    }
    try save(out.bytes, "data.yaml")
  }

  private mutating func yolo(_ index: Int, _ stem: String, isLabelImg: Bool) throws -> [UInt8] {
    let picture = set.pictures[index]
    // Without a known size boxes are fractions already.
    let size = picture.size ?? PictureSize(width: 1, height: 1)
    if picture.size == nil, !set.hasFractions(picture) {
      _ = try self.size(picture)
    }
    let objects = boxes(index, as: stem)
    func hasOutline(_ object: LabeledObject) -> Bool {
      switch object.shape {
      case .polygons(let parts): !parts.isEmpty
      case .mask(let mask): mask.area > 0
      case .box, .line: false
      }
    }
    // Rows of boxes and rows of points may not mix in a file.
    let asOutlines = !isLabelImg && objects.contains(where: hasOutline)
    var out = TextOutput()
    let (x, y) = (1 / Double(size.width), 1 / Double(size.height))
    let most = isLabelImg ? 6 : 10
    for object in objects {
      out.write(object.label)
      var numbers: [Double]
      if asOutlines {
        let points: [Double]
        if case .polygons(let parts) = object.shape, let first = parts.first {
          points = parts.dropFirst().reduce(first, Outline.join)
          if parts.count > 1 { report.lose("gaps between the parts of an outline") }
        } else if case .mask(let mask) = object.shape, mask.area > 0 {
          // Parts and holes hang together by bridges without width.
          let parts = mask.outlines
          points = parts.dropFirst().reduce(parts[0], Outline.join)
          report.lose("masks that became outlines along their pixels")
        } else {
          let box = object.box
          points = [
            box.left, box.top, box.right, box.top, box.right, box.bottom, box.left, box.bottom,
          ]
          report.lose("boxes that became outlines, beside others in their picture")
        }
        numbers = points.indices.map { points[$0] * ($0 % 2 == 0 ? x : y) }
      } else {
        let box = object.box
        numbers = [
          (box.left + box.width / 2) * x, (box.top + box.height / 2) * y, box.width * x,
          box.height * y,
        ]
        if let score = object.score { numbers.append(score) }
      }
      for number in numbers {
        out.write(" ")
        out.write(number, least: 6, most: most)
      }
      out.write("\n")
    }
    return out.bytes
  }
}

extension TextOutput {
  /// A string in YAML's double quotes, as short as JSON's; what YAML would take for a line's end or
  /// refuse is escaped, too.
  mutating func writeYAML(_ text: String) {
    let isWord = text.utf8.allSatisfy { $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A }
    if isWord, ["train", "val", "test"].contains(text) { return write(text) }
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      // Readers that guard against aliases may take these for one, in quotes or not.
      case "*": quoted += "\\x2A"
      case "&": quoted += "\\x26"
      default:
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
          .unassigned:
          let digits = String(scalar.value, radix: 16)
          quoted += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
        default: quoted.unicodeScalars.append(scalar)
        }
      }
    }
    write(quoted + "\"")
  }
}

/// Outlines of several parts as one.
enum Outline {
  /// Two outlines as one, by a bridge without width between their nearest points.
  static func join(_ a: [Double], _ b: [Double]) -> [Double] {
    guard a.count > 1 else { return b }
    guard b.count > 1 else { return a }
    var best = (i: 0, k: 0, distance: Double.infinity)
    for i in 0..<a.count / 2 {
      for k in 0..<b.count / 2 {
        let (dx, dy) = (a[2 * i] - b[2 * k], a[2 * i + 1] - b[2 * k + 1])
        let distance = dx * dx + dy * dy
        if distance < best.distance { best = (i, k, distance) }
      }
    }
    let (i, k) = (2 * best.i, 2 * best.k)
    let bridge = [b[k], b[k + 1], a[i], a[i + 1]]
    return Array(a[...(i + 1)]) + b[k...] + b[..<k] + bridge + a[(i + 2)...]
  }
}
