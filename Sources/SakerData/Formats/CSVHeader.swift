/// The first line of a table: which column holds what, and what separates the cells.
struct CSVHeader {
  enum Column: String, Hashable {
    case picture, label, left, top, right, bottom, width, height, score, split
  }

  /// Names of columns in small letters, without spaces and `_`.
  private static let columns: [String: Column] = [
    "imgname": .picture, "image": .picture, "filename": .picture, "file": .picture,
    "imageid": .picture, "imagename": .picture, "path": .picture, "filepath": .picture,
    "imagepath": .picture, "imgpath": .picture, "img": .picture, "imgid": .picture,
    "label": .label, "class": .label, "name": .label, "classname": .label, "labelname": .label,
    "category": .label, "target": .label, "xmin": .left, "x1": .left, "left": .left,
    "ymin": .top, "y1": .top, "top": .top, "xmax": .right, "x2": .right, "right": .right,
    "ymax": .bottom, "y2": .bottom, "bottom": .bottom, "width": .width, "height": .height,
    "score": .score, "confidence": .score, "conf": .score, "split": .split,
  ]

  /// Names that count where no column has a plainer one.
  private static let vague: [String: Column] = [
    "id": .picture, "classid": .label, "labelid": .label, "categoryid": .label,
  ]

  private static let corners: Set<Column> = [.left, .top, .right, .bottom]
  private static let needed: [(column: Column, names: String)] = [
    (.picture, "filename or img_name"), (.label, "class or label"), (.left, "xmin or x1"),
    (.top, "ymin or y1"), (.right, "xmax or x2"), (.bottom, "ymax or y2"),
  ]

  let separator: UInt8
  let names: [String]
  /// The place of each column that is known.
  private(set) var places: [Column: Int]
  /// Columns of classes, each 1 where the picture is of it and 0 elsewhere; empty in other tables.
  private(set) var classes: [Int] = []
  /// Whether only its pictures can tell that it is a table of labels: an `id` may be anything's.
  private(set) var isGuess = false
  /// What columns of other names are taken for, in words.
  private(set) var guess: String?

  /// What stands between the cells is what gives the most columns that are known.
  ///
  /// - Parameter row: the line below, which tells what columns of other names hold.
  init(_ line: String, below row: String? = nil) {
    var best: (separator: UInt8, names: [String], places: [Column: Int])?
    for separator in [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t")] {
      let names = CSVLabels.split(line, separator)
      let plain = names.map(Self.plain)
      var places: [Column: Int] = [:]
      for table in [Self.columns, Self.vague] {
        for (i, name) in plain.enumerated() {
          if let column = table[name], places[column] == nil { places[column] = i }
        }
      }
      if places.count > best?.places.count ?? -1 { best = (separator, names, places) }
    }
    (separator, names, places) = best!
    isGuess =
      !hasCorners
      && [Column.picture, .label].contains { column in
        places[column].map { Self.columns[Self.plain(names[$0])] != column } ?? false
      }
    if let row, !hasCorners, places[.picture] != nil, places[.label] == nil { findClasses(row) }
  }

  private static func plain(_ name: String) -> String {
    name.lowercased().filter { $0 != "_" && $0 != " " }
  }

  /// A table of pictures whose class stands in a column of any name, or in a column of 0 and 1 for
  /// each class.
  private mutating func findClasses(_ row: String) {
    let cells = CSVLabels.split(row, separator)
    // What pandas counts rows with has no name.
    let others = names.indices.filter {
      !places.values.contains($0) && !names[$0].isEmpty && !names[$0].hasPrefix("Unnamed:")
    }
    guard cells.count == names.count else { return }
    if others.count > 1, others.allSatisfy({ CSVHeader.flag(cells[$0]) != nil }) {
      classes = others
      isGuess = true
      let shown = others.prefix(4).map { ByteText.shown(names[$0]) }.joined(separator: ", ")
      guess =
        "the columns \(shown)\(others.count > 4 ? ", ..." : "") are taken for the classes, 1 in that of "
        + "the picture"
    } else if others.count == 1 {
      places[.label] = others[0]
      isGuess = true
      guess = "the column \(ByteText.shown(names[others[0]])) is taken for the class"
    }
  }

  /// A cell of a column of 0 and 1.
  static func flag(_ cell: String) -> Bool? {
    switch cell {
    case "0", "0.0": false
    case "1", "1.0": true
    default: nil
    }
  }

  /// The class of a row; empty for a row without one.
  func label(_ cells: [String]) -> Result<String, CellProblem> {
    guard !classes.isEmpty else { return .success(cells[places[.label]!]) }
    var found: [String] = []
    for place in classes {
      guard let isOf = CSVHeader.flag(cells[place]) else {
        return .failure(
          CellProblem(
            "the column \(ByteText.shown(names[place])) holds \(ByteText.shown(cells[place])), expected "
              + "0 or 1"))
      }
      if isOf { found.append(names[place]) }
    }
    guard found.count == 1 else {
      let shown = found.prefix(4).map { ByteText.shown($0) }.joined(separator: ", ")
      return .failure(
        CellProblem(
          found.isEmpty
            ? "is of no class: all columns of classes are 0"
            : "is of \(found.count) classes (\(shown)), expected one"))
    }
    return .success(found[0])
  }

  /// What is wrong with a row.
  struct CellProblem: Error {
    let message: String

    init(_ message: String) { self.message = message }
  }

  var hasCorners: Bool { !Self.corners.isDisjoint(with: places.keys) }

  /// What a table of labels has and this one has not; `nil` if nothing is missing.
  var missing: String? {
    let lacking = Self.needed.filter {
      places[$0.column] == nil && (hasCorners || !Self.corners.contains($0.column))
        && !($0.column == .label && !classes.isEmpty)
    }
    guard !lacking.isEmpty else { return nil }
    let found = names.prefix(12).map { ByteText.shown($0) }.joined(separator: ", ")
    return "the header has no column \(lacking.map(\.names).joined(separator: ", none "))"
      + "; found: \(found)\(names.count > 12 ? ", ..." : "")"
      + (hasCorners
        ? ""
        : "; a table of classes has filename (or image, image_id, path, id) and class (or label, "
          + "category, ClassId), or a column of 0 and 1 for each class; a table of boxes also xmin, "
          + "ymin, xmax, ymax")
  }

  /// The banana data's own: its labels are numbers, which count the classes.
  var isBanana: Bool {
    places[.picture].map { names[$0].lowercased() } == "img_name"
      && places[.label].map { names[$0].lowercased() } == "label"
  }
}
