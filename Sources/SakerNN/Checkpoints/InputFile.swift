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
    // Not blocking: opening a pipe would wait for somebody to write into it.
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
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
