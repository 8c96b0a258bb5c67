#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What the system says of the last call that failed.
private var systemMessage: String { String(cString: strerror(errno)) }

/// A file that is read at any place.
final class InputFile {
  let size: Int
  private let path: String
  private let descriptor: Int32

  init(_ path: String) throws {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw CheckpointError(file: path, "cannot be read", [systemMessage])
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw CheckpointError(file: path, "cannot be read", ["expected a file"])
    }
    size = Int(status.st_size)
  }

  deinit { close(descriptor) }

  /// Fills `bytes` with what lies from `start` on.
  func read(into bytes: UnsafeMutableRawBufferPointer, at start: Int) throws {
    var done = 0
    while done < bytes.count {
      let count = pread(
        descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(start + done))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        throw CheckpointError(
          file: path, "cannot be read", [count < 0 ? systemMessage : "it ends too early"])
      }
      done += count
    }
  }

  /// Calls `body` with `count` bytes from `start` on.
  func read<R>(_ count: Int, at start: Int, _ body: (UnsafeRawBufferPointer) throws -> R) throws
    -> R
  {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 8)
    defer { bytes.deallocate() }
    try read(into: bytes, at: start)
    return try body(UnsafeRawBufferPointer(bytes))
  }
}

/// Files that are replaced whole or not at all.
public enum AtomicFile {
  /// Where `write` puts the bytes.
  public struct Output {
    fileprivate let descriptor: Int32

    public func write(_ bytes: UnsafeRawBufferPointer) throws {
      var done = 0
      while done < bytes.count {
        let count = system(descriptor, bytes.baseAddress! + done, bytes.count - done)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { throw Failure(message: systemMessage) }
        done += count
      }
    }

    private func system(_ descriptor: Int32, _ start: UnsafeRawPointer, _ count: Int) -> Int {
      #if canImport(Glibc)
        Glibc.write(descriptor, start, count)
      #elseif canImport(Musl)
        Musl.write(descriptor, start, count)
      #else
        Darwin.write(descriptor, start, count)
      #endif
    }
  }

  private struct Failure: Error { let message: String }

  /// Writes what `body` writes under another name beside `path`, flushes it to the disk and gives it its name. A process
  /// that is killed on the way leaves the old file as it was, and at most a file `.NAME.PID.partial`.
  /// - Throws: `CheckpointError` naming `path` when the system refuses.
  public static func write(_ path: String, _ body: (Output) throws -> Void) throws {
    let cut = path.lastIndex(of: "/")
    let directory = cut.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let name = cut.map { String(path[path.index(after: $0)...]) } ?? path
    let partial = "\(directory)/.\(name).\(getpid()).partial"
    do {
      let descriptor = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
      guard descriptor >= 0 else { throw Failure(message: systemMessage) }
      do {
        try body(Output(descriptor: descriptor))
        guard fsync(descriptor) == 0 else { throw Failure(message: systemMessage) }
      } catch {
        close(descriptor)
        throw error
      }
      // Some systems report a full disk only here.
      guard close(descriptor) == 0, rename(partial, path) == 0 else {
        throw Failure(message: systemMessage)
      }
      flush(directory)
    } catch let failure as Failure {
      unlink(partial)
      throw CheckpointError(file: path, "cannot be written", [failure.message])
    } catch {
      unlink(partial)
      throw error
    }
  }

  /// Replaces `path` by a text.
  public static func write(_ path: String, _ text: String) throws {
    try write(path) { output in
      try Array(text.utf8).withUnsafeBytes { try output.write($0) }
    }
  }

  /// Makes the new name last. A system that cannot do that has renamed all the same.
  private static func flush(_ directory: String) {
    let descriptor = open(directory, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }
}
