import Foundation
import SakerData
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

  @Test(arguments: [
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
