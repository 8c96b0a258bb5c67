import Foundation
import SakerNN
import SakerTrain
import Testing

/// `saker train --refit`: validation chooses the number of epochs, then everything is learned from.
struct RefitCommandTests {
  private func arguments(_ run: TrainedRun, _ out: String, _ more: [String] = []) -> [String] {
    TrainedRun.training(
      run.data, out, ["--epochs", "3", "--ema", "0.9", "--lr", "0.01", "--refit"] + more)
  }

  private func expectSame(
    _ got: String, _ expected: String, _ folders: [String] = ["", "/refit"]
  ) throws {
    for folder in folders {
      #expect(try losses(got + folder) == losses(expected + folder))
      for file in ["/weights/last.safetensors", "/weights/best.safetensors"] {
        #expect(try bits(got + folder + file) == bits(expected + folder + file))
      }
    }
    #expect(!FileManager.default.fileExists(atPath: got + "/weights/start.safetensors"))
  }

  @Test func aDetectorIsTrainedAnewOnAllPictures() throws {
    let (run, sandbox) = (try TrainedRun.get(), try Sandbox())
    let folder = sandbox.path("run")
    let told = try Saker.succeed(arguments(run, folder)).object()
    let best = try #require(told["best_epoch"] as? Int)
    let refit = try #require(told["refit"] as? [String: Any])
    #expect(refit["run"] as? String == folder + "/refit")
    #expect(refit["ending"] as? String == "complete")
    #expect((told["epochs"] as? [Any])?.count == 3 && (refit["epochs"] as? [Any])?.count == best)
    #expect(try losses(folder + "/refit").count == best + 1)
    let checkpoint = try DetectorCheckpoint(file: folder + "/refit/weights/last.safetensors")
    #expect(try checkpoint.settings.lastEpoch == best && checkpoint.settings.epochs == 3)
    // Both phases say which they are, and the first leads to the second.
    for (place, text) in [("", "phase: \"1 of 2"), ("/refit", "phase: \"2 of 2")] {
      let lines = try String(contentsOfFile: folder + place + "/args.yaml", encoding: .utf8)
      #expect(lines.contains(text), "\(lines)")
      let html = try String(contentsOfFile: folder + place + "/report.html", encoding: .utf8)
      #expect(html.contains(text.suffix(6)))
      #expect(html.contains("in refit/report.html") == place.isEmpty)
    }
    #expect(!FileManager.default.fileExists(atPath: folder + "/weights/start.safetensors"))
    let values = try Saker.succeed([
      "val", "--weights", folder + "/refit", "--data", run.data, "--json",
    ]).object()
    #expect(values["pictures"] as? Int == 2)
    // The same again, by words; and all of it goes when it may.
    let text = try Saker.succeed(
      (arguments(run, folder, ["--overwrite"])).filter { $0 != "--json" }
    ).output
    #expect(text.contains("chosen: \(best) epoch") && text.contains("training anew tiny-ssd"))
    #expect(text.contains("on 6 pictures") && text.contains("the first \(best) of 3 epochs"))
    #expect(text.contains("done: \(folder)/refit/weights/last.safetensors"))
    try RunFolder(folder).removeRun()
    #expect(try sandbox.list("run").filter { $0 != ".lock" }.isEmpty)
  }

  /// Killed before, in and after the second phase; the weights it starts from are its own, whatever
  /// becomes of the file that was given.
  @Test func aKilledRefitGoesOn() throws {
    let (run, sandbox) = (try TrainedRun.get(), try Sandbox())
    let (whole, killed) = (sandbox.path("whole"), sandbox.path("killed"))
    let given = sandbox.path("given.safetensors")
    try FileManager.default.copyItem(atPath: run.last, toPath: given)
    let more = ["--weights", given, "--no-pictures"]
    try Saker.succeed(arguments(run, whole, more))
    func kill(_ words: [String], _ place: String) throws {
      let result = try Saker.run(words, environment: ["SAKER_KILL_AT": place])
      #expect(result.crashed && result.status == SIGKILL, "\(place): \(result.errors)")
    }
    let resume = ["train", "--resume", killed, "--json", "--no-pictures"]
    try kill(arguments(run, killed, more), "table:2")
    try sandbox.remove("given.safetensors")
    // The first phase is done, the second has not begun: it may go on elsewhere, too.
    try kill(resume, "end:3")
    #expect(!FileManager.default.fileExists(atPath: killed + "/refit"))
    let other = sandbox.path("other")
    try Saker.succeed(resume + ["--out", other])
    try expectSame(other, whole, ["/refit"])
    try kill(resume, "checkpoint:1")
    try kill(resume, "table:1")
    #expect(FileManager.default.fileExists(atPath: killed + "/refit/weights/last.safetensors"))
    let told = try Saker.succeed(resume).object()
    #expect(told["run"] as? String == killed + "/refit")
    try expectSame(killed, whole)
    // Nothing is left to do.
    try Saker.succeed(resume)
    try expectSame(killed, whole)
  }

  /// The test pictures are asked once, of the weights that stay.
  @Test func aClassifierIsTrainedAnewOnAllPictures() throws {
    let (run, sandbox) = (try ClassifierRun.get(), try Sandbox())
    let folder = sandbox.path("run")
    let words = ClassifierRun.training(
      run.data, folder, ["--refit", "--epochs", "3", "--patience", "2", "--balance", "threshold"])
    let told = try Saker.succeed(words).object()
    let best = try #require(told["best_epoch"] as? Int)
    let refit = try #require(told["refit"] as? [String: Any])
    #expect(told["test"] == nil && (refit["test"] as? [String: Any])?["pictures"] as? Int == 9)
    #expect((refit["epochs"] as? [Any])?.count == best)
    let first = try ClassifierCheckpoint(file: folder + "/weights/last.safetensors")
    let second = try ClassifierCheckpoint(file: folder + "/refit/weights/last.safetensors")
    #expect(first.card == second.card && bits(first.weights) != bits(second.weights))
    // Nobody chose by what it learned from.
    let table = try losses(folder + "/refit")
    #expect(table.dropFirst().allSatisfy { $0.contains("") })
    for place in [folder, folder + "/refit"] {
      let values = try Saker.succeed(["val", "--weights", place, "--data", run.data, "--json"])
      #expect(try values.object()["pictures"] as? Int == 9)
    }
    let killed = sandbox.path("killed")
    let again = words.map { $0 == folder ? killed : $0 }
    for (arguments, place) in [
      (again, "end:\((told["epochs"] as? [Any])?.count ?? 0)"),
      (["train", "--resume", killed, "--json"], "table:1"),
    ] {
      #expect(try Saker.run(arguments, environment: ["SAKER_KILL_AT": place]).crashed, "\(place)")
    }
    try Saker.succeed(["train", "--resume", killed, "--json"])
    try expectSame(killed, folder)
  }

  private func bits(_ tensors: [NamedTensor]) -> [[UInt32]] {
    tensors.map { $0.tensor.converted(to: .float32).floats.map(\.bitPattern) }
  }

  private func bits(_ file: String) throws -> [String: [UInt32]] {
    Dictionary(
      uniqueKeysWithValues: try Safetensors(contentsOf: file).tensors.map {
        ($0.name, $0.tensor.converted(to: .float32).floats.map(\.bitPattern))
      })
  }

  @Test func whatCannotBeIsRefused() throws {
    let (run, sandbox) = (try TrainedRun.get(), try Sandbox())
    let folder = sandbox.path("run")
    for (words, problem) in [
      (
        arguments(run, folder, ["--val-split", "none"]),
        "refit: expected pictures to validate on"
      ),
      (arguments(run, folder, ["--search"]), "refit: leave out --search"),
      (["train", "--task", "classify", "--folds", "3", "--refit"], "refit: leave out --folds"),
      (["train", "--resume", run.folder, "--refit"], "leave out --refit"),
    ] {
      let result = try Saker.run(words)
      #expect(result.status != 0 && !result.crashed, "\(words)")
      #expect(result.errors.contains(problem), "\(result.errors)")
    }
  }
}
