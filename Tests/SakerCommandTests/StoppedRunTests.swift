import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

@testable import SakerPlots

struct StoppedRunTests {
  /// How many runs are killed at some moment.
  private static let kills = 4 * LongChecks.factor

  private func arguments(_ run: TrainedRun, _ out: String) -> [String] {
    TrainedRun.training(run.data, out, ["--epochs", "12", "--ema", "0.9", "--val-split", "none"])
  }

  /// The uninterrupted run that all others must equal.
  private static let whole = Swift.Result {
    let (run, sandbox) = (try TrainedRun.get(), try Sandbox())
    sandbox.removeAtExit()
    try Saker.succeed(StoppedRunTests().arguments(run, sandbox.path("run")))
    return sandbox
  }

  private func expectWhole(_ folder: String) throws {
    let whole = try StoppedRunTests.whole.get().path("run")
    #expect(try losses(folder) == losses(whole))
    #expect(try losses(folder).count == 13)
    for file in ["/weights/last.safetensors", "/weights/best.safetensors"] {
      let (got, expected) = (try bits(folder + file), try bits(whole + file))
      let different = expected.keys.filter { got[$0] != expected[$0] }.sorted()
      #expect(different.isEmpty && got.count == expected.count)
    }
  }

  /// Waits until the run has finished so many epochs.
  private func wait(_ running: Saker.Running, _ folder: String, epochs: Int) {
    let deadline = Date(timeIntervalSinceNow: 120)
    while running.isRunning, Date() < deadline, (try? losses(folder).count) ?? 0 <= epochs {
      usleep(500)
    }
  }

  @Test(arguments: 0..<kills) func aKilledRunGoesOnFromTheLastEpoch(_ attempt: Int) throws {
    let (run, sandbox) = (try TrainedRun.get(), try Sandbox())
    let folder = sandbox.path("run")
    var random = Random(seed: 14, attempt)
    let running = try Saker.Running(arguments(run, folder))
    wait(running, folder, epochs: 1 + attempt % 10)
    usleep(UInt32(random.next() % 60_000))
    running.signal(SIGKILL)
    let killed = running.result()
    // It may have been faster than the signal.
    #expect(killed.crashed || killed.status == 0)
    _ = try Safetensors(contentsOf: folder + "/weights/last.safetensors")
    try Saker.succeed(["train", "--resume", folder, "--json"])
    try expectWhole(folder)
    // Nothing that was half written stays.
    #expect(try sandbox.list("run/weights") == ["best.safetensors", "last.safetensors"])
    #expect(try sandbox.list("run").filter { $0.hasPrefix(".") } == [".lock"])
  }

  /// Ctrl-C, `kill`, and a terminal that is closed.
  @Test(arguments: [SIGINT, SIGTERM, SIGHUP]) func aSignalSavesAndSaysHowToGoOn(_ signal: Int32)
    throws
  {
    let (run, sandbox) = (try TrainedRun.get(), try Sandbox())
    let folder = sandbox.path("run")
    let running = try Saker.Running(arguments(run, folder).filter { $0 != "--json" })
    wait(running, folder, epochs: 2)
    var random = Random(seed: 15, Int(signal))
    usleep(UInt32(random.next() % 30_000))
    running.signal(signal)
    let stopped = running.result()
    try #require(stopped.status == 130 && !stopped.crashed)
    #expect(stopped.output.contains("interrupted and saved; go on with: saker train --resume"))
    #expect(stopped.errors.isEmpty)
    // As it was told to, from another folder, and under the name of the checkpoint.
    try Saker.succeed(["train", "--resume", "weights/last.safetensors", "--json"], in: folder)
    try expectWhole(folder)
  }

  @Test func aRunGoesOnInAnotherFolder() throws {
    let (run, sandbox) = (try TrainedRun.get(), try Sandbox())
    let told = try Saker.succeed([
      "train", "--resume", run.folder, "--out", sandbox.path("other"), "--json",
    ]).object()
    #expect(told["run"] as? String == sandbox.path("other"))
    #expect(try bits(sandbox.path("other/weights/best.safetensors")) == bits(run.best))
  }

  /// As `nohup` starts it.
  @Test func aClosedTerminalIsIgnoredWhereSomebodyAskedFor() throws {
    let (run, sandbox) = (try TrainedRun.get(), try Sandbox())
    let folder = sandbox.path("run")
    let running = try Saker.Running(arguments(run, folder), shell: ("trap '' HUP;", ""))
    wait(running, folder, epochs: 2)
    running.signal(SIGHUP)
    let result = running.result()
    #expect(result.status == 0 && !result.crashed)
    try expectWhole(folder)
  }

  /// What a run's event files say, without times and speeds.
  private func events(_ folder: String) -> [[UInt8]] {
    TensorBoardFolder(folder).records.map { record in
      let name = Array("\(record.step) \(record.tag ?? "")".utf8)
      return record.tag == "images_per_second" ? name : name + record.content
    }
  }

  /// Killed at each place between two files, in the first, a middle and the last epoch, started or
  /// resumed again each time: weights, table and events are those of a run that was never stopped.
  @Test func aRunThatIsKilledEverywhereEndsAsIfItNeverWas() throws {
    let (run, sandbox) = (try TrainedRun.get(), try Sandbox())
    func arguments(_ name: String) -> [String] {
      TrainedRun.training(run.data, sandbox.path(name), ["--epochs", "3"])
    }
    let (whole, killed) = (sandbox.path("whole/run"), sandbox.path("killed/run"))
    try Saker.succeed(arguments("whole/run"))
    let places = [
      "events:1", "checkpoint:1", "last:1", "events:2", "checkpoint:2", "table:2", "events:3",
      "checkpoint:3", "told:3", "pictures:3", "end:3", "end:3",
    ]
    func start() -> [String] {
      (try? sandbox.list("killed/run/weights"))?.contains { !$0.hasPrefix(".") } == true
        ? ["train", "--resume", killed, "--json"] : arguments("killed/run")
    }
    for place in places {
      let result = try Saker.run(start(), environment: ["SAKER_KILL_AT": place])
      #expect(result.crashed && result.status == SIGKILL, "\(place): \(result.errors)")
    }
    try Saker.succeed(start())
    #expect(try losses(killed) == losses(whole))
    for file in ["/weights/last.safetensors", "/weights/best.safetensors"] {
      #expect(try bits(killed + file) == bits(whole + file))
    }
    let (got, expected) = (events(killed), events(whole))
    #expect(expected.count > 40 && got == expected)
    func names(_ folder: String) throws -> [String] {
      try sandbox.list(folder).filter { !$0.hasPrefix("events.out") }
    }
    #expect(try names("killed/run") == names("whole/run"))
    // In another folder, too.
    try Saker.succeed(["train", "--resume", killed, "--out", sandbox.path("other"), "--json"])
    #expect(events(sandbox.path("other")) == expected)
  }
}
