import Foundation
import SakerTensor
import Testing

@testable import SakerData

/// What is written is read back to the same objects, classes, order of classes and splits, or it is
/// refused and nothing is written: for every pair of formats, for splits and names at will.
@Suite("Round trips of labels") struct RoundTripLawTests {
  private static let boxes: [DataFormat] = [
    .voc, .labelImgVOC, .vocSegmentation, .coco, .yolo, .labelImgYOLO, .createML, .csv, .banana,
  ]

  /// The splits of five pictures.
  private static let layouts: [[String?]] = [
    [nil, nil, nil, nil, nil], ["train", "train", "train", "val", "val"],
    ["train", "val", "train", "test", "test"], ["trainval", "trainval", "test", "test", "test"],
    ["fold1", "fold2", "fold1", "fold2", "fold3"],
    ["default", "default", "default", "default", "default"],
    ["obj_train_data", "obj_train_data", "valid", "valid", "valid"],
    ["test", "test", "test", "test", "test"], ["train", nil, "test", nil, "test"],
    ["fold1", nil, nil, "Validation", nil], ["Train", "dev", "Testing", "Train", "dev"],
    ["train2017", "train", "val2017", "val", "train2017"],
    ["b", "a_b", "b", "a_b", "a_b"], ["images", "labels", "annotations", "train", "list"],
    [".hidden", "a/b", "x", "..", " y "], ["names", "nc", "path", "train", "val"],
    ["bananas_train", "train", "VOC2007", "test_a", "obj_a_data"],
  ]

  /// Splits that every format of boxes must take, or may refuse, and only for the reason given.
  private static func mayRefuse(_ layout: [String?], _ format: DataFormat) -> Bool {
    switch layouts.firstIndex(of: layout)! {
    // A format that has obj_train_data for train cannot keep a split of that very name.
    case 6: format == .labelImgYOLO
    // Pictures in no split beside splits have no place in a data YAML.
    case 8, 9: format == .yolo
    // A year belongs to the split in the names of COCO's files.
    case 11: format == .coco
    // a_b would be the list of the class a.
    case 12: format == .voc || format == .vocSegmentation
    // Names of the format's own folders and settings.
    case 13:
      [.labelImgVOC, .labelImgYOLO, .createML, .csv, .banana, .yolo].contains(format)
    // No name of a file.
    case 14: true
    case 15: format == .yolo
    // Prefixes that formats have: bananas_train is train of the banana data, test_a a
    // list of CULane's.
    case 16: format != .yolo
    default: false
    }
  }

  private static func set(
    _ folder: TemporaryFolder, _ splits: [String?], classes: [String] = ["zebra", "30", "ant, red"]
  ) throws -> LabelSet {
    let bytes = try Picture(width: 40, height: 32).encoded(as: .png())
    var set = LabelSet(classes: classes.map { LabelClass($0) })
    for (i, split) in splits.enumerated() {
      // Pictures of one name in different splits must not meet.
      let path = try folder.write(bytes, "source/\(i)/p\(i / 2).png")
      var picture = LabeledPicture(
        file: "p\(i / 2).png", path: path, size: PictureSize(width: 40, height: 32), split: split)
      picture.objects = (0..<i % 4).map { k in
        let left = Double(2 + 12 * k)
        return LabeledObject(
          label: (i + k) % classes.count,
          box: LabelBox(left: left, top: Double(i + 2), right: left + 10, bottom: 30))
      }
      set.pictures.append(picture)
    }
    return set
  }

  /// Splits, and in them the objects of each picture; names of pictures may get numbers.
  private static func content(_ set: LabelSet) -> [String] {
    set.pictures.map { picture in
      let objects = picture.objects.map { object in
        let box = object.box
        let sides = [box.left, box.top, box.right, box.bottom].map { Int(($0 * 10).rounded()) }
        return "\(set.classNames[object.label]) \(sides)"
      }.sorted()
      let split = picture.split.map(SplitName.canonical) ?? "-"
      return "\(split): \(objects.joined(separator: "; "))"
    }.sorted()
  }

  /// Writes and reads; `nil` if it was refused, with nothing written.
  private static func passed(
    _ set: LabelSet, as format: DataFormat, _ path: String, _ what: String
  ) throws -> LabelSet? {
    do {
      try set.write(to: path, as: format, pictures: .link)
    } catch {
      #expect(!FileBytes.exists(path), "\(what): refused, but written")
      #expect("\(error)".contains("is not written as"), "\(what): \(error)")
      return nil
    }
    let back = try LabelSet(path: path)
    let errors = back.problems.filter(\.isError)
    #expect(errors.isEmpty, "\(what): \(errors)")
    return back
  }

  @Test("of boxes, from every format to every format, with splits at will", arguments: layouts)
  func everyPair(_ layout: [String?]) throws {
    let folder = try TemporaryFolder()
    let set = try Self.set(folder, layout)
    let wanted = Self.content(set)
    for first in Self.boxes {
      let start = "\(layout.map { $0 ?? "-" }) as \(first.rawValue)"
      let path = "\(folder.path)/\(first.rawValue)"
      guard let once = try Self.passed(set, as: first, path, start) else {
        #expect(Self.mayRefuse(layout, first), "\(start) is refused")
        continue
      }
      #expect(Self.content(once) == wanted, "\(start)")
      #expect(once.classNames == set.classNames, "\(start)")
      // Every pair with the usual splits; with the others each format with two, in turn.
      let number = Self.boxes.firstIndex(of: first)! + Self.layouts.firstIndex(of: layout)!
      let isUsual = layout == Self.layouts[2] || layout == Self.layouts[8]
      let others = Self.boxes.filter { $0 != first }
      for second in isUsual ? others : [others[number % 8], others[(number + 3) % 8]] {
        let what = "\(start), then \(second.rawValue)"
        guard let twice = try Self.passed(once, as: second, path + "-\(second.rawValue)", what)
        else {
          #expect(Self.mayRefuse(layout, second), "\(what) is refused")
          continue
        }
        #expect(Self.content(twice) == wanted, "\(what)")
        #expect(twice.classNames == set.classNames, "\(what)")
      }
    }
  }

  private static let plainNames = [
    "b", "70", "1", "30", "a,b", "a\"b", "it's", "a: b", "#a", "- a", "no", "1e3", "-1", "~",
    "null",
    "{a}", "*a", "&a", "%a", "😀 café", "香蕉", "مرور", "x/y", "CON", "a<b>&c", "train", "a;b",
    "images",
    "e\u{301}", "a\\b", "a  b", "\"a\"", "a", "0",
  ]

  @Test(
    "of classes of any name",
    arguments: [plainNames]
      + [
        "a\tb", "../up", "a\u{2028}b", "a\u{85}b", " a", "a ", "\ta", "a\nb", "a\r\nb", "a\u{1}b",
        "",
      ]
      .map { ["b", $0, "a", "50"] } + [["b", "\u{FEFF}a"], ["\u{FEFF}a", "b"]])
  func classNames(_ names: [String]) throws {
    let folder = try TemporaryFolder()
    let set = try Self.set(folder, ["train", "train", "val", "val"], classes: names)
    let isPlain = names == Self.plainNames
    for format in Self.boxes {
      let what = "\(names) as \(format.rawValue)"
      guard
        let back = try Self.passed(set, as: format, "\(folder.path)/\(format.rawValue)", what)
      else {
        #expect(!isPlain, "\(what) is refused")
        continue
      }
      #expect(back.classNames == set.classNames, "\(what)")
      #expect(Self.content(back) == Self.content(set), "\(what)")
    }
    for format in [DataFormat.folders, .idx] {
      let what = "\(names) as \(format.rawValue)"
      var labelled = set
      for i in labelled.pictures.indices {
        labelled.pictures[i].objects = []
        labelled.pictures[i].label = i % names.count
      }
      guard
        let back = try Self.passed(labelled, as: format, "\(folder.path)/\(format.rawValue)", what)
      else {
        #expect(!isPlain, "\(what) is refused")
        continue
      }
      #expect(back.classNames == set.classNames, "\(what)")
      func labels(_ set: LabelSet) -> [String] {
        set.pictures.map { "\($0.split ?? "-") \($0.label ?? -1)" }.sorted()
      }
      #expect(labels(back) == labels(labelled), "\(what)")
    }
  }

  @Test("of pictures of any name", arguments: ["a b", " a", "a ", "a\nb", "图 0", "classes", ".a"])
  func pictureNames(_ name: String) throws {
    let folder = try TemporaryFolder()
    var set = try Self.set(folder, ["train", "val"])
    set.pictures[1].file = name + ".png"
    set.pictures[1].path = try folder.write(
      Picture(width: 40, height: 32).encoded(as: .png()), "source/x/\(name).png")
    for format in Self.boxes {
      let what = "'\(name)' as \(format.rawValue)"
      guard
        let back = try Self.passed(set, as: format, "\(folder.path)/\(format.rawValue)", what)
      else { continue }
      #expect(Self.content(back) == Self.content(set), "\(what)")
      #expect(
        back.pictures.contains { $0.name == name || name == "classes" && $0.name == "classes-2" },
        "\(what)")
    }
  }

  @Test("of lanes, and of classes of pictures", arguments: layouts)
  func otherKinds(_ layout: [String?]) throws {
    let folder = try TemporaryFolder()
    var set = try Self.set(folder, layout, classes: ["lane"])
    for i in set.pictures.indices {
      set.pictures[i].rows = [4, 8, 16]
      set.pictures[i].objects = [
        LabeledObject(
          label: 0, box: LabelBox(left: 3, top: 4, right: 9, bottom: 16),
          shape: .line([3, 4, Double(5 + i), 8, 9, 16]))
      ]
    }
    func lanes(_ set: LabelSet) -> [String] {
      set.pictures.map { picture in
        "\(picture.split.map(SplitName.canonical) ?? "-") \(picture.objects.map(\.shape))"
      }.sorted()
    }
    let index = Self.layouts.firstIndex(of: layout)!
    for format in [DataFormat.culane, .tusimple] {
      let what = "\(layout.map { $0 ?? "-" }) as \(format.rawValue)"
      guard let back = try Self.passed(set, as: format, "\(folder.path)/\(format.rawValue)", what)
      else {
        #expect(index > 10 || format == .culane && (8...9).contains(index), "\(what) is refused")
        continue
      }
      #expect(lanes(back) == lanes(set), "\(what)")
    }
    set.classes = ["zebra", "x/y", "ant"].map { LabelClass($0) }
    for i in set.pictures.indices {
      set.pictures[i].label = i % 3
      set.pictures[i].objects = []
    }
    func labels(_ set: LabelSet) -> [String] {
      set.pictures.map { "\($0.split.map(SplitName.canonical) ?? "-") \($0.label!)" }.sorted()
    }
    for format in [DataFormat.folders, .idx] {
      let what = "\(layout.map { $0 ?? "-" }) as \(format.rawValue)"
      guard let back = try Self.passed(set, as: format, "\(folder.path)/\(format.rawValue)", what)
      else {
        #expect(![0, 1, 2, 7, 10].contains(index), "\(what) is refused")
        continue
      }
      #expect(back.classNames == set.classNames && labels(back) == labels(set), "\(what)")
    }
  }

  @Test("equal names of classes are refused by reader and writer")
  func equalNames() throws {
    let folder = try TemporaryFolder()
    let set = try Self.set(folder, ["train"], classes: ["a", "b", "a"])
    for format in DataFormat.allCases {
      let error = #expect(throws: DatasetError.self, "\(format)") {
        try set.write(to: folder.path + "/out", as: format)
      }
      #expect("\(try #require(error))".contains("two classes are called 'a'"))
    }
    try folder.write(
      """
      {"images": [{"id": 1, "file_name": "a.png", "width": 4, "height": 4}],
       "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "cat"}], "annotations": []}
      """, "coco/instances.json")
    let read = try LabelSet(path: folder.path + "/coco", LabelReading(pictures: .unread))
    #expect(
      read.problems.contains {
        $0.isError && $0.message == "gives two classes the name cat, with the ids 1 and 2"
      })
  }

  @Test("labels without their pictures need a size only where the format has one")
  func labelsOnly() throws {
    let folder = try TemporaryFolder()
    var set = try Self.set(folder, ["train", "val"])
    for i in set.pictures.indices {
      set.pictures[i].size = nil
      set.pictures[i].path = folder.path + "/nowhere/\(i).png"
    }
    for format in Self.boxes {
      let path = "\(folder.path)/\(format.rawValue)"
      switch format {
      case .createML, .csv, .banana:
        try set.write(to: path, as: format, pictures: .none)
        var back = try LabelSet(path: path, LabelReading(pictures: .unread))
        #expect(back.classNames == set.classNames && back.splits == ["train", "val"])
        back.pictures.removeAll { $0.objects.isEmpty }
        #expect(back.pictures.map(\.objects.count) == [1])
      default:
        let error = #expect(throws: DatasetError.self, "\(format)") {
          try set.write(to: path, as: format, pictures: .none)
        }
        #expect("\(try #require(error))".contains("has no known size, which"))
        #expect("\(try #require(error))".contains("nowhere/0.png"))
      }
    }
    // A picture that is there tells its size.
    set.pictures[0].path = folder.path + "/source/0/p0.png"
    set.pictures.removeLast()
    try set.write(to: folder.path + "/sized", as: .coco, pictures: .none)
    let back = try LabelSet(path: folder.path + "/sized", LabelReading(pictures: .unread))
    #expect(back.pictures.map(\.size) == [PictureSize(width: 40, height: 32)])
  }
}
