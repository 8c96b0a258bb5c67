import Foundation

/// Tables with a row an object, told by their header: the notes' banana data (`img_name,label,xmin,ymin,xmax,ymax`),
/// TensorFlow's (`filename,width,height,class,xmin,ymin,xmax,ymax`), and predictions (with `score`). Corners are between
/// pixels: the far one is where the object ends. Tables without corners (`filename,label`) give each picture a class.
enum CSVLabels {
  private enum Column: Hashable {
    case picture, label, left, top, right, bottom, width, height, score, split
  }

  private static let columns: [String: Column] = [
    "img_name": .picture, "image": .picture, "filename": .picture, "file": .picture,
    "image_id": .picture, "path": .picture, "label": .label, "class": .label, "name": .label,
    "class_name": .label, "xmin": .left, "x1": .left, "left": .left, "ymin": .top, "y1": .top,
    "top": .top, "xmax": .right, "x2": .right, "right": .right, "ymax": .bottom, "y2": .bottom,
    "bottom": .bottom, "width": .width, "height": .height, "score": .score,
    "confidence": .score, "conf": .score, "split": .split,
  ]

  /// - Parameter path: the table, or a folder with one (d2l's `bananas_train/label.csv` and `images`).
  static func read(_ path: String, _ reading: LabelReading) throws -> LabelSet {
    guard FileBytes.exists(path) else { throw LabelFolder.failure(path, "does not exist") }
    var files: [(file: String, split: String?)] = []
    if FileBytes.isFolder(path) {
      files = tables(path).map { ($0, SplitName.told(by: $0)) }
      if files.isEmpty {
        for name in ClassFolders.folders(path) {
          files += tables(path + "/" + name).map { ($0, SplitName.told(by: name) ?? name) }
        }
      }
      guard !files.isEmpty else { throw LabelFolder.failure(path, "holds no CSV table") }
    } else {
      files = [(path, nil)]
    }
    var set = LabelSet()
    var folder = LabelFolder(path)
    let listed = (FileBytes.isFolder(path) ? path : PathName.folder(path)) + "/classes.txt"
    let known =
      reading.classes ?? (FileBytes.exists(listed) ? folder.classes(listed) : nil)
    var table = ClassTable(known)
    var numbered = true
    var most = -1
    for (file, split) in files where reading.split == nil || split == nil || reading.split == split
    {
      guard let bytes = folder.read(file) else { continue }
      var base = reading.pictureFolder ?? PathName.folder(file)
      if reading.pictureFolder == nil, FileBytes.isFolder(base + "/images") { base += "/images" }
      bytes.withUnsafeBufferPointer {
        parse(
          $0, file, split, base, &set, &table, &folder, &numbered, &most, reading)
      }
    }
    if set.pictures.isEmpty, let first = folder.problems.first {
      throw DatasetError.problems([first])
    }
    if numbered && most >= 0 && !(known ?? []).contains(where: { Int($0) != nil }) {
      // A column of numbers holds labels, not names. The banana set's one class is 0.
      let labels = table.names.map { Int($0) ?? 0 }
      for i in set.pictures.indices {
        for k in set.pictures[i].objects.indices {
          set.pictures[i].objects[k].label = labels[set.pictures[i].objects[k].label]
        }
        set.pictures[i].label = set.pictures[i].label.map { labels[$0] }
      }
      let names =
        known
        ?? (0...min(most, 9999)).map { most == 0 && isBanana(path) ? "banana" : "class \($0)" }
      set.classes = names.map { LabelClass($0) }
    } else {
      set.classes = table.names.map { LabelClass($0) }
    }
    set.problems = folder.problems
    return set
  }

  private static func isBanana(_ path: String) -> Bool { path.lowercased().contains("banana") }

  private static func tables(_ folder: String) -> [String] {
    LabelFolder.names(folder).filter { PathName.ending($0) == "csv" }.map { folder + "/" + $0 }
  }

  private static let corners: Set<Column> = [.left, .top, .right, .bottom]

  /// Whether a line is the header of such a table.
  static func isHeader(_ line: String) -> Bool {
    let known = Set(split(line).compactMap { columns[$0.lowercased()] })
    return known.isSuperset(of: [.picture, .label])
      && (known.isSuperset(of: corners) || known.isDisjoint(with: corners))
  }

  private static func parse(
    _ bytes: UnsafeBufferPointer<UInt8>, _ file: String, _ split: String?, _ base: String,
    _ set: inout LabelSet, _ table: inout ClassTable, _ folder: inout LabelFolder,
    _ numbered: inout Bool, _ most: inout Int, _ reading: LabelReading
  ) {
    var places: [Column: Int] = [:]
    var order: [Column?] = []
    var byFile: [String: Int] = [:]
    var stopped = false
    ByteText.forEachLine(bytes) { line, text in
      guard !text.isEmpty, !stopped else { return }
      guard let row = String(validating: text, as: UTF8.self) else {
        folder.report(file, line: line, "is not UTF-8 text")
        return
      }
      let cells = CSVLabels.split(row)
      guard !order.isEmpty else {
        order = cells.map { columns[$0.lowercased()] }
        for (i, column) in order.enumerated() {
          if let column, places[column] == nil { places[column] = i }
        }
        let needed: [(Column, String)] = [
          (.picture, "img_name or filename"), (.label, "label or class"), (.left, "xmin"),
          (.top, "ymin"), (.right, "xmax"), (.bottom, "ymax"),
        ].filter { !corners.isDisjoint(with: places.keys) || !corners.contains($0.0) }
        if let missing = needed.first(where: { places[$0.0] == nil }) {
          folder.report(file, line: line, "the header has no column \(missing.1)")
          stopped = true
        }
        return
      }
      guard cells.count == order.count else {
        folder.report(file, line: line, "expected \(order.count) columns, got \(cells.count)")
        return
      }
      func number(_ column: Column) -> Double?? {
        guard let place = places[column] else { return .some(nil) }
        var cell = cells[place]
        if cell.isEmpty { return .some(nil) }
        guard let value = cell.withUTF8({ ByteText.double($0) }) else { return nil }
        return value
      }
      var values: [Column: Double] = [:]
      for column in [Column.left, .top, .right, .bottom, .width, .height, .score] {
        guard let value = number(column) else {
          folder.report(
            file, line: line, "\(ByteText.shown(cells[places[column]!])) is no number")
          return
        }
        if let value { values[column] = value }
      }
      let name = cells[places[.picture]!]
      guard !name.isEmpty else {
        folder.report(file, line: line, "names no picture")
        return
      }
      let part =
        places[.split].map { cells[$0] }.flatMap { $0.isEmpty ? nil : SplitName.canonical($0) }
        ?? split
      let index: Int
      if let known = byFile[name] {
        index = known
      } else {
        index = set.pictures.count
        byFile[name] = index
        var picture = LabeledPicture(
          file: name, path: "", split: part, source: file, line: Int32(clamping: line))
        if let width = values[.width], let height = values[.height], (1...1e6).contains(width),
          (1...1e6).contains(height)
        {
          picture.size = PictureSize(width: Int(width), height: Int(height))
        }
        folder.locate(&picture, in: base, reading)
        set.pictures.append(picture)
      }
      let label = cells[places[.label]!]
      // A row without class or box tells of a background.
      guard !label.isEmpty else {
        if corners.isDisjoint(with: places.keys) { return }
        if places[.width] == nil || values[.left] == nil { return }
        folder.report(file, line: line, "has a box, but no class")
        return
      }
      if let id = Int(label), (0..<1_000_000).contains(id) {
        most = max(most, id)
      } else {
        numbered = false
      }
      guard !corners.isDisjoint(with: places.keys) else {
        if set.pictures[index].label != nil {
          folder.report(file, line: line, "gives \(ByteText.shown(name)) a second class")
        } else {
          set.pictures[index].label = table[label]
        }
        return
      }
      guard let left = values[.left], let top = values[.top], let right = values[.right],
        let bottom = values[.bottom]
      else {
        folder.report(file, line: line, "has a class, but no box")
        return
      }
      set.pictures[index].objects.append(
        LabeledObject(
          label: table[label], box: LabelBox(left: left, top: top, right: right, bottom: bottom),
          score: values[.score], line: Int32(clamping: line)))
    }
    if order.isEmpty { folder.report(file, "is empty") }
  }

  /// The cells of a row; quotes around a cell may hold commas, and two of them stand for one (RFC 4180).
  static func split(_ row: String) -> [String] {
    var cells: [String] = []
    var cell: [UInt8] = []
    var (quoted, wasQuoted) = (false, false)
    let bytes = Array(row.utf8)
    var i = 0
    func finish() {
      let text = String(decoding: cell, as: UTF8.self)
      cells.append(wasQuoted ? text : text.trimmingCharacters(in: .whitespaces))
      cell.removeAll(keepingCapacity: true)
      wasQuoted = false
    }
    while i < bytes.count {
      let byte = bytes[i]
      if quoted {
        if byte == UInt8(ascii: "\""), i + 1 < bytes.count, bytes[i + 1] == byte {
          cell.append(byte)
          i += 1
        } else if byte == UInt8(ascii: "\"") {
          quoted = false
        } else {
          cell.append(byte)
        }
      } else if byte == UInt8(ascii: "\""), cell.isEmpty {
        (quoted, wasQuoted) = (true, true)
      } else if byte == UInt8(ascii: ",") {
        finish()
      } else {
        cell.append(byte)
      }
      i += 1
    }
    finish()
    return cells
  }
}
