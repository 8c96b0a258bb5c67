import ArgumentParser
import Foundation
import Saker

/// A classifier with its weights: from one of our checkpoints, which knows everything, or from
/// another program's file.
struct ClassifierSource {
  let model: any Classifier
  let card: ClassifierCard
  /// What the run was asked for, if this is one of ours.
  let origin: [String: String]?

  /// - Parameters:
  ///   - path: a file, or a run's folder.
  ///   - name: the model, for a file that does not say.
  ///   - namesFile: a line for each class; else classes bear their numbers.
  init(_ path: String, model name: String?, names namesFile: String?) throws {
    try self.init(GivenWeights(path, namesFile), model: name)
  }

  /// - Parameter part: of another program's file, such as `ema`.
  init(_ given: GivenWeights, model name: String?, part: String? = nil) throws {
    if let card = given.card {
      guard name == nil || name == card.architecture else {
        throw TrainingError("\(given.file): is for \(card.architecture), not \(name ?? "")")
      }
      let checkpoint = try ClassifierCheckpoint(given.weights)
      (self.model, self.card) = (try checkpoint.model(), card)
      origin = try? checkpoint.origin
      return
    }
    guard let name else {
      throw ValidationError(
        "model: \(given.file) does not say what it is for; name it with --model")
    }
    let entry = try ClassifierCatalog.required(name)
    let trial = withoutStarts { entry.build(2) }
    // Darknet's numbers have no names: whoever counts them tells how many classes they are for.
    var classes = given.names?.count ?? 1000
    if given.weights.format != .darknet {
      let layer = trial.head.last ?? ""
      let state = try trial.state(of: given.weights, part: part).state
      guard let count = state.first(where: { $0.name == layer + ".weight" })?.tensor.shape.first,
        count > 0
      else {
        throw CheckpointError(
          file: given.file, "does not fit \(name)", ["\(layer).weight: missing"])
      }
      classes = count
    }
    let classNames = given.names ?? (0..<classes).map(String.init)
    guard classNames.count == classes else {
      throw TrainingError(
        "\(given.namesFile ?? ""): expected \(classes) names, as many as \(given.file) has classes, got \(classNames.count)"
      )
    }
    model = withoutStarts { entry.build(classes, for: given.weights) }
    var card = ClassifierCard(architecture: name, classNames: classNames, input: entry.input)
    if given.weights.hasDarknetSlopes { card.hasDarknetSlopes = true }
    self.card = card
    try model.load(weights: given.weights, part: part)
    origin = nil
  }
}

/// `saker predict` with a classifier.
struct ClassifierPrediction {
  let vote: ClassifierVote
  /// How many classes are told of each picture.
  let top: Int

  struct Found: Encodable {
    struct Guess: Encodable {
      var name: String
      var label: Int
      var probability: Float
    }
    var file: String
    var width, height: Int
    /// The most probable first.
    var classes: [Guess]
    var picture: String?
    /// What of the file isn't read, such as the further frames of an animation, and letters that no
    /// font has; absent for nothing.
    var warnings: [String]?
    var milliseconds: Double
  }

  /// - Parameter output: the file for the picture with its class written on; `nil` draws nothing.
  func predict(_ file: String, writing output: String?) throws -> Found {
    let start = Date()
    let (picture, warnings) = try PictureFiles.read(file)
    let (letters, classNames) = (LetterWarnings(), vote.classNames)
    let shares = vote.probabilities(of: picture)
    let order = shares.indices.sorted { (shares[$1], $0) < (shares[$0], $1) }.prefix(top)
    if let output, let first = order.first {
      let drawn = picture.enlarged
      let frame = Detection(
        box: Box(left: 0, top: 0, right: Float(drawn.width), bottom: Float(drawn.height)),
        label: first, score: shares[first])
      let encoding: Picture.Encoding = output.hasSuffix(".png") ? .png(level: 1) : .jpeg()
      try drawn.annotated(with: [frame], classNames: classNames).write(
        to: output, as: encoding)
    }
    return Found(
      file: file, width: picture.width, height: picture.height,
      classes: order.map {
        Found.Guess(name: classNames[$0], label: $0, probability: shares[$0])
      }, picture: output, warnings: letters.added(to: warnings),
      milliseconds: Date().timeIntervalSince(start) * 1e3)
  }

  func describe(_ found: Found) -> String {
    let list = found.classes.map { "\($0.name) \(String(format: "%.3f", $0.probability))" }
    return
      "\(found.file): \(list.joined(separator: ", ")) (\(String(format: "%.0f", found.milliseconds)) ms)"
      + (found.picture.map { " -> \($0)" } ?? "")
  }
}

/// `saker val` with a classifier.
struct ClassifierValidation {
  let members: [(name: String, source: ClassifierSource)]
  let vote: ClassifierVote
  let data: DataOptions
  let split: String?

  /// The pictures asked for: of the run's own division where the data have no splits.
  private func dataset() throws -> (ClassificationDataset, split: String, files: FileAccount?) {
    let labels = try ClassificationJob.labels(data.data, classes: vote.classNames)
    var problems: [DataProblem] = []
    func whole(_ split: String?) throws -> ClassificationDataset {
      let dataset = try ClassificationDataset(
        labels, split: split, skipBad: data.skipBad, problems: &problems)
      for problem in problems.prefix(20) { note(problem.description) }
      return dataset
    }
    func told(_ dataset: ClassificationDataset, _ split: String) -> (
      ClassificationDataset, split: String, files: FileAccount?
    ) {
      let splits = labels.splits.filter { split == "all" || $0 == split }
      let files = labels.account(using: Set(dataset.items.map(\.file)), splits: splits)
      return (dataset, split, files)
    }
    if split == "all" { return told(try whole(nil), "all") }
    let known = labels.splits
    if let chosen = split ?? ["test", "val"].first(where: known.contains), known.contains(chosen) {
      return told(try whole(chosen), chosen)
    }
    if let parts = try divided() {
      let named = [("test", parts.test), ("val", parts.validation), ("train", parts.training)]
      for (name, part) in named where split == name || split == nil {
        if let part { return told(part, name) }
      }
    }
    return told(try whole(split), split ?? "all")
  }

  /// As the run divided the data, if it was trained on these; as all of several did.
  ///
  /// - Throws: `TrainingError` if another member was trained on these and divided them otherwise:
  ///   it may have learned from these pictures.
  private func divided() throws -> ClassificationParts? {
    let remembered = EmbeddedData.remembered(data.data, else: .fashionMNIST)
    let trained = members.compactMap { member in
      member.source.origin.flatMap { $0["data"] == remembered ? (member.name, $0) : nil }
    }
    guard let (name, origin) = trained.first else { return nil }
    let keys = ClassificationJob.divisionKeys
    if let (other, _) = trained.first(where: { member in
      keys.contains { origin[$0] ?? "" != member.1[$0] ?? "" }
    }) {
      throw TrainingError(
        "\(name) and \(other) divided the data otherwise: what one was not shown the other may have learned from: "
          + "expected data with splits, or runs with the same --seed and --val-split")
    }
    return try ClassificationJob.parts(
      of: origin, data: data.data, classes: vote.classNames, skipBad: data.skipBad)
  }

  func run(json: Bool, out: String?) throws {
    let (dataset, split, files) = try dataset()
    guard dataset.classes == vote.classNames else {
      throw TrainingError(
        "the data have the classes \(ByteText.list(dataset.classes)), the weights "
          + ByteText.list(vote.classNames))
    }
    var skipped: [PictureError] = []
    let evaluation = try vote.evaluate(on: dataset) { skipped.append($0) }
    for error in skipped { note("left out \(error)") }
    if let out { try draw(evaluation, dataset, split, into: out) }
    try Measured(
      measures: evaluation.report, pictures: evaluation.count, split: split, files: files,
      voters: Voters(vote.kind.rawValue, members.map(\.name))
    ).tell(json: json, out: out)
  }

  private func draw(
    _ evaluation: ClassificationEvaluation, _ dataset: ClassificationDataset, _ split: String,
    into out: String
  ) throws {
    try RunFolder.make(out)
    try RunFolder(out).removeEvaluation()
    try ClassificationPictures(evaluation, dataset).write(into: out)
    try RunReport(
      folder: out,
      title: "Evaluation of "
        + members.map(\.source.card.architecture).joined(separator: ", "),
      facts: [
        ("pictures", "\(evaluation.count)"), ("split", split),
        ("top-1", String(format: "%.4f", evaluation.top1)),
        ("top-5", String(format: "%.4f", evaluation.topK(5))),
      ]
    ).write(to: RunFolder(out).report)
  }
}

extension ValidationChoice {
  /// `none`, a share, or a split; automatic without.
  static func reading(_ text: String?) throws -> ValidationChoice {
    guard let text else { return .automatic }
    if text == "none" { return .none }
    guard let share = DecimalNumber.parse(text) else { return .split(text) }
    guard share > 0 && share < 1 else {
      throw ValidationError("val split: expected a share above 0 and below 1, got \(text)")
    }
    return .share(share)
  }
}
