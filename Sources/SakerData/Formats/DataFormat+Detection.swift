extension DataFormat {
  /// Tells the format of a folder or file from what is there; nothing is decoded.
  ///
  /// - Throws: `DatasetError` when it is none that is known, or does not exist.
  public static func detect(_ path: String) throws -> DataFormat {
    let path = PathName.trimmed(path)
    guard FileBytes.exists(path) else { throw LabelFolder.failure(path, "does not exist") }
    if let format = FileBytes.isFolder(path) ? ofFolder(path) : try ofFile(path) { return format }
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
    func holds(_ ending: String, _ names: [String]) -> Bool {
      names.contains { PathName.ending($0) == ending }
    }
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
    if isFolder("images") && isFolder("labels") { return .yolo }
    if names.contains(where: { $0.contains("idx3-ubyte") || $0.contains("idx4-ubyte") }) {
      return .idx
    }
    if holds("xml", names) { return .labelImgVOC }
    for place in ["", "annotations/", "train/", "valid/", "val/", "test/"] {
      let inside = place.isEmpty ? names : LabelFolder.names(path + "/" + place)
      for name in inside where PathName.ending(name) == "json" {
        if let format = try? ofFile(path + "/" + place + name) { return format }
      }
    }
    if isFolder("list") || names.contains(where: { $0.hasSuffix(".lines.txt") }) { return .culane }
    let folders = names.filter { isFolder($0) }
    for name in folders {
      let inside = LabelFolder.names(path + "/" + name)
      if holds("xml", inside) { return .labelImgVOC }
      if inside.contains(where: { $0.hasSuffix(".lines.txt") }) { return .culane }
      if inside.contains("labels") && inside.contains("images") { return .yolo }
    }
    if hasLabels(names) { return .labelImgYOLO }
    for name in names where PathName.ending(name) == "csv" {
      if isTable(path + "/" + name) { return .csv }
    }
    for name in folders {
      let inside = LabelFolder.names(path + "/" + name)
      for table in inside where PathName.ending(table) == "csv" {
        if isTable(path + "/" + name + "/" + table) { return .csv }
      }
      if hasLabels(inside) { return .labelImgYOLO }
    }
    if known.contains("classes.txt") { return .labelImgYOLO }
    let hasPictures = folders.contains { name in
      let inside = LabelFolder.names(path + "/" + name)
      return inside.contains(where: PathName.isPicture)
        || inside.contains { part in
          LabelFolder.names(path + "/" + name + "/" + part).contains(where: PathName.isPicture)
        }
    }
    return hasPictures ? .folders : nil
  }

  /// Whether text files lie beside pictures of the same names.
  private static func hasLabels(_ names: [String]) -> Bool {
    let texts = Set(names.filter { PathName.ending($0) == "txt" }.map(PathName.stem))
    return names.contains { PathName.isPicture($0) && texts.contains(PathName.stem($0)) }
  }

  private static func isTable(_ file: String) -> Bool {
    guard let head = try? start(of: file),
      let line = head.split(whereSeparator: \.isNewline).first
    else { return false }
    return CSVLabels.isHeader(String(line))
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
    case "csv": return isTable(path) ? .csv : nil
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

  /// By the keys that come first.
  private static func ofJSON(_ path: String) -> DataFormat? {
    guard let handle = try? FileBytes.Handle(path) else { return nil }
    // The keys that tell stand near the beginning of nearly all files.
    for count in [1 << 16, FileBytes.limit] {
      guard let bytes = try? handle.read(at: 0, count: min(handle.count, count)) else { return nil }
      if let format = ofJSON(bytes, path) { return format }
      if handle.count <= count { return nil }
    }
    return nil
  }

  private static func ofJSON(_ bytes: [UInt8], _ path: String) -> DataFormat? {
    return bytes.withUnsafeBufferPointer { buffer in
      var cursor = JSONCursor(buffer, file: path)
      do {
        if try cursor.kind() == .array {
          try cursor.enterArray()
          guard try cursor.nextElement() else { return nil }
          try cursor.enterObject()
          while let key = try cursor.nextKey() {
            if key == "image" || key == "annotations" || key == "imagefilename" { return .createML }
            try cursor.skip()
          }
          return nil
        }
        try cursor.enterObject()
        while let key = try cursor.nextKey() {
          if key == "lanes" || key == "h_samples" { return .tusimple }
          if key == "images" || key == "annotations" || key == "categories" { return .coco }
          try cursor.skip()
        }
      } catch {
        return nil
      }
      return nil
    }
  }
}
