import SakerData
import SakerMetrics
import SakerVision

/// Several classifiers that vote on what a picture shows; each looks at it through its own input.
/// Dietterich, "Ensemble Methods in Machine Learning" (2000). One alone decides alone.
public struct ClassifierVote {
  public enum Kind: String, Sendable, CaseIterable {
    /// The mean of their probabilities.
    case soft
    /// The share of them that hold a class for the most probable; of classes with equally many
    /// votes the first wins.
    case hard
  }

  public let members: [ClassifierRunner]
  public let kind: Kind

  /// - Parameter members: each with the name that messages call it by; at least one.
  /// - Throws: `TrainingError` that names two if they do not tell the same classes apart,
  ///   in the same order.
  public init(_ members: [(name: String, runner: ClassifierRunner)], _ kind: Kind = .soft) throws {
    precondition(!members.isEmpty, "a vote needs at least one member")
    try demandSameClasses(members.map { ($0.name, $0.runner.card.classNames) })
    self.members = members.map(\.runner)
    self.kind = kind
  }

  public var classNames: [String] { members[0].card.classNames }

  /// Of the classes of one picture.
  public func probabilities(of picture: Picture) -> [Float] {
    ClassifierVote.joined(members.map { $0.probabilities(of: picture) }, kind)
  }

  /// The measures on a data set with truths.
  ///
  /// - Parameter onSkip: hears of each picture that was left out, once.
  /// - Throws: what a member throws.
  public func evaluate(
    on dataset: ClassificationDataset, onSkip: @escaping (PictureError) -> Void = { _ in }
  ) throws -> ClassificationEvaluation {
    var told: [Int: [[Float]]] = [:]
    for (number, member) in members.enumerated() {
      var member = member
      member.onSkip = number == 0 ? onSkip : { _ in }
      try member.run(over: dataset) { told[$0, default: []].append($1) }
    }
    let indices = told.keys.sorted()
    return ClassificationEvaluation(
      probabilities: indices.map { ClassifierVote.joined(told[$0] ?? [], kind) },
      truths: indices.map { dataset.items[$0].label }, classNames: dataset.classes,
      indices: indices)
  }

  /// - Parameter rows: of each member the probabilities of all classes.
  static func joined(_ rows: [[Float]], _ kind: Kind) -> [Float] {
    guard rows.count > 1 else { return rows.first ?? [] }
    let votes =
      kind == .soft
      ? rows
      : rows.map { row in
        let first = row.indices.reduce(0) { row[$1] > row[$0] ? $1 : $0 }
        return row.indices.map { $0 == first ? 1 : 0 }
      }
    return votes[0].indices.map { label in
      votes.reduce(0) { $0 + $1[label] } / Float(votes.count)
    }
  }
}

/// - Throws: `TrainingError` that names the first member and one that tells other classes apart.
func demandSameClasses(_ members: [(name: String, classes: [String])]) throws {
  guard let other = members.first(where: { $0.classes != members[0].classes }) else { return }
  throw TrainingError(
    "\(members[0].name) and \(other.name) cannot vote together: the first tells "
      + "\(members[0].classes.joined(separator: ", ")) apart, the second "
      + "\(other.classes.joined(separator: ", ")): expected the same classes in the same order")
}
