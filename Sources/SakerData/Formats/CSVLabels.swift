import Foundation

/// Tables with a row an object, told by their header: the notes' banana data
/// (`img_name,label,xmin,ymin,xmax,ymax`), TensorFlow's
/// (`filename,width,height,class,xmin,ymin,xmax,ymax`), and predictions (with `score`). Corners are
/// between pixels: the far one is where the object ends; where all of them are 0...1, they are
/// shares of the picture. Tables without corners (`filename,label`) give each picture a class.
enum CSVLabels {
  typealias Column = CSVHeader.Column

  /// A table that is being read.
  private struct Table {
    var file: String
    var split: String?
    var header: CSVHeader
    /// The folder of its pictures.
    var base: String
  }

  /// What the tables of a set say together.
  private struct Content {
    var set = LabelSet()
    var classes: ClassTable
    var folder: LabelFolder
    /// Whether all classes of rows are whole numbers.
    var isNumbered = true
    var hasBanana = false
  }

  /// - Parameter path: the table, or a folder with one, or with a folder for each split
  ///   (d2l's `bananas_train/label.csv` and `images`); pictures in no split have their table
  ///   beside the folders.
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
      bytes.withUnsafeBufferPointer { parse($0, file, split, &content, reading) }
    }
    var set = content.set
    if set.pictures.isEmpty, let first = content.folder.problems.first(where: \.isError) {
      throw DatasetError.problems([first])
    }
    let names = content.classes.names
    let numbers = names.compactMap(DecimalNumber.parse)
    let isNamed = !content.hasBanana && known?.contains { Int($0) != nil } ?? true
    if let known, content.isNumbered, !isNamed {
      // A list names the classes, and none by a number: then numbers are places in it.
      let labels = names.map { Int($0) ?? 0 }
      set.renumber { labels[$0] }
      set.classes = known.map { LabelClass($0) }
    } else if known == nil, numbers.count == names.count {
      // Numbers are names, in their order, not in that of the rows.
      let order = names.indices.sorted { (numbers[$0], names[$0]) < (numbers[$1], names[$1]) }
      var labels = [Int](repeating: 0, count: names.count)
      for (label, place) in order.enumerated() { labels[place] = label }
      set.renumber { labels[$0] }
      let isBanana = content.hasBanana && names == ["0"] && path.lowercased().contains("banana")
      set.classes = order.map { LabelClass(isBanana ? "banana" : names[$0]) }
    } else {
      set.classes = names.map { LabelClass($0) }
    }
    set.problems = content.folder.problems
    return set
  }

  private static func parse(
    _ bytes: UnsafeBufferPointer<UInt8>, _ file: String, _ split: String?,
    _ content: inout Content, _ reading: LabelReading
  ) {
    guard let table = table(bytes, file, split, &content, reading) else { return }
    let header = table.header
    var byFile: [String: Int] = [:]
    var isHead = true
    let (first, before) = (content.set.pictures.count, content.folder.problems.count)
    ByteText.forEachLine(bytes) { line, text in
      guard !text.isEmpty else { return }
      if isHead {
        isHead = false
        return
      }
      guard let row = String(validating: text, as: UTF8.self) else {
        content.folder.report(file, line: line, "is not UTF-8 text")
        return
      }
      let cells = CSVLabels.split(row, header.separator)
      guard cells.count == header.names.count else {
        content.folder.report(
          file, line: line, "expected \(header.names.count) columns, got \(cells.count)")
        return
      }
      if let problem = add(cells, line, table, &byFile, &content, reading) {
        content.folder.report(file, line: line, problem)
      }
    }
    let lost = content.set.pictures[first...].prefix { $0.path.isEmpty }
    if lost.count > 1, lost.count == content.set.pictures.count - first,
      reading.pictures != .unread
    {
      let name = ByteText.shown(lost[first].file)
      content.folder.replace(
        from: before,
        where: { $0.file == file && $0.message.contains(", which is not in ") },
        by: DataProblem(
          .error, file: file,
          "none of its \(lost.count) pictures (\(name), ...) is in \(table.base), in a folder beside the "
            + "table, or below one"))
    }
    scaleShares(first, file, &content)
  }

  /// A table by its first lines; `nil` if it is none of labels, which is reported.
  private static func table(
    _ bytes: UnsafeBufferPointer<UInt8>, _ file: String, _ split: String?,
    _ content: inout Content, _ reading: LabelReading
  ) -> Table? {
    let rows = head(bytes)
    guard let first = rows.first else {
      content.folder.report(file, bytes.isEmpty ? "is empty" : "has no header of UTF-8 text")
      return nil
    }
    let header = CSVHeader(first.text, below: rows.dropFirst().first?.text)
    if let missing = header.missing {
      content.folder.report(file, line: first.line, missing)
      return nil
    }
    if let guess = header.guess { content.folder.guess(file, line: first.line, guess) }
    content.hasBanana = content.hasBanana || header.isBanana
    for (i, place) in header.classes.enumerated() {
      let name = header.names[place]
      if let other = header.classes[..<i].first(where: { header.names[$0] == name }) {
        content.folder.report(
          file, line: first.line,
          "the columns \(other + 1) and \(place + 1) are both called \(ByteText.shown(name))")
      }
      _ = content.classes[name]
    }
    let table = Table(file: file, split: split, header: header, base: usualHome(file))
    guard reading.pictures != .unread, reading.pictureFolder == nil else {
      return reading.pictureFolder.map {
        Table(file: file, split: split, header: header, base: $0)
      } ?? table
    }
    let names = pictureNames(rows, header)
    guard let home = home(of: file, names, &content.folder) else { return table }
    if home.isGuess {
      content.folder.guess(file, "its pictures are those of the folder \(home.place)")
    }
    return Table(file: file, split: split, header: header, base: home.place)
  }

  /// - Returns: what is wrong with the row.
  private static func add(
    _ cells: [String], _ line: Int, _ table: Table, _ byFile: inout [String: Int],
    _ content: inout Content, _ reading: LabelReading
  ) -> String? {
    let header = table.header
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
    let label: String
    switch header.label(cells) {
    case .success(let name): label = name
    case .failure(let problem): return problem.message
    }
    // A row without class or box tells of a background.
    guard !label.isEmpty else {
      return header.hasCorners && values[.left] != nil ? "has a box, but no class" : nil
    }
    let isNumber = Int(label).map { (0..<1_000_000).contains($0) } ?? false
    content.isNumbered = content.isNumbered && isNumber
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
    content.folder.guess(
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
}

extension LabelSet {
  /// Gives every object and picture another label.
  fileprivate mutating func renumber(_ label: (Int) -> Int) {
    for i in pictures.indices {
      for k in pictures[i].objects.indices {
        pictures[i].objects[k].label = label(pictures[i].objects[k].label)
      }
      pictures[i].label = pictures[i].label.map(label)
    }
  }
}
