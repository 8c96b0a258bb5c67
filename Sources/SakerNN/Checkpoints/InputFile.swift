import SakerTensor
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What the system says of the last call that failed.
private var systemMessage: String { String(cString: strerror(errno)) }

/// A file of weights that is read at any place.
final class InputFile {
  let size: Int
  private let path: String
  private let descriptor: Int32

  /// - Throws: `CheckpointError` if it can't be opened, or is one that people take for weights: see
  ///   `ForeignFile`.
  init(_ path: String) throws {
    self.path = path
    // Not blocking: opening a pipe would wait for somebody to write into it.
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw CheckpointError(file: path, "cannot be read", [systemMessage])
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      if status.st_mode & S_IFMT == S_IFDIR {
        throw ForeignFile(folder: InputFile.names(in: path)).error(path)
      }
      throw CheckpointError(file: path, "cannot be read", ["expected a file"])
    }
    size = Int(status.st_size)
    let start = try read(min(ForeignFile.looked, size), at: 0) { Array($0) }
    if let foreign = ForeignFile(start, size: size) { throw foreign.error(path) }
  }

  /// What lies in a folder.
  private static func names(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      names.append(
        withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        })
    }
    return names
  }

  deinit { close(descriptor) }

  /// Fills `bytes` with what lies from `start` on; a long part on all cores, as the system copies
  /// (and makes memory for what is copied) one page after the other.
  func read(into bytes: UnsafeMutableRawBufferPointer, at start: Int) throws {
    guard let base = bytes.baseAddress else { return }
    nonisolated(unsafe) let to = base
    let failure = Mutex<CheckpointError?>(nil)
    Parallel.run(bytes.count, grain: 2 << 20) { part in
      do throws(CheckpointError) {
        try self.read(to: to + part.lowerBound, part.count, at: start + part.lowerBound)
      } catch {
        failure.withLock { $0 = error }
      }
    }
    if let failure = failure.withLock({ $0 }) { throw failure }
  }

  private func read(
    to place: UnsafeMutableRawPointer, _ size: Int, at start: Int
  ) throws(CheckpointError) {
    var done = 0
    while done < size {
      let count = pread(descriptor, place + done, size - done, off_t(start + done))
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
