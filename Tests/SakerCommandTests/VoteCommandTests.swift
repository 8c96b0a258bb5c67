import Foundation
import SakerNN
import SakerTensor
import Testing

/// Several `--weights` decide together.
struct VoteCommandTests {
  /// Another network for the same data as the shared run's.
  private func second(_ sandbox: Sandbox, _ more: [String] = []) throws -> String {
    let run = try ClassifierRun.get()
    let folder = sandbox.path("second")
    try Saker.succeed(
      ClassifierRun.training(
        run.data, folder, ["--seed", "5", "--width", "0.25", "--no-pictures"] + more))
    return folder + "/weights/best.safetensors"
  }

  private func shares(_ weights: [String], _ more: [String] = []) throws -> [String: Double] {
    let picture = try ClassifierRun.get().data + "/test/red/1.png"
    let words = ["predict", picture, "--no-pictures", "--json"] + more
    let told = try Saker.succeed(words + weights.flatMap { ["--weights", $0] }).json()
    let first = try #require(told as? [[String: Any]]).first
    let classes = try #require(first?["classes"] as? [[String: Any]])
    return Dictionary(
      uniqueKeysWithValues: try classes.map {
        (try #require($0["name"] as? String), try #require($0["probability"] as? Double))
      })
  }

  @Test func classifiersVote() throws {
    let (run, sandbox) = (try ClassifierRun.get(), try Sandbox())
    let files = [run.best, try second(sandbox), run.folder + "/weights/last.safetensors"]
    for view in [[], ["--tta"]] {
      let alone = try files.map { try shares([$0], view) }
      let soft = try shares(files, view)
      let hard = try shares(files, view + ["--vote", "hard"])
      for name in ["blue", "green", "red"] {
        let mean = alone.map { $0[name] ?? 0 }.reduce(0, +) / 3
        #expect(abs((soft[name] ?? 0) - mean) < 1e-6)
        let votes = alone.count { shares in shares.max { $0.value < $1.value }?.key == name }
        #expect(abs((hard[name] ?? 0) - Double(votes) / 3) < 1e-6)
      }
    }
    let values = try Saker.succeed(
      ["val", "--data", run.data, "--json", "--out", sandbox.path("val"), "--vote", "hard"]
        + files.flatMap { ["--weights", $0] }
    ).object()
    let vote = try #require(values["vote"] as? [String: Any])
    #expect(vote["kind"] as? String == "hard" && vote["weights"] as? [String] == files)
    #expect(values["pictures"] as? Int == 9 && values["top1"] is Double)
    // What is printed is what the folder has, the account of the files, too.
    let report = try JSONSerialization.jsonObject(with: Data(sandbox.bytes("val/report.json")))
    #expect(report as? NSDictionary == values as NSDictionary)
    #expect((values["files"] as? [String: Any])?["pictures"] is [String: Any])
    let text = try Saker.succeed(
      ["val", "--data", run.data] + files.flatMap { ["--weights", $0] }
    ).output
    #expect(text.contains("decided by \(files[0]), ") && text.contains("(soft)"))
  }

  @Test func detectorsJoinTheirBoxes() throws {
    let (run, sandbox) = (try TrainedRun.get(), try Sandbox())
    let other = sandbox.path("other")
    try Saker.succeed(
      TrainedRun.training(run.data, other, ["--seed", "3", "--size", "96", "--no-pictures"]))
    let files = [run.last, other + "/weights/last.safetensors"]
    let picture = run.data + "/JPEGImages/" + (try sandboxNames(run)[0])
    func found(_ weights: [String], _ more: [String] = []) throws -> [[String: Any]] {
      let words = ["predict", picture, "--no-pictures", "--json", "--conf", "0.05"] + more
      let told = try Saker.succeed(words + weights.flatMap { ["--weights", $0] }).json()
      return try #require((told as? [[String: Any]])?.first?["objects"] as? [[String: Any]])
    }
    func scores(_ objects: [[String: Any]]) -> [Double] {
      objects.compactMap { $0["score"] as? Double }
    }
    for view in [[], ["--tta"]] {
      let alone = try files.map { scores(try found([$0], view)) }
      let joined = scores(try found(files, view))
      // The best of all stays, nothing is there that nobody found, and overlaps are gone.
      #expect(!joined.isEmpty && joined == joined.sorted(by: >))
      #expect(joined.first == alone.flatMap(\.self).max())
      #expect(Set(joined).isSubset(of: Set(alone.flatMap(\.self))))
      #expect(joined.count <= alone.map(\.count).reduce(0, +))
    }
    let values = try Saker.succeed(
      ["val", "--data", run.data, "--json"] + files.flatMap { ["--weights", $0] }
    ).object()
    let vote = try #require(values["vote"] as? [String: Any])
    #expect(vote["kind"] as? String == "suppression" && values["pictures"] as? Int == 2)
    let single = try Saker.succeed(["val", "--weights", files[0], "--data", run.data, "--json"])
    #expect(try single.object()["vote"] == nil)
  }

  private func sandboxNames(_ run: TrainedRun) throws -> [String] {
    try run.sandbox.list("blood/JPEGImages")
  }

  @Test func whoCannotVoteIsNamed() throws {
    let (run, detector, sandbox) = (
      try ClassifierRun.get(), try TrainedRun.get(), try Sandbox()
    )
    let other = sandbox.path("other.safetensors")
    let best = try Safetensors(contentsOf: run.best)
    var renamed = best.metadata
    for (key, value) in renamed { renamed[key] = value.replacing("\"green\"", with: "\"grass\"") }
    try Safetensors(best.tensors, metadata: renamed).write(to: other)
    let picture = run.data + "/test/red/1.png"
    for (words, problem) in [
      (
        ["--weights", run.best, "--weights", other],
        "\(run.best) and \(other) cannot vote together: the first tells blue, green, red apart, the second "
          + "blue, grass, red"
      ),
      (
        ["--weights", run.best, "--weights", detector.last],
        "\(run.best) is a classifier's, \(detector.last) is a detector's"
      ),
      (["--weights", run.best, "--vote", "soft"], "vote: only with several --weights"),
      (
        ["--weights", detector.last, "--weights", detector.best, "--vote", "soft"],
        "vote: only for classifiers"
      ),
      (["--weights", run.best, "--weights", run.best, "--vote", "loud"], "vote"),
    ] {
      for command in [["predict", picture, "--no-pictures"], ["val", "--data", run.data]] {
        let result = try Saker.run(command + words)
        #expect(result.status != 0 && !result.crashed, "\(words)")
        #expect(result.errors.contains(problem), "\(result.errors)")
      }
    }
    #expect(try Saker.run(["predict", picture]).errors.contains("--weights"))
  }

  /// Data without splits are divided by each run: what one has not seen the other may have learned.
  @Test func divisionsHaveToAgree() throws {
    let sandbox = try Sandbox()
    try sandbox.colours("colours", splits: [])
    func train(_ name: String, seed: String) throws -> String {
      let folder = sandbox.path(name)
      try Saker.succeed(
        ClassifierRun.training(
          sandbox.path("colours"), folder,
          ["--seed", seed, "--no-pictures", "--epochs", "1", "--val-split", "0.34"]))
      return folder + "/weights/last.safetensors"
    }
    let (a, b, c) = (
      try train("a", seed: "1"), try train("b", seed: "1"), try train("c", seed: "2")
    )
    func val(_ files: [String], _ more: [String] = []) throws -> Saker.Result {
      try Saker.run(
        ["val", "--data", sandbox.path("colours"), "--json"] + more
          + files.flatMap { ["--weights", $0] })
    }
    let same = try val([a, b])
    #expect(same.status == 0 && same.errors.isEmpty, "\(same.errors)")
    let others = try val([a, b, c])
    #expect(others.status == 1)
    #expect(others.errors.contains("\(a) and \(c) divided the data otherwise"), "\(others.errors)")
    #expect(try val([a, c], ["--split", "all"]).object()["pictures"] as? Int == 9)
  }
}
