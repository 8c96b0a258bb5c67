import SakerData

/// What a detector found in one picture, and what is there.
public struct PictureResult: Hashable, Codable, Sendable {
  public var detections: [Detection]
  public var truths: [Annotation]

  public init(detections: [Detection], truths: [Annotation]) {
    self.detections = detections
    self.truths = truths
  }
}

/// Detections matched to truths, class by class, as Pascal VOC does it (Everingham et al., "The
/// Pascal Visual Object Classes Challenge", IJCV 2010, section 4.2, and its devkit). All measures
/// are read from here.
///
/// Per class, the detections of all pictures are taken by descending score, equal scores in the
/// order of pictures and detections. Each belongs to the truth of its class and picture with the
/// highest IoU, the first of equals. It is right if that IoU is `>= iouThreshold` and no earlier
/// detection took that truth; there is no second choice. Truths marked difficult are not counted,
/// and detections that belong to them are ignored.
public struct DetectionEvaluation: Sendable {
  public let pictures: Int
  public let iouThreshold: Double
  public let rule: PixelRule
  /// In the order of the class names, those without truths or detections included.
  public let classes: [ClassEvaluation]

  /// Labels must be indices into `classNames`; anything else is a mistake of the program and stops.
  public init(
    _ results: [PictureResult], classNames: [String], iouThreshold: Double = 0.5,
    rule: PixelRule = .continuous
  ) {
    pictures = results.count
    self.iouThreshold = iouThreshold
    self.rule = rule

    // One pass that sorts boxes by class, so that 80 classes do not mean 80 walks over all
    // pictures.
    var found = Array(repeating: [Candidate](), count: classNames.count)
    var truths = Array(repeating: [Int: [Annotation]](), count: classNames.count)
    for (picture, result) in results.enumerated() {
      for truth in result.truths {
        checkLabel(truth.label, "a truth", picture, classNames)
        truths[truth.label][picture, default: []].append(truth)
      }
      for detection in result.detections {
        checkLabel(detection.label, "a detection", picture, classNames)
        found[detection.label].append(Candidate(picture: picture, detection: detection))
      }
    }
    classes = classNames.indices.map {
      ClassEvaluation(
        name: classNames[$0], found: found[$0], truths: truths[$0], iouThreshold: iouThreshold,
        rule: rule)
    }
  }

  /// Mean of the classes' average precision, 0...1. Classes without (counted) truths are left out,
  /// whatever was detected for them; `nil` if no class has any.
  public func meanAveragePrecision(_ kind: AveragePrecisionKind = .allPoints) -> Double? {
    let known = classes.compactMap { $0.averagePrecision(kind) }
    return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
  }

  /// All classes' outcomes together, of the detections with `score >= confidence`. Detections of a
  /// class without truths are wrong here, although they do not enter the mean average precision.
  public func counts(at confidence: Double) -> DetectionCounts {
    classes.reduce(DetectionCounts()) { $0 + $1.counts(at: confidence) }
  }
}

/// A detection and the picture it is in.
struct Candidate {
  var picture: Int
  var detection: Detection

  /// A score that is not a number is worth least, instead of confusing the sort.
  var score: Double {
    detection.score.isNaN ? -.infinity : Double(detection.score)
  }
}

private func checkLabel(_ label: Int, _ what: String, _ picture: Int, _ names: [String]) {
  precondition(
    names.indices.contains(label),
    "\(what) in picture \(picture) has label \(label), but there are \(names.count) class names")
}
