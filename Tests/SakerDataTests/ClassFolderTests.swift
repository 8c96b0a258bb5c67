import Foundation
import SakerTensor
import Testing

@testable import SakerData

// Folders of classes and MNIST's files as people have them.

@Test func foldersOfSplitsAreNoClasses() throws {
  let folder = try TemporaryFolder()
  try folder.write(pictures: [
    "Train/cat/0.png", "Train/dog/1.png", "Train/loose.png", "testing/2.png", "fold/cat/3.png",
    "docs/figures/4.png",
  ])
  let set = try LabelSet(path: folder.path)
  #expect(set.format == .folders && set.classNames == ["cat", "dog"])
  #expect(set.splits == ["train", "fold"] && set.pictures.count == 3)
  let told = set.problems.map(\.description)
  #expect(told.count == 3, "\(told)")
  #expect(told.contains { $0.contains("/Train/loose.png") && $0.contains("no folder of a class") })
  #expect(told.contains { $0.contains("/testing/2.png") })
  #expect(told.contains { $0.contains("/docs") && $0.contains("is no split") })
}

@Test func aClassMayBeCalledTrain() throws {
  let folder = try TemporaryFolder()
  try folder.write(pictures: ["bus/0.png", "train/1.png"])
  #expect(try LabelSet(path: folder.path).classNames == ["bus", "train"])
  // Alone, such names are splits, and then classes are missing.
  let other = try TemporaryFolder()
  try other.write(pictures: ["train/0.png", "val/1.png"])
  #expect(failure { _ = try LabelSet(path: other.path) }.contains("no folders of classes"))
}

@Test func foldersMayLieOneFurtherDown() throws {
  let folder = try TemporaryFolder()
  try folder.write(pictures: ["pets/train/cat/0.png", "pets/train/dog/1.png", "pets/val/cat/2.png"])
  let set = try LabelSet(path: folder.path)
  #expect(set.splits == ["train", "val"] && set.classNames == ["cat", "dog"])
  #expect(set.pictures[0].file == "pets/train/cat/0.png")
  #expect(set.problems.count == 1 && set.problems[0].message.contains("pets"))
}

@Test func classesKeepTheOrderOfTheirList() throws {
  let folder = try TemporaryFolder()
  try folder.write(pictures: ["cat/0.png", "dog/1.png"])
  // Captions beside pictures are no labels of boxes.
  try folder.write("a cat\n", "cat/0.txt")
  try folder.write("dog\ncat\n", "classes.txt")
  let set = try LabelSet(path: folder.path)
  #expect(set.format == .folders && set.classNames == ["dog", "cat"])
  #expect(set.pictures.map(\.label) == [1, 0])
  #expect(set.problems.map(\.description).filter { $0.contains("0.txt") }.count == 1)
  try folder.write("dog\n", "classes.txt")
  #expect(try LabelSet(path: folder.path).classNames == ["cat", "dog"])
}

@Test(arguments: ["train", "images", "train_images"])
func aFolderOfATableIsNoClass(_ name: String) throws {
  let folder = try TemporaryFolder()
  try folder.write(pictures: ["\(name)/0.png", "\(name)/1.png"])
  try folder.write("what,ever\n0,1\n", "train.csv")
  let told = failure { _ = try LabelSet(path: folder.path) }
  #expect(told.contains("train.csv") && told.contains("column"), "\(told)")
}

// MARK: IDX

private func idx(_ sizes: [Int], _ bytes: [UInt8]) -> [UInt8] {
  [0, 0, 8, UInt8(sizes.count)]
    + sizes.flatMap { [0, 0, UInt8($0 >> 8), UInt8($0 & 255)] } + bytes
}

@Test func splitsOfIDXFilesAreTold() throws {
  let folder = try TemporaryFolder()
  for (name, count) in [("emnist-letters-train", 2), ("emnist-letters-test", 1), ("x-valid", 1)] {
    try folder.write(
      idx([count, 2, 2], [UInt8](repeating: 7, count: 4 * count)), "\(name)-images-idx3-ubyte")
    try folder.write(
      idx([count], [UInt8](repeating: 1, count: count)), "\(name)-labels-idx1-ubyte")
  }
  let set = try LabelSet(path: folder.path)
  #expect(set.problems.isEmpty && set.pictures.count == 4)
  #expect(set.split("train").pictures.count == 2 && set.split("test").pictures.count == 1)
  #expect(set.split("val").pictures.count == 1)
}

/// Zeros in one block of gzip with fixed codes: 258 of them in 13 bits.
private func gzipped(zeros count: Int, after head: [UInt8]) -> [UInt8] {
  var (bytes, bits, filled): ([UInt8], UInt64, UInt64) = ([], 0, 0)
  func put(_ value: UInt64, _ count: UInt64) {
    bits |= value << filled
    filled += count
    while filled >= 8 {
      bytes.append(UInt8(truncatingIfNeeded: bits))
      (bits, filled) = (bits >> 8, filled - 8)
    }
  }
  func code(_ value: UInt64, _ count: UInt64) {
    put((0..<count).reduce(0) { $0 | (value >> $1 & 1) << (count - 1 - $1) }, count)
  }
  put(0b011, 3)
  for byte in head + [0] {
    if byte < 144 { code(0x30 + UInt64(byte), 8) } else { code(0x190 + UInt64(byte) - 144, 9) }
  }
  for _ in 0..<count / 258 {
    code(0b1100_0101, 8)
    code(0, 5)
  }
  code(0, 7)
  put(0, 8)
  return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0] + bytes + [UInt8](repeating: 0, count: 8)
}

/// What a bomb would unpack to is never made: the first bytes say that it is no IDX file, or how
/// much may follow.
@Test(
  arguments: [
    ([1, 2, 3, 4], "is no IDX file"), ([0, 0, 13, 3], "other than bytes"),
    ([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2], "but holds more"),
    ([0, 0, 8, 3, 127, 0, 0, 0, 127, 0, 0, 0, 0, 0, 0, 2], "broken IDX file"),
  ] as [([UInt8], String)])
func bombsAreNotUnpacked(_ head: [UInt8], _ expected: String) throws {
  let folder = try TemporaryFolder()
  // A bomb has a gigabyte or more; 40 MB show whether it is unpacked.
  let bomb = gzipped(zeros: 40_000_000, after: head)
  try folder.write(bomb, "train-images-idx3-ubyte.gz")
  #expect(try Inflate(bomb, .gzip).read(16).count == 16)
  let start = ContinuousClock.now
  #expect(failure { _ = try LabelSet(path: folder.path) }.contains(expected))
  #expect(ContinuousClock.now - start < .seconds(1))
}

/// JSON, tables and XML that are no labels decide nothing, and are counted.
@Test(arguments: [
  ("metadata.json", #"{"images": 8, "annotations": "none"}"#),
  ("metadata.json", #"{"images": ["0.png"], "categories": {"cat": 1}}"#),
  ("cat/0.json", #"[{"image": "0.png", "caption": "a cat"}]"#),
  ("info.json", #"{"lanes": 3}"#), ("info.json", "no JSON"), ("notes.xml", "<a/>"),
  ("prices.csv", "class,price\ncat,1\n"), ("cat/GT-cat.csv", "Filename;ClassId\n0.png;3\n"),
  ("ids.csv", "id,what\n1,2\n"),
])
func strayFilesBesideFoldersOfClassesDecideNothing(_ name: String, _ text: String) throws {
  let folder = try TemporaryFolder()
  try folder.write(pictures: ["cat/0.png", "cat/1.png", "dog/2.png"])
  try folder.write(text, name)
  let set = try LabelSet(path: folder.path)
  #expect(set.format == .folders && set.classNames == ["cat", "dog"] && set.pictures.count == 3)
  #expect(set.problems.filter(\.isError).isEmpty, "\(set.problems)")
  let account = try #require(set.account())
  #expect(account.labels.leftOut.map(\.file) == [folder.path + "/" + name], "\(account)")
}

/// Labels that lack something are still labels: the message names the key.
@Test(arguments: [
  (#"{"images": 8, "annotations": [], "categories": []}"#, "'images': expected an array"),
  (#"{"images": [], "annotations": []}"#, "has no 'categories'"),
])
func brokenLabelsAloneAreNamed(_ text: String, _ message: String) throws {
  let folder = try TemporaryFolder()
  try folder.write(text, "set/instances.json")
  for place in ["/set", "/set/instances.json"] {
    #expect(failure { _ = try LabelSet(path: folder.path + place) }.contains(message))
  }
}
