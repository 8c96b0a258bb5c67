import Foundation
import SakerNN
import Testing

struct StoppedRunTests {
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

  @Test(arguments: 0..<4) func aKilledRunGoesOnFromTheLastEpoch(_ attempt: Int) throws {
    let (run, sandbox) = (try TrainedRun.get(), try Sandbox())
    let folder = sandbox.path("run")
    let running = try Saker.Running(arguments(run, folder))
    wait(running, folder, epochs: 1 + attempt)
    usleep(UInt32.random(in: 0..<60_000))
    running.signal(SIGKILL)
    let killed = running.result()
    // It may have been faster than the signal.
    #expect(killed.crashed || killed.status == 0)
    _ = try Safetensors(contentsOf: folder + "/weights/last.safetensors")
    try Saker.succeed(["train", "--resume", folder, "--json"])
    try expectWhole(folder)
  }

  @Test func ctrlCSavesAndSaysHowToGoOn() throws {
    let (run, sandbox) = (try TrainedRun.get(), try Sandbox())
    let folder = sandbox.path("run")
    let running = try Saker.Running(arguments(run, folder).filter { $0 != "--json" })
    wait(running, folder, epochs: 2)
    usleep(UInt32.random(in: 0..<30_000))
    running.signal(SIGINT)
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
}
