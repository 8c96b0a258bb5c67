/// Where a detector's anchor sizes come from.
public enum Anchors: Hashable, Sendable {
  /// From the training boxes, by `AnchorFit`: right for a new data set.
  case fit
  /// The published sizes, .2 to .961 of the input.
  case notes
  /// Written out, the finest level first.
  case levels([AnchorLevel])
}

extension [AnchorLevel] {
  /// The sizes that TinySSD is published with: five levels from .2 up; the second of a level is the geometric mean of its
  /// first and the next level's, √(.2 × .37) = .272.
  public static let tinySSD: [AnchorLevel] = [
    AnchorLevel(sizes: [0.2, 0.272]), AnchorLevel(sizes: [0.37, 0.447]),
    AnchorLevel(sizes: [0.54, 0.619]), AnchorLevel(sizes: [0.71, 0.79]),
    AnchorLevel(sizes: [0.88, 0.961]),
  ]
}

extension Anchors: CustomStringConvertible {
  /// `fit`, `notes`, or sizes as `.07/.1,.15/.19`: a comma between levels, a stroke between sizes.
  public var description: String {
    switch self {
    case .fit: "fit"
    case .notes: "notes"
    case .levels(let levels):
      levels.map { $0.sizes.map { "\($0)" }.joined(separator: "/") }.joined(separator: ",")
    }
  }

  /// Reads what `description` writes.
  ///
  /// - Throws: `AnchorError` for anything else, and for sizes that aren't positive.
  public init(_ text: String) throws(AnchorError) {
    switch text {
    case "fit": self = .fit
    case "notes": self = .notes
    default:
      var levels: [AnchorLevel] = []
      for level in text.split(separator: ",", omittingEmptySubsequences: false) {
        var sizes: [Float] = []
        for size in level.split(separator: "/", omittingEmptySubsequences: false) {
          guard let size = Float(size), size > 0, size <= 4 else {
            throw AnchorError(
              description:
                "anchors: expected 'fit', 'notes' or sizes such as .07/.1,.15/.19, got '\(text)'")
          }
          sizes.append(size)
        }
        levels.append(AnchorLevel(sizes: sizes))
      }
      self = .levels(levels)
    }
  }
}

/// Anchors that can't be read or made.
public struct AnchorError: Error, Hashable, CustomStringConvertible {
  public let description: String

  public init(description: String) { self.description = description }
}
