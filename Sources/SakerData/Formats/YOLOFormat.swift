import Foundation
import Synchronization
import Yams

/// YOLO's text labels: a line an object, `class cx cy w h` or `class x1 y1 x2 y2 ...` in fractions of the picture.
enum YOLOFormat {
  // MARK: With a data YAML

  /// - Parameter path: the data YAML, a folder that holds one, or a folder with `images` and `labels`.
  static func read(_ path: String, _ reading: LabelReading) throws -> LabelSet {
    let yaml = try yamlFile(path)
    var data: YOLODataFile
    if let yaml {
      data = try YOLODataFile(yaml)
    } else {
      try LabelFolder.require(path)
      data = YOLODataFile(implied: path)
      guard !data.splits.isEmpty else {
        throw LabelFolder.failure(path, "holds neither a data YAML nor folders images and labels")
      }
    }
    var folder = LabelFolder(data.root)
    if let classes = reading.classes { data.names = classes }
    if data.names.isEmpty {
      for place in [data.root, data.root + "/labels"] where data.names.isEmpty {
        let file = place + "/classes.txt"
        if FileBytes.exists(file) { data.names = folder.classes(file) ?? [] }
      }
    }
    var entries: [Entry] = []
    var seen: [String: String] = [:]
    // Small sets are validated on what they learn from: two splits, the same pictures.
    let isOne = data.splits.count > 1 && Set(data.splits.map(\.places)).count == 1
    let splits =
      reading.split == nil && isOne ? [(name: nil, places: data.splits[0].places)] : data.splits
    let wanted = splits.filter { (reading.split ?? $0.name ?? "") == ($0.name ?? "") }
    // A folder names nothing twice.
    let mayRepeat =
      wanted.reduce(0) { $0 + $1.places.count } > 1
      || wanted.contains { !$0.places.allSatisfy(FileBytes.isFolder) }
    for (split, places) in wanted {
      for place in places {
        for (picture, source, line) in try pictures(place, data, &folder) {
          guard mayRepeat else {
            entries.append(Entry(picture: picture, split: split))
            continue
          }
          if let other = seen[picture] {
            folder.report(
              source, line: line > 0 ? line : nil, "\(picture) is in \(other) already")
            continue
          }
          seen[picture] = split ?? place
          entries.append(Entry(picture: picture, split: split))
        }
      }
    }
    return finish(entries, data.names, root: data.root, folder)
  }

  struct Entry {
    var picture: String
    /// By Ultralytics' rule if left out.
    var label: String?
    var split: String?
  }

  /// The last `/images/` becomes `/labels/`, and the extension `.txt` (Ultralytics' `img2label_paths`).
  static func labelFile(_ picture: String) -> String {
    // An own search: Foundation's ranges are slow for a million paths.
    var picture = picture
    return picture.withUTF8 { path in
      var end = path.count
      for at in stride(from: path.count - 1, through: 0, by: -1) {
        if path[at] == UInt8(ascii: "/") { break }
        if path[at] == UInt8(ascii: ".") {
          if at > 0 { end = at }
          break
        }
      }
      let mark: StaticString = "/images/"
      var at = end - 8
      while at >= 0, memcmp(path.baseAddress! + at, mark.utf8Start, 8) != 0 { at -= 1 }
      return String(unsafeUninitializedCapacity: end + 4) { name in
        var count = 0
        func add(_ part: Range<Int>) {
          for i in part {
            name[count] = path[i]
            count += 1
          }
        }
        if at >= 0 {
          add(0..<at)
          for byte in "/labels/".utf8 {
            name[count] = byte
            count += 1
          }
          add(at + 8..<end)
        } else {
          add(0..<end)
        }
        for byte in ".txt".utf8 {
          name[count] = byte
          count += 1
        }
        return count
      }
    }
  }

  /// The YAML that `path` is or holds.
  static func yamlFile(_ path: String) throws -> String? {
    if !FileBytes.isFolder(path) {
      guard FileBytes.exists(path) else { throw LabelFolder.failure(path, "does not exist") }
      return path
    }
    let names = LabelFolder.names(path).filter { ["yaml", "yml"].contains(PathName.ending($0)) }
    if let usual = ["data.yaml", "data.yml", "dataset.yaml"].first(where: names.contains) {
      return path + "/" + usual
    }
    if names.count > 1 {
      throw LabelFolder.failure(
        path, "holds several YAML files; name one: \(names.joined(separator: ", "))")
    }
    return names.first.map { path + "/" + $0 }
  }

  /// Pictures of one entry of the YAML: a folder (with all below it), a list, or a picture.
  private static func pictures(
    _ place: String, _ data: YOLODataFile, _ folder: inout LabelFolder
  ) throws -> [(picture: String, source: String, line: Int)] {
    guard FileBytes.exists(place) else {
      folder.report(data.file ?? data.root, "names \(place), which does not exist")
      return []
    }
    if FileBytes.isFolder(place) {
      let found = walk(place)
      if found.isEmpty { folder.report(place, "holds no pictures (\(Picture.endingsInWords))") }
      return found.map { ($0, place, 0) }
    }
    var found: [(picture: String, source: String, line: Int)] = []
    let base = PathName.folder(place)
    for (line, text) in folder.lines(place) ?? [] {
      // `./` stands for the list's folder, as Ultralytics has it; other names, for the set's.
      let name = text.hasPrefix("./") ? base + "/" + text.dropFirst(2) : text
      let candidates =
        text.hasPrefix("/") || text.hasPrefix("./")
        ? [name] : [data.root + "/" + text, base + "/" + text]
      let inside = candidates.filter { PathName.inside(data.root, absolute($0, data.root)) != nil }
      guard let picture = inside.first(where: FileBytes.exists) ?? inside.first else {
        folder.report(
          place, line: line, "\(ByteText.shown(text)) leads out of the folder \(data.root)")
        continue
      }
      found.append((PathName.normalized(picture), place, line))
    }
    if found.isEmpty { folder.report(place, "is a list without pictures") }
    return found
  }

  /// A path relative to the working folder as one relative to the root, if it lies below it.
  private static func absolute(_ path: String, _ root: String) -> String {
    let (path, whole) = (PathName.normalized(path), PathName.normalized(root))
    if path.hasPrefix("/") || whole == "." { return path }
    return path.hasPrefix(whole + "/") ? String(path.dropFirst(whole.count + 1)) : "../" + path
  }

  /// All pictures below a folder, in order of their paths.
  static func walk(_ folder: String, depth: Int = 0) -> [String] {
    var found: [String] = []
    for name in LabelFolder.names(folder) where !name.hasPrefix(".") {
      let path = folder + "/" + name
      if PathName.isPicture(name) {
        found.append(path)
      } else if depth < 16, FileBytes.isFolder(path) {
        found += walk(path, depth: depth + 1)
      }
    }
    return found
  }

  // MARK: Beside pictures, as labelImg writes them

  static func readFlat(_ path: String, _ reading: LabelReading) throws -> LabelSet {
    try LabelFolder.require(path)
    var folder = LabelFolder(path)
    var entries: [Entry] = []
    var names = reading.classes ?? []
    let subfolders = LabelFolder.names(path).filter { FileBytes.isFolder(path + "/" + $0) }
    for split in [nil] + subfolders.map(Optional.some) {
      if let wanted = reading.split, wanted != split { continue }
      let place = split.map { path + "/" + $0 } ?? path
      let files = LabelFolder.names(place)
      let known = Set(files)
      for name in files where PathName.isPicture(name) {
        let label = PathName.stem(name) + ".txt"
        guard known.contains(label) else {
          folder.warn(place + "/" + name, "has no annotation file, left out")
          continue
        }
        entries.append(
          Entry(picture: place + "/" + name, label: place + "/" + label, split: split))
      }
      let classes = place + "/classes.txt"
      if reading.classes == nil, FileBytes.exists(classes), let listed = folder.classes(classes) {
        if names.isEmpty {
          names = listed
        } else if names != listed {
          folder.report(classes, "names other classes, or another order, than the folders before")
        }
      }
    }
    if entries.isEmpty {
      if let split = reading.split {
        throw LabelFolder.failure(path, "has no split \(ByteText.shown(split)) of labels")
      }
      throw LabelFolder.failure(path, "holds no pictures with labels (.txt) beside them")
    }
    return finish(entries, names, root: path, folder)
  }

  // MARK: Labels

  struct Parsed: Sendable {
    var objects: [LabeledObject] = []
    var problems: [DataProblem] = []
  }

  private static func finish(
    _ entries: [Entry], _ names: [String], root: String, _ folder: LabelFolder
  ) -> LabelSet {
    var folder = folder
    let prefix = PathName.normalized(root) + "/"
    let problems = Mutex<[(number: Int, found: [DataProblem])]>([])
    var set = LabelSet()
    set.pictures = Concurrently.read(entries.count) { number, reader in
      let entry = entries[number]
      let file = entry.label ?? labelFile(entry.picture)
      let labels = parse(file: file, &reader)
      let whole = PathName.normalized(entry.picture)
      if let found = labels?.problems, !found.isEmpty {
        problems.withLock { $0.append((number, found)) }
      }
      return LabeledPicture(
        file: whole.hasPrefix(prefix) ? String(whole.dropFirst(prefix.count)) : whole,
        path: entry.picture, split: entry.split, objects: labels?.objects ?? [],
        source: labels == nil ? "" : file)
    }
    for (_, found) in problems.withLock({ $0 }).sorted(by: { $0.number < $1.number }) {
      folder.add(found)
    }
    var most = -1
    if names.isEmpty {
      for picture in set.pictures {
        for object in picture.objects { most = max(most, object.label) }
      }
    }
    // Without names there are as many classes as labels ask for, within reason.
    let classes =
      names.isEmpty && most >= 0 ? (0...min(most, 9999)).map { "class \($0)" } : names
    if names.isEmpty && most >= 0 {
      folder.warn(root, "has no names of classes; they are called class 0 ... class \(most)")
    }
    set.classes = classes.map { LabelClass($0) }
    set.problems = folder.problems
    return set
  }

  /// `nil` if there is no such file: the picture is a background.
  private static func parse(file: String, _ reader: inout FileReader) -> Parsed? {
    do throws(FileBytes.Failure) {
      return try reader.withBytes(of: file) { parse($0, file) }
    } catch {
      if error.reason == FileBytes.Failure.missing { return nil }
      return Parsed(problems: [DataProblem(.error, file: file, error.reason)])
    }
  }

  static func parse(_ bytes: UnsafeBufferPointer<UInt8>, _ file: String) -> Parsed {
    var parsed = Parsed()
    var values: [Double] = []
    values.reserveCapacity(6)
    // A line takes 30 bytes or so; a wrong guess costs a copy.
    parsed.objects.reserveCapacity(min(bytes.count / 24, 1024))
    func report(_ line: Int, _ message: String) {
      if parsed.problems.count < 1000 {
        parsed.problems.append(DataProblem(.error, file: file, line: line, message))
      }
    }
    ByteText.forEachLine(bytes) { line, text in
      guard !text.isEmpty else { return }
      values.removeAll(keepingCapacity: true)
      var bad = false
      ByteText.forEachWord(text) { word in
        guard !bad else { return }
        guard let value = ByteText.double(word) else {
          report(line, "\(ByteText.shown(word)) is no number")
          bad = true
          return
        }
        values.append(value)
      }
      guard !bad else { return }
      let label = values[0]
      guard label >= 0, label < 1e6, label == label.rounded() else {
        report(line, "the class is a whole number from 0, got \(label)")
        return
      }
      var object = LabeledObject(
        label: Int(label), box: LabelBox(left: 0, top: 0, width: 0, height: 0),
        line: Int32(clamping: line))
      switch values.count {
      case 5, 6:
        object.box = LabelBox(
          left: values[1] - values[3] / 2, top: values[2] - values[4] / 2, width: values[3],
          height: values[4])
        if values.count == 6 { object.score = values[5] }
      case 7... where values.count % 2 == 1:
        object.shape = .polygons([Array(values[1...])])
        object.box = LabelBox(around: values[1...])
      default:
        report(
          line, "expected class and 4 numbers, or 3 and more points, got \(values.count) numbers")
        return
      }
      parsed.objects.append(object)
    }
    return parsed
  }
}

/// A data YAML as Ultralytics' tools read it: where the splits lie and what the classes are called.
struct YOLODataFile {
  var file: String?
  /// The folder that everything lies in.
  var root: String
  /// Folders, lists or pictures of each split.
  var splits: [(name: String?, places: [String])] = []
  var names: [String] = []

  /// A folder without a YAML: `images/train`, `images/val`, ... or `images` alone.
  init(implied folder: String) {
    root = folder
    for base in ["images", "train", "val", "valid", "test"] {
      let place = folder + "/" + base
      guard FileBytes.isFolder(place) else { continue }
      if base == "images" {
        let inside = LabelFolder.names(place).filter { FileBytes.isFolder(place + "/" + $0) }
        splits += inside.map { ($0, [place + "/" + $0]) }
        if inside.isEmpty { splits.append((nil, [place])) }
      } else if FileBytes.isFolder(place + "/images") {
        splits.append((base == "valid" ? "val" : base, [place + "/images"]))
      }
    }
  }

  init(_ file: String) throws {
    self.file = file
    let base = PathName.folder(file)
    root = base
    let text: String
    do {
      let bytes = try FileBytes.read(file)
      guard bytes.count <= 16 << 20 else { throw FileBytes.Failure("is larger than 16 MiB") }
      guard let valid = String(validating: bytes, as: UTF8.self) else {
        throw FileBytes.Failure("is not UTF-8 text")
      }
      text = valid
    } catch let failure as FileBytes.Failure {
      throw LabelFolder.failure(file, failure.reason)
    }
    let node: Node?
    do {
      node = try YAMLText.compose(text)
    } catch {
      throw LabelFolder.failure(file, line: error.line, "is not YAML: \(error.reason)")
    }
    guard case .mapping(let map)? = node else {
      throw LabelFolder.failure(file, "expected a mapping with train, val and names")
    }
    if let given = map["path"]?.string, !given.isEmpty {
      let place = given.hasPrefix("/") ? given : base + "/" + given
      // Published files name a folder that is not here: then the YAML's own holds the data.
      if FileBytes.isFolder(place) { root = PathName.normalized(place) }
    }
    for key in ["train", "val", "test"] {
      guard let value = map[key] else { continue }
      let entries: [Node]
      switch value {
      case .scalar(let scalar): entries = scalar.string.isEmpty ? [] : [value]
      case .sequence(let sequence): entries = Array(sequence)
      default:
        throw LabelFolder.failure(file, line: line(value), "\(key) is no path or list of paths")
      }
      if case .scalar(let scalar) = value, scalar.style == .plain,
        ["", "~", "null"].contains(scalar.string)
      {
        continue
      }
      splits.append((key, try entries.map { try place($0, key) }))
    }
    guard !splits.isEmpty else {
      throw LabelFolder.failure(file, "names no train, val or test")
    }
    try readNames(map)
  }

  private func line(_ node: Node) -> Int? { node.mark.map { $0.line } }

  private func place(_ node: Node, _ key: String) throws -> String {
    guard let name = node.scalar?.string, !name.isEmpty else {
      throw LabelFolder.failure(file!, line: line(node), "\(key) is no path")
    }
    let trimmed = PathName.trimmed(name)
    if let inside = PathName.inside(root, trimmed), FileBytes.exists(inside) { return inside }
    // Exported files say ../train/images for what lies beside them; Ultralytics takes the dots off, too.
    if trimmed.hasPrefix("../") {
      let short = PathName.normalized(trimmed).split(separator: "/").drop { $0 == ".." }
      if let inside = PathName.inside(root, short.joined(separator: "/")), FileBytes.exists(inside)
      {
        return inside
      }
    }
    guard let inside = PathName.inside(root, trimmed) else {
      throw LabelFolder.failure(
        file!, line: line(node), "\(key): \(ByteText.shown(name)) leads out of the folder \(root)")
    }
    return inside
  }

  private mutating func readNames(_ map: Node.Mapping) throws {
    let count = map["nc"]?.int
    switch map["names"] {
    case .sequence(let list)?:
      names = try list.map { node in
        guard let name = node.scalar?.string, !name.isEmpty else {
          throw LabelFolder.failure(file!, line: line(node), "a name of names is no text")
        }
        return name
      }
    case .mapping(let table)?:
      var byID: [Int: String] = [:]
      for (key, value) in table {
        guard let id = key.int, (0..<100_000).contains(id), let name = value.scalar?.string else {
          throw LabelFolder.failure(
            file!, line: line(key), "names: expected number: name, numbers from 0")
        }
        guard byID.updateValue(name, forKey: id) == nil else {
          throw LabelFolder.failure(file!, line: line(key), "names gives \(id) twice")
        }
      }
      guard Set(byID.keys) == Set(0..<byID.count) else {
        throw LabelFolder.failure(
          file!, line: line(map["names"]!),
          "names must number the classes 0 to \(byID.count - 1) without gaps")
      }
      names = (0..<byID.count).map { byID[$0]! }
    case nil:
      if let count, (1...100_000).contains(count) { names = (0..<count).map { "class \($0)" } }
    default:
      throw LabelFolder.failure(file!, line: line(map["names"]!), "names is no list or map")
    }
    if let count, !names.isEmpty, count != names.count {
      throw LabelFolder.failure(
        file!, line: line(map["nc"]!), "nc is \(count), but there are \(names.count) names")
    }
  }
}

/// YAML by Yams, with errors in our form.
enum YAMLText {
  struct Failure: Error {
    var line: Int?
    var reason: String
  }

  /// The first document as nodes. Anchors and aliases are refused: a small file could stand for a huge tree.
  static func compose(_ text: String) throws(Failure) -> Node? {
    if let danger = danger(text) { throw danger }
    do {
      let parser = try Parser(yaml: text)
      return try parser.singleRoot()
    } catch let error as YamlError {
      switch error {
      case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
        .composer(_, let problem, let mark, _):
        throw Failure(line: mark.line, reason: ByteText.shown(problem))
      default:
        throw Failure(
          reason: ByteText.shown(
            "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")))
      }
    } catch {
      throw Failure(reason: ByteText.shown("\(error)"))
    }
  }

  /// Why a text could ask for far more than its size: nesting deeper than the reader's stack, or aliases, with which a small
  /// file stands for a huge tree.
  private static func danger(_ text: String) -> Failure? {
    var (line, depth, lead, atStart, last) = (1, 0, 0, true, UInt8(ascii: "\n"))
    var (quote, comment): (UInt8?, Bool) = (nil, false)
    for byte in text.utf8 {
      if byte == UInt8(ascii: "\n") {
        line += 1
        (lead, atStart, comment) = (0, true, false)
      } else if comment {
        continue
      } else if let open = quote {
        if byte == open { quote = nil }
      } else {
        let follows = [0x20, 0x09, 0x0A, 0x5B, 0x2C, 0x3A].contains(last)
        if atStart, [0x20, 0x09, 0x2D, 0x3F].contains(byte) { lead += 1 } else { atStart = false }
        switch byte {
        case UInt8(ascii: "#") where follows: comment = true
        case UInt8(ascii: "\""), UInt8(ascii: "'"): if follows { quote = byte }
        case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
        case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
        case UInt8(ascii: "*") where follows:
          return Failure(line: line, reason: "aliases are not read")
        default: break
        }
        if depth > 64 || lead > 256 {
          return Failure(line: line, reason: "is nested too deeply")
        }
      }
      last = byte
    }
    return nil
  }
}
