import Foundation
import SakerTensor
import Testing

@testable import SakerCommand

/// `saker --version`, and a program that is installed somewhere else than it was built.
@Suite struct VersionTests {
  @Test func versionTellsNumberCommitAndInstructions() throws {
    let form = /saker ([\d.]+) \(commit ([0-9a-f]{12}\+?|unknown), (\w+)\)\n/
    for set in Instructions.available {
      let result = try Saker.succeed(["--version"], environment: ["SAKER_ISA": set])
      #expect(result.errors.isEmpty)
      let parts = try #require(result.output.wholeMatch(of: form), "\(result.output)")
      #expect(parts.1 == Version.number && parts.2 == Version.commit && parts.3 == set)
    }
  }

  /// The commit is that of the sources, if a build script told it.
  @Test func commitIsThatOfTheSources() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../..").standardizedFileURL.path
    let header = "\(root)/Sources/CBuild/commit.h"
    guard let told = try? String(contentsOfFile: header, encoding: .utf8) else {
      return #expect(Version.commit == "unknown")
    }
    #expect(told == "#define SAKER_COMMIT \"\(Version.commit)\"\n")
  }

  @Test func doctorTellsVersionAndCommit() throws {
    let report = try Saker.run(["doctor", "--json"]).object()
    #expect(report["saker"] as? String == Version.number)
    #expect(report["commit"] as? String == Version.commit)
  }

  /// As `make install` lays it out, run through a symbolic link, from a folder that has nothing
  /// to do with either.
  @Test func embeddedDataAreFoundWhereTheyAreInstalled() throws {
    let files = FileManager.default
    // Not in a `Sandbox`: in a container, programs may not be run from /dev/shm.
    let root = NSTemporaryDirectory() + "/saker tést \(UUID().uuidString)"
    defer { try? files.removeItem(atPath: root) }
    for folder in ["usr/bin", "usr/share/saker", "links"] {
      try files.createDirectory(
        atPath: "\(root)/\(folder)", withIntermediateDirectories: true)
    }
    let built = URL(fileURLWithPath: Saker.path).deletingLastPathComponent()
    let program = "\(root)/usr/bin/saker"
    // A link would lead back to where it was built.
    try files.copyItem(atPath: Saker.path, toPath: program)
    try files.createSymbolicLink(
      atPath: "\(root)/usr/share/saker/Saker_SakerData.resources",
      withDestinationPath: built.appendingPathComponent("Saker_SakerData.resources").path)
    let link = "\(root)/links/saker"
    try files.createSymbolicLink(atPath: link, withDestinationPath: "../usr/bin/saker")

    for path in [program, link] {
      let process = Process()
      let output = Pipe()
      process.executableURL = URL(fileURLWithPath: path)
      process.arguments = ["data", "check", "bccd"]
      process.currentDirectoryURL = URL(fileURLWithPath: "/")
      process.standardOutput = output
      process.standardError = output
      try process.run()
      let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 0 && text.contains("364"), "\(path): \(text)")
    }
  }
}
