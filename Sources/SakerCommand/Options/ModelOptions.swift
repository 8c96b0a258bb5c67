import ArgumentParser
import Saker

/// Whose weights look at pictures: one model's, or those of several that vote.
struct ModelOptions: ParsableArguments {
  @Option(
    help:
      "A checkpoint, a run's folder, or another program's weights for a classifier. Several, each after its own --weights, decide together."
  )
  var weights: [String]
  @Option(help: "The classifier that another program's weights are for.")
  var model: String?
  @Option(help: "A file with a line for each class that another program's weights tell apart.")
  var names: String?
  @Option(
    help:
      "How several classifiers decide: soft, the mean of their probabilities, or hard, the share of them that hold a class for the most probable (soft)."
  )
  var vote: ClassifierVote.Kind?
  @Option(help: "f32 or bf16.")
  var precision = TrainingSettings.Precision.float32
  @Flag(
    help:
      "Test-time augmentation: look at several views of each picture, and let them vote (a classifier: mirrored; a detector: mirrored, and in three sizes). Slower."
  )
  var tta = false

  func validate() throws {
    guard vote == nil || weights.count > 1 else {
      throw ValidationError("vote: only with several --weights, got one")
    }
  }

  enum Loaded {
    case classifiers([(name: String, source: ClassifierSource)])
    case detectors([(name: String, model: any Detector)])
  }

  /// - Parameter part: of another program's file, such as `ema`.
  /// - Throws: `ValidationError` for classifiers and detectors together; what reading a file
  ///   throws.
  func load(part: String? = nil) throws -> Loaded {
    let given = try weights.map { try GivenWeights($0, names) }
    let kinds = given.map { $0.isClassifier(model) }
    if let other = kinds.firstIndex(where: { $0 != kinds[0] }) {
      func told(_ index: Int) -> String {
        "\(given[index].file) is \(kinds[index] ? "a classifier's" : "a detector's")"
      }
      throw ValidationError("weights: \(told(0)), \(told(other)): expected several of one kind")
    }
    if kinds[0] {
      return .classifiers(
        try given.map { ($0.file, try ClassifierSource($0, model: model, part: part)) })
    }
    if let model { _ = try ClassifierCatalog.required(model) }
    guard vote == nil else {
      throw ValidationError(
        "vote: only for classifiers; of the boxes of several detectors the best of those that overlap stay"
      )
    }
    return .detectors(
      try given.map { ($0.file, try ModelEntry.load(DetectorCheckpoint($0.weights))) })
  }
}

/// For JSON: who decided together, and how.
struct Voters: Encodable {
  /// `soft` or `hard`, of detectors `suppression`.
  let kind: String
  let weights: [String]

  /// `nil` for one alone.
  init?(_ kind: String, _ names: [String]) {
    guard names.count > 1 else { return nil }
    (self.kind, weights) = (kind, names)
  }

  /// For people.
  var description: String { "\(weights.joined(separator: ", ")) (\(kind))" }
}

extension ClassifierVote.Kind: ExpressibleByArgument {}
