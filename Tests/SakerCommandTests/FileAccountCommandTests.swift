import Foundation
import Testing

/// What the commands say about the files of a data set: found, used, left out with a reason.
@Suite struct FileAccountCommandTests {
  private func train(_ sandbox: Sandbox, _ more: [String] = []) -> [String] {
    [
      "train", "--data", sandbox.path("voc"), "--size", "64", "--epochs", "1", "--batch", "2",
      "--workers", "1", "--no-pictures", "--out", sandbox.path("run"),
    ] + more
  }

  private func tally(_ result: [String: Any], _ what: String) throws -> (Int?, Int?, [String]) {
    let files = try #require(result["files"] as? [String: Any])
    let tally = try #require(files[what] as? [String: Any])
    let reasons = (tally["left_out"] as? [[String: Any]])?.compactMap { $0["reason"] as? String }
    return (tally["found"] as? Int, tally["used"] as? Int, reasons ?? [])
  }

  @Test func theSumsArePrinted() throws {
    let sandbox = try Sandbox()
    try sandbox.voc()
    let clean = try Saker.succeed(["data", "info", sandbox.path("voc")])
    #expect(
      clean.output.contains("files: 3 pictures, 3 label files, 2 splits (train, val), all used"))
    try sandbox.write(sandbox.bytes("voc/JPEGImages/a.png"), "voc/JPEGImages/stray.png")
    try sandbox.write("", "voc/JPEGImages/scan.heic")
    try sandbox.write("c\n", "voc/ImageSets/Main/test.txt")
    try sandbox.write("", "voc/ImageSets/Main/val.txt")
    for command in ["info", "check"] {
      let result = try Saker.run(["data", command, sandbox.path("voc")])
      #expect(result.output.contains("pictures: 5 found = 3 used + 2 left out"))
      #expect(result.output.contains("1: ending .heic is not read ("))
      #expect(result.output.contains("1: has no annotation file ("))
    }
    try sandbox.write("b\n", "voc/ImageSets/Main/val.txt")
    try sandbox.write("a\n", "voc/ImageSets/Main/train.txt")
    let trained = try Saker.succeed(train(sandbox))
    #expect(trained.output.contains("pictures: 5 found = 2 used + 3 left out"))
    #expect(trained.output.contains("1: is in the split test, which is not used ("))
    #expect(trained.output.contains("splits: 3 found = 2 used (train, val) + 1 left out"))
    let values = try Saker.succeed([
      "val", "--weights", sandbox.path("run"), "--data", sandbox.path("voc"), "--json",
    ]).object()
    #expect(try tally(values, "pictures").1 == 1 && tally(values, "splits").1 == 1)
    let info = try Saker.succeed(["data", "info", sandbox.path("voc"), "--json"]).object()
    #expect(
      try tally(info, "pictures") == (
        5, 3,
        [
          "ending .heic is not read", "has no annotation file",
        ]
      ))
    #expect(try tally(info, "labels") == (3, 3, []))
  }

  @Test func everySplitCanBeLearnedFrom() throws {
    let sandbox = try Sandbox()
    try sandbox.voc()
    let result = try Saker.succeed(train(sandbox, ["--train-split", "all", "--json"])).object()
    #expect(try tally(result, "pictures") == (3, 3, []))
    #expect(try tally(result, "splits") == (2, 2, []))
  }

  @Test func aSetWithoutLabelsIsRefused() throws {
    let sandbox = try Sandbox()
    try sandbox.voc()
    for name in ["a", "b", "c"] {
      try sandbox.write(
        sandbox.bytes("voc/JPEGImages/\(name).png"), "yolo/images/train/\(name).png")
    }
    try sandbox.write("train: images/train\nnames: [cell]\n", "yolo/data.yaml")
    let yaml = sandbox.path("yolo/data.yaml")
    let told = "no label file for any of 3 pictures; searched in "
    #expect(try Saker.succeed(["data", "info", yaml]).output.contains(told))
    let check = try Saker.run(["data", "check", yaml])
    #expect(check.status == 1 && check.output.contains(told))
    let refused = try Saker.run([
      "train", "--data", yaml, "--size", "64", "--out", sandbox.path("run"), "--skip-bad",
    ])
    #expect(refused.status == 1 && refused.errors.contains(told))
  }
}
