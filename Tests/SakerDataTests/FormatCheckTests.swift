import Foundation
import SakerTensor
import Testing

@testable import SakerData

// MARK: Checks

@Test func everyProblemIsFoundWithItsPlace() throws {
  let folder = try TemporaryFolder()
  let png = try Picture(width: 40, height: 30).encoded(as: .png())
  for name in ["a", "b", "small"] { try folder.write(png, "images/\(name).png") }
  try folder.write("no picture", "images/broken.png")
  try folder.write(
    """
    0 0.5 0.5 0.1 0.1
    0 0.5 0.5 0.1 0.1
    5 0.5 0.5 0.1 0.1
    0 0.9 0.5 0.4 0.1
    0 0.5 0.5 -0.1 0.1
    1 0.5 0.5 0 0.1
    0 0.5 x 0.1 0.1
    1.5 0.5 0.5 0.1 0.1
    0 0.5 0.5
    0 nan 0.5 0.5 0.5
    """, "labels/a.txt")
  try folder.write("train: images\nval: images\nnames: [cat, dog]", "data.yaml")
  let set = try LabelSet(path: folder.path)
  let told = (set.problems + set.check()).map {
    String($0.description.dropFirst(folder.path.count))
  }
  #expect(
    told == [
      "/data.yaml: warning: train, val are the same pictures; they are read once, in no split",
      "/labels/a.txt:7: error: x is no number",
      "/labels/a.txt:8: error: the class is a whole number from 0, got 1.5",
      "/labels/a.txt:9: error: expected class and 4 numbers, or 3 and more points, got 3 numbers",
      "/labels/a.txt:10: error: nan is no number",
      "/images/broken.png: error: is not a picture but text",
      "/labels/a.txt:3: error: class 5 is not among the 2 classes",
      "/labels/a.txt:4: error: box of cat lies outside the 40x30 picture: 28, 13.5, 44, 16.5",
      "/labels/a.txt:5: error: box of cat is inverted: 22, 13.5, 18, 16.5",
      "/labels/a.txt:6: warning: box of dog has no area: 20, 13.5, 20, 16.5",
      "/labels/a.txt:2: warning: box of cat is there twice",
    ], "\(told.joined(separator: "\n"))")
  #expect(throws: DatasetError.self) { try DetectionDataset(set) }
  var mended = set
  let left = mended.removeBad()
  #expect(left.pictures == 1 && left.objects == 3)
  let detection = try DetectionDataset(set, policy: .skipBad)
  #expect(detection.items.map(\.name) == ["b", "small"] && detection.skipped == 2)
}

@Test func namesInAnnotationsDoNotLeaveTheFolder() throws {
  let folder = try TemporaryFolder()
  try folder.write(Picture(width: 20, height: 10).encoded(as: .png()), "secret.png")
  let names = ["../secret.png", "/etc/passwd", "a/../../secret.png", folder.path + "/secret.png"]
  for name in names {
    let quoted = name.replacingOccurrences(of: "/", with: "\\/")
    try folder.write(
      #"{"images": [{"id": 1, "file_name": "\#(quoted)", "width": 20, "height": 10}], "#
        + #""categories": [], "annotations": []}"#, "in/coco.json")
    try folder.write(
      #"[{"image": "\#(quoted)", "annotations": []}]"#, "in2/createml.json")
    try folder.write(
      "filename,class,xmin,ymin,xmax,ymax\n\(name),a,1,1,2,2\n", "in3/labels.csv")
    try folder.write("\(name)\n", "in4/list.txt")
    try folder.write("train: list.txt\nnames: [a]", "in4/data.yaml")
    for place in ["in/coco.json", "in2/createml.json", "in3/labels.csv", "in4/data.yaml"] {
      let set = try LabelSet(path: folder.path + "/" + place)
      #expect(set.pictures.allSatisfy { $0.path.isEmpty }, "\(place) \(name)")
      #expect(
        allProblems(set).contains { $0.contains("leads out of the folder") }, "\(place) \(name)")
    }
  }
  // An annotation's name loses its folders, as before.
  try folder.write(
    "<annotation><filename>../secret.png</filename><size><width>20</width><height>10</height></size></annotation>",
    "in5/a.xml")
  let voc = try LabelSet(path: folder.path + "/in5")
  #expect(
    allProblems(voc).contains { $0.contains("names the picture secret.png, which is not in") })
}

@Test func whatIsNoFormatIsRefused() throws {
  let folder = try TemporaryFolder()
  try folder.write("hello", "a.txt")
  #expect(failure { _ = try DataFormat.detect(folder.path) }.contains("is in no known format"))
  #expect(failure { _ = try DataFormat.detect(folder.path + "/x") }.contains("does not exist"))
  #expect(failure { _ = try DataFormat.detect(folder.path + "/a.txt") }.contains("no known format"))
  for format in DataFormat.allCases {
    #expect(
      failure { _ = try LabelSet(path: folder.path, format: format) } != "nothing", "\(format)")
    #expect(
      failure { _ = try LabelSet(path: folder.path + "/no", format: format) }
        .contains("does not exist"), "\(format)")
  }
}

// MARK: Statistics and splits

@Test func statisticsCountWhatIsThere() throws {
  let folder = try TemporaryFolder()
  let stats = DataStatistics(try sampleLabels(folder))
  #expect(stats.pictures == 3 && stats.backgrounds == 1 && stats.objects == 3)
  #expect(stats.classes.map(\.objects) == [1, 1, 1] && stats.splits == ["train": 2, "val": 1])
  #expect(stats.small == 2 && stats.medium == 1 && stats.large == 0)
  #expect(stats.marks == ["difficult": 1] && stats.objectsHistogram == [1, 1, 1])
  #expect(stats.boxWidth.most == 1 && abs(stats.boxWidth.least - 1.5 / 41) < 1e-12)
  #expect(stats.aspectRatio.median == 17.0 / 13)
  #expect(stats.centerMap[25][25] == 1 && stats.sizeMap[49][49] == 1)
  #expect(stats.centerMap.joined().reduce(0, +) == 3 && stats.shapes.count == 3)
  let cells = DataStatistics(try LabelSet(path: DetectionDataset.bloodCellFolder()))
  #expect(cells.pictures == 364 && cells.objects >= 4886)
  #expect(cells.sizes == [DataStatistics.SizeCount(width: 640, height: 480, pictures: 364)])
  #expect(cells.classes.map(\.name) == ["Platelets", "RBC", "WBC"])
}

@Test func splitsAreStratifiedAndRepeatable() throws {
  var set = LabelSet(classes: [LabelClass("common"), LabelClass("rare")])
  for i in 0..<100 {
    var picture = LabeledPicture(file: "\(i).png", path: "\(i).png")
    let box = LabelBox(left: 0, top: 0, width: 1, height: 1)
    if i < 90 { picture.objects.append(LabeledObject(label: 0, box: box)) }
    if i % 10 == 0 { picture.objects.append(LabeledObject(label: 1, box: box)) }
    set.pictures.append(picture)
  }
  let shares: [(name: String, part: Double)] = [("train", 6), ("val", 2), ("test", 2)]
  for seed in 0..<5 as Range<UInt64> {
    let divided = set.splitting(shares, seed: seed)
    let counts = shares.map { divided.split($0.name) }
    #expect(counts.map(\.pictures.count) == [60, 20, 20])
    #expect(counts.map { $0.countsByClass[1] } == [6, 2, 2])
    for part in counts {
      let wanted = 9 * part.pictures.count / 10
      #expect(abs(part.countsByClass[0] - wanted) <= 1)
    }
    #expect(divided.pictures.map(\.file) == set.pictures.map(\.file))
    #expect(set.splitting(shares, seed: seed).pictures == divided.pictures)
  }
  let (a, b) = (set.splitting(shares, seed: 1), set.splitting(shares, seed: 2))
  #expect(a.pictures != b.pictures)
  let plain = set.splitting([("train", 1), ("val", 0)], seed: 0, stratified: false)
  #expect(plain.splits == ["train"])
}

@Test(arguments: [
  ("1", 1.0), ("-2.5", -2.5), ("0.1", 0.1), ("123456789.125", 123456789.125), ("1e-3", 0.001),
  ("+7", 7), ("0.30000000000000004", 0.30000000000000004), ("00.50", 0.5), (".5", 0.5), ("5.", 5),
  ("9007199254740993", 9_007_199_254_740_992), ("0.000000000000000000000001", 1e-24),
])
func numbersAreReadExactly(_ text: String, _ expected: Double) {
  var text = text
  #expect(text.withUTF8 { ByteText.double($0) } == expected)
}

@Test(arguments: ["", "-", ".", "x", "1x", "nan", "inf", "1e999", "0x10", "1 2", "--1", "1e", "é"])
func whatIsNoNumberIsNone(_ text: String) {
  var text = text
  #expect(text.withUTF8 { ByteText.double($0) } == nil)
}

@Test func decimalsAreWrittenShort() {
  func text(_ number: Double, _ least: Int, _ most: Int) -> String {
    var out = TextOutput()
    out.write(number, least: least, most: most)
    return String(decoding: out.bytes, as: UTF8.self)
  }
  #expect(text(0.5, 6, 10) == "0.500000" && text(1 / 3.0, 6, 10) == "0.3333333333")
  #expect(text(12, 0, 2) == "12" && text(-0.004, 0, 2) == "0" && text(-1.25, 0, 2) == "-1.25")
  #expect(text(0, 0, 2) == "0" && text(100, 0, 0) == "100" && text(0.05, 0, 2) == "0.05")
}
