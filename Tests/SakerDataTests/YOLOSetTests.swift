import Foundation
import Testing

@testable import SakerData

// Sets of YOLO's labels as they come from tools and people: where labels lie, what a YAML may say,
// key points.

private func warnings(_ set: LabelSet) -> [String] {
  set.problems.filter { $0.severity == .warning }.map(\.description)
}

// MARK: Where labels lie

@Test(arguments: [
  (".", "images/train/0.jpg", "labels/train/0.txt"), (".", "images/0.jpg", "labels/0.txt"),
  (".", "a/images/b/images/0.jpg", "a/images/b/labels/0.txt"), (".", "0.jpg", "0.txt"),
  (".", "myimages/0.jpg", "myimages/0.txt"), ("set", "set/images/0.jpg", "set/labels/0.txt"),
  // What lies above the set decides nothing.
  ("/images/set", "/images/set/0.jpg", "/images/set/0.txt"),
  ("/images/set", "/images/set/images/0.jpg", "/images/set/labels/0.txt"),
  ("/", "/images/0.jpg", "/labels/0.txt"),
])
func labelsLieWhereYOLOHasThem(_ root: String, _ picture: String, _ label: String) {
  #expect(YOLOLabelPlaces(root: root).file(picture) == label)
}

@Test(arguments: [
  ("images/train", "label/train", "txt"), ("images/train", "Labels/train", "txt"),
  ("images/train", "annotations/train", "txt"), ("images/train", "labels/train", "TXT"),
  ("images/train", "images/train", "txt"), ("img/train", "labels/train", "txt"),
  ("Images/train", "Labels/train", "txt"),
])
func labelsElsewhereAreFoundAndSaid(_ pictures: String, _ labels: String, _ ending: String) throws {
  let folder = try TemporaryFolder()
  try folder.write(pictures: ["\(pictures)/0.png", "\(pictures)/1.png"])
  try folder.write("0 0.5 0.5 0.2 0.4\n", "\(labels)/0.\(ending)")
  try folder.write("", "\(labels)/1.\(ending)")
  try folder.write("train: \(pictures)\nnames: [cat]\n", "data.yaml")
  let set = try LabelSet(path: folder.path)
  #expect(set.objectCount == 1 && set.pictures.allSatisfy { !$0.source.isEmpty })
  #expect(warnings(set).count == 1 && set.problems.count == 1, "\(set.problems)")
  #expect(warnings(set)[0].contains(labels), "\(warnings(set))")
}

@Test func missingLabelsAreSaid() throws {
  let folder = try TemporaryFolder()
  try folder.write(pictures: ["images/train/0.png", "images/train/1.png", "images/val/0.png"])
  try folder.write("train: images/train\nval: images/val\nnames: [cat]\n", "data.yaml")
  let bare = try LabelSet(path: folder.path)
  let lack = try #require(bare.check().first)
  #expect(bare.problems.isEmpty && lack.severity == .error)
  #expect(lack.message.contains("no label file for any of 3 pictures; searched in "))
  #expect(lack.message.contains("labels/train"))
  // A split without labels is no error, and neither is a picture without objects among others.
  try folder.write("0 0.5 0.5 0.2 0.4\n", "labels/train/0.txt")
  try folder.write("0 0.5 0.5 0.2 0.4\n", "labels/train/01.txt")
  try folder.write("cat\n", "labels/train/classes.txt")
  let set = try LabelSet(path: folder.path)
  #expect(set.objectCount == 1 && set.problems.allSatisfy { $0.severity == .warning })
  #expect(set.problems.count == 2, "\(set.problems)")
  #expect(warnings(set).contains { $0.contains("/images/val:") && $0.contains("any of 1 picture") })
  #expect(warnings(set).contains { $0.contains("01.txt") && $0.contains("has no picture") })
}

@Test func captionsAreNoLabels() throws {
  let folder = try TemporaryFolder()
  try folder.write(pictures: ["images/0.png", "images/1.png", "cats/2.png"])
  try folder.write("a cat sits on a mat\n", "images/0.txt")
  try folder.write("train: images\nnames: [cat]\n", "data.yaml")
  let set = try LabelSet(path: folder.path)
  #expect(set.objectCount == 0)
  #expect(set.check().map(\.message).contains { $0.contains("no label file for any of 2") })
}

@Test func picturesThatAreNotReadAreNamed() throws {
  let folder = try TemporaryFolder()
  try folder.write(pictures: ["images/0.png"])
  try folder.write([1], "images/1.jp2")
  for i in 0...1 { try folder.write("0 0.5 0.5 0.2 0.4\n", "labels/\(i).txt") }
  try folder.write("cat", "classes.txt")
  let set = try LabelSet(path: folder.path)
  #expect(set.pictures.count == 1)
  #expect(warnings(set).count == 1 && warnings(set)[0].contains("1.jp2"), "\(warnings(set))")
}

// MARK: What a YAML says

@Test func otherSplitsOfAYAMLAreKept() throws {
  let folder = try TemporaryFolder()
  try folder.write(pictures: (1...3).map { "images/fold\($0)/\($0).png" })
  for i in 1...3 { try folder.write("0 0.5 0.5 0.2 0.4\n", "labels/fold\(i)/\(i).txt") }
  try folder.write("notes\n", "README.txt")
  try folder.write(
    """
    path: nowhere
    fold1: images/fold1
    Valid: [images/fold2]
    fold3:
      - images/fold3
    again: images/fold1
    readme: README.txt
    author: images
    nc: 1
    """, "data.yaml")
  let set = try LabelSet(path: folder.path)
  #expect(set.pictures.map(\.split) == ["val", "fold1", "fold3"])
  #expect(set.objectCount == 3 && set.classNames == ["class 0"])
  let told = warnings(set)
  #expect(told.count == 3 && set.problems.count == 3, "\(told)")
  #expect(told.contains { $0.contains("data.yaml:1:") && $0.contains("path is nowhere") })
  #expect(told.contains { $0.contains("has no names") })
  #expect(told.contains { $0.contains("twice, for fold1 and again") })
  let part = try LabelSet(path: folder.path, LabelReading(split: "again"))
  #expect(part.pictures.map(\.name) == ["1"])
}

/// Equal names of classes are errors that name both places, wherever the names stand.
@Test(arguments: [
  ("names: [cat, dog, cat]\n", "data.yaml:2:", "the classes 0 (line 2) and 2 both cat"),
  ("names:\n  - 'cat'\n  - cat\n", "data.yaml:4:", "the classes 0 (line 3) and 1 both cat"),
  ("names:\n  1: cat\n  0: cat\n", "data.yaml:3:", "the classes 0 (line 4) and 1 both cat"),
  ("", "classes.txt:3:", "names the class cat twice, on the lines 1 and 3"),
  ("", "obj.names:3:", "names the class cat twice, on the lines 1 and 3"),
  ("", "predefined_classes.txt:3:", "names the class cat twice, on the lines 1 and 3"),
])
func equalNamesAreErrorsWithBothPlaces(_ names: String, _ file: String, _ message: String) throws {
  let folder = try TemporaryFolder()
  try folder.write(pictures: ["images/0.png"])
  try folder.write("0 0.5 0.5 0.2 0.4\n", "labels/0.txt")
  try folder.write("train: images\n" + names, "data.yaml")
  if names.isEmpty { try folder.write("cat\ndog\ncat\n", PathName.stem(file) + ".txt") }
  if file.hasPrefix("obj") {
    try FileManager.default.moveItem(
      atPath: folder.path + "/obj.txt", toPath: folder.path + "/obj.names")
  }
  let errors = try LabelSet(path: folder.path).problems.filter(\.isError).map(\.description)
  #expect(errors.count == 1 && errors[0].contains(file) && errors[0].contains(message), "\(errors)")
  #expect(throws: DatasetError.self) { try DetectionDataset(data: folder.path) }
}

/// A YAML or list from another machine: what follows the set's folder is the same here.
@Test(arguments: [
  "train: /content/set/pics/train\nval: /content/set/pics/val\n",
  "path: /content/set\ntrain: /content/set/pics/train\nval: pics/val\n",
  "path: /content\ntrain: set/pics/train\nval: set/pics/val\n",
  "train: C:\\work\\set\\pics\\train\nval: C:\\work\\set\\pics\\val\n",
  "train: /content/set/train.txt\nval: pics/val\n",
])
func placesOfAnotherMachineAreFoundBesideTheYAML(_ text: String) throws {
  let folder = try TemporaryFolder()
  try folder.write(pictures: ["pics/train/0.png", "pics/train/1.png", "pics/val/2.png"])
  for name in ["train/0", "train/1", "val/2"] {
    try folder.write("0 0.5 0.5 0.2 0.4\n", "pics/\(name).txt")
  }
  try folder.write("/content/set/pics/train/0.png\n/content/set/pics/train/1.png\n", "train.txt")
  try folder.write(text + "names: [cat]\n", "data.yaml")
  let set = try LabelSet(path: folder.path)
  #expect(set.pictures.map(\.split) == ["train", "train", "val"] && set.objectCount == 3)
  #expect(!set.problems.isEmpty && set.problems.allSatisfy { $0.isGuess && !$0.isError })
  #expect(warnings(set).contains { $0.contains("which is not there") }, "\(warnings(set))")
  // What exists on this machine outside of the set is not replaced by a namesake.
  try folder.write(pictures: ["tmp/0.png"])
  try folder.write("train: /tmp\nnames: [cat]\n", "data.yaml")
  let yaml = folder.path + "/data.yaml"
  #expect(failure { _ = try LabelSet(path: yaml) }.contains("leads out of the folder"))
}

/// From the folder above a set it is the same set, and its folder no split.
@Test(arguments: ["images", "pets"], [false, true])
func aSetInTheOnlyFolderIsTheSet(_ name: String, _ hasYAML: Bool) throws {
  let folder = try TemporaryFolder()
  try folder.write(pictures: ["\(name)/images/train/0.png", "\(name)/images/val/1.png"])
  for label in ["train/0", "val/1"] {
    try folder.write("0 0.5 0.5 0.2 0.4\n", "\(name)/labels/\(label).txt")
  }
  if hasYAML {
    try folder.write("train: images/train\nval: images/val\nnames: [cat]\n", "\(name)/data.yaml")
  } else {
    try folder.write("cat\n", "\(name)/classes.txt")
  }
  let inner = try LabelSet(path: folder.path + "/" + name)
  #expect(inner.problems.isEmpty && inner.splits == ["train", "val"] && inner.objectCount == 2)
  guard hasYAML || name == "images" else { return }
  let outer = try LabelSet(path: folder.path)
  #expect(outer.format == .yolo && outer.classNames == ["cat"])
  #expect(outer.pictures.map(\.split) == ["train", "val"] && outer.objectCount == 2)
  #expect(outer.problems.count == 1 && outer.problems[0].isGuess, "\(outer.problems)")
  #expect(outer.problems.first?.message == "holds a set in its folder \(name); that is read")
  #expect(outer.account()?.isWhole == true)
}

/// Folders of pictures beside those of the splits are named as splits that are not read.
@Test(arguments: [("images/train", "images/fold9"), ("train/images", "fold9/images")])
func foldersOfNoSplitAreNamed(_ train: String, _ other: String) throws {
  let folder = try TemporaryFolder()
  try folder.write(pictures: [train + "/0.png", other + "/1.png"])
  for place in [train, other] {
    let number = place == train ? 0 : 1
    try folder.write(
      "0 0.5 0.5 0.2 0.4\n",
      place.replacingOccurrences(of: "images", with: "labels") + "/\(number).txt")
  }
  try folder.write("train: \(train)\nnames: [cat]\n", "data.yaml")
  let set = try LabelSet(path: folder.path)
  #expect(set.pictures.count == 1)
  let account = try #require(set.account())
  #expect(account.usedSplits == ["train"] && account.pictures.leftOut.count == 1)
  #expect(account.splits.leftOut.map(\.file) == ["fold9"], "\(account)")
  #expect(account.splits.leftOut.first?.reason.contains("named by no split of data.yaml") == true)
}

@Test(arguments: [
  "names:\n  0: 2 * 4 lumber\n  1: b", "names: ['*a', \"b *c\"]", "names: [R&D, a*D]",
  "names: [a, b]\ndownload: |\n  def f(*args):\n    print(*args, x & y)\n",
])
func starsThatAreNoAliasesAreRead(_ text: String) throws {
  let folder = try TemporaryFolder()
  try folder.write(pictures: ["images/0.png"])
  try folder.write("", "labels/0.txt")
  // With the mark that Windows' editors put in front.
  try folder.write("\u{FEFF}train: images\n\(text)\n", "data.yaml")
  let set = try LabelSet(path: folder.path)
  #expect(set.problems.isEmpty && set.classes.count == 2, "\(set.problems)")
}

/// Each line stands for nine of the one before: 9^9 values from 300 bytes.
private let bomb =
  "a0: &a0 [x, x, x]\n"
  + (1...9).map { i in
    "a\(i): &a\(i) [" + (0..<9).map { _ in "*a\(i - 1)" }.joined(separator: ", ") + "]\n"
  }.joined()

@Test(arguments: [
  bomb, "- &x [1]\n- *x", "a: foo\n  'bar\nb: &x [1]\nc: *x\n", "a: &x {b: 1}\nc:\n  <<: *x\n",
])
func aliasesAreRefusedInEveryYAML(_ text: String) throws {
  let folder = try TemporaryFolder()
  try folder.write("train: .\nnames: [a]\n" + text, "data.yaml")
  let told = failure { _ = try LabelSet(path: folder.path) }
  #expect(told.contains("is not followed"), "\(told)")
  #expect(told.contains("data.yaml:"))
  let other = failure { _ = try AugmentationFile.parse(text) }
  #expect(other.contains("line ") && other.contains("is not followed"), "\(other)")
}

@Test func backslashesSeparateFolders() throws {
  let folder = try TemporaryFolder()
  try folder.write(pictures: ["images/my photos/0.png", "images/val/1.png", "images/odd\\name.png"])
  for name in ["my photos/0", "val/1", "odd\\name"] {
    try folder.write("0 0.5 0.5 0.2 0.4\n", "labels/\(name).txt")
  }
  try folder.write("images\\my photos\\0.png\r\nimages/odd\\name.png\r\n", "train.txt")
  try folder.write("path: .\\\ntrain: .\\train.txt\nval: images\\val\nnames: [a]\n", "data.yaml")
  let set = try LabelSet(path: folder.path)
  #expect(set.problems.isEmpty, "\(set.problems)")
  #expect(set.pictures.map(\.name) == ["0", "odd\\name", "1"] && set.objectCount == 3)
}

@Test func absoluteListsAreReadThroughLinks() throws {
  let folder = try TemporaryFolder()
  try folder.write(pictures: ["set/images/0.png", "set/images/1.png"])
  try folder.write("0 0.5 0.5 0.2 0.4\n", "set/labels/0.txt")
  try folder.write("\(folder.path)/set/images/0.png\n", "set/train.txt")
  try folder.write("train: train.txt\nnames: [a]\n", "set/data.yaml")
  try FileManager.default.createSymbolicLink(
    atPath: folder.path + "/link", withDestinationPath: "set")
  for place in ["set", "link"] {
    let set = try LabelSet(path: folder.path + "/" + place)
    #expect(set.pictures.map(\.file) == ["images/0.png"] && set.objectCount == 1)
    // A picture that no list names is left out, and named.
    #expect(set.problems.map(\.message) == ["holds 1.png, which is in no list; left out"])
  }
}

@Test func darknetsFilesAreRead() throws {
  let folder = try TemporaryFolder()
  try folder.write(pictures: [
    "obj_train_data/0.png", "obj_train_data/1.png", "obj_valid_data/2.png",
  ])
  for name in ["train_data/0", "train_data/1", "valid_data/2"] {
    try folder.write("1 0.5 0.5 0.2 0.4\n", "obj_\(name).txt")
  }
  try folder.write("car\ntruck\n", "obj.names")
  try folder.write("data/obj_train_data/0.png\ndata/obj_train_data/1.png\n", "train.txt")
  try folder.write("data/obj_valid_data/2.png\n", "valid.txt")
  // Without CVAT's `obj.data` the folders tell.
  let flat = try LabelSet(path: folder.path)
  try folder.write(
    "classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n",
    "obj.data")
  for set in [flat, try LabelSet(path: folder.path)] {
    #expect(set.problems.isEmpty, "\(set.problems)")
    #expect(set.classNames == ["car", "truck"])
    #expect(set.pictures.map(\.split) == ["train", "train", "val"])
    #expect(set.pictures.allSatisfy { $0.objects.map(\.label) == [1] })
  }
}

// MARK: Key points

/// Boxes with points that fill them, at several places of the picture.
private func poses(visibility: Bool) -> String {
  [(0.3, 0.4), (0.6, 0.5), (0.15, 0.8)].map { x, y in
    let points = [(-0.09, -0.18), (0.08, -0.1), (0.05, 0.17)].map {
      "\(x + $0.0) \(y + $0.1)" + (visibility ? " 2" : "")
    }
    return "0 \(x) \(y) 0.2 0.4 " + points.joined(separator: " ")
  }.joined(separator: "\n")
}

@Test(arguments: [false, true], [false, true])
func posesAreBoxesAndKeyPoints(_ hasVisibility: Bool, _ isStated: Bool) throws {
  let folder = try TemporaryFolder()
  try folder.write(pictures: ["images/0.png"])
  try folder.write(poses(visibility: hasVisibility), "labels/0.txt")
  let shape = "kpt_shape: [3, \(hasVisibility ? 3 : 2)]\n"
  try folder.write("train: images\nnames: [a]\n" + (isStated ? shape : ""), "data.yaml")
  let set = try LabelSet(path: folder.path)
  #expect(warnings(set).count == (isStated ? 0 : 1), "\(set.problems)")
  #expect(isStated || warnings(set)[0].contains("3 key points"))
  let object = try #require(set.pictures[0].objects.first)
  #expect(object.shape == .box)
  #expect(abs(object.box.left - 4) < 1e-9 && abs(object.box.width - 4) < 1e-9)
  #expect(abs(object.box.top - 2) < 1e-9 && abs(object.box.height - 4) < 1e-9)
  #expect(object.keyPoints.map(\.visibility) == [2, 2, 2])
  #expect(abs(object.keyPoints[0].x - 4.2) < 1e-9 && abs(object.keyPoints[0].y - 2.2) < 1e-9)
}

@Test func outlinesStayOutlines() throws {
  let folder = try TemporaryFolder()
  try folder.write(pictures: ["images/0.png"])
  // Corners of turned boxes, each as long as a pose of two points would be.
  try folder.write(
    [(0.5, 0.5), (0.2, 0.3), (0.7, 0.1)].map { x, y in
      "0 \(x) \(y) \(x + 0.2) \(y + 0.02) \(x + 0.18) \(y + 0.12) \(x - 0.02) \(y + 0.1)\n"
    }.joined(), "labels/0.txt")
  try folder.write("train: images\nnames: [a]\n", "data.yaml")
  let set = try LabelSet(path: folder.path)
  #expect(set.problems.isEmpty && set.objectCount == 3)
  for object in set.pictures[0].objects {
    #expect(object.keyPoints.isEmpty && object.shape != .box)
  }
  // With a number too many or too few nothing is guessed.
  try folder.write("0 0.1 0.1 0.2 0.1 0.2 0.2 0.7\n", "labels/0.txt")
  #expect(
    try LabelSet(path: folder.path).problems.map(\.message) == [
      "expected class and 4 numbers, or 3 and more points, got 8 numbers"
    ])
}

@Test func rowsMustFitTheirKeyPointShape() throws {
  let folder = try TemporaryFolder()
  try folder.write(pictures: ["images/0.png"])
  try folder.write("train: images\nnames: [a]\nkpt_shape: [1, 3]\n", "data.yaml")
  try folder.write("0 0.5 0.5 0.2 0.4 0.5 0.5 1\n0 0.5 0.5 0.2 0.4 0.5 0.5 3\n", "labels/0.txt")
  let set = try LabelSet(path: folder.path)
  #expect(set.objectCount == 1 && set.problems.count == 1)
  #expect(set.problems[0].line == 2 && set.problems[0].message.contains("0, 1 or 2, got 3"))
  try folder.write("0 0.5 0.5 0.2 0.4 0.5 0.5\n", "labels/0.txt")
  let short = try LabelSet(path: folder.path)
  #expect(short.problems.map(\.message).joined().contains("(8 numbers, by kpt_shape), got 7"))
}
