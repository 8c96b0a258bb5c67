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

/// A small set that every format can hold: boxes, classes of pictures or lanes.
func sample(for format: DataFormat, _ folder: TemporaryFolder) throws -> LabelSet {
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
  #expect(allProblems(back).isEmpty, "\(allProblems(back))")
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
