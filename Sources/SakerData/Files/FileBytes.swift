import Foundation
import SakerTensor

/// Whole files, with the reason in words when one cannot be read or written.
enum FileBytes {
  struct Failure: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
    static let missing = "does not exist"
    /// The reason the system gives in `errno`.
    static func system() -> Failure {
      switch errno {
      case ENOENT: Failure(missing)
      case EACCES: Failure("may not be read or written (permission denied)")
      case let code: Failure(String(cString: strerror(code)).lowercased())
      }
    }
  }

  /// An open regular file, closed when released.
  final class Handle {
    let descriptor: Int32
    let count: Int

    init(_ path: String) throws(Failure) {
      // Not blocking: opening a pipe would wait for somebody to write into it.
      descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
      guard descriptor >= 0 else { throw .system() }
      do {
        count = try FileBytes.size(ofOpen: descriptor)
      } catch {
        close(descriptor)
        throw error
      }
    }

    deinit { close(descriptor) }

    /// The bytes from `offset` on, `count` or fewer at the end of the file.
    func read(at offset: Int, count: Int) throws(Failure) -> [UInt8] {
      var failed = false
      let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
        while done < count {
          let got = pread(
            descriptor, buffer.baseAddress! + done, count - done, off_t(offset + done))
          if got < 0 && errno == EINTR { continue }
          if got < 0 { failed = true }
          if got <= 0 { break }
          done += got
        }
      }
      if failed { throw .system() }
      return bytes
    }

    /// All of a large file, its halves at the same time: fresh memory costs as much as the copy.
    func readParts() throws(Failure) -> [UInt8] {
      let (file, count, middle) = (descriptor, self.count, self.count / 2)
      let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
        nonisolated(unsafe) let base = buffer.baseAddress!
        nonisolated(unsafe) var read = [0, 0]
        read.withUnsafeMutableBufferPointer { read in
          nonisolated(unsafe) let read = read
          DispatchQueue.concurrentPerform(iterations: 2) { part in
            let (first, end) = part == 0 ? (0, middle) : (middle, count)
            while read[part] < end - first {
              let at = first + read[part]
              let got = pread(file, base + at, end - at, off_t(at))
              if got < 0 && errno == EINTR { continue }
              if got <= 0 { break }
              read[part] += got
            }
          }
        }
        // Whatever went wrong is met again by reading front to back.
        if read[0] == middle, read[1] == count - middle { done = count }
      }
      return bytes.count == count ? bytes : try self.read(at: 0, count: count)
    }
  }

  /// Bytes of an open file, which must be a regular one.
  static func size(ofOpen descriptor: Int32) throws(Failure) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system() }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw Failure(status.st_mode & S_IFMT == S_IFDIR ? "is a folder" : "is not a regular file")
    }
    return Int(status.st_size)
  }

  /// Above this a file is no picture, annotation or list of names.
  static let limit = 1 << 30

  static func read(_ path: String) throws(Failure) -> [UInt8] {
    let handle = try Handle(path)
    guard handle.count <= limit else { throw Failure("is larger than \(limit >> 20) MiB") }
    guard handle.count > 4 << 20 else { return try handle.read(at: 0, count: handle.count) }
    return try handle.readParts()
  }

  /// Whoever reads `path` sees the old file or the whole new one.
  static func write(_ bytes: [UInt8], to path: String) throws(Failure) {
    do {
      try AtomicFile.write(path, bytes)
    } catch {
      throw Failure("cannot be written: \(error.reason)")
    }
  }

  /// Names of what a folder holds, sorted.
  static func list(_ folder: String) throws(Failure) -> [String] {
    guard let stream = opendir(folder) else { throw .system() }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  static func isLink(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }

  /// The path without links, `.` and `..`, from the root of the disk; `nil` if there is no such
  /// file.
  static func realPath(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}
