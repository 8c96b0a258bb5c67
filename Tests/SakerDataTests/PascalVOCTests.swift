import Foundation
import SakerTensor
import Testing

@testable import SakerData

private let png = try! noise(width: 40, height: 30, seed: 1).encoded(as: .png(level: 0))

private func box(_ name: String, _ corners: String = "5 5 20 20") -> String {
  let values = corners.split(separator: " ")
  return "<object><name>\(name)</name><bndbox><xmin>\(values[0])</xmin><ymin>\(values[1])</ymin>"
    + "<xmax>\(values[2])</xmax><ymax>\(values[3])</ymax></bndbox></object>"
}

private func xml(
  _ filename: String?, _ objects: String,
  size: String = "<size><width>40</width><height>30</height></size>"
) -> String {
  let name = filename.map { "<filename>\($0)</filename>" } ?? ""
  return "<annotation>\n\(name)\n\(size)\n\(objects)\n</annotation>\n"
}

@Suite struct PascalVOCTests {
  // MARK: One reader

  /// Sets with one thing in them that may be wrong: what `check` passes, training starts with, and
  /// the reverse.
  private static let sets: [String: @Sendable (TemporaryFolder) throws -> Void] = [
    "good": { _ in },
    "no size": { try $0.write(xml("b.png", box("cat"), size: ""), "Annotations/b.xml") },
    "size 0x0": {
      try $0.write(
        xml("b.png", box("cat"), size: "<size><width>0</width><height>0</height></size>"),
        "Annotations/b.xml")
    },
    "size of words": {
      try $0.write(
        xml("b.png", box("cat"), size: "<size><width>wide</width></size>"), "Annotations/b.xml")
    },
    "other size": {
      try $0.write(
        xml("b.png", box("cat"), size: "<size><width>30</width><height>40</height></size>"),
        "Annotations/b.xml")
    },
    "inverted": { try $0.write(xml("b.png", box("cat", "9 9 5 20")), "Annotations/b.xml") },
    "inverted by one": { try $0.write(xml("b.png", box("cat", "9 9 8 20")), "Annotations/b.xml") },
    "empty box": { try $0.write(xml("b.png", box("cat", "9 9 9 9")), "Annotations/b.xml") },
    "outside": { try $0.write(xml("b.png", box("cat", "1 1 60 20")), "Annotations/b.xml") },
    "a pixel outside": { try $0.write(xml("b.png", box("cat", "0 0 41 31")), "Annotations/b.xml") },
    "no number": { try $0.write(xml("b.png", box("cat", "1 x 20 20")), "Annotations/b.xml") },
    "no name": { try $0.write(xml("b.png", "<object/>"), "Annotations/b.xml") },
    "no filename": { try $0.write(xml(nil, box("cat")), "Annotations/b.xml") },
    "other case": { try $0.write(xml("B.PNG", box("cat")), "Annotations/b.xml") },
    "other picture": { try $0.write(xml("nowhere.png", box("cat")), "Annotations/c.xml") },
    "twice": { try $0.write(xml("a.png", box("cat")), "Annotations/b.xml") },
    "not XML": { try $0.write("hello", "Annotations/b.xml") },
    "zero bytes": { try $0.write("", "Annotations/b.xml") },
    "background": { try $0.write(xml("b.png", ""), "Annotations/b.xml") },
    "no object at all": {
      for name in ["a", "b"] { try $0.write(xml("\(name).png", ""), "Annotations/\(name).xml") }
    },
    "broken picture": { try $0.write("no picture", "JPEGImages/b.png") },
    "unknown class": { try $0.write("dog\n", "classes.txt") },
    "class twice": { try $0.write("cat\ncat\n", "classes.txt") },
    "list of nothing": { try $0.write("a\nnowhere\n", "ImageSets/Main/train.txt") },
    "empty list": { try $0.write("", "ImageSets/Main/train.txt") },
    "lists": {
      try $0.write("a\n", "ImageSets/Main/train.txt")
      try $0.write("b\n", "ImageSets/Main/val.txt")
    },
    "a picture in both": {
      try $0.write("a\nb\n", "ImageSets/Main/train.txt")
      try $0.write("b\n", "ImageSets/Main/val.txt")
    },
    "stray picture": { try $0.write(png, "JPEGImages/c.png") },
    "hidden": { try $0.write("Mac OS X", "Annotations/._a.xml") },
    "no pictures": { try FileManager.default.removeItem(atPath: $0.path + "/JPEGImages") },
  ]

  @Test(arguments: PascalVOCTests.sets.keys.sorted())
  func whatCheckPassesTrainingStartsWith(_ what: String) throws {
    let folder = try TemporaryFolder()
    for name in ["a", "b"] {
      try folder.write(png, "JPEGImages/\(name).png")
      try folder.write(xml("\(name).png", box("cat")), "Annotations/\(name).xml")
    }
    try PascalVOCTests.sets[what]!(folder)
    func isFine(_ body: () throws -> Bool) -> Bool { (try? body()) ?? false }
    let passes = isFine {
      let set = try LabelSet(path: folder.path, LabelReading(pictures: .full))
      return !(set.problems + set.check()).contains { $0.severity == .error }
    }
    let splits = DetectionDataset.splits(ofData: folder.path)
    let starts = isFine {
      for split in splits.isEmpty ? [nil] : splits.map(Optional.some) {
        _ = try DetectionDataset(data: folder.path, split: split)
      }
      return true
    }
    let startsWithAll = isFine {
      _ = try DetectionDataset(data: folder.path)
      return true
    }
    #expect(passes == starts && passes == startsWithAll)
    let good = [
      "good", "no size", "size 0x0", "size of words", "empty box", "a pixel outside", "no filename",
      "other case", "background", "lists", "a picture in both", "stray picture", "hidden",
    ]
    #expect(passes == good.contains(what))
  }

  /// Two splits with one picture: a leak that is told, not an error.
  @Test func aPictureInTwoListsStaysInTheFirst() throws {
    let folder = try TemporaryFolder()
    for name in ["a", "b"] {
      try folder.write(png, "JPEGImages/\(name).png")
      try folder.write(xml("\(name).png", box("cat")), "Annotations/\(name).xml")
    }
    try PascalVOCTests.sets["a picture in both"]!(folder)
    let set = try LabelSet(path: folder.path)
    #expect(set.pictures.map(\.split) == ["train", "train"])
    #expect(set.problems.map(\.severity) == [.warning])
    #expect(set.problems.first?.message.contains("b is in train") == true)
    #expect(set.account()?.splits.leftOut.map(\.file) == ["val"])
  }

  // MARK: Layouts

  @Test(arguments: [
    ("annotations", "images"), ("Annotations", "Images"), ("annotation", "image"),
    ("annotations/xmls", "images"), ("xmls", "JPEGImages"), ("labels", "images"),
    ("LABEL", "IMGS"), ("VOCdevkit/VOC2007/Annotations", "VOCdevkit/VOC2007/JPEGImages"),
  ])
  func foldersGoByManyNames(annotations: String, images: String) throws {
    let folder = try TemporaryFolder()
    for name in ["a", "b"] {
      try folder.write(png, "\(images)/\(name).png")
      try folder.write(xml("\(name).png", box("cat")), "\(annotations)/\(name).xml")
    }
    try folder.write(png, "\(images)/stray.png")
    #expect(try DataFormat.detect(folder.path) == .voc)
    let data = try DetectionDataset(data: folder.path)
    #expect(data.items.count == 2 && data.boxCount == 2 && data.problems.isEmpty)
    let account = try #require(LabelSet(path: folder.path).account())
    #expect(account.pictures.used == 2 && account.labels.used == 2)
    #expect(account.pictures.leftOut.map(\.reason) == ["has no annotation file"])
  }

  @Test func foldersOfSplitsLieInsideBoth() throws {
    let folder = try TemporaryFolder()
    for (split, name) in [("train", "a"), ("train", "b"), ("val", "a")] {
      try folder.write(png, "images/\(split)/\(name).png")
      try folder.write(xml("\(name).png", box("cat")), "annotations/\(split)/\(name).xml")
    }
    let set = try LabelSet(path: folder.path)
    #expect(set.format == .voc && set.pictures.count == 3 && set.splits == ["train", "val"])
    #expect(set.pictures.last?.file == "val/a.png")
    #expect(try DataFormat.splits(folder.path) == ["train", "val"])
    #expect(try DetectionDataset(data: folder.path, split: "val").items.count == 1)
  }

  /// Not every folder of that name holds VOC's.
  @Test func textAndJSONInAnnotationsAreOthers() throws {
    let folder = try TemporaryFolder()
    try folder.write(png, "images/train/a.png")
    try folder.write("0 .5 .5 .1 .1\n", "labels/train/a.txt")
    #expect(try DataFormat.detect(folder.path) == .yolo)
    let other = try TemporaryFolder()
    try other.write(png, "images/a.png")
    try other.write("{\"images\": [], \"annotations\": []}", "annotations/instances.json")
    #expect(try DataFormat.detect(other.path) == .coco)
  }

  @Test func everySplitIsReadTogether() throws {
    let folder = try TemporaryFolder()
    for (split, name) in [("train", "a"), ("train", "b"), ("val", "c")] {
      try folder.write(png, "\(split)/\(name).png")
      try folder.write(xml("\(name).png", box("cat")), "\(split)/\(name).xml")
    }
    #expect(try DetectionDataset(data: folder.path).items.map(\.name) == ["a", "b", "c"])
  }

  // MARK: Lists

  @Test func listsThatDivideAreSplitsAndOthersAreNamed() throws {
    let folder = try TemporaryFolder()
    for name in ["a", "b", "c", "d"] {
      try folder.write(png, "JPEGImages/\(name).png")
      try folder.write(xml("\(name).png", box("cat")), "Annotations/\(name).xml")
    }
    try folder.write("a\nb\n", "ImageSets/Main/trainval.txt")
    try folder.write("c\n", "ImageSets/Main/test.txt")
    try folder.write("a 1\nb -1\n", "ImageSets/Main/cat_trainval.txt")
    let set = try LabelSet(path: folder.path)
    #expect(set.pictures.map(\.split) == ["trainval", "trainval", "test", nil])
    #expect(set.problems.isEmpty)
    let account = try #require(set.account())
    #expect(account.usedSplits.sorted() == ["test", "trainval"])
    #expect(account.splits.leftOut.map(\.file) == ["cat_trainval"])
    #expect(account.splits.leftOut.map(\.reason) == ["is a list of one class"])
    // With train and val a union adds nothing.
    try folder.write("a\n", "ImageSets/Main/train.txt")
    try folder.write("b\n", "ImageSets/Main/val.txt")
    let divided = try LabelSet(path: folder.path)
    #expect(divided.pictures.map(\.split) == ["train", "val", "test", nil])
    #expect(divided.problems.isEmpty)
    #expect(divided.unreadSplits["trainval"] == "all its pictures are in train, val")
    let union = try LabelSet(path: folder.path, LabelReading(split: "trainval"))
    let ofUnion = try #require(union.account())
    #expect(ofUnion.pictures.used == 2 && ofUnion.pictures.found == 4)
    #expect(
      ofUnion.pictures.reasons.map(\.reason).sorted() == [
        "is in no split", "is in the split test, which is not used",
      ])
  }

  /// The words of splits mean the same for lists, for folders and when they are asked for.
  @Test func splitsGoByAnyUsualName() throws {
    let (lists, folders) = (try TemporaryFolder(), try TemporaryFolder())
    for (split, name) in [("Training", "a"), ("valid", "b"), ("Testing", "c")] {
      try lists.write(png, "JPEGImages/\(name).png")
      try lists.write(xml("\(name).png", box("cat")), "Annotations/\(name).xml")
      try lists.write("\(name)\n", "ImageSets/Main/\(split).txt")
      try folders.write(png, "\(split)/\(name).png")
      try folders.write(xml("\(name).png", box("cat")), "\(split)/\(name).xml")
    }
    for path in [lists.path, folders.path] {
      #expect(try DataFormat.splits(path) == ["test", "train", "val"])
      let set = try LabelSet(path: path)
      #expect(Set(set.splits) == ["train", "val", "test"] && set.problems.isEmpty)
      for word in ["dev", "VAL", "validation", "valid"] {
        #expect(try DetectionDataset(data: path, split: word).items.map(\.name) == ["b"])
      }
      #expect(try #require(set.account()).isWhole)
    }
  }

  // MARK: Names of pictures

  @Test(arguments: [
    ("a.JPG", "a.png", true), ("A.png", "a.png", true), ("A", "a.png", true),
    ("DSC_1.jpg", "b.png", true), ("a", "a.png", false), ("a.png", "a.png", false),
  ])
  func theOnlyPictureThatCanBeMeantIsTaken(stated: String, there: String, isTold: Bool) throws {
    let folder = try TemporaryFolder()
    try folder.write(png, there)
    try folder.write(xml(stated, box("cat")), "b.xml")
    let set = try LabelSet(path: folder.path)
    #expect(set.pictures.map(\.path) == [folder.path + "/" + there])
    #expect(set.problems.map(\.severity) == (isTold ? [.warning] : []), "\(set.problems)")
    let data = try DetectionDataset(data: folder.path)
    #expect(data.items.count == 1)
    #expect(try #require(set.account()).isWhole)
  }

  @Test func whereTwoCanBeMeantNoneIs() throws {
    let folder = try TemporaryFolder()
    try folder.write(png, "a.png")
    try folder.write(try noise(width: 40, height: 30, seed: 1).encoded(as: .jpeg()), "a.jpeg")
    try folder.write(xml("A.JPG", box("cat")), "b.xml")
    let set = try LabelSet(path: folder.path)
    #expect(
      set.problems.first?.message.contains("but a.jpeg, a.png are") == true, "\(set.problems)")
  }

  // MARK: Classes

  @Test func proposedClassesGiveTheOrder() throws {
    let folder = try TemporaryFolder()
    for (name, kind) in [("a", "cat"), ("b", "dog"), ("c", "ape")] {
      try folder.write(png, "images/\(name).png")
      try folder.write(xml("\(name).png", box(kind)), "annotations/\(name).xml")
    }
    try folder.write("dog\nperson\ncat\n", "predefined_classes.txt")
    let set = try LabelSet(path: folder.path)
    #expect(set.classNames == ["dog", "person", "cat", "ape"])
    #expect(set.problems.map(\.severity) == [.warning])
    #expect(set.problems.first?.message.contains("the classes ape") == true)
    // labelImg's own list names none of them.
    try folder.write("person\nsofa\n", "predefined_classes.txt")
    #expect(try LabelSet(path: folder.path).classNames == ["ape", "cat", "dog"])
  }
}
