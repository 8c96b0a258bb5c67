/// Reads a folder in Pascal VOC's layout, or a flat folder of pictures with labelImg's XML beside them.
///
/// - VOC: `Annotations/*.xml`, `JPEGImages/` (or `images/`), and `ImageSets/Main/SPLIT.txt` with a name a line.
/// - Flat: `*.xml` and pictures side by side; a split is a folder of that name.
struct VOCFolder {
  let folder: String
  let split: String?
  let verification: DetectionDataset.Verification

  private var problems: [DataProblem] = []

  init(_ folder: String, split: String?, verification: DetectionDataset.Verification) {
    self.folder = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
    self.split = split
    self.verification = verification
  }

  /// Names of the splits that a folder offers, sorted.
  static func splits(of folder: String) -> [String] {
    let lists = (try? FileBytes.list(folder + "/ImageSets/Main")) ?? []
    if !lists.isEmpty {
      return lists.filter { $0.hasSuffix(".txt") }.map { String($0.dropLast(4)) }
    }
    let inside = (try? FileBytes.list(folder)) ?? []
    return inside.filter { name in
      let names = (try? FileBytes.list(folder + "/" + name)) ?? []
      return !["Annotations", "JPEGImages"].contains(name) && names.contains(where: isAnnotation)
    }
  }

  // MARK: What belongs to the set

  /// An annotation file and how it came to be in the set.
  private struct Entry {
    var annotation: String
    /// The line of the split's list that names it.
    var list: (file: String, line: Int)?
    var pictures: String
  }

  mutating func read(classes given: [String]?, policy: DetectionDataset.Policy) throws
    -> DetectionDataset
  {
    let entries = listEntries()
    let given = given ?? listedClasses()
    var found: [(item: DetectionDataset.Item, objects: [VOCAnnotation.Object])] = []
    var owners: [String: String] = [:]
    var (skipped, dropped) = (problems.filter { $0.severity == .error }.count, 0)
    var names: [String: Set<String>] = [:]
    for entry in entries {
      let before = problems.count
      if let (item, annotation) = read(entry, given.map(Set.init), &owners, &names) {
        found.append((item, annotation.objects))
        dropped += annotation.droppedBoxes
      }
      if problems[before...].contains(where: { $0.severity == .error }) { skipped += 1 }
    }
    if policy == .strict && problems.contains(where: { $0.severity == .error }) {
      throw DatasetError.problems(problems)
    }
    guard !found.isEmpty else {
      if !problems.contains(where: { $0.severity == .error }) {
        problems.append(DataProblem(.error, file: folder, "holds no annotated pictures"))
      }
      throw DatasetError.problems(problems)
    }
    let classes = given ?? Set(found.flatMap { $0.objects.map(\.name) }).sorted()
    let labels = Dictionary(uniqueKeysWithValues: zip(classes, classes.indices))
    let items = found.map { entry in
      var item = entry.item
      item.annotations = entry.objects.map {
        Annotation(box: $0.box, label: labels[$0.name]!, difficult: $0.difficult)
      }
      return item
    }
    return DetectionDataset(
      classes: classes, items: items, problems: problems, skipped: skipped, droppedBoxes: dropped)
  }

  private static func isAnnotation(_ name: String) -> Bool { name.lowercased().hasSuffix(".xml") }

  private static func isPicture(_ name: String) -> Bool {
    let name = name.lowercased()
    return name.hasSuffix(".jpg") || name.hasSuffix(".jpeg") || name.hasSuffix(".png")
  }

  private static func stem(_ name: String) -> String {
    name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
  }

  private mutating func listEntries() -> [Entry] {
    guard let top = list(folder) else { return [] }
    let annotations = folder + "/Annotations"
    guard FileBytes.isFolder(annotations) else { return listFlat(top) }
    guard let files = list(annotations) else { return [] }
    let pictures =
      ["JPEGImages", "images", "Images"].first { FileBytes.isFolder(folder + "/" + $0) }
      .map { folder + "/" + $0 }
    guard let pictures else {
      report(folder, "has no folder JPEGImages")
      return []
    }
    guard list(pictures) != nil else { return [] }
    guard let split else {
      return files.filter(Self.isAnnotation).map {
        Entry(annotation: annotations + "/" + $0, pictures: pictures)
      }
    }
    return listSplit(split, annotations, Set(files), pictures)
  }

  private mutating func listSplit(
    _ split: String, _ annotations: String, _ files: Set<String>, _ pictures: String
  ) -> [Entry] {
    let file = "\(folder)/ImageSets/Main/\(split).txt"
    guard !split.contains("/"), FileBytes.exists(file) else {
      let others = Self.splits(of: folder).joined(separator: ", ")
      report(file, "does not exist; splits here: \(others.isEmpty ? "none" : others)")
      return []
    }
    guard let text = readText(file) else { return [] }
    var seen: [String: Int] = [:]
    var entries: [Entry] = []
    for (number, row) in text.enumerated() where !row.isEmpty {
      let line = number + 1
      var name = row
      // Lists of one class add -1, 0 or 1 to each name.
      if !files.contains(name + ".xml"),
        let space = name.lastIndex(where: { $0 == " " || $0 == "\t" }),
        ["-1", "0", "1"].contains(name[space...].dropFirst())
      {
        name = Self.trimmed(name[..<space])
      }
      if let earlier = seen[name] {
        report(file, line: line, "names \(name) again (first in line \(earlier))")
        continue
      }
      seen[name] = line
      guard files.contains(name + ".xml") else {
        report(file, line: line, "names \(name), but Annotations/\(name).xml does not exist")
        continue
      }
      entries.append(
        Entry(annotation: "\(annotations)/\(name).xml", list: (file, line), pictures: pictures))
    }
    if seen.isEmpty { report(file, "is empty: the split has no pictures") }
    return entries
  }

  private mutating func listFlat(_ top: [String]) -> [Entry] {
    var (folder, names) = (folder, top)
    if let split {
      folder += "/" + split
      guard FileBytes.isFolder(folder) else {
        let others = Self.splits(of: self.folder).joined(separator: ", ")
        report(
          self.folder,
          "has no split \(split) (neither ImageSets/Main/\(split).txt nor a folder of that name); "
            + "splits here: \(others.isEmpty ? "none" : others)")
        return []
      }
      guard let inside = list(folder) else { return [] }
      names = inside
    }
    let files = names.filter(Self.isAnnotation)
    if files.isEmpty {
      report(
        folder,
        names.isEmpty ? "is empty" : "holds no annotations (neither Annotations/ nor *.xml files)")
    }
    let annotated = Set(files.map(Self.stem))
    for name in names where Self.isPicture(name) && !annotated.contains(Self.stem(name)) {
      problems.append(
        DataProblem(.warning, file: "\(folder)/\(name)", "has no annotation file, left out"))
    }
    return files.map { Entry(annotation: folder + "/" + $0, pictures: folder) }
  }

  /// The class names of a file `classes.txt`, as labelImg keeps them, in its order.
  private mutating func listedClasses() -> [String]? {
    let file = folder + "/classes.txt"
    guard FileBytes.exists(file), let rows = readText(file) else { return nil }
    let names = rows.filter { !$0.isEmpty }
    if names.isEmpty {
      report(file, "is empty")
      return nil
    }
    if Set(names).count != names.count {
      report(file, "names a class twice")
      return nil
    }
    return names
  }

  // MARK: One entry

  private mutating func read(
    _ entry: Entry, _ classes: Set<String>?, _ owners: inout [String: String],
    _ listings: inout [String: Set<String>]
  ) -> (DetectionDataset.Item, VOCAnnotation)? {
    let file = entry.annotation
    let bytes: [UInt8]
    do {
      bytes = try FileBytes.read(file)
    } catch {
      report(file, error.reason)
      return nil
    }
    guard !bytes.isEmpty else {
      report(file, "is empty (zero bytes)")
      return nil
    }
    let annotation = VOCAnnotation(bytes, file: file)
    let first = problems.count
    problems += annotation.problems
    if let classes {
      for object in annotation.objects where !classes.contains(object.name) {
        report(
          file, line: object.line,
          "unknown class \(object.name); expected one of \(classes.sorted().joined(separator: ", "))"
        )
      }
    }
    guard
      annotation.size != nil || annotation.sizeLine != nil || !annotation.objects.isEmpty
        || annotation.filename != nil
    else { return nil }  // not an annotation at all, as reported
    let stem = Self.stem(String(file[file.index(after: file.lastIndex(of: "/")!)...]))
    guard let picture = findPicture(annotation, stem, entry, &listings) else { return nil }
    if let other = owners[picture] {
      report(file, line: annotation.filenameLine, "describes \(picture), as \(other) does")
    }
    owners[picture] = file
    guard let size = check(picture, annotation, file) else { return nil }
    guard !problems[first...].contains(where: { $0.severity == .error }) else { return nil }
    return (
      DetectionDataset.Item(name: stem, picture: picture, size: size, annotations: []), annotation
    )
  }

  /// The picture that `<filename>` names, with or without extension; without `<filename>`, the one named like the annotation.
  private mutating func findPicture(
    _ annotation: VOCAnnotation, _ stem: String, _ entry: Entry,
    _ listings: inout [String: Set<String>]
  ) -> String? {
    if listings[entry.pictures] == nil {
      listings[entry.pictures] = Set((try? FileBytes.list(entry.pictures)) ?? [])
    }
    let names = listings[entry.pictures]!
    let extensions = [".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG"]
    if let name = annotation.filename {
      let candidates = [name] + extensions.map { name + $0 }
      if let found = candidates.first(where: names.contains) { return entry.pictures + "/" + found }
      let hint = extensions.first { names.contains(stem + $0) }.map {
        " (but \(stem)\($0) is there)"
      }
      report(
        entry.annotation, line: annotation.filenameLine,
        "names the picture \(name), which is not in \(entry.pictures)\(hint ?? "")")
      return nil
    }
    if let found = extensions.first(where: { names.contains(stem + $0) }) {
      return entry.pictures + "/" + stem + found
    }
    report(entry.annotation, "has no <filename>, and no picture \(stem) is in \(entry.pictures)")
    return nil
  }

  /// The picture's size when it can be read and agrees with the annotation.
  private mutating func check(_ picture: String, _ annotation: VOCAnnotation, _ file: String)
    -> PictureSize?
  {
    do {
      let header = try Picture.header(ofFile: picture)
      if verification == .full || !header.ends { _ = try Picture(file: picture) }
      if let size = annotation.size, size != header.size {
        let turned = PictureSize(width: header.width, height: header.height)
        let reason =
          size == turned
          ? "; EXIF turns it, and boxes are expected in the upright picture" : ""
        report(
          file, line: annotation.sizeLine,
          "<size> says \(size), but \(picture) is \(header.size)\(reason)")
        return nil
      }
      return header.size
    } catch let error as PictureError {
      report(error.file, error.reason)
    } catch {
      report(picture, "\(error)")
    }
    return nil
  }

  // MARK: Files

  private mutating func list(_ folder: String) -> [String]? {
    do {
      guard FileBytes.exists(folder) else { throw FileBytes.Failure("does not exist") }
      guard FileBytes.isFolder(folder) else { throw FileBytes.Failure("is not a folder") }
      let names = try FileBytes.list(folder)
      guard !names.isEmpty else { throw FileBytes.Failure("is empty") }
      return names
    } catch let failure as FileBytes.Failure {
      report(folder, failure.reason)
    } catch {
      report(folder, "\(error)")
    }
    return nil
  }

  /// Trimmed rows of a text file.
  private mutating func readText(_ file: String) -> [String]? {
    do {
      let bytes = try FileBytes.read(file)
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw FileBytes.Failure("is not UTF-8 text")
      }
      return text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map {
        Self.trimmed($0)
      }
    } catch let failure as FileBytes.Failure {
      report(file, failure.reason)
    } catch {
      report(file, "\(error)")
    }
    return nil
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text.drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }

  private mutating func report(_ file: String, line: Int? = nil, _ message: String) {
    problems.append(DataProblem(.error, file: file, line: line, message))
  }
}

extension DetectionDataset {
  /// Reads a folder in Pascal VOC's layout (`Annotations`, `JPEGImages`, `ImageSets/Main`), or a flat folder of pictures with labelImg's XML
  /// beside them. VOC's inclusive corners, counted from 1, become boxes between pixels. A picture without objects is a background. Empty boxes
  /// are left out with a warning.
  ///
  /// - Parameters:
  ///   - split: a list in `ImageSets/Main` or, in a flat folder, a folder of that name; `nil` reads everything.
  ///   - classes: their names in the order of labels. Without it, the file `classes.txt`, else all names found, sorted.
  /// - Throws: `DatasetError.problems` with everything found when `policy` is `.strict` and there are errors, or when nothing is left.
  public init(
    folder: String, split: String? = nil, classes: [String]? = nil, policy: Policy = .strict,
    verification: Verification = .header
  ) throws {
    var reader = VOCFolder(folder, split: split, verification: verification)
    self = try reader.read(classes: classes, policy: policy)
  }

  /// Names of the splits that a folder offers: lists in `ImageSets/Main`, or folders that hold annotations; sorted.
  public static func splits(ofFolder folder: String) -> [String] { VOCFolder.splits(of: folder) }
}
