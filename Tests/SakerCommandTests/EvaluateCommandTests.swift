import Foundation
import SakerData
import Testing

@Suite("saker evaluate") struct EvaluateCommandTests {
  private static let truth = """
    {"images": [{"id": 5, "width": 100, "height": 100}], "categories": [{"id": 3, "name": "cat"}],
     "annotations": [
      {"id": 1, "image_id": 5, "category_id": 3, "bbox": [10, 10, 20, 20], "area": 400, "iscrowd": 0,
       "segmentation": [[10, 10, 10, 30, 30, 30, 30, 10]]},
      {"id": 2, "image_id": 5, "category_id": 3, "bbox": [60, 10, 20, 20], "area": 400, "iscrowd": 0,
       "segmentation": [[60, 10, 60, 30, 80, 30, 80, 10]]}]}
    """
  private static let found = """
    [{"image_id": 5, "category_id": 3, "bbox": [10, 10, 20, 20], "score": 0.9},
     {"image_id": 5, "category_id": 3, "bbox": [10, 10, 20, 20], "score": 0.8},
     {"image_id": 5, "category_id": 3, "bbox": [60, 10, 20, 20], "score": 0.7}]
    """

  @Test("prints pycocotools' 12 lines, or JSON, for boxes and masks")
  func numbers() throws {
    let folder = try Sandbox()
    try folder.write(Self.truth, "g.json")
    try folder.write(Self.found, "d.json")
    let files = ["--ground-truth", "g.json", "--detections", "d.json"]
    let ap = (51 + 50 * 2.0 / 3) / 101
    for kind in ["bbox", "segm"] {
      let result = try Saker.succeed(
        ["evaluate", "--format", "coco", "--iou-type", kind] + files, in: folder.path)
      let lines = result.output.split(separator: "\n")
      #expect(lines.count == 12)
      #expect(
        lines[0]
          == " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.835")
      let json = try Saker.succeed(
        ["evaluate", "--iou-type", kind, "--json"] + files, in: folder.path
      ).object()
      let stats = try #require(json["stats"] as? [Double])
      #expect(stats.count == 12 && abs(stats[0] - ap) < 1e-12 && stats[4] == -1)
      #expect(json["iou_type"] as? String == kind)
      #expect((json["categories"] as? [[String: Any]])?.first?["name"] as? String == "cat")
    }
    let table = try Saker.succeed(["evaluate", "--per-class"] + files, in: folder.path)
    #expect(table.output.contains("cat") && table.output.contains("AP50"))
  }

  @Test("lists mistakes and hard negatives")
  func mistakes() throws {
    let folder = try Sandbox()
    try folder.write(Self.truth, "g.json")
    try folder.write(
      #"[{"image_id": 5, "category_id": 3, "bbox": [40, 60, 20, 20], "score": 0.9}]"#, "d.json")
    try Saker.succeed(
      [
        "evaluate", "--ground-truth", "g.json", "--detections", "d.json", "--mistakes", "m.json",
        "--hard-negatives", "h.txt",
      ], in: folder.path)
    let text = try String(contentsOfFile: folder.path + "/m.json", encoding: .utf8)
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let worst = try #require(report["worst"] as? [[String: Any]])
    #expect(worst.map { $0["kind"] as? String } == ["background", "missed", "missed"])
    let crops = try String(contentsOfFile: folder.path + "/h.txt", encoding: .utf8)
    #expect(crops == "5 38.0 58.0 62.0 82.0\n")
  }

  @Test(
    "bad files end in one line that names them",
    arguments: [
      ("", "g.json:1: ends too early (byte 0)"), ("{}", "g.json:1: has no 'images' (byte 0)"),
      ("[]", "g.json:1: expected an object, got an array (byte 0)"),
    ])
  func badTruth(_ text: String, _ message: String) throws {
    let folder = try Sandbox()
    try folder.write(text, "g.json")
    try folder.write(Self.found, "d.json")
    let result = try Saker.run(
      ["evaluate", "--ground-truth", "g.json", "--detections", "d.json"], in: folder.path)
    #expect(result.status != 0 && !result.crashed && result.output.isEmpty)
    #expect(result.errors == "Error: \(message)\n")
  }

  @Test("missing files, unknown pictures and scores that aren't numbers are named")
  func badDetections() throws {
    let folder = try Sandbox()
    try folder.write(Self.truth, "g.json")
    try folder.write(Self.found.replacingOccurrences(of: "0.8", with: "NaN"), "nan.json")
    try folder.write(Self.found.replacingOccurrences(of: "\": 5", with: "\": 6"), "far.json")
    func problem(_ file: String) throws -> String {
      let result = try Saker.run(
        ["evaluate", "--ground-truth", "g.json", "--detections", file], in: folder.path)
      #expect(result.status != 0 && !result.crashed && result.output.isEmpty)
      return result.errors
    }
    #expect(try problem("no.json") == "Error: no.json: does not exist\n")
    #expect(
      try problem("nan.json").hasPrefix("Error: nan.json:2: 'score': expected a number, got NaN"))
    #expect(
      try problem("far.json")
        == "Error: far.json against g.json: detection 1 is in picture 6, which the ground truth "
        + "doesn't list\n")
  }

  @Test("what the lines of detections hold is guessed and said, in JSON, too")
  func guessedLines() throws {
    let folder = try Sandbox()
    let voc = try folder.voc()
    for name in ["a", "b", "c"] {
      try folder.annotate(name, [("cell", "41 31 60 44")])
      try folder.write("0 0.9 40 30 20 14\n", "d/\(name).txt")
    }
    let files = ["--format", "boxes", "--ground-truth", voc, "--detections", folder.path("d")]
    let told = try Saker.succeed(["evaluate", "--json"] + files)
    let guessed = try #require(told.object()["guessed"] as? [[String: Any]])
    let taken = guessed.reduce(into: [String: String]()) {
      $0[$1["what"] as? String ?? ""] = $1["taken"] as? String
    }
    #expect(taken["lines"] == "size" && taken["classes"] != nil && taken.count == 2, "\(taken)")
    for guess in guessed {
      let reason = try #require(guess["reason"] as? String)
      #expect(told.errors.contains(reason))
    }
    let stated = try Saker.succeed(["evaluate", "--json", "--lines", "size"] + files).object()
    let rest = try #require(stated["guessed"] as? [[String: Any]])
    #expect(rest.map { $0["what"] as? String } == ["classes"])
  }

  @Test("lanes in CULane's and TuSimple's files")
  func lanes() throws {
    let folder = try Sandbox()
    for name in ["truth/a", "truth/b", "found/a"] {
      try FileManager.default.createDirectory(
        atPath: folder.path + "/" + name, withIntermediateDirectories: true)
    }
    try folder.write("100 500 200 400 300 300\n900 500 800 300\n", "truth/a/1.lines.txt")
    try folder.write("10 500 20 300 \n", "truth/b/2.lines.txt")
    try folder.write("102 500 202 400 302 300\n", "found/a/1.lines.txt")
    let lanes = [
      "evaluate", "--format", "culane", "--ground-truth", "truth", "--detections", "found",
    ]
    let all = try Saker.succeed(lanes, in: folder.path)
    #expect(
      all.output
        == "found 1, wrong 0, missed 2: precision 1.0000, recall 0.3333, F1 0.5000\n")
    try folder.write("/a/1.jpg\n", "list.txt")
    let one = try Saker.succeed(lanes + ["--list", "list.txt", "--json"], in: folder.path).object()
    #expect(one["f1"] as? Double == 2.0 / 3)
    try folder.write("1 2 x\n", "found/a/1.lines.txt")
    let bad = try Saker.run(lanes, in: folder.path)
    #expect(bad.status != 0 && bad.errors == "Error: found/a/1.lines.txt:1: 'x' is not a number\n")

    let row =
      #"{"lanes": [[1, 2, 3], [50, 52, -2]], "h_samples": [10, 20, 30], "raw_file": "p.jpg"}"#
    try folder.write(
      row + "\n" + row.replacingOccurrences(of: "p.jpg", with: "q.jpg") + "\n", "t.json")
    try folder.write(row + "\n", "f.json")
    let tusimple = ["evaluate", "--format", "tusimple", "--ground-truth", "t.json", "--detections"]
    let result = try Saker.succeed(tusimple + ["f.json"], in: folder.path)
    #expect(result.output == "2 pictures: accuracy 0.5000, FP 0.0000, FN 0.5000\n")
    try folder.write(String(row.dropLast(9)), "f.json")
    let broken = try Saker.run(tusimple + ["f.json"], in: folder.path)
    #expect(
      broken.status != 0 && broken.errors.hasPrefix("Error: f.json: picture 1: ends too early"))
    #expect(broken.errors.split(separator: "\n").count == 1)
  }

  @Test("text files of a public set give the result that its source states")
  func textFiles() throws {
    let folder = try Sandbox()
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Fixtures/metrics/cartucho-map.json")
    let set = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
    let names = try #require(set["classNames"] as? [String])
    for picture in try #require(set["pictures"] as? [[String: Any]]) {
      for key in ["truths", "detections"] {
        let rows = try #require(picture[key] as? [[Double]]).map { row in
          ([names[Int(row[0])]] + row.dropFirst().map { "\($0)" }).joined(separator: " ")
        }
        try folder.write(
          rows.joined(separator: "\n") + "\n", "\(key)/\(picture["name"] as? String ?? "").txt")
      }
    }
    let command = [
      "evaluate", "--format", "boxes", "--ground-truth", "truths", "--truth-lines", "corners",
      "--detections", "detections",
    ]
    let report = try Saker.succeed(
      command + ["--inclusive", "--mistakes", "m.json", "--json"], in: folder.path
    ).object()
    let mAP = try #require(report["mean_average_precision"] as? Double)
    #expect(abs(mAP - 0.31047718500906324) < 1e-12)
    #expect((report["coco"] as? [Double])?.count == 12)
    let plain = try Saker.succeed(command, in: folder.path)
    #expect(plain.output.contains("COCO: AP 0.") && plain.output.contains("Ultralytics: mAP50 0."))
    #expect(!(try String(contentsOfFile: folder.path + "/m.json", encoding: .utf8)).isEmpty)
  }

  @Test("a data set of any format against a table, with pictures")
  func anyFormat() throws {
    let folder = try Sandbox()
    try Saker.succeed(
      ["data", "convert", "--to", "yolo", "--out", "yolo", "--split", "val"], in: folder.path)
    try Saker.succeed(
      ["data", "convert", "yolo", "--to", "csv", "--out", "table"], in: folder.path)
    let table = try String(contentsOfFile: folder.path + "/table/val/label.csv", encoding: .utf8)
    // The truths themselves as detections.
    let scored = table.split(separator: "\n").enumerated().map {
      $1 + ($0 == 0 ? ",score" : ",0.9")
    }
    try folder.write(scored.joined(separator: "\n") + "\n", "found.csv")
    let command = [
      "evaluate", "--format", "boxes", "--ground-truth", "yolo", "--detections", "found.csv",
    ]
    let report = try Saker.succeed(command + ["--out", "shown", "--json"], in: folder.path).object()
    #expect(report["mean_average_precision"] as? Double == 1)
    for name in ["confusion_matrix.png", "PR_curve.png", "report.html", "val_batch0_pred.jpg"] {
      #expect(FileManager.default.fileExists(atPath: folder.path + "/shown/" + name), "\(name)")
    }
    let wrong = try Saker.run(command + ["--per-class"], in: folder.path)
    #expect(wrong.status != 0 && wrong.errors.contains("per-class: for --format coco only"))
  }

  @Test("label maps are compared pixel by pixel")
  func masks() throws {
    let folder = try Sandbox()
    func map(_ levels: [UInt8], _ name: String) throws {
      try FileManager.default.createDirectory(
        atPath: folder.path + "/" + (name as NSString).deletingLastPathComponent,
        withIntermediateDirectories: true)
      try Picture(width: 2, height: 2, pixels: levels.flatMap { [$0, $0, $0] })
        .write(to: folder.path + "/" + name)
    }
    try map([0, 1, 2, 255], "truth/a.png")
    try map([0, 1, 1, 2], "found/a.png")
    let command = ["evaluate", "--format", "masks", "--ground-truth", "truth", "--detections"]
    let report = try Saker.succeed(command + ["found", "--json"], in: folder.path).object()
    // Of three pixels that count two are right; IoUs 1, 1/2 and 0.
    #expect(abs((report["pixel_accuracy"] as? Double ?? 0) - 2.0 / 3) < 1e-15)
    #expect(abs((report["mean_iou"] as? Double ?? 0) - 0.5) < 1e-15)
    #expect(try Saker.succeed(command + ["found"], in: folder.path).output.contains("mean"))
    try map([0, 1, 2, 2], "truth/b.png")
    let missing = try Saker.run(command + ["found"], in: folder.path)
    #expect(missing.status != 0 && missing.errors.contains("no prediction for 1 of 2: b.png"))
  }

  @Test("a table of scores is measured as a classifier")
  func classes() throws {
    let folder = try Sandbox()
    try folder.write(
      """
      picture,truth,cat,dog,"a, b"
      1.png,cat,0.5,0.25,0.25
      2.png,dog,0.5,0.375,0.125
      3.png,2,0.125,0.125,0.75
      4.png,dog,0.25,0.625,0.125

      """, "s.csv")
    let command = ["evaluate", "--format", "classes", "--detections"]
    let report = try Saker.succeed(command + ["s.csv", "--json"], in: folder.path).object()
    #expect(report["top1"] as? Double == 0.75 && report["top5"] as? Double == 1)
    let areas = try #require(report["areas"] as? [[String: Any]])
    #expect(areas.map { $0["name"] as? String } == ["cat", "dog", "a, b"])
    // Of the cat's three pairs one is a tie.
    #expect(abs((areas[0]["roc_area"] as? Double ?? 0) - 2.5 / 3) < 1e-12)
    #expect(areas[1]["roc_area"] as? Double == 1 && areas[2]["average_precision"] as? Double == 1)
    #expect(try Saker.succeed(command + ["s.csv"], in: folder.path).output.contains("top-1 0.7500"))
    // The true classes from folders.
    for name in ["cat/1.png", "dog/2.png"] {
      try folder.write(
        Picture(width: 2, height: 2, filledWith: RGB(1, 2, 3)).encoded(as: .png()), "set/" + name)
    }
    try folder.write("picture,cat,dog\n1.png,0.9,0.1\n2.png,0.2,0.8\n", "p.csv")
    let found = try Saker.succeed(
      command + ["p.csv", "--ground-truth", "set", "--json"], in: folder.path
    ).object()
    #expect(found["top1"] as? Double == 1)
    for (text, problem) in [
      ("picture,cat,dog\n1.png,0.9,0.1\n", "t.csv:1: error: has no column 'truth'"),
      ("truth,cat,dog\nbird,0.9,0.1\n", "t.csv:2: error: bird is no class of the header"),
      ("truth,cat,dog\ncat,nan,0.1\n", "t.csv:2: error: the score of cat is no number: nan"),
      ("truth,cat,dog\n", "t.csv: error: has a header and no rows"),
    ] {
      try folder.write(text, "t.csv")
      let result = try Saker.run(command + ["t.csv"], in: folder.path)
      #expect(result.status != 0 && result.errors.contains(problem), "\(result.errors)")
    }
  }
}
