/// Every file of a data set, accounted for: what was found is used, or left out with a reason.
/// Pictures, files of labels and splits are counted from the folders' listings, whatever the
/// format's reader did.
public struct FileAccount: Hashable, Sendable {
  /// A file, or a split's name, and why it is not used.
  public struct LeftOut: Hashable, Sendable {
    public var file: String
    public var reason: String

    public init(_ file: String, _ reason: String) {
      self.file = file
      self.reason = reason
    }
  }

  /// One sum: `found == used + leftOut.count`.
  public struct Tally: Hashable, Sendable {
    public var used = 0
    /// In the order of the listings.
    public var leftOut: [LeftOut] = []
    public var found: Int { used + leftOut.count }

    public init() {}

    /// What was left out by its reason, the most frequent reason first; files in their order.
    public var reasons: [(reason: String, files: [String])] {
      Dictionary(grouping: leftOut, by: \.reason)
        .map { ($0.key, $0.value.map(\.file)) }
        .sorted { ($1.1.count, $0.0) < ($0.1.count, $1.0) }
    }
  }

  /// Files that are pictures by their names, read or not; in an archive (IDX), its pictures.
  public var pictures = Tally()
  /// Files that hold labels in the format that was read.
  public var labels = Tally()
  public var splits = Tally()
  /// Names of the splits that are used.
  public var usedSplits: [String] = []
  /// Whether every folder was listed; false where there are millions of files.
  public var isComplete = true

  /// Whether nothing was left out.
  public var isWhole: Bool {
    pictures.leftOut.isEmpty && labels.leftOut.isEmpty && splits.leftOut.isEmpty && isComplete
  }
}

extension LabelSet {
  /// The account of the files where this set was read from.
  ///
  /// - Parameters:
  ///   - used: paths of the pictures that are used; those of the set that can be read if left out.
  ///   - splits: names of the splits that are used; those of the set if left out.
  ///   - whole: the set without a choice of a split, where `self` is one split of it; read again,
  ///     without a look at the pictures, if left out.
  /// - Returns: `nil` for a set that was made, not read.
  public func account(
    using used: Set<String>? = nil, splits: [String]? = nil, of whole: LabelSet? = nil
  ) -> FileAccount? {
    guard let place, let format else { return nil }
    var whole = whole ?? self
    if whole.reading?.split != nil {
      var reading = LabelReading(pictures: .listed)
      (reading.classes, reading.pictureFolder) = (
        whole.reading?.classes, whole.reading?.pictureFolder
      )
      whole = (try? LabelSet(path: place, format: format, reading)) ?? whole
    }
    let names = splits ?? reading?.split.map { [$0] } ?? self.splits
    var clerk = FileClerk(whole, place, format)
    clerk.hear(problems + whole.problems)
    clerk.use(used ?? readable, names)
    return clerk.account
  }

  /// Paths of the pictures that are there and whole.
  private var readable: Set<String> {
    let broken = Set(problems.lazy.filter { $0.severity == .error }.map(\.file))
    return Set(
      pictures.lazy.map(\.path).filter { !$0.isEmpty && !broken.contains($0) })
  }

  /// An error for a set whose pictures have no labels at all, telling where they were searched;
  /// `nil` for others.
  public var lackOfLabels: DataProblem? {
    guard !pictures.isEmpty, archive == nil, let format, format != .folders, format != .idx,
      pictures.allSatisfy({ $0.source.isEmpty && $0.objects.isEmpty && $0.label == nil })
    else { return nil }
    var (places, seen): ([String], Set<String>) = (searched, Set(searched))
    if places.isEmpty {
      for picture in pictures where !picture.path.isEmpty {
        let folder = PathName.folder(picture.path)
        if seen.insert(folder).inserted { places.append(folder) }
      }
    }
    let shown = places.prefix(4).joined(separator: ", ") + (places.count > 4 ? ", ..." : "")
    return DataProblem(
      .error, file: place ?? "the data",
      "no label file for any of \(pictures.count) pictures; searched in \(shown)")
  }
}

extension LabelSet {
  /// An error for boxes without any class: nothing can be learned from backgrounds alone.
  var lackOfClasses: DataProblem? {
    guard !pictures.isEmpty, classes.isEmpty, format?.isDetection == true else { return nil }
    return DataProblem(
      .error, file: place ?? "the data",
      "names no class: no object in any of \(pictures.count) pictures")
  }
}

/// Books each file under used or left out.
private struct FileClerk {
  var account = FileAccount()
  private let whole: LabelSet
  /// Folders that are listed with all below them.
  private let roots: [String]
  private let format: DataFormat
  /// The folder of the one file that was named, so that others like it beside it were not meant.
  private let folderOfFile: String?
  private var real = RealPaths()
  /// Messages by file: the first error, else the first warning.
  private var messages: [String: DataProblem] = [:]
  private var reasons: [String: String] = [:]

  init(_ whole: LabelSet, _ place: String, _ format: DataFormat) {
    (self.whole, self.format) = (whole, format)
    folderOfFile = FileBytes.isFolder(place) ? nil : PathName.folder(place)
    var roots = folderOfFile == nil ? [place] : []
    if format == .yolo, let yaml = try? YOLOFormat.yamlFile(place) {
      roots += (try? YOLODataFile(yaml).root).map { [$0] } ?? []
    }
    self.roots = roots
    for (file, reason) in whole.leftOut { reasons[real(file)] = reason }
  }

  mutating func hear(_ problems: [DataProblem]) {
    for problem in problems {
      let file = real(problem.file)
      if messages[file] == nil || messages[file]?.severity == .warning && problem.severity == .error
      {
        messages[file] = problem
      }
    }
  }

  mutating func use(_ used: Set<String>, _ splits: [String]) {
    let taken = Set(used.map { real($0) })
    // What the set knows of each picture and each file of labels.
    var pictures: [String: Int] = [:]
    var sources: [String: (isUsed: Bool, picture: Int)] = [:]
    for (i, picture) in whole.pictures.enumerated() {
      let path = picture.path.isEmpty ? nil : real(picture.path)
      if let path { pictures[path] = pictures[path] ?? i }
      for source in sourceFiles(picture) where !source.isEmpty {
        let source = real(source)
        let isUsed = path.map(taken.contains) ?? false
        if sources[source]?.isUsed != true { sources[source] = (isUsed, i) }
      }
    }
    let homes = Set(pictures.keys.map(PathName.folder))
    if whole.archive != nil {
      bookArchive(used, splits)
    }
    var booked: Set<String> = []
    for entry in files(homes) {
      let path = real(folder: entry.folder) + "/" + entry.name
      guard booked.insert(path).inserted else { continue }
      if let source = sources[path] {
        let picture = whole.pictures[source.picture]
        book(\.labels, entry.path, source.isUsed ? nil : label(path, picture, splits))
      } else if isLabel(entry) {
        book(\.labels, entry.path, label(path, nil, splits))
      } else if PathName.isAnyPicture(entry.name), !isMask(entry) {
        let reason =
          taken.contains(path) ? nil : picture(path, entry.name, pictures[path], homes, splits)
        book(\.pictures, entry.path, reason)
      }
    }
    // What lies outside of all folders that were listed.
    for (path, place) in pictures.sorted(by: { $0.value < $1.value })
    where whole.archive == nil && !booked.contains(path) && FileBytes.exists(path) {
      let reason =
        taken.contains(path) ? nil : picture(path, PathName.last(path), place, homes, splits)
      book(\.pictures, whole.pictures[place].path, reason)
    }
    for (path, source) in sources.sorted(by: { $0.value.picture < $1.value.picture })
    where !booked.contains(path) && FileBytes.exists(path) {
      let picture = whole.pictures[source.picture]
      book(\.labels, path, source.isUsed ? nil : label(path, picture, splits))
    }
    bookSplits(taken, splits)
  }

  /// The files that hold a picture's labels: of masks there are two.
  private func sourceFiles(_ picture: LabeledPicture) -> [String] {
    guard format == .vocSegmentation, !picture.source.isEmpty else { return [picture.source] }
    let base = PathName.folder(PathName.folder(picture.source))
    return [picture.source, base + "/SegmentationObject/" + PathName.last(picture.source)]
  }

  private mutating func bookArchive(_ used: Set<String>, _ splits: [String]) {
    for picture in whole.pictures {
      let isUsed =
        used.contains(picture.path)
        && (splits.isEmpty || picture.split.map(splits.contains) ?? true)
      book(\.pictures, picture.path, isUsed ? nil : split(picture, splits) ?? "is not used")
    }
  }

  private mutating func bookSplits(_ taken: Set<String>, _ splits: [String]) {
    var names = whole.splits
    names += whole.unreadSplits.keys.filter { !names.contains($0) }.sorted()
    names += splits.filter { !names.contains($0) }
    account.usedSplits = names.filter(splits.contains)
    for name in names {
      book(\.splits, name, splits.contains(name) ? nil : reason(ofSplit: name, taken))
    }
  }

  /// - Parameter reason: why it is left out; `nil` if it is used.
  private mutating func book(
    _ tally: WritableKeyPath<FileAccount, FileAccount.Tally>, _ file: String, _ reason: String?
  ) {
    if let reason {
      account[keyPath: tally].leftOut.append(FileAccount.LeftOut(file, reason))
    } else {
      account[keyPath: tally].used += 1
    }
  }

  private mutating func reason(ofSplit name: String, _ taken: Set<String>) -> String {
    if let reason = whole.unreadSplits[name] { return reason }
    let isCovered = whole.pictures.allSatisfy {
      $0.split != name || !$0.path.isEmpty && taken.contains(real($0.path))
    }
    return isCovered && whole.archive == nil
      ? "its pictures are used in another split" : "is not used"
  }

  // MARK: Listings

  private mutating func files(_ homes: Set<String>) -> [FolderWalk.Entry] {
    var walk = FolderWalk(limit: 2_000_000)
    for root in roots { walk.add(root) }
    var flat = whole.archive == nil ? homes.sorted() : []
    if let folderOfFile { flat.append(folderOfFile) }
    for place in flat { walk.add(place, isDeep: false) }
    account.isComplete = walk.isComplete
    return walk.files
  }

  /// Whether a file that no picture names holds labels: of the format, or of another one, as sets
  /// that were exported twice have them.
  private func isLabel(_ entry: FolderWalk.Entry) -> Bool {
    let ending = PathName.ending(entry.name)
    switch format {
    case .yolo, .labelImgYOLO: if ending == "txt" { return hasLines(entry.path) }
    case .culane: if entry.name.hasSuffix(".lines.txt") { return true }
    case .idx: if entry.name.contains("idx1") { return true }
    case .vocSegmentation: if isMask(entry) { return ending == "png" }
    default: if ownEndings.contains(ending) { return true }
    }
    switch ending {
    // Beside folders of classes no file decides, whatever it holds.
    case "json", "jsonl": return format == .folders || DataFormat.ofJSON(entry.path) != nil
    case "csv": return format == .folders || CSVLabels.header(entry.path)?.missing == nil
    case "xml": return format == .folders
    default: return false
    }
  }

  /// How names of the format's files of labels end.
  private var ownEndings: Set<String> {
    switch format {
    case .voc, .labelImgVOC: ["xml"]
    case .yolo, .labelImgYOLO, .culane: ["txt"]
    case .coco, .createML, .tusimple: ["json", "jsonl"]
    case .csv, .banana: ["csv"]
    case .vocSegmentation: ["png"]
    case .folders, .idx: []
    }
  }

  /// Pictures of masks are labels.
  private func isMask(_ entry: FolderWalk.Entry) -> Bool {
    format == .vocSegmentation
      && ["SegmentationClass", "SegmentationObject", "masks"].contains(PathName.last(entry.folder))
  }

  /// Whether a text holds YOLO's numbers, or nothing; lists of pictures and notes don't.
  private func hasLines(_ file: String) -> Bool {
    guard !PathName.isListOfClasses(PathName.last(file)), let handle = try? FileBytes.Handle(file),
      let head = try? handle.read(at: 0, count: min(handle.count, 256))
    else { return false }
    let words = String(decoding: head, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    guard let first = words.first else { return true }
    return words.count >= 5 && first.allSatisfy(\.isNumber) && Double(words[1]) != nil
  }

  // MARK: Reasons

  private func message(_ path: String) -> String? {
    if let reason = reasons[path] { return reason }
    guard let problem = messages[path] else { return nil }
    if problem.severity == .error { return "has errors" }
    let text = problem.message
    return text.hasSuffix(", left out") ? String(text.dropLast(10)) : text
  }

  private func split(_ picture: LabeledPicture, _ splits: [String]) -> String? {
    guard !splits.isEmpty else { return nil }
    guard let split = picture.split else { return "is in no split" }
    return splits.contains(split) ? nil : "is in the split \(split), which is not used"
  }

  private mutating func picture(
    _ path: String, _ name: String, _ place: Int?, _ homes: Set<String>, _ splits: [String]
  ) -> String {
    if let place {
      let picture = whole.pictures[place]
      return split(picture, splits) ?? message(path) ?? message(real(picture.source))
        ?? "is not used"
    }
    guard reasons[path] != nil || PathName.isPicture(name) else {
      return "ending .\(PathName.ending(name)) is not read"
    }
    if let message = message(path) { return message }
    guard homes.contains(PathName.folder(path)) else {
      return "lies where \(format.title) keeps no pictures"
    }
    switch format {
    case .voc, .labelImgVOC: return "has no annotation file"
    case .labelImgYOLO, .culane: return "has no label file"
    case .vocSegmentation: return "has no mask"
    case .coco, .createML, .csv, .banana, .tusimple: return "is named in no label file"
    case .yolo, .folders, .idx: return "is in no split, list or class"
    }
  }

  private func label(_ path: String, _ picture: LabeledPicture?, _ splits: [String]) -> String {
    if let picture {
      if let reason = split(picture, splits) { return reason }
      if picture.path.isEmpty { return "its picture is missing" }
      return message(path) ?? "its picture is not used"
    }
    if let message = message(path) { return message }
    if !ownEndings.contains(PathName.ending(path)), format != .idx {
      return "is not read: the set is taken as \(format.title)"
    }
    switch format {
    case .voc, .labelImgVOC, .yolo, .labelImgYOLO, .culane, .vocSegmentation:
      return "label file without a picture"
    default: return folderOfFile == nil ? "is not read" : "is not the file that was named"
    }
  }
}
