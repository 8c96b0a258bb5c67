/// Pascal VOC's detection labels: the devkit's folders, or XML beside pictures as labelImg saves
/// it. Corners count pixels from 1, both inside.
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
    /// Where each object begins.
    var lines: [Int32] = []
    var problems: [DataProblem] = []
    var isUsable = true
    /// Whether it has classes that are not among those that are known.
    var isStrange = false
  }

  static func read(_ path: String, _ reading: LabelReading) throws -> LabelSet {
    try LabelFolder.require(path)
    let layout = VOCLayout(path)
    var folder = LabelFolder(layout.root)
    var set = LabelSet()
    let entries =
      layout.isDevkit
      ? try listDevkit(&folder, layout, reading, &set) : try listFlat(&folder, layout, reading)
    guard !entries.isEmpty else {
      let errors = folder.problems.filter { $0.severity == .error }
      if !errors.isEmpty { throw DatasetError.problems(errors) }
      throw LabelFolder.failure(
        path,
        LabelFolder.names(path).isEmpty
          ? "is empty" : "holds no annotations (neither Annotations/ nor *.xml files)")
    }
    var parsed = Concurrently.read(entries.count) { parse(entries[$0].annotation, &$1) }
    var names = classNames(parsed, layout, reading, &folder)
    let known = Dictionary(zip(names, names.indices)) { first, _ in first }
    Concurrently.change(&parsed) { file in
      for (i, name) in file.names.enumerated() {
        if let label = known[name] {
          file.picture.objects[i].label = label
        } else {
          file.isStrange = true
        }
      }
    }
    set.listedClasses = names.count
    let expected = names.prefix(20).joined(separator: ", ")
    var labels = known
    set.pictures.reserveCapacity(parsed.count)
    for (entry, file) in zip(entries, parsed) {
      folder.add(file.problems)
      guard file.isUsable else { continue }
      var picture = file.picture
      for (i, name) in file.names.enumerated() where file.isStrange && known[name] == nil {
        folder.report(
          picture.source, line: Int(file.lines[i]),
          "unknown class \(ByteText.shown(name)); expected one of \(expected)")
        if labels[name] == nil {
          labels[name] = names.count
          names.append(name)
        }
        picture.objects[i].label = labels[name]!
      }
      picture.split = entry.split
      find(&picture, file.filename, entry, &folder, reading)
      set.pictures.append(picture)
    }
    if reading.pictures != .unread, !layout.isDevkit {
      warnOfOthers(Set(entries.map(\.pictures)), set.pictures, &folder)
    }
    set.classes = names.map { LabelClass($0) }
    set.problems = folder.problems
    return set
  }

  /// As given, as a file lists them, else all that are found, sorted.
  private static func classNames(
    _ parsed: [Parsed], _ layout: VOCLayout, _ reading: LabelReading, _ folder: inout LabelFolder
  ) -> [String] {
    if let given = reading.classes { return given }
    let (file, isBinding) = layout.classFile ?? ("", true)
    let listed = file.isEmpty ? [] : folder.classes(file) ?? []
    if !listed.isEmpty && isBinding { return listed }
    var found: Set<String> = []
    for file in parsed {
      for name in file.names where !found.contains(name) { found.insert(name) }
    }
    let others = found.subtracting(listed).sorted()
    guard !listed.isEmpty, others.count < found.count else {
      if !listed.isEmpty { folder.warn(file, "names none of the classes that are used, left out") }
      return others
    }
    if !others.isEmpty {
      folder.warn(
        file, "does not name the classes \(others.joined(separator: ", ")); they come after its own"
      )
    }
    return listed + others
  }

  private static func find(
    _ picture: inout LabeledPicture, _ filename: String?, _ entry: Entry,
    _ folder: inout LabelFolder, _ reading: LabelReading
  ) {
    let stem = PathName.stem(PathName.last(entry.annotation))
    let inside =
      entry.pictures.hasPrefix(folder.root + "/") && entry.split != nil
        && PathName.last(entry.pictures) == PathName.last(PathName.folder(entry.annotation))
      ? PathName.last(entry.pictures) + "/" : ""
    let line = picture.line > 0 ? Int(picture.line) : nil
    switch folder.search(filename ?? stem, or: stem, in: entry.pictures) {
    case .found(let path): picture.path = path
    case .near(let path):
      picture.path = path
      if let filename, reading.pictures != .unread {
        folder.guess(
          entry.annotation, line: line,
          "names the picture \(ByteText.shown(filename)), which is not in \(entry.pictures); "
            + "\(PathName.last(path)) is taken")
      }
    case .several(let names) where reading.pictures != .unread:
      folder.report(
        entry.annotation, line: line,
        "names the picture \(ByteText.shown(filename ?? stem)), which is not in \(entry.pictures), "
          + "but \(names.prefix(4).joined(separator: ", ")) are")
    case .none where reading.pictures != .unread:
      folder.report(
        entry.annotation, line: line,
        filename.map {
          "names the picture \(ByteText.shown($0)), which is not in \(entry.pictures)"
        } ?? "has no <filename>, and no picture \(stem) is in \(entry.pictures)")
    case .none, .several: picture.path = entry.pictures + "/" + (filename ?? stem + ".jpg")
    }
    picture.file = inside + (picture.path.isEmpty ? filename ?? stem : PathName.last(picture.path))
  }

  /// Pictures beside annotations that no annotation is of.
  private static func warnOfOthers(
    _ places: Set<String>, _ pictures: [LabeledPicture], _ folder: inout LabelFolder
  ) {
    let taken = Set(pictures.map(\.path))
    // An annotation whose own picture was not found tells so itself.
    let stems = Set(pictures.map { PathName.stem($0.source) })
    for place in places.sorted() {
      for name in LabelFolder.names(place) where PathName.isPicture(name) {
        let path = place + "/" + name
        if !taken.contains(path), !stems.contains(PathName.stem(path)) {
          folder.warn(path, "has no annotation file, left out")
        }
      }
    }
  }

  // MARK: Which files

  private static func listDevkit(
    _ folder: inout LabelFolder, _ layout: VOCLayout, _ reading: LabelReading, _ set: inout LabelSet
  ) throws -> [Entry] {
    var entries: [Entry] = []
    for place in layout.places {
      let pictures = reading.pictureFolder ?? place.pictures
      guard let pictures = pictures ?? (reading.pictures == .unread ? layout.root : nil) else {
        throw LabelFolder.failure(layout.root, "has no folder JPEGImages")
      }
      for name in LabelFolder.names(place.annotations) where VOCLayout.isAnnotation(name) {
        entries.append(
          Entry(annotation: place.annotations + "/" + name, pictures: pictures, split: place.split))
      }
    }
    let lists = VOCLists(layout)
    guard !lists.names.isEmpty else {
      guard let wanted = reading.split else { return entries }
      let known = layout.splits
      entries.removeAll { $0.split != wanted }
      guard !entries.isEmpty else { throw noSplit(wanted, layout.root, known) }
      return entries
    }
    let stems = entries.map { PathName.stem(PathName.last($0.annotation)) }
    let splits = try lists.read(stems, reading.split, &folder, &set.unreadSplits)
    for (i, stem) in stems.enumerated() { entries[i].split = splits[stem] }
    if reading.split != nil { entries.removeAll { $0.split == nil } }
    return entries
  }

  static func noSplit(_ split: String, _ root: String, _ known: [String]) -> DatasetError {
    LabelFolder.failure(
      root,
      "has no split \(ByteText.shown(split)); splits here: "
        + (known.isEmpty ? "none" : known.joined(separator: ", ")))
  }

  private static func listFlat(
    _ folder: inout LabelFolder, _ layout: VOCLayout, _ reading: LabelReading
  ) throws -> [Entry] {
    let known = layout.splits
    if let wanted = reading.split, !known.contains(wanted) {
      throw noSplit(wanted, layout.root, known)
    }
    folder.splits(
      layout.places.filter { $0.split != nil }.map { PathName.last($0.annotations) },
      in: layout.root)
    return layout.places.filter { reading.split == nil || $0.split == reading.split }.flatMap {
      place in
      LabelFolder.names(place.annotations).filter(VOCLayout.isAnnotation).map {
        Entry(
          annotation: place.annotations + "/" + $0,
          pictures: reading.pictureFolder ?? place.annotations, split: place.split)
      }
    }
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
    func add(_ severity: DataProblem.Severity, _ line: Int?, _ message: String) {
      if parsed.problems.count < 1000 {
        parsed.problems.append(DataProblem(severity, file: file, line: line, message))
      }
    }
    func report(_ line: Int?, _ message: String) { add(.error, line, message) }
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
        parsed.picture.sizeLine = Int32(clamping: element.line)
        parsed.picture.size = size(element)
        if parsed.picture.size == nil {
          let sides = ["width", "height"].map { ByteText.shown(element[$0]?.text ?? "") }
          add(
            .warning, element.line,
            "<size> says \(sides[0])x\(sides[1]) pixels; the picture's own size is taken")
        }
      case "source":
        if let database = element["database"]?.text, database != "Unknown", !database.isEmpty {
          parsed.picture.attributes["database"] = database
        }
      case "segmented" where element.text == "1": parsed.picture.attributes["segmented"] = "1"
      case "object":
        if let (name, object) = object(element, report) {
          parsed.names.append(name)
          parsed.lines.append(Int32(clamping: element.line))
          parsed.picture.objects.append(object)
        }
      default: break
      }
    }
    if parsed.picture.sizeLine == 0 {
      add(.warning, root.line, "has no <size>; the picture's own size is taken")
    }
    return parsed
  }

  /// `nil` unless both sides are those of a picture.
  private static func size(_ element: MarkupElement) -> PictureSize? {
    let sides = ["width", "height"].map { name in element[name].flatMap { number($0.text) } }
    guard let width = sides[0], let height = sides[1], (1...1e6).contains(width),
      (1...1e6).contains(height)
    else { return nil }
    return PictureSize(width: Int(width), height: Int(height))
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
            "<\(corner)> of \(ByteText.shown(name)): expected a finite number, got "
              + "\"\(ByteText.shown(given.text))\"")
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
