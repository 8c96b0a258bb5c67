/// CULane's lanes: beside `NAME.jpg` a file `NAME.lines.txt` with a lane a line, `x y x y ...` in
/// pixels; lists of pictures in `list/*.txt`.
enum CULane {
  /// - Parameter path: the root folder, or a list of pictures whose folder (or the one
  ///   above it) is the root.
  static func read(_ path: String, _ reading: LabelReading) throws -> LabelSet {
    guard FileBytes.exists(path) else { throw LabelFolder.failure(path, "does not exist") }
    let isFolder = FileBytes.isFolder(path)
    let above = PathName.folder(path)
    let root = isFolder ? path : PathName.last(above) == "list" ? PathName.folder(above) : above
    var folder = LabelFolder(root)
    var entries: [(picture: String, path: String, split: String?)] = []
    let lists =
      isFolder
      ? LabelFolder.names(root + "/list").filter { PathName.ending($0) == "txt" }
        .map { root + "/list/" + $0 } : [path]
    var (seen, unread): ([String: String], [String: String]) = ([:], [:])
    for list in lists {
      let split = SplitStorage.ofName(PathName.stem(PathName.last(list)))
      if let wanted = reading.split, wanted != split { continue }
      var (others, count): (Set<String>, Int) = ([], 0)
      for (line, text) in folder.lines(list) ?? [] {
        // Training lists with masks go on behind the picture's name.
        var word = text
        if !isPicture(text, root) {
          word = text.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? text
        }
        let name = String(word.drop { $0 == "/" })
        guard let picture = PathName.inside(root, name) else {
          folder.report(
            list, line: line, "\(ByteText.shown(word)) leads out of the folder \(root)")
          continue
        }
        // The lists of the test's nine conditions repeat those of the test.
        if let other = seen[picture] {
          others.insert(other)
        } else {
          seen[picture] = split
          count += 1
          entries.append((name, picture, split))
        }
      }
      if count == 0, !others.contains(split) {
        unread[split] =
          others.isEmpty
          ? "its list is empty"
          : "all its pictures are in \(others.sorted().joined(separator: ", "))"
      }
    }
    if lists.isEmpty {
      for picture in folder.content(of: root).pictures
      where FileBytes.exists(PathName.stem(picture) + ".lines.txt") {
        entries.append((String(picture.dropFirst(root.count + 1)), picture, nil))
      }
    }
    guard !entries.isEmpty else {
      if !folder.problems.isEmpty { throw DatasetError.problems(folder.problems) }
      throw LabelFolder.failure(path, "holds no pictures with .lines.txt")
    }
    let all = entries
    let parsed = Concurrently.map(entries.count) {
      parse(file: PathName.stem(all[$0].path) + ".lines.txt")
    }
    var set = LabelSet(classes: [LabelClass(reading.classes?.first ?? TuSimple.className)])
    for (entry, labels) in zip(entries, parsed) {
      folder.add(labels?.problems ?? [])
      set.pictures.append(
        LabeledPicture(
          file: entry.picture, path: entry.path, split: entry.split,
          objects: labels?.objects ?? [],
          source: labels == nil ? "" : PathName.stem(entry.path) + ".lines.txt"))
    }
    set.unreadSplits = unread
    set.problems = folder.problems
    return set
  }

  /// Whether a whole line names a picture: names may have spaces.
  private static func isPicture(_ text: String, _ root: String) -> Bool {
    guard let path = PathName.inside(root, String(text.drop { $0 == "/" })) else { return false }
    return FileBytes.exists(path) || FileBytes.exists(PathName.stem(path) + ".lines.txt")
  }

  private static func parse(file: String) -> YOLOLabels.Parsed? {
    let bytes: [UInt8]
    do {
      bytes = try FileBytes.read(file)
    } catch {
      if error.reason == FileBytes.Failure.missing { return nil }
      return YOLOLabels.Parsed(problems: [DataProblem(.error, file: file, error.reason)])
    }
    var parsed = YOLOLabels.Parsed()
    bytes.withUnsafeBufferPointer {
      ByteText.forEachLine($0) { line, text in
        guard !text.isEmpty else { return }
        var (points, bad): ([Double], String?) = ([], nil)
        ByteText.forEachWord(text) { word in
          if let value = ByteText.double(word) {
            points.append(value)
          } else {
            bad = bad ?? ByteText.shown(word)
          }
        }
        if let bad {
          parsed.problems.append(
            DataProblem(.error, file: file, line: line, "\(bad) is no number"))
        } else if points.count % 2 == 1 {
          parsed.problems.append(
            DataProblem(
              .error, file: file, line: line,
              "expected pairs of x and y, got \(points.count) numbers"))
        } else {
          parsed.objects.append(
            LabeledObject(
              label: 0, box: LabelBox(around: points), shape: .line(points),
              line: Int32(clamping: line)))
        }
      }
    }
    return parsed
  }
}
