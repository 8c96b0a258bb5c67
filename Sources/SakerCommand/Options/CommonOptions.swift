import ArgumentParser
@preconcurrency import Foundation
import Saker

/// What every command understands.
struct CommonOptions: ParsableArguments {
  @Flag(help: "Print the result as JSON on standard output, and nothing else there.")
  var json = false

  @Option(help: "Compute threads; all cores by default.")
  var threads: Int?

  @Option(
    help:
      "How 3x3 convolutions are computed: auto (the fastest kernel for each), direct (oneDNN's) or winograd (ours wherever they can)."
  )
  var convolution: ConvolutionSetting?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("threads: expected 1...1024, got \(threads)")
    }
    if convolution == nil, let problem = Convolutions.problem { throw ValidationError(problem) }
    if let problem = Instructions.problem { throw ValidationError(problem) }
  }

  func apply() {
    // Whoever reads a log wants each line when it happens, also through a pipe.
    setvbuf(stdout, nil, _IOLBF, 0)
    if let threads { Parallel.threads = threads }
    if let convolution { Convolutions.setting = convolution }
    if Convolutions.setting == .auto, let problem = ConvolutionChooser.problem { note(problem) }
  }
}

/// Where pictures with truths come from.
struct DataOptions: ParsableArguments {
  @Option(
    help:
      "Labelled images: a Pascal VOC folder, images with labelImg files beside them, COCO JSON, a YOLO data YAML, CreateML, CSV; for classifiers a folder for each class, IDX files, CSV. Or embedded data: bccd (blood cells, boxes), fashion-mnist (clothes) and cards (playing cards), both a class each. If left out: bccd, for classifiers fashion-mnist."
  )
  var data: String?

  @Flag(help: "Skip files with errors and report how many, instead of refusing the data set.")
  var skipBad = false

  /// A split of the data, its warnings told on standard error.
  func dataset(split: String?, classes: [String]? = nil) throws -> DetectionDataset {
    let dataset = try read(split: split, classes: classes)
    tell(dataset)
    return dataset
  }

  /// The data to train on, and to validate on if there are any: the problems of both are
  /// reported together.
  func datasets(
    training split: String?, validation: String?, classes: [String]? = nil, tells: Bool = true
  ) throws -> (training: DetectionDataset, validation: DetectionDataset?) {
    var problems: [DataProblem] = []
    func attempt(_ split: String?, _ classes: [String]?) throws -> DetectionDataset? {
      do {
        return try read(split: split, classes: classes)
      } catch let error as DatasetError {
        problems += error.problems.filter { !problems.contains($0) }
        return nil
      }
    }
    let first = try attempt(split, classes)
    let second = try validation.flatMap { try attempt($0, classes ?? first?.classes) }
    guard let first, problems.isEmpty else { throw DatasetError.problems(problems) }
    if tells {
      tell(first)
      if let second { tell(second) }
    }
    return (first, second)
  }

  private func read(split: String?, classes: [String]?) throws -> DetectionDataset {
    let dataset: DetectionDataset
    if let data, EmbeddedData.named(data) != .bloodCells {
      dataset = try DetectionDataset(
        data: EmbeddedData.path(data), split: split, classes: classes,
        policy: skipBad ? .skipBad : .strict)
    } else {
      dataset = try DetectionDataset.bloodCells(split: split)
      if let classes, classes != dataset.classes {
        throw ValidationError(
          "the embedded data have the classes \(ByteText.list(dataset.classes)), the weights "
            + "\(ByteText.list(classes)): name a folder with --data")
      }
    }
    return dataset
  }

  private func tell(_ dataset: DetectionDataset) {
    let limit = 20
    for problem in dataset.problems.prefix(limit) { note(problem.description) }
    if dataset.problems.count > limit {
      note("... and \(dataset.problems.count - limit) more")
    }
    if dataset.skipped > 0 {
      note("left out \(dataset.skipped) bad file\(dataset.skipped == 1 ? "" : "s")")
    }
  }

  /// The account of the files for pictures that are used; `nil` if the data cannot be read as a
  /// whole.
  ///
  /// - Parameter splits: their names; every split if left out.
  func account(_ datasets: [DetectionDataset?], splits: [String]?) -> FileAccount? {
    guard let path = try? EmbeddedData.path(data ?? EmbeddedData.bloodCells.rawValue),
      let whole = try? LabelSet(path: path, LabelReading(pictures: .listed))
    else { return nil }
    let used = Set(datasets.flatMap { $0?.items.map(\.picture) ?? [] })
    return whole.account(using: used, splits: splits ?? whole.splits)
  }

  /// The splits there are.
  func splits() throws -> [String] {
    DetectionDataset.splits(ofData: try EmbeddedData.path(data ?? EmbeddedData.bloodCells.rawValue))
  }
}

extension EmbeddedData {
  /// How a run remembers what it was trained on: a whole path, so that it can be resumed from
  /// another folder, the name of an embedded set, or nothing for the set that is taken
  /// without `--data`.
  static func remembered(_ data: String?, else usual: EmbeddedData) -> String {
    guard let data else { return "" }
    guard let set = named(data) else { return URL(fileURLWithPath: data).path }
    return set == usual ? "" : set.rawValue
  }

  /// Data in words.
  static func told(_ data: String?, else usual: EmbeddedData) -> String {
    guard let data else { return usual.title }
    return named(data)?.title ?? data
  }
}

extension ConvolutionSetting: ExpressibleByArgument {}
extension TrainingSettings.Precision: ExpressibleByArgument {}
extension TrainingSettings.Rule: ExpressibleByArgument {}
extension MomentumConvention: ExpressibleByArgument {}
extension TrainingSettings.Course: ExpressibleByArgument {}

/// A value as JSON with sorted keys, in snake_case.
func textOfJSON(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
  encoder.keyEncodingStrategy = .convertToSnakeCase
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}

/// Prints a value as JSON with sorted keys, in snake_case.
func printJSON(_ value: some Encodable) throws { print(try textOfJSON(value)) }
