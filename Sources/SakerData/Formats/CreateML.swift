/// CreateML's JSON, as Apple's tools and labelImg write it: a list of pictures, boxes by centre
/// and size in pixels.
enum CreateML {
  /// - Parameter path: the JSON, or a folder that holds it beside the pictures.
  static func read(_ path: String, _ reading: LabelReading) throws -> LabelSet {
    var set = LabelSet()
    var folder = LabelFolder(path)
    let listed = (FileBytes.isFolder(path) ? path : PathName.folder(path)) + "/classes.txt"
    var labels = ClassTable(
      reading.classes ?? (FileBytes.exists(listed) ? folder.classes(listed) : nil))
    for (file, split) in try JSONFiles.find(path, reading, .createML, &folder) {
      let base = reading.pictureFolder ?? PathName.folder(file)
      try JSONFiles.read(file) { cursor, lines throws(JSONError) in
        try cursor.enterArray()
        while try cursor.nextElement() {
          lines.advance(to: cursor.offset)
          var picture = LabeledPicture(
            file: "", path: "", split: split, source: file, line: Int32(clamping: lines.line))
          try cursor.enterObject()
          while let key = try cursor.nextKey() {
            if key == "image" || key == "imagefilename" {
              picture.file = try cursor.string()
            } else if key == "annotations" || key == "annotation" {
              try objects(&cursor, &lines, &labels, into: &picture)
            } else if key == "verified" {
              if try cursor.kind() == .boolean {
                if try cursor.boolean() { picture.attributes["verified"] = "yes" }
              } else {
                try cursor.skip()
              }
            } else {
              try cursor.skip()
            }
          }
          guard !picture.file.isEmpty else { throw cursor.error("a picture has no \"image\"") }
          folder.locate(&picture, in: base, reading)
          set.pictures.append(picture)
        }
        try cursor.end()
      }
    }
    set.classes = labels.names.map { LabelClass($0) }
    set.problems = folder.problems
    return set
  }

  private static func objects(
    _ cursor: inout JSONCursor, _ lines: inout LineCounter, _ labels: inout ClassTable,
    into picture: inout LabeledPicture
  ) throws(JSONError) {
    try cursor.enterArray()
    while try cursor.nextElement() {
      lines.advance(to: cursor.offset)
      var (name, score): (String?, Double?)
      var sides: [Double?] = [nil, nil, nil, nil]
      try cursor.enterObject()
      while let key = try cursor.nextKey() {
        if key == "label" {
          name = try cursor.string()
        } else if key == "confidence" {
          score = try cursor.double()
        } else if key == "coordinates" {
          try cursor.enterObject()
          while let side = try cursor.nextKey() {
            if side == "x" {
              sides[0] = try cursor.double()
            } else if side == "y" {
              sides[1] = try cursor.double()
            } else if side == "width" {
              sides[2] = try cursor.double()
            } else if side == "height" {
              sides[3] = try cursor.double()
            } else {
              try cursor.skip()
            }
          }
        } else {
          try cursor.skip()
        }
      }
      guard let name else { throw cursor.error("an annotation has no \"label\"") }
      guard let x = sides[0], let y = sides[1], let width = sides[2], let height = sides[3] else {
        throw cursor.error("coordinates need x, y, width and height")
      }
      picture.objects.append(
        LabeledObject(
          label: labels[name],
          box: LabelBox(left: x - width / 2, top: y - height / 2, width: width, height: height),
          score: score, line: Int32(clamping: lines.line)))
    }
  }
}

/// Names of classes as they turn up, or as they were given; a name's place is its label.
struct ClassTable {
  private(set) var names: [String]
  private var labels: [String: Int]

  init(_ given: [String]?) {
    names = given ?? []
    labels = Dictionary(zip(names, names.indices)) { first, _ in first }
  }

  subscript(name: String) -> Int {
    mutating get {
      if let label = labels[name] { return label }
      labels[name] = names.count
      names.append(name)
      return names.count - 1
    }
  }
}

/// Lines of a file by offset, counted once from front to back.
struct LineCounter {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var at = 0
  private(set) var line = 1

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  mutating func advance(to offset: Int) {
    while at < min(offset, bytes.count) {
      if bytes[at] == 0x0A { line += 1 }
      at += 1
    }
  }
}

/// What the formats kept in JSON share.
enum JSONFiles {
  /// The JSON files of a set: the file itself, or those of a folder. Where the folder itself has
  /// none, those of `annotations` or of its folders, which are splits; CreateML's may lie in both.
  /// Files of another format are left out.
  static func find(
    _ path: String, _ reading: LabelReading, _ format: DataFormat, _ folder: inout LabelFolder
  ) throws -> [(file: String, split: String?)] {
    guard FileBytes.exists(path) else { throw LabelFolder.failure(path, "does not exist") }
    guard FileBytes.isFolder(path) else { return [(path, SplitStorage.ofFile(path))] }
    var found: [(file: String, split: String?)] = []
    // Other JSON may lie where that of the labels could.
    func isFound() -> Bool { found.contains { DataFormat.ofJSON($0.file) == format } }
    func look(_ folder: String, _ split: String?) {
      for name in LabelFolder.names(folder) where PathName.ending(name) == "json" {
        found.append((folder + "/" + name, split ?? SplitStorage.ofFile(name)))
      }
    }
    look(path, nil)
    if !isFound() { look(path + "/annotations", nil) }
    if !isFound() || format == .createML {
      for name in LabelFolder.names(path)
      where name != "annotations" && FileBytes.isFolder(path + "/" + name) {
        look(path + "/" + name, SplitStorage.ofFolder(name))
      }
    }
    if found.count > 1 {
      let others = found.filter { DataFormat.ofJSON($0.file) != format }
      if others.count < found.count {
        for other in others { folder.warn(other.file, "is no \(format.title), left out") }
        found.removeAll { one in others.contains { $0.file == one.file } }
      }
    }
    if let split = reading.split, found.contains(where: { $0.split != nil }) {
      found.removeAll { $0.split != split }
    }
    guard !found.isEmpty else { throw LabelFolder.failure(path, "holds no JSON file of labels") }
    return found
  }

  static func read(
    _ file: String, _ body: (inout JSONCursor, inout LineCounter) throws(JSONError) -> Void
  ) throws {
    let bytes: [UInt8]
    do {
      bytes = try FileBytes.read(file)
      guard !bytes.isEmpty else { throw FileBytes.Failure("is empty (zero bytes)") }
    } catch let failure as FileBytes.Failure {
      throw LabelFolder.failure(file, failure.reason)
    }
    try bytes.withUnsafeBufferPointer { buffer in
      var cursor = JSONCursor(buffer, file: file)
      var lines = LineCounter(buffer)
      do throws(JSONError) {
        try body(&cursor, &lines)
      } catch {
        throw LabelFolder.failure(file, line: error.line, error.reason + " (byte \(error.byte))")
      }
    }
  }
}

extension LabelFolder {
  /// Where a picture lies that annotations name. Backslashes separate folders unless a file is
  /// called so. A name that leads out of the folder, or to nothing, stands for a picture of its
  /// last part there, with a warning; else it is a problem.
  mutating func locate(_ picture: inout LabeledPicture, in base: String, _ reading: LabelReading) {
    picture.file = LabelFolder.separated(picture.file, in: base)
    let (file, last) = (picture.file, PathName.last(picture.file))
    let inside = PathName.inside(base, file)
    if let path = inside {
      if reading.pictures == .unread || listing(PathName.folder(path)).contains(last) {
        picture.path = path
        return
      }
      let others = ["images", "JPEGImages"].compactMap { PathName.inside(base + "/" + $0, file) }
      if let other = others.first(where: FileBytes.exists)
        ?? self.picture(last, in: PathName.folder(path))
      {
        picture.path = other
        return
      }
    }
    let line = picture.line > 0 ? Int(picture.line) : nil
    let shown = ByteText.shown(file)
    let places = file == last ? [] : [base, base + "/images", base + "/JPEGImages"]
    if let place = places.first(where: { listing($0).contains(last) }) {
      picture.path = place + "/" + last
      picture.file = last
      guess(
        picture.source, line: line,
        "names the picture \(shown), which is not there; \(ByteText.shown(picture.path)) is taken")
      return
    }
    // Another case or ending, if it is the only one.
    let homes = inside.map { [PathName.folder($0), base + "/images", base + "/JPEGImages"] } ?? []
    for home in homes {
      guard case .near(let found) = search(last, or: PathName.stem(last), in: home) else {
        continue
      }
      picture.path = found
      guess(
        picture.source, line: line,
        "names the picture \(shown), which is not there; \(ByteText.shown(found)) is taken")
      return
    }
    report(
      picture.source, line: line,
      "names the picture \(shown), which "
        + (inside == nil ? "leads out of the folder \(base)" : "is not in \(base)"))
  }
}
