import Foundation
import SakerData
import Testing

@Test(arguments: [
  (split: "train", pictures: 205, platelets: 209, red: 2381, white: 214, dropped: 1),
  ("val", 87, 83, 967, 87, 1), ("trainval", 292, 292, 3348, 301, 2), ("test", 72, 69, 805, 71, 0),
])
func bloodCellsCount(
  split: String, pictures: Int, platelets: Int, red: Int, white: Int, dropped: Int
) throws {
  let data = try DetectionDataset.bloodCells(split: split)
  #expect(data.classes == ["Platelets", "RBC", "WBC"])
  #expect(data.items.count == pictures)
  #expect(data.countsByClass == [platelets, red, white])
  #expect(data.droppedBoxes == dropped)
  #expect(data.problems.count == dropped && data.problems.allSatisfy { $0.severity == .warning })
}

@Test func bloodCellsAreWhole() throws {
  let data = try DetectionDataset.bloodCells(verification: .full)
  #expect(data.items.count == 364 && data.boxCount == 4886 && data.skipped == 0)
  #expect(data.items.allSatisfy { $0.size == PictureSize(width: 640, height: 480) })
  let boxes = data.items.flatMap { $0.annotations.map(\.box) }
  // VOC's corners 1 and 640 are the borders 0 and 640
  #expect(boxes.map(\.left).min() == 0 && boxes.map(\.right).max() == 640)
  #expect(boxes.map(\.top).min() == 0 && boxes.map(\.bottom).max() == 480)
  #expect(data.problems[0].file.hasSuffix("BloodImage_00338.xml"))
  #expect(data.problems[0].line != nil)
  #expect(
    DetectionDataset.splits(ofFolder: try DetectionDataset.bloodCellFolder())
      == ["test", "train", "trainval", "val"])
}

@Test func dividingKeepsEverything() throws {
  let data = try DetectionDataset.bloodCells(split: "trainval")
  let (first, second) = data.divided(share: 0.2, seed: 1)
  #expect(second.items.count == 58)
  #expect(Set(first.items + second.items) == Set(data.items))
  #expect(data.divided(share: 0.2, seed: 1).1.items == second.items)
  #expect(data.divided(share: 0.2, seed: 2).1.items != second.items)
}

// MARK: Sets made here

private func object(_ name: String, _ corners: String) -> String {
  let values = corners.split(separator: " ")
  return """
    <object>
    <name>\(name)</name>
    <difficult>0</difficult>
    <bndbox><xmin>\(values[0])</xmin><ymin>\(values[1])</ymin><xmax>\(values[2])</xmax><ymax>\(values[3])</ymax></bndbox>
    </object>

    """
}

private func annotation(
  _ filename: String, _ objects: String, size: String? = "<width>40</width><height>30</height>"
) -> String {
  """
  <annotation verified="yes">
  <filename>\(filename)</filename>
  \(size.map { "<size>\($0)<depth>3</depth></size>" } ?? "")
  \(objects)</annotation>

  """
}

/// A VOC folder with one good picture; each test adds what it is about.
private func goodFolder() throws -> TemporaryFolder {
  let folder = try TemporaryFolder()
  try add(folder, "good", object("cat", "1 1 40 30") + object("dog", "5 6 10 12"))
  return folder
}

private func add(_ folder: TemporaryFolder, _ name: String, _ objects: String) throws {
  try folder.write(annotation("\(name).png", objects), "Annotations/\(name).xml")
  try folder.write(
    noise(width: 40, height: 30, seed: 1).encoded(as: .png(level: 0)), "JPEGImages/\(name).png")
}

/// All problems of a folder that must be refused.
private func problems(
  _ folder: TemporaryFolder, split: String? = nil, classes: [String]? = nil,
  _ location: SourceLocation = #_sourceLocation
) -> [DataProblem] {
  let error = #expect(throws: DatasetError.self, sourceLocation: location) {
    _ = try DetectionDataset(folder: folder.path, split: split, classes: classes)
  }
  return error?.problems ?? []
}

@Test func smallFolderIsRead() throws {
  let folder = try goodFolder()
  try add(folder, "background", "")
  let data = try DetectionDataset(folder: folder.path)
  #expect(data.classes == ["cat", "dog"])
  #expect(data.items.map(\.name) == ["background", "good"])
  #expect(data.items[0].annotations.isEmpty)
  #expect(
    data.items[1].annotations[0]
      == Annotation(
        box: Box(left: 0, top: 0, right: 40, bottom: 30), label: 0))
  #expect(data.items[1].annotations[1].box == Box(left: 4, top: 5, right: 10, bottom: 12))
  #expect(data.problems.isEmpty)
}

@Test func flatFolderIsRead() throws {
  let folder = try TemporaryFolder()
  let png = try noise(width: 40, height: 30, seed: 1).encoded(as: .png(level: 0))
  for name in ["a", "b", "unlabelled"] { try folder.write(png, "train/\(name).png") }
  try folder.write(annotation("a.png", object("dog", "1 1 5 5")), "train/a.xml")
  try folder.write(annotation("b", object("cat", "1 1 5 5")), "train/b.xml")
  try folder.write("dog\ncat\n", "classes.txt")
  let data = try DetectionDataset(folder: folder.path + "/", split: "train")
  #expect(data.classes == ["dog", "cat"])
  #expect(data.items.map(\.annotations.first?.label) == [0, 1])
  #expect(data.problems.count == 1 && data.problems[0].file.hasSuffix("unlabelled.png"))
  #expect(DetectionDataset.splits(ofFolder: folder.path) == ["train"])
  #expect(problems(folder, split: "test")[0].message.contains("splits here: train"))
  let flat = try DetectionDataset(folder: folder.path + "/train")
  #expect(flat.classes == ["cat", "dog"])
}

@Test(arguments: [
  ("inverted", object("cat", "9 1 5 5"), "inverted", 7),
  ("outside", object("cat", "1 1 42 30"), "outside", 7),
  ("negative", object("cat", "-1 1 20 30"), "outside", 7),
  ("not a number", object("cat", "1 nan 20 30"), "finite", 7),
  ("infinite", object("cat", "1 1 inf 30"), "finite", 7),
  ("a word", object("cat", "1 1 wide 30"), "got \"wide\"", 7),
  ("no name", "<object><bndbox/></object>\n", "no <name>", 4),
  ("no box", "<object><name>cat</name></object>\n", "no <bndbox>", 4),
  ("no corner", "<object><name>cat</name><bndbox><xmin>1</xmin></bndbox></object>\n", "<ymin>", 4),
])
func badBoxesAreNamedWithTheirLine(what: String, objects: String, message: String, line: Int) throws
{
  let folder = try goodFolder()
  try add(folder, "bad", objects)
  let found = problems(folder)
  #expect(!found.isEmpty && found.allSatisfy { $0.file.hasSuffix("Annotations/bad.xml") })
  #expect(found.contains { $0.message.contains(message) && $0.line == line }, "\(found)")
  let kept = try DetectionDataset(folder: folder.path, policy: .skipBad)
  #expect(kept.items.map(\.name) == ["good"] && kept.skipped == 1 && kept.problems == found)
}

@Test func emptyBoxesAreDroppedWithAWarning() throws {
  let folder = try goodFolder()
  try add(
    folder, "thin", object("cat", "7 7 7 7") + object("cat", "7 7 7 9") + object("dog", "1 1 3 3"))
  let data = try DetectionDataset(folder: folder.path)
  #expect(data.droppedBoxes == 2 && data.skipped == 0 && data.boxCount == 3)
  #expect(data.problems.map(\.line) == [7, 12])
}

@Test func aPixelOutsideIsTolerated() throws {
  let folder = try goodFolder()
  try add(folder, "edge", object("cat", "0 0 41 31"))
  let data = try DetectionDataset(folder: folder.path)
  #expect(data.items[0].annotations[0].box == Box(left: 0, top: 0, right: 40, bottom: 30))
}

@Test(arguments: [
  ("empty", "", "is empty"), ("text", "hello", "is not XML"),
  ("unclosed", "<annotation>\n<object>\n</annotation>", "closes <object> of line 2"),
  ("cut", "<annotation>\n<filename>a.png", "<filename> is not closed"),
  ("other root", "<plist/>", "expected <annotation>"),
  ("two roots", "<annotation/><annotation/>", "something follows"),
  (
    "bomb",
    "<!DOCTYPE a [<!ENTITY b \"ha\"><!ENTITY c \"&b;&b;\">]>\n<annotation>&c;</annotation>",
    "entities, which are not expanded"
  ),
  ("entity", "<annotation>\n<filename>&file;</filename></annotation>", "entity &file;"),
  (
    "deep", String(repeating: "<a>", count: 100_000), "nest deeper"
  ),
])
func brokenXMLIsNamed(what: String, text: String, message: String) throws {
  let folder = try goodFolder()
  try folder.write(text, "Annotations/bad.xml")
  let found = problems(folder)
  #expect(found.count == 1)
  #expect(found[0].file.hasSuffix("bad.xml") && found[0].message.contains(message), "\(found)")
}

@Test func bytesThatAreNoTextAreNamed() throws {
  let folder = try goodFolder()
  try folder.write(
    Array("<annotation>\n<folder>".utf8) + [0xC3, 0x28] + Array("</folder></annotation>".utf8),
    "Annotations/bad.xml")
  #expect(problems(folder).first?.line == 2)
  #expect(problems(folder).first?.message.contains("UTF-8") == true)
}

@Test func sizesMustBeThereAndAgree() throws {
  let folder = try goodFolder()
  let png = try noise(width: 40, height: 30, seed: 1).encoded(as: .png(level: 0))
  for name in ["none", "other", "zero"] { try folder.write(png, "JPEGImages/\(name).png") }
  try folder.write(annotation("none.png", "", size: nil), "Annotations/none.xml")
  try folder.write(
    annotation("other.png", "", size: "<width>30</width><height>40</height>"),
    "Annotations/other.xml")
  try folder.write(
    annotation("zero.png", "", size: "<width>0</width><height>40</height>"), "Annotations/zero.xml")
  let found = problems(folder)
  // Only what is stated can be wrong; what is not stated is the picture's own.
  #expect(
    found.map(\.message).map { String($0.prefix(14)) } == [
      "has no <size>;", "<size> says 0x", "<size> says 30",
    ])
  #expect(found.map(\.line) == [1, 3, 3])
  #expect(found.map(\.severity) == [.warning, .warning, .error])
  let kept = try DetectionDataset(folder: folder.path, policy: .skipBad)
  #expect(kept.items.count == 3 && kept.skipped == 1)
  #expect(kept.items.allSatisfy { $0.size == PictureSize(width: 40, height: 30) })
}

@Test func picturesMustBeThereAndWhole() throws {
  let folder = try goodFolder()
  try folder.write(annotation("missing.png", ""), "Annotations/a.xml")
  try folder.write(annotation("b.jpg", ""), "Annotations/b.xml")
  try folder.write(annotation("c.png", ""), "Annotations/c.xml")
  try folder.write(annotation("d.png", ""), "Annotations/d.xml")
  try folder.write(annotation("good.png", ""), "Annotations/e.xml")
  let jpeg = try noise(width: 40, height: 30, seed: 1).encoded(as: .jpeg())
  try folder.write(Array(jpeg.prefix(jpeg.count / 2)), "JPEGImages/b.jpg")
  try folder.write([], "JPEGImages/c.png")
  try folder.write("not a picture", "JPEGImages/d.png")
  let found = problems(folder)
  #expect(found.count == 5)
  #expect(found[0].message.contains("names the picture missing.png") && found[0].line == 2)
  #expect(found[1].file.hasSuffix("b.jpg") && found[1].message.contains("truncated"))
  #expect(found[2].file.hasSuffix("c.png") && found[2].message.contains("zero bytes"))
  #expect(found[3].file.hasSuffix("d.png") && found[3].message.contains("not a picture"))
  #expect(found[4].file.hasSuffix("good.xml") && found[4].message.contains("e.xml"))
  let kept = try DetectionDataset(folder: folder.path, policy: .skipBad)
  #expect(kept.items.map(\.name) == ["good"] && kept.boxCount == 0 && kept.skipped == 5)
}

@Test func fullVerificationDecodes() throws {
  let folder = try goodFolder()
  var png = try noise(width: 40, height: 30, seed: 1).encoded(as: .png(level: 6))
  png[png.count / 2] ^= 0xFF
  try folder.write(png, "JPEGImages/bad.png")
  try folder.write(annotation("bad.png", ""), "Annotations/bad.xml")
  _ = try DetectionDataset(folder: folder.path)
  let error = #expect(throws: DatasetError.self) {
    _ = try DetectionDataset(folder: folder.path, verification: .full)
  }
  #expect(error?.problems.map { $0.file.hasSuffix("bad.png") } == [true])
}

@Test func unknownClassesAreNamed() throws {
  let folder = try goodFolder()
  let found = problems(folder, classes: ["cat", "cow"])
  #expect(
    found.count == 1 && found[0].message.contains("unknown class dog; expected one of cat, cow"))
  #expect(found[0].line == 9)
}

@Test func splitsAreChecked() throws {
  let folder = try goodFolder()
  try folder.write("good\n\nnone\ngood\n", "ImageSets/Main/train.txt")
  try folder.write("\n", "ImageSets/Main/val.txt")
  try folder.write("good -1\n", "ImageSets/Main/cat_train.txt")
  let found = problems(folder, split: "train")
  #expect(found.map(\.line) == [3, 4])
  #expect(found[0].message.contains("none.xml does not exist"))
  #expect(found[1].message.contains("good again (first in line 1)"))
  let kept = try DetectionDataset(folder: folder.path, split: "train", policy: .skipBad)
  #expect(kept.items.count == 1 && kept.skipped == 2)
  #expect(problems(folder, split: "val")[0].message.contains("empty"))
  #expect(problems(folder, split: "test")[0].message.contains("splits here: cat_train, train, val"))
  #expect(problems(folder, split: "../../secret").count == 1)
  #expect(try DetectionDataset(folder: folder.path, split: "cat_train").items.count == 1)
}

@Test func foldersMustBeThere() throws {
  let folder = try TemporaryFolder()
  #expect(problems(folder)[0].message == "is empty")
  try folder.write("", "Annotations/a.xml")
  #expect(problems(folder)[0].message == "has no folder JPEGImages")
  let missing = #expect(throws: DatasetError.self) {
    _ = try DetectionDataset(folder: folder.path + "/nowhere")
  }
  #expect(missing?.description == "\(folder.path)/nowhere: error: does not exist")
  let file = try folder.write("", "file")
  #expect(throws: DatasetError.self) { _ = try DetectionDataset(folder: file) }
}

@Test func everyProblemIsToldAtOnce() throws {
  let folder = try goodFolder()
  try add(folder, "one", object("cat", "9 1 5 5") + object("cat", "1 1 900 5"))
  try folder.write("x", "Annotations/two.xml")
  let error = DatasetError.problems(problems(folder))
  #expect(error.problems.count == 3)
  #expect(error.description.hasPrefix("3 problems in 2 files, 3 of them errors:\n"))
  #expect(error.description.contains("one.xml:7: error: box of cat is inverted: 9, 1, 5, 5"))
}
