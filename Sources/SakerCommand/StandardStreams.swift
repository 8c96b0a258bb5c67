import ArgumentParser
@preconcurrency import Foundation
import Synchronization

/// Standard output and standard error, watched: a command that ends with 0 has written
/// all that it printed.
enum StandardStreams {
  /// Why the first write failed.
  private static let reason = Mutex<String?>(nil)

  /// Takes the places of streams that the caller closed (`>&-`), or the first file that is opened
  /// would get the number, and the output. Writing there fails, as on a closed stream.
  static func open() {
    for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) == -1 && errno == EBADF {
      // The lowest number that is free is this one.
      _ = Foundation.open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY)
    }
  }

  /// Remembers why a write failed, as long as `errno` still says so.
  fileprivate static func check() {
    guard ferror(stdout) != 0 else { return }
    let now = String(cString: strerror(errno))
    reason.withLock { if $0 == nil { $0 = now } }
  }

  /// Writes what is still in memory.
  ///
  /// - Throws: `OutputError` if anything that was printed is not written; an exit code where not
  ///   even that can be told.
  static func finish() throws {
    // A line-buffered stream failed before, a fully buffered one fails here.
    if fflush(stdout) != 0 { check() }
    check()
    if let reason = reason.withLock({ $0 }) {
      throw OutputError(description: "standard output: cannot be written: \(reason)")
    }
    // Some systems report a full disk only when the file is closed.
    guard fclose(stdout) == 0 else {
      throw OutputError(
        description: "standard output: cannot be written: \(String(cString: strerror(errno)))")
    }
    if ferror(stderr) != 0 { throw ExitCode.failure }
  }
}

struct OutputError: Error, CustomStringConvertible {
  var description: String
}

/// Swift's `print`, for everything in this module: what cannot be written makes the
/// command fail at its end.
func print(_ items: Any..., separator: String = " ", terminator: String = "\n") {
  Swift.print(items.map { "\($0)" }.joined(separator: separator), terminator: terminator)
  StandardStreams.check()
}

/// A line on standard error: for people, also when standard output is for machines.
func note(_ text: String) { fputs(text + "\n", stderr) }
