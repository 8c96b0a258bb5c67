import Foundation
import Testing

@testable import SakerData

// One meaning of split names, and of files that are never data, in every format.

@Test(arguments: [
  ("train", "train"), ("Training", "train"), ("TRAIN", "train"), ("val", "val"), ("valid", "val"),
  ("Validation", "val"), ("dev", "val"), ("test", "test"), ("testing", "test"),
  ("fold1", "fold1"), ("trainval", "trainval"), ("Fold", "Fold"),
])
func splitNamesMeanWhatTheySay(_ name: String, _ split: String) {
  #expect(SplitName.canonical(name) == split)
}

/// A set of three pictures with the splits `train` and one of another name, which means `val`; the
/// objects' classes are `a` or `b`.
private func set(
  _ format: DataFormat, _ val: String, in whole: TemporaryFolder, _ base: String = "."
) throws {
  struct Place {
    let whole: TemporaryFolder
    let path: String
    func write(_ bytes: [UInt8], _ name: String) throws { try whole.write(bytes, path + name) }
    func write(_ text: String, _ name: String) throws { try whole.write(text, path + name) }
  }
  let folder = Place(whole: whole, path: base + "/")
  let png = try Picture(width: 20, height: 10).encoded(as: .png())
  func voc(_ name: String, label: String) -> String {
    "<annotation><filename>\(name)</filename><size><width>20</width><height>10</height></size>"
      + "<object><name>\(label)</name><bndbox><xmin>3</xmin><ymin>2</ymin><xmax>8</xmax><ymax>7</ymax>"
      + "</bndbox></object></annotation>"
  }
  for (split, name) in [("train", "0"), ("train", "1"), (val, "2")] {
    let label = name == "1" ? "b" : "a"
    switch format {
    case .voc:
      try folder.write(png, "JPEGImages/\(name).png")
      try folder.write(voc("\(name).png", label: label), "Annotations/\(name).xml")
      let list = "\(whole.path)/\(base)/ImageSets/Main/\(split).txt"
      let before = (try? String(contentsOfFile: list, encoding: .utf8)) ?? ""
      try folder.write(before + name + "\n", "ImageSets/Main/\(split).txt")
    case .labelImgVOC:
      try folder.write(png, "\(split)/\(name).png")
      try folder.write(voc("\(name).png", label: label), "\(split)/\(name).xml")
    case .yolo, .labelImgYOLO:
      let isFlat = format == .labelImgYOLO
      try folder.write(png, isFlat ? "\(split)/\(name).png" : "images/\(split)/\(name).png")
      try folder.write(
        "\(label == "a" ? 0 : 1) 0.25 0.4 0.3 0.6\n",
        isFlat ? "\(split)/\(name).txt" : "labels/\(split)/\(name).txt")
      try folder.write("a\nb\n", "classes.txt")
    case .folders:
      try folder.write(png, "\(split)/\(label)/\(name).png")
    default: Issue.record("no set of \(format)")
    }
  }
}

@Test(
  arguments: [DataFormat.voc, .labelImgVOC, .yolo, .labelImgYOLO, .folders],
  ["valid", "validation", "dev", "Val"])
func everyFormatReadsEveryNameOfASplit(_ format: DataFormat, _ name: String) throws {
  let folder = try TemporaryFolder()
  try set(format, name, in: folder)
  let read = try LabelSet(path: folder.path)
  #expect(read.format == format)
  #expect(read.problems.isEmpty, "\(read.problems)")
  #expect(read.classNames == ["a", "b"])
  #expect(read.pictures.map(\.name).sorted() == ["0", "1", "2"])
  #expect(Set(read.splits) == ["train", "val"])
  #expect(read.split("val").pictures.map(\.name) == ["2"])
  #expect(try DataFormat.splits(folder.path) == ["train", "val"])
  // The command line's word for it may be any.
  for wanted in ["val", "valid", "dev"] {
    let part = try LabelSet(path: folder.path, LabelReading(split: wanted))
    #expect(part.pictures.map(\.name) == ["2"])
  }
}

@Test(arguments: [DataFormat.labelImgVOC, .yolo, .labelImgYOLO, .folders])
func twoNamesOfOneSplitAreReadTogetherAndSaid(_ format: DataFormat) throws {
  let folder = try TemporaryFolder()
  try set(format, "valid", in: folder)
  let source = format == .yolo ? "images/valid" : "valid"
  for place in format == .yolo ? [source, "labels/valid"] : [source] {
    let other = place.replacingOccurrences(of: "valid", with: "val")
    try FileManager.default.copyItem(
      atPath: folder.path + "/" + place, toPath: folder.path + "/" + other)
  }
  let read = try LabelSet(path: folder.path)
  #expect(read.split("val").pictures.count == 2)
  #expect(read.problems.count == 1)
  #expect(read.problems.first?.message.contains("val, valid mean the same split") == true)
}

@Test(arguments: [DataFormat.voc, .labelImgVOC, .yolo, .labelImgYOLO, .folders])
func whatSystemsLeaveIsNoData(_ format: DataFormat) throws {
  let folder = try TemporaryFolder()
  try set(format, "val", in: folder)
  let before = try LabelSet(path: folder.path)
  for place in try FileManager.default.subpathsOfDirectory(atPath: folder.path) + ["."] {
    let path = folder.path + "/" + place
    guard FileBytes.isFolder(path) else {
      // What macOS puts into archives beside each file.
      try folder.write([0, 5, 22, 7], PathName.folder(place) + "/._" + PathName.last(place))
      continue
    }
    for name in [".DS_Store", "Thumbs.db", "desktop.ini", ".ipynb_checkpoints/0-checkpoint.png"] {
      try folder.write([1, 2, 3], place + "/" + name)
    }
  }
  try folder.write([1, 2, 3], "__MACOSX/train/._0.png")
  try folder.write([1, 2, 3], "__MACOSX/x.png")
  let after = try LabelSet(path: folder.path)
  #expect(after.format == format)
  #expect(after.problems.isEmpty, "\(after.problems)")
  #expect(after.pictures == before.pictures && after.classes == before.classes)
}

// MARK: Paths

/// Objects and names must not depend on how a set is named, a folder or a file.
@Test(arguments: DataFormat.allCases)
func aSetIsTheSameByAnyPath(_ format: DataFormat) throws {
  let folder = try TemporaryFolder()
  // The set lies below a folder called images, which says nothing of it.
  let place = folder.path + "/images/x"
  var file = ""
  switch format {
  case .voc, .labelImgVOC, .yolo, .labelImgYOLO, .folders:
    try set(format, "val", in: folder, "images/x")
    guard format == .yolo else { break }
    file = "/data.yaml"
    try folder.write(
      "path: .\ntrain: images/train\nval: images/val\nnames: [a, b]\n", "images/x" + file)
  default:
    try sample(for: format, folder).write(to: place, as: format)
    file =
      switch format {
      case .coco: "/annotations/instances_train.json"
      case .createML: "/train/_annotations.createml.json"
      case .csv: "/train/label.csv"
      case .banana: "/bananas_train/label.csv"
      case .idx: "/train-images-idx4-ubyte"
      case .culane: "/list/train.txt"
      case .tusimple: "/label_data_train.json"
      default: ""
      }
  }
  try FileManager.default.createSymbolicLink(
    atPath: folder.path + "/link", withDestinationPath: place)
  // The working folder is the process's own: relative paths lead there from the root.
  let here = FileManager.default.currentDirectoryPath
  let up = here.split(separator: "/").map { _ in ".." }.joined(separator: "/")
  let ways = [
    place, place + "/", folder.path + "/link", folder.path + "/images/../images/x",
    folder.path + "/./images//x", up + place, "./" + up + place + "/",
  ]
  for end in file.isEmpty ? [""] : ["", file] {
    let ways = ways.map { PathName.trimmed($0) + end }
    let sets = try ways.map { try LabelSet(path: $0) }
    #expect(end.isEmpty ? sets[0].pictures.count == 3 : !sets[0].pictures.isEmpty)
    #expect(sets[0].pictures.allSatisfy { !$0.objects.isEmpty || $0.label != nil })
    for (set, way) in zip(sets, ways) {
      #expect(set.format == sets[0].format && set.classes == sets[0].classes, "\(way)")
      #expect(set.problems.isEmpty, "\(way): \(set.problems)")
      #expect(set.pictures.map(\.file) == sets[0].pictures.map(\.file), "\(way)")
      #expect(set.pictures.map(\.split) == sets[0].pictures.map(\.split), "\(way)")
      #expect(set.pictures.map(\.label) == sets[0].pictures.map(\.label), "\(way)")
      #expect(set.pictures.map(\.objects) == sets[0].pictures.map(\.objects), "\(way)")
      let (mine, first) = (try #require(set.account()), try #require(sets[0].account()))
      #expect(mine.pictures.used == first.pictures.used, "\(way): \(mine)")
      #expect(mine.pictures.found == first.pictures.found, "\(way): \(mine)")
      #expect(mine.labels.found == first.labels.found, "\(way): \(mine)")
      #expect(mine.usedSplits == first.usedSplits, "\(way): \(mine)")
    }
  }
}

// MARK: Links

@Test func loopsOfLinksAreEnteredOnce() throws {
  let folder = try TemporaryFolder()
  for format in [DataFormat.yolo, .folders] {
    let inner = folder.path + "/" + format.rawValue
    try set(format, "val", in: folder, format.rawValue)
    let inside = format == .yolo ? "images/train" : "train/a"
    for (link, target) in [("\(inside)/loop", "../.."), ("\(inside)/self", "."), ("again", ".")] {
      try FileManager.default.createSymbolicLink(
        atPath: inner + "/" + link, withDestinationPath: target)
    }
    let read = try LabelSet(path: inner)
    #expect(read.pictures.count == 3 && read.classNames == ["a", "b"])
    #expect(Set(read.splits) == ["train", "val"])
    let said = read.problems.filter { $0.message.contains("by a link") }
    #expect(said.count == 3, "\(read.problems)")
  }
}
