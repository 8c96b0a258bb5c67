import SakerData

/// Why detections are wrong, and what each kind of mistake costs (Bolya et al., "TIDE: A General
/// Toolbox for Identifying Object Detection Errors", arXiv:2008.08115). Equal to tidecv 1.0.1,
/// except that everything is 0...1 there 0...100.
///
/// All detections of a picture (the 100 of highest score) are taken by descending score; each takes
/// the best truth of its class that is left, if IoU `>= foreground`. Truths marked difficult count
/// neither way, as crowds in COCO. The others are wrong in the first way of `Kind` that fits.
public struct DetectionErrors: Sendable {
  public enum Kind: String, Codable, Sendable, CaseIterable {
    /// On an object of its class, but badly: IoU between `background` and `foreground`.
    case localization
    /// On an object of another class, IoU `>= foreground`.
    case classification
    /// On an object that a better detection found.
    case duplicate
    /// On nothing: no IoU above `background`.
    case background
    /// Of the wrong class, and badly placed.
    case both
    /// A truth that no detection came near.
    case missed
  }

  /// One mistake.
  public struct Case: Hashable, Codable, Sendable {
    public var kind: Kind
    /// Index of the picture among the results.
    public var picture: Int
    /// The detection, or the missed truth; in pixels.
    public var box: Box
    public var label: Int
    /// `nil` for what was missed.
    public var score: Float?
    /// With the truth that it is on (or nearest to), 0...1.
    public var iou: Double
    /// That truth; `nil` if there is none in the picture.
    public var truth: Box?
    public var truthLabel: Int?
  }

  /// What average precision would gain if one kind of mistake were mended.
  public struct Gain: Hashable, Codable, Sendable {
    public var kind: Kind
    public var count: Int
    /// 0...1, not below 0.
    public var averagePrecision: Double
  }

  /// All mistakes, by picture and descending score.
  public let cases: [Case]
  /// Mean over the classes that are there or found (a class without truths counts 0), at IoU
  /// `foreground` and 101 recalls.
  public let averagePrecision: Double
  /// In the order of `Kind`.
  public let gains: [Gain]
  /// If no detection were wrong, or no truth missed, the rest staying as it is.
  public let falsePositiveGain, falseNegativeGain: Double

  public init(
    _ results: [PictureResult], classNames: [String], foreground: Double = 0.5,
    background: Double = 0.1
  ) {
    var finder = ErrorFinder(classes: classNames.count, foreground, background)
    for (index, result) in results.enumerated() { finder.add(result, picture: index) }
    let base = finder.points
    let baseline = base.meanAveragePrecision
    cases = finder.errors.map(\.shown)
    averagePrecision = baseline
    gains = Kind.allCases.map { kind in
      Gain(
        kind: kind, count: finder.errors.count { $0.shown.kind == kind },
        averagePrecision: max(finder.mended { $0 == kind }.meanAveragePrecision - baseline, 0))
    }
    var perfect = finder.mended { _ in false }
    perfect.separateScores()
    falsePositiveGain = perfect.meanAveragePrecision - baseline
    var complete = finder.mended { _ in false }
    for label in complete.classes.indices {
      complete.classes[label].truths -= finder.unfound[label]
    }
    falseNegativeGain = complete.meanAveragePrecision - baseline
  }

  /// The worst first: wrong detections by descending score, or missed truths by descending area.
  public func worst(_ count: Int, _ kinds: Set<Kind> = Set(Kind.allCases)) -> [Case] {
    let wanted = cases.enumerated().filter { kinds.contains($0.element.kind) }
    return wanted.sorted {
      let (a, b) = ($0.element, $1.element)
      // Detections before misses, then the loudest or largest, then the first.
      return (b.score ?? -1, b.score == nil ? b.box.area : 0, $0.offset)
        < (a.score ?? -1, a.score == nil ? a.box.area : 0, $1.offset)
    }.prefix(max(count, 0)).map(\.element)
  }

  /// Confident detections of nothing, to be shown to the model as background: the notes' cure for
  /// false alarms. By descending score.
  public func hardNegatives(confidence: Double = 0.25) -> [Case] {
    worst(cases.count, [.background]).filter { Double($0.score ?? 0) >= confidence }
  }
}

// MARK: Finding

/// A mistake, and what mending it would do.
private struct FoundError {
  var shown: DetectionErrors.Case
  /// The detection as a right one of this class; `nil` if mending takes it away (for a miss: the
  /// truth).
  var mendedLabel: Int?
}

private struct ErrorFinder {
  let foreground, background: Double
  var points: ClassPoints
  var errors: [FoundError] = []
  /// Truths not found, a class.
  var unfound: [Int]

  init(classes: Int, _ foreground: Double, _ background: Double) {
    self.foreground = foreground
    self.background = background
    points = ClassPoints(count: classes)
    unfound = Array(repeating: 0, count: classes)
  }

  mutating func add(_ result: PictureResult, picture: Int) {
    let truths = result.truths.filter { !$0.difficult }
    let ignored = result.truths.filter(\.difficult)
    for truth in truths { points.classes[truth.label].truths += 1 }
    func score(_ detection: Detection) -> Float {
      detection.score.isNaN ? -.infinity : detection.score
    }
    let order = result.detections.indices.sorted {
      (score(result.detections[$1]), $0) < (score(result.detections[$0]), $1)
    }.prefix(100)
    let found = order.map { result.detections[$0] }
    let overlaps = iouMatrix(found.map(\.box), truths.map(\.box))

    // Who has which truth.
    var owner = [Int?](repeating: nil, count: truths.count)
    var isRight = [Bool](repeating: false, count: found.count)
    for (i, detection) in found.enumerated() {
      let best = truths.indices.filter { truths[$0].label == detection.label && owner[$0] == nil }
        .max { (overlaps[i][$0], $1) < (overlaps[i][$1], $0) }
      guard let best, overlaps[i][best] >= foreground else { continue }
      owner[best] = i
      isRight[i] = true
    }
    // The best detection that a mended mistake would give a truth.
    var mender: [Int: Int] = [:]
    var wrong: [(Int, DetectionErrors.Kind, truth: Int?)] = []
    for (i, detection) in found.enumerated() {
      if isRight[i] {
        points.classes[detection.label].add(score(detection), true)
        continue
      }
      if ignored.contains(where: { $0.label == detection.label && lies(detection.box, in: $0.box) })
      {
        continue
      }
      points.classes[detection.label].add(score(detection), false)
      let (kind, truth) = reason(detection, overlaps[i], truths, owner)
      wrong.append((i, kind, truth))
      if let truth, owner[truth] == nil, kind == .localization || kind == .classification {
        // By descending score, so the first one is the best.
        if mender[truth] == nil { mender[truth] = i }
      }
    }
    for (i, kind, truth) in wrong {
      let nearest =
        truth ?? truths.indices.max { (overlaps[i][$0], $1) < (overlaps[i][$1], $0) }
      let shown = DetectionErrors.Case(
        kind: kind, picture: picture, box: found[i].box, label: found[i].label,
        score: score(found[i]), iou: nearest.map { overlaps[i][$0] } ?? 0,
        truth: nearest.map { truths[$0].box }, truthLabel: nearest.map { truths[$0].label })
      let mends = truth.map { mender[$0] == i } ?? false
      errors.append(
        FoundError(shown: shown, mendedLabel: mends ? truth.map { truths[$0].label } : nil))
    }
    for (j, truth) in truths.enumerated() where owner[j] == nil {
      unfound[truth.label] += 1
      if mender[j] != nil { continue }
      let nearest = found.indices.max { (overlaps[$0][j], $1) < (overlaps[$1][j], $0) }
      let shown = DetectionErrors.Case(
        kind: .missed, picture: picture, box: truth.box, label: truth.label, score: nil,
        iou: nearest.map { overlaps[$0][j] } ?? 0, truth: truth.box, truthLabel: truth.label)
      errors.append(FoundError(shown: shown, mendedLabel: nil))
    }
  }

  /// A crowd holds what lies in it with more than `foreground` of its area.
  private func lies(_ box: Box, in crowd: Box) -> Bool {
    let width = min(box.right, crowd.right) - max(box.left, crowd.left)
    let height = min(box.bottom, crowd.bottom) - max(box.top, crowd.top)
    guard width > 0, height > 0 else { return false }
    return Double(width) * Double(height)
      > foreground * (Double(box.width) * Double(box.height))
  }

  private func reason(
    _ detection: Detection, _ overlaps: [Double], _ truths: [Annotation], _ owner: [Int?]
  ) -> (DetectionErrors.Kind, truth: Int?) {
    func best(_ isCandidate: (Int) -> Bool) -> (iou: Double, truth: Int?) {
      let truth = truths.indices.filter(isCandidate).max {
        (overlaps[$0], $1) < (overlaps[$1], $0)
      }
      return (truth.map { overlaps[$0] } ?? 0, truth)
    }
    if truths.isEmpty { return (.background, nil) }
    let same = best { truths[$0].label == detection.label }
    if same.iou >= background && same.iou <= foreground && same.truth != nil {
      return (.localization, same.truth)
    }
    let other = best { truths[$0].label != detection.label }
    if other.iou >= foreground { return (.classification, other.truth) }
    let taken = best { truths[$0].label == detection.label && owner[$0] != nil }
    if taken.iou >= foreground { return (.duplicate, taken.truth) }
    if best({ _ in true }).iou <= background { return (.background, nil) }
    return (.both, nil)
  }

  /// The outcomes as if some kinds of mistakes were mended.
  func mended(_ isMended: (DetectionErrors.Kind) -> Bool) -> ClassPoints {
    var result = ClassPoints(count: points.classes.count)
    for label in points.classes.indices {
      result.classes[label].truths = points.classes[label].truths
    }
    // Mistakes first, then what is right: the order of equal scores in tidecv.
    for error in errors {
      let shown = error.shown
      if !isMended(shown.kind) {
        if let score = shown.score { result.classes[shown.label].add(score, false) }
      } else if shown.kind == .missed {
        result.classes[shown.label].truths -= 1
      } else if let label = error.mendedLabel, let score = shown.score {
        result.classes[label].add(score, true)
      }
    }
    for label in points.classes.indices {
      for point in points.classes[label].all where point.isRight {
        result.classes[label].add(point.score, true)
      }
    }
    return result
  }
}

/// Scored outcomes a class.
private struct ClassPoints {
  struct Class {
    var truths = 0
    var all: [(score: Float, isRight: Bool)] = []

    mutating func add(_ score: Float, _ isRight: Bool) { all.append((score, isRight)) }

    var averagePrecision: Double {
      guard truths > 0 else { return 0 }
      let order = all.indices.sorted { (all[$1].score, $0) < (all[$0].score, $1) }
      var (right, recall, precision) = (0, [Double](), [Double]())
      for (place, index) in order.enumerated() {
        right += all[index].isRight ? 1 : 0
        recall.append(Double(right) / Double(truths))
        precision.append(Double(right) / Double(place + 1))
      }
      for index in precision.indices.dropLast().reversed() {
        precision[index] = max(precision[index], precision[index + 1])
      }
      let sum = (0...100).reduce(0.0) {
        let wanted = Double($1) / 100
        let place = recall.partitionPoint { $0 >= wanted }
        return $0 + (place < precision.count ? precision[place] : 0)
      }
      return sum / 101
    }
  }

  var classes: [Class]

  init(count: Int) { classes = Array(repeating: Class(), count: count) }

  /// Every right detection above every wrong one.
  mutating func separateScores() {
    for label in classes.indices {
      classes[label].all = classes[label].all.map { ($0.isRight ? 1 : 0, $0.isRight) }
    }
  }

  var meanAveragePrecision: Double {
    let known = classes.filter { $0.truths != 0 || !$0.all.isEmpty }
    return known.isEmpty
      ? 0 : known.reduce(0) { $0 + $1.averagePrecision } / Double(known.count)
  }
}
