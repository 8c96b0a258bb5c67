import ArgumentParser
import Saker

/// What `predict` and `val` do with boxes that overlap.
struct SuppressionOptions: ParsableArguments {
  enum Rule: String, CaseIterable, ExpressibleByArgument {
    case hard
    case softLinear = "soft-linear"
    case softGaussian = "soft-gaussian"
    case distance, fusion, none
  }

  @Option(
    help: ArgumentHelp(
      "What becomes of a box that overlaps a better one of its class.",
      discussion: """
        hard: it goes (non-maximum suppression). soft-linear, soft-gaussian: its score falls (Soft-NMS). distance: it goes \
        unless the centres lie apart (DIoU-NMS). fusion: both become one, the mean weighted by score. none: it stays.
        """))
  var suppression: Rule = .hard
  @Option(help: "How fast scores fall with soft-gaussian: exp(-IoU² / sigma).")
  var sigma: Float?

  func validate() throws {
    if let sigma {
      guard suppression == .softGaussian else {
        throw ValidationError("sigma: only for --suppression soft-gaussian")
      }
      guard sigma > 0, sigma.isFinite else {
        throw ValidationError("sigma: expected a positive number, got \(sigma)")
      }
    }
  }

  var rule: SuppressionRule {
    switch suppression {
    case .hard: .hard
    case .softLinear: .softLinear
    case .softGaussian: .softGaussian(sigma: sigma ?? 0.5)
    case .distance: .distance()
    case .fusion: .fusion()
    case .none: .none
    }
  }

  /// A classifier has no boxes.
  func refuseForClassifiers() throws {
    guard suppression == .hard else {
      throw ValidationError("suppression: only for detectors")
    }
  }
}
