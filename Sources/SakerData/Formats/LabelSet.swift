/// Pictures and everything marked in them, in the order of the files: what all formats are read
/// into and written from.
public struct LabelSet: Sendable {
  /// In the order the files give them; the order decides the labels.
  public var classes: [LabelClass]
  public var pictures: [LabeledPicture]
  /// What was wrong with the files while they were read. What the files state wrongly is
  /// found by `check`.
  public var problems: [DataProblem]
  /// Where it was read from.
  public var format: DataFormat?
  /// Whether boxes of pictures without a size are in fractions of it, beyond the formats
  /// that always count so.
  var isInFractions = false
  /// Where pictures are kept in one file (IDX), that file.
  public var archive: IDXFile?
  /// What COCO's files say of themselves and of licences: JSON values, an object and a list.
  public var info, licenses: String?
  /// The folder or file it was read from; `nil` for a set that was made.
  public internal(set) var place: String?
  /// How it was read.
  public internal(set) var reading: LabelReading?
  /// Files that the reader met and did not take, with the reason, by path: `account()` tells them.
  public var leftOut: [String: String] = [:]
  /// Splits that are there and were not read, with the reason, by name.
  public var unreadSplits: [String: String] = [:]
  /// Classes that were known before names were found beyond them; `nil` where all are.
  var listedClasses: Int?
  /// Folders in which the reader searched for files of labels, where it tried other places than the
  /// usual one.
  public var searched: [String] = []

  public init(
    classes: [LabelClass] = [], pictures: [LabeledPicture] = [], problems: [DataProblem] = [],
    format: DataFormat? = nil
  ) {
    self.classes = classes
    self.pictures = pictures
    self.problems = problems
    self.format = format
  }

  public var classNames: [String] { classes.map(\.name) }
  public var objectCount: Int { pictures.reduce(0) { $0 + $1.objects.count } }

  /// Names of the splits in it, in order of appearance.
  public var splits: [String] {
    var (names, seen): ([String], Set<String>) = ([], [])
    for picture in pictures {
      if let split = picture.split, seen.insert(split).inserted { names.append(split) }
    }
    return names
  }

  /// The part of one split.
  public func split(_ name: String) -> LabelSet {
    var part = self
    part.pictures = pictures.filter { $0.split == name }
    return part
  }

  /// Objects of each class; labels beyond the classes are not counted.
  public var countsByClass: [Int] {
    var counts = [Int](repeating: 0, count: classes.count)
    for picture in pictures {
      for object in picture.objects where classes.indices.contains(object.label) {
        counts[object.label] += 1
      }
    }
    return counts
  }

  /// Whether a picture's boxes are in fractions of its size, which is unknown.
  func hasFractions(_ picture: LabeledPicture) -> Bool {
    picture.size == nil && (isInFractions || format == .yolo || format == .labelImgYOLO)
  }

  /// Decodes a picture.
  ///
  /// - Throws: `PictureError`.
  public func picture(at index: Int) throws -> Picture {
    if let archive { return try archive.picture(at: pictures[index].archiveIndex ?? index) }
    return try Picture(file: pictures[index].path)
  }
}

/// A class of objects, and what COCO says of it.
public struct LabelClass: Hashable, Sendable {
  public var name: String
  /// COCO's number, which may leave gaps; `nil` in other formats.
  public var id: Int?
  /// The group it belongs to.
  public var supercategory: String?
  public var keyPointNames: [String]
  /// Pairs of key points that a line connects, from 1.
  public var skeleton: [[Int]]

  public init(
    _ name: String, id: Int? = nil, supercategory: String? = nil, keyPointNames: [String] = [],
    skeleton: [[Int]] = []
  ) {
    self.name = name
    self.id = id
    self.supercategory = supercategory
    self.keyPointNames = keyPointNames
    self.skeleton = skeleton
  }
}

/// A picture of a set.
public struct LabeledPicture: Hashable, Sendable {
  /// As the annotations name it: a path inside the folder of pictures.
  public var file: String
  /// Where it lies. It may be missing: then `problems` says so.
  public var path: String
  /// Of the upright picture, as the annotations state it, else as its file has it. While it is
  /// `nil`, boxes of formats that count in fractions stay fractions.
  public var size: PictureSize?
  /// train, val, test, ...
  public var split: String?
  /// The number that COCO gives it.
  public var id: Int?
  /// The class of the picture as a whole, an index into the classes; for classification.
  public var label: Int?
  public var objects: [LabeledObject]
  /// The file its annotations stand in; empty if there is none: a background.
  public var source: String
  /// The line it begins in, from 1; 0 where lines mean nothing.
  public var line: Int32
  /// The line that states its size, from 1; 0 where lines mean nothing.
  public var sizeLine: Int32 = 0
  /// What else the file says: `database`, `verified`, ...
  public var attributes: [String: String]
  /// Rows (y) at which TuSimple samples lanes.
  public var rows: [Double]
  /// Its place in the set's archive, from 0.
  public var archiveIndex: Int?
  /// The number of its licence in the set's list.
  public var license: Int?

  public init(
    file: String, path: String, size: PictureSize? = nil, split: String? = nil, id: Int? = nil,
    label: Int? = nil, objects: [LabeledObject] = [], source: String = "", line: Int32 = 0,
    attributes: [String: String] = [:], rows: [Double] = []
  ) {
    self.file = file
    self.path = path
    self.size = size
    self.split = split
    self.id = id
    self.label = label
    self.objects = objects
    self.source = source
    self.line = line
    self.attributes = attributes
    self.rows = rows
  }

  /// Its name without folders and extension.
  public var name: String { PathName.stem(PathName.last(file)) }
}
