import Foundation

/// Folders by what they are on the disk, so that none is read twice: a link back into the set leads
/// nowhere new.
struct FolderVisits {
  private struct Identity: Hashable {
    var device: UInt
    var number: UInt
  }
  private var paths: [Identity: String] = [:]

  /// Visits a folder.
  ///
  /// - Returns: the path by which it was visited already, or `nil` if it is new.
  mutating func visit(_ path: String) -> String? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    let identity = Identity(device: UInt(status.st_dev), number: UInt(status.st_ino))
    if let known = paths[identity] { return known }
    paths[identity] = path
    return nil
  }

  /// Visits `path` and the folders between it and `root`, which is one of them.
  mutating func visit(_ path: String, upTo root: String) {
    var place = path
    while place != root && place != "." && place != "/" {
      _ = visit(place)
      place = PathName.folder(place)
    }
    _ = visit(root)
  }
}

/// What lies below a folder, in order of the paths.
struct FolderContent {
  /// Pictures that can be read, by their endings.
  var pictures: [String] = []
  /// Everything else.
  var others: [String] = []
}

extension LabelFolder {
  private func holds(_ place: String) -> Bool {
    root == "." ? !place.hasPrefix("/") : place.hasPrefix(root == "/" ? root : root + "/")
  }

  /// All that lies below a folder of the set, each real folder once. A link to a folder above or
  /// one that was read is left out, with a warning; so are pictures of a kind that is not read.
  ///
  /// - Parameter isFlat: whether to leave out what lies in folders below.
  mutating func content(of place: String, isFlat: Bool = false) -> FolderContent {
    var visits = FolderVisits()
    visits.visit(place, upTo: holds(place) ? root : place)
    var walk = FolderWalk(visits)
    walk.list(place, isDeep: !isFlat)
    for (path, visited) in walk.again {
      warn(path, "is the folder \(visited) again, by a link; left out")
    }
    for path in walk.tooDeep {
      warn(path, "lies more than \(FolderWalk.mostDepth) folders deep, left out")
    }
    var content = FolderContent()
    for entry in walk.files {
      if PathName.isPicture(entry.name) {
        content.pictures.append(entry.path)
        continue
      }
      content.others.append(entry.path)
      if PathName.isUnreadPicture(entry.name) {
        warn(
          entry.path,
          "is a picture of a kind that is not read (read: \(Picture.endingsInWords)), left out")
      }
    }
    return content
  }

  /// Names of the folders in one, each real folder once; links to the folder itself or to another
  /// one of it are left out, with a warning.
  mutating func folders(in place: String) -> [String] {
    var visits = FolderVisits()
    visits.visit(place, upTo: holds(place) ? root : place)
    var links: [String] = []
    var found: [String] = []
    for name in LabelFolder.names(place) where FileBytes.isFolder(place + "/" + name) {
      if FileBytes.isLink(place + "/" + name) { links.append(name) } else { found.append(name) }
    }
    for name in found { _ = visits.visit(place + "/" + name) }
    // What lies here goes before what a link names.
    for name in links {
      if let other = visits.visit(place + "/" + name) {
        warn(place + "/" + name, "is the folder \(other) again, by a link; left out")
      } else {
        found.append(name)
      }
    }
    return found.sorted()
  }
}
