import ArgumentParser
import Saker

/// What classifiers learn from beside labels, how runs are repeated, and how rates are found.
struct LessonOptions: ParsableArguments {
  @Option(help: "The teacher for distillation: a run or a weight file.")
  var teacher: String?
  @Option(help: "The teacher's model, if its file does not say.")
  var teacherModel: String?
  @Option(help: "Distillation temperature (4).")
  var temperature: Float?
  @Option(help: "Weight of the distillation loss; the rest is the label loss (0.9).")
  var alpha: Float?
  @Option(
    help: "Locally supervised training (InfoPro): number of modules that are trained separately.")
  var localModules: Int?
  @Option(
    help: "Strength of the L1 penalty on batch-norm weights (network slimming), for 'saker prune'.")
  var slimming: Float?
  @Flag(help: "Keep weights at 0 that are 0 at the start, as after pruning.")
  var keepZeros = false
  @Option(help: "Cross-validation: number of folds.")
  var folds: Int?
  @Flag(help: "Search for a learning rate first, then train with the best; also for detectors.")
  var search = false
  @Option(help: "Time for the search, in seconds (60).")
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
