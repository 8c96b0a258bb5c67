import Foundation
import SakerData
import Testing

@Suite("Detections in files") struct DetectionFilesTests {
  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
    "saker-\(UUID().uuidString)"
  ).path

  /// Two pictures of 100 x 50 pixels, classes with a space, numbers as COCO has them.
  private let truths = LabelSet(
    classes: [LabelClass("red cell", id: 7), LabelClass("platelet", id: 9)],
    pictures: [
      LabeledPicture(
        file: "a.jpg", path: "", size: PictureSize(width: 100, height: 50), id: 41,
        objects: [LabeledObject(label: 0, box: LabelBox(left: 1, top: 2, width: 3, height: 4))]),
      LabeledPicture(file: "b.jpg", path: "", size: PictureSize(width: 100, height: 50), id: 42),
    ], format: .coco)

  private func write(_ text: String, _ name: String) throws {
    let path = folder + "/" + name
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try text.write(toFile: path, atomically: true, encoding: .utf8)
  }

  @Test("one detection in every form is the same detection")
  func forms() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try write("platelet 0.75 20 10 60 30\n", "corners/b.txt")
    try write("platelet 0.75 20 10 40 20\n", "size/b.txt")
    try write("1 0.75 0.4 0.4 0.4 0.4\n", "center/b.txt")
    try write("1 0.4 0.4 0.4 0.4 0.75\n", "yolo/b.txt")
    // VOC's corners are pixels inside, counted from 1.
    try write("b 0.75 21 11 60 30\n", "devkit/comp4_det_test_platelet.txt")
    try write(
      "filename,class,score,xmin,ymin,xmax,ymax\nb.jpg,platelet,0.75,20,10,60,30\n", "t.csv")
    try write(
      #"[{"image_id": 42, "category_id": 9, "bbox": [20, 10, 40, 20], "score": 0.75}]"#, "r.json")
    for (path, form) in [
      ("corners", nil), ("corners", .corners), ("size", .size), ("center", .center), ("yolo", nil),
      ("yolo", .yolo), ("devkit", nil), ("t.csv", nil), ("r.json", nil),
    ] as [(String, DetectionFiles.LineForm?)] {
      let found = try DetectionFiles(folder + "/" + path, of: truths, form: form)
      #expect(found.objects[0].isEmpty && found.strays == 0, "\(path)")
      let object = try #require(found.objects[1].first, "\(path)")
      #expect(object.label == 1 && object.score == 0.75, "\(path)")
      let box = object.box
      for (side, expected) in zip([box.left, box.top, box.right, box.bottom], [20, 10, 60, 30.0]) {
        #expect(abs(side - expected) < 1e-9, "\(path) \(box)")
      }
      #expect(found.classes.map(\.name) == truths.classNames, "\(path)")
    }
  }

  @Test("names with spaces, classes only found, pictures nobody knows")
  func names() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try write("red cell 0.5 1 2 4 6\ndust 0.25 1 2 4 6\n", "d/a.txt")
    try write("dust 0.25 1 2 4 6\n", "d/unknown.txt")
    let found = try DetectionFiles(folder + "/d", of: truths)
    #expect(found.objects.map(\.count) == [2, 0] && found.strays == 1)
    #expect(found.objects[0].map(\.label) == [0, 2])
    #expect(found.classes.map(\.name) == ["red cell", "platelet", "dust"])
  }

  @Test(
    "wrong lines are named",
    arguments: [
      ("platelet 0.5 1 2 3", "a.txt:1: error: expected a name and 5 numbers"),
      ("platelet 0.5 1 2 3 x", "a.txt:1: error: x is no number"),
      ("platelet nan 1 2 3 4", "a.txt:1: error: nan is no number"),
      ("7 30 1 2 3 4", "a.txt:1: error: class 7 is of no class"),
    ])
  func wrong(_ line: String, _ message: String) throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try write(line + "\n", "d/a.txt")
    let error = #expect(throws: DatasetError.self) { try DetectionFiles(folder + "/d", of: truths) }
    #expect("\(try #require(error))".contains(message))
    for (path, problem) in [("none", "does not exist"), ("d/a.txt", "expected a .csv table")] {
      let error = #expect(throws: DatasetError.self) {
        try DetectionFiles(folder + "/" + path, of: truths)
      }
      #expect("\(try #require(error))".contains(problem))
    }
    try write("filename,class,xmin,ymin,xmax,ymax\na.jpg,platelet,1,2,3,4\n", "t.csv")
    let unscored = #expect(throws: DatasetError.self) {
      try DetectionFiles(folder + "/t.csv", of: truths)
    }
    #expect("\(try #require(unscored))".contains("t.csv:2: error: has no score"))
  }

  @Test("truths as text, difficult ones marked")
  func textTruths() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try write("red cell 1 2 4 6\nplatelet 0 0 9 9 difficult\n", "t/a.txt")
    try write("", "t/b.txt")
    let set = try LabelSet(textBoxes: folder + "/t")
    #expect(set.classNames == ["red cell", "platelet"] && set.pictures.map(\.file) == ["a", "b"])
    #expect(set.pictures[0].objects.map(\.flags) == [[], .difficult])
    #expect(set.pictures[0].objects[0].box == LabelBox(left: 1, top: 2, right: 4, bottom: 6))
    try write("red cell 1 2 4\n", "t/b.txt")
    let error = #expect(throws: DatasetError.self) { try LabelSet(textBoxes: folder + "/t") }
    #expect("\(try #require(error))".contains("b.txt:1: error: "))
  }

  @Test(
    "lines without a form are told from all of them, and what was told is said",
    arguments: DetectionFiles.LineForm.allCases)
  func guesses(_ form: DetectionFiles.LineForm) throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    // Boxes near the lower right corner: as sizes their corners are inverted, as corners
    // their sizes reach out.
    var set = truths
    let boxes = [
      LabelBox(left: 60, top: 30, width: 20, height: 10),
      LabelBox(left: 10, top: 5, width: 40, height: 30),
      LabelBox(left: 70, top: 20, width: 25, height: 25),
    ]
    set.pictures[0].objects = boxes.map { LabeledObject(label: 0, box: $0) }
    let rows = boxes.map { box -> String in
      let numbers: [Double] =
        switch form {
        case .corners, .cornersLast: [box.left, box.top, box.right, box.bottom]
        case .size, .sizeLast: [box.left, box.top, box.width, box.height]
        case .center, .yolo:
          [
            (box.left + box.width / 2) / 100, (box.top + box.height / 2) / 50, box.width / 100,
            box.height / 50,
          ]
        }
      let isLast = [.yolo, .cornersLast, .sizeLast].contains(form)
      return (["0"] + (isLast ? numbers + [0.75] : [0.75] + numbers).map { "\($0)" })
        .joined(separator: " ")
    }
    try write(rows.joined(separator: "\n"), "d/a.txt")
    let found = try DetectionFiles(folder + "/d", of: set)
    #expect(found.guesses.map(\.what).sorted() == ["classes", "lines"])
    #expect(found.guesses.contains { $0.taken == form.rawValue && $0.reason.contains("3 of 3") })
    for (object, box) in zip(found.objects[0], boxes) {
      #expect(
        abs(object.box.left - box.left) < 1e-9 && abs(object.box.right - box.right) < 1e-9)
      #expect(object.score == 0.75)
    }
  }

  @Test(
    "what contradicts itself is refused",
    arguments: [
      ("platelet 0.5 30 10 20 20\n", .corners, "a.txt:1: error: as corners the box is inverted"),
      ("platelet 87 1 2 30 40\n", nil, "cannot be told what its lines hold"),
      ("platelet 0.5 1 2 3 4\n1 0.5 1 2 3 4\n", nil, "a.txt:2: error: has the class 1, a number"),
      ("platelet 0x1 1 2 3 4\n", nil, "0x1 is no number"),
      ("platelet 0.5 1 2 3 inf\n", nil, "inf is no number"),
    ] as [(String, DetectionFiles.LineForm?, String)])
  func contradictions(_ text: String, _ form: DetectionFiles.LineForm?, _ message: String) throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try write(text, "d/a.txt")
    let error = #expect(throws: DatasetError.self) {
      try DetectionFiles(folder + "/d", of: truths, form: form)
    }
    #expect("\(try #require(error))".contains(message))
  }

  @Test("scores of classes are decimal numbers", arguments: ["0x10", "inf", "nan", "", "1_0"])
  func scores(_ text: String) throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try write("picture,truth,cat,dog\na,cat,0.5,\(text)\n", "s.csv")
    let error = #expect(throws: DatasetError.self) { try ClassScores(folder + "/s.csv") }
    #expect("\(try #require(error))".contains("s.csv:2: error: the score of dog is no number"))
  }
}
