/// Pascal VOC's detection labels: the devkit's folders, or XML beside pictures as labelImg saves it. Corners count pixels
/// from 1, both inside.
enum PascalVOC {
  /// An annotation file and how it came to be in the set.
  private struct Entry {
    var annotation: String
    var pictures: String
    var split: String?
  }

  struct Parsed: Sendable {
    var picture: LabeledPicture
    var filename: String?
    var names: [String] = []
    var problems: [DataProblem] = []
    var isUsable = true
    /// Whether it has classes that are not among those that are known.
    var isStrange = false
  }

  static func read(_ path: String, _ reading: LabelReading) throws -> LabelSet {
    try LabelFolder.require(path)
    var folder = LabelFolder(path)
    let isDevkit = FileBytes.isFolder(path + "/Annotations")
    let entries = isDevkit ? try listDevkit(&folder, reading) : try listFlat(&folder, reading)
    guard !entries.isEmpty else {
      if let first = folder.problems.first { throw DatasetError.problems([first]) }
      throw LabelFolder.failure(path, "holds no annotations (*.xml)")
    }
    var parsed = Concurrently.read(entries.count) { parse(entries[$0].annotation, &$1) }
    let listed = path + "/classes.txt"
    var names =
      reading.classes ?? (FileBytes.exists(listed) ? folder.classes(listed) : nil) ?? []
    if names.isEmpty {
      var found: Set<String> = []
      for file in parsed {
        for name in file.names where !found.contains(name) { found.insert(name) }
      }
      names = found.sorted()
    }
    var labels = Dictionary(zip(names, names.indices)) { first, _ in first }
    let known = labels
    Concurrently.change(&parsed) { file in
      for (i, name) in file.names.enumerated() {
        if let label = known[name] {
          file.picture.objects[i].label = label
        } else {
          file.isStrange = true
        }
      }
    }
    var set = LabelSet()
    set.pictures.reserveCapacity(parsed.count)
    for (entry, file) in zip(entries, parsed) {
      folder.add(file.problems)
      guard file.isUsable else { continue }
      var picture = file.picture
      for (i, name) in file.names.enumerated() where file.isStrange {
        if labels[name] == nil {
          folder.report(
            picture.source, line: Int(picture.objects[i].line),
            "unknown class \(ByteText.shown(name)); expected one of "
              + names.prefix(20).joined(separator: ", "))
          labels[name] = names.count
          names.append(name)
        }
        picture.objects[i].label = labels[name]!
      }
      picture.split = entry.split
      find(&picture, file.filename, entry, &folder, reading)
      set.pictures.append(picture)
    }
    set.classes = names.map { LabelClass($0) }
    set.problems = folder.problems
    return set
  }

  private static func find(
    _ picture: inout LabeledPicture, _ filename: String?, _ entry: Entry,
    _ folder: inout LabelFolder, _ reading: LabelReading
  ) {
    let stem = PathName.stem(PathName.last(entry.annotation))
    let inside = entry.split.flatMap {
      entry.pictures == folder.root + "/" + $0 ? $0 + "/" : nil
    }
    if reading.pictures == .unread {
      picture.file = (inside ?? "") + (filename ?? stem + ".jpg")
      picture.path = folder.root + "/" + picture.file
      return
    }
    if let found = folder.picture(filename ?? stem, in: entry.pictures) {
      picture.path = found
    } else if let filename {
      let other = folder.picture(stem, in: entry.pictures)
      folder.report(
        entry.annotation, line: picture.line > 0 ? Int(picture.line) : nil,
        "names the picture \(ByteText.shown(filename)), which is not in \(entry.pictures)"
          + (other.map { " (but \(PathName.last($0)) is there)" } ?? ""))
    } else {
      folder.report(
        entry.annotation, "has no <filename>, and no picture \(stem) is in \(entry.pictures)")
    }
    picture.file =
      (inside ?? "") + (picture.path.isEmpty ? filename ?? stem : PathName.last(picture.path))
  }

  // MARK: Which files

  private static func isAnnotation(_ name: String) -> Bool { PathName.ends(name, with: "xml") }

  private static func listDevkit(_ folder: inout LabelFolder, _ reading: LabelReading) throws
    -> [Entry]
  {
    let root = folder.root
    let annotations = root + "/Annotations"
    let pictures =
      reading.pictureFolder
      ?? ["JPEGImages", "images", "Images"].map { root + "/" + $0 }.first(where: FileBytes.isFolder)
    guard let pictures = pictures ?? (reading.pictures == .unread ? root : nil) else {
      throw LabelFolder.failure(root, "has no folder JPEGImages")
    }
    let files = LabelFolder.names(annotations).filter(isAnnotation)
    var splits: [String: String] = [:]
    let lists = splitNames(root)
    let known = lists.isEmpty ? [] : Set(files.map(PathName.stem))
    for split in reading.split.map({ [$0] }) ?? primary(lists) {
      guard lists.contains(split) else {
        throw LabelFolder.failure(
          root,
          "has no split \(ByteText.shown(split)); splits here: "
            + (lists.isEmpty ? "none" : lists.joined(separator: ", ")))
      }
      let list = "\(root)/ImageSets/Main/\(split).txt"
      for (line, text) in folder.lines(list) ?? [] {
        var name = text
        // Lists of one class add -1, 0 or 1 to each name.
        if !known.contains(name), let space = name.lastIndex(where: { $0 == " " || $0 == "\t" }),
          ["-1", "0", "1"].contains(name[space...].dropFirst())
        {
          name = String(name[..<space])
          while name.last?.isWhitespace == true { name.removeLast() }
        }
        if splits[name] == split {
          folder.report(list, line: line, "names \(ByteText.shown(name)) again")
        } else if let other = splits[name] {
          folder.report(list, line: line, "names \(ByteText.shown(name)), which is in \(other) too")
        } else if !known.contains(name) {
          folder.report(
            list, line: line,
            "names \(ByteText.shown(name)), but Annotations/\(ByteText.shown(name)).xml does not exist"
          )
        } else {
          splits[name] = split
        }
      }
    }
    return files.compactMap { file in
      let split = splits.isEmpty ? nil : splits[PathName.stem(file)]
      if reading.split != nil && split == nil { return nil }
      return Entry(annotation: annotations + "/" + file, pictures: pictures, split: split)
    }
  }

  /// Lists in `ImageSets/Main`, sorted.
  static func splitNames(_ root: String) -> [String] {
    LabelFolder.names(root + "/ImageSets/Main").filter { $0.hasSuffix(".txt") }
      .map { String($0.dropLast(4)) }
  }

  /// The lists that divide the set: train, val and test where they are there; not their unions, not the lists of classes.
  private static func primary(_ lists: [String]) -> [String] {
    let usual = ["train", "val", "test"].filter(lists.contains)
    return usual.isEmpty ? lists.filter { !$0.contains("_") && $0 != "trainval" } : usual
  }

  private static func listFlat(_ folder: inout LabelFolder, _ reading: LabelReading) throws
    -> [Entry]
  {
    let root = folder.root
    var entries: [Entry] = []
    func list(_ place: String, _ split: String?) {
      for name in LabelFolder.names(place) where isAnnotation(name) {
        entries.append(
          Entry(
            annotation: place + "/" + name, pictures: reading.pictureFolder ?? place, split: split))
      }
    }
    if reading.split == nil { list(root, nil) }
    for name in LabelFolder.names(root)
    where FileBytes.isFolder(root + "/" + name) && (reading.split ?? name) == name {
      list(root + "/" + name, name)
    }
    if reading.pictures != .unread {
      for place in Set(entries.map(\.pictures)).sorted() {
        let annotated = Set(
          entries.filter { $0.pictures == place }.map {
            PathName.stem(PathName.last($0.annotation))
          })
        for name in LabelFolder.names(place)
        where PathName.isPicture(name) && !annotated.contains(PathName.stem(name)) {
          folder.warn(place + "/" + name, "has no annotation file, left out")
        }
      }
    }
    return entries
  }

  // MARK: One file

  private static func parse(_ file: String, _ reader: inout FileReader) -> Parsed {
    do throws(FileBytes.Failure) {
      return try reader.withBytes(of: file) { bytes in
        // Nearly all files are plain; what is not, wrong ones included, is read as a tree.
        var parsed = Parsed(picture: LabeledPicture(file: "", path: "", source: file))
        var scanner = VOCScanner(bytes)
        return scanner.read(&parsed) ? parsed : parse(Array(bytes), file)
      }
    } catch {
      return Parsed(
        picture: LabeledPicture(file: "", path: "", source: file),
        problems: [DataProblem(.error, file: file, error.reason)], isUsable: false)
    }
  }

  static func parse(_ bytes: [UInt8], _ file: String) -> Parsed {
    var parsed = Parsed(picture: LabeledPicture(file: "", path: "", source: file))
    func report(_ line: Int?, _ message: String) {
      if parsed.problems.count < 1000 {
        parsed.problems.append(DataProblem(.error, file: file, line: line, message))
      }
    }
    let root: MarkupElement
    do {
      if bytes.isEmpty { throw FileBytes.Failure("is empty (zero bytes)") }
      let document = try MarkupParser.parseWithAttributes(bytes)
      root = document.root
      if let verified = document.attributes["verified"] {
        parsed.picture.attributes["verified"] = verified
      }
    } catch let error as MarkupError {
      report(error.line, "is not XML: \(error.reason)")
      parsed.isUsable = false
      return parsed
    } catch {
      report(nil, (error as? FileBytes.Failure)?.reason ?? "\(error)")
      parsed.isUsable = false
      return parsed
    }
    guard root.name == "annotation" else {
      report(root.line, "expected <annotation>, got <\(ByteText.shown(root.name))>")
      parsed.isUsable = false
      return parsed
    }
    for element in root.children {
      switch element.name {
      case "filename" where !element.text.isEmpty:
        parsed.filename = element.text.split { $0 == "/" || $0 == "\\" }.last.map(String.init)
        parsed.picture.line = Int32(clamping: element.line)
      case "size":
        let sides = ["width", "height"].map { name in element[name].flatMap { number($0.text) } }
        if let width = sides[0], let height = sides[1], (1...1e6).contains(width),
          (1...1e6).contains(height)
        {
          parsed.picture.size = PictureSize(width: Int(width), height: Int(height))
        } else {
          report(element.line, "<size> states no width and height of a picture")
        }
      case "source":
        if let database = element["database"]?.text, database != "Unknown", !database.isEmpty {
          parsed.picture.attributes["database"] = database
        }
      case "segmented" where element.text == "1": parsed.picture.attributes["segmented"] = "1"
      case "object":
        if let (name, object) = object(element, report) {
          parsed.names.append(name)
          parsed.picture.objects.append(object)
        }
      default: break
      }
    }
    return parsed
  }

  private static func object(
    _ element: MarkupElement, _ report: (Int?, String) -> Void
  ) -> (String, LabeledObject)? {
    var (name, box): (String?, MarkupElement?)
    var result = LabeledObject(label: 0, box: LabelBox(left: 0, top: 0, width: 0, height: 0))
    for child in element.children {
      switch child.name {
      case "name": name = name ?? child.text
      case "bndbox": box = box ?? child
      case "difficult" where child.text == "1": result.flags.insert(.difficult)
      case "truncated" where child.text == "1": result.flags.insert(.truncated)
      case "occluded" where child.text == "1": result.flags.insert(.occluded)
      case "pose" where child.text != "Unspecified" && !child.text.isEmpty:
        result.attributes["pose"] = child.text
      default: break
      }
    }
    guard let name, !name.isEmpty else {
      report(element.line, "<object> has no <name>")
      return nil
    }
    guard let box else {
      report(element.line, "<object> \(ByteText.shown(name)) has no <bndbox>")
      return nil
    }
    var values: (Double?, Double?, Double?, Double?)
    for corner in box.children {
      switch corner.name {
      case "xmin": values.0 = values.0 ?? number(corner.text)
      case "ymin": values.1 = values.1 ?? number(corner.text)
      case "xmax": values.2 = values.2 ?? number(corner.text)
      case "ymax": values.3 = values.3 ?? number(corner.text)
      default: break
      }
    }
    guard let xmin = values.0, let ymin = values.1, let xmax = values.2, let ymax = values.3 else {
      for corner in ["xmin", "ymin", "xmax", "ymax"] {
        guard let given = box[corner] else {
          report(box.line, "<bndbox> of \(ByteText.shown(name)) has no <\(corner)>")
          continue
        }
        if number(given.text) == nil {
          report(
            given.line,
            "<\(corner)> of \(ByteText.shown(name)) is no number: "
              + ByteText.shown(given.text))
        }
      }
      return nil
    }
    result.box = LabelBox(left: xmin - 1, top: ymin - 1, right: xmax, bottom: ymax)
    result.line = Int32(clamping: box.line)
    return (name, result)
  }

  private static func number(_ text: String) -> Double? {
    var text = text
    return text.withUTF8 { ByteText.double($0) }
  }
}
