import Foundation

/// What readers of all formats need of the disk: listings that are asked for once, problems
/// gathered on the way.
struct LabelFolder {
  let root: String
  private(set) var problems: [DataProblem] = []
  private var listings: [String: Set<String>] = [:]
  /// Names of pictures by folder and by stem in small letters.
  private var nearby: [String: [String: [String]]] = [:]

  init(_ root: String) { self.root = root }

  mutating func report(_ file: String, line: Int? = nil, _ message: String) {
    add(DataProblem(.error, file: file, line: line, message))
  }

  mutating func warn(_ file: String, line: Int? = nil, _ message: String) {
    add(DataProblem(.warning, file: file, line: line, message))
  }

  /// A warning that tells what is taken where the files do not say.
  mutating func guess(_ file: String, line: Int? = nil, _ message: String) {
    add(DataProblem(.warning, file: file, line: line, message, isGuess: true))
  }

  /// One problem instead of those that were found from a number on and fit.
  mutating func replace(
    from first: Int, where fits: (DataProblem) -> Bool, by problem: DataProblem
  ) {
    problems = problems[..<first] + problems[first...].filter { !fits($0) } + [problem]
  }

  mutating func add(_ problem: DataProblem) {
    if problems.count < LabelFolder.mostProblems { problems.append(problem) }
  }

  mutating func add(_ more: [DataProblem]) {
    problems += more.prefix(max(0, LabelFolder.mostProblems - problems.count))
  }

  /// More are no help, and a broken set of a million files would fill the memory with them.
  static let mostProblems = 100_000

  /// Names in a folder, sorted, without what is hidden; empty if it cannot be listed.
  static func names(_ folder: String) -> [String] {
    ((try? FileBytes.list(folder)) ?? []).filter { !PathName.isHidden($0) }
  }

  /// `PathName.inside`, also for absolute names into a root that is told otherwise: from the
  /// working folder, or through a link. The result begins with the root.
  static func inside(_ root: String, _ name: String) -> String? {
    if !name.hasPrefix("/") || root.hasPrefix("/"), let path = PathName.inside(root, name) {
      return path
    }
    guard name.hasPrefix("/") else { return nil }
    let target = PathName.normalized(name)
    let whole = FileManager.default.currentDirectoryPath + "/" + root
    let roots = [root.hasPrefix("/") ? root : whole, FileBytes.realPath(root)]
    for place in roots.compactMap(\.self).map(PathName.normalized) {
      for target in [target, FileBytes.realPath(target)].compactMap(\.self) {
        if target == place { return root }
        guard target.hasPrefix(place + "/") else { continue }
        let rest = String(target.dropFirst(place.count + 1))
        return root == "." ? rest : root + "/" + rest
      }
    }
    return nil
  }

  /// A name as a file states it, relative to `folder` or absolute, with `/` for the backslashes of
  /// Windows unless a file of that very name is there.
  static func separated(_ name: String, in folder: String) -> String {
    guard name.utf8.contains(UInt8(ascii: "\\")),
      !FileBytes.exists(name.hasPrefix("/") ? name : folder + "/" + name)
    else { return name }
    return name.replacing("\\", with: "/")
  }

  /// Names in a folder, asked for once.
  mutating func listing(_ folder: String) -> Set<String> {
    if let known = listings[folder] { return known }
    let names = Set(LabelFolder.names(folder))
    listings[folder] = names
    return names
  }

  /// The extensions of pictures, in the order in which they are tried.
  static let endings =
    Picture.endings.map { "." + $0 } + Picture.endings.map { "." + $0.uppercased() }
    + Picture.endings.map { "." + $0.capitalized }

  /// A picture of that name in the folder, with or without its extension.
  mutating func picture(_ name: String, in folder: String) -> String? {
    let names = listing(folder)
    if names.contains(name) { return folder + "/" + name }
    return LabelFolder.endings.first { names.contains(name + $0) }.map { folder + "/" + name + $0 }
  }

  /// What a search for a picture found.
  enum Search {
    case found(String)
    /// Not that name, but the only one that can be meant: another case, another kind of picture.
    case near(String)
    /// More than one can be meant: their names.
    case several([String])
    case none
  }

  /// A picture by its name as labels state it, with or without its ending; else the only one whose
  /// name is the same but for case and ending; else the only one that is called `stem`.
  mutating func search(_ name: String, or stem: String, in folder: String) -> Search {
    if let path = picture(name, in: folder) { return .found(path) }
    if nearby[folder] == nil {
      nearby[folder] = Dictionary(
        grouping: listing(folder).filter(PathName.isPicture).sorted(),
        by: { PathName.stem($0).lowercased() })
    }
    let base = PathName.isAnyPicture(name) ? PathName.stem(name) : name
    for stem in [base, stem] {
      guard var names = nearby[folder]?[stem.lowercased()] else { continue }
      let sameCase = names.filter { PathName.stem($0) == stem }
      if !sameCase.isEmpty { names = sameCase }
      let sameEnding = names.filter { $0.lowercased() == name.lowercased() }
      if !sameEnding.isEmpty { names = sameEnding }
      return names.count == 1 ? .near(folder + "/" + names[0]) : .several(names)
    }
    return .none
  }

  /// A text file's bytes, or a problem.
  mutating func read(_ file: String) -> [UInt8]? {
    do {
      return try FileBytes.read(file)
    } catch {
      report(file, error.reason)
      return nil
    }
  }

  /// A text file's lines that are not empty, trimmed, with their numbers.
  mutating func lines(_ file: String) -> [(line: Int, text: String)]? {
    guard let bytes = read(file) else { return nil }
    var rows: [(line: Int, text: String)] = []
    var bad: Int?
    bytes.withUnsafeBufferPointer {
      ByteText.forEachLine($0) { line, text in
        guard !text.isEmpty else { return }
        if let row = String(validating: text, as: UTF8.self), !text.contains(0) {
          rows.append((line, row))
        } else if bad == nil {
          bad = line
        }
      }
    }
    if let bad {
      report(file, line: bad, "is not UTF-8 text")
      return nil
    }
    return rows
  }

  /// Names of classes, a line each.
  mutating func classes(_ file: String) -> [String]? {
    guard let rows = lines(file) else { return nil }
    let names = rows.map(\.text)
    var seen: [String: Int] = [:]
    for (line, name) in rows {
      if let first = seen[name] {
        report(
          file, line: line,
          "names the class \(ByteText.shown(name)) twice, on the lines \(first) and \(line)")
      }
      seen[name] = seen[name] ?? line
    }
    if names.isEmpty { report(file, "is empty") }
    return names
  }

  static func failure(_ file: String, line: Int? = nil, _ message: String) -> DatasetError {
    .problems([DataProblem(.error, file: file, line: line, message)])
  }

  /// Stops unless the folder is there.
  static func require(_ folder: String) throws {
    guard FileBytes.exists(folder) else { throw failure(folder, "does not exist") }
    guard FileBytes.isFolder(folder) else { throw failure(folder, "is not a folder") }
  }
}

/// The same work on many items, on all cores; results in order.
enum Concurrently {
  static func map<Value: Sendable>(_ count: Int, _ body: @Sendable (Int) -> Value) -> [Value] {
    fill(count) { items, base in
      for i in items { (base + i).initialize(to: body(i)) }
    }
  }

  /// The same for work on files, with a reader for each thread.
  static func read<Value: Sendable>(
    _ count: Int, _ body: @Sendable (Int, inout FileReader) -> Value
  ) -> [Value] {
    fill(count) { items, base in
      var reader = FileReader()
      for i in items { (base + i).initialize(to: body(i, &reader)) }
    }
  }

  /// Changes each element in its place.
  static func change<Value: Sendable>(
    _ values: inout [Value], _ body: @Sendable (inout Value) -> Void
  ) {
    let count = values.count
    values.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return }
      nonisolated(unsafe) let base = start
      parts(count) { items in
        for i in items { body(&base[i]) }
      }
    }
  }

  private static func fill<Value: Sendable>(
    _ count: Int, _ body: @Sendable (Range<Int>, UnsafeMutablePointer<Value>) -> Void
  ) -> [Value] {
    [Value](unsafeUninitializedCapacity: count) { buffer, done in
      guard count > 0 else { return }
      nonisolated(unsafe) let base = buffer.baseAddress!
      parts(count) { body($0, base) }
      done = count
    }
  }

  private static func parts(_ count: Int, _ body: @Sendable (Range<Int>) -> Void) {
    let parts = min(count, ProcessInfo.processInfo.activeProcessorCount * 8)
    guard parts > 1 else { return body(0..<count) }
    DispatchQueue.concurrentPerform(iterations: parts) { part in
      body(count * part / parts..<count * (part + 1) / parts)
    }
  }
}

extension LabelSet {
  /// Looks at the pictures, on all cores: are they there, are they whole, do they have the size
  /// that is stated? Boxes in fractions become pixels where the size is known.
  static func finish(_ set: inout LabelSet, _ path: String, _ reading: LabelReading) throws {
    if set.pictures.isEmpty, set.problems.contains(where: { $0.severity == .error }) {
      // Nothing could be read, which the problems tell.
    } else if let split = reading.split, set.pictures.contains(where: { $0.split != nil }) {
      let splits = set.splits
      set.pictures.removeAll { $0.split != split }
      if set.pictures.isEmpty {
        throw LabelFolder.failure(
          path, "has no split \(split); splits here: \(splits.joined(separator: ", "))")
      }
    } else if let split = reading.split {
      throw LabelFolder.failure(path, "has no split \(split); splits here: none")
    }
    let inFractions = set.isInFractions || set.format == .yolo || set.format == .labelImgYOLO
    // Boxes of pictures whose size the labels state are in pixels already.
    let isSized = set.pictures.map { $0.size != nil }
    if reading.pictures == .header || reading.pictures == .full, set.archive == nil {
      let pictures = set.pictures
      let isVOC = set.format?.isVOC == true
      let looks = Concurrently.map(pictures.count) {
        LabelSet.look(pictures[$0], reading.pictures, isVOC: isVOC)
      }
      for (i, look) in looks.enumerated() {
        if set.pictures[i].size == nil { set.pictures[i].size = look.size }
        if let problem = look.problem, set.problems.count < LabelFolder.mostProblems {
          set.problems.append(problem)
        }
      }
    }
    if inFractions {
      for i in set.pictures.indices where !isSized[i] {
        guard let size = set.pictures[i].size else { continue }
        for k in set.pictures[i].objects.indices {
          set.pictures[i].objects[k] = set.pictures[i].objects[k]
            .scaled(x: Double(size.width), y: Double(size.height))
        }
      }
    }
  }

  private static func look(
    _ picture: LabeledPicture, _ depth: LabelReading.Pictures, isVOC: Bool
  ) -> (size: PictureSize?, problem: DataProblem?) {
    // A picture that was not found was reported by the reader, which knows who named it.
    guard !picture.path.isEmpty else { return (nil, nil) }
    do {
      let header = try Picture.header(ofFile: picture.path)
      var notes = [header.note].compactMap(\.self)
      var problem: DataProblem?
      if let size = picture.size, size != header.size {
        let turned = PictureSize(width: header.width, height: header.height)
        let reason =
          size == turned
          ? "; EXIF turns it, and boxes are expected in the upright picture" : ""
        problem = DataProblem(
          .error, file: picture.source.isEmpty ? picture.path : picture.source,
          line: [picture.sizeLine, picture.line].first { $0 > 0 }.map(Int.init),
          (isVOC ? "<size> says \(size)" : "states \(size) pixels")
            + ", but \(picture.path) is \(header.size)\(reason)")
      }
      if depth == .full || !header.ends {
        notes = try Picture.read(picture.path).notes
      }
      return (
        header.size,
        problem ?? notes.first.map { DataProblem(.warning, file: picture.path, $0) }
      )
    } catch let error as PictureError {
      return (nil, DataProblem(.error, file: error.file, error.reason))
    } catch {
      return (nil, DataProblem(.error, file: picture.path, "\(error)"))
    }
  }
}
