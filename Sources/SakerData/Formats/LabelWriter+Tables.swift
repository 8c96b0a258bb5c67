/// The formats with one file for many pictures, and those without boxes.
extension LabelWriter {
  mutating func writeCOCO() throws {
    for (split, pictures) in bySplit {
      var part = set
      let place = split.map { "images/" + $0 } ?? "images"
      part.pictures = []
      for index in pictures {
        let (stem, ending) = freeName(index, in: place)
        var picture = set.pictures[index]
        picture.file = "\(stem).\(ending)"
        picture.objects = boxes(index, as: stem)
        _ = try size(picture)
        part.pictures.append(picture)
        try transferPicture(index, to: "\(place)/\(stem).\(ending)")
      }
      try save(
        try COCOFormat.json(part), "annotations/instances\(split.map { "_" + $0 } ?? "").json")
    }
  }

  mutating func writeCreateML() throws {
    for (split, pictures) in bySplit {
      let place = split.map { $0 + "/" } ?? ""
      var out = TextOutput()
      out.write("[")
      for (number, index) in pictures.enumerated() {
        let (stem, ending) = freeName(index, in: place)
        try requirePixels(set.pictures[index])
        out.write(number == 0 ? "\n" : ",\n")
        out.write("{\"image\": ")
        out.writeJSON("\(stem).\(ending)")
        out.write(", \"annotations\": [")
        for (i, object) in boxes(index, as: stem).enumerated() {
          out.write(i == 0 ? "\n" : ",\n")
          out.write("  {\"label\": ")
          out.writeJSON(set.classes[object.label].name)
          out.write(", \"coordinates\": {\"x\": ")
          out.writeExact(object.box.left + object.box.width / 2)
          out.write(", \"y\": ")
          out.writeExact(object.box.top + object.box.height / 2)
          out.write(", \"width\": ")
          out.writeExact(object.box.width)
          out.write(", \"height\": ")
          out.writeExact(object.box.height)
          out.write("}}")
        }
        out.write("]}")
        try transferPicture(index, to: "\(place)\(stem).\(ending)")
      }
      out.write("\n]\n")
      try save(out.bytes, place + "_annotations.createml.json")
    }
    try saveClasses()
  }

  mutating func writeCSV() throws {
    let isBanana = format == .banana
    for (split, pictures) in bySplit {
      let place = split.map { (isBanana ? "bananas_" : "") + $0 + "/" } ?? ""
      let hasScores =
        !isBanana
        && pictures.contains { set.pictures[$0].objects.contains { $0.score != nil } }
      let hasSizes = !isBanana && pictures.allSatisfy { set.pictures[$0].size != nil }
      var out = TextOutput()
      out.write(
        isBanana
          ? "img_name,label,xmin,ymin,xmax,ymax\n"
          : "filename,\(hasSizes ? "width,height," : "")class,xmin,ymin,xmax,ymax"
            + "\(hasScores ? ",score" : "")\n")
      for index in pictures {
        let (stem, ending) = freeName(index, in: place)
        let picture = set.pictures[index]
        try requirePixels(picture)
        var head = Self.cell("\(stem).\(ending)")
        if hasSizes, let size = picture.size { head += ",\(size.width),\(size.height)" }
        let objects = boxes(index, as: stem)
        // A row without class keeps a background in the table.
        if objects.isEmpty { out.write(head + ",,,,,\(hasScores ? "," : "")\n") }
        for object in objects {
          out.write(head + ",")
          out.write(isBanana ? "\(object.label)" : Self.cell(set.classes[object.label].name))
          for value in [object.box.left, object.box.top, object.box.right, object.box.bottom] {
            out.write(",")
            out.write(value, most: 2)
          }
          if hasScores {
            out.write(",")
            if let score = object.score { out.write(score, most: 9) }
          }
          out.write("\n")
        }
        try transferPicture(index, to: "\(place)images/\(stem).\(ending)")
      }
      try save(out.bytes, place + "label.csv")
    }
    try saveClasses()
  }

  private static func cell(_ text: String) -> String {
    guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isWhitespace }) else {
      return text
    }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
  }

  /// Boxes in fractions of a picture without a size can't be told in pixels.
  private func requirePixels(_ picture: LabeledPicture) throws {
    if set.hasFractions(picture) { _ = try size(picture) }
  }

  // MARK: Classes of pictures

  mutating func writeFolders() throws {
    var without = 0
    for (split, pictures) in bySplit {
      let place = split.map { $0 + "/" } ?? ""
      for entry in set.classes { try makeFolder(root + "/" + place + Self.folderName(entry.name)) }
      for index in pictures {
        guard let label = set.pictures[index].label, set.classes.indices.contains(label) else {
          without += 1
          continue
        }
        let folder = place + Self.folderName(set.classes[label].name)
        let (stem, ending) = freeName(index, in: folder)
        try transferPicture(index, to: "\(folder)/\(stem).\(ending)")
        written.add(split, stem, [label])
        report.pictures += 1
      }
    }
    report.lose("pictures without a class", without)
    // Folders have the order of their names, and not all characters.
    let folders = set.classNames.map(Self.folderName)
    if folders != folders.sorted() || folders != set.classNames { try saveClasses() }
  }

  /// A class's name as a folder's: no slash, and not one of the names that lead elsewhere.
  static func folderName(_ name: String) -> String {
    let plain = name.replacing("/", with: "_")
    return plain == "." || plain == ".." || plain.isEmpty ? "_" : plain
  }

  mutating func writeIDX() throws {
    try saveClasses()
    for (split, pictures) in bySplit {
      let name = split.map { ($0 == "test" ? "t10k" : $0) + "-" } ?? ""
      let known = pictures.filter {
        set.pictures[$0].label.map { set.classes.indices.contains($0) && $0 < 256 } ?? false
      }
      report.lose("pictures without a class", pictures.count - known.count)
      guard let first = known.first else { continue }
      let decoded = try set.picture(at: first)
      let (width, height) = (decoded.width, decoded.height)
      var (rgb, gray, isGray): ([UInt8], [UInt8], Bool) = ([], [], true)
      var labels: [UInt8] = []
      for index in known {
        let picture = try set.picture(at: index)
        guard picture.width == width && picture.height == height else {
          throw LabelFolder.failure(
            set.pictures[index].path,
            "is \(picture.width)x\(picture.height); IDX needs one size, here \(width)x\(height)")
        }
        for i in stride(from: 0, to: picture.pixels.count, by: 3) {
          let (r, g, b) = (picture.pixels[i], picture.pixels[i + 1], picture.pixels[i + 2])
          if r != g || g != b { isGray = false }
          gray.append(r)
        }
        rgb += picture.pixels
        labels.append(UInt8(set.pictures[index].label!))
        written.add(split, "", [set.pictures[index].label!])
        report.pictures += 1
      }
      func header(_ sizes: [Int]) -> [UInt8] {
        var bytes: [UInt8] = [0, 0, 8, UInt8(sizes.count)]
        for size in sizes {
          for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: size >> shift)) }
        }
        return bytes
      }
      let sizes = [known.count, height, width] + (isGray ? [] : [3])
      try save(
        header(sizes) + (isGray ? gray : rgb), "\(name)images-idx\(sizes.count)-ubyte")
      try save(header([known.count]) + labels, "\(name)labels-idx1-ubyte")
    }
  }

  // MARK: Masks and lanes

  mutating func writeSegmentation() throws {
    try saveClasses()
    for (split, pictures) in bySplit {
      var names: [String] = []
      for index in pictures {
        let picture = set.pictures[index]
        let (stem, ending) = freeName(index, in: "")
        let masks = try SegmentationFolder.masks(picture, try size(picture))
        try save(masks.classes, "SegmentationClass/\(stem).png")
        try save(masks.objects, "SegmentationObject/\(stem).png")
        try transferPicture(index, to: "JPEGImages/\(stem).\(ending)")
        report.lose("objects without a mask, or beyond 254 in a picture", masks.lost)
        report.pictures += 1
        report.objects += picture.objects.count - masks.lost
        written.add(split, stem, nil)
        names.append(stem)
      }
      if let split {
        try save(
          Array((names.joined(separator: "\n") + "\n").utf8),
          "ImageSets/Segmentation/\(split).txt")
      }
    }
  }

  private mutating func lanes(_ index: Int, as name: String) -> [[Double]] {
    let picture = set.pictures[index]
    let lanes = picture.objects.compactMap { object in
      if case .line(let points) = object.shape { points } else { nil }
    }
    report.pictures += 1
    report.objects += lanes.count
    let isLine = { (points: [Double]) in format == .tusimple || !points.isEmpty }
    written.add(picture.split, name, lanes.filter(isLine).map { _ in 0 })
    return lanes
  }

  mutating func writeCULane() throws {
    for (split, pictures) in bySplit {
      let place = split.map { $0 + "/" } ?? ""
      var list = ""
      for index in pictures {
        let (stem, ending) = freeName(index, in: place)
        var out = TextOutput()
        for lane in lanes(index, as: stem) {
          for (i, value) in lane.enumerated() {
            if i > 0 { out.write(" ") }
            out.writeExact(value)
          }
          out.write("\n")
        }
        try save(out.bytes, "\(place)\(stem).lines.txt")
        try transferPicture(index, to: "\(place)\(stem).\(ending)")
        list += "/\(place)\(stem).\(ending)\n"
      }
      // Without lists all pictures with lanes are the set.
      if let split { try save(Array(list.utf8), "list/\(split).txt") }
    }
  }

  mutating func writeTuSimple() throws {
    for (split, pictures) in bySplit {
      let place = "clips/" + (split.map { $0 + "/" } ?? "")
      var out = TextOutput()
      for index in pictures {
        let (stem, ending) = freeName(index, in: place)
        let picture = set.pictures[index]
        let lanes = lanes(index, as: stem)
        // The rows of the set, or the benchmark's own.
        let rows =
          picture.rows.isEmpty ? stride(from: 160.0, through: 710, by: 10).map { $0 } : picture.rows
        if picture.rows.isEmpty && !lanes.isEmpty {
          report.lose("points of lanes between rows", lanes.count)
        }
        out.write("{\"lanes\": [")
        for (number, lane) in lanes.enumerated() {
          out.write(number == 0 ? "[" : ", [")
          for (i, y) in rows.enumerated() {
            if i > 0 { out.write(", ") }
            out.writeExact(Self.x(of: lane, at: y) ?? -2)
          }
          out.write("]")
        }
        out.write("], \"h_samples\": [")
        for (i, y) in rows.enumerated() {
          if i > 0 { out.write(", ") }
          out.writeExact(y)
        }
        out.write("], \"raw_file\": ")
        out.writeJSON("\(place)\(stem).\(ending)")
        out.write("}\n")
        try transferPicture(index, to: "\(place)\(stem).\(ending)")
      }
      try save(out.bytes, "label_data\(split.map { "_" + $0 } ?? "").json")
    }
  }

  /// Where a lane crosses a row, between its points in a straight line; `nil` beyond its ends.
  private static func x(of lane: [Double], at y: Double) -> Double? {
    for i in stride(from: 0, to: lane.count - 1, by: 2) {
      if lane[i + 1] == y { return lane[i] }
      guard i + 3 < lane.count else { return nil }
      let (y0, y1) = (lane[i + 1], lane[i + 3])
      if min(y0, y1) < y && y < max(y0, y1) {
        return lane[i] + (lane[i + 2] - lane[i]) * (y - y0) / (y1 - y0)
      }
    }
    return nil
  }
}
