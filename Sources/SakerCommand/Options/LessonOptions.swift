import ArgumentParser
import Saker

/// What classifiers learn from beside labels, how runs are repeated, and how rates are found.
struct LessonOptions: ParsableArguments {
  @Option(help: "A run, or a file of weights, that the model learns from beside the labels.")
  var teacher: String?
  @Option(help: "What the teacher is, if its file does not say.")
  var teacherModel: String?
  @Option(help: "What both's logits are divided by (4).")
  var temperature: Float?
  @Option(help: "The teacher's share of the loss; the rest is the labels' (0.9).")
  var alpha: Float?
  @Option(help: "Cut the network into so many modules that learn each by itself (InfoPro).")
  var localModules: Int?
  @Option(help: "Strength of the penalty on batch norms' weights that 'saker prune' looks at.")
  var slimming: Float?
  @Flag(help: "Weights that are 0 in the beginning, as pruning leaves them, stay 0.")
  var keepZeros = false
  @Option(help: "Cross-validation: train so many times, each part of the data once aside.")
  var folds: Int?
  @Flag(help: "Try learning rates first, and train with the best; of detectors, too.")
  var search = false
  @Option(help: "The time for trying them, in seconds (60).")
  var searchSeconds: Double?

  func apply(to own: inout ClassificationSettings) {
    if let slimming { own.slimming = slimming }
    if let localModules { own.localModules = localModules }
    if keepZeros { own.keepsZeros = true }
    if teacher != nil {
      var lesson = ClassificationSettings.Distillation()
      if let temperature { lesson.temperature = temperature }
      if let alpha { lesson.alpha = alpha }
      own.distillation = lesson
    }
  }

  /// - Throws: `ValidationError` for options that need others, or exclude them.
  func checkGoingTogether(isValidated: Bool) throws {
    let lesson = [
      ("--teacher-model", teacherModel != nil), ("--temperature", temperature != nil),
      ("--alpha", alpha != nil),
    ].filter(\.1).map(\.0)
    guard teacher != nil || lesson.isEmpty else {
      throw ValidationError("\(lesson.joined(separator: ", ")): only with --teacher")
    }
    if let folds {
      guard (2...1000).contains(folds) else {
        throw ValidationError("folds: expected 2...1000, got \(folds)")
      }
      guard isValidated else {
        throw ValidationError("folds: each part is validated on in turn; leave out --val-split")
      }
      guard !search else { throw ValidationError("folds: leave out --search") }
    }
    try checkSearch()
  }

  /// - Throws: `ValidationError` for a time without a search, or of no length.
  func checkSearch() throws {
    guard search || searchSeconds == nil else {
      throw ValidationError("search seconds: only with --search")
    }
    guard (1...1e6).contains(searchSeconds ?? 60) else {
      throw ValidationError(
        "search seconds: expected 1 to 1000000, got \(searchSeconds ?? 60)")
    }
  }

  /// Those that were named and are for classifiers alone.
  var givenForClassifiers: [String] { given.filter { !$0.hasPrefix("--search") } }

  /// The options that were named.
  var given: [String] {
    let all: [(String, Bool)] = [
      ("--teacher", teacher != nil), ("--teacher-model", teacherModel != nil),
      ("--temperature", temperature != nil), ("--alpha", alpha != nil),
      ("--local-modules", localModules != nil), ("--slimming", slimming != nil),
      ("--keep-zeros", keepZeros), ("--folds", folds != nil), ("--search", search),
      ("--search-seconds", searchSeconds != nil),
    ]
    return all.filter(\.1).map(\.0)
  }
}
