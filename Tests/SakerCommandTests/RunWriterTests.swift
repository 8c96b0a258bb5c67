import Foundation
import SakerNN
import SakerTrain
import Testing

/// One run has one folder, and one folder one writer.
struct RunWriterTests {
  private func arguments(_ run: TrainedRun, _ more: [String]) -> [String] {
    [
      "train", "--data", run.data, "--size", "64", "--epochs", "1", "--batch", "2", "--workers",
      "1", "--no-pictures", "--json",
    ] + more
  }

  @Test func runsThatStartTogetherGetFoldersOfTheirOwn() throws {
    let (run, sandbox) = (try TrainedRun.get(), try Sandbox())
    let running = try (0..<4).map { _ in
      try Saker.Running(arguments(run, []), in: sandbox.path)
    }
    let results = running.map { $0.result() }
    for result in results { #expect(result.status == 0, "\(result.errors)") }
    let folders = try results.map { try #require(try $0.object()["run"] as? String) }
    #expect(Set(folders) == ["runs/train", "runs/train2", "runs/train3", "runs/train4"])
    for folder in folders { #expect(try losses(sandbox.path(folder)).count == 2) }
  }

  @Test func aFolderThatIsWrittenIsRefusedByName() throws {
    let (run, sandbox) = (try TrainedRun.get(), try Sandbox())
    let folder = sandbox.path("run")
    try FileManager.default.copyItem(atPath: run.folder, toPath: folder)
    let held = [try RunClaim(RunFolder(folder)), try RunClaim(RunFolder(sandbox.path("new")))]
    for words in [
      ["train", "--resume", folder], ["train", "--resume", folder + "/weights/best.safetensors"],
      arguments(run, ["--out", folder, "--overwrite"]),
      arguments(run, ["--out", sandbox.path("new")]),
      ["train", "--resume", run.folder, "--out", sandbox.path("new")],
      ["prune", "--weights", try ClassifierRun.get().folder, "--out", sandbox.path("new")],
    ] {
      let result = try Saker.run(words)
      #expect(result.status == 1 && !result.crashed, "\(words)")
      #expect(
        result.errors.contains("is written by the process \(getpid()) now"), "\(result.errors)")
    }
    #expect(try bits(folder + "/weights/last.safetensors") == bits(run.last))
    withExtendedLifetime(held) {}
  }

  @Test func aRunThatIsThereIsRefusedUnlessItMayGo() throws {
    let (run, sandbox) = (try TrainedRun.get(), try Sandbox())
    let folder = sandbox.path("run")
    try FileManager.default.copyItem(atPath: run.folder, toPath: folder)
    try sandbox.write("mine", "run/notes.txt")
    try sandbox.write("mine", "run/weights/mine.txt")
    let before = try bits(folder + "/weights/last.safetensors")
    let classifier = try ClassifierRun.get().folder
    for words in [
      arguments(run, ["--out", folder]), arguments(run, ["--out", folder, "--task", "classify"]),
      ["train", "--resume", classifier, "--out", folder],
      ["train", "--task", "classify", "--folds", "2", "--epochs", "1", "--out", folder],
      ["train", "--task", "classify", "--search", "--epochs", "1", "--out", folder],
      ["prune", "--weights", classifier, "--out", folder],
    ] {
      let result = try Saker.run(words)
      #expect(result.status == 1 && result.errors.contains("\(folder): holds a run"), "\(words)")
    }
    // What cannot begin takes nothing away.
    let failed = try Saker.run([
      "train", "--data", sandbox.path("nowhere"), "--out", folder, "--overwrite",
    ])
    #expect(failed.status == 1)
    #expect(try bits(folder + "/weights/last.safetensors") == before)
    let anew = try Saker.succeed(arguments(run, ["--out", folder, "--overwrite", "--seed", "3"]))
    #expect(anew.errors.contains("\(folder): the run there is removed"))
    #expect(try losses(folder).count == 2)
    #expect(try bits(folder + "/weights/last.safetensors") != before)
    #expect(
      try sandbox.list("run")
        == [".lock", "notes.txt", "results.csv", "results.png", "weights"])
    #expect(try sandbox.list("run/weights").contains("mine.txt"))
    let stranger = try Saker.run(
      arguments(run, ["--out", run.data, "--overwrite"]))
    #expect(stranger.status == 1 && stranger.errors.contains("is no run's folder"))
  }

  /// All that detectors, classifiers and evaluations write is known to be a run's:
  /// nothing of it stays.
  @Test func theListOfARunsFilesIsWhole() throws {
    let (run, classifier) = (try TrainedRun.get(), try ClassifierRun.get())
    for (folder, data) in [(run.folder, run.data), (classifier.folder, classifier.data)] {
      let sandbox = try Sandbox()
      let copy = sandbox.path("run")
      try FileManager.default.copyItem(atPath: folder, toPath: copy)
      try Saker.succeed(["val", "--weights", copy, "--data", data, "--out", copy])
      try RunFolder(copy).removeRun()
      #expect(try sandbox.list("run").filter { $0 != ".lock" }.isEmpty)
    }
  }

  @Test func anEvaluationLeavesNothingOfAnEarlierOne() throws {
    let (run, sandbox) = (try TrainedRun.get(), try Sandbox())
    for name in ["val_batch7_pred.jpg", "notes.txt", "loss_curve.png"] {
      try sandbox.write("old", "val/" + name)
    }
    try Saker.succeed([
      "val", "--weights", run.last, "--data", run.data, "--out", sandbox.path("val"),
    ])
    let names = try sandbox.list("val")
    #expect(!names.contains("val_batch7_pred.jpg") && names.contains("val_batch0_pred.jpg"))
    #expect(names.contains("notes.txt") && names.contains("loss_curve.png"))
  }
}
