import Foundation

extension YOLODataFile {
  /// Darknet's file of a folder: `obj.data`, or another `*.data` that has `names` or `train`.
  static func darknetFile(_ folder: String) -> String? {
    LabelFolder.names(folder).filter { PathName.ends($0, with: "data") }.map { folder + "/" + $0 }
      .first(where: isDarknet)
  }

  static func isDarknet(_ file: String) -> Bool {
    guard !FileBytes.isFolder(file) else { return false }
    return !Set(settings(file).keys).isDisjoint(with: ["names", "train", "valid"])
  }

  private static func settings(_ file: String) -> [String: String] {
    var folder = LabelFolder(PathName.folder(file))
    var found: [String: String] = [:]
    for (_, text) in folder.lines(file)?.prefix(100) ?? [] {
      let parts = text.split(separator: "=", maxSplits: 1).map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      if parts.count == 2 { found[parts[0].lowercased()] = parts[1] }
    }
    return found
  }

  /// `obj.data` as Darknet and CVAT write it: `train = data/train.txt`, `valid = ...`, `names =
  /// data/obj.names`. CVAT's paths begin with a folder that its archives don't have.
  init(darknet file: String) throws {
    self.init(file: file, root: PathName.folder(file))
    var folder = LabelFolder(root)
    let settings = Self.settings(file)
    var lists: [(name: String, place: String)] = []
    for (key, value) in settings.sorted(by: { $0.key < $1.key })
    where !["classes", "names", "backup", "eval", "results", "top"].contains(key) {
      if let place = Self.find(value, root) {
        lists.append((key, place))
      } else if SplitName.known(key) != nil {
        folder.warn(file, "names \(ByteText.shown(value)), which does not exist")
      }
    }
    if lists.isEmpty {
      for name in folder.folders(in: root) where name.hasPrefix("obj_") && name.hasSuffix("_data") {
        lists.append((String(name.dropFirst(4).dropLast(5)), root + "/" + name))
      }
    }
    for ((_, split), (_, place)) in zip(folder.splits(lists.map(\.name), in: file), lists) {
      add(split, [place])
    }
    sort()
    guard !splits.isEmpty else { throw LabelFolder.failure(file, "names no list of pictures") }
    if let given = settings["names"] {
      if let place = Self.find(given, root) {
        names = folder.classes(place) ?? []
      } else {
        folder.warn(file, "names \(ByteText.shown(given)), which does not exist")
      }
    }
    problems = folder.problems
  }

  /// A path of such a file, with as many of its first folders taken off as needed.
  static func find(_ name: String, _ root: String) -> String? {
    var parts = LabelFolder.separated(name, in: root).split(separator: "/").drop { $0 == "." }
    while !parts.isEmpty {
      if let place = PathName.inside(root, parts.joined(separator: "/")), FileBytes.exists(place) {
        return place
      }
      parts = parts.dropFirst()
    }
    return nil
  }

  private init(file: String, root: String) {
    self.file = file
    self.root = root
  }
}
