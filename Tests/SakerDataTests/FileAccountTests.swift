import Foundation
import SakerTensor
import Testing

@testable import SakerData

// The law: pictures found = used + left out with a reason; so with files of labels, and with
// splits.

/// A small set that every format can hold: boxes, classes of pictures or lanes.
private func sample(for format: DataFormat, _ folder: TemporaryFolder) throws -> LabelSet {
  var set = try sampleLabels(folder)
  for i in set.pictures.indices where set.pictures[i].objects.isEmpty {
    set.pictures[i].objects = [
      LabeledObject(label: 0, box: LabelBox(left: 2, top: 3, right: 9, bottom: 12))
    ]
  }
  if format.features.contains(.pictureLabels) {
    // One of each class in train.
    set.classes = [LabelClass("a"), LabelClass("b")]
    for i in set.pictures.indices {
      set.pictures[i].label = i % 2
      set.pictures[i].objects = []
    }
  }
  if format == .idx {
    // IDX's pictures are of one size.
    for i in set.pictures.indices {
      set.pictures[i].size = PictureSize(width: 40, height: 30)
      try noise(width: 40, height: 30, seed: UInt64(i)).encoded(as: .png()).withUnsafeBytes {
        try Data($0).write(to: URL(fileURLWithPath: set.pictures[i].path))
      }
    }
  }
  if format.features.contains(.lines) {
    set.classes = [LabelClass("lane")]
    for i in set.pictures.indices {
      set.pictures[i].objects = [
        LabeledObject(
          label: 0, box: LabelBox(left: 1, top: 10, right: 5, bottom: 20),
          shape: .line([1, 10, 5, 20]))
      ]
      set.pictures[i].rows = [10, 20]
    }
  }
  return set
}

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
  case .folders: nil
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
