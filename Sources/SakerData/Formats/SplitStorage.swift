/// How each format keeps the names of splits, and how its reader has them back: what is written and
/// what is read asks here.
enum SplitStorage {
  /// What a format calls a split.
  enum Place {
    /// A folder for each split; pictures in none lie beside the folders.
    case folders
    /// A list of pictures for each split, which is named by no file's words.
    case lists
    /// A file of annotations for each split, with the split behind the prefix.
    case files(prefix: String)
    /// A key of the data YAML.
    case keys
  }

  static func place(_ format: DataFormat) -> Place {
    switch format {
    case .voc, .vocSegmentation, .culane: .lists
    case .coco: .files(prefix: "instances_")
    case .tusimple: .files(prefix: "label_data_")
    case .yolo: .keys
    case .labelImgVOC, .labelImgYOLO, .createML, .csv, .banana, .folders, .idx: .folders
    }
  }

  /// The split that a file of annotations or a list tells: `train` for `instances_train2017.json`
  /// and `test0_normal.txt`, `fold1` for `instances_fold1.json`; without one of the prefixes only
  /// the usual names count.
  static func ofFile(_ file: String, prefixes: [String] = ["instances_", "label_data_"]) -> String?
  {
    let stem = PathName.stem(PathName.last(file))
    guard let prefix = prefixes.first(where: stem.hasPrefix) else {
      return SplitName.told(by: stem)
    }
    let rest = String(stem.dropFirst(prefix.count))
    return rest.isEmpty || rest.allSatisfy(\.isNumber) ? nil : ofName(rest)
  }

  /// The split that a name stands for whose first word may be a usual one (`val2017`, `train_gt`);
  /// else the name itself.
  static func ofName(_ name: String) -> String {
    if let known = SplitName.known(name) { return known }
    let first = name.prefix(while: \.isLetter)
    return SplitName.known(String(first)) ?? name
  }

  /// The split that a folder stands for; the banana data's have a prefix.
  static func ofFolder(_ name: String) -> String {
    let own = "bananas_"
    return SplitName.canonical(name.hasPrefix(own) ? String(name.dropFirst(own.count)) : name)
  }

  // MARK: What cannot be kept

  /// Folders that formats have for other things, in small letters.
  private static let reserved: Set<String> = [
    "images", "image", "labels", "label", "annotations", "annotation", "annots", "annot", "xmls",
    "xml", "jpegimages", "imagesets", "segmentationclass", "segmentationobject", "masks", "list",
    "clips", "imgs", "img", "pictures", "pics", "photos", "vocdevkit",
  ]

  /// Why a format can't keep the splits of a set so that they are read back; empty if it can.
  static func problems(_ set: LabelSet, _ format: DataFormat) -> [String] {
    let splits = Set(set.splits.map(SplitName.canonical)).sorted()
    let loose = set.pictures.count { $0.split == nil }
    var problems = splits.compactMap { problem($0, splits, format) }
    let mustDivide =
      switch format {
      case .yolo, .folders, .culane: true
      default: false
      }
    if mustDivide, loose > 0, !splits.isEmpty {
      problems.append(
        "\(loose) picture\(loose == 1 ? " is" : "s are") in no split beside the splits "
          + "\(splits.map { ByteText.shown($0) }.joined(separator: ", ")), which \(format.title) has no "
          + "place for; convert each split with --split, or divide the set anew with saker data split"
      )
    }
    return problems
  }

  private static func problem(_ split: String, _ all: [String], _ format: DataFormat) -> String? {
    let shown = "the split \(ByteText.shown(split))"
    guard isFileName(split) else {
      return "\(shown) cannot be the name of a file or folder"
    }
    switch place(format) {
    case .lists where format == .culane:
      return ofName(split) == split ? nil : "\(shown) would be read back as \(ofName(split))"
    case .lists:
      // A list of one class is called after the class and the list it divides.
      let end = split.lastIndex(of: "_").map { String(split[split.index(after: $0)...]) }
      return end.map(all.contains) == true
        ? "\(shown) would be taken for a class's list of the split \(end!)" : nil
    case .files(let prefix):
      let back = ofFile(prefix + split + ".json")
      return back == split
        ? nil : "\(shown) would be read back as \(back.map { ByteText.shown($0) } ?? "none")"
    case .keys:
      return YOLODataFile.options.contains(split) || reserved.contains(split.lowercased())
        ? "\(shown) has the name of a setting of the data YAML" : nil
    case .folders where format == .folders || format == .idx:
      return SplitName.known(split) == nil
        ? "\(shown) is none of train, val and test, which are what \(format.title) has" : nil
    case .folders:
      if reserved.contains(split.lowercased()) || split.lowercased().hasPrefix("voc") {
        return "\(shown) has the name of a folder that the format has for other things"
      }
      let folder = format == .banana ? "bananas_" + split : split
      let isRenamed = ofFolder(folder) != split || format == .labelImgYOLO && isDarknet(split)
      return isRenamed ? "\(shown) would be read back by another name" : nil
    }
  }

  /// CVAT's folder of train is called `obj_train_data`.
  private static func isDarknet(_ name: String) -> Bool {
    name.hasPrefix("obj_") && name.hasSuffix("_data")
  }

  /// Whether a file or folder can be called so, and is not one that is never data.
  static func isFileName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 200 && !PathName.isHidden(name)
      && !name.contains { $0 == "/" || $0 == "\\" || $0.isNewline || $0 == "\0" }
      && !name.hasPrefix(" ") && !name.hasSuffix(" ")
  }
}
