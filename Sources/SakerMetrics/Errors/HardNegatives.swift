import Foundation
import SakerData

/// Detections of nothing, cut out of their pictures: background for a detector to learn, the cure
/// for false alarms.
public struct HardNegatives: Sendable {
  /// A piece of a picture without any object.
  public struct Piece: Hashable, Sendable {
    /// Index of the picture among the results.
    public var picture: Int
    /// Whole pixels, `left + width` and `top + height` inside the picture.
    public var left, top, width, height: Int
    public var score: Float

    public init(picture: Int, left: Int, top: Int, width: Int, height: Int, score: Float) {
      (self.picture, self.left, self.top) = (picture, left, top)
      (self.width, self.height, self.score) = (width, height, score)
    }
  }

  /// By descending score.
  public private(set) var pieces: [Piece] = []
  /// Detections with a truth so near that no piece could hold them whole.
  public private(set) var tooNear = 0

  /// - Parameters:
  ///   - sizes: of the pictures, in the order of the results.
  ///   - confidence: from which a detection of nothing counts.
  ///   - context: of a detection's width and height, what the piece has on each side where no
  ///     truth, difficult ones included, is in the way.
  public init(
    _ errors: DetectionErrors, _ results: [PictureResult], sizes: [PictureSize],
    confidence: Double = 0.25, context: Float = 1
  ) {
    precondition(results.count == sizes.count, "\(results.count) results, \(sizes.count) sizes")
    for one in errors.hardNegatives(confidence: confidence) {
      let truths = results[one.picture].truths.map(\.box)
      let steps = [context, context / 2, context / 4, 0]
      let piece = steps.lazy.compactMap {
        Self.piece(one, sizes[one.picture], share: $0, avoiding: truths)
      }.first
      if let piece { pieces.append(piece) } else { tooNear += 1 }
    }
  }

  private static func piece(
    _ one: DetectionErrors.Case, _ size: PictureSize, share: Float, avoiding truths: [Box]
  ) -> Piece? {
    let (x, y) = (share * one.box.width, share * one.box.height)
    let wide = Box(
      left: one.box.left - x, top: one.box.top - y, right: one.box.right + x,
      bottom: one.box.bottom + y
    ).clipped(width: Float(size.width), height: Float(size.height))
    guard wide.width >= 1, wide.height >= 1 else { return nil }
    let hits = truths.contains {
      min($0.right, wide.right) > max($0.left, wide.left)
        && min($0.bottom, wide.bottom) > max($0.top, wide.top)
    }
    guard !hits else { return nil }
    let (left, top) = (Int(wide.left), Int(wide.top))
    return Piece(
      picture: one.picture, left: left, top: top,
      width: max(min(Int(wide.right.rounded(.up)), size.width) - left, 1),
      height: max(min(Int(wide.bottom.rounded(.up)), size.height) - top, 1),
      score: one.score ?? 0)
  }

  /// Writes the pieces as a Pascal VOC data set without objects, whose files can be copied among
  /// the training data.
  ///
  /// - Parameters:
  ///   - pictures: paths, in the order of the results.
  ///   - folder: new or empty.
  /// - Returns: how many pieces were written.
  /// - Throws: `DatasetError` or `PictureError` naming the file.
  @discardableResult
  public func write(pictures: [String], to folder: String) throws -> Int {
    var set = LabelSet()
    var numbers: [Int: Int] = [:]
    for piece in pieces {
      let stem = URL(fileURLWithPath: pictures[piece.picture]).deletingPathExtension()
        .lastPathComponent
      let number = numbers[piece.picture, default: 0] + 1
      numbers[piece.picture] = number
      set.pictures.append(
        LabeledPicture(
          file: "\(stem)-background\(number).png", path: "",
          size: PictureSize(width: piece.width, height: piece.height)))
    }
    try set.write(to: folder, as: .voc, pictures: .none)
    try FileManager.default.createDirectory(
      atPath: folder + "/JPEGImages", withIntermediateDirectories: true)
    let cuts = zip(pieces, set.pictures).map { piece, labelled in
      PicturePiece(
        pictures[piece.picture], left: piece.left, top: piece.top, width: piece.width,
        height: piece.height, file: "\(folder)/JPEGImages/\(labelled.file)")
    }
    if let unread = try PicturePiece.write(cuts).first { throw unread }
    return pieces.count
  }
}
