/// Pictures sorted into a folder a class, maybe inside folders of splits: `train/cat/1.jpg`.
/// Classes in order of their names, as torchvision's `ImageFolder` has them.
enum ClassFolders {
  /// A folder of classes, and the split that it is.
  private struct Part {
    var split: String?
    var place: String
    /// Names of its folders, which are classes.
    var classes: [String]
  }

  static func read(_ path: String, _ reading: LabelReading) throws -> LabelSet {
    try LabelFolder.require(path)
    var folder = LabelFolder(path)
    var unread: [String: String] = [:]
    let parts = try parts(path, &folder, &unread)
    var names = reading.classes ?? []
    if names.isEmpty {
      names = Set(parts.flatMap(\.classes)).sorted()
      let file = path + "/classes.txt"
      if FileBytes.exists(file), let listed = folder.classes(file) {
        if Set(names).isSubset(of: listed.map(LabelWriter.folderName)) {
          names = listed
        } else {
          folder.warn(file, "does not name all folders of classes, left out")
        }
      }
    }
    var set = LabelSet(classes: names.map { LabelClass($0) })
    for part in parts {
      for name in part.classes {
        let inside = part.place + "/" + name
        guard let label = names.firstIndex(where: { LabelWriter.folderName($0) == name }) else {
          folder.report(inside, "is a folder of no known class")
          continue
        }
        let content = folder.content(of: inside)
        let strangers = content.others.filter { !PathName.isUnreadPicture($0) }
        for other in strangers.prefix(20) {
          folder.warn(other, "is no picture (\(Picture.endingsInWords)), left out")
        }
        if strangers.count > 20 {
          folder.warn(inside, "holds \(strangers.count) files that are no pictures, left out")
        }
        if content.pictures.isEmpty {
          folder.warn(inside, "holds no pictures (\(Picture.endingsInWords))")
        }
        for picture in content.pictures {
          set.pictures.append(
            LabeledPicture(
              file: String(picture.dropFirst(path.count + 1)), path: picture, split: part.split,
              label: label))
        }
      }
    }
    guard !set.pictures.isEmpty else {
      throw LabelFolder.failure(path, "holds no folders with pictures")
    }
    set.problems = folder.problems
    set.unreadSplits = unread
    return set
  }

  /// The folders that hold classes: the splits, or the set's folder alone.
  ///
  /// - Throws: `DatasetError` where there are folders of splits and pictures, but no classes.
  private static func parts(
    _ path: String, _ folder: inout LabelFolder, _ unread: inout [String: String]
  ) throws -> [Part] {
    let top = folder.folders(in: path)
    let inside = top.map { folder.folders(in: path + "/" + $0) }
    // A class may well be called train or test: it is a split if a folder of a split's name holds
    // folders.
    let isDivided = zip(top, inside).contains { SplitName.known($0) != nil && !$1.isEmpty }
    guard isDivided else {
      if !top.isEmpty, top.allSatisfy({ SplitName.known($0) != nil }) {
        throw LabelFolder.failure(
          path,
          "has the splits \(top.joined(separator: ", ")), but no folders of classes in them")
      }
      // The set lies one folder further down.
      if top.count == 1, inside[0].count > 1, loose(path).isEmpty,
        loose(path + "/" + top[0]).isEmpty
      {
        folder.guess(
          path, "holds one folder, \(top[0]), with others in it; that is taken for the set")
        return try parts(path + "/" + top[0], &folder, &unread)
      }
      tell(loose(path), of: path, "lies in no folder of a class", &folder)
      return [Part(split: nil, place: path, classes: top)]
    }
    var parts: [Part] = []
    let usual = Set(zip(top, inside).filter { SplitName.known($0.0) != nil }.flatMap(\.1))
    for ((name, split), classes) in zip(folder.splits(top, in: path), inside) {
      let place = path + "/" + name
      tell(loose(place), of: place, "lies in no folder of a class", &folder)
      if SplitName.known(name) == nil, usual.isDisjoint(with: classes) {
        folder.warn(place, "is no split: it holds no folder of a class; left out")
      } else if !classes.isEmpty {
        parts.append(Part(split: split, place: place, classes: classes))
      } else if SplitName.known(name) != nil {
        unread[split] = "holds no folders of classes"
      }
    }
    tell(loose(path), of: path, "lies in no folder of a split", &folder)
    return parts
  }

  /// Pictures in a folder itself.
  private static func loose(_ place: String) -> [String] {
    LabelFolder.names(place).filter(PathName.isPicture)
  }

  private static func tell(
    _ pictures: [String], of place: String, _ reason: String, _ folder: inout LabelFolder
  ) {
    guard let first = pictures.first else { return }
    if pictures.count == 1 {
      folder.warn(place + "/" + first, "\(reason), left out")
    } else {
      folder.warn(
        place, "\(pictures.count) pictures (\(first), ...): each \(reason), left out")
    }
  }

  static func folders(_ path: String) -> [String] {
    LabelFolder.names(path).filter { FileBytes.isFolder(path + "/" + $0) }
  }
}
