import Foundation

/// Data sets that come with the package; each lies in a folder with its README (source,
/// licence, counts).
public enum EmbeddedData: String, CaseIterable, Sendable {
  /// Blood cells, Pascal VOC boxes: 364 pictures.
  case bloodCells = "bccd"
  /// Clothes, 28x28, gray, one class per image: 1,000 training and 900 test images.
  case fashionMNIST = "fashion-mnist"
  /// Playing cards of six ranks, cropped from photographs, one class per image: 262 training
  /// and 143 test images.
  case cards

  /// Below the package's resources.
  private var folderName: String {
    switch self {
    case .bloodCells: "bccd"
    case .fashionMNIST: "fashion-mnist-small"
    case .cards: "pinochle-cards-crops"
    }
  }

  /// In words, for people.
  public var title: String {
    switch self {
    case .bloodCells: "embedded blood cells"
    case .fashionMNIST: "embedded Fashion-MNIST"
    case .cards: "embedded playing cards"
    }
  }

  /// Where it lies.
  ///
  /// - Throws: `DatasetError` when the files are not where the program was built or installed to.
  public func folder() throws -> String { try EmbeddedData.folder(folderName) }

  /// The set that a word names; a file or folder of that name in the working folder goes first.
  public static func named(_ data: String) -> EmbeddedData? {
    FileBytes.exists(data) ? nil : EmbeddedData(rawValue: data)
  }

  /// A path as it is, or the folder of the embedded set that it names.
  public static func path(_ data: String) throws -> String {
    try named(data)?.folder() ?? data
  }

  /// Where one lies: in the package's resources beside the program or library that holds this code.
  private static func folder(_ name: String) throws -> String {
    let bundle = "Saker_SakerData.resources/\(name)"
    var folders: [String] = []
    // The generated `Bundle.module` would end the program when the files are missing, and knows the
    // building machine's paths.
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

  /// The program or library that this code was loaded from, which under a test runner is not
  /// the running program.
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
