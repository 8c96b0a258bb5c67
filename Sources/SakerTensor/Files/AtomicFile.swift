#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Files that are replaced whole or not at all: the one way in which the project writes weights,
/// tables, pictures. It lies on the lowest floor because all of the others write.
package enum AtomicFile {
  /// What the system said when it refused.
  package struct Failure: Error, Hashable {
    package let reason: String

    /// By `errno`, which the call before set.
    fileprivate static var system: Failure { Failure(reason: String(cString: strerror(errno))) }
  }

  /// Where `write` puts the bytes.
  package struct Output {
    fileprivate let descriptor: Int32

    package func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
      var done = 0
      while done < bytes.count {
        let count = AtomicFile.put(descriptor, bytes.baseAddress! + done, bytes.count - done)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { throw .system }
        done += count
      }
    }
  }

  /// Writes what `body` writes under another name beside `path`, flushes it to the disk and gives
  /// it its name. A process that is killed on the way leaves the old file as it was, and at most a
  /// file `.NAME.PID.partial`. A link stays a link: the file it leads to is replaced. What is no
  /// regular file (a pipe, a device) is written directly.
  ///
  /// - Throws: `Failure` when the system refuses, and what `body` throws.
  package static func write(_ path: String, _ body: (Output) throws -> Void) throws {
    if isSpecial(path) {
      let descriptor = open(path, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw Failure.system }
      do {
        try body(Output(descriptor: descriptor))
      } catch {
        close(descriptor)
        throw error
      }
      guard close(descriptor) == 0 else { throw Failure.system }
      return
    }
    let target = resolved(path)
    let cut = target.lastIndex(of: "/")
    let directory = cut.map { $0 == target.startIndex ? "/" : String(target[..<$0]) } ?? "."
    let name = cut.map { String(target[target.index(after: $0)...]) } ?? target
    // Names may have 255 bytes: a long one leaves no room for more.
    let short = name.utf8.count > 200 ? String(name.prefix(40)) : name
    let partial = "\(directory)/.\(short).\(getpid()).partial"
    let descriptor = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw Failure.system }
    do {
      do {
        try body(Output(descriptor: descriptor))
        guard fsync(descriptor) == 0 else { throw Failure.system }
      } catch {
        close(descriptor)
        throw error
      }
      // Some systems report a full disk only here.
      guard close(descriptor) == 0, rename(partial, target) == 0 else { throw Failure.system }
    } catch {
      unlink(partial)
      throw error
    }
    flush(directory)
  }

  /// Replaces `path` by bytes.
  package static func write(_ path: String, _ bytes: [UInt8]) throws(Failure) {
    do {
      try write(path) { output in try bytes.withUnsafeBytes { try output.write($0) } }
    } catch let failure as Failure {
      throw failure
    } catch {
      preconditionFailure("only the system can refuse bytes, got \(error)")
    }
  }

  /// Whether there is something that must not be replaced by a file.
  private static func isSpecial(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG
  }

  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  private static func put(_ descriptor: Int32, _ start: UnsafeRawPointer, _ count: Int) -> Int {
    #if canImport(Glibc)
      Glibc.write(descriptor, start, count)
    #elseif canImport(Musl)
      Musl.write(descriptor, start, count)
    #else
      Darwin.write(descriptor, start, count)
    #endif
  }

  /// Makes the new name last. A system that cannot do that has renamed all the same.
  private static func flush(_ directory: String) {
    let descriptor = open(directory, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }
}
