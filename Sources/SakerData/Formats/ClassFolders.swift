/// Pictures sorted into a folder a class, maybe inside folders of splits: `train/cat/1.jpg`. Classes in order of their
/// names, as torchvision's `ImageFolder` has them.
enum ClassFolders {
  static func read(_ path: String, _ reading: LabelReading) throws -> LabelSet {
    try LabelFolder.require(path)
    var folder = LabelFolder(path)
    let top = folders(path)
    let splits = top.filter { ["train", "val", "valid", "test"].contains($0) }
    let places: [(split: String?, folder: String)] =
      !splits.isEmpty && splits.allSatisfy { !folders(path + "/" + $0).isEmpty }
      ? splits.map { ($0 == "valid" ? "val" : $0, path + "/" + $0) } : [(nil, path)]
    var names = reading.classes ?? []
    let isGiven = !names.isEmpty
    if !isGiven {
      var found: Set<String> = []
      for place in places { found.formUnion(folders(place.folder)) }
      names = found.sorted()
    }
    var set = LabelSet(classes: names.map { LabelClass($0) })
    for place in places {
      for name in folders(place.folder) {
        let inside = place.folder + "/" + name
        guard let label = names.firstIndex(of: name) else {
          folder.report(inside, "is a folder of no known class")
          continue
        }
        let pictures = YOLOFormat.walk(inside)
        for other in strangers(inside).prefix(20) {
          folder.warn(other, "is no picture (\(Picture.endingsInWords)), left out")
        }
        if pictures.isEmpty { folder.warn(inside, "holds no pictures (\(Picture.endingsInWords))") }
        for picture in pictures {
          set.pictures.append(
            LabeledPicture(
              file: String(picture.dropFirst(path.count + 1)), path: picture, split: place.split,
              label: label))
        }
      }
    }
    guard !set.pictures.isEmpty else {
      throw LabelFolder.failure(path, "holds no folders with pictures")
    }
    set.problems = folder.problems
    return set
  }

  /// Files of a class that are no pictures by their names.
  private static func strangers(_ folder: String) -> [String] {
    LabelFolder.names(folder)
      .filter { !$0.hasPrefix(".") && !PathName.isPicture($0) }.map { folder + "/" + $0 }
      .filter { !FileBytes.isFolder($0) }
  }

  static func folders(_ path: String) -> [String] {
    LabelFolder.names(path).filter { !$0.hasPrefix(".") && FileBytes.isFolder(path + "/" + $0) }
  }
}
