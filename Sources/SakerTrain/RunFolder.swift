import Foundation
import SakerTensor

/// A folder that a training run writes: weights, a table of results, curves.
public struct RunFolder: Sendable {
  public let path: String

  public var last: String { path + "/weights/last.safetensors" }
  public var best: String { path + "/weights/best.safetensors" }
  /// The weights before the first step, of a run that is to be trained anew from them.
  public var start: String { path + "/weights/start.safetensors" }
  /// Where it is.
  public var refit: RunFolder { RunFolder(path + "/refit") }
  public var results: String { path + "/results.csv" }
  public var curves: String { path + "/results.png" }

  public init(_ path: String) { self.path = path }

  /// Makes the folder, and finds out before hours of work whether it can be written to.
  ///
  /// - Throws: `TrainingError` that names the folder.
  public func prepare() throws {
    try demandName()
    do {
      try FileManager.default.createDirectory(
        atPath: path + "/weights", withIntermediateDirectories: true)
      let probe = path + "/weights/.probe"
      try Data([0]).write(to: URL(fileURLWithPath: probe))
      try FileManager.default.removeItem(atPath: probe)
    } catch {
      throw TrainingError("\(path): cannot be written to: \(error.reason)")
    }
  }

  /// Makes a folder, and those above it.
  public static func make(_ path: String) throws {
    try RunFolder(path).demandName()
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw TrainingError("\(path): cannot be made: \(error.reason)")
    }
  }

  /// Gives a file a second name, in place of what had it.
  ///
  /// - Throws: `TrainingError` where that cannot be; nothing has changed then.
  static func hardLink(_ file: String, as other: String) throws {
    // A link that somebody laid stays: it is written through.
    if (try? FileManager.default.destinationOfSymbolicLink(atPath: other)) != nil {
      throw TrainingError("\(other): is a link")
    }
    let url = URL(fileURLWithPath: other)
    let partial =
      "\(url.deletingLastPathComponent().path)/.\(url.lastPathComponent).\(getpid()).partial"
    defer { unlink(partial) }
    guard link(file, partial) == 0, rename(partial, other) == 0 else {
      throw TrainingError("\(other): cannot be linked")
    }
  }

  /// Writes a text file whole or not at all.
  ///
  /// - Throws: `TrainingError` that names the file.
  public static func write(_ text: String, to file: String) throws {
    do {
      try AtomicFile.write(file, Array(text.utf8))
    } catch {
      throw TrainingError("\(file): cannot be written: \(error.reason)")
    }
  }
}
