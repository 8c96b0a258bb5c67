import Foundation
import SakerTensor
import Testing

@testable import SakerData

// The law: pictures found = used + left out with a reason; so with files of labels, and with
// splits.

/// The folder that holds a picture of the set.
private func home(_ set: LabelSet) -> String { PathName.folder(set.pictures[0].path) }

private func add(_ bytes: [UInt8], _ path: String) throws {
  try FileManager.default.createDirectory(
    atPath: PathName.folder(path), withIntermediateDirectories: true)
  try Data(bytes).write(to: URL(fileURLWithPath: path))
}

/// A file of labels without a picture, in the words of a format, where the reader meets it or
/// beside; `nil` where a format has none.
private func strayLabel(_ format: DataFormat, _ set: LabelSet) -> (path: String, text: String)? {
  let first = set.pictures[0].source
  let beside = PathName.folder(first)
  let box = "<annotation><size><width>9</width><height>9</height></size></annotation>"
  return switch format {
  case .voc, .labelImgVOC: (beside + "/stray.xml", box)
  case .yolo, .labelImgYOLO: (beside + "/stray.txt", "0 0.5 0.5 0.1 0.1\n")
  case .coco, .createML, .tusimple: (set.place! + "/elsewhere/deep/stray.json", "[]")
  case .csv, .banana: (set.place! + "/elsewhere/deep/stray.csv", "a,b\n")
  case .culane: (home(set) + "/stray.lines.txt", "1 2 3 4\n")
  case .vocSegmentation: (set.place! + "/SegmentationObject/stray.png", "")
  case .idx: (set.place! + "/stray-idx1-ubyte", "")
  case .folders: (set.place! + "/stray.json", "{}")
  }
}

/// Adds a split of the set's own form: the files of val once more, under another name.
private func plantSplit(_ name: String, _ format: DataFormat, _ path: String) throws {
  let val: [String]
  switch format {
  case .voc: val = ["ImageSets/Main/val.txt"]
  case .vocSegmentation: val = ["ImageSets/Segmentation/val.txt"]
  case .coco: val = ["annotations/instances_val.json", "images/val"]
  case .yolo: val = ["images/val", "labels/val"]
  case .banana: val = ["bananas_val"]
  case .idx: val = ["val-images-idx4-ubyte", "val-labels-idx1-ubyte"]
  case .culane: val = ["list/val.txt"]
  case .tusimple: val = ["label_data_val.json"]
  case .labelImgVOC, .labelImgYOLO, .createML, .csv, .folders: val = ["val"]
  }
  for place in val {
    try FileManager.default.copyItem(
      atPath: path + "/" + place,
      toPath: path + "/" + place.replacingOccurrences(of: "val", with: name))
  }
}

@Suite struct FileAccountTests {
  @Test(arguments: DataFormat.allCases)
  func everyFileIsAccountedFor(_ format: DataFormat) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/set"
    try sample(for: format, folder).write(to: path, as: format)
    let clean = try LabelSet(path: path)
    let before = try #require(clean.account())
    #expect(before.isWhole, "\(before)")
    #expect(before.pictures.used == 3 && before.splits.used == clean.splits.count, "\(before)")
    #expect(before.labels.used > 0 || format == .folders)
    #expect(before.lines.count == 1 && before.lines[0].hasPrefix("files: 3 pictures"))

    let png = try noise(width: 40, height: 30, seed: 9).encoded(as: .png())
    let place = clean.archive == nil ? home(clean) : path
    try add(png, path + "/elsewhere/deep/stray.png")
    try add(png, place + "/scan.HEIC")
    // What is never data.
    try add(png, place + "/._p0.png")
    try add(png, path + "/__MACOSX/p0.png")
    try add(png, place + "/.ipynb_checkpoints/p0.png")
    try add([], place + "/Thumbs.db")
    let label = strayLabel(format, clean)
    if let label { try add(Array(label.text.utf8), label.path) }

    let set = try LabelSet(path: path, format: format)
    #expect(set.pictures.filter { !$0.path.isEmpty }.map(\.path) == clean.pictures.map(\.path))
    let account = try #require(set.account())
    #expect(account.pictures.used == 3 && account.pictures.found == 5, "\(account)")
    #expect(
      Set(account.pictures.leftOut.map { PathName.last($0.file) }) == ["stray.png", "scan.HEIC"])
    #expect(
      account.pictures.leftOut.contains { $0.reason == "ending .heic is not read" }, "\(account)")
    #expect(account.labels.used == before.labels.used, "\(account)")
    #expect(account.labels.leftOut.map(\.file) == (label.map { [$0.path] } ?? []), "\(account)")
    #expect(account.pictures.leftOut.allSatisfy { !$0.reason.isEmpty })
    #expect(account.labels.leftOut.allSatisfy { !$0.reason.isEmpty })
    #expect(account.lines.count >= 3)
  }

  /// A split more than a data file or the usual names tell is used, or named as not used.
  @Test(arguments: DataFormat.allCases)
  func noSplitIsPassedOverInSilence(_ format: DataFormat) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/set"
    try sample(for: format, folder).write(to: path, as: format)
    try plantSplit("fold9", format, path)
    let set = try LabelSet(path: path)
    let account = try #require(set.account())
    #expect(account.splits.found == 3, "\(account)")
    let isUsed = account.usedSplits.contains("fold9")
    #expect(isUsed != account.splits.leftOut.contains { $0.file == "fold9" }, "\(account)")
    #expect(account.splits.leftOut.allSatisfy { !$0.reason.isEmpty })
    // Its pictures are all accounted for, too.
    let pictures = account.pictures
    #expect(pictures.used == Set(set.pictures.map { $0.path + "\($0.archiveIndex ?? -1)" }).count)
    #expect(isUsed || pictures.found == pictures.used + (format == .yolo ? 1 : 0), "\(account)")
    if isUsed {
      #expect(try LabelSet(path: path, LabelReading(split: "fold9")).pictures.count == 1)
    }
  }

  /// Beside a file that is named others like it are counted, with what lies there.
  @Test(arguments: [
    (DataFormat.coco, "annotations/instances_train.json", ["annotations/instances_val.json"]),
    (.csv, "train/label.csv", []), (.createML, "train/_annotations.createml.json", []),
    (.tusimple, "label_data_train.json", ["label_data_val.json"]),
  ])
  func filesBesideANamedOneAreCounted(
    _ format: DataFormat, _ name: String, _ others: [String]
  ) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/set"
    try sample(for: format, folder).write(to: path, as: format)
    let home = PathName.folder(path + "/" + name)
    let ending = PathName.ending(name)
    // One of the same form, one that no reader knows, and labels of another format.
    for stray in ["copy.\(ending)", "_other.\(ending)"] {
      try add(stray.hasPrefix("copy") ? FileBytes.read(path + "/" + name) : [], home + "/" + stray)
    }
    let foreign = format == .csv ? "boxes.json" : "boxes.csv"
    try add(
      Array(
        (format == .csv
          ? #"{"images": [], "categories": [], "annotations": []}"#
          : "filename,class,xmin,ymin,xmax,ymax\n").utf8), home + "/" + foreign)
    let set = try LabelSet(path: path + "/" + name)
    #expect(set.pictures.count == 2 && set.format == format)
    let account = try #require(set.account())
    #expect(account.labels.used == 1 && account.pictures.used == 2, "\(account)")
    let left = ["_other.\(ending)", "copy.\(ending)", foreign].map { home + "/" + $0 }
    #expect(
      account.labels.leftOut.map(\.file).sorted()
        == (left + others.map { path + "/" + $0 }).sorted(), "\(account)")
    for one in account.labels.leftOut {
      let isForeign = one.file.hasSuffix(foreign)
      #expect(
        one.reason.contains(isForeign ? "the set is taken as" : "not the file that was named"))
    }
  }

  /// What one split leaves out is named: its pictures, its labels, the split.
  @Test(arguments: DataFormat.allCases)
  func splitsThatAreNotUsedAreNamed(_ format: DataFormat) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/set"
    try sample(for: format, folder).write(to: path, as: format)
    let whole = try #require(LabelSet(path: path).account())
    let account = try #require(LabelSet(path: path, LabelReading(split: "val")).account())
    #expect(account.pictures.used == 1 && account.pictures.found == 3, "\(account)")
    #expect(account.labels.found == whole.labels.found, "\(account)")
    #expect(account.splits.found == 2 && account.usedSplits == ["val"])
    #expect(account.splits.leftOut.map(\.file) == ["train"])
    #expect(account.pictures.leftOut.allSatisfy { $0.reason.contains("train") }, "\(account)")
  }

  /// Folders are compared as what they are, whatever links or dots lead to them, and each is
  /// counted once.
  @Test func linksAndDotsAreTheSameFolder() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/set"
    try sampleLabels(folder).write(to: path, as: .labelImgVOC)
    try FileManager.default.createSymbolicLink(
      atPath: path + "/train/again", withDestinationPath: path)
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/link", withDestinationPath: path)
    let account = try #require(
      LabelSet(path: folder.path + "/./link", format: .labelImgVOC).account())
    #expect(account.pictures.found == 3 && account.pictures.used == 3, "\(account)")
  }

  @Test func aSetWithoutAnyLabelSaysSo() throws {
    let folder = try TemporaryFolder()
    for i in 0..<3 {
      try folder.write(
        noise(width: 20, height: 20, seed: UInt64(i)).encoded(as: .png()), "images/train/\(i).png")
    }
    try folder.write("path: .\ntrain: images/train\nnames: [a]\n", "data.yaml")
    let set = try LabelSet(path: folder.path)
    let errors = set.check().filter { $0.severity == .error }
    #expect(errors.count == 1)
    #expect(errors.first?.message.contains("no label file for any of 3 pictures") == true)
    #expect(errors.first?.message.contains("labels/train") == true, "\(errors)")
    for policy in [DetectionDataset.Policy.strict, .skipBad] {
      #expect(throws: DatasetError.self) { try DetectionDataset(set, policy: policy) }
    }
  }

  @Test func whatJunkIsCalled() {
    for name in [
      ".DS_Store", "._a.jpg", "__MACOSX", "Thumbs.db", "desktop.ini", ".ipynb_checkpoints",
    ] {
      #expect(PathName.isHidden(name))
    }
    for name in ["a.jpg", "_a.jpg", "__a", "Thumbs", "train", "desktop.png"] {
      #expect(!PathName.isHidden(name))
    }
  }
}
