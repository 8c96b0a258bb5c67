import Foundation

/// Which tables of a folder hold labels, where their pictures lie, and what the cells of a row are.
extension CSVLabels {
  /// Tables of labels in a folder, and in its folders, which are splits unless they are called
  /// after tables. Other tables are left out, if there are some.
  static func tables(
    _ path: String, _ folder: inout LabelFolder
  ) -> [(file: String, split: String?)] {
    var found: [(file: String, split: String?, refusal: String?)] = []
    func look(in place: String, _ name: String?) {
      for table in LabelFolder.names(place) where PathName.ending(table) == "csv" {
        let file = place + "/" + table
        let split = name.map(SplitStorage.ofFolder) ?? SplitName.told(by: table)
        found.append((file, split, refusal(of: file, in: name)))
      }
    }
    look(in: path, nil)
    for name in ClassFolders.folders(path) where name != "images" {
      look(in: path + "/" + name, isOfTables(name) ? nil : name)
    }
    let good = found.filter { $0.refusal == nil }
    guard !good.isEmpty else { return found.map { ($0.file, $0.split) } }
    for table in found {
      if let reason = table.refusal {
        folder.warn(table.file, "is no table of labels, left out: \(reason)")
      }
    }
    return good.map { ($0.file, $0.split) }
  }

  /// Why a table is none of labels; `nil` if it is one.
  ///
  /// - Parameter name: the folder that it lies in, if that is not the set's own.
  static func refusal(of file: String, in name: String? = nil) -> String? {
    let rows = head(of: file)
    guard let first = rows.first else { return "is empty" }
    let header = CSVHeader(first.text, below: rows.dropFirst().first?.text)
    if let missing = header.missing { return missing }
    guard header.isGuess else { return nil }
    if PathName.last(file).lowercased().contains("submission") {
      return "is a sample of results, by its name"
    }
    // Tables beside the pictures of a class, as GTSRB has them, tell of this class alone.
    if let name, SplitName.known(name) == nil { return "lies in \(name), which is no split" }
    var folder = LabelFolder(PathName.folder(file))
    let names = pictureNames(rows, header)
    if let home = home(of: file, names, &folder), !home.isGuess { return nil }
    let example = ByteText.shown(names.first ?? "")
    return "no picture beside it or in a folder of pictures is called \(example)"
  }

  /// The columns of a table; `nil` if it is empty or cannot be read.
  static func header(_ file: String) -> CSVHeader? {
    let rows = head(of: file)
    return rows.first.map { CSVHeader($0.text, below: rows.dropFirst().first?.text) }
  }

  private static func head(of file: String) -> [(line: Int, text: String)] {
    guard let handle = try? FileBytes.Handle(file),
      let bytes = try? handle.read(at: 0, count: min(handle.count, 1 << 16))
    else { return [] }
    return bytes.withUnsafeBufferPointer(head)
  }

  /// The first lines that are not empty, with their numbers.
  static func head(_ bytes: UnsafeBufferPointer<UInt8>) -> [(line: Int, text: String)] {
    var rows: [(line: Int, text: String)] = []
    ByteText.forEachLine(UnsafeBufferPointer(rebasing: bytes.prefix(1 << 16))) { line, text in
      guard !text.isEmpty, rows.count < 12, let row = String(validating: text, as: UTF8.self)
      else { return }
      rows.append((line, String(row.drop { $0 == "\u{FEFF}" })))
    }
    return rows
  }

  /// The pictures of the first rows.
  static func pictureNames(_ rows: [(line: Int, text: String)], _ header: CSVHeader) -> [String] {
    rows.dropFirst().compactMap { row in
      let cells = split(row.text, header.separator)
      guard let place = header.places[.picture], cells.count == header.names.count,
        !cells[place].isEmpty
      else { return nil }
      return cells[place]
    }
  }

  // MARK: Where pictures lie

  /// Whether a folder is called after tables, not after a split.
  private static func isOfTables(_ name: String) -> Bool {
    ["annotations", "labels", "csv"].contains(name.lowercased())
  }

  /// `images` beside the table, or the table's own folder.
  static func usualHome(_ file: String) -> String {
    let base = PathName.folder(file)
    return FileBytes.isFolder(base + "/images") ? base + "/images" : base
  }

  /// The folder in which a table's pictures lie: the usual one, else the one beside the table, or
  /// in one of those, that holds most of them; among equals the one that is called after the
  /// table's split (`train_images` for `train.csv`), then after pictures.
  ///
  /// - Returns: `nil` if none holds one of them; `isGuess` where the folder's name says nothing.
  static func home(
    of file: String, _ names: [String], _ folder: inout LabelFolder
  ) -> (place: String, isGuess: Bool)? {
    let base = PathName.folder(file)
    let roots = isOfTables(PathName.last(base)) ? [base, PathName.folder(base)] : [base]
    for place in [usualHome(file)] + roots + roots.map({ $0 + "/images" })
    where count(names, place, &folder) > 0 {
      return (place, false)
    }
    let split = SplitName.told(by: file)
    func rank(_ name: String) -> Int {
      if let told = SplitName.told(by: name) { return told == split ? 0 : 3 }
      return DataFormat.isOfPictures(name) ? 1 : 2
    }
    // Most of the pictures decide, then the folders' names, then the nearest.
    var best: (place: String, count: Int, rank: Int)?
    var level = roots.map { (place: $0, rank: 2) }
    for _ in 0..<2 {
      var inside: [(place: String, rank: Int)] = []
      for above in level {
        for name in ClassFolders.folders(above.place).prefix(200) {
          // `images/train` is of the split, `train/pictures`, too.
          let own = rank(name)
          inside.append(
            (above.place + "/" + name, above.rank == 2 ? own : min(own, above.rank)))
        }
      }
      for (place, rank) in inside {
        let found = count(names, place, &folder)
        guard found > 0 else { continue }
        if let best, (best.count, -best.rank) >= (found, -rank) { continue }
        best = (place, found, rank)
      }
      level = inside
    }
    return best.map { ($0.place, $0.rank > 1) }
  }

  /// How many of the pictures are in a folder.
  private static func count(
    _ names: [String], _ place: String, _ folder: inout LabelFolder
  ) -> Int {
    names.count { name in
      guard let path = PathName.inside(place, LabelFolder.separated(name, in: place)),
        let found = folder.picture(PathName.last(path), in: PathName.folder(path))
      else { return false }
      return !FileBytes.isFolder(found)
    }
  }

  // MARK: Cells

  /// The cells of a row; quotes around a cell may hold commas, and two of them stand
  /// for one (RFC 4180).
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
