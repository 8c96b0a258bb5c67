import Foundation
import SakerTensor
import Testing

@testable import SakerTrain

@Suite struct RunFolderTests {
  /// The number of a process that is gone.
  private func goneProcess() throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "exit 0"]
    try process.run()
    process.waitUntilExit()
    return process.processIdentifier
  }

  private func write(_ text: String, _ path: String) throws {
    let url = URL(fileURLWithPath: path)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  @Test func freeFoldersAreNumberedAndHeld() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/runs/train"
    let first = try RunClaim.firstFree(path)
    let second = try RunClaim.firstFree(path)
    #expect(first.folder.path == path && second.folder.path == path + "2")
    try write("x", path + "3/notes.txt")
    #expect(try RunClaim.firstFree(path).folder.path == path + "4")
    withExtendedLifetime((first, second)) {}
  }

  /// Whoever claims and writes nothing leaves nothing, not even the folders above.
  @Test func nothingIsLeftOfAClaimThatWroteNothing() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/a/b/c"
    do {
      let claim = try RunClaim(RunFolder(path))
      #expect(FileManager.default.fileExists(atPath: path + "/.lock"))
      withExtendedLifetime(claim) {}
    }
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/a"))
    do {
      let claim = try RunClaim(RunFolder(path))
      try write("x", path + "/results.csv")
      withExtendedLifetime(claim) {}
    }
    #expect(FileManager.default.fileExists(atPath: path + "/results.csv"))
  }

  /// Many threads at once, in as many folders.
  @Test func noTwoGetTheSameFolder() async throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/train"
    let claims = try await withThrowingTaskGroup(of: RunClaim.self) { group in
      for _ in 0..<16 { group.addTask { try RunClaim.firstFree(path) } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(Set(claims.map(\.folder.path)).count == 16)
  }

  @Test func aFolderThatAnotherProcessHoldsIsRefusedByName() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run"
    try write("4711\n", path + "/.lock")
    // Another open file is as good as another process.
    let other = open(path + "/.lock", O_RDWR | O_CLOEXEC)
    defer { close(other) }
    try #require(flock(other, LOCK_EX | LOCK_NB) == 0)
    let error = #expect(throws: TrainingError.self) { _ = try RunClaim(RunFolder(path)) }
    #expect(error?.description.hasPrefix("\(path): is written by the process 4711 now") == true)
    #expect(try RunClaim.firstFree(path).folder.path == path + "2")
    // As when a process ends, however it ends.
    #expect(flock(other, LOCK_UN) == 0)
    _ = try RunClaim(RunFolder(path))
  }

  @Test func whatKilledProcessesLeftHalfWrittenGoes() throws {
    let folder = try TemporaryFolder()
    let gone = try goneProcess()
    let (stale, own) = (".last.safetensors.\(gone).partial", ".results.csv.\(getpid()).partial")
    let kept = [
      ".best.safetensors.1.partial", "last.safetensors.\(gone).partial", ".x.partial",
      ".last.safetensors.0.partial",
    ]
    for name in [stale, own] + kept {
      try write("half", folder.run.path + "/weights/" + name)
      try write("half", folder.run.path + "/" + name)
    }
    let claim = try RunClaim(folder.run)
    for place in [folder.run.path, folder.run.path + "/weights"] {
      let names = try FileManager.default.contentsOfDirectory(atPath: place)
      #expect(Set(names).subtracting([".lock", "weights"]) == Set(kept))
    }
    withExtendedLifetime(claim) {}
  }

  @Test func aPartialFileIsNamedSoThatItIsFoundAgain() throws {
    let folder = try TemporaryFolder()
    let target = folder.path + "/last.safetensors"
    var seen: [String] = []
    try AtomicFile.write(target) { _ in
      seen = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    }
    #expect(seen == [".last.safetensors.\(getpid()).partial"])
  }

  // MARK: A run that is there

  private let header = "epoch,time,train/loss\n"

  @Test func runsAreRefusedAndOverwrittenOnlyWhereAsked() throws {
    let folder = try TemporaryFolder()
    func refusal(_ overwrite: Bool = false) -> String? {
      do {
        try folder.run.demandFree(overwrite: overwrite)
        return nil
      } catch { return "\(error)" }
    }
    let path = folder.run.path
    #expect(refusal() == nil && refusal(true) == nil)
    try write("mine", path + "/notes.txt")
    try write("", path + "/fold1/.lock")
    #expect(refusal() == nil)
    #expect(refusal(true)?.contains("is no run's folder") == true)
    try write("mine", path + "/labels.jpg")
    #expect(refusal()?.contains("would write over: labels.jpg") == true)
    #expect(refusal(true)?.contains("would write over: labels.jpg") == true)
    // A start without an epoch.
    try write(header, path + "/results.csv")
    #expect(refusal() == nil && !folder.run.holdsRun)
    try write(header + "1,2,3\n", path + "/results.csv")
    #expect(refusal()?.hasPrefix("\(path): holds a run: ") == true)
    #expect(refusal(true) == nil && folder.run.holdsRun)
  }

  @Test func whatARunWroteGoesAndEverythingElseStays() throws {
    let folder = try TemporaryFolder()
    let path = folder.run.path
    let mine = [
      "notes.txt", "loss_curve.png", "weights/mine.safetensors", "test/report.html",
      "folds/results.csv",
    ]
    let names = RunFolder.names.map { $0.replacing("[0-9]*", with: "12").replacing("*", with: "x") }
    for name in mine + names + ["weights/last.safetensors", "weights/best.safetensors"] {
      try write("x", path + "/" + name)
    }
    for inner in ["fold1", "fold12", "refit"] {
      try write(header, "\(path)/\(inner)/results.csv")
      try write("x", "\(path)/\(inner)/weights/last.safetensors")
    }
    try folder.run.removeRun()
    let left = try FileManager.default.subpathsOfDirectory(atPath: path).filter {
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: path + "/" + $0, isDirectory: &isFolder)
        && !isFolder.boolValue
    }
    #expect(Set(left) == Set(mine))
    #expect(!FileManager.default.fileExists(atPath: path + "/fold1"))
  }

  @Test func anEmptyPathIsRefused() {
    for body: () throws -> Void in [
      { try RunFolder("").prepare() }, { _ = try RunClaim(RunFolder("")) },
      { try RunFolder.make("") },
    ] {
      let error = #expect(throws: TrainingError.self) { try body() }
      #expect(error?.description.contains("expected a path, got an empty text") == true)
    }
  }
}
