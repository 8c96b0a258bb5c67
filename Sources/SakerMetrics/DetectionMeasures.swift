import Foundation
import SakerData

/// Everything that is commonly said about a detector on one data set, each number by its own rules:
/// Pascal VOC's table, COCO's 12 numbers, Ultralytics' five, misses against false alarms, and what
/// each kind of mistake costs.
public struct DetectionMeasures: Codable, Sendable {
  /// As `UltralyticsEvaluation` has them.
  public struct Ultralytics: Codable, Hashable, Sendable {
    public var confidence, precision, recall, map50, map, fitness: Double
  }

  public var voc: DetectionReport
  /// The 12 numbers in pycocotools' order, unrounded; -1 where there is nothing to measure.
  public var coco: [Double]
  public var ultralytics: Ultralytics
  /// `nil` without truths.
  public var logAverageMissRate: Double?
  /// Of all classes together, at the confidence asked for.
  public var falsePositivesPerPicture: Double
  public var mistakes: [DetectionErrors.Gain]
  /// What was told from the numbers of files because nobody said it; empty if nothing was.
  public var guessed: [DetectionFiles.Guess] = []

  /// - Parameters:
  ///   - confidence: at which precision, recall and false positives are told.
  ///   - iouThreshold, kind, rule: of Pascal VOC's table.
  /// - Throws: `COCOEvaluationError` for what COCO's evaluation refuses, such as a score
  ///   that is no number.
  public init(
    _ results: [PictureResult], classNames: [String], confidence: Double = 0.5,
    iouThreshold: Double = 0.5, kind: AveragePrecisionKind = .allPoints,
    rule: PixelRule = .continuous
  ) throws {
    let evaluation = DetectionEvaluation(
      results, classNames: classNames, iouThreshold: iouThreshold, rule: rule)
    voc = evaluation.report(confidence: confidence, kind: kind)
    coco = try COCOEvaluation(results, classNames: classNames).stats
    let theirs = UltralyticsEvaluation(results, classNames: classNames)
    ultralytics = Ultralytics(
      confidence: theirs.confidence, precision: theirs.precision, recall: theirs.recall,
      map50: theirs.map50, map: theirs.map, fitness: theirs.fitness)
    logAverageMissRate = evaluation.logAverageMissRate
    falsePositivesPerPicture =
      Double(voc.all.falsePositives) / Double(max(results.count, 1))
    mistakes = DetectionErrors(results, classNames: classNames).gains
  }

  /// Fields as `snake_case`, sorted, numbers in full precision: Pascal VOC's at the top, the others
  /// under `coco`, `ultralytics`, `mistakes`.
  public var json: String { metricsJSON(self) }

  private enum CodingKeys: String, CodingKey {
    case coco, ultralytics, logAverageMissRate, falsePositivesPerPicture, mistakes, guessed
  }

  public func encode(to encoder: any Encoder) throws {
    try voc.encode(to: encoder)
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(coco, forKey: .coco)
    try fields.encode(ultralytics, forKey: .ultralytics)
    try fields.encode(logAverageMissRate, forKey: .logAverageMissRate)
    try fields.encode(falsePositivesPerPicture, forKey: .falsePositivesPerPicture)
    try fields.encode(mistakes, forKey: .mistakes)
    try fields.encode(guessed, forKey: .guessed)
  }

  public init(from decoder: any Decoder) throws {
    voc = try DetectionReport(from: decoder)
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    coco = try fields.decode([Double].self, forKey: .coco)
    ultralytics = try fields.decode(Ultralytics.self, forKey: .ultralytics)
    logAverageMissRate = try fields.decodeIfPresent(Double.self, forKey: .logAverageMissRate)
    falsePositivesPerPicture = try fields.decode(Double.self, forKey: .falsePositivesPerPicture)
    mistakes = try fields.decode([DetectionErrors.Gain].self, forKey: .mistakes)
    guessed = try fields.decodeIfPresent([DetectionFiles.Guess].self, forKey: .guessed) ?? []
  }
}

extension DetectionMeasures: CustomStringConvertible {
  /// Pascal VOC's table, then a line for each of the others.
  public var description: String {
    func number(_ value: Double?) -> String {
      value.flatMap { $0 < 0 ? nil : String(format: "%.3f", $0) } ?? "-"
    }
    let wrong = mistakes.filter { $0.count > 0 }.map {
      "\($0.kind.rawValue) \($0.count) (\(String(format: "%.1f", 100 * $0.averagePrecision)))"
    }
    return """
      \(voc)
      COCO: AP \(number(coco[0])), AP50 \(number(coco[1])), AP75 \(number(coco[2])); small \(number(coco[3])), \
      medium \(number(coco[4])), large \(number(coco[5])); AR100 \(number(coco[8]))
      Ultralytics: mAP50 \(number(ultralytics.map50)), mAP50-95 \(number(ultralytics.map)), precision \
      \(number(ultralytics.precision)), recall \(number(ultralytics.recall)) at confidence \
      \(number(ultralytics.confidence))
      log-average miss rate \(number(logAverageMissRate)); \
      \(number(falsePositivesPerPicture)) false positives a picture
      mistakes (points of AP50 that they cost): \(wrong.isEmpty ? "none" : wrong.joined(separator: ", "))
      """
  }
}
