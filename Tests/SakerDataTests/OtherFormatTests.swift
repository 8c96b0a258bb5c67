import Foundation
import SakerTensor
import Testing

@testable import SakerData

// MARK: Tables, lanes, classes, masks

@Test func bananaTablesAreRead() throws {
  let folder = try TemporaryFolder()
  for name in ["0", "1"] {
    try folder.write(
      Picture(width: 256, height: 256).encoded(as: .png()), "bananas_train/images/\(name).png")
  }
  try folder.write(
    "img_name,label,xmin,ymin,xmax,ymax\r\n0.png,0,104,20,143,58\r\n1.png,0,68,175,118,223\r\n",
    "bananas_train/label.csv")
  let set = try LabelSet(path: folder.path)
  // The path of a temporary folder tells no name; the numbers do.
  #expect(set.classNames == ["0"] && set.format == .csv)
  #expect(set.pictures.map(\.split) == ["train", "train"])
  #expect(set.pictures[0].objects[0].box == LabelBox(left: 104, top: 20, right: 143, bottom: 58))
  #expect(set.pictures[1].size == PictureSize(width: 256, height: 256))
}

@Test func predictionsKeepTheirScores() throws {
  let folder = try TemporaryFolder()
  var set = try sampleLabels(folder)
  for i in set.pictures.indices {
    for k in set.pictures[i].objects.indices {
      set.pictures[i].objects[k].score = 0.125 * Double(k)
    }
  }
  for format in [DataFormat.csv, .yolo, .coco] {
    let path = "\(folder.path)/\(format.rawValue)"
    try set.write(to: path, as: format)
    if format == .coco { continue }  // results have a file of their own
    #expect(
      try LabelSet(path: path).pictures.flatMap { $0.objects.map(\.score) } == [0, 0.125, 0])
  }
}

@Test func lanesGoBetweenTuSimpleAndCULane() throws {
  let folder = try TemporaryFolder()
  try folder.write(Picture(width: 1280, height: 720).encoded(as: .png()), "clips/0530/20.png")
  try folder.write(
    #"{"lanes": [[-2, 632, 625.5, 617], [-2, -2, -2, 40]], "h_samples": [240, 250, 260, 270], "#
      + #""raw_file": "clips/0530/20.png"}"# + "\n", "label_data.json")
  let set = try LabelSet(path: folder.path + "/label_data.json")
  #expect(set.format == .tusimple && set.problems.isEmpty)
  #expect(set.pictures[0].objects[0].shape == .line([632, 250, 625.5, 260, 617, 270]))
  try set.write(to: folder.path + "/culane", as: .culane)
  #expect(
    try String(contentsOfFile: folder.path + "/culane/20.lines.txt", encoding: .utf8)
      == "632 250 625.5 260 617 270\n40 270\n")
  let back = try LabelSet(path: folder.path + "/culane")
  #expect(back.format == .culane && back.splits == [])
  #expect(back.pictures[0].objects.map(\.shape) == set.pictures[0].objects.map(\.shape))
  try set.write(to: folder.path + "/tusimple", as: .tusimple)
  let again = try LabelSet(path: folder.path + "/tusimple")
  #expect(again.pictures[0].objects == set.pictures[0].objects)
  #expect(again.pictures[0].rows == [240, 250, 260, 270])
  // Lanes are no boxes.
  #expect(
    failure { _ = try DetectionDataset(data: folder.path + "/culane") }.contains("no boxes"))
}

@Test func classesGoBetweenFoldersAndIDX() throws {
  let folder = try TemporaryFolder()
  var set = LabelSet(classes: [LabelClass("cat"), LabelClass("dog")])
  for i in 0..<5 {
    let gray = (0..<12).map { UInt8($0 * 20 + i) }
    let picture = Picture(width: 4, height: 3, pixels: gray.flatMap { [$0, $0, $0] })
    let path = try folder.write(picture.encoded(as: .png()), "source/p\(i).png")
    set.pictures.append(
      LabeledPicture(
        file: "p\(i).png", path: path, size: PictureSize(width: 4, height: 3),
        split: i < 3 ? "train" : "test", label: i % 2))
  }
  try set.write(to: folder.path + "/idx", as: .idx)
  let idx = try LabelSet(path: folder.path + "/idx")
  #expect(idx.format == .idx && idx.classNames == ["cat", "dog"])
  #expect(
    idx.pictures.map(\.split).sorted { $0! < $1! } == ["test", "test", "train", "train", "train"])
  try idx.write(to: folder.path + "/folders", as: .folders)
  let folders = try LabelSet(path: folder.path + "/folders")
  #expect(folders.format == .folders && folders.classNames == ["cat", "dog"])
  #expect(folders.pictures.count == 5)
  let train = idx.split("train")
  let original = try Picture(file: set.pictures[1].path)
  #expect(try train.picture(at: 1) == original && train.pictures[1].label == 1)
  #expect(try folders.pictures.contains { try Picture(file: $0.path) == original && $0.label == 1 })
}

// What Python's zlib makes of one IDX file: dynamic, stored and fixed codes, and codes without
// repeats.
private let packed = [
  (
    "dynamic",
    "H4sIAAAAAAACAy2QUW5AMQjD3CBaQLv/eRe2V6k/yCVOoQKQ7893j8jXcFuXKD0jnVRqyDjQVUUPx9yIOtkYEzFX"
      + "3KDNyeAeRT6I29yJ4sl5eSqZl06eLqp22XLKOrQzMTaod9ly/8uOApt5pjtfZKc1NA+bebZquwybJTYLjHl29ffQ"
      + "3Gd2iK1pMzFfZGMz8bamzaxms+Xc3DX9G79Nz3HEMAEAAA=="
  ),
  (
    "stored",
    "H4sIAAAAAAAEAwEwAc/+AAAIAwAAAAIAAAAMAAAADAAAAAECAAUHCQAABgkCBgADCAIHAAgDCQUACAUCCgAFAwEA"
      + "AAkICAgACQoAAQAFBwoCAAgBBQkACAIHAgADCgYCAAYDAAkABQMCAQAAAAAAAAIDBQcAAAMGCQAGCgMIAAcCCAMA"
      + "BQEIBQAKBwUDAAAKCQgACAgJCgABAwUHAAIFCAEACQMIAgACCAMKAAIJBgMACQcFAwABAAAAAAABAgMABwkAAwAJ"
      + "AgYKAAgCBwIAAwkFAQAFAgoHAAMBAAoACAgICAAKAAEDAAcKAgUAAQUJAwACBwIIAAoGAgkAAwAJBwADAgEAAAAA"
      + "AAEAAwUHCQADBgkCAAoDCAIAAggDCQABCAUCAAcFAwEACgkICAAICQoAAAMFBwoABQgBBQADCE3PccQwAQAA"
  ),
  (
    "fixed",
    "H4sIAAAAAAACA2Ng4GBmYGBgAmIeKGZkYmBl52RgYONkYmNg5mBiByrhZGXgYGXiYmBlZmRg4OTg4GDg5GJgBKrj"
      + "YmLgYGTlZAAqY2Jg5mJjYmBjZuAEqmMCKgQBJmZWdgYGZjZOBjYuZg4GdiagfayMHKwMXOysQJu5ODkYODhAhoHU"
      + "MbFyMDJwAu1kACrjYmDiBBkGUgcxjJGJmQHoMqAYExsX1EpOVqAzmLjYGYAuA4qBnAYyjAHoMlYGoMuYGYDKgGJs"
      + "TGCNQHVQlzEyMIO8CXQZEwMX1EpOBqDLmBjYQd4EugzoNKDLQOqAPgd6ExgaAE3PccQwAQAA"
  ),
  (
    "Huffman only",
    "H4sIAAAAAAACAwXBgQ3AQAgDsSMRT0Ddf97aEAMCPuADSvQsvNXD0RBvk9bRLtgk7FH0nEj1Eo3wPfHM0lYBgNwD"
      + "fss7h1FMV5qbNtyGZI9yD+oU6wjFh/aZnTYFQMnMYlbviEZ4u2jd4OJIEo4yc2qq12gU7mkxO1gFQOGexW/FOULx"
      + "Umkx7eI2IXvgnqNTjfMDTc9xxDABAAA="
  ),
]

@Test(arguments: packed)
func gzipIsUnpacked(_ name: String, _ base64: String) throws {
  let bytes = [UInt8](try #require(Data(base64Encoded: base64)))
  var expected: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 12, 0, 0, 0, 12]
  for i in 0..<288 {
    let value = i * i / 7 % 11
    expected.append(i % 5 == 0 ? 0 : UInt8(value))
  }
  func unpacked(_ bytes: [UInt8]) throws -> [UInt8] {
    let contents = try Inflate(bytes, .gzip)
    // In pieces that fit nothing.
    var result = try contents.read(7)
    result += try contents.read(1000)
    #expect(try contents.isOver())
    return result
  }
  #expect(try unpacked(bytes) == expected)
  #expect(try unpacked(bytes + bytes) == expected + expected)
  for cut in bytes.indices {
    #expect(throws: Inflate.Failure.self) { try unpacked(Array(bytes[..<cut])) }
  }
  var random = Random(seed: 1)
  for _ in 0..<300 {
    var broken = bytes
    let place = random.index(below: bytes.count)
    broken[place] ^= UInt8(1 << random.index(below: 8))
    // A bit of the header's time, or behind the last code, changes nothing; all else is found by
    // the checksum at the latest.
    if let unpacked = try? unpacked(broken) { #expect(unpacked == expected) }
  }
}

/// Nothing is allocated for what a gzip file states but cannot hold, and what follows is told.
@Test func gzippedIDXFilesHoldWhatTheyState() throws {
  let folder = try TemporaryFolder()
  func refusal(_ bytes: [UInt8]) throws -> String {
    try folder.write(bytes, "train-images-idx3-ubyte.gz")
    return failure { _ = try LabelSet(path: folder.path) }
  }
  // 64 MiB in 36 bytes.
  let large = [UInt8](
    try #require(Data(base64Encoded: "H4sIAAAAAAACA2Ng4GBmEGAAAQ4QBgCVPnXyEAAAAA==")))
  #expect(try refusal(large).contains("more than it can hold"))
  // The images, and the same again behind them.
  let images = [UInt8](try #require(Data(base64Encoded: packed[0].1)))
  #expect(try refusal(images + images).contains("but holds more"))
}

@Test func idxFilesAreRead() throws {
  let folder = try TemporaryFolder()
  let images = [UInt8](try #require(Data(base64Encoded: packed[0].1)))
  try folder.write(images, "t10k-images-idx3-ubyte.gz")
  try folder.write([0, 0, 8, 1, 0, 0, 0, 2, 9, 0], "t10k-labels-idx1-ubyte")
  let set = try LabelSet(path: folder.path)
  #expect(set.pictures.map(\.label) == [9, 0] && set.splits == ["test"])
  #expect(set.classes.count == 10)
  let picture = try set.picture(at: 1)
  #expect(picture.width == 12 && picture[1, 0] == RGB(0, 0, 0))
  try folder.write(
    [0, 0, 8, 3, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0, 2, 1], "train-images-idx3-ubyte")
  #expect(failure { _ = try LabelSet(path: folder.path) }.contains("but holds 1"))
}

@Test func masksGoRoundThroughVOCsColours() throws {
  let folder = try TemporaryFolder()
  var set = try sampleLabels(folder)
  set.pictures = [set.pictures[0]]
  var rows = [UInt8](repeating: 0, count: 40 * 30)
  for y in 5..<9 { for x in 7..<21 { rows[40 * y + x] = 1 } }
  let mask = RunLengthMask(rows: rows, height: 30, width: 40)
  var other = [UInt8](repeating: 0, count: 40 * 30)
  other[0] = 1
  other[40 * 29 + 39] = 1
  set.pictures[0].objects = [
    LabeledObject(label: 2, box: LabelBox(mask.box), shape: .mask(mask)),
    LabeledObject(
      label: 2, box: LabelBox(left: 0, top: 0, right: 40, bottom: 30),
      shape: .mask(RunLengthMask(rows: other, height: 30, width: 40))),
  ]
  var void = [UInt8](repeating: 0, count: 40 * 30)
  void[41] = 1
  set.pictures[0].attributes["void"] =
    RunLengthMask(rows: void, height: 30, width: 40).compressed
  try set.write(to: folder.path + "/out", as: .vocSegmentation)
  let back = try LabelSet(path: folder.path + "/out")
  #expect(back.format == .vocSegmentation && back.problems.isEmpty && back.splits == ["train"])
  #expect(back.classNames == set.classNames)
  #expect(back.pictures[0].objects == set.pictures[0].objects)
  #expect(back.pictures[0].attributes == set.pictures[0].attributes)
  // A palette, as other tools expect it, with VOC's colours.
  let bytes = [UInt8](
    try Data(contentsOf: URL(fileURLWithPath: folder.path + "/out/SegmentationClass/p0.png")))
  #expect(bytes[25] == 3)
  let drawn = try Picture(file: folder.path + "/out/SegmentationClass/p0.png")
  #expect(drawn[8, 6] == RGB(128, 128, 0) && drawn[1, 1] == RGB(224, 224, 192))
}

@Test func instancesOfSixteenBitsAreAllRead() throws {
  let folder = try TemporaryFolder()
  // 20x15 pixels, each an object: 300, numbered 1000, 1001, ... row by row; all but the
  // last are of class 3.
  var (numbers, classes) = ([UInt16](), [UInt8]())
  for i in 0..<300 {
    numbers.append(UInt16(1000 + i))
    classes.append(i < 299 ? 3 : 255)
  }
  try folder.write(PNGFile.gray16(numbers, width: 20, height: 15), "SegmentationObject/a.png")
  try folder.write(
    PNGFile.gray16(classes.map(UInt16.init), width: 20, height: 15), "SegmentationClass/a.png")
  try folder.write(Picture(width: 20, height: 15).encoded(as: .png()), "JPEGImages/a.png")
  let set = try LabelSet(path: folder.path)
  #expect(set.problems.isEmpty, "\(set.problems)")
  let objects = try #require(set.pictures.first).objects
  // The last pixel's class is undecided: no object.
  #expect(objects.count == 299 && objects.allSatisfy { $0.label == 2 })
  #expect(objects[41].box == LabelBox(left: 1, top: 2, width: 1, height: 1))
  guard case .mask(let mask) = objects[41].shape else {
    Issue.record("no mask")
    return
  }
  var rows = [UInt8](repeating: 0, count: 300)
  rows[41] = 1
  #expect(mask == RunLengthMask(rows: rows, height: 15, width: 20))
  // Objects of several columns, touching all borders, as the slow way has them.
  let map: [UInt16] = [7, 7, 9, 0, 7, 9, 9, 9, 65535, 7, 7, 9]
  try folder.write(PNGFile.gray16(map, width: 4, height: 3), "b/SegmentationObject/a.png")
  try folder.write(
    PNGFile.gray16(map.map { $0 > 0 ? 1 : 0 }, width: 4, height: 3), "b/SegmentationClass/a.png")
  try folder.write(Picture(width: 4, height: 3).encoded(as: .png()), "b/JPEGImages/a.png")
  let small = try LabelSet(path: folder.path + "/b")
  let expected = [7, 9, 65535].map { number in
    LabeledObject.Shape.mask(
      RunLengthMask(rows: map.map { $0 == number ? 1 : 0 }, height: 3, width: 4))
  }
  #expect(small.pictures.first?.objects.map(\.shape) == expected)
  // A class beyond 255 is refused, and so is a file that ends early.
  try folder.write(PNGFile.gray16(map, width: 4, height: 3), "b/SegmentationClass/a.png")
  let wrong = try LabelSet(path: folder.path + "/b")
  #expect(allProblems(wrong).contains { $0.contains("has the number 65535, expected at most 255") })
  try folder.write(
    Array(PNGFile.gray16(map, width: 4, height: 3).dropLast(30)), "b/SegmentationObject/a.png")
  try folder.write(PNGFile.gray16([0, 0, 0, 1], width: 2, height: 2), "b/SegmentationClass/a.png")
  let short = try LabelSet(path: folder.path + "/b")
  #expect(allProblems(short).contains { $0.contains("is a truncated PNG") })
}

/// A gray PNG of 16 bits, its data stored without compression.
private enum PNGFile {
  static func gray16(_ levels: [UInt16], width: Int, height: Int) -> [UInt8] {
    func big32(_ value: Int) -> [UInt8] {
      [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }
    func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
      let body = Array(type.utf8) + data
      var sum: UInt32 = .max
      for byte in body {
        sum ^= UInt32(byte)
        for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
      }
      return big32(data.count) + body + big32(Int(~sum))
    }
    var rows: [UInt8] = []
    for y in 0..<height {
      rows.append(0)
      for level in levels[y * width..<(y + 1) * width] {
        rows += [UInt8(level >> 8), UInt8(truncatingIfNeeded: level)]
      }
    }
    var (a, b) = (1, 0)
    for byte in rows { (a, b) = ((a + Int(byte)) % 65521, (b + a + Int(byte)) % 65521) }
    let count = rows.count
    let stored: [UInt8] = [
      0x78, 1, 1, UInt8(count & 255), UInt8(count >> 8), UInt8(~count & 255),
      UInt8(~count >> 8 & 255),
    ]
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
      + chunk("IHDR", big32(width) + big32(height) + [16, 0, 0, 0, 0])
      + chunk("IDAT", stored + rows + big32(b << 16 | a)) + chunk("IEND", [])
  }
}
