import Foundation

/// What a conversion did, and what it could not carry over.
public struct ConversionReport: Codable, Sendable {
  public struct Loss: Codable, Hashable, Sendable {
    /// What was lost, in words: "difficult", "polygons", ...
    public var what: String
    /// How often.
    public var count: Int
  }

  public var format: DataFormat
  /// Pictures and objects written.
  public var pictures = 0
  public var objects = 0
  /// In the order of labels.
  public var classes: [String] = []
  public var lost: [Loss] = []

  mutating func lose(_ what: String, _ count: Int = 1) {
    guard count > 0 else { return }
    if let known = lost.firstIndex(where: { $0.what == what }) {
      lost[known].count += count
    } else {
      lost.append(Loss(what: what, count: count))
    }
  }
}

/// What happens to the pictures when labels are written elsewhere.
public enum PictureTransfer: String, CaseIterable, Codable, Sendable {
  case copy
  /// Symbolic links to where they are.
  case link
  /// Only labels are written.
  case none
}

extension LabelSet {
  /// Writes the labels, and the pictures, into a folder that is new or empty.
  ///
  /// What is written is read back as the same objects, classes, order of classes and splits (train,
  /// val and test under these names), or nothing stays written.
  ///
  /// - Returns: what was written and what the format has no place for.
  /// - Throws: `DatasetError` when the folder holds something, the format would have names or
  ///   splits read back otherwise, a picture cannot be read, or a size is needed and not known.
  @discardableResult
  public func write(
    to folder: String, as format: DataFormat, pictures transfer: PictureTransfer = .copy
  ) throws -> ConversionReport {
    let folder = PathName.trimmed(folder)
    let isThere = FileBytes.exists(folder)
    if isThere, !FileBytes.isFolder(folder) || (try? FileBytes.list(folder)) != [] {
      throw LabelFolder.failure(folder, "is there already; labels are written into a new folder")
    }
    var set = self
    for i in set.pictures.indices {
      set.pictures[i].split = set.pictures[i].split.map(SplitName.canonical)
    }
    let refusals = NameStorage.problems(set, format) + SplitStorage.problems(set, format)
    guard refusals.isEmpty else {
      throw DatasetError.problems(
        refusals.map {
          DataProblem(.error, file: folder, "is not written as \(format.title): \($0)")
        })
    }
    set.findSizes(for: format)
    var writer = LabelWriter(set, folder, format, transfer)
    do {
      try writer.write()
      if let difference = writer.difference() {
        throw LabelFolder.failure(
          folder,
          "is not written as \(format.title): it would not be read back as it is: \(difference)")
      }
    } catch {
      for name in (try? FileBytes.list(folder)) ?? [] {
        try? FileManager.default.removeItem(atPath: folder + "/" + name)
      }
      if !isThere { try? FileManager.default.removeItem(atPath: folder) }
      throw error
    }
    return writer.report
  }
}

extension LabelSet {
  /// Asks the pictures' files for sizes that the labels don't state, where a format
  /// can't do without.
  mutating func findSizes(for target: DataFormat) {
    let isNeeded =
      switch target {
      case .voc, .labelImgVOC, .vocSegmentation, .coco, .yolo, .labelImgYOLO: true
      default: false
      }
    for i in pictures.indices where pictures[i].size == nil {
      let isInFractions = hasFractions(pictures[i])
      guard isNeeded || isInFractions, !pictures[i].path.isEmpty,
        let size = (try? Picture.header(ofFile: pictures[i].path))?.size
      else { continue }
      pictures[i].size = size
      guard isInFractions else { continue }
      for k in pictures[i].objects.indices {
        pictures[i].objects[k] = pictures[i].objects[k]
          .scaled(x: Double(size.width), y: Double(size.height))
      }
    }
  }
}

/// Writes one set in one format.
struct LabelWriter {
  let set: LabelSet
  let root: String
  let format: DataFormat
  let transfer: PictureTransfer
  var report: ConversionReport
  var written = WrittenLabels()
  private var folders: Swift.Set<String> = []
  private var taken: Swift.Set<String> = []

  init(_ set: LabelSet, _ root: String, _ format: DataFormat, _ transfer: PictureTransfer) {
    self.set = set
    self.root = root
    self.format = format
    self.transfer = transfer
    report = ConversionReport(format: format)
    report.classes = set.classNames
  }

  mutating func write() throws {
    let used = set.features
    for feature in DataFormat.Feature.allCases where !format.features.contains(feature) {
      // YOLO keeps masks as outlines, and says so where it writes them.
      if feature == .masks && format == .yolo { continue }
      // An outline that becomes its box is told by its own name.
      report.lose(feature.rawValue, used[feature] ?? 0)
    }
    try makeFolder(root)
    switch format {
    case .voc: try writeVOC()
    case .labelImgVOC: try writeBeside()
    case .vocSegmentation: try writeSegmentation()
    case .coco: try writeCOCO()
    case .yolo: try writeYOLO()
    case .labelImgYOLO: try writeBeside()
    case .createML: try writeCreateML()
    case .csv, .banana: try writeCSV()
    case .folders: try writeFolders()
    case .idx: try writeIDX()
    case .culane: try writeCULane()
    case .tusimple: try writeTuSimple()
    }
  }

  /// What a reader would make of it that is not what was written; `nil` if nothing, or where
  /// pictures that are not there would have to be found.
  func difference() -> String? {
    let isWhole = set.archive != nil || set.pictures.allSatisfy { !$0.path.isEmpty }
    guard transfer != .none, isWhole, !written.pictures.isEmpty,
      !report.lost.contains(where: { $0.what == Self.missing })
    else { return nil }
    do {
      let back = try LabelSet(path: root, LabelReading(pictures: .unread))
      return written.difference(
        back, classes: format == .culane || format == .tusimple ? nil : set.classNames)
    } catch {
      return "\(error)"
    }
  }

  // MARK: Files

  mutating func makeFolder(_ path: String) throws {
    guard folders.insert(path).inserted else { return }
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw LabelFolder.failure(path, "cannot be made: \(error.localizedDescription)")
    }
  }

  mutating func save(_ bytes: [UInt8], _ name: String) throws {
    let path = root + "/" + name
    try makeFolder(PathName.folder(path))
    do {
      try FileBytes.put(bytes, to: path)
    } catch {
      throw LabelFolder.failure(path, error.reason)
    }
  }

  mutating func saveClasses(_ name: String = "classes.txt") throws {
    guard !set.classes.isEmpty else { return }
    try save(Array((set.classNames.joined(separator: "\n") + "\n").utf8), name)
  }

  /// A name that no picture of the folder has yet: the picture's own, or with a number.
  mutating func freeName(_ index: Int, in folder: String) -> (stem: String, ending: String) {
    if format == .labelImgYOLO {
      // Its labels would be the names of the classes.
      for file in YOLOFormat.classFiles { taken.insert(folder + "/" + PathName.stem(file)) }
    }
    let picture = set.pictures[index]
    let isArchived = set.archive != nil
    let ending = isArchived ? "png" : Self.ending(picture)
    let own = isArchived ? picture.file : picture.name
    var (stem, number) = (own.isEmpty ? "picture" : own, 2)
    while !taken.insert(folder + "/" + stem).inserted {
      stem = "\(own)-\(number)"
      number += 1
    }
    return (stem, ending)
  }

  private static let missing = "pictures that are missing"

  private static func ending(_ picture: LabeledPicture) -> String {
    let path = picture.path.isEmpty ? picture.file : picture.path
    let name = PathName.last(path)
    let stem = PathName.stem(name)
    return stem == name ? "jpg" : String(name.dropFirst(stem.count + 1))
  }

  /// Brings a picture to where the labels expect it.
  mutating func transferPicture(_ index: Int, to name: String) throws {
    guard transfer != .none else { return }
    let picture = set.pictures[index]
    if set.archive != nil {
      let encoded = try set.picture(at: index).encoded(as: .png())
      return try save(encoded, name)
    }
    guard !picture.path.isEmpty else {
      report.lose(Self.missing)
      return
    }
    let target = root + "/" + name
    try makeFolder(PathName.folder(target))
    do {
      switch transfer {
      case .copy: try FileManager.default.copyItem(atPath: picture.path, toPath: target)
      case .link:
        let path = URL(fileURLWithPath: picture.path).standardizedFileURL.path
        try FileManager.default.createSymbolicLink(atPath: target, withDestinationPath: path)
      case .none: break
      }
    } catch {
      report.lose(Self.missing)
    }
  }

  func size(_ picture: LabeledPicture) throws -> PictureSize {
    guard let size = picture.size else {
      throw LabelFolder.failure(
        picture.path.isEmpty ? picture.file : picture.path,
        "has no known size, which \(format.title) needs: the labels state none, and the picture is not "
          + "there or cannot be read")
    }
    return size
  }

  /// Objects that are boxes or can be told by one, with a class that is known.
  mutating func boxes(_ index: Int, as name: String) -> [LabeledObject] {
    let picture = set.pictures[index]
    let kept = picture.objects.filter { object in
      if case .line = object.shape { return false }
      return set.classes.indices.contains(object.label) && object.box.isFinite
    }
    let lines = picture.objects.count { if case .line = $0.shape { true } else { false } }
    report.lose(
      "objects without a known class or box", picture.objects.count - kept.count - lines)
    report.pictures += 1
    report.objects += kept.count
    written.add(picture.split, name, kept.map(\.label))
    return kept
  }

  /// Indices of pictures by split, in order of appearance; pictures outside of all splits
  /// come under `nil`.
  var bySplit: [(split: String?, pictures: [Int])] {
    var order: [String?] = []
    var groups: [String?: [Int]] = [:]
    for (index, picture) in set.pictures.enumerated() {
      if groups[picture.split] == nil { order.append(picture.split) }
      groups[picture.split, default: []].append(index)
    }
    return order.map { ($0, groups[$0]!) }
  }
}

extension FileBytes {
  /// Writes a file of a set that is being made: there is no old one to keep, and flushing each of a
  /// hundred thousand would take an hour.
  static func put(_ bytes: [UInt8], to path: String) throws(Failure) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .system() }
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes {
        Foundation.write(descriptor, $0.baseAddress! + done, bytes.count - done)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        close(descriptor)
        throw .system()
      }
      done += count
    }
    guard close(descriptor) == 0 else { throw .system() }
  }
}
