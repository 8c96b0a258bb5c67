import Foundation

/// One line of `results.csv`: an epoch's losses and measures.
public struct EpochResult: Codable, Hashable, Sendable {
  /// From 1.
  public var epoch: Int
  /// Since the run started, over all its sessions, in seconds.
  public var seconds: Double
  public var trainClassLoss: Double
  public var trainBoxLoss: Double
  public var learningRate: Double
  /// Pictures a second, training alone.
  public var imagesPerSecond: Double
  /// On the validation split, when there is one: mean average precision at IoU 0.5, and precision and recall at the
  /// confidence of the best F1.
  public var meanAveragePrecision: Double?
  public var precision: Double?
  public var recall: Double?

  static let header =
    "epoch,time,train/class_loss,train/box_loss,metrics/precision,metrics/recall,metrics/mAP50,lr,images_per_second"

  var row: String {
    func text(_ value: Double?) -> String { value.map { String(format: "%.6g", $0) } ?? "" }
    return [
      "\(epoch)", text(seconds), text(trainClassLoss), text(trainBoxLoss), text(precision),
      text(recall), text(meanAveragePrecision), text(learningRate), text(imagesPerSecond),
    ].joined(separator: ",")
  }

  static func table(_ results: [EpochResult]) -> String {
    ([header] + results.map(\.row)).joined(separator: "\n") + "\n"
  }
}
