import Foundation
import SakerData
import SakerNN
import SakerVision
import Testing

/// `saker prune`, teachers, modules, folds and the search, on a small network and few pictures.
struct PruneCommandTests {
  private static let tiny = [
    "train", "--task", "classify", "--model", "resnet18", "--width", "0.125", "--size", "12",
    "--batch", "64", "--threads", "1", "--workers", "1", "--preset", "reference", "--no-pictures",
    "--json",
  ]

  /// A run of one epoch that the tests share.
  private static let run: Result<String, any Error> = Result {
    let out = sandbox.path("run")
    try Saker.succeed(tiny + ["--epochs", "1", "--out", out])
    return out
  }

  private static let sandbox: Sandbox = {
    // Without a folder no test could run.
    guard let sandbox = try? Sandbox() else { fatalError("PruneCommandTests: no folder") }
    sandbox.removeAtExit()
    return sandbox
  }()

  @Test func channelsGoAndTheRestIsTrainedOn() throws {
    let sandbox = try Sandbox()
    let out = sandbox.path("small")
    let result = try Saker.succeed([
      "prune", "--weights", Self.run.get(), "--amount", "0.5", "--multiple", "1", "--epochs", "1",
      "--channels", "all", "--out", out, "--threads", "1", "--json", "--no-pictures",
    ]).object()
    let before = try #require(result["before"] as? [String: Any])
    let pruned = try #require(result["pruned"] as? [String: Any])
    let tuned = try #require(result["tuned"] as? [String: Any])
    func number(_ state: [String: Any], _ key: String) throws -> Double {
      try #require(state[key] as? NSNumber).doubleValue
    }
    for key in ["parameters", "multiply_adds"] {
      // About a quarter.
      #expect(try number(pruned, key) < 0.4 * number(before, key))
      #expect(try number(tuned, key) == number(pruned, key))
    }
    #expect((0...1).contains(try number(tuned, "top1")))
    #expect(try number(tuned, "milliseconds_batch8") > 0)
    #expect((result["widths"] as? [String: Int])?["conv1"] == 4)
    #expect(result["split"] as? String == "test")
    // The smaller network is used like any other.
    let val = try Saker.succeed(["val", "--weights", out, "--json", "--threads", "1"]).object()
    #expect(try #require(val["top1"] as? NSNumber).doubleValue == number(tuned, "top1"))
    let again = try Saker.succeed([
      "train", "--task", "classify", "--weights", out, "--epochs", "1", "--json", "--no-pictures",
      "--threads", "1", "--out", sandbox.path("again"),
    ]).object()
    #expect(again["ending"] as? String == "complete")
  }

  @Test func weightsGoAndStayGone() throws {
    let sandbox = try Sandbox()
    let out = sandbox.path("sparse")
    let result = try Saker.succeed([
      "prune", "--weights", Self.run.get(), "--amount", "0.8", "--method", "magnitude",
      "--epochs", "1", "--out", out, "--threads", "1", "--json", "--no-pictures",
    ]).object()
    let before = try #require(result["before"] as? [String: Any])
    let tuned = try #require(result["tuned"] as? [String: Any])
    #expect(tuned["parameters"] as? Int == before["parameters"] as? Int)
    let all = try #require(tuned["parameters"] as? Int)
    #expect(try #require(tuned["nonzero"] as? Int) < all / 4)
    // Without epochs, only the weights change.
    let plain = try Saker.succeed([
      "prune", "--weights", Self.run.get(), "--amount", "0.8", "--method", "magnitude",
      "--out", sandbox.path("plain"), "--threads", "1", "--json",
    ]).object()
    #expect(plain["tuned"] == nil)
    #expect(FileManager.default.fileExists(atPath: sandbox.path("plain/weights/best.safetensors")))
  }

  @Test(arguments: [
    (["--amount", "1"], "amount: expected 0 to below 1, got 1.0"),
    (["--amount=-0.5"], "amount: expected 0 to below 1, got -0.5"),
    (["--multiple", "0"], "multiple: expected 1...1024, got 0"),
  ])
  func badOptionsAreToldOf(_ options: [String], _ message: String) throws {
    let result = try Saker.run(["prune", "--weights", Self.run.get()] + options)
    #expect(result.status != 0 && !result.crashed)
    #expect(result.errors.contains(message), "\(result.errors)")
  }

  @Test func aStudentLearnsFromATeacher() throws {
    let sandbox = try Sandbox()
    let student = Self.tiny + ["--epochs", "1"]
    let result = try Saker.succeed(
      student + [
        "--out", sandbox.path("student"), "--teacher", try Self.run.get(), "--temperature", "2",
        "--alpha", "0.5",
      ]
    ).object()
    #expect(result["ending"] as? String == "complete")
    let lonely = try Saker.run(student + ["--alpha", "0.5"])
    #expect(lonely.status != 0 && lonely.errors.contains("--alpha: only with --teacher"))
    let other = try Saker.run(
      student + [
        "--teacher", Self.run.get(), "--stem", "small", "--size", "16", "--out", sandbox.path("b"),
      ])
    #expect(other.status != 0 && !other.crashed)
    #expect(other.errors.contains("the teacher expects other pictures"), "\(other.errors)")
  }

  @Test func modulesLearnEachByItself() throws {
    let sandbox = try Sandbox()
    let out = sandbox.path("local")
    try Saker.succeed(Self.tiny + ["--epochs", "1", "--local-modules", "2", "--out", out])
    try Saker.succeed(["val", "--weights", out, "--json", "--threads", "1"])
    let many = try Saker.run(Self.tiny + ["--local-modules", "9", "--out", sandbox.path("many")])
    #expect(many.errors.contains("local modules: expected 1...8"), "\(many.errors)")
  }

  @Test func foldsAreRunsOfTheirOwn() throws {
    let sandbox = try Sandbox()
    let out = sandbox.path("folds")
    let result = try Saker.succeed(Self.tiny + ["--epochs", "1", "--folds", "3", "--out", out])
      .object()
    let folds = try #require(result["folds"] as? [[String: Any]])
    #expect(folds.map { $0["validation"] as? Int }.compactMap(\.self).reduce(0, +) == 1000)
    let top1 = folds.compactMap { ($0["top1"] as? NSNumber)?.doubleValue }
    let spread = try #require(result["top1"] as? [String: Any])
    let mean = top1.reduce(0, +) / 3
    #expect(abs(try #require(spread["mean"] as? NSNumber).doubleValue - mean) < 1e-9)
    let squares = top1.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    #expect(
      abs(try #require(spread["deviation"] as? NSNumber).doubleValue - (squares / 2).squareRoot())
        < 1e-9)
    #expect(try sandbox.list("folds/fold2").contains("results.csv"))
    // What was aside is still aside when the run is measured later.
    let val = try Saker.succeed([
      "val", "--weights", out + "/fold2", "--split", "val", "--json", "--threads", "1",
    ]).object()
    #expect(val["pictures"] as? Int == folds[1]["validation"] as? Int)
    #expect(
      try String(decoding: sandbox.bytes("folds/folds.csv"), as: UTF8.self).split(separator: "\n")
        .count == 4)
    let wrong = try Saker.run(Self.tiny + ["--folds", "1"])
    #expect(wrong.errors.contains("folds: expected 2...1000, got 1"))
  }

  @Test func theSearchTriesRatesAndTakesOne() throws {
    let sandbox = try Sandbox()
    let out = sandbox.path("searched")
    let result = try Saker.succeed(
      Self.tiny + ["--epochs", "2", "--search", "--search-seconds", "20", "--out", out]
    ).object()
    let trials = try #require(result["trials"] as? [[String: Any]])
    #expect(!trials.isEmpty)
    let picked = trials.filter { $0["picked"] as? Bool == true }
    #expect(picked.count <= 1)
    if let rate = picked.first?["learning_rate"] as? NSNumber {
      #expect(rate == result["learning_rate"] as? NSNumber)
    }
    let names = try sandbox.list("searched")
    #expect(names.contains("search.csv") && names.contains("search.png"))
    #expect(!names.contains("search"))
    #expect(
      try String(decoding: sandbox.bytes("searched/search.csv"), as: UTF8.self)
        .hasPrefix("lr,epochs,seconds,finished,train_loss,val_loss,top1,picked\n"))
    let wrong = try Saker.run(Self.tiny + ["--search-seconds", "5"])
    #expect(wrong.errors.contains("search seconds: only with --search"))
  }
}
