import Foundation

/// What lies in folders: one listing a folder, each real folder once, whatever links lead to it.
struct FolderWalk {
  struct Entry: Hashable {
    var folder: String
    var name: String
    var path: String { folder + "/" + name }
  }

  /// Files, not folders; sorted inside each folder. What is hidden is no data.
  private(set) var files: [Entry] = []
  /// Whether all was seen: somebody may name a whole disk.
  private(set) var isComplete = true
  private var seen: Set<[UInt64]> = []

  static let limit = 2_000_000

  /// Adds what lies in a folder and, with `deep`, in those below it.
  mutating func add(_ folder: String, deep: Bool = true) {
    guard files.count < FolderWalk.limit else {
      isComplete = false
      return
    }
    var status = stat()
    guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
      seen.insert([UInt64(status.st_dev), UInt64(status.st_ino)]).inserted,
      let stream = opendir(folder)
    else { return }
    var (names, folders): ([String], [String]) = ([], [])
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if PathName.isHidden(name) { continue }
      switch Int(entry.pointee.d_type) {
      case Int(DT_DIR): folders.append(name)
      case Int(DT_REG): names.append(name)
      default:
        if FileBytes.isFolder(folder + "/" + name) {
          folders.append(name)
        } else {
          names.append(name)
        }
      }
    }
    closedir(stream)
    files += names.sorted().map { Entry(folder: folder, name: $0) }
    guard deep else { return }
    for name in folders.sorted() { add(folder + "/" + name) }
  }
}

/// Paths that can be compared: their folders without links and dots, asked for once each.
struct RealPaths {
  private var known: [String: String] = [:]

  mutating func callAsFunction(folder: String) -> String {
    if let real = known[folder] { return real }
    let found = realpath(folder, nil)
    defer { free(found) }
    let real = found.map { String(cString: $0) } ?? PathName.normalized(folder)
    known[folder] = real
    return real
  }

  mutating func callAsFunction(_ path: String) -> String {
    self(folder: PathName.folder(path)) + "/" + PathName.last(path)
  }
}
