import Foundation
import SakerData
import SakerNN
import SakerTensor
import SakerVision
import Testing

struct PictureCommandTests {
  @Test func aReportIsWrittenAgainFromItsFolder() throws {
    let run = try TrainedRun.get()
    let sandbox = try Sandbox()
    let copy = sandbox.path("copy")
    try FileManager.default.copyItem(atPath: run.folder, toPath: copy)
    try FileManager.default.removeItem(atPath: copy + "/report.html")
    try FileManager.default.removeItem(atPath: copy + "/results.png")
    let told = try Saker.succeed(["report", copy, "--json"]).object()
    #expect(told["report"] as? String == copy + "/report.html")
    let html = try String(contentsOfFile: copy + "/report.html", encoding: .utf8)
    #expect(html.contains("tiny-ssd") && html.contains("Learning curves"))
    #expect(try Picture(file: copy + "/results.png").width > 400)
  }

  @Test func labelsAreDrawnWithTheirStatistics() throws {
    let run = try TrainedRun.get()
    let sandbox = try Sandbox()
    _ = try Saker.succeed([
      "data", "stats", run.data, "--out", sandbox.path("labels"), "--json",
    ])
    #expect(try sandbox.list("labels") == ["labels.jpg", "labels_correlogram.jpg"])
    #expect(try Picture(file: sandbox.path("labels/labels.jpg")).width == 1520)
  }

  @Test func trainingWithoutPicturesWritesNone() throws {
    let run = try TrainedRun.get()
    let sandbox = try Sandbox()
    _ = try Saker.succeed([
      "train", "--data", run.data, "--epochs", "1", "--size", "64", "--workers", "0",
      "--no-pictures", "--out", sandbox.path("run"),
    ])
    #expect(try sandbox.list("run") == [".lock", "results.csv", "results.png", "weights"])
  }

  @Test func modelsAreLookedInto() throws {
    let run = try TrainedRun.get()
    let sandbox = try Sandbox()
    let picture = sandbox.path("picture.png")
    var noise = Picture(width: 90, height: 70)
    for i in noise.pixels.indices { noise.pixels[i] = UInt8((i * 7919) % 251) }
    try noise.write(to: picture)
    for kind in ["features", "filters", "cam", "receptive-field"] {
      let out = sandbox.path("\(kind).png")
      let told = try Saker.succeed([
        "visualize", kind, run.last, "--picture", picture, "--layer", "blk_0.0.0", "--out", out,
        "--json",
      ]).object()
      #expect(told["layer"] as? String == "blk_0.0.0")
      #expect(try Picture(file: out).width >= 200, "\(kind)")
    }
    let told = try Saker.succeed([
      "visualize", "cam", run.last, "--picture", picture, "--target", "WBC", "--out",
      sandbox.path("wbc.jpg"), "--json",
    ]).object()
    #expect(told["target"] as? String == "WBC")
    _ = try Saker.succeed([
      "visualize", "cam", "resnet18", "--picture", picture, "--target", "7", "--out",
      sandbox.path("resnet.png"),
    ])
  }

  /// What `train --task classify` makes is looked into from its folder: a network with a
  /// small stem and an eighth of the width, of 16 pixels, and one that sees gray; with the
  /// names of its classes.
  @Test(arguments: ["resnet18", "lenet"])
  func classifiersAreLookedIntoFromTheirRuns(model: String) throws {
    let (shared, sandbox) = (try ClassifierRun.get(), try Sandbox())
    var run = shared.folder
    if model == "lenet" {
      run = sandbox.path("run")
      _ = try Saker.succeed([
        "train", "--task", "classify", "--data", shared.data, "--out", run, "--model", model,
        "--epochs", "1", "--batch", "4", "--workers", "0", "--no-pictures", "--json",
      ])
    }
    let picture = shared.data + "/test/red/1.png"
    for kind in ["features", "filters", "cam", "receptive-field"] {
      let out = sandbox.path("\(kind).png")
      let told = try Saker.succeed([
        "visualize", kind, run, "--picture", picture, "--out", out, "--json",
      ]).object()
      #expect(told["layer"] as? String != "")
      let drawn = try Picture(file: out)
      #expect(drawn.width >= 400 && Set(drawn.pixels).count > 3, "\(kind)")
      // Under the map lies what the network sees: without colour for one that takes gray.
      if kind == "receptive-field", model == "lenet" {
        let corner = drawn[2, 2]
        #expect(corner.red == corner.green && corner.green == corner.blue)
      }
      if kind == "cam" { #expect(["blue", "green", "red"].contains(told["target"] as? String)) }
    }
    // A file of it does as well, and classes go by name.
    let told = try Saker.succeed([
      "visualize", "cam", run + "/weights/last.safetensors", "--picture", picture, "--target",
      "green", "--out", sandbox.path("green.png"), "--json",
    ]).object()
    #expect(told["target"] as? String == "green")
    let wrong = try Saker.run([
      "visualize", "cam", run, "--picture", picture, "--target", "gray", "--out",
      sandbox.path("x.png"),
    ])
    #expect(wrong.status != 0 && wrong.errors.contains("expected blue, green, red, got 'gray'"))
  }

  /// A network that takes blue first: the same one with its input channels exchanged sees the same,
  /// so the pictures are the same.
  @Test func theOrderOfChannelsIsObeyed() throws {
    let (run, sandbox) = (try ClassifierRun.get(), try Sandbox())
    let own = try Safetensors(contentsOf: run.best)
    let key = ClassifierCard.metadataKey
    var card = try ClassifierCard(metadata: own.metadata, file: run.best)
    #expect(card.input.order == .rgb && card.input.mean[0] != card.input.mean[2])
    card.input.order = .bgr
    card.input.mean.reverse()
    card.input.std.reverse()
    var metadata = own.metadata
    metadata[key] = card.metadata[key]
    let blueFirst = Tensor([2, 1, 0] as [Int64])
    let (swapped, wrong) = (sandbox.path("bgr.safetensors"), sandbox.path("wrong.safetensors"))
    try Safetensors(
      own.tensors.map {
        $0.name == "conv1.weight"
          ? NamedTensor($0.name, $0.tensor.indexSelect(blueFirst, axis: 1)) : $0
      }, metadata: metadata
    ).write(to: swapped)
    // Without the exchange it is another network.
    try Safetensors(own.tensors, metadata: metadata).write(to: wrong)
    let picture = run.data + "/test/red/1.png"
    func drawn(_ weights: String, _ kind: String, _ more: [String]) throws -> Picture {
      let out = sandbox.path("\(kind).png")
      try Saker.succeed(
        ["visualize", kind, weights, "--picture", picture, "--out", out, "--json"] + more)
      return try Picture(file: out)
    }
    for (kind, more) in [
      ("features", ["--layer", "conv1"]), ("filters", ["--layer", "conv1"]),
      ("cam", ["--target", "red"]), ("receptive-field", ["--layer", "layer1.0.conv1"]),
    ] {
      let (expected, got) = (try drawn(run.best, kind, more), try drawn(swapped, kind, more))
      try #require(expected.width == got.width && expected.height == got.height)
      // Sums in another order differ in the last digit, a level at most.
      let far = zip(expected.pixels, got.pixels).count { abs(Int($0) - Int($1)) > 2 }
      #expect(far * 1000 < expected.pixels.count, "\(kind): \(far)")
      if kind == "features" || kind == "filters" {
        let other = try drawn(wrong, kind, more)
        let differing = zip(expected.pixels, other.pixels).count { abs(Int($0) - Int($1)) > 2 }
        #expect(differing * 50 > expected.pixels.count, "\(kind): \(differing)")
      }
    }
  }

  /// Who reads JSON hears of letters that no font has, too. U+E123 is nobody's.
  @Test func missingLettersAreInJSON() throws {
    let sandbox = try Sandbox()
    let names = ["a\u{E123}", "b\u{E123}"]
    try sandbox.colours("colours", splits: ["train", "val"], classes: names)
    let data = sandbox.path("colours")
    func expectTold(_ warnings: Any?, _ errors: String) throws {
      let warnings = try #require(warnings as? [String])
      #expect(warnings.count == 1 && warnings[0].contains("no installed font has the letter"))
      #expect(errors.contains(warnings[0]))
    }
    let trained = try Saker.succeed(
      ClassifierRun.training(data, sandbox.path("run"), ["--epochs", "1"]))
    try expectTold(try trained.object()["warnings"], trained.errors)
    let weights = sandbox.path("run/weights/last.safetensors")
    let values = try Saker.succeed([
      "val", "--weights", weights, "--data", data, "--out", sandbox.path("val"), "--json",
    ])
    try expectTold(try values.object()["warnings"], values.errors)
    // With the picture that needed it first.
    let pictures = names.map { data + "/val/\($0)/0.png" }
    let predicted = try Saker.succeed(
      ["predict", "--weights", weights, "--out", sandbox.path("drawn"), "--json"] + pictures)
    let entries = try #require(try predicted.json() as? [[String: Any]])
    try expectTold(entries[0]["warnings"], predicted.errors)
    #expect(entries.count { $0["warnings"] != nil } == 1)
    let silent = try Saker.succeed(
      ["predict", "--weights", weights, "--no-pictures", "--json"] + pictures)
    #expect(!silent.output.contains("warnings"))
  }

  /// Every entry of a folder is accounted for: read, failed or left out.
  @Test func predictionsNameWhatTheyLeaveOut() throws {
    let run = try TrainedRun.get()
    let sandbox = try Sandbox()
    let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../Fixtures/pictures/formats").standardizedFileURL.path
    for name in ["24bit.bmp", "animated.gif", "lossy.webp", "rgb.tif"] {
      try sandbox.write(
        [UInt8](Data(contentsOf: URL(fileURLWithPath: fixtures + "/" + name))), "in/\(name)")
    }
    try sandbox.write(Array("0 0.5 0.5 1 1".utf8), "in/labels.txt")
    try sandbox.write([1, 2, 3], "in/phone.HEIC")
    try sandbox.write(Array("<html>Not found</html>".utf8), "in/page.jpg")
    try sandbox.write([1], "in/more/x.txt")
    try sandbox.write([1], "in/.hidden")
    let told = try Saker.run([
      "predict", "--weights", run.last, sandbox.path("in"), "--out", sandbox.path("out"), "--json",
    ])
    #expect(told.status != 0)
    let entries = try #require(
      JSONSerialization.jsonObject(with: Data(told.output.utf8)) as? [[String: Any]])
    func kind(_ entry: [String: Any]) -> String {
      entry["objects"] != nil
        ? "read" : entry["error"] as? String ?? entry["left_out"] as? String ?? ""
    }
    let kinds = Dictionary(
      uniqueKeysWithValues: entries.map {
        (URL(fileURLWithPath: $0["file"] as? String ?? "").lastPathComponent, kind($0))
      })
    #expect(
      kinds == [
        "24bit.bmp": "read", "animated.gif": "read", "lossy.webp": "read", "rgb.tif": "read",
        "page.jpg": "is not a picture but an HTML page", "labels.txt": "is no picture by its name",
        "phone.HEIC": "is a picture in a format that is not read", "more": "is a folder",
      ])
    #expect(
      told.errors.contains(
        "in: left out 1 picture in a format that is not read (phone.HEIC); "
          + "1 file that is no picture by its name (labels.txt); 1 folder (more)"), "\(told.errors)"
    )
    #expect(told.errors.contains("animated.gif: is animated; its first frame is read"))
    #expect(
      try sandbox.list("out") == ["24bit.png", "animated.png", "lossy.png", "rgb.png"])
  }

  @Test(arguments: [
    (["visualize", "cam", "resnet18"], "picture: expected one for cam"),
    (["visualize", "filters", "nothing"], "expected a checkpoint"),
    (["visualize", "filters", "resnet18", "--layer", "none"], "expected a convolution's name"),
    (["report", "/nowhere/at/all"], "does not exist"),
  ])
  func mistakesAreNamed(arguments: [String], problem: String) throws {
    let run = try Saker.run(arguments)
    #expect(run.status != 0 && run.errors.contains(problem), "\(run.errors)")
  }
}
