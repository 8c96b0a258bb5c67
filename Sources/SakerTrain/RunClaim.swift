import Foundation
import Logging
import Synchronization

/// The right to write a run's folder: one process has it at a time. It is a lock on the file
/// `.lock` in the folder, which the system takes back when the process ends, however it ends. In
/// one process several may hold it together: a command and its trainer.
///
/// Who gets it first takes away what a killed process left half written. A folder that was made for
/// it, and into which nothing was written, goes with the claim.
public final class RunClaim: Sendable {
  public let folder: RunFolder
  private let key: String
  /// Folders that were made for it, the deepest first.
  private let made: [String]

  private struct Held {
    var descriptor: Int32
    var holders: Int
  }
  /// By whole path.
  private static let held = Mutex<[String: Held]>([:])

  static let lock = ".lock"

  /// Makes the folder, and those above it.
  ///
  /// - Throws: `TrainingError` that names the folder, and the process that writes it.
  public convenience init(_ folder: RunFolder) throws { try self.init(folder, alone: false) }

  /// - Parameter alone: whether no other holder in this process is wanted either.
  private init(_ folder: RunFolder, alone: Bool) throws {
    self.folder = folder
    try folder.demandName()
    let missing = RunClaim.missing(folder.path)
    var result: (key: String, isFirst: Bool)?
    // Another process may take its folder away between our making and our locking it.
    for _ in 0..<100 where result == nil {
      do {
        try FileManager.default.createDirectory(
          atPath: folder.path, withIntermediateDirectories: true)
      } catch {
        throw TrainingError("\(folder.path): cannot be written to: \(error.reason)")
      }
      result = try RunClaim.lock(folder, alone: alone)
    }
    guard let result else { throw TrainingError("\(folder.path): cannot be locked") }
    key = result.key
    made = missing
    if result.isFirst { folder.removePartials() }
  }

  /// `runs/train`, or with the first number that is free: `runs/train2`. A folder that
  /// holds nothing is free.
  ///
  /// - Throws: `TrainingError` if no folder can be made there.
  public static func firstFree(_ path: String) throws -> RunClaim {
    var number = 1
    while true {
      let folder = RunFolder(number == 1 ? path : "\(path)\(number)")
      if folder.isEmpty {
        do {
          let claim = try RunClaim(folder, alone: true)
          // Somebody may have been faster, and done.
          if folder.isEmpty { return claim }
        } catch is Taken {}
      }
      number += 1
    }
  }

  /// Another one has it.
  private struct Taken: Error, CustomStringConvertible {
    var description: String
  }

  /// Locks the file; `nil` if it was removed meanwhile.
  private static func lock(_ folder: RunFolder, alone: Bool) throws -> (
    key: String, isFirst: Bool
  )? {
    guard let real = realpath(folder.path, nil) else { return nil }
    defer { free(real) }
    let key = String(cString: real)
    return try held.withLock { held in
      if let known = held[key] {
        if alone { throw Taken(description: "\(folder.path): this process writes it already") }
        held[key]?.holders = known.holders + 1
        return (key, false)
      }
      let file = key + "/" + lock
      let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else {
        if errno == ENOENT { return nil }
        throw TrainingError(
          "\(folder.path): cannot be written to: \(String(cString: strerror(errno)))")
      }
      var isKept = false
      defer { if !isKept { close(descriptor) } }
      if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
        guard errno != EWOULDBLOCK else {
          let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
          let writer = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines))
          let message =
            "\(folder.path): is written by \(writer.map { "the process \($0)" } ?? "another process") now: wait until it "
            + "ends, or name another folder with --out"
          if alone { throw Taken(description: message) }
          throw TrainingError(message)
        }
        // A file system without locks keeps nobody out.
        Logger(label: "saker.train").warning(
          "\(folder.path): the file system has no locks: take care that no other run writes there")
      }
      // The holder before may have taken the file away: then this lock is on nothing.
      var (own, named) = (stat(), stat())
      guard fstat(descriptor, &own) == 0, stat(file, &named) == 0, own.st_ino == named.st_ino else {
        return nil
      }
      let number = "\(getpid())\n"
      ftruncate(descriptor, 0)
      _ = pwrite(descriptor, number, number.utf8.count, 0)
      held[key] = Held(descriptor: descriptor, holders: 1)
      isKept = true
      return (key, true)
    }
  }

  deinit {
    RunClaim.held.withLock { held in
      guard var mine = held[key] else { return }
      mine.holders -= 1
      guard mine.holders == 0 else {
        held[key] = mine
        return
      }
      held[key] = nil
      if folder.isEmpty {
        unlink(key + "/" + RunClaim.lock)
        for path in made where rmdir(path) != 0 { break }
      }
      close(mine.descriptor)
    }
  }

  /// The folder and those above it that do not exist, the deepest first.
  private static func missing(_ path: String) -> [String] {
    var result: [String] = []
    var url = URL(fileURLWithPath: path)
    while url.path != "/", !FileManager.default.fileExists(atPath: url.path) {
      result.append(url.path)
      url.deleteLastPathComponent()
    }
    return result
  }
}
