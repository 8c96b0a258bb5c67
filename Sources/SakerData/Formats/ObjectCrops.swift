import Foundation

/// Every object of a detection set as a picture of its own: data to train classifiers
/// on, made of boxes.
///
/// Splits stay, so that no picture has objects on both sides. Left out, and counted: difficult
/// objects, crowds, boxes without area, boxes below the smallest side, and where the set has
/// splits, pictures in none of them.
public struct ObjectCrops: Sendable {
  /// What is cut, and how it is written.
  public struct Options: Sendable {
    /// Of a box's width and height, what the piece has more on each side; cut at the
    /// picture's border.
    public var margin = 0.05
    /// Whether the shorter side grows to the longer by what lies around. At a border the piece is
    /// moved inwards; where the picture is too small for it, the rest is gray (114).
    public var isSquare = false
    /// Pixels of a piece's longer side at most: larger ones shrink, with their proportions.
    public var side: Int?
    /// Boxes with a shorter side below this are left out, in pixels.
    public var smallestSide = 8.0
    public var encoding = Picture.Encoding.jpeg(quality: 92)

    public init() {}
  }

  /// What was written.
  public struct Report: Codable, Sendable {
    /// Pictures that pieces were cut from.
    public var pictures = 0
    public var crops = 0
    /// In the order of labels.
    public var classes: [String]
    /// Pieces of each class by split; the split of data without splits is called `all`.
    public var splits: [String: [String: Int]] = [:]
    /// Why objects or pictures were left out, and how many.
    public var leftOut: [ConversionReport.Loss]
  }

  struct Crop: Hashable {
    var split: String?
    var label: Int
    var piece: PicturePiece
  }

  /// Files of pieces are names inside the folder to be written.
  private(set) var crops: [Crop] = []
  private(set) var leftOut: [ConversionReport.Loss] = []
  let classes: [LabelClass]
  private let folderNames: [String]
  private let options: Options

  /// Plans the pieces; nothing is decoded.
  ///
  /// - Parameter labels: without errors, or after `removeBad`.
  /// - Throws: `DatasetError` for data without boxes, and for classes whose names are the
  ///   same as folders'.
  public init(_ labels: LabelSet, _ options: Options = Options()) throws {
    precondition(options.margin >= 0 && options.margin.isFinite, "a margin is 0 or more")
    precondition(options.side ?? 1 > 0, "a side is 1 or more")
    (classes, self.options) = (labels.classes, options)
    folderNames = labels.classNames.map(LabelWriter.folderName)
    let place = labels.pictures.first.map { $0.source.isEmpty ? $0.path : $0.source } ?? "the data"
    if let format = labels.format, !format.isDetection {
      throw LabelFolder.failure(place, "is of \(format.title), which has no boxes to cut out")
    }
    for (index, name) in folderNames.enumerated() {
      if let first = folderNames.firstIndex(of: name), first < index {
        throw LabelFolder.failure(
          place,
          "the classes \(ByteText.shown(classes[first].name)) and \(ByteText.shown(classes[index].name)) would share the folder \(name)"
        )
      }
    }
    var report = ConversionReport(format: .folders)
    let hasSplits = !labels.splits.isEmpty
    var taken: Set<String> = []
    for picture in labels.pictures {
      guard picture.split != nil || !hasSplits else {
        report.lose("pictures in no split")
        continue
      }
      guard let size = picture.size, !picture.path.isEmpty else {
        report.lose("pictures that are missing")
        continue
      }
      // Stems are made unique in a split; an object's number has no dash, so names of pieces are,
      // too.
      let folder = picture.split.map { $0 + "/" } ?? ""
      var (stem, number) = (picture.name, 2)
      while !taken.insert(folder + stem).inserted {
        stem = "\(picture.name)-\(number)"
        number += 1
      }
      for (index, object) in picture.objects.enumerated() {
        if let reason = reason(object, size, labels) {
          report.lose(reason)
          continue
        }
        let ending = if case .png = options.encoding { "png" } else { "jpg" }
        let file = "\(folder)\(folderNames[object.label])/\(stem)-\(index + 1).\(ending)"
        let piece = ObjectCrops.piece(object.box, size, options, of: picture.path, file)
        crops.append(Crop(split: picture.split, label: object.label, piece: piece))
      }
    }
    leftOut = report.lost
    guard !crops.isEmpty else {
      let told = leftOut.map { "\($0.count) \($0.what)" }.joined(separator: ", ")
      throw LabelFolder.failure(
        place, "holds no objects to cut out" + (told.isEmpty ? "" : "; left out: \(told)"))
    }
  }

  /// Why an object is not cut out.
  private func reason(
    _ object: LabeledObject, _ size: PictureSize, _ labels: LabelSet
  ) -> String? {
    if case .line = object.shape { return "lines" }
    guard classes.indices.contains(object.label), object.box.isFinite else {
      return "objects without a known class or box"
    }
    if object.flags.contains(.difficult) { return "difficult objects" }
    if object.flags.contains(.crowd) { return "crowds" }
    if labels.hasNoArea(object) { return "boxes without area" }
    let width = min(object.box.right, Double(size.width)) - max(object.box.left, 0)
    let height = min(object.box.bottom, Double(size.height)) - max(object.box.top, 0)
    if width <= 0 || height <= 0 { return "boxes outside their picture" }
    let least = options.smallestSide
    return min(width, height) < least ? "boxes with a side below \(least.formatted()) pixels" : nil
  }

  /// The whole pixels that a box with its margin touches.
  private static func piece(
    _ box: LabelBox, _ size: PictureSize, _ options: Options, of picture: String, _ file: String
  ) -> PicturePiece {
    let (x, y) = (options.margin * box.width, options.margin * box.height)
    // Fractions of formats that count in shares of a picture come back a hair beside the
    // pixel they meant.
    let hair = 1e-3
    func range(_ low: Double, _ high: Double, _ limit: Int) -> Range<Int> {
      let first = min(max(Int((low + hair).rounded(.down)), 0), limit - 1)
      return first..<max(first + 1, min(Int((high - hair).rounded(.up)), limit))
    }
    var columns = range(box.left - x, box.right + x, size.width)
    var rows = range(box.top - y, box.bottom + y, size.height)
    if options.isSquare {
      // Of the box as it would be without the border: objects of one size stay so.
      let side = max(
        max(columns.count, rows.count),
        Int((max(box.width + 2 * x, box.height + 2 * y) - hair).rounded(.up)))
      columns = centered(box.left + box.width / 2, side, size.width)
      rows = centered(box.top + box.height / 2, side, size.height)
    }
    return PicturePiece(
      picture, left: columns.lowerBound, top: rows.lowerBound, width: columns.count,
      height: rows.count, file: file)
  }

  /// So many pixels around a place: moved inwards at a border, around the picture
  /// where it is too small.
  private static func centered(_ center: Double, _ side: Int, _ limit: Int) -> Range<Int> {
    if side >= limit {
      let first = (limit - side) / 2
      return first..<first + side
    }
    let first = min(max(Int((center - Double(side) / 2).rounded()), 0), limit - side)
    return first..<first + side
  }

  /// Writes the pieces as a folder a class, below a folder a split: `train/cat/NAME-3.jpg` is the
  /// third object of NAME.
  ///
  /// - Parameters:
  ///   - folder: new or empty.
  ///   - skipBad: whether pictures that cannot be decoded are left out.
  /// - Throws: `DatasetError` when the folder holds something, `PictureError` naming the file. What
  ///   was written is removed.
  public func write(to folder: String, skipBad: Bool = false) throws -> Report {
    let folder = PathName.trimmed(folder)
    var set = LabelSet(classes: classes)
    set.pictures = crops.map {
      LabeledPicture(file: $0.piece.file, path: "", split: $0.split, label: $0.label)
    }
    try set.write(to: folder, as: .folders, pictures: .none)
    let unread: [PictureError]
    do {
      let pieces = crops.map { crop in
        var piece = crop.piece
        piece.file = folder + "/" + piece.file
        return piece
      }
      unread = try PicturePiece.write(pieces, side: options.side, as: options.encoding)
      if let first = unread.first, !skipBad {
        throw DatasetError.problems(
          unread.count == 1
            ? [DataProblem(.error, file: first.file, first.reason)]
            : unread.map { DataProblem(.error, file: $0.file, $0.reason) })
      }
    } catch {
      try? FileManager.default.removeItem(atPath: folder)
      throw error
    }
    var report = Report(classes: classes.map(\.name), leftOut: leftOut)
    let missing = Set(unread.map(\.file))
    if !missing.isEmpty {
      report.leftOut.append(.init(what: "pictures that cannot be read", count: missing.count))
    }
    let written = crops.filter { !missing.contains($0.piece.picture) }
    report.crops = written.count
    report.pictures = Set(written.map(\.piece.picture)).count
    for crop in written {
      report.splits[crop.split ?? "all", default: [:]][classes[crop.label].name, default: 0] += 1
    }
    return report
  }
}
