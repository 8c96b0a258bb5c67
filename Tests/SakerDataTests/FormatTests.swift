import Foundation
import SakerTensor
import Testing

@testable import SakerData

// MARK: Sets made here

/// Three pictures in two splits, three classes in an order that is not the alphabet's.
func sampleLabels(_ folder: TemporaryFolder) throws -> LabelSet {
  var set = LabelSet(classes: [LabelClass("zebra"), LabelClass("ant, red"), LabelClass("b\"c")])
  for (i, split) in ["train", "train", "val"].enumerated() {
    let path = try folder.write(
      noise(width: 40 + i, height: 30, seed: UInt64(i)).encoded(as: .png()), "source/p\(i).png")
    set.pictures.append(
      LabeledPicture(
        file: "p\(i).png", path: path, size: PictureSize(width: 40 + i, height: 30), split: split))
  }
  set.pictures[0].objects = [
    LabeledObject(label: 1, box: LabelBox(left: 3, top: 4, right: 20, bottom: 17)),
    LabeledObject(
      label: 0, box: LabelBox(left: 0, top: 0, right: 40, bottom: 30), flags: [.difficult]),
  ]
  set.pictures[1].objects = [
    LabeledObject(label: 2, box: LabelBox(left: 10, top: 5, right: 11.5, bottom: 8.25))
  ]
  return set
}

private struct Seen: Hashable {
  var picture: String
  var split: String?
  var objects: [String]
}

/// What a round trip has to keep: names, splits, classes by name, boxes.
private func seen(_ set: LabelSet, places: Int = 2) -> [Seen] {
  set.pictures.map { picture in
    Seen(
      picture: picture.name, split: picture.split,
      objects: picture.objects.map { object in
        let box = [object.box.left, object.box.top, object.box.right, object.box.bottom].map {
          String(format: "%.\(places)f", $0 + 0.001)
        }
        return "\(set.classNames[object.label]) \(box)"
      })
  }.sorted { $0.picture < $1.picture }
}

private func problems(_ set: LabelSet) -> [String] {
  (set.problems + set.check()).map(\.description)
}

private func failure(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "nothing"
  } catch {
    return "\(error)"
  }
}

// MARK: Round trips

@Test(arguments: [
  DataFormat.voc, .labelImgVOC, .coco, .yolo, .labelImgYOLO, .createML, .csv, .banana,
])
func everyFormatOfBoxesIsDetectedAndComesBack(_ format: DataFormat) throws {
  let folder = try TemporaryFolder()
  let set = try sampleLabels(folder)
  let path = folder.path + "/out"
  let report = try set.write(to: path, as: format)
  #expect(report.pictures == 3 && report.objects == 3)
  #expect(report.classes == ["zebra", "ant, red", "b\"c"])
  #expect(try DataFormat.detect(path) == (format == .banana ? .csv : format))
  let back = try LabelSet(path: path)
  #expect(problems(back).isEmpty, "\(problems(back))")
  #expect(back.classNames == set.classNames)
  #expect(back.pictures.map(\.size) == set.pictures.map(\.size) || format == .banana)
  var expected = seen(set)
  if format == .banana {
    expected = expected.map { entry in
      var entry = entry
      entry.split = entry.split.map { $0 }
      return entry
    }
  }
  #expect(seen(back) == expected)
  #expect(try LabelSet(path: path, LabelReading(split: "val")).pictures.count == 1)
  #expect(
    report.lost.contains { $0.what == "difficult" } == !format.features.contains(.difficult))
  let flags = back.pictures.flatMap(\.objects).contains { $0.flags.contains(.difficult) }
  #expect(flags == format.features.contains(.difficult))
  // Labels are written into new folders only.
  #expect(failure { try set.write(to: path, as: format) }.contains("is there already"))
  // The same data, for a detector.
  let detection = try DetectionDataset(data: path, split: "train")
  #expect(detection.items.count == 2 && detection.boxCount == 3)
  #expect(detection.classes == set.classNames)
  #expect(try DataFormat.splits(path) == ["train", "val"])
}

@Test func bloodCellsGoRoundThroughAllFormatsOfBoxes() throws {
  let folder = try TemporaryFolder()
  let start = try LabelSet(path: DetectionDataset.bloodCellFolder())
  #expect(start.format == .voc && start.classNames == ["Platelets", "RBC", "WBC"])
  #expect(start.pictures.count == 364 && start.splits.sorted() == ["test", "train", "val"])
  let expected = seen(start, places: 1)
  var set = start
  for format in [
    DataFormat.coco, .yolo, .voc, .createML, .labelImgYOLO, .csv, .labelImgVOC, .coco,
  ] {
    let path = "\(folder.path)/\(format.rawValue)-\(UUID().uuidString)"
    try set.write(to: path, as: format, pictures: .link)
    set = try LabelSet(path: path)
    #expect(set.format == format)
    #expect(set.classNames == start.classNames)
    #expect(seen(set, places: 1) == expected, "\(format)")
    // The one empty box of a platelet clicked without drawing goes along, and is found again.
    #expect(set.problems.allSatisfy { $0.severity == .warning }, "\(set.problems.prefix(3))")
  }
  // Exactly, not only to a tenth: corners are whole numbers.
  let boxes = set.pictures.flatMap { $0.objects.map(\.box) }
  #expect(boxes.allSatisfy { $0.left == $0.left.rounded() && $0.right == $0.right.rounded() })
}

@Test func vocIsWrittenAsLabelImgWritesIt() throws {
  let folder = try TemporaryFolder()
  var set = try sampleLabels(folder)
  set.pictures[0].attributes["verified"] = "yes"
  set.pictures[0].objects[0].attributes["pose"] = "Left & right"
  set.pictures[0].objects[0].flags = [.truncated, .occluded]
  set.pictures = [set.pictures[0]]
  set.pictures[0].split = nil
  try set.write(to: folder.path + "/out", as: .labelImgVOC)
  let text = try String(contentsOfFile: folder.path + "/out/p0.xml", encoding: .utf8)
  #expect(
    text == """
      <annotation verified="yes">
      \t<folder>out</folder>
      \t<filename>p0.png</filename>
      \t<source>
      \t\t<database>Unknown</database>
      \t</source>
      \t<size>
      \t\t<width>40</width>
      \t\t<height>30</height>
      \t\t<depth>3</depth>
      \t</size>
      \t<segmented>0</segmented>
      \t<object>
      \t\t<name>ant, red</name>
      \t\t<pose>Left &amp; right</pose>
      \t\t<truncated>1</truncated>
      \t\t<difficult>0</difficult>
      \t\t<occluded>1</occluded>
      \t\t<bndbox>
      \t\t\t<xmin>4</xmin>
      \t\t\t<ymin>5</ymin>
      \t\t\t<xmax>20</xmax>
      \t\t\t<ymax>17</ymax>
      \t\t</bndbox>
      \t</object>
      \t<object>
      \t\t<name>zebra</name>
      \t\t<pose>Unspecified</pose>
      \t\t<truncated>0</truncated>
      \t\t<difficult>1</difficult>
      \t\t<bndbox>
      \t\t\t<xmin>1</xmin>
      \t\t\t<ymin>1</ymin>
      \t\t\t<xmax>40</xmax>
      \t\t\t<ymax>30</ymax>
      \t\t</bndbox>
      \t</object>
      </annotation>

      """)
  let back = try LabelSet(path: folder.path + "/out")
  #expect(back.pictures[0].attributes == ["verified": "yes"])
  #expect(back.pictures[0].objects[0].attributes == ["pose": "Left & right"])
  #expect(back.pictures[0].objects[0].flags == [.truncated, .occluded])
}

@Test func yoloRowsAreLabelImgs() throws {
  let folder = try TemporaryFolder()
  let set = try sampleLabels(folder)
  try set.write(to: folder.path + "/out", as: .labelImgYOLO)
  let text = try String(contentsOfFile: folder.path + "/out/train/p0.txt", encoding: .utf8)
  #expect(text == "1 0.287500 0.350000 0.425000 0.433333\n0 0.500000 0.500000 1.000000 1.000000\n")
  #expect(
    try String(contentsOfFile: folder.path + "/out/train/classes.txt", encoding: .utf8)
      == "zebra\nant, red\nb\"c\n")
}

// MARK: COCO

private let coco = """
  {"info": {}, "images": [
    {"id": 7, "file_name": "a.png", "width": 20, "height": 10},
    {"id": 3, "file_name": "b.png", "width": 20, "height": 10}],
   "categories": [{"id": 90, "name": "toothbrush", "supercategory": "indoor"}, {"id": 1, "name": "person"}],
   "annotations": [
    {"id": 11, "image_id": 3, "category_id": 1, "bbox": [1.07, 2.33, 5.1, 6.2], "area": 12.5, "iscrowd": 0,
     "segmentation": [[1.07, 2.33, 6.17, 2.33, 6.17, 8.53], [2, 2, 3, 2, 3, 3]],
     "keypoints": [1, 2, 2, 0, 0, 0], "num_keypoints": 1},
    {"id": 12, "image_id": 7, "category_id": 90, "bbox": [0, 0, 2, 10], "area": 20, "iscrowd": 1,
     "segmentation": {"size": [10, 20], "counts": [0, 20, 180]}}]}
  """

@Test func cocoCarriesInfoAndLicences() throws {
  let folder = try TemporaryFolder()
  try folder.write(Picture(width: 20, height: 10).encoded(as: .png()), "a.png")
  let info = #"{"year": 2017, "description": "caf\u00e9 \"x\"", "parts": [1, {"a": null}]}"#
  let licenses = #"[ {"id": 4, "name": "CC BY", "url": "http://x/"} ]"#
  let text = """
    {"info": \(info), "licenses": \(licenses), "images": [
    {"license": 4, "id": 7, "file_name": "a.png", "width": 20, "height": 10, "coco_url": "x"}],
    "categories": [{"id": 1, "name": "cat"}], "annotations": []}
    """
  try folder.write(text, "instances.json")
  let set = try LabelSet(path: folder.path + "/instances.json")
  #expect(set.info == info && set.licenses == licenses && set.pictures[0].license == 4)
  try set.write(to: folder.path + "/out", as: .coco)
  let back = try LabelSet(path: folder.path + "/out")
  #expect(back.info == info && back.licenses == licenses && back.pictures[0].license == 4)
  // Other formats have no place for it, and say so.
  let report = try set.write(to: folder.path + "/yolo", as: .yolo)
  #expect(report.lost.contains { $0.what == "info and licences" && $0.count == 1 })
  // Files of one set with different lists: the first one's holds.
  try folder.write(text, "two/annotations/instances_train.json")
  try folder.write(
    text.replacing("CC BY", with: "MIT").replacing("2017", with: "2018"),
    "two/annotations/instances_val.json")
  let two = try LabelSet(path: folder.path + "/two", LabelReading(pictures: .unread))
  #expect(two.info == info && two.licenses == licenses)
  #expect(two.problems.filter { $0.message.contains("lists other licences") }.count == 1)
  // What is no JSON is refused there, too.
  try folder.write(text.replacing("2017", with: "20-17"), "instances.json")
  let broken = folder.path + "/instances.json"
  #expect(failure { _ = try LabelSet(path: broken, format: .coco) }.contains("instances.json:1:"))
}

@Test func cocoKeepsEverythingThatItHas() throws {
  let folder = try TemporaryFolder()
  for name in ["a", "b"] {
    try folder.write(
      Picture(width: 20, height: 10).encoded(as: .png()), "images/\(name).png")
  }
  try folder.write(coco, "instances.json")
  let set = try LabelSet(path: folder.path + "/instances.json")
  #expect(set.classNames == ["toothbrush", "person"] && set.classes.map(\.id) == [90, 1])
  #expect(set.pictures.map(\.id) == [7, 3] && set.problems.isEmpty)
  #expect(set.pictures[0].objects[0].flags == [.crowd])
  #expect(
    set.pictures[1].objects[0].box == LabelBox(left: 1.07, top: 2.33, width: 5.1, height: 6.2))
  try set.write(to: folder.path + "/out", as: .coco)
  let back = try LabelSet(path: folder.path + "/out")
  #expect(back.classes == set.classes)
  for (a, b) in zip(set.pictures, back.pictures) {
    #expect(a.objects == b.objects && a.id == b.id && a.size == b.size && a.file == b.file)
  }
  // Empty keys tell nothing.
  #expect(set.info == nil && set.licenses == nil && back.info?.contains("written by") == true)
  // What the others cannot carry is told.
  let report = try set.write(to: folder.path + "/voc", as: .voc)
  #expect(
    Set(report.lost.map(\.what)) == [
      "crowd", "polygons", "masks", "key points", "areas", "annotation ids", "picture ids",
      "class ids", "supercategories",
    ])
  // YOLO's one outline of an object encloses both parts.
  try set.write(to: folder.path + "/yolo", as: .yolo)
  let yolo = try LabelSet(path: folder.path + "/yolo")
  guard case .polygons(let parts) = yolo.pictures[1].objects[0].shape else {
    Issue.record("no outline")
    return
  }
  #expect(parts.count == 1 && parts[0].count == 2 * (3 + 3 + 2))
  let areas = [[[1.07, 2.33, 6.17, 2.33, 6.17, 8.53], [2, 2, 3, 2, 3, 3]], parts].map {
    $0.reduce(0) { $0 + PolygonArea.of($1) }
  }
  #expect(abs(areas[0] - areas[1]) < 1e-6)
  // Crowds are no objects to learn from.
  let detection = try DetectionDataset(set)
  #expect(detection.boxCount == 1 && detection.problems.count == 1)
}

// MARK: YOLO's data file

@Test(arguments: [
  "names: [cat, dog]", "names:\n  0: cat\n  1: dog\n", "nc: 2\nnames: ['cat', \"dog\"]",
])
func yoloDataFilesInAllTheirForms(_ names: String) throws {
  let folder = try TemporaryFolder()
  let png = try Picture(width: 20, height: 10).encoded(as: .png())
  for name in ["images/train/sub/a", "images/train/b", "more/images/x/images/c", "images/val/d"] {
    try folder.write(png, "set/\(name).png")
  }
  try folder.write("1 0.5 0.5 0.2 0.4\n\n0 0.25 0.5 0.1 0.2\n", "set/labels/train/sub/a.txt")
  // The last `/images/` counts.
  try folder.write("0 0 0 1 0 1 1", "set/more/images/x/labels/c.txt")
  try folder.write("images/train/b.png\n./images/train/sub/a.png\n", "set/list.txt")
  try folder.write(
    "path: set\ntrain: [list.txt, more/images]\nval: ../images/val\ntest:\n\(names)", "data.yaml")
  let set = try LabelSet(path: folder.path + "/data.yaml")
  // Of the split val no picture has labels.
  #expect(set.problems.count == 1 && set.problems[0].file.hasSuffix("/images/val"))
  #expect(set.classNames == ["cat", "dog"])
  #expect(set.pictures.map(\.name) == ["b", "a", "c", "d"])
  #expect(set.pictures.map(\.split) == ["train", "train", "train", "val"])
  #expect(set.pictures[0].objects.isEmpty && set.pictures[0].source.isEmpty)
  let boxes = set.pictures[1].objects.map(\.box)
  #expect(boxes.count == 2 && abs(boxes[0].left - 8) < 1e-12 && abs(boxes[0].height - 4) < 1e-12)
  #expect(set.pictures[1].objects[1].line == 3)
  #expect(set.pictures[2].objects[0].shape == .polygons([[0, 0, 20, 0, 20, 10]]))
}

@Test(arguments: [
  ("train: ../../etc\nnames: [a]", "leads out of the folder"),
  ("train: /etc\nnames: [a]", "leads out of the folder"),
  ("train: images\nnames: {0: a, 2: b}", "0 to 1 without gaps"),
  ("train: images\nnames: [a]\nnc: 3", "nc is 3, but there are 1 names"),
  ("names: [a]", "names no train, val or test"), ("- a", "expected a mapping"),
  ("train: [", "is not YAML"), ("a: &x [1]\nb: *x", "the alias *x is not followed"),
  (String(repeating: "[", count: 100), "nested too deeply"),
  (String(repeating: "- ", count: 5000), "nested too deeply"),
  ("train: {a: 1}\nnames: [a]", "train is no path"),
])
func badYoloDataFilesAreNamed(_ text: String, _ expected: String) throws {
  let folder = try TemporaryFolder()
  try folder.write(text, "a/data.yaml")
  try folder.write("", "a/images/x")
  let told = failure { _ = try LabelSet(path: folder.path + "/a/data.yaml") }
  #expect(told.contains("/a/data.yaml") && told.contains(expected), "\(told)")
}

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
  #expect(set.classNames == ["class 0"] && set.format == .csv)
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

// What Python's zlib makes of one IDX file: dynamic, stored and fixed codes, and codes without repeats.
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
    // A bit of the header's time, or behind the last code, changes nothing; all else is found by the checksum at the latest.
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
  // 20x15 pixels, each an object: 300, numbered 1000, 1001, ... row by row; all but the last are of class 3.
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
  #expect(problems(wrong).contains { $0.contains("has the number 65535, expected at most 255") })
  try folder.write(
    Array(PNGFile.gray16(map, width: 4, height: 3).dropLast(30)), "b/SegmentationObject/a.png")
  try folder.write(PNGFile.gray16([0, 0, 0, 1], width: 2, height: 2), "b/SegmentationClass/a.png")
  let short = try LabelSet(path: folder.path + "/b")
  #expect(problems(short).contains { $0.contains("is a truncated PNG") })
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
      #expect(problems(set).contains { $0.contains("leads out of the folder") }, "\(place) \(name)")
    }
  }
  // An annotation's name loses its folders, as before.
  try folder.write(
    "<annotation><filename>../secret.png</filename><size><width>20</width><height>10</height></size></annotation>",
    "in5/a.xml")
  let voc = try LabelSet(path: folder.path + "/in5")
  #expect(problems(voc).contains { $0.contains("names the picture secret.png, which is not in") })
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
