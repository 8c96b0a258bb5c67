/// Which names of classes and pictures each format keeps so that they are read back the same.
enum NameStorage {
  /// Whether class names stand in lines of `classes.txt`.
  private static func hasClassList(_ format: DataFormat) -> Bool {
    switch format {
    case .coco, .yolo, .culane, .tusimple: false
    default: true
    }
  }

  private static func hasPictureLists(_ format: DataFormat) -> Bool {
    switch format {
    case .voc, .vocSegmentation, .culane, .csv, .banana: true
    default: false
    }
  }

  /// Whether names stand in XML.
  private static func isMarkup(_ format: DataFormat) -> Bool {
    format == .voc || format == .labelImgVOC
  }

  /// Why a format can't keep the names of a set; at most one a kind.
  static func problems(_ set: LabelSet, _ format: DataFormat) -> [String] {
    classProblems(set.classNames, format) + pictureProblems(set, format)
  }

  private static func classProblems(_ names: [String], _ format: DataFormat) -> [String] {
    var problems: [String] = []
    var seen: Set<String> = []
    if let twice = names.first(where: { !seen.insert($0).inserted }) {
      problems.append("two classes are called \(shown(twice))")
    }
    if format == .culane || format == .tusimple { return problems }
    for name in names {
      guard let reason = problem(name, format) else { continue }
      problems.append("the class \(shown(name)) \(reason); rename it")
      break
    }
    if format == .folders {
      let folders = Dictionary(grouping: names) { LabelWriter.folderName($0) }
      if let same = folders.values.first(where: { $0.count > 1 }) {
        problems.append(
          "the classes \(same.map(shown).joined(separator: " and ")) would be one folder")
      }
    }
    return problems
  }

  private static func problem(_ name: String, _ format: DataFormat) -> String? {
    if name.isEmpty { return "has no name" }
    if isMarkup(format), hasControls(name) {
      return "holds a control character, which XML has no place for"
    }
    if hasClassList(format), !isLine(name) {
      return
        "begins or ends with space or holds a line's end, which a line of classes.txt cannot keep"
    }
    if format == .folders {
      let folder = LabelWriter.folderName(name)
      if folder.utf8.count > 200 || PathName.isHidden(folder) {
        return "cannot be the name of a folder"
      }
    }
    return nil
  }

  private static func pictureProblems(_ set: LabelSet, _ format: DataFormat) -> [String] {
    for picture in set.pictures where set.archive == nil {
      let name = PathName.last(picture.file)
      let reason: String?
      if PathName.isHidden(name) {
        reason = "is hidden by its name, and hidden files are never data"
      } else if hasPictureLists(format), !isLine(PathName.stem(name)) || !isLine(name) {
        reason =
          "begins or ends with space or holds a line's end, which a line of a list cannot keep"
      } else if isMarkup(format), hasControls(name) || !isLine(name) {
        reason = "holds a control character or space at an end, which XML has no place for"
      } else {
        reason = nil
      }
      if let reason { return ["the picture \(shown(name)) \(reason)"] }
    }
    return []
  }

  /// Whether a text is the same after it was a line among others: no space around it, no
  /// line's end in it.
  private static func isLine(_ text: String) -> Bool {
    var copy = text
    return copy.withUTF8 { bytes in
      guard let first = bytes.first, let last = bytes.last else { return false }
      return !ByteText.isSpace(first) && !ByteText.isSpace(last)
        && !bytes.contains { $0 == 0 || $0 == 0x0A || $0 == 0x0D }
        && !bytes.starts(with: [0xEF, 0xBB, 0xBF])
    }
  }

  private static func hasControls(_ text: String) -> Bool {
    text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\t" || $0.value == 0x7F }
  }

  private static func shown(_ name: String) -> String { "'\(ByteText.shown(name))'" }
}
