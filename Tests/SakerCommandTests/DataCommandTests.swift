import Foundation
import SakerData
import SakerNN
import Testing

struct DataCommandTests {
  @Test func infoTellsTheEmbeddedData() throws {
    let told = try Saker.succeed(["data", "info", "--json"]).object()
    #expect(told["pictures"] as? Int == 364 && told["format"] as? String == "voc")
    #expect(told["splits"] as? [String: Int] == ["train": 205, "val": 87, "test": 72])
    let classes = try #require(told["classes"] as? [[String: Any]])
    #expect(classes.map { $0["name"] as? String } == ["Platelets", "RBC", "WBC"])
    #expect(classes.map { $0["label"] as? Int } == [0, 1, 2])
    #expect(told["read_seconds"] is Double && told["peak_memory_bytes"] is Int)
    let text = try Saker.succeed(["data", "info"])
    #expect(text.output.contains("Pascal VOC (voc)") && text.output.contains("split test: 72"))
  }

  @Test func aSetIsTheSameFromInsideItsFolder() throws {
    let sandbox = try Sandbox()
    for name in ["train/0", "val/1"] {
      try sandbox.write(
        Picture(width: 20, height: 10).encoded(as: .png()), "set/images/\(name).png")
      try sandbox.write("0 0.5 0.5 0.2 0.4\n", "set/labels/\(name).txt")
    }
    try sandbox.write(
      "path: .\ntrain: images/train\nvalid: images/val\nnames: [a]\n", "set/data.yaml")
    let (inside, images) = (sandbox.path("set"), sandbox.path("set/images"))
    for (place, folder) in [
      ("data.yaml", inside), ("./data.yaml", inside), (".", inside), ("./", inside),
      ("..", images), ("../data.yaml", images), ("set", sandbox.path), ("./set/", sandbox.path),
      (inside, sandbox.path),
    ] {
      let told = try Saker.succeed(["data", "info", place, "--json"], in: folder).object()
      #expect(told["objects"] as? Int == 2, "\(place)")
      #expect(told["warnings"] as? Int == 0 && told["errors"] as? Int == 0, "\(place)")
      #expect(told["splits"] as? [String: Int] == ["train": 1, "val": 1], "\(place)")
    }
    let part = try Saker.succeed(["data", "info", inside, "--split", "dev", "--json"]).object()
    #expect(part["objects"] as? Int == 1)
  }

  /// A set says the same of itself from inside its folder, from beside it, and through a link.
  @Test(arguments: DataFormat.allCases)
  func everyFormatIsTheSameFromInside(_ format: DataFormat) throws {
    let sandbox = try Sandbox()
    var set = try LabelSet(path: sandbox.voc())
    for i in set.pictures.indices {
      if format.features.contains(.pictureLabels) {
        set.pictures[i].objects = []
        set.pictures[i].label = 0
      } else if format.features.contains(.lines) {
        let line = LabeledObject.Shape.line([4, 10, 5, 20])
        set.pictures[i].rows = [10, 20]
        set.pictures[i].objects = [
          LabeledObject(
            label: 0, box: LabelBox(left: 4, top: 10, right: 5, bottom: 20), shape: line)
        ]
      }
    }
    let whole = sandbox.path("images/set")
    try set.write(to: whole, as: format)
    try FileManager.default.createSymbolicLink(
      atPath: sandbox.path("link"), withDestinationPath: "images/set")
    var first: NSDictionary?
    for (place, folder) in [
      (whole, sandbox.path), (".", whole), ("./", whole), ("../set", whole),
      ("set", sandbox.path + "/images"),
      ("images/set/", sandbox.path), ("link", sandbox.path), (".", sandbox.path("link")),
    ] {
      let told = try Saker.succeed(["data", "info", place, "--json"], in: folder).object()
      var facts = [String: Any]()
      for key in ["format", "pictures", "objects", "classes", "splits", "features", "errors"] {
        facts[key] = told[key]
      }
      let files = try #require(told["files"] as? [String: Any])
      for (what, tally) in files {
        facts[what + " found"] = (tally as? [String: Any])?["found"]
        facts[what + " used"] = (tally as? [String: Any])?["used"]
      }
      #expect(told["pictures"] as? Int == 3 && told["warnings"] as? Int == 0, "\(place)")
      #expect((told["guessed"] as? [Any])?.isEmpty == true, "\(place)")
      #expect(first == nil || first == facts as NSDictionary, "\(place): \(facts)")
      first = first ?? facts as NSDictionary
    }
  }

  /// What the files do not say is guessed, and said in JSON, too.
  @Test func infoSaysWhatIsGuessed() throws {
    let sandbox = try Sandbox()
    try sandbox.voc()
    let picture = try sandbox.bytes("voc/JPEGImages/a.png")
    for place in ["shares/a.png", "breeds/images/a.png", "yolo/images/a.png", "shares/b.png"] {
      try sandbox.write(picture, place)
    }
    try sandbox.write(
      "filename,class,xmin,ymin,xmax,ymax\na.png,x,0.1,0.2,0.5,0.9\n", "shares/boxes.csv")
    try sandbox.write("id,breed\na,dog\n", "breeds/train.csv")
    try sandbox.write("0 0.5 0.5 0.2 0.4\n", "yolo/Labels/a.txt")
    try sandbox.write("train: /content/yolo/images\nnames: [x]\n", "yolo/data.yaml")
    for (name, messages) in [
      ("shares", ["all corners are 0...1; they are taken as shares"]),
      ("breeds", ["the column breed is taken for the class"]),
      (
        "yolo",
        ["train is /content/yolo/images, which is not there", "the labels of 1 of 1 pictures"]
      ),
      ("voc", []),
    ] {
      let told = try Saker.succeed(["data", "info", sandbox.path(name), "--json"]).object()
      let guessed = try #require(told["guessed"] as? [[String: Any]])
      let found = guessed.compactMap { $0["message"] as? String }
      #expect(found.count == messages.count, "\(name): \(found)")
      for message in messages { #expect(found.contains { $0.contains(message) }, "\(found)") }
      #expect(guessed.allSatisfy { ($0["file"] as? String)?.contains("/\(name)") == true })
    }
  }

  @Test func checkTellsEveryProblemAndFails() throws {
    let sandbox = try Sandbox()
    let voc = try sandbox.voc()
    try sandbox.annotate("b", [("cell", "5 5 30 30"), ("cell", "50 5 99 30")])
    try sandbox.write("no picture", "voc/JPEGImages/c.png")
    let told = try Saker.run(["data", "check", voc, "--json"])
    #expect(told.status == 1 && !told.crashed)
    let report = try told.object()
    #expect(report["errors"] as? Int == 2 && report["classes"] as? [String] == ["cell"])
    let problems = try #require(report["problems"] as? [[String: Any]])
    #expect(
      problems.contains {
        ($0["file"] as? String)?.hasSuffix("Annotations/b.xml") == true && $0["line"] as? Int == 10
          && ($0["message"] as? String)?.contains("outside the 64x48 picture") == true
      })
    let text = try Saker.run(["data", "check", voc])
    #expect(text.status == 1 && text.output.contains("2 errors, 0 warnings"))
    #expect(text.output.contains("c.png: error: is not a picture"))
    #expect(
      try Saker.run(["data", "check", voc, "--limit", "1"]).output.contains("... and 1 more"))
  }

  @Test func convertSplitStatsAndViewWorkTogether() throws {
    let sandbox = try Sandbox()
    let voc = try sandbox.voc()
    let report = try Saker.succeed([
      "data", "convert", voc, "--to", "yolo", "--out", sandbox.path("yolo"), "--json",
    ]).object()
    #expect(report["pictures"] as? Int == 3 && report["objects"] as? Int == 6)
    #expect(
      try sandbox.list("yolo/labels/train") == ["a.txt", "b.txt"]
        && sandbox.list("yolo") == ["data.yaml", "images", "labels"])
    // Into a folder that is there: refused, in a line.
    let again = try Saker.run([
      "data", "convert", voc, "--to", "coco", "--out", sandbox.path("yolo"),
    ])
    #expect(again.status == 1 && again.errors.contains("is there already"))
    let split = try Saker.succeed([
      "data", "split", sandbox.path("yolo/data.yaml"), "--ratio", "1:1:1", "--seed", "3", "--to",
      "coco", "--out", sandbox.path("coco"), "--transfer", "link", "--json",
    ]).object()
    let splits = try #require(split["splits"] as? [String: [String: Any]])
    #expect(splits.mapValues { $0["pictures"] as? Int } == ["train": 1, "val": 1, "test": 1])
    let stats = try Saker.succeed(["data", "stats", sandbox.path("coco"), "--json"]).object()
    #expect(stats["pictures"] as? Int == 3 && stats["objects"] as? Int == 6)
    #expect((stats["center_map"] as? [[Int]])?.count == 50)
    let text = try Saker.succeed(["data", "stats", sandbox.path("coco")])
    #expect(text.output.contains("width / height") && text.output.contains("64x48 (3)"))
    try Saker.succeed([
      "data", "view", sandbox.path("coco"), "--out", sandbox.path("sheet.png"), "--count", "2",
    ])
    #expect(try Picture(file: sandbox.path("sheet.png")).width > 400)
    // A detector learns from them, too.
    let run = try Saker.succeed([
      "train", "--data", sandbox.path("yolo/data.yaml"), "--size", "64", "--epochs", "1", "--batch",
      "1", "--out", sandbox.path("run"), "--json",
    ]).object()
    #expect(run["ending"] as? String == "complete")
  }

  @Test func cropsMakeDataForClassifiers() throws {
    let sandbox = try Sandbox()
    let voc = try sandbox.voc()
    try sandbox.annotate("a", [("cell", "5 5 30 30"), ("dot", "33 11 60 44"), ("dot", "1 1 4 4")])
    try sandbox.annotate("b", [("dot", "5 5 30 30")])
    let told = try Saker.succeed([
      "data", "crops", voc, "--out", sandbox.path("crops"), "--margin", "0", "--png", "--json",
    ]).object()
    #expect(told["crops"] as? Int == 5 && told["pictures"] as? Int == 3)
    #expect(told["folder"] as? String == sandbox.path("crops"))
    #expect(
      told["splits"] as? [String: [String: Int]]
        == ["train": ["cell": 1, "dot": 2], "val": ["cell": 2]])
    let left = try #require(told["left_out"] as? [[String: Any]])
    #expect(left.map { $0["what"] as? String } == ["boxes with a side below 8 pixels"])
    #expect(try sandbox.list("crops/train/dot") == ["a-2.png", "b-1.png"])
    // 33 11 60 44 of VOC: columns 32 to 59, rows 10 to 43.
    let piece = try Picture(file: sandbox.path("crops/train/dot/a-2.png"))
    #expect(piece.width == 28 && piece.height == 34 && piece[27, 33] == RGB(200, 40, 40))
    // What was made is data for a classifier; it is made once.
    let text = try Saker.succeed([
      "train", "--task", "classify", "--data", sandbox.path("crops"), "--epochs", "1", "--width",
      "0.125", "--stem", "small", "--size", "16", "--out", sandbox.path("run"), "--no-pictures",
    ])
    #expect(text.output.contains("3 pictures of 2 classes"), "\(text.output)")
    let again = try Saker.run(["data", "crops", voc, "--out", sandbox.path("crops")])
    #expect(again.status == 1 && again.errors.contains("is there already"))
    let squares = try Saker.succeed([
      "data", "crops", voc, "--out", sandbox.path("squares"), "--square", "--size", "12",
      "--split", "val", "--quality", "80",
    ])
    #expect(squares.output.contains("val: 2 pieces, 2 cell"), "\(squares.output)")
    #expect(
      try Picture.size(ofFile: sandbox.path("squares/val/cell/c-1.jpg"))
        == PictureSize(width: 12, height: 12))
  }

  @Test func detectorsLearnFromManySizes() throws {
    let sandbox = try Sandbox()
    let told = try Saker.succeed([
      "train", "--data", try sandbox.voc(), "--size", "64", "--epochs", "2", "--batch", "2",
      "--multi-scale", "--out", sandbox.path("run"), "--no-pictures", "--json",
    ]).object()
    #expect(told["ending"] as? String == "complete")
    // The card keeps the usual size.
    let card = try Safetensors(contentsOf: sandbox.path("run/weights/best.safetensors"))
      .metadata["saker.model"]
    #expect(card?.contains("\"height\":64") == true)
    let classifier = try Saker.run(["train", "--task", "classify", "--multi-scale"])
    #expect(classifier.errors.contains("--multi-scale: only for detectors"))
  }

  @Test func embeddedDataGoByTheirNames() throws {
    let cards = try Saker.succeed(["data", "info", "cards", "--json"]).object()
    #expect(cards["pictures"] as? Int == 405 && cards["format"] as? String == "folders")
    #expect(cards["splits"] as? [String: Int] == ["train": 262, "test": 143])
    let clothes = try Saker.succeed(["data", "info", "fashion-mnist", "--json"]).object()
    #expect(clothes["pictures"] as? Int == 1900 && clothes["format"] as? String == "idx")
    let cells = try Saker.succeed(["data", "info", "bccd", "--labels-only", "--json"]).object()
    #expect(cells["objects"] as? Int == 4888)
    // Boxes are no classes of pictures, and the other way around.
    let boxes = try Saker.run(["train", "--task", "classify", "--data", "bccd"])
    #expect(boxes.status != 0 && boxes.errors.contains("'saker data crops' makes"))
    let classes = try Saker.run(["train", "--data", "cards"])
    #expect(classes.status != 0 && !classes.crashed && classes.errors.contains("no boxes"))
    // A run remembers the name, wherever it is resumed.
    let sandbox = try Sandbox()
    let run = sandbox.path("run")
    try Saker.succeed([
      "train", "--task", "classify", "--data", "cards", "--out", run, "--epochs", "1", "--width",
      "0.125", "--stem", "small", "--size", "8", "--no-pictures",
    ])
    let measured = try Saker.succeed(["val", "--weights", run, "--data", "cards", "--json"])
      .object()
    #expect(measured["pictures"] as? Int == 143)
    let origin = try Safetensors(contentsOf: run + "/weights/last.safetensors")
      .metadata["saker.training"]
    #expect(origin?.contains("\"data\":\"cards\"") == true)
  }

  @Test(arguments: [
    (["data", "crops", "--out", "x", "--margin=-1"], "margin: expected 0...10, got -1"),
    (["data", "crops", "--out", "x", "--quality", "0"], "quality: expected 1...100, got 0"),
    (["data", "crops", "--out", "x", "--size", "0"], "size: expected 1...65500, got 0"),
    (["data", "crops", "--out", "x", "--min-side=-1"], "min side: expected 0 or more"),
    (["data", "crops", "cards", "--out", "x"], "which has no boxes to cut out"),
    (["data", "split", "--out", "x", "--ratio", "a:b"], "ratio: expected two or three parts"),
    (["data", "split", "--out", "x", "--ratio", "0:0"], "ratio: expected two or three parts"),
    (["data", "info", "/no/such"], "/no/such: error: does not exist"),
    (["data", "info", "--split", "x"], "has no split x"),
    (["data", "view", "--out", "a.gif"], "out: expected a name"),
    (["data", "view", "--of", "dog"], "of: expected one of Platelets, RBC, WBC, got 'dog'"),
    (["data", "convert", "--to", "x", "--out", "y"], "The value 'x' is invalid"),
  ])
  func mistakesAreToldInALine(_ arguments: [String], _ expected: String) throws {
    let result = try Saker.run(arguments)
    #expect(result.status != 0 && !result.crashed)
    #expect(result.errors.contains(expected), "\(result.errors)")
  }
}
