/// Where a detector's anchor sizes come from.
public enum Anchors: Hashable, Sendable {
  /// From the training boxes, by `AnchorFit`: right for a new data set.
  case fit
  /// Widths and heights from the training boxes, by `AnchorFit.priors`: for objects that are long
  /// in one direction.
  case fitShapes
  /// The published sizes, .2 to .961 of the input.
  case notes
  /// Written out, the finest level first.
  case levels([AnchorLevel])
}

extension [AnchorLevel] {
  /// The sizes that TinySSD is published with: five levels from .2 up; the second of a level is the
  /// geometric mean of its first and the next level's, √(.2 × .37) = .272.
  public static let tinySSD: [AnchorLevel] = [
    AnchorLevel(sizes: [0.2, 0.272]), AnchorLevel(sizes: [0.37, 0.447]),
    AnchorLevel(sizes: [0.54, 0.619]), AnchorLevel(sizes: [0.71, 0.79]),
    AnchorLevel(sizes: [0.88, 0.961]),
  ]
}

extension Anchors: CustomStringConvertible {
  /// `fit`, `fit-shapes`, `notes`, sizes as `.07/.1,.15/.19`, or shapes as `.07x.1/.1x.07,.2x.3`: a
  /// comma between levels, a stroke between the anchors of one, width x height.
  public var description: String {
    switch self {
    case .fit: "fit"
    case .fitShapes: "fit-shapes"
    case .notes: "notes"
    case .levels(let levels):
      levels.map { level in
        (level.shapes?.map { "\($0.width)x\($0.height)" } ?? level.sizes.map { "\($0)" })
          .joined(separator: "/")
      }.joined(separator: ",")
    }
  }

  /// Reads what `description` writes.
  ///
  /// - Throws: `AnchorError` for anything else, and for sizes that aren't positive.
  public init(_ text: String) throws(AnchorError) {
    switch text {
    case "fit": self = .fit
    case "fit-shapes": self = .fitShapes
    case "notes": self = .notes
    default:
      var levels: [AnchorLevel] = []
      for level in text.split(separator: ",", omittingEmptySubsequences: false) {
        guard let read = AnchorLevel(level) else {
          throw AnchorError(
            description:
              "anchors: expected 'fit', 'fit-shapes', 'notes', sizes such as .07/.1,.15/.19 or shapes such as "
              + ".07x.1/.1x.07,.2x.3/.3x.2, got '\(text)'")
        }
        levels.append(read)
      }
      self = .levels(levels)
    }
  }
}

extension AnchorLevel {
  /// Sizes, or widths and heights, with strokes between them; `nil` for anything else.
  fileprivate init?(_ text: Substring) {
    func side(_ text: Substring) -> Float? {
      Float(text).flatMap { $0 > 0 && $0 <= 4 ? $0 : nil }
    }
    let entries = text.split(separator: "/", omittingEmptySubsequences: false)
    if text.contains("x") {
      let shapes = entries.compactMap { entry -> AnchorShape? in
        let sides = entry.split(separator: "x", omittingEmptySubsequences: false)
        guard sides.count == 2, let width = side(sides[0]), let height = side(sides[1]) else {
          return nil
        }
        return AnchorShape(width: width, height: height)
      }
      guard shapes.count == entries.count else { return nil }
      self.init(shapes: shapes)
    } else {
      let sizes = entries.compactMap(side)
      guard sizes.count == entries.count else { return nil }
      self.init(sizes: sizes)
    }
  }
}

/// Anchors that can't be read or made.
public struct AnchorError: Error, Hashable, CustomStringConvertible {
  public let description: String

  public init(description: String) { self.description = description }
}
