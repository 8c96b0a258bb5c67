import Foundation
import SakerData
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
      "data", "stats", run.data, "--pictures", sandbox.path("labels"), "--json",
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
    #expect(try sandbox.list("run") == ["results.csv", "results.png", "weights"])
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
