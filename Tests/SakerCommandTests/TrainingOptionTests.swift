import ArgumentParser
import Foundation
import SakerTrain
import Testing

@testable import SakerCommand

/// What the library can, the command line can.
struct TrainingOptionTests {
  private func settings(_ words: [String]) throws -> TrainingSettings {
    let command = try #require(
      SakerCommand.parse(checked: ["train"] + words) as? TrainCommand)
    return try command.chosenSettings()
  }

  @Test func picturesOfUsersStayUpright() throws {
    #expect(try settings([]).verticalFlip == 0.5)
    #expect(try settings(["--data", "bccd"]).verticalFlip == 0.5)
    #expect(try settings(["--data", "street"]).verticalFlip == 0)
    #expect(try settings(["--data", "street", "--vflip", "0.25"]).verticalFlip == 0.25)
    #expect(try settings(["--preset", "notes"]).verticalFlip == 0)
    #expect(try settings(["--task", "classify", "--data", "x"]).verticalFlip == 0)
  }

  @Test func layersAreSaidOfEachTask() throws {
    let words = ["--freeze-layers", "2", "--head-lr", "5", "--min-lr", "1e-5"]
    let detector = try settings(words)
    #expect(detector.detection?.frozenLayers == "2" && detector.detection?.headRate == 5)
    #expect(detector.classification == nil && detector.minimumRate == 1e-5)
    let classifier = try settings(words + ["--task", "classify"])
    #expect(classifier.classification?.frozenLayers == "2")
    #expect(classifier.classification?.headRate == 5 && classifier.detection == nil)
    #expect(TrainingSettings.Rule.allCases.count == 14)
    for rule in TrainingSettings.Rule.allCases {
      #expect(try settings(["--optimizer", rule.rawValue]).rule == rule)
    }
  }

  @Test func momentumHasTwoConventions() throws {
    #expect(try settings(["--optimizer", "sgd"]).momentumConvention == nil)
    let words = ["--optimizer", "sgd", "--momentum-convention", "rate-inside"]
    #expect(try settings(words).momentumConvention == .rateInside)
    #expect(try settings(words).problems.isEmpty)
    let adam = ["--optimizer", "adam", "--momentum-convention", "rate-inside"]
    #expect(throws: (any Error).self) { try settings(adam) }
  }

  /// A run remembers all of it.
  @Test func aResumedRunKeepsThem() throws {
    let (run, sandbox) = (try TrainedRun.get(), try Sandbox())
    let folder = sandbox.path("run")
    try Saker.succeed(
      TrainedRun.training(
        run.data, folder,
        [
          "--optimizer", "lion", "--lr", "1e-4", "--min-lr", "1e-5", "--freeze-layers", "blk_0",
          "--head-lr", "3", "--no-pictures",
        ]))
    let before = try DetectorCheckpoint(file: folder + "/weights/last.safetensors").settings
    #expect(before.rule == .lion && before.minimumRate == 1e-5)
    #expect(before.detection?.frozenLayers == "blk_0" && before.detection?.headRate == 3)
    let other = sandbox.path("other")
    let killed = try Saker.run(
      TrainedRun.training(
        run.data, other,
        [
          "--optimizer", "lion", "--lr", "1e-4", "--min-lr", "1e-5", "--freeze-layers", "blk_0",
          "--head-lr", "3", "--no-pictures",
        ]), environment: ["SAKER_KILL_AT": "table:1"])
    #expect(killed.crashed)
    try Saker.succeed(["train", "--resume", other, "--json", "--no-pictures"])
    #expect(
      try bits(other + "/weights/last.safetensors") == bits(folder + "/weights/last.safetensors"))
    #expect(try losses(other) == losses(folder))
  }

  @Test func ratesAreTriedForDetectors() throws {
    let (run, sandbox) = (try TrainedRun.get(), try Sandbox())
    let folder = sandbox.path("run")
    let told = try Saker.succeed(
      TrainedRun.training(
        run.data, folder, ["--search", "--search-seconds", "3", "--no-pictures", "--epochs", "2"])
    ).object()
    let trials = try #require(told["trials"] as? [[String: Any]])
    let picked = trials.filter { $0["picked"] as? Bool == true }
    #expect(!trials.isEmpty && picked.count <= 1)
    for trial in trials where trial["finished"] as? Bool == true {
      #expect(trial["val_loss"] is Double && trial["mean_average_precision"] is Double)
    }
    let rate = try #require(told["learning_rate"] as? Double)
    let kept = try DetectorCheckpoint(file: folder + "/weights/last.safetensors").settings
    // Foundation's reader of JSON may be off by the last digit.
    #expect(abs(kept.learningRate - rate) <= 4 * rate.ulp)
    let table = try String(contentsOfFile: folder + "/search.csv", encoding: .utf8)
    #expect(table.hasPrefix("lr,epochs,seconds,finished,train_loss,val_loss,mAP50,picked\n"))
    #expect(!FileManager.default.fileExists(atPath: folder + "/search"))
  }

  /// However many runs the data are read for.
  @Test func aSearchTellsWarningsOnce() throws {
    let sandbox = try Sandbox()
    try sandbox.voc()
    try sandbox.annotate("a", size: "")
    let told = try Saker.succeed([
      "train", "--data", sandbox.path("voc"), "--out", sandbox.path("run"), "--size", "64",
      "--epochs", "2", "--batch", "2", "--workers", "1", "--no-pictures", "--search",
      "--search-seconds", "2", "--json",
    ])
    #expect(told.errors.components(separatedBy: "has no <size>").count == 2, "\(told.errors)")
  }

  @Test func anchorsKeepWidthAndHeight() throws {
    let (run, sandbox) = (try TrainedRun.get(), try Sandbox())
    let folder = sandbox.path("run")
    let told = try Saker.succeed(
      TrainedRun.training(run.data, folder, ["--anchors", "fit-shapes", "--no-pictures"])
    ).object()
    let anchors = try #require(told["anchors"] as? [String: Any])
    let levels = try #require(anchors["levels"] as? [[String: Any]])
    let shapes = try levels.map { try #require($0["shapes"] as? [[String: Double]]) }
    #expect(shapes.map(\.count) == [4, 4, 4, 4, 4])
    #expect(shapes.flatMap(\.self).allSatisfy { $0["width"] ?? 0 > 0 && $0["height"] ?? 0 > 0 })
    let card = try DetectorCheckpoint(file: folder + "/weights/last.safetensors").card
    #expect(card.anchors.allSatisfy { $0.shapes?.count == 4 && $0.sizes.isEmpty })
    let values = try Saker.succeed(["val", "--weights", folder, "--data", run.data, "--json"])
    #expect(try values.object()["pictures"] as? Int == 2)
    // Written out, they are the same run.
    let list = card.anchors.map { level in
      (level.shapes ?? []).map { "\($0.width)x\($0.height)" }.joined(separator: "/")
    }.joined(separator: ",")
    let again = sandbox.path("again")
    try Saker.succeed(
      TrainedRun.training(run.data, again, ["--anchors", list, "--no-pictures"]))
    #expect(
      try bits(again + "/weights/last.safetensors") == bits(folder + "/weights/last.safetensors"))
    let wrong = try Saker.run(TrainedRun.training(run.data, folder, ["--anchors", "0.1x"]))
    #expect(wrong.status != 0 && wrong.errors.contains("shapes such as .07x.1"))
  }

  @Test func severalViewsVote() throws {
    let (run, classifier) = (try TrainedRun.get(), try ClassifierRun.get())
    let picture = classifier.data + "/test/red/1.png"
    for (weights, data) in [(run.last, run.data), (classifier.best, classifier.data)] {
      let words = ["val", "--weights", weights, "--data", data, "--json"]
      let (one, several) = (try Saker.succeed(words), try Saker.succeed(words + ["--tta"]))
      #expect(one.output != several.output)
      #expect(try several.object()["pictures"] as? Int == one.object()["pictures"] as? Int)
      let predict = ["predict", "--weights", weights, picture, "--no-pictures", "--json"]
      _ = try Saker.succeed(predict + ["--tta"]).json()
    }
    // The mean of both views.
    func shares(_ more: [String]) throws -> [String: Double] {
      let told =
        try Saker.succeed(
          ["predict", "--weights", classifier.best, picture, "--no-pictures", "--json"] + more
        ).json() as? [[String: Any]]
      let classes = try #require(told?.first?["classes"] as? [[String: Any]])
      return Dictionary(
        uniqueKeysWithValues: try classes.map {
          (try #require($0["name"] as? String), try #require($0["probability"] as? Double))
        })
    }
    let sum = try shares(["--tta"]).values.reduce(0, +)
    #expect(abs(sum - 1) < 1e-5)
  }
}
