/// What the names of splits mean: the same in every format, on the command line and in the library.
public enum SplitName {
  private static let meanings = [
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val",
    "dev": "val", "test": "test", "testing": "test",
  ]

  /// `train`, `val` or `test` for the usual names, in any case (`Training`, `valid`, `dev`, ...);
  /// `nil` for others.
  static func known(_ name: String) -> String? { meanings[name.lowercased()] }

  /// The split that a name means: `train`, `val` or `test`, or the name itself (`fold1`,
  /// `trainval`).
  public static func canonical(_ name: String) -> String { known(name) ?? name }

  /// The split that a word of a file's name tells: `train` for `instances_train2017.json`; `nil`
  /// without one.
  static func told(by file: String) -> String? {
    let words = PathName.last(file).split { !$0.isLetter }.compactMap { known(String($0)) }
    return ["train", "val", "test"].first(where: words.contains)
  }
}

extension LabelFolder {
  /// The split that each name means; names that mean the same one are read into it together, with a
  /// warning.
  ///
  /// - Parameter place: the file or folder that the names stand in.
  @discardableResult
  mutating func splits(_ names: [String], in place: String) -> [(name: String, split: String)] {
    let splits = names.map { (name: $0, split: SplitName.canonical($0)) }
    for (split, group) in Dictionary(grouping: splits, by: \.split).sorted(by: { $0.key < $1.key })
    where Set(group.map(\.name)).count > 1 {
      let names = group.map { ByteText.shown($0.name) }.joined(separator: ", ")
      warn(place, "\(names) mean the same split, and are read together as \(split)")
    }
    return splits
  }
}
