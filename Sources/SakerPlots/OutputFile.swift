import Foundation

/// Writes a whole file or nothing: a temporary name in the same directory, flushed, then renamed.
/// What is no regular file (a pipe, a device) is written directly. Throws `PlotError` naming
/// `path`.
func writeAtomically(_ bytes: [UInt8], to path: String) throws {
  var status = stat()
  let special = stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG
  // A link stays a link: the file it points to is replaced.
  let target = special ? path : resolved(path)
  let name = special ? target : "\(target).\(UInt32.random(in: 0 ... .max)).tmp"
  let flags = special ? O_WRONLY : O_WRONLY | O_CREAT | O_EXCL
  let file = open(name, flags | O_CLOEXEC, 0o666)
  guard file >= 0 else { throw cannotWrite(path) }

  var problem: PlotError?
  bytes.withUnsafeBytes { buffer in
    var rest = buffer[...]
    while !rest.isEmpty, problem == nil {
      let written = write(file, rest.base, rest.count)
      if written >= 0 {
        rest = rest.dropFirst(written)
      } else if errno != EINTR {
        problem = cannotWrite(path)
      }
    }
  }
  if problem == nil, !special, fsync(file) != 0 { problem = cannotWrite(path) }
  if close(file) != 0, problem == nil { problem = cannotWrite(path) }
  if problem == nil, !special, rename(name, target) != 0 { problem = cannotWrite(path) }
  if let problem {
    if !special { unlink(name) }
    throw problem
  }
}

private func resolved(_ path: String) -> String {
  guard let real = realpath(path, nil) else { return path }
  defer { free(real) }
  return String(cString: real)
}

private func cannotWrite(_ path: String) -> PlotError {
  PlotError(file: path, "cannot be written: \(String(cString: strerror(errno)))")
}

extension Slice where Base == UnsafeRawBufferPointer {
  fileprivate var base: UnsafeRawPointer? { UnsafeRawBufferPointer(rebasing: self).baseAddress }
}
