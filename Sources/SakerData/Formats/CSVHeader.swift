/// The first line of a table: which column holds what, and what separates the cells.
struct CSVHeader {
  enum Column: String, Hashable {
    case picture, label, left, top, right, bottom, width, height, score, split
  }

  /// Names of columns in small letters, without spaces and `_`.
  private static let columns: [String: Column] = [
    "imgname": .picture, "image": .picture, "filename": .picture, "file": .picture,
    "imageid": .picture, "imagename": .picture, "path": .picture, "label": .label,
    "class": .label, "name": .label, "classname": .label, "labelname": .label, "xmin": .left,
    "x1": .left, "left": .left, "ymin": .top, "y1": .top, "top": .top, "xmax": .right,
    "x2": .right, "right": .right, "ymax": .bottom, "y2": .bottom, "bottom": .bottom,
    "width": .width, "height": .height, "score": .score, "confidence": .score, "conf": .score,
    "split": .split,
  ]

  private static let corners: Set<Column> = [.left, .top, .right, .bottom]
  private static let needed: [(column: Column, names: String)] = [
    (.picture, "filename or img_name"), (.label, "class or label"), (.left, "xmin or x1"),
    (.top, "ymin or y1"), (.right, "xmax or x2"), (.bottom, "ymax or y2"),
  ]

  let separator: UInt8
  let names: [String]
  /// The place of each column that is known.
  let places: [Column: Int]

  /// What stands between the cells is what gives the most columns that are known.
  init(_ line: String) {
    var best: (separator: UInt8, names: [String], places: [Column: Int])?
    for separator in [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t")] {
      let names = CSVLabels.split(line, separator)
      var places: [Column: Int] = [:]
      for (i, name) in names.enumerated() {
        let plain = name.lowercased().filter { $0 != "_" && $0 != " " }
        if let column = Self.columns[plain], places[column] == nil { places[column] = i }
      }
      if places.count > best?.places.count ?? -1 { best = (separator, names, places) }
    }
    (separator, names, places) = best!
  }

  var hasCorners: Bool { !Self.corners.isDisjoint(with: places.keys) }

  /// What a table of labels has and this one has not; `nil` if nothing is missing.
  var missing: String? {
    let lacking = Self.needed.filter {
      places[$0.column] == nil && (hasCorners || !Self.corners.contains($0.column))
    }
    guard !lacking.isEmpty else { return nil }
    let found = names.prefix(12).map { ByteText.shown($0) }.joined(separator: ", ")
    return "the header has no column \(lacking.map(\.names).joined(separator: ", none "))"
      + "; found: \(found)\(names.count > 12 ? ", ..." : "")"
  }

  /// The banana data's own: its labels are numbers, which count the classes.
  var isBanana: Bool {
    places[.picture].map { names[$0].lowercased() } == "img_name"
      && places[.label].map { names[$0].lowercased() } == "label"
  }
}
