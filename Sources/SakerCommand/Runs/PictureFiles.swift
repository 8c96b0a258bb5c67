import Foundation
import Saker

/// Pictures by name, and those in folders in order of their names; what else is in the folders
/// is accounted for.
struct PictureFiles {
  private(set) var files: [String] = []
  /// Everything in the folders that isn't read, but for hidden files.
  private(set) var leftOut: [(file: String, reason: String)] = []
  /// A line for each folder of which something was left out.
  private(set) var summary: [String] = []

  /// - Throws: `PictureError` for a path that doesn't exist, and for a folder without pictures.
  init(_ paths: [String]) throws {
    for path in paths {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
        throw PictureError(file: path, reason: "does not exist")
      }
      if isFolder.boolValue { try list(path) } else { files.append(path) }
    }
  }

  private mutating func list(_ folder: String) throws {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      throw PictureError(file: folder, reason: "cannot be read: \(error.localizedDescription)")
    }
    var (unread, others, folders): ([String], [String], [String]) = ([], [], [])
    let before = files.count
    for name in names.sorted() where !name.hasPrefix(".") {
      let path = folder + "/" + name
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      if isFolder.boolValue {
        folders.append(name)
        leftOut.append((path, "is a folder"))
      } else if Picture.isNamed(name) {
        files.append(path)
      } else if Picture.isNamedUnread(name) {
        unread.append(name)
        leftOut.append((path, "is a picture in a format that is not read"))
      } else {
        others.append(name)
        leftOut.append((path, "is no picture by its name"))
      }
    }
    let parts = [
      PictureFiles.part(
        unread, "picture in a format that is not read", "pictures in formats that are not read"),
      PictureFiles.part(
        others, "file that is no picture by its name", "files that are no pictures by their names"),
      PictureFiles.part(folders, "folder", "folders"),
    ].compactMap(\.self).joined(separator: "; ")
    guard files.count > before else {
      throw PictureError(
        file: folder,
        reason: "is a folder without pictures (\(Picture.endingsInWords))"
          + (parts.isEmpty ? "" : "; it holds \(parts)"))
    }
    if !parts.isEmpty { summary.append("\(folder): left out \(parts)") }
  }

  private static func part(_ names: [String], _ one: String, _ many: String) -> String? {
    guard !names.isEmpty else { return nil }
    let more = names.count > 5 ? ", … \(names.count - 5) more" : ""
    return "\(names.count) \(names.count == 1 ? one : many) "
      + "(\(names.prefix(5).joined(separator: ", "))\(more))"
  }

  /// A picture, and what isn't read of its file, which is told on standard error, too.
  static func read(_ file: String) throws -> (Picture, warnings: [String]?) {
    let (picture, notes) = try Picture.read(file)
    for line in notes { note("Warning: \(file): \(line)") }
    return (picture, notes.isEmpty ? nil : notes)
  }
}

/// Warnings of letters that no font has, from now on: each is told with the picture
/// that needed it first.
struct LetterWarnings {
  private let before = MissingLetters.warnings.count

  /// `nil` if there are none of either kind.
  func added(to warnings: [String]?) -> [String]? {
    let all = (warnings ?? []) + MissingLetters.warnings.dropFirst(before)
    return all.isEmpty ? nil : all
  }
}

/// What became of a picture that was given: every one of them has its entry in `--json`.
enum PictureEntry<Found: Encodable>: Encodable {
  case found(Found)
  /// The file, and why it could not be done.
  case failed(String, String)
  /// The file, and why it wasn't tried.
  case leftOut(String, String)

  private enum Key: String, CodingKey {
    case file, error
    case leftOut = "left_out"
  }

  func encode(to encoder: any Encoder) throws {
    switch self {
    case .found(let found): try found.encode(to: encoder)
    case .failed(let file, let reason):
      var entry = encoder.container(keyedBy: Key.self)
      try entry.encode(file, forKey: .file)
      try entry.encode(reason, forKey: .error)
    case .leftOut(let file, let reason):
      var entry = encoder.container(keyedBy: Key.self)
      try entry.encode(file, forKey: .file)
      try entry.encode(reason, forKey: .leftOut)
    }
  }
}
