import SakerData
import SakerVision

/// Several detectors that look at the same pictures, each through its own input: of all the boxes
/// they find, non-maximum suppression keeps the best ones, as of one detector's; the rule `fusion`
/// takes weighted means of them. One alone decides alone.
public struct DetectorVote {
  public let members: [DetectorRunner]

  /// - Parameter members: each with the name that messages call it by; at least one.
  /// - Throws: `TrainingError` that names two if they do not tell the same classes apart,
  ///   in the same order.
  public init(_ members: [(name: String, runner: DetectorRunner)]) throws {
    precondition(!members.isEmpty, "a vote needs at least one member")
    try demandSameClasses(members.map { ($0.name, $0.runner.model.card.classNames) })
    self.members = members.map(\.runner)
  }

  public var classNames: [String] { members[0].model.card.classNames }

  /// The objects in one picture, in its pixels.
  public func detect(_ picture: Picture, _ options: DetectionOptions) -> [Detection] {
    DetectorVote.joined(
      members.map { member in
        member.views.map { member.model.detect(picture, options, member.precision, $0) }
          ?? member.model.detect(picture, options, member.precision)
      }, options)
  }

  /// Calls `body` with the objects found in each picture of a data set, in order. The first member
  /// tells of pictures that are left out.
  ///
  /// - Throws: what a member throws, and what `body` throws.
  public func run(
    over dataset: DetectionDataset, _ options: DetectionOptions,
    _ body: (DetectorRunner.Found) throws -> Void
  ) throws {
    guard members.count > 1 else {
      return try members[0].run(over: dataset, options, "evaluate", body)
    }
    var all: [Int: [[Detection]]] = [:]
    for (number, member) in members.enumerated() {
      var member = member
      if number > 0 { member.onSkip = { _ in } }
      try member.run(over: dataset, options) {
        all[$0.index, default: []].append($0.detections)
      }
    }
    for index in all.keys.sorted() {
      try body(
        DetectorRunner.Found(
          index: index, detections: DetectorVote.joined(all[index] ?? [], options)))
    }
  }

  /// - Parameter found: by each member, in pixels of one picture.
  static func joined(_ found: [[Detection]], _ options: DetectionOptions) -> [Detection] {
    guard found.count > 1 else { return found.first ?? [] }
    let all = found.flatMap(\.self)
    var suppression = options.suppression
    suppression.candidates = .max
    if case .fusion = options.rule { suppression.rule = .fusion(members: found.count) }
    let kept = suppression.survivors(
      Boxes(all.map(\.box)), scores: all.map(\.score), labels: all.map(\.label),
      least: options.confidence)
    return kept.map { Detection(box: $0.box, label: all[$0.index].label, score: $0.score) }
  }
}
