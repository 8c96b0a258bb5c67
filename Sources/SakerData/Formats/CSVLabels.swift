import Foundation

/// Tables with a row an object, told by their header: the notes' banana data (`img_name,label,xmin,ymin,xmax,ymax`),
/// TensorFlow's (`filename,width,height,class,xmin,ymin,xmax,ymax`), and predictions (with `score`). Corners are between
/// pixels: the far one is where the object ends; where all of them are 0...1, they are shares of the picture. Tables without
/// corners (`filename,label`) give each picture a class.
enum CSVLabels {
  private typealias Column = CSVHeader.Column

  /// A table that is being read.
  private struct Table {
    var file: String
    var split: String?
    /// The folder of its pictures.
    var base: String
  }

  /// What the tables of a set say together.
  private struct Content {
    var set = LabelSet()
    var classes: ClassTable
    var folder: LabelFolder
    /// Whether all classes are whole numbers, and the largest of them.
    var isNumbered = true
    var most = -1
    var hasBanana = false
  }

  /// - Parameter path: the table, or a folder with one, or with a folder for each split (d2l's `bananas_train/label.csv` and
  ///   `images`); pictures in no split have their table beside the folders.
  static func read(_ path: String, _ reading: LabelReading) throws -> LabelSet {
    guard FileBytes.exists(path) else { throw LabelFolder.failure(path, "does not exist") }
    let isFolder = FileBytes.isFolder(path)
    var content = Content(classes: ClassTable(nil), folder: LabelFolder(path))
    let listed = (isFolder ? path : PathName.folder(path)) + "/classes.txt"
    let known =
      reading.classes ?? (FileBytes.exists(listed) ? content.folder.classes(listed) : nil)
    content.classes = ClassTable(known)
    let files = isFolder ? tables(path, &content.folder) : [(path, nil)]
    guard !files.isEmpty else { throw LabelFolder.failure(path, "holds no CSV table") }
    for (file, split) in files where reading.split == nil || split == nil || reading.split == split
    {
      guard let bytes = content.folder.read(file) else { continue }
      var base = reading.pictureFolder ?? PathName.folder(file)
      if reading.pictureFolder == nil, FileBytes.isFolder(base + "/images") { base += "/images" }
      let first = content.set.pictures.count
      bytes.withUnsafeBufferPointer {
        parse($0, Table(file: file, split: split, base: base), &content, reading)
      }
      scaleShares(first, file, &content)
    }
    var set = content.set
    if set.pictures.isEmpty, let first = content.folder.problems.first(where: \.isError) {
      throw DatasetError.problems([first])
    }
    // A column of numbers holds labels, not names, unless the names are numbers. The banana set's one class is 0.
    let isNamed = !content.hasBanana && Set(known ?? []).contains { Int($0) != nil }
    if content.isNumbered, content.most >= 0, !isNamed {
      let labels = content.classes.names.map { Int($0) ?? 0 }
      for i in set.pictures.indices {
        for k in set.pictures[i].objects.indices {
          set.pictures[i].objects[k].label = labels[set.pictures[i].objects[k].label]
        }
        set.pictures[i].label = set.pictures[i].label.map { labels[$0] }
      }
      let most = content.most
      let names =
        known
        ?? (0...min(most, 9999)).map { most == 0 && isBanana(path) ? "banana" : "class \($0)" }
      set.classes = names.map { LabelClass($0) }
    } else {
      set.classes = content.classes.names.map { LabelClass($0) }
    }
    set.problems = content.folder.problems
    return set
  }

  private static func isBanana(_ path: String) -> Bool { path.lowercased().contains("banana") }

  /// Tables of labels in a folder, and in its folders, which are splits. Other tables are left out, if there are some.
  private static func tables(
    _ path: String, _ folder: inout LabelFolder
  ) -> [(file: String, split: String?)] {
    func inside(_ place: String) -> [String] {
      LabelFolder.names(place).filter { PathName.ending($0) == "csv" }.map { place + "/" + $0 }
    }
    var found = inside(path).map { (file: $0, split: SplitName.told(by: $0)) }
    for name in ClassFolders.folders(path) where name != "images" {
      found += inside(path + "/" + name).map { ($0, SplitStorage.ofFolder(name)) }
    }
    let reasons = found.map { header($0.file)?.missing }
    guard reasons.contains(where: { $0 == nil }) else { return found }
    for (table, reason) in zip(found, reasons) {
      if let reason { folder.warn(table.file, "is no table of labels, left out: \(reason)") }
    }
    return zip(found, reasons).filter { $1 == nil }.map(\.0)
  }

  private static func header(_ file: String) -> CSVHeader? {
    guard let handle = try? FileBytes.Handle(file),
      let bytes = try? handle.read(at: 0, count: min(handle.count, 1 << 16)),
      let line = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).first
    else { return nil }
    return CSVHeader(String(line.drop { $0 == "\u{FEFF}" }))
  }

  /// Whether a line is the header of such a table.
  static func isHeader(_ line: String) -> Bool { CSVHeader(line).missing == nil }

  private static func parse(
    _ bytes: UnsafeBufferPointer<UInt8>, _ table: Table, _ content: inout Content,
    _ reading: LabelReading
  ) {
    var header: CSVHeader?
    var byFile: [String: Int] = [:]
    var stopped = false
    ByteText.forEachLine(bytes) { line, text in
      guard !text.isEmpty, !stopped else { return }
      guard let row = String(validating: text, as: UTF8.self) else {
        content.folder.report(table.file, line: line, "is not UTF-8 text")
        return
      }
      guard let header else {
        let first = CSVHeader(row)
        if let missing = first.missing {
          content.folder.report(table.file, line: line, missing)
          stopped = true
        }
        content.hasBanana = content.hasBanana || first.isBanana
        header = first
        return
      }
      let cells = CSVLabels.split(row, header.separator)
      guard cells.count == header.names.count else {
        content.folder.report(
          table.file, line: line, "expected \(header.names.count) columns, got \(cells.count)")
        return
      }
      if let problem = add(cells, header, line, table, &byFile, &content, reading) {
        content.folder.report(table.file, line: line, problem)
      }
    }
    if header == nil { content.folder.report(table.file, "is empty") }
  }

  /// - Returns: what is wrong with the row.
  private static func add(
    _ cells: [String], _ header: CSVHeader, _ line: Int, _ table: Table,
    _ byFile: inout [String: Int], _ content: inout Content, _ reading: LabelReading
  ) -> String? {
    let places = header.places
    var values: [Column: Double] = [:]
    for column in [Column.left, .top, .right, .bottom, .width, .height, .score] {
      guard let place = places[column], !cells[place].isEmpty else { continue }
      // Where semicolons separate cells, a comma may stand for the point.
      let text =
        header.separator == UInt8(ascii: ";")
        ? cells[place].replacing(",", with: ".") : cells[place]
      guard let value = DecimalNumber.parse(text) else {
        return "\(ByteText.shown(cells[place])) is no number"
      }
      values[column] = value
    }
    let name = cells[places[.picture]!]
    guard !name.isEmpty else { return "names no picture" }
    let index: Int
    if let known = byFile[name] {
      index = known
    } else {
      index = content.set.pictures.count
      byFile[name] = index
      let named = places[.split].map { cells[$0] }.flatMap { $0.isEmpty ? nil : $0 }
      var picture = LabeledPicture(
        file: name, path: "", split: named.map(SplitName.canonical) ?? table.split,
        source: table.file, line: Int32(clamping: line))
      if let width = values[.width], let height = values[.height], (1...1e6).contains(width),
        (1...1e6).contains(height)
      {
        picture.size = PictureSize(width: Int(width), height: Int(height))
      }
      content.folder.locate(&picture, in: table.base, reading)
      content.set.pictures.append(picture)
    }
    let label = cells[places[.label]!]
    // A row without class or box tells of a background.
    guard !label.isEmpty else {
      return header.hasCorners && values[.left] != nil ? "has a box, but no class" : nil
    }
    if let id = Int(label), (0..<1_000_000).contains(id) {
      content.most = max(content.most, id)
    } else {
      content.isNumbered = false
    }
    guard header.hasCorners else {
      guard content.set.pictures[index].label == nil else {
        return "gives \(ByteText.shown(name)) a second class"
      }
      content.set.pictures[index].label = content.classes[label]
      return nil
    }
    guard let left = values[.left], let top = values[.top], let right = values[.right],
      let bottom = values[.bottom]
    else { return "has a class, but no box" }
    content.set.pictures[index].objects.append(
      LabeledObject(
        label: content.classes[label],
        box: LabelBox(left: left, top: top, right: right, bottom: bottom), score: values[.score],
        line: Int32(clamping: line)))
    return nil
  }

  /// Corners that are all 0...1 are shares of their pictures: no picture is a pixel large.
  private static func scaleShares(_ first: Int, _ file: String, _ content: inout Content) {
    let boxes = content.set.pictures[first...].lazy.flatMap { $0.objects.lazy.map(\.box) }
    guard !boxes.isEmpty,
      boxes.allSatisfy({ box in
        [box.left, box.top, box.right, box.bottom].allSatisfy { (0...1).contains($0) }
      })
    else { return }
    content.folder.warn(
      file, "all corners are 0...1; they are taken as shares of the pictures' width and height")
    for i in content.set.pictures[first...].indices {
      let picture = content.set.pictures[i]
      let size =
        picture.size
        ?? (picture.path.isEmpty ? nil : (try? Picture.header(ofFile: picture.path))?.size)
      guard let size else {
        content.set.isInFractions = true
        continue
      }
      content.set.pictures[i].size = size
      content.set.pictures[i].objects = picture.objects.map {
        $0.scaled(x: Double(size.width), y: Double(size.height))
      }
    }
  }

  /// The cells of a row; quotes around a cell may hold commas, and two of them stand for one (RFC 4180).
  static func split(_ row: String, _ separator: UInt8 = UInt8(ascii: ",")) -> [String] {
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
      } else if byte == separator {
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
