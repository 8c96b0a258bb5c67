import Foundation

/// Pictures, each of one class.
public struct ClassificationDataset: PictureSource {
  /// One picture and its class; nothing is decoded until it is needed.
  public struct Item: Hashable, Sendable {
    public var name: String
    /// Path of the picture, or of the file that holds it.
    public var file: String
    /// Index into the classes.
    public var label: Int
    /// Its place in the set's archive (IDX).
    public var archiveIndex: Int?

    public init(name: String, file: String, label: Int, archiveIndex: Int? = nil) {
      self.name = name
      self.file = file
      self.label = label
      self.archiveIndex = archiveIndex
    }
  }

  /// Names of the classes; an item's label is an index into them.
  public var classes: [String]
  public var items: [Item]
  /// Where pictures are kept in one file, that file.
  public var archive: IDXFile?

  public init(classes: [String], items: [Item], archive: IDXFile? = nil) {
    self.classes = classes
    self.items = items
    self.archive = archive
  }

  /// Label of each item.
  public var labels: [Int] { items.map(\.label) }

  /// Pictures of each class, in the order of `classes`.
  public var countsByClass: [Int] {
    var counts = [Int](repeating: 0, count: classes.count)
    for item in items { counts[item.label] += 1 }
    return counts
  }

  public var count: Int { items.count }
  public func name(of index: Int) -> String { items[index].name }
  public func file(of index: Int) -> String { items[index].file }

  /// - Throws: `PictureError`.
  public func picture(at index: Int) throws -> Picture {
    let item = items[index]
    if let archive, let place = item.archiveIndex { return try archive.picture(at: place) }
    return try Picture(file: item.file)
  }

  public func sample(at index: Int) throws -> Sample {
    Sample(picture: try picture(at: index), label: items[index].label)
  }
}

/// The parts of a data set: training, validation (to choose the best epoch) and test (measured
/// once, at the end).
public struct ClassificationParts: Sendable {
  public var training: ClassificationDataset
  public var validation: ClassificationDataset?
  public var test: ClassificationDataset?
  /// Everything found while reading: warnings, and with `skipBad` the errors of what was left out.
  public var problems: [DataProblem]
  /// Pictures left out because of errors.
  public var skipped: Int
  /// What became of every file; `nil` for labels that were made, not read.
  public var files: FileAccount?
}

/// Where the pictures to validate on come from.
public enum ValidationChoice: Hashable, Sendable {
  /// The split val if there is one; of data without splits two tenths, and two more to test; else
  /// none.
  case automatic
  case none
  case split(String)
  /// Of the pictures to learn from, above 0 and below 1, with its share of each class.
  case share(Double)

  /// The split that is named.
  var name: String? {
    if case .split(let name) = self { name } else { nil }
  }
}

extension ClassificationParts {
  /// Labels of pictures, divided.
  ///
  /// - Parameters:
  ///   - train: a split, `all` for everything; `train` if there is one, else
  ///     everything, if left out.
  ///   - seed: of the draws that divide.
  /// - Throws: `DatasetError` with everything that is wrong: errors of files unless `skipBad`,
  ///   pictures without a class, one class only, classes without pictures.
  public init(
    _ labels: LabelSet, train: String? = nil, validation: ValidationChoice = .automatic,
    skipBad: Bool = false, seed: UInt64 = 0
  ) throws {
    let (place, all) = (labels.root, labels)
    var (labels, problems) = (labels, labels.problems + labels.check())
    let before = labels.pictures.count
    labels.pictures = ClassificationParts.usable(labels, &problems)
    let errors = problems.filter { $0.severity == .error }
    guard skipBad || errors.isEmpty else { throw DatasetError.problems(problems) }
    func refuse(_ message: String) -> DatasetError {
      .problems([DataProblem(.error, file: place, message)])
    }
    guard !labels.pictures.isEmpty else {
      throw errors.isEmpty
        ? refuse("holds no pictures with a class") : DatasetError.problems(problems)
    }
    guard labels.classes.count > 1 else {
      throw refuse(
        "has one class (\(labels.classNames.joined())): expected at least two to tell apart")
    }
    skipped = before - labels.pictures.count
    let splits = labels.splits
    func require(_ split: String) throws -> LabelSet {
      let split = SplitName.canonical(split)
      guard splits.contains(split) else {
        let known = splits.isEmpty ? "none" : splits.joined(separator: ", ")
        throw refuse("has no split \(split); splits here: \(known)")
      }
      return labels.split(split)
    }
    if splits.isEmpty && train == nil && validation == .automatic {
      labels = labels.splitting([("train", 6), ("val", 2), ("test", 2)], seed: seed)
    }
    let hasSplits = !labels.splits.isEmpty
    let train = train.map(SplitName.canonical)
    var learnt: LabelSet
    switch train {
    case "all"?: learnt = labels
    case let split?: learnt = try require(split)
    case nil: learnt = labels.splits.contains("train") ? labels.split("train") : labels
    }
    let isWhole = train == "all" || !labels.splits.contains("train") && train == nil
    var chosen: LabelSet?
    switch validation {
    case .none: break
    case .automatic: chosen = isWhole ? nil : labels.split("val")
    case .split(let name): chosen = try require(name)
    case .share(let share):
      let parts = learnt.splitting([("train", 1 - share), ("val", share)], seed: seed)
      (learnt, chosen) = (parts.split("train"), parts.split("val"))
      guard chosen?.pictures.isEmpty == false else {
        throw refuse("is too small to divide: \(labels.pictures.count) pictures")
      }
    }
    let tested = hasSplits && !isWhole ? labels.split("test") : nil
    func dataset(_ set: LabelSet?) -> ClassificationDataset? {
      guard let set, !set.pictures.isEmpty else { return nil }
      return ClassificationDataset(set)
    }
    guard let training = dataset(learnt) else { throw refuse("has no pictures to learn from") }
    self.training = training
    self.validation = dataset(chosen)
    test = dataset(tested)
    let empty = zip(training.classes, training.countsByClass).filter { $0.1 == 0 }.map(\.0)
    if !empty.isEmpty {
      let problem = DataProblem(
        skipBad ? .warning : .error, file: place,
        "no pictures to learn from of class\(empty.count == 1 ? "" : "es") "
          + empty.joined(separator: ", "))
      guard skipBad else { throw DatasetError.problems(problems + [problem]) }
      problems.append(problem)
    }
    self.problems = problems
    let used = [self.training, self.validation, test].compactMap(\.self).flatMap(\.items)
    let named = [train ?? "train", validation.name ?? "val", "test"]
    files = all.account(
      using: Set(used.map(\.file)), splits: isWhole ? all.splits : all.splits.filter(named.contains)
    )
  }

  /// Pictures that are there, whole and of a known class; what is missing becomes a problem.
  fileprivate static func usable(
    _ labels: LabelSet, _ problems: inout [DataProblem]
  ) -> [LabeledPicture] {
    let bad = Set(problems.filter { $0.severity == .error }.map(\.file))
    var unlabeled: [LabeledPicture] = []
    var seen: Set<String> = []
    let kept = labels.pictures.filter { picture in
      guard let label = picture.label, labels.classes.indices.contains(label) else {
        if picture.label == nil { unlabeled.append(picture) }
        return false
      }
      if labels.archive != nil { return true }
      return !picture.path.isEmpty && !bad.contains(picture.path)
        && seen.insert(picture.path).inserted
    }
    for picture in unlabeled.prefix(20) {
      problems.append(
        DataProblem(
          .error, file: picture.source.isEmpty ? picture.path : picture.source,
          line: picture.line > 0 ? Int(picture.line) : nil, "\(picture.file) has no class"))
    }
    if unlabeled.count > 20, let first = unlabeled.first {
      problems.append(
        DataProblem(
          .error, file: first.source.isEmpty ? first.path : first.source,
          "\(unlabeled.count) pictures have no class"))
    }
    return kept
  }
}

extension ClassificationDataset {
  /// The pictures of a split, or of everything, to measure on: classes may be missing.
  ///
  /// - Parameter problems: gets what was wrong.
  /// - Throws: `DatasetError` for errors, unless `skipBad`, and when nothing is left.
  public init(
    _ labels: LabelSet, split: String?, skipBad: Bool, problems: inout [DataProblem]
  ) throws {
    var labels = labels
    if let split = split.map(SplitName.canonical) {
      let known = labels.splits
      guard known.contains(split) else {
        throw LabelFolder.failure(
          labels.root,
          "has no split \(split); splits here: \(known.isEmpty ? "none" : known.joined(separator: ", "))"
        )
      }
      labels = labels.split(split)
    }
    problems = labels.problems + labels.check()
    let place = labels.root
    labels.pictures = ClassificationParts.usable(labels, &problems)
    guard skipBad || !problems.contains(where: { $0.severity == .error }) else {
      throw DatasetError.problems(problems)
    }
    guard !labels.pictures.isEmpty else {
      throw LabelFolder.failure(place, "holds no pictures with a class")
    }
    self.init(labels)
  }
}

extension LabelSet {
  /// Where it was read from, as well as it can be told.
  fileprivate var root: String {
    guard let first = pictures.first else { return problems.first?.file ?? "the data" }
    if !first.source.isEmpty { return first.source }
    return first.path.hasSuffix(first.file)
      ? String(first.path.dropLast(first.file.count)).trimmed : first.path
  }
}

extension String {
  /// Without slashes at its end.
  fileprivate var trimmed: String {
    var text = self
    while text.count > 1 && text.hasSuffix("/") { text.removeLast() }
    return text
  }
}

extension ClassificationDataset {
  /// The pictures of a set that have a class.
  public init(_ labels: LabelSet) {
    let items = labels.pictures.enumerated().compactMap { index, picture in
      picture.label.map {
        Item(
          name: picture.name, file: picture.path, label: $0,
          archiveIndex: labels.archive == nil ? nil : picture.archiveIndex ?? index)
      }
    }
    self.init(classes: labels.classNames, items: items, archive: labels.archive)
  }
}
