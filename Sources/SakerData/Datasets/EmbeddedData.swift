import Foundation

/// Data sets that come with the package.
enum EmbeddedData {
  /// Where one lies: in the package's resources beside the program or library that holds this code.
  static func folder(_ name: String) throws -> String {
    let bundle = "Saker_SakerData.resources/\(name)"
    var folders: [String] = []
    // The generated `Bundle.module` would end the program when the files are missing, and knows the building machine's paths.
    if let image = imagePath() {
      folders.append(URL(fileURLWithPath: image).deletingLastPathComponent().path)
    }
    if let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
      folders.append(URL(fileURLWithPath: program).deletingLastPathComponent().path)
    }
    folders.append(Bundle.main.bundleURL.path)
    for folder in folders {
      for place in ["\(folder)/\(bundle)", "\(folder)/../share/saker/\(bundle)"]
      where FileBytes.isFolder(place) { return place }
    }
    throw DatasetError.problems([
      DataProblem(
        .error, file: bundle,
        "the embedded data are not beside the program (\(folders.last ?? "")); "
          + "copy Saker_SakerData.resources there, or name a folder of your own")
    ])
  }

  /// The program or library that this code was loaded from, which under a test runner is not the running program.
  private static func imagePath() -> String? {
    guard let maps = try? FileBytes.Handle("/proc/self/maps").read(at: 0, count: 1 << 20) else {
      return nil
    }
    let here = UInt(bitPattern: #dsohandle)
    for row in String(decoding: maps, as: UTF8.self).split(separator: "\n") {
      // start-end permissions offset device inode path
      let fields = row.split(separator: " ", maxSplits: 5)
      let ends = fields.first?.split(separator: "-").compactMap { UInt($0, radix: 16) } ?? []
      if fields.count == 6, ends.count == 2, ends[0] <= here && here < ends[1] {
        return String(fields[5].drop { $0 == " " })
      }
    }
    return nil
  }
}
