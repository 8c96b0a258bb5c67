import Foundation

/// Writes an event file that TensorBoard shows: `tensorboard --logdir FOLDER`.
///
/// Every event is in the file when the call returns, so a page that is open sees it, and a run that
/// ends in the middle loses nothing.
public final class TensorBoardWriter {
  public let path: String
  private let file: FileHandle

  /// Starts a new file in `folder`, `events.out.tfevents.<seconds>.<process>.saker`, beside those
  /// of earlier sessions, which TensorBoard joins.
  ///
  /// - Throws: `PlotError` if it cannot be written.
  public init(folder: String) throws {
    let time = Date().timeIntervalSince1970
    var name = "events.out.tfevents.\(Int(time)).\(ProcessInfo.processInfo.processIdentifier).saker"
    // Two writers in the same second must not write over one another.
    var number = 1
    while FileManager.default.fileExists(atPath: folder + "/" + name) {
      number += 1
      name =
        "events.out.tfevents.\(Int(time)).\(ProcessInfo.processInfo.processIdentifier).saker\(number)"
    }
    path = folder + "/" + name
    guard FileManager.default.createFile(atPath: path, contents: nil),
      let file = FileHandle(forWritingAtPath: path)
    else { throw PlotError(file: path, "cannot be written") }
    self.file = file
    try write(TensorBoardEvent(.fileVersion, time: time))
  }

  deinit { try? file.close() }

  /// - Throws: `PlotError` naming the file.
  public func write(_ event: TensorBoardEvent) throws {
    let record = try event.record()
    let start = try? file.offset()
    do {
      try file.write(contentsOf: Data(record))
    } catch {
      // Half a record would hide those after it.
      if let start {
        try? file.truncate(atOffset: start)
        try? file.seek(toOffset: start)
      }
      throw PlotError(file: path, "cannot be written: \(error.localizedDescription)")
    }
  }

  public func write(_ values: [TensorBoardEvent.Value], step: Int) throws {
    for value in values { try write(TensorBoardEvent(value, step: step)) }
  }

  /// Waits until the disk has it.
  ///
  /// - Throws: `PlotError` naming the file.
  public func flush() throws {
    do {
      try file.synchronize()
    } catch {
      throw PlotError(file: path, "cannot be written: \(error.localizedDescription)")
    }
  }
}
