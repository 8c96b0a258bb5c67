import Foundation
import SakerData
import SakerNN
import Testing

/// What is odd, but works.
struct OddInputTests {
  private func train(_ sandbox: Sandbox, _ more: [String] = []) -> [String] {
    [
      "train", "--data", sandbox.path("voc"), "--size", "64", "--epochs", "1", "--batch", "2",
      "--workers", "1",
      "--out", sandbox.path("run"),
    ] + more
  }

  @Test func backgroundAndEmptyBoxesAreLegal() throws {
    let sandbox = try Sandbox()
    try sandbox.voc()
    try sandbox.annotate("a", [])
    try sandbox.annotate("b", [("cell", "5 5 5 30"), ("cell", "10 10 30 30")])
    let result = try Saker.succeed(train(sandbox))
    #expect(
      result.errors.contains("b.xml:6: warning: box of cell has no area, left out: 5, 5, 5, 30"))
    #expect(result.output.contains("2 pictures, 1 boxes of cell"))
  }

  @Test func badFilesAreLeftOutAndCounted() throws {
    let sandbox = try Sandbox()
    try sandbox.voc()
    try sandbox.write("", "voc/JPEGImages/b.png")
    try sandbox.write("no picture", "voc/JPEGImages/c.png")
    try sandbox.write("a\nb\na\n", "voc/ImageSets/Main/train.txt")
    try sandbox.write("a\nc\n", "voc/ImageSets/Main/val.txt")
    let result = try Saker.succeed(train(sandbox, ["--skip-bad"]))
    #expect(
      result.errors.contains("b.png: error: ") && result.errors.contains("train.txt:3: error: "))
    #expect(
      result.errors.contains("left out 2 bad files\n")
        && result.errors.contains("left out 1 bad file\n"))
    #expect(result.output.contains("on 1 pictures"))
    // Validation leaves out, too; the run goes on with the same mistakes.
    let val = try Saker.succeed([
      "val", "--weights", sandbox.path("run/weights/last.safetensors"), "--data",
      sandbox.path("voc"),
      "--split", "all", "--skip-bad",
    ])
    #expect(
      val.errors.contains("left out 3 bad files") && val.output.contains("1 pictures, split all"))
    try Saker.succeed(["train", "--resume", sandbox.path("run"), "--skip-bad"])
  }

  /// The header is right, the rest is not: seen only when it is decoded.
  @Test func picturesThatBreakLaterAreToldByName() throws {
    let sandbox = try Sandbox()
    try sandbox.voc()
    var bytes = try sandbox.bytes("voc/JPEGImages/b.png")
    for i in 45..<55 { bytes[i] ^= 0x55 }
    try sandbox.write(bytes, "voc/JPEGImages/b.png")
    let strict = try Saker.run(train(sandbox))
    #expect(strict.status == 1 && !strict.crashed && strict.errors.contains("b.png: "))
    let result = try Saker.succeed(train(sandbox, ["--skip-bad"]))
    #expect(result.errors.contains("left out 1 "))
  }

  @Test func oneSmallPictureWithoutSplitsIsADataSet() throws {
    let sandbox = try Sandbox()
    let picture = Picture(width: 20, height: 30, filledWith: .white)
    try sandbox.write(picture.encoded(as: .jpeg()), "flat/one.jpg")
    try sandbox.write(
      "<annotation><filename>one.jpg</filename><size><width>20</width><height>30</height></size><object><name>größe 1</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>15</xmax><ymax>20</ymax></bndbox></object></annotation>",
      "flat/one.xml")
    let result = try Saker.succeed(
      [
        "train", "--data", "flat", "--size", "64", "--epochs", "1", "--batch", "4096",
        "--letterbox",
        "--anchors", ".1,.2,.3,.4,.5", "--crop", "0.5", "--scale", "2", "--jitter", "0.5",
      ], in: sandbox.path)
    #expect(result.output.contains("on 1 pictures, 1 boxes of größe 1"))
    #expect(try sandbox.list("runs/train/weights") == ["best.safetensors", "last.safetensors"])
    let val = try Saker.succeed(
      ["val", "--weights", "runs/train/weights/last.safetensors", "--data", "flat", "--json"],
      in: sandbox.path)
    #expect(try val.object()["pictures"] as? Int == 1)
    try Saker.succeed(
      ["predict", "--weights", "runs/train/weights/last.safetensors", "flat", "--conf", "0"],
      in: sandbox.path)
    #expect(try sandbox.list("predictions") == ["one.jpg"])
  }

  @Test func interruptedBeforeTheFirstEpochIsARunToo() throws {
    let run = try TrainedRun.get()
    let sandbox = try Sandbox()
    let folder = sandbox.path("run")
    let running = try Saker.Running(
      TrainedRun.training(run.data, folder, ["--accumulate", "2"]).filter { $0 != "--json" })
    let deadline = Date(timeIntervalSinceNow: 60)
    // The table is written when training starts.
    while running.isRunning, Date() < deadline,
      !FileManager.default.fileExists(atPath: folder + "/results.csv")
    { usleep(100) }
    running.signal(SIGINT)
    let result = running.result()
    try #require(result.status == 130 || result.status == 0, "\(result.errors)")
    if result.status == 130 { try Saker.succeed(["train", "--resume", folder]) }
    #expect(try losses(folder).count == 3)
  }

  @Test(arguments: ["train", "infer"]) func aBatchThatFitsIntoNoMachineIsRefused(_ mode: String)
    throws
  {
    let result = try Saker.run([
      "benchmark", "--mode", mode, "--batch", "4096", "--size", "1024", "--seconds", "0.1",
    ])
    #expect(result.status == 1 && !result.crashed)
    #expect(result.errors.hasPrefix("Error: batch: 4096 pictures of 1024x1024 take at least "))
    #expect(result.errors.split(separator: "\n").count == 1)
  }

  /// A device is written to, not replaced.
  @Test func devicesStayDevices() throws {
    let run = try TrainedRun.get()
    let sandbox = try Sandbox()
    try Safetensors([NamedTensor("input", .zeros([1, 3, 64, 64]))]).write(
      to: sandbox.path("x.safetensors"))
    try Saker.succeed([
      "forward", "--model", "tiny-ssd", "--weights", run.last, "--input",
      sandbox.path("x.safetensors"),
      "--output", "/dev/null",
    ])
    var status = stat()
    #expect(stat("/dev/null", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
  }

  /// A disk that takes the first checkpoint and not the next: the run ends with one line, and what
  /// was there is whole.
  @Test func aDiskThatGetsFullCostsNothing() throws {
    let sandbox = try Sandbox()
    try sandbox.voc()
    let disk = sandbox.path("disk")
    try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
    // The mount lives in a name space of its own and ends with the shell.
    let script = """
      mount -t tmpfs -o size=30m tmpfs "$1" 2>/dev/null || exit 77
      "$2" train --data "$3" --size 64 --epochs 3 --batch 2 --workers 1 --val-split none --out "$1/run" >/dev/null 2>"$4"
      echo $? >"$4.status"
      "$2" info "$1/run/weights/best.safetensors" --json >"$4.info" 2>&1
      ls -A "$1/run/weights" >"$4.list"
      """
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "unshare", "--mount", "sh", "-c", script, "sh", disk, Saker.path, sandbox.path("voc"),
      sandbox.path("err"),
    ]
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    // Only an administrator may mount.
    guard process.terminationStatus == 0 else { return }
    func text(_ name: String) throws -> String {
      String(decoding: try sandbox.bytes(name), as: UTF8.self)
    }
    #expect(try text("err.status") == "1\n")
    #expect(try text("err").contains(".safetensors cannot be written: No space left on device"))
    #expect(try text("err").split(separator: "\n").count == 1)
    #expect(try text("err.info").contains("\"parameters\""))
    #expect(try !text("err.list").contains("partial"))
  }
}
