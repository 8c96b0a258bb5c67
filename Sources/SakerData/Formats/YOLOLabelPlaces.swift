import Foundation

/// Where the label files of pictures lie: by the rule of YOLO's tools, or, for a folder of pictures
/// without any, elsewhere near.
struct YOLOLabelPlaces {
  let root: String
  /// Bytes before the part of a path that the rule is about.
  private let prefix: Int
  /// The folder of labels that was taken for a folder of pictures, where it is not the rule's.
  private var taken: [String: String] = [:]
  /// Where labels were searched, if no picture of the set has any.
  private(set) var searched: [String] = []

  init(root: String) {
    self.root = root
    prefix = root == "." ? 0 : root == "/" ? 1 : root.utf8.count + 1
  }

  // MARK: The rule

  /// The last folder `images` of a path inside the root becomes `labels`, and the extension `.txt`
  /// (Ultralytics' `img2label_paths`). What lies above the root decides nothing, so that it doesn't
  /// matter how the root is named.
  func file(_ picture: String) -> String {
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
      let mark: StaticString = "images/"
      var at = end - 7
      while at >= prefix {
        if memcmp(path.baseAddress! + at, mark.utf8Start, 7) == 0,
          at == prefix || path[at - 1] == UInt8(ascii: "/")
        {
          break
        }
        at -= 1
      }
      return String(unsafeUninitializedCapacity: end + 4) { name in
        var count = 0
        func add(_ part: Range<Int>) {
          for i in part {
            name[count] = path[i]
            count += 1
          }
        }
        func add(_ text: StaticString) {
          for i in 0..<text.utf8CodeUnitCount {
            name[count] = text.utf8Start[i]
            count += 1
          }
        }
        if at >= prefix {
          add(0..<at)
          add("labels/")
          add(at + 7..<end)
        } else {
          add(0..<end)
        }
        add(".txt")
        return count
      }
    }
  }

  // MARK: Elsewhere

  /// Text files by their names without the extension, `.txt` in any case; those that are lists or
  /// names of classes are none.
  static func labels(_ names: [String]) -> [String: String] {
    var found: [String: String] = [:]
    for name in names where PathName.ends(name, with: "txt") {
      if PathName.isListOfClasses(name) { continue }
      let stem = PathName.stem(name)
      if found[stem] == nil || name.hasSuffix(".txt") { found[stem] = name }
    }
    return found
  }

  /// Label files of pictures that have none by the rule: of another case, or, where none of a
  /// folder's pictures has one, in another folder. What was taken, and what was not found at all,
  /// is said.
  mutating func search(
    _ pictures: [LabeledPicture], _ folder: inout LabelFolder
  ) -> [(number: Int, label: String)] {
    var missing: [String: [Int]] = [:]
    var order: [String] = []
    var labelled: Set<String> = []
    for (number, picture) in pictures.enumerated() {
      let place = PathName.folder(picture.path)
      if picture.source.isEmpty {
        if missing[place] == nil { order.append(place) }
        missing[place, default: []].append(number)
      } else {
        labelled.insert(place)
      }
    }
    var found: [(number: Int, label: String)] = []
    var bare: [String] = []
    for place in order {
      let numbers = missing[place]!
      var here = otherCase(numbers, pictures, &folder)
      if here.isEmpty && !labelled.contains(place) {
        here = elsewhere(place, numbers, pictures, &folder)
        if here.isEmpty { bare.append(place) }
      }
      found += here
    }
    tell(of: bare, missing, pictures, &folder)
    return found
  }

  private func otherCase(
    _ numbers: [Int], _ pictures: [LabeledPicture], _ folder: inout LabelFolder
  ) -> [(number: Int, label: String)] {
    guard let first = numbers.first else { return [] }
    let place = PathName.folder(file(pictures[first].path))
    var names: [String: [String]] = [:]
    for name in folder.listing(place) where PathName.ends(name, with: "txt") {
      names[name.lowercased(), default: []].append(name)
    }
    guard !names.isEmpty else { return [] }
    let found = numbers.compactMap { number -> (number: Int, label: String)? in
      let wanted = PathName.last(file(pictures[number].path))
      // Of two files that differ only in case neither is taken.
      guard let others = names[wanted.lowercased()], others.count == 1 else { return nil }
      return (number, place + "/" + others[0])
    }
    if let (number, label) = found.first {
      folder.guess(
        label,
        "is read for \(pictures[number].path), though its name differs in case"
          + (found.count > 1 ? "; so are \(found.count - 1) more of this folder" : ""))
    }
    return found
  }

  private mutating func elsewhere(
    _ place: String, _ numbers: [Int], _ pictures: [LabeledPicture], _ folder: inout LabelFolder
  ) -> [(number: Int, label: String)] {
    var best: (place: String, found: [(number: Int, label: String)]) = ("", [])
    for candidate in candidates(place, &folder) {
      let labels = Self.labels(Array(folder.listing(candidate)))
      guard !labels.isEmpty else { continue }
      let found = numbers.compactMap { number -> (number: Int, label: String)? in
        labels[PathName.stem(PathName.last(pictures[number].path))].map {
          (number, candidate + "/" + $0)
        }
      }
      // Captions and other texts lie beside pictures, too.
      if found.count > best.found.count, Self.looksLikeLabels(found.map(\.label)) {
        best = (candidate, found)
      }
    }
    guard let first = best.found.first else { return [] }
    taken[place] = best.place
    folder.guess(
      place,
      "the labels of \(best.found.count) of \(numbers.count) pictures are read from \(best.place); by YOLO's "
        + "rule they would be in \(PathName.folder(file(pictures[first.number].path)))")
    return best.found
  }

  /// Folders in which labels of the pictures in `place` could be, the nearest first.
  private func candidates(_ place: String, _ folder: inout LabelFolder) -> [String] {
    var found = [place]
    let parts =
      place.utf8.count > prefix
      ? String(place.utf8.dropFirst(prefix))!.split(separator: "/").map(String.init) : []
    func join(_ base: String, _ rest: [String].SubSequence) -> String {
      ([base] + rest).joined(separator: "/")
    }
    for depth in stride(from: parts.count, through: 0, by: -1) {
      let above =
        depth == 0
        ? root
        : root == "." ? parts[..<depth].joined(separator: "/") : join(root, parts[..<depth])
      for name in folder.listing(above).sorted()
      where Self.isOfLabels(name) && FileBytes.isFolder(above + "/" + name) {
        let base = above == "." ? name : above + "/" + name
        found.append(join(base, parts[depth...]))
        if depth < parts.count { found.append(join(base, parts[(depth + 1)...])) }
      }
    }
    // The rule for the whole path, as Ultralytics has it: `images` may stand above the root.
    if let real = FileBytes.realPath(place),
      let mark = (real + "/").range(of: "/images/", options: .backwards)
    {
      let other = (real + "/").replacingCharacters(in: mark, with: "/labels/")
      found.append(PathName.trimmed(other))
    }
    return found
  }

  static func isOfLabels(_ name: String) -> Bool {
    let name = name.lowercased()
    return name.contains("label") || name.hasPrefix("ann") || name == "txt"
  }

  /// Whether the first files that hold anything begin with a class and four numbers or more; empty
  /// files are labels of backgrounds.
  static func looksLikeLabels(_ files: [String]) -> Bool {
    var reader = FileReader()
    for file in files.prefix(20) {
      let isLabel = try? reader.withBytes(of: file) { bytes -> Bool? in
        var isLabel: Bool?
        ByteText.forEachLine(UnsafeBufferPointer(rebasing: bytes.prefix(1 << 16))) { _, text in
          guard isLabel == nil, !text.isEmpty else { return }
          var (count, isNumber) = (0, true)
          ByteText.forEachWord(text) { word in
            count += 1
            isNumber = isNumber && ByteText.double(word) != nil
          }
          isLabel = isNumber && count >= 5
        }
        return isLabel
      }
      if let isLabel = isLabel ?? nil { return isLabel }
    }
    return true
  }

  // MARK: What is missing

  /// Says which splits have no labels at all; of a whole set, `LabelSet.lackOfLabels` does.
  private mutating func tell(
    of bare: [String], _ missing: [String: [Int]], _ pictures: [LabeledPicture],
    _ folder: inout LabelFolder
  ) {
    func searched(_ places: [String]) -> [String] {
      let rules = places.map { PathName.folder(file(pictures[missing[$0]![0]].path)) }
      let all = (rules + places).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
      return all.prefix(3) + ["folders near them called labels, annotations or txt"]
    }
    if bare.reduce(0, { $0 + missing[$1]!.count }) == pictures.count {
      self.searched = searched(bare)
      return
    }
    // Some pictures are backgrounds; of a whole split that is worth a line.
    var labelled: Set<String?> = []
    for picture in pictures where !picture.source.isEmpty { labelled.insert(picture.split) }
    let places = Dictionary(grouping: bare) { pictures[missing[$0]![0]].split }
    for (split, places) in places.sorted(by: { ($0.key ?? "") < ($1.key ?? "") })
    where !labelled.contains(split) {
      let count = places.reduce(0) { $0 + missing[$1]!.count }
      folder.warn(
        places[0],
        "no label file for any of \(count) pictures\(split.map { " of the split \($0)" } ?? ""), "
          + "which are taken for backgrounds; searched in "
          + searched(places).joined(separator: ", "))
    }
  }

  /// Label files without a picture.
  func tellOfStrays(_ pictures: [LabeledPicture], _ folder: inout LabelFolder) {
    var stems: [String: Set<String>] = [:]
    var homes: [String: Set<String>] = [:]
    for picture in pictures {
      let place = PathName.folder(picture.path)
      let labels =
        picture.source.isEmpty
        ? taken[place] ?? PathName.folder(file(picture.path)) : PathName.folder(picture.source)
      stems[labels, default: []].insert(PathName.stem(PathName.last(picture.path)).lowercased())
      homes[labels, default: []].insert(place)
    }
    var onDisk: [String: Set<String>] = [:]
    for (place, known) in stems.sorted(by: { $0.key < $1.key }) {
      for name in LabelFolder.names(place) where PathName.ends(name, with: "txt") {
        let stem = PathName.stem(name)
        guard !known.contains(stem.lowercased()), !Self.isNoLabel(name) else { continue }
        // A picture of that name may be there and belong to no split, or be of a kind that is not
        // read.
        let isThere = homes[place]!.contains { home in
          if onDisk[home] == nil {
            onDisk[home] = Set(
              LabelFolder.names(home)
                .filter { PathName.isPicture($0) || PathName.isUnreadPicture($0) }
                .map(PathName.stem))
          }
          return onDisk[home]!.contains(stem)
        }
        if !isThere {
          folder.warn(
            place + "/" + name,
            "has no picture \(ByteText.shown(stem)) in \(homes[place]!.sorted().joined(separator: ", ")), left out"
          )
        }
      }
    }
  }

  /// Lists and notes that lie beside labels.
  private static func isNoLabel(_ name: String) -> Bool {
    let name = name.lowercased()
    return PathName.isListOfClasses(name) || name.hasPrefix("readme")
      || name.hasPrefix("license") || SplitName.known(PathName.stem(name)) != nil
  }
}
