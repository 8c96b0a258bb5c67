import Foundation
import Synchronization

/// YOLO's text labels, with a data YAML, in Darknet's folders, in folders `images` and `labels`, or
/// beside the pictures.
enum YOLOFormat {
  /// A picture of the set, and its label file if it is not told by the rule.
  struct Entry {
    var picture: String
    var label: String?
    var split: String?
  }

  // MARK: With a data YAML

  /// - Parameter path: the data YAML or Darknet's `obj.data`, a folder that holds one, or a folder
  ///   with `images` and `labels`.
  static func read(_ path: String, _ reading: LabelReading) throws -> LabelSet {
    var data = try dataFile(path)
    var folder = LabelFolder(data.root)
    folder.add(data.problems)
    if let classes = reading.classes { data.names = classes }
    if data.names.isEmpty {
      let places = [data.root, data.root + "/labels", data.root + "/annotations"]
      for place in places where data.names.isEmpty {
        data.names = classes(in: place, &folder) ?? []
      }
    }
    var unread: [String: String] = [:]
    let entries = entries(data, reading, &folder, &unread)
    var set = finish(entries, data.names, data.keyPoints, folder)
    set.unreadSplits = unread
    return set
  }

  static func dataFile(_ path: String) throws -> YOLODataFile {
    if !FileBytes.isFolder(path), PathName.ends(path, with: "data") {
      return try YOLODataFile(darknet: path)
    }
    if let yaml = try yamlFile(path) { return try YOLODataFile(yaml) }
    try LabelFolder.require(path)
    if let file = YOLODataFile.darknetFile(path) { return try YOLODataFile(darknet: file) }
    if let inner = innerSet(path) {
      var data = try dataFile(inner)
      data.problems.insert(
        DataProblem(
          .warning, file: path,
          "holds a set in its folder \(PathName.last(inner)); that is read", isGuess: true), at: 0)
      return data
    }
    let data = YOLODataFile(implied: path)
    guard !data.splits.isEmpty else {
      throw LabelFolder.failure(path, "holds neither a data YAML nor folders images and labels")
    }
    return data
  }

  /// The only folder of a folder that holds a set, where the folder itself holds none: a data YAML
  /// with its pictures, or `images` and `labels` inside a folder that is called `images`.
  static func innerSet(_ path: String) -> String? {
    let names = Set(LabelFolder.names(path))
    let inner = ClassFolders.folders(path).filter { name in
      let place = path + "/" + name
      let inside = LabelFolder.names(place)
      if name.lowercased() == "images", inside.contains("images"), inside.contains("labels") {
        return true
      }
      guard !names.isSuperset(of: ["images", "labels"]),
        inside.contains(where: { ["yaml", "yml"].contains(PathName.ending($0)) }),
        let file = try? yamlFile(place), let data = try? YOLODataFile(file)
      else { return false }
      return data.splits.contains { $0.places.contains(where: FileBytes.exists) }
    }
    return inner.count == 1 ? path + "/" + inner[0] : nil
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
    guard names.count > 1 else { return names.first.map { path + "/" + $0 } }
    let sets = names.filter { (try? YOLODataFile(path + "/" + $0)) != nil }
    guard sets.count == 1 else {
      throw LabelFolder.failure(
        path, "holds several YAML files; name one: \(names.joined(separator: ", "))")
    }
    return path + "/" + sets[0]
  }

  /// Files that name the classes, a line each: of labelImg, of Darknet, of Roboflow.
  static let classFiles = [
    "classes.txt", "predefined_classes.txt", "obj.names", "_darknet.labels", "classes.names",
  ]

  static func classes(in place: String, _ folder: inout LabelFolder) -> [String]? {
    guard let file = classFiles.map({ place + "/" + $0 }).first(where: FileBytes.exists) else {
      return nil
    }
    return folder.classes(file)
  }

  /// The pictures of the splits asked for, each once.
  private static func entries(
    _ data: YOLODataFile, _ reading: LabelReading, _ folder: inout LabelFolder,
    _ unread: inout [String: String]
  ) -> [Entry] {
    let file = data.file ?? data.root
    var splits = data.splits
    if reading.split == nil, splits.count > 1, Set(splits.map(\.places)).count == 1 {
      // Small sets are validated on what they learn from: two splits, the same pictures.
      let names = splits.compactMap(\.name).joined(separator: ", ")
      folder.warn(file, "\(names) are the same pictures; they are read once, in no split")
      splits = [YOLODataFile.Split(name: nil, places: splits[0].places)]
    }
    splits = splits.filter { (reading.split ?? $0.name ?? "") == ($0.name ?? "") }
    // A folder names nothing twice.
    let mayRepeat =
      splits.reduce(0) { $0 + $1.places.count } > 1
      || splits.contains { !$0.places.allSatisfy(FileBytes.isFolder) }
    var entries: [Entry] = []
    var (seen, owners): ([String: String], [String: String]) = ([:], [:])
    var listed: Set<String> = []
    for split in splits {
      for place in split.places {
        if let owner = owners.updateValue(split.name ?? "", forKey: place) {
          owners[place] = owner
          if let name = split.name, split.places.count == 1 {
            unread[name] = "its pictures are those of \(owner)"
          }
          folder.warn(
            file,
            "names \(place) twice, for \(owner) and \(split.name ?? ""); it is read once, for \(owner)"
          )
          continue
        }
        for (picture, source, line) in pictures(place, split, data, &folder) {
          if mayRepeat {
            if let other = seen[picture] {
              folder.report(
                source, line: line > 0 ? line : nil, "\(picture) is in \(other) already")
              continue
            }
            seen[picture] = split.name ?? place
          }
          if line > 0 { listed.insert(PathName.folder(picture)) }
          entries.append(Entry(picture: picture, split: split.name))
        }
      }
    }
    if reading.split == nil {
      if data.file != nil { unread.merge(unnamedSplits(data)) { first, _ in first } }
      for place in listed.sorted() {
        let left = LabelFolder.names(place).filter {
          PathName.isPicture($0) && seen[place == "." ? $0 : place + "/" + $0] == nil
        }
        if let first = left.first {
          folder.warn(
            place,
            left.count == 1
              ? "holds \(first), which is in no list; left out"
              : "holds \(left.count) pictures that are in no list (\(first), ...); left out")
        }
      }
    }
    return entries
  }

  /// Folders with pictures beside those of the splits, where a split's folder is called after it
  /// (`images/train`, `train/images`), with the reason why they are not read.
  private static func unnamedSplits(_ data: YOLODataFile) -> [String: String] {
    let known = Set(data.splits.compactMap(\.name))
    let places = data.splits.flatMap(\.places)
    let taken = Set(places.map(PathName.normalized))
    var found: [String: String] = [:]
    for split in data.splits {
      for place in split.places where FileBytes.isFolder(place) {
        let (own, above) = (PathName.last(place), PathName.folder(place))
        func isNamed(_ folder: String) -> Bool {
          SplitName.canonical(PathName.last(folder)) == split.name
        }
        let (home, end): (String, String)
        if isNamed(own) {
          (home, end) = (above, "")
        } else if isNamed(above) {
          (home, end) = (PathName.folder(above), "/" + own)
        } else {
          continue
        }
        guard LabelFolder.inside(data.root, home) != nil else { continue }
        for name in ClassFolders.folders(home) where !YOLOLabelPlaces.isOfLabels(name) {
          let other = PathName.normalized(home + "/" + name + end)
          let isRead = taken.contains {
            $0 == other || $0.hasPrefix(other + "/") || other.hasPrefix($0 + "/")
          }
          guard !isRead, LabelFolder.names(other).contains(where: PathName.isPicture) else {
            continue
          }
          let split = SplitName.canonical(name)
          found[known.contains(split) ? name : split] =
            "its pictures in \(other) are named by no split of \(PathName.last(data.file!))"
        }
      }
    }
    return found.filter { !known.contains($0.key) }
  }

  /// Pictures of one entry of the YAML: a folder (with all below it), a list, or a picture.
  private static func pictures(
    _ place: String, _ split: YOLODataFile.Split, _ data: YOLODataFile, _ folder: inout LabelFolder
  ) -> [(picture: String, source: String, line: Int)] {
    guard FileBytes.exists(place) else {
      folder.report(data.file ?? data.root, "names \(place), which does not exist")
      return []
    }
    if FileBytes.isFolder(place) {
      let found = folder.content(of: place, isFlat: split.isFlat).pictures
      if found.isEmpty { folder.report(place, "holds no pictures (\(Picture.endingsInWords))") }
      return found.map { ($0, place, 0) }
    }
    if PathName.isPicture(place) { return [(place, place, 0)] }
    var found: [(picture: String, source: String, line: Int)] = []
    let base = PathName.folder(place)
    let isDarknet = data.file.map { PathName.ends($0, with: "data") } ?? false
    var moved: [(line: Int, name: String, place: String)] = []
    for (line, text) in folder.lines(place) ?? [] {
      let name = LabelFolder.separated(text, in: data.root)
      // `./` stands for the list's folder, as Ultralytics has it; other names, for the set's.
      let candidates =
        name.hasPrefix("/")
        ? [name]
        : name.hasPrefix("./")
          ? [base + "/" + name.dropFirst(2)] : [data.root + "/" + name, base + "/" + name]
      let inside = candidates.compactMap { Self.inside(data.root, $0) }
      var known = inside.first(where: FileBytes.exists)
      if known == nil, isDarknet || YOLODataFile.isAbsolute(name) && !FileBytes.exists(name),
        let other = YOLODataFile.find(name, data.root)
      {
        known = other
        if !isDarknet { moved.append((line, name, other)) }
      }
      guard let picture = known ?? inside.first else {
        folder.report(
          place, line: line, "\(ByteText.shown(text)) leads out of the folder \(data.root)")
        continue
      }
      found.append((picture, place, line))
    }
    if let first = moved.first {
      folder.guess(
        place, line: first.line,
        "names \(ByteText.shown(first.name)), which is not there; \(ByteText.shown(first.place)) is taken"
          + (moved.count > 1 ? "; so for \(moved.count - 1) more" : ""))
    }
    if found.isEmpty { folder.report(place, "is a list without pictures") }
    return found
  }

  /// A path relative to the working folder or absolute, if it lies in the root: then it begins with
  /// it.
  private static func inside(_ root: String, _ path: String) -> String? {
    if path.hasPrefix("/") && !root.hasPrefix("/") { return LabelFolder.inside(root, path) }
    let (path, whole) = (PathName.normalized(path), PathName.normalized(root))
    if whole == "." { return path.hasPrefix("..") || path.hasPrefix("/") ? nil : path }
    if path.hasPrefix(whole == "/" ? "/" : whole + "/") { return path }
    return LabelFolder.inside(root, path)
  }

  // MARK: Beside pictures, as labelImg writes them

  static func readFlat(_ path: String, _ reading: LabelReading) throws -> LabelSet {
    try LabelFolder.require(path)
    var folder = LabelFolder(path)
    var entries: [Entry] = []
    var names = reading.classes ?? []
    let subfolders = folder.folders(in: path)
    let inside = subfolders.filter { name in
      // CVAT's `obj_train_data`, of train.
      LabelFolder.names(path + "/" + name).contains(where: PathName.isPicture)
    }
    let splits = folder.splits(inside.map(part), in: path).map(\.split)
    let parts: [(String?, String?)] = [(nil, nil)] + zip(inside, splits).map { ($0, $1) }
    for (name, split) in parts {
      if let wanted = reading.split, wanted != split { continue }
      let place = name.map { path + "/" + $0 } ?? path
      entries += beside(place, split, &folder)
      if reading.classes == nil, let listed = classes(in: place, &folder) {
        if names.isEmpty {
          names = listed
        } else if names != listed {
          folder.report(place, "names other classes, or another order, than the folders before")
        }
      }
    }
    if entries.isEmpty {
      if let split = reading.split {
        throw LabelFolder.failure(path, "has no split \(ByteText.shown(split)) of labels")
      }
      throw LabelFolder.failure(path, "holds no pictures with labels (.txt) beside them")
    }
    return finish(entries, names, nil, folder)
  }

  private static func part(_ name: String) -> String {
    name.hasPrefix("obj_") && name.hasSuffix("_data") && name.utf8.count > 9
      ? String(name.dropFirst(4).dropLast(5)) : name
  }

  /// The pictures of a folder that have labels beside them; others are left out, with a warning.
  private static func beside(
    _ place: String, _ split: String?, _ folder: inout LabelFolder
  ) -> [Entry] {
    let names = LabelFolder.names(place)
    let labels = YOLOLabelPlaces.labels(names)
    var entries: [Entry] = []
    for name in names {
      if PathName.isPicture(name) {
        if let label = labels[PathName.stem(name)] {
          entries.append(
            Entry(picture: place + "/" + name, label: place + "/" + label, split: split))
        } else {
          folder.warn(place + "/" + name, "has no annotation file, left out")
        }
      } else if PathName.isUnreadPicture(name) {
        folder.warn(
          place + "/" + name,
          "is a picture of a kind that is not read (read: \(Picture.endingsInWords)), left out")
      }
    }
    return entries
  }

  // MARK: Labels

  private static func finish(
    _ entries: [Entry], _ names: [String], _ shape: YOLOKeyPoints?, _ folder: LabelFolder
  ) -> LabelSet {
    var folder = folder
    let root = folder.root
    var places = YOLOLabelPlaces(root: root)
    var set = LabelSet()
    var problems: [(number: Int, found: [DataProblem])] = []
    var hasLongRows = false
    /// Reads the label files of the pictures with these numbers.
    func read(_ numbers: [Int], _ file: @Sendable (Int) -> String) {
      let found = Mutex<(problems: [(number: Int, found: [DataProblem])], long: Bool)>(([], false))
      let parsed = Concurrently.read(numbers.count) { at, reader -> [LabeledObject]? in
        guard let labels = YOLOLabels.parse(file: file(at), &reader) else { return nil }
        if !labels.problems.isEmpty || labels.hasLongRows {
          found.withLock {
            if !labels.problems.isEmpty { $0.problems.append((numbers[at], labels.problems)) }
            $0.long = $0.long || labels.hasLongRows
          }
        }
        return labels.objects
      }
      for (at, objects) in parsed.enumerated() {
        guard let objects else { continue }
        set.pictures[numbers[at]].objects = objects
        set.pictures[numbers[at]].source = file(at)
      }
      found.withLock {
        problems += $0.problems
        hasLongRows = hasLongRows || $0.long
      }
    }
    let prefix = PathName.normalized(root) + "/"
    set.pictures = entries.map { entry in
      let whole = PathName.normalized(entry.picture)
      return LabeledPicture(
        file: whole.hasPrefix(prefix) ? String(whole.dropFirst(prefix.count)) : whole,
        path: entry.picture, split: entry.split)
    }
    let rule = places
    read(Array(entries.indices)) { entries[$0].label ?? rule.file(entries[$0].picture) }
    let moved = places.search(set.pictures, &folder)
    set.searched = places.searched
    if !moved.isEmpty { read(moved.map(\.number)) { moved[$0].label } }
    places.tellOfStrays(set.pictures, &folder)
    for (_, found) in problems.sorted(by: { $0.number < $1.number }) { folder.add(found) }
    if hasLongRows || shape != nil {
      folder.add(YOLOLabels.decide(&set.pictures, shape, root: root))
    }
    set.classes = classes(names, set.pictures, &folder)
    set.problems = folder.problems
    return set
  }

  /// The classes by their names; without names, as many as labels ask for, within reason.
  private static func classes(
    _ names: [String], _ pictures: [LabeledPicture], _ folder: inout LabelFolder
  ) -> [LabelClass] {
    guard names.isEmpty else { return names.map { LabelClass($0) } }
    var most = -1
    for picture in pictures {
      for object in picture.objects { most = max(most, object.label) }
    }
    guard most >= 0 else { return [] }
    folder.guess(
      folder.root, "has no names of classes; they are called class 0 ... class \(most)")
    return (0...min(most, 9999)).map { LabelClass("class \($0)") }
  }
}
