import Foundation

/// Reads many small files one after the other: the folder is looked up once for all files of it,
/// and the memory is used again. For one thread.
struct FileReader: ~Copyable {
  private var folder: [UInt8] = []
  private var descriptor: Int32 = -1
  private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)

  deinit {
    if descriptor >= 0 { close(descriptor) }
    buffer.deallocate()
  }

  /// Calls `body` with a regular file's bytes, which are valid inside it only.
  mutating func withBytes<Value>(
    of path: String, _ body: (UnsafeBufferPointer<UInt8>) -> Value
  ) throws(FileBytes.Failure) -> Value {
    let file = try opened(path)
    defer { close(file) }
    let count = try FileBytes.size(ofOpen: file)
    guard count <= FileBytes.limit else {
      throw FileBytes.Failure("is larger than \(FileBytes.limit >> 20) MiB")
    }
    if count > buffer.count {
      buffer.deallocate()
      buffer = .allocate(byteCount: count, alignment: 16)
    }
    var done = 0
    while done < count {
      let got = read(file, buffer.baseAddress! + done, count - done)
      if got < 0 && errno == EINTR { continue }
      if got < 0 { throw .system() }
      if got == 0 { break }
      done += got
    }
    return body(
      UnsafeBufferPointer(
        start: buffer.baseAddress!.assumingMemoryBound(to: UInt8.self), count: done))
  }

  private mutating func opened(_ path: String) throws(FileBytes.Failure) -> Int32 {
    // Not blocking: opening a pipe would wait for somebody to write into it.
    let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK
    var path = path
    let file = path.withUTF8 { name -> Int32 in
      guard let slash = name.lastIndex(of: UInt8(ascii: "/")), slash > 0, !name.contains(0) else {
        return String(decoding: name, as: UTF8.self).withCString { open($0, flags) }
      }
      enter(UnsafeBufferPointer(rebasing: name[..<slash]))
      // Strings end with a zero only when they are asked for it.
      return withUnsafeTemporaryAllocation(of: CChar.self, capacity: name.count + 1) { text in
        for (place, byte) in name.enumerated() { text[place] = CChar(bitPattern: byte) }
        text[name.count] = 0
        guard descriptor >= 0 else { return open(text.baseAddress!, flags) }
        return openat(descriptor, text.baseAddress! + slash + 1, flags)
      }
    }
    guard file >= 0 else { throw .system() }
    return file
  }

  private mutating func enter(_ name: UnsafeBufferPointer<UInt8>) {
    if name.count == folder.count, folder.elementsEqual(name) { return }
    if descriptor >= 0 { close(descriptor) }
    folder = Array(name)
    descriptor = String(decoding: name, as: UTF8.self).withCString {
      open($0, placeOnly | O_DIRECTORY | O_CLOEXEC)
    }
  }
}

/// Linux's `O_PATH`: the folder is only a place to look from, so it need not be readable.
private let placeOnly: Int32 = 0o10_000_000
