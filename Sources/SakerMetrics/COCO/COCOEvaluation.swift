import SakerData
import SakerTensor

/// COCO's evaluation of boxes or masks (cocodataset.org, "Detection evaluation"), number for number
/// that of pycocotools 2.0.11.
///
/// Per picture and category the 100 detections of highest score, equal ones in file order, each
/// take the truth with which their IoU is highest and at least the threshold, if none before took
/// it; crowds are never taken. Truths that are crowds or outside the area's range are ignored, and
/// so are the detections that lie on them, and those outside the range that lie on nothing. Average
/// precision is the mean of the envelope's precision at the recalls 0, 0.01, ... 1, over ten IoU
/// thresholds 0.5, 0.55, ... 0.95.
///
/// Kept as they are in pycocotools: both ends of an area's range are inside (an object of 1024
/// pixels is small and medium); a detection on a truth whose id is 0 counts as one on nothing; with
/// boxes and masks in the same results, the box's area says whether a detection is small.
public struct COCOEvaluation: Sendable {
  /// What is compared.
  public enum Kind: String, Codable, Sendable, CaseIterable {
    case boxes = "bbox"
    case masks = "segm"
  }

  public let kind: Kind
  /// AP, AP50, AP75, AP of small, medium and large objects; then the average recall with 1, 10 and
  /// 100 detections a picture, and of small, medium and large objects. Each 0...1, or -1 without
  /// truths.
  public let stats: [Double]
  /// By ascending id.
  public let categories: [Category]
  /// Pictures of the ground truth.
  public let pictures: Int
  /// What was left out, as in pycocotools, because the ground truth doesn't list its picture or
  /// category.
  public let strayTruths, strayDetections: Int
  /// Whether a truth has the id 0, which never counts as found.
  public let hasZeroID: Bool

  /// One category's share.
  public struct Category: Sendable {
    public let id: Int
    public let name: String
    /// Truths that count (no crowds), and detections among their picture's 100 best.
    public let truths, detections: Int
    /// As `COCOEvaluation.stats`, of this category alone.
    public let stats: [Double]
    /// Precision at the 101 recalls, for each of the ten thresholds; empty without truths.
    public let precision: [[Double]]
  }

  /// 0.5, 0.55, ... 0.95, as NumPy's linspace computes them (the ninth is a little below 0.9).
  public static let thresholds: [Double] = (0..<10).map { 0.5 + Double($0) * ((0.95 - 0.5) / 9) }
  public static let recalls: [Double] = (0...100).map { Double($0) * 0.01 }
  /// All, small, medium and large objects, in pixels.
  // In steps: the compiler takes two seconds for the four ranges as one literal.
  static let areas: [ClosedRange<Double>] = {
    let (small, large, most): (Double, Double, Double) = (32 * 32, 96 * 96, 1e10)
    let bounds = [(0, most), (0, small), (small, large), (large, most)]
    return bounds.map { ClosedRange(uncheckedBounds: $0) }
  }()
  static let limits = [1, 10, 100]

  /// - Throws: if a score isn't a number, a detection is in a picture that the ground truth doesn't
  ///   list, or what is to be compared is missing.
  public init(
    truths: COCODataset, detections: [COCODetection], kind: Kind = .boxes
  ) throws(COCOEvaluationError) {
    let cases = try COCOCases(truths, detections, kind)
    self.init(cases, truths, kind)
  }

  private init(_ cases: COCOCases, _ truths: COCODataset, _ kind: Kind) {
    self.kind = kind
    pictures = cases.pictures
    strayTruths = cases.strayTruths
    strayDetections = cases.strayDetections
    hasZeroID = cases.hasZeroID
    let names = Dictionary(uniqueKeysWithValues: truths.categories.map { ($0.id, $0.name) })
    let curves = cases.curves()
    categories = curves.indices.map { index in
      Category(
        id: cases.categoryIDs[index], name: names[cases.categoryIDs[index]] ?? "",
        truths: curves[index].areas[0].truths, detections: curves[index].detections,
        stats: COCOCategoryCurves.stats([curves[index]]),
        precision: curves[index].areas[0].precision)
    }
    stats = COCOCategoryCurves.stats(curves)
  }
}

/// Why detections can't be compared with the truths; one line.
public struct COCOEvaluationError: Error, Hashable, CustomStringConvertible, Sendable {
  public let description: String
  init(_ description: String) { self.description = description }
}
