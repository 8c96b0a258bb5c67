import Yams

/// Where the splits of a YOLO set lie and what its classes are called: from a data YAML as
/// Ultralytics' tools read it, from Darknet's `obj.data`, or from the folders alone.
struct YOLODataFile {
  /// A split, and its folders, lists or pictures.
  struct Split {
    /// `nil` where everything is in one folder.
    var name: String?
    var places: [String]
    /// Whether only pictures in the places themselves belong to it, not those in folders below.
    var isFlat = false
  }

  var file: String?
  /// The folder that everything lies in.
  var root: String
  var splits: [Split] = []
  var names: [String] = []
  /// `kpt_shape`: how many key points an object has, and the numbers of each (2 or 3).
  var keyPoints: YOLOKeyPoints?
  /// What was guessed or passed over.
  var problems: [DataProblem] = []
  /// Whether `path` names a folder that is not here.
  private var isElsewhere = false

  mutating func guess(_ node: Node? = nil, _ message: String) {
    problems.append(
      DataProblem(
        .warning, file: file ?? root, line: node.flatMap(line), message, isGuess: true))
  }

  // MARK: Folders alone

  /// A folder without a YAML: `images/train`, `images/val`, ...; `train/images`, `val/images`, ...;
  /// or `images` alone.
  init(implied folder: String) {
    root = folder
    var finder = LabelFolder(folder)
    var found: [(name: String, place: String)] = []
    let images = folder + "/images"
    if FileBytes.isFolder(images) {
      let inside = finder.folders(in: images)
      found += inside.map { ($0, images + "/" + $0) }
      if inside.isEmpty || LabelFolder.names(images).contains(where: PathName.isPicture) {
        // What lies in `images` itself belongs to no split.
        splits.append(Split(name: nil, places: [images], isFlat: !inside.isEmpty))
      }
    }
    for name in finder.folders(in: folder)
    where name != "images" && FileBytes.isFolder(folder + "/" + name + "/images") {
      found.append((name, folder + "/" + name + "/images"))
    }
    for ((_, split), (_, place)) in zip(finder.splits(found.map(\.name), in: folder), found) {
      add(split, [place])
    }
    problems = finder.problems
    sort()
  }

  mutating func add(_ name: String, _ places: [String]) {
    if let known = splits.firstIndex(where: { $0.name == name }) {
      splits[known].places += places
    } else {
      splits.append(Split(name: name, places: places))
    }
  }

  /// train, val, test; then others as they came.
  mutating func sort() {
    let usual = ["train", "val", "test"]
    splits =
      usual.compactMap { name in splits.first { $0.name == name } }
      + splits.filter { !usual.contains($0.name ?? "") }
  }

  // MARK: YAML

  /// Keys that never name a split, whatever their values look like.
  static let options: Set<String> = [
    "path", "nc", "names", "download", "kpt_shape", "kpt_names", "flip_idx", "channels", "colors",
    "url", "license", "author", "description", "version", "date", "docs", "task", "roboflow",
    "yaml_file", "weights", "model", "project", "stride", "skeleton",
  ]

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
    if let given = map["path"]?.string, !given.isEmpty, !isNull(map["path"]) {
      let name = LabelFolder.separated(given, in: base)
      let place = name.hasPrefix("/") ? name : base + "/" + name
      // Published files name a folder that is not here: then the YAML's own holds the data.
      if FileBytes.isFolder(place) {
        root = PathName.normalized(place)
      } else {
        isElsewhere = true
        guess(
          map["path"],
          "path is \(ByteText.shown(given)), which is no folder here; the YAML's own is taken")
      }
    }
    try readSplits(map)
    try readNames(map)
    try readKeyPoints(map)
  }

  /// Null, or nothing at all behind the colon.
  private func isNull(_ node: Node?) -> Bool {
    guard case .scalar(let scalar)? = node else { return node == nil }
    return scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
  }

  private func line(_ node: Node) -> Int? { node.mark.map { $0.line } }

  private mutating func readSplits(_ map: Node.Mapping) throws {
    var found: [(name: String, places: [String])] = []
    for (key, value) in map {
      guard let name = key.scalar?.string, !Self.options.contains(name), !isNull(value) else {
        continue
      }
      if SplitName.known(name) != nil {
        let places = try entries(value, name).map { try place($0, name) }
        problems += places.compactMap(\.guess)
        found.append((name, places.map(\.path)))
      } else if let entries = try? entries(value, name), !entries.isEmpty,
        let places = try? entries.map({ try place($0, name) }),
        places.map(\.path).allSatisfy(holdsPictures)
      {
        // Other splits (fold1, minival) are told from settings by what is on the disk.
        problems += places.compactMap(\.guess)
        found.append((name, places.map(\.path)))
      }
    }
    guard !found.isEmpty else { throw LabelFolder.failure(file!, "names no train, val or test") }
    var finder = LabelFolder(root)
    for ((_, split), (_, places)) in zip(finder.splits(found.map(\.name), in: file!), found) {
      add(split, places)
    }
    problems += finder.problems
    sort()
  }

  private func entries(_ value: Node, _ key: String) throws -> [Node] {
    switch value {
    case .scalar(let scalar): return scalar.string.isEmpty ? [] : [value]
    case .sequence(let sequence): return Array(sequence)
    default:
      throw LabelFolder.failure(file!, line: line(value), "\(key) is no path or list of paths")
    }
  }

  /// Whether a place is a folder with a picture in it or in one of its folders, or a list that
  /// begins with one.
  private func holdsPictures(_ place: String) -> Bool {
    if FileBytes.isFolder(place) {
      let names = LabelFolder.names(place)
      return names.contains(where: PathName.isPicture)
        || names.prefix(64).contains {
          LabelFolder.names(place + "/" + $0).contains(where: PathName.isPicture)
        }
    }
    guard PathName.ends(place, with: "txt") else { return false }
    var folder = LabelFolder(root)
    return folder.lines(place)?.first.map { PathName.isPicture($0.text) } ?? false
  }

  /// Where a folder, list or picture lies that the YAML names, and what was guessed for it.
  private func place(
    _ node: Node, _ key: String
  ) throws -> (path: String, guess: DataProblem?) {
    guard let text = node.scalar?.string, !text.isEmpty else {
      throw LabelFolder.failure(file!, line: line(node), "\(key) is no path")
    }
    let trimmed = PathName.trimmed(LabelFolder.separated(text, in: root))
    if let inside = LabelFolder.inside(root, trimmed), FileBytes.exists(inside) {
      return (inside, nil)
    }
    // Exported files say ../train/images for what lies beside them; Ultralytics takes the dots off,
    // too.
    if trimmed.hasPrefix("../") {
      let short = PathName.normalized(trimmed).split(separator: "/").drop { $0 == ".." }
      if let inside = PathName.inside(root, short.joined(separator: "/")), FileBytes.exists(inside)
      {
        return (inside, nil)
      }
    }
    // Written on another machine: what follows the folder of the set is the same here.
    let isAbsolute = Self.isAbsolute(trimmed)
    if isAbsolute ? !FileBytes.exists(trimmed) : isElsewhere,
      let found = Self.find(trimmed, root)
    {
      let message =
        "\(key) is \(ByteText.shown(text)), which is not there; \(ByteText.shown(found)) is taken"
      return (
        found,
        DataProblem(.warning, file: file ?? root, line: line(node), message, isGuess: true)
      )
    }
    guard let inside = LabelFolder.inside(root, trimmed) else {
      throw LabelFolder.failure(
        file!, line: line(node), "\(key): \(ByteText.shown(text)) leads out of the folder \(root)")
    }
    return (inside, nil)
  }

  /// Whether a path begins at a root, of Windows, too (`C:/`).
  static func isAbsolute(_ path: String) -> Bool {
    let start = Array(path.utf8.prefix(3))
    return start.first == UInt8(ascii: "/")
      || start.count == 3 && start[1...] == [UInt8(ascii: ":"), UInt8(ascii: "/")]
  }

  private mutating func readNames(_ map: Node.Mapping) throws {
    let count = map["nc"]?.int
    switch map["names"] {
    case let node where node == nil || isNull(node):
      if let count, (1...100_000).contains(count) {
        names = (0..<count).map { "class \($0)" }
        guess(
          map["nc"],
          "has no names; the \(count) classes are called class 0 ... class \(count - 1)")
      }
    case .sequence(let list)?:
      names = try list.enumerated().map { id, node in
        guard let name = node.scalar?.string, !name.isEmpty, !isNull(node) else {
          throw LabelFolder.failure(file!, line: line(node), "names: class \(id) has no name")
        }
        return name
      }
      tellTwins(list.map(line))
    case .mapping(let table)?:
      var byID: [Int: String] = [:]
      var lines: [Int: Int] = [:]
      for (key, value) in table {
        guard let id = key.int, (0..<100_000).contains(id), let name = value.scalar?.string else {
          throw LabelFolder.failure(
            file!, line: line(key), "names: expected number: name, numbers from 0")
        }
        guard !isNull(value) else {
          throw LabelFolder.failure(file!, line: line(key), "names: class \(id) has no name")
        }
        guard byID.updateValue(name, forKey: id) == nil else {
          throw LabelFolder.failure(file!, line: line(key), "names gives \(id) twice")
        }
        lines[id] = line(key)
      }
      guard Set(byID.keys) == Set(0..<byID.count) else {
        throw LabelFolder.failure(
          file!, line: line(map["names"]!),
          "names must number the classes 0 to \(byID.count - 1) without gaps")
      }
      names = (0..<byID.count).map { byID[$0]! }
      tellTwins(names.indices.map { lines[$0] })
    default:
      throw LabelFolder.failure(file!, line: line(map["names"]!), "names is no list or map")
    }
    if let count, !names.isEmpty, count != names.count {
      throw LabelFolder.failure(
        file!, line: line(map["nc"]!), "nc is \(count), but there are \(names.count) names")
    }
  }

  /// Two classes of one name can't be told apart.
  ///
  /// - Parameter lines: where each name stands.
  private mutating func tellTwins(_ lines: [Int?]) {
    var seen: [String: Int] = [:]
    for (id, name) in names.enumerated() {
      guard let first = seen[name] else {
        seen[name] = id
        continue
      }
      let place = lines[first].map { " (line \($0))" } ?? ""
      problems.append(
        DataProblem(
          .error, file: file ?? root, line: lines[id],
          "names calls the classes \(first)\(place) and \(id) both \(ByteText.shown(name))"))
    }
  }

  private mutating func readKeyPoints(_ map: Node.Mapping) throws {
    guard let node = map["kpt_shape"], !isNull(node) else { return }
    guard case .sequence(let list) = node, list.count == 2, let count = list[0].int,
      let numbers = list[1].int, (1...1000).contains(count), [2, 3].contains(numbers)
    else {
      throw LabelFolder.failure(
        file!, line: line(node), "kpt_shape: expected [number of key points, 2 or 3]")
    }
    keyPoints = YOLOKeyPoints(count: count, numbers: numbers)
  }
}
