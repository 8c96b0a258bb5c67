extension DataFormat {
  /// Detects the format of a folder or file from what is there; nothing is decoded.
  ///
  /// - Throws: `DatasetError` when it is none that is known, or does not exist.
  public static func detect(_ path: String) throws -> DataFormat {
    let path = PathName.trimmed(path)
    guard FileBytes.exists(path) else { throw LabelFolder.failure(path, "does not exist") }
    let format =
      FileBytes.isFolder(path)
      ? ofFolder(path) : try ofFile(path) ?? ofJSON(path, isLenient: true)
    if let format { return format }
    if FileBytes.isFolder(path), LabelFolder.names(path).isEmpty {
      throw LabelFolder.failure(path, "is empty")
    }
    throw LabelFolder.failure(
      path,
      (FileBytes.isFolder(path) ? "" : "is not a folder, and ")
        + "is in no known format (known: \(allCases.map(\.rawValue).joined(separator: ", "))); "
        + "name it with --format")
  }

  /// Splits that a set offers, by what is there; empty if it has none.
  public static func splits(_ path: String, format: DataFormat? = nil) throws -> [String] {
    let path = PathName.trimmed(path)
    let format = try format ?? detect(path)
    switch format {
    case .voc, .labelImgVOC: return VOCLayout(path).splits
    default:
      var reading = LabelReading()
      reading.pictures = .unread
      return try LabelSet(path: path, format: format, reading).splits.sorted()
    }
  }

  private static func ofFolder(_ path: String) -> DataFormat? {
    let names = LabelFolder.names(path)
    let known = Set(names)
    func isFolder(_ name: String) -> Bool {
      known.contains(name) && FileBytes.isFolder(path + "/" + name)
    }
    if isFolder("Annotations"), VOCLayout.isDevkit(path) { return .voc }
    if isFolder("SegmentationClass") || isFolder("masks") && isFolder("images") {
      return .vocSegmentation
    }
    for name in names where ["yaml", "yml"].contains(PathName.ending(name)) {
      if let file = try? YOLODataFile(path + "/" + name), !file.splits.isEmpty { return .yolo }
    }
    if VOCLayout.isDevkit(path) || !VOCLayout.nested(path).isEmpty { return .voc }
    if YOLODataFile.darknetFile(path) != nil { return .yolo }
    let folders = names.filter { isFolder($0) }
    if known.contains("images"), holdsLabels(folders.map { path + "/" + $0 }) { return .yolo }
    if names.contains(where: { $0.contains("idx3-ubyte") || $0.contains("idx4-ubyte") }) {
      return .idx
    }
    if holdsAnnotations(path, names) { return .labelImgVOC }
    for place in [path] + folders.map({ path + "/" + $0 }) {
      let inside = (place == path ? names : LabelFolder.names(place))
        .filter { PathName.ending($0) == "json" }
      // In a class's folder there may be one for each picture.
      for name in inside.prefix(place == path ? inside.count : 4) {
        if let format = try? ofFile(place + "/" + name) { return format }
      }
    }
    if YOLOFormat.innerSet(path) != nil { return .yolo }
    if isFolder("list") || names.contains(where: { $0.hasSuffix(".lines.txt") }) { return .culane }
    for name in folders {
      let inside = LabelFolder.names(path + "/" + name)
      if holdsAnnotations(path + "/" + name, inside) { return .labelImgVOC }
      if inside.contains(where: { $0.hasSuffix(".lines.txt") }) { return .culane }
      if inside.contains("labels") && inside.contains("images") { return .yolo }
    }
    if hasLabels(path, names) { return .labelImgYOLO }
    let tables = names.filter { PathName.ending($0) == "csv" }
    if tables.contains(where: { CSVLabels.refusal(of: path + "/" + $0) == nil }) { return .csv }
    for name in folders {
      let inside = LabelFolder.names(path + "/" + name)
      for table in inside where PathName.ending(table) == "csv" {
        if CSVLabels.refusal(of: path + "/" + name + "/" + table, in: name) == nil { return .csv }
      }
      if hasLabels(path + "/" + name, inside) { return .labelImgYOLO }
    }
    let ofPictures = folders.filter { holdsPictures(path + "/" + $0, depth: 3) }
    if ofPictures.isEmpty {
      // A data YAML that cannot be read says why when it is.
      if known.contains("data.yaml") || known.contains("data.yml") { return .yolo }
      if known.contains("classes.txt") { return .labelImgYOLO }
      // So does a JSON that lacks something.
      let files = names.filter { PathName.ending($0) == "json" }.map { path + "/" + $0 }
      if let format = files.lazy.compactMap({ ofJSON($0, isLenient: true) }).first { return format }
      // Nothing but a table of other columns: its reader names the one that is missing.
      return tables.isEmpty ? nil : .csv
    }
    // A table beside a folder of pictures has the classes, even if its columns are not known: the
    // folder is none.
    let isOfTable = ofPictures.allSatisfy {
      isOfPictures($0) && ClassFolders.folders(path + "/" + $0).isEmpty
    }
    return !tables.isEmpty && isOfTable ? .csv : .folders
  }

  /// Whether one of the folders is called as folders of labels are, and holds texts.
  private static func holdsLabels(_ folders: [String]) -> Bool {
    folders.contains { place in
      guard YOLOLabelPlaces.isOfLabels(PathName.last(place)) else { return false }
      if PathName.last(place) == "labels" { return true }
      let inside = LabelFolder.names(place)
      return inside.contains { PathName.ends($0, with: "txt") }
        || ClassFolders.folders(place).contains {
          LabelFolder.names(place + "/" + $0).contains { PathName.ends($0, with: "txt") }
        }
    }
  }

  /// Whether a folder is called after a split or after pictures, and not after a class.
  static func isOfPictures(_ name: String) -> Bool {
    let low = name.lowercased()
    return SplitName.told(by: name) != nil
      || ["image", "img", "photo", "picture", "jpeg", "data"].contains(where: low.contains)
  }

  private static func holdsPictures(_ place: String, depth: Int) -> Bool {
    let names = LabelFolder.names(place)
    return names.contains(where: PathName.isPicture)
      || depth > 1 && names.contains { holdsPictures(place + "/" + $0, depth: depth - 1) }
  }

  /// Whether there is XML that annotates pictures: by its name or by its words; others may lie
  /// there.
  private static func holdsAnnotations(_ place: String, _ names: [String]) -> Bool {
    let files = names.filter { PathName.ending($0) == "xml" }
    guard !files.isEmpty else { return false }
    let pictures = Set(names.filter(PathName.isAnyPicture).map { PathName.stem($0).lowercased() })
    return files.prefix(50).contains { name in
      pictures.contains(PathName.stem(name).lowercased())
        || (try? start(of: place + "/" + name))?.contains("<annotation") ?? false
    }
  }

  /// Whether text files with YOLO's rows lie beside pictures of the same names; captions are none.
  private static func hasLabels(_ folder: String, _ names: [String]) -> Bool {
    let texts = YOLOLabelPlaces.labels(names)
    let beside = names.filter { PathName.isPicture($0) || PathName.isUnreadPicture($0) }
      .compactMap { texts[PathName.stem($0)] }
    return !beside.isEmpty && YOLOLabelPlaces.looksLikeLabels(beside.map { folder + "/" + $0 })
  }

  private static func start(of file: String) throws -> String {
    let handle = try FileBytes.Handle(file)
    var bytes = try handle.read(at: 0, count: min(handle.count, 1 << 16))
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func ofFile(_ path: String) throws -> DataFormat? {
    let name = PathName.last(path)
    if name.contains("idx3") || name.contains("idx4") { return .idx }
    switch PathName.ending(path) {
    case "yaml", "yml": return .yolo
    case "data": return YOLODataFile.isDarknet(path) ? .yolo : nil
    case "csv": return .csv
    case "xml": return nil
    case "txt":
      guard let head = try? start(of: path) else { return nil }
      let base = PathName.folder(path)
      let root = PathName.last(base) == "list" ? PathName.folder(base) : base
      let first = head.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
      guard let picture = PathName.inside(root, String(first.drop { $0 == "/" })) else {
        return nil
      }
      return FileBytes.exists(PathName.stem(picture) + ".lines.txt") ? .culane : nil
    case "json", "jsonl": return ofJSON(path)
    default: return nil
    }
  }

  /// By the keys that come first, and what they hold: other programs keep other things in JSON.
  ///
  /// - Parameter isLenient: whether the keys alone decide, so that the reader says what is wrong
  ///   with their values.
  static func ofJSON(_ path: String, isLenient: Bool = false) -> DataFormat? {
    guard ["json", "jsonl"].contains(PathName.ending(path)),
      let handle = try? FileBytes.Handle(path)
    else { return nil }
    // The keys that tell stand near the beginning of nearly all files.
    for count in [1 << 16, FileBytes.limit] {
      guard let bytes = try? handle.read(at: 0, count: min(handle.count, count)) else { return nil }
      let format = bytes.withUnsafeBufferPointer { buffer -> DataFormat? in
        var cursor = JSONCursor(buffer, file: path)
        return try? ofJSON(&cursor, isLenient)
      }
      if let format { return format }
      if handle.count <= count { return nil }
    }
    return nil
  }

  private static func ofJSON(
    _ cursor: inout JSONCursor, _ isLenient: Bool
  ) throws(JSONError) -> DataFormat? {
    if try cursor.kind() == .array {
      try cursor.enterArray()
      guard try cursor.nextElement() else { return nil }
      var (hasImage, hasList) = (false, false)
      try cursor.enterObject()
      while let key = try cursor.nextKey() {
        if key == "image" || key == "imagefilename" {
          let isText = try cursor.kind() == .string
          hasImage = isLenient || isText
        } else if key == "annotations" || key == "annotation" {
          let isRows = try isListOfObjects(cursor)
          hasList = isLenient || isRows
        }
        if isLenient ? hasImage || hasList : hasImage && hasList { return .createML }
        try cursor.skip()
      }
      return nil
    }
    try cursor.enterObject()
    while let key = try cursor.nextKey() {
      if key == "lanes" || key == "h_samples" {
        let isArray = try cursor.kind() == .array
        if isLenient || isArray { return .tusimple }
      } else if key == "images" || key == "annotations" || key == "categories" {
        let isRows = try isListOfObjects(cursor)
        if isLenient || isRows { return .coco }
      }
      try cursor.skip()
    }
    return nil
  }

  /// Whether a list of objects comes next, or an empty list.
  private static func isListOfObjects(_ cursor: JSONCursor) throws(JSONError) -> Bool {
    var cursor = cursor
    guard try cursor.kind() == .array else { return false }
    try cursor.enterArray()
    guard try cursor.nextElement() else { return true }
    return try cursor.kind() == .object
  }
}
