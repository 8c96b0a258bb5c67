/// The lists in `ImageSets/Main`: a picture's name a line. Some divide the set (train, val, test),
/// some unite others (trainval), and some are of one class, with -1, 0 or 1 behind each name.
struct VOCLists {
  /// Of all lists, sorted.
  let names: [String]
  private let layout: VOCLayout

  init(_ layout: VOCLayout) {
    self.layout = layout
    names = layout.lists
  }

  /// Whether a list is of one class: `cat_train` beside `train`.
  private func isOfClass(_ name: String) -> Bool {
    name.lastIndex(of: "_").map { names.contains(String(name[name.index(after: $0)...])) } ?? false
  }

  /// Those that divide the set come first.
  private var ordered: [String] {
    let usual = ["train", "val", "test", "trainval"].flatMap { split in
      names.filter { SplitName.canonical($0) == split }
    }
    return usual + names.filter { !usual.contains($0) && !isOfClass($0) }
  }

  /// The split of each picture that is in one.
  ///
  /// - Parameters:
  ///   - known: the names of all annotations.
  ///   - wanted: one list; all that divide the set if left out.
  ///   - unread: gets the lists that add no picture, with the reason.
  func read(
    _ known: [String], _ wanted: String?, _ folder: inout LabelFolder,
    _ unread: inout [String: String]
  ) throws -> [String: String] {
    let known = Set(known)
    folder.splits(names, in: layout.root + "/ImageSets/Main")
    guard let wanted else {
      var splits: [String: String] = [:]
      for name in ordered { add(name, known, &splits, &folder, &unread) }
      for name in names where isOfClass(name) { unread[name] = "is a list of one class" }
      return splits
    }
    let lists = names.filter { SplitName.canonical($0) == wanted }
    guard !lists.isEmpty else { throw PascalVOC.noSplit(wanted, layout.root, layout.splits) }
    var splits: [String: String] = [:]
    for name in lists { add(name, known, &splits, &folder, &unread) }
    return splits
  }

  private func add(
    _ list: String, _ known: Set<String>, _ splits: inout [String: String],
    _ folder: inout LabelFolder, _ unread: inout [String: String]
  ) {
    let (file, split) = (layout.list(list), SplitName.canonical(list))
    guard let rows = folder.lines(file) else { return }
    if rows.isEmpty { folder.report(file, "is empty: the split has no pictures") }
    var first: [String: Int] = [:]
    var (others, count): ([(line: Int, name: String, split: String)], Int) = ([], 0)
    for (line, text) in rows {
      let name = VOCLists.name(text, known)
      if let earlier = first[name] {
        folder.report(
          file, line: line, "names \(ByteText.shown(name)) again (first in line \(earlier))")
        continue
      }
      first[name] = line
      if let other = splits[name], other != split {
        others.append((line, name, other))
      } else if known.contains(name) {
        splits[name] = split
        count += 1
      } else {
        let name = ByteText.shown(name)
        folder.report(
          file, line: line, "names \(name), but Annotations/\(name).xml does not exist")
      }
    }
    guard let twice = others.first else { return }
    if count == 0 {
      let places = Swift.Set(others.map(\.split)).sorted().joined(separator: ", ")
      unread[split] = "all its pictures are in \(places)"
    }
    // A union of others says nothing new; a list that shares some with another is no division.
    if count > 0 || split == "val" || split == "test" {
      folder.warn(
        file, line: twice.line,
        "names \(others.count) picture\(others.count == 1 ? "" : "s") of other splits, which stay "
          + "there: \(ByteText.shown(twice.name)) is in \(twice.split)")
    }
  }

  /// Lists of one class add -1, 0 or 1 to each name.
  private static func name(_ text: String, _ known: Set<String>) -> String {
    guard !known.contains(text), let space = text.lastIndex(where: { $0 == " " || $0 == "\t" }),
      ["-1", "0", "1"].contains(text[space...].dropFirst())
    else { return text }
    var name = String(text[..<space])
    while name.last?.isWhitespace == true { name.removeLast() }
    return name
  }
}
