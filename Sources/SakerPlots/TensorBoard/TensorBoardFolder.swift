import Foundation

/// The event files of all sessions of a run.
public struct TensorBoardFolder {
  public let path: String

  public init(_ path: String) { self.path = path }

  /// The files, the oldest first.
  var files: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.filter { $0.hasPrefix("events.out.tfevents.") }.map { path + "/" + $0 }
      .map { (file: $0, time: TensorBoardFolder.records($0).first?.time ?? .infinity) }
      .sorted { ($0.time, $0.file) < ($1.time, $1.file) }.map(\.file)
  }

  private static func records(_ file: String) -> [TensorBoardRecord] {
    TensorBoardRecord.read([UInt8](FileManager.default.contents(atPath: file) ?? Data()))
  }

  /// All records but the files' first ones, in the order in which they were written.
  var records: [TensorBoardRecord] {
    files.flatMap(TensorBoardFolder.records).filter { !$0.isVersion }
  }

  /// Takes away what a run that goes on after `step` writes again: events of later steps, pictures,
  /// which stand at the end of a run, and what a process that was killed left torn. Files with
  /// nothing to take away stay as they are.
  ///
  /// - Returns: whether any event is left.
  /// - Throws: `PlotError` that names the file.
  @discardableResult
  public func rewind(to step: Int) throws -> Bool {
    var isAnyLeft = false
    for file in files {
      guard let old = FileManager.default.contents(atPath: file) else {
        throw PlotError(file: file, "cannot be read")
      }
      let kept = TensorBoardRecord.read([UInt8](old)).filter { $0.step <= step && !$0.isPicture }
      let bytes = kept.flatMap(\.bytes)
      if kept.allSatisfy(\.isVersion) {
        unlink(file)
      } else {
        isAnyLeft = true
        if bytes.count != old.count { try writeAtomically(bytes, to: file) }
      }
    }
    return isAnyLeft
  }

  /// Copies the files of another folder.
  ///
  /// - Throws: `PlotError` that names the file.
  public func take(from other: TensorBoardFolder) throws {
    for file in other.files {
      guard let bytes = FileManager.default.contents(atPath: file) else {
        throw PlotError(file: file, "cannot be read")
      }
      try writeAtomically(
        [UInt8](bytes), to: path + "/" + URL(fileURLWithPath: file).lastPathComponent)
    }
  }
}
