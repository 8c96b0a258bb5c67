import Foundation

/// What lies in folders: one listing a folder, each real folder once, whatever links lead to it.
struct FolderWalk {
  struct Entry: Hashable {
    var folder: String
    var name: String
    var path: String { folder + "/" + name }
  }

  /// Files, not folders, in the order of names; a folder's files stand at its name's place. What is
  /// hidden is no data.
  private(set) var files: [Entry] = []
  /// Folders that a link leads to again, and the paths by which they were visited.
  private(set) var again: [(path: String, visited: String)] = []
  /// Folders that were not entered.
  private(set) var tooDeep: [String] = []
  /// Whether all was seen: somebody may name a whole disk.
  var isComplete: Bool { files.count < limit && tooDeep.isEmpty }
  private var visits: FolderVisits
  private let limit: Int

  /// Deeper folders are not entered.
  static let mostDepth = 200

  /// - Parameters:
  ///   - visits: folders that were visited before.
  ///   - limit: from so many files on no folder is entered.
  init(_ visits: FolderVisits = FolderVisits(), limit: Int = .max) {
    self.visits = visits
    self.limit = limit
  }

  /// Adds what lies in a folder, unless it was visited already, and with `isDeep` in those below
  /// it.
  mutating func add(_ folder: String, isDeep: Bool = true) {
    guard visits.visit(folder) == nil else { return }
    list(folder, isDeep: isDeep)
  }

  /// Adds what lies in a folder, whether or not it was visited.
  mutating func list(_ folder: String, isDeep: Bool, depth: Int = 0) {
    guard files.count < limit, let stream = opendir(folder) else { return }
    var found: [(name: String, isFolder: Bool)] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if PathName.isHidden(name) { continue }
      // The listing says what most entries are; the disk is asked about links.
      let isFolder =
        switch Int(entry.pointee.d_type) {
        case Int(DT_DIR): true
        case Int(DT_REG): false
        default: FileBytes.isFolder(folder + "/" + name)
        }
      found.append((name, isFolder))
    }
    closedir(stream)
    for (name, isFolder) in found.sorted(by: { $0.name < $1.name }) {
      let path = folder + "/" + name
      if !isFolder {
        files.append(Entry(folder: folder, name: name))
      } else if isDeep {
        if let visited = visits.visit(path) {
          again.append((path, visited))
        } else if depth >= FolderWalk.mostDepth {
          tooDeep.append(path)
        } else {
          list(path, isDeep: true, depth: depth + 1)
        }
      }
    }
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
