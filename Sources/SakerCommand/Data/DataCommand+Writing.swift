import ArgumentParser
import Saker

struct DataConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Convert labels to another format and report what is lost.")

  @Flag(help: "Print the result as JSON on standard output, and nothing else there.")
  var json = false
  @Option(help: "The format to write.")
  var to: DataFormat
  @Option(help: "A new folder for labels and images.")
  var out: String
  @Option(help: "What to do with the images: copy, link or none (labels only).")
  var transfer = PictureTransfer.copy
  @Flag(help: "Skip objects with errors instead of stopping.")
  var skipBad = false
  @OptionGroup var source: LabelOptions

  func run() throws {
    // Labels alone need no pictures, unless these tell a size that the format has.
    var set = try source.read(transfer == .none ? .unread : .header)
    try set.refuseErrors(unless: skipBad, source)
    let report = try set.write(to: out, as: to, pictures: transfer)
    try report.tell(out, json: json)
  }
}

struct DataSplitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "split", abstract: "Split images into train, val and test.",
    discussion: """
      Splits are stratified by class, the rarest first. The same seed gives the same splits. Splits that \
      already exist are merged first.
      """)

  @Flag(help: "Print the result as JSON on standard output, and nothing else there.")
  var json = false
  @Option(help: "Ratio of train, val and test, such as 6:2:2 or 0.8:0.2.")
  var ratio = "6:2:2"
  @Option(help: "Random seed: one seed, one split.")
  var seed: UInt64 = 0
  @Flag(help: "Do not stratify by class.")
  var unstratified = false
  @Option(help: "The format to write; by default that of the data.")
  var to: DataFormat?
  @Option(help: "A new folder for labels and images.")
  var out: String
  @Option(help: "What to do with the images: copy, link or none (labels only).")
  var transfer = PictureTransfer.copy
  @Flag(help: "Skip objects with errors instead of stopping.")
  var skipBad = false
  @OptionGroup var source: LabelOptions

  private func shares() throws -> [(name: String, part: Double)] {
    let parts = ratio.split(separator: ":", omittingEmptySubsequences: false).map {
      DecimalNumber.parse($0)
    }
    guard (2...3).contains(parts.count),
      parts.allSatisfy({ $0.map { $0.isFinite && $0 >= 0 && $0 <= 1e9 } ?? false }),
      parts.contains(where: { $0! > 0 })
    else {
      throw ValidationError("ratio: expected two or three parts such as 6:2:2, got '\(ratio)'")
    }
    return Array(zip(["train", "val", "test"], parts.map { $0! }))
  }

  func validate() throws { _ = try shares() }

  private struct Result: Encodable {
    var folder: String
    var format: DataFormat
    var seed: UInt64
    /// Pictures of each split, and objects of each class in it.
    var splits: [String: Part]
    struct Part: Encodable {
      var pictures: Int
      var classes: [String: Int]
    }
    var lost: [ConversionReport.Loss]
  }

  func run() throws {
    var set = try source.read(transfer == .none ? .unread : .header)
    try set.refuseErrors(unless: skipBad, source)
    let divided = set.splitting(try shares(), seed: seed, stratified: !unstratified)
    let report = try divided.write(
      to: out, as: to ?? set.format ?? .voc, pictures: transfer)
    var splits: [String: Result.Part] = [:]
    for (name, _) in try shares() {
      let part = divided.split(name)
      var classes: [String: Int] = [:]
      for (name, count) in zip(part.classNames, part.countsByClass) {
        classes[name, default: 0] += count
      }
      for picture in part.pictures {
        if let label = picture.label { classes[part.classNames[label], default: 0] += 1 }
      }
      splits[name] = Result.Part(pictures: part.pictures.count, classes: classes)
    }
    if json {
      return try printJSON(
        Result(folder: out, format: report.format, seed: seed, splits: splits, lost: report.lost))
    }
    for (name, _) in try shares() {
      let part = splits[name]!
      let counts = set.classNames.map { "\(part.classes[$0] ?? 0) \($0)" }
      print("\(name): \(part.pictures) pictures, \(counts.joined(separator: ", "))")
    }
    try report.tell(out, json: false)
  }
}

struct DataCropsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "crops", abstract: "Crop every object: boxes become data for classifiers.",
    discussion: """
      Writes a folder for each class, inside a folder for each split: train/cat/NAME-3.jpg is the third object of NAME. \
      Difficult objects, crowds, boxes without area and those below --min-side are left out and counted. To divide data \
      without splits by image, run 'saker data split' first.
      """)

  @Flag(help: "Print the result as JSON on standard output, and nothing else there.")
  var json = false
  @Option(help: "A new folder for the crops.")
  var out: String
  @Option(help: "Margin around the box on each side, as a fraction of its width and height.")
  var margin = 0.05
  @Flag(help: "Square crops: extend the shorter side, with gray where the image ends.")
  var square = false
  @Option(help: "Maximum length of a crop's longer side, in pixels; larger crops are downscaled.")
  var size: Int?
  @Option(help: "Skip boxes with a side below this many pixels.")
  var minSide = 8.0
  @Option(help: "JPEG quality, 1...100.")
  var quality = 92
  @Flag(help: "Write lossless PNG files.")
  var png = false
  @Flag(help: "Leave out objects and pictures with errors instead of stopping.")
  var skipBad = false
  @OptionGroup var source: LabelOptions

  func validate() throws {
    guard (0...10).contains(margin) else {
      throw ValidationError("margin: expected 0...10, got \(margin)")
    }
    guard (1...65_500).contains(size ?? 1) else {
      throw ValidationError("size: expected 1...65500, got \(size ?? 0)")
    }
    guard minSide >= 0, minSide.isFinite else {
      throw ValidationError("min side: expected 0 or more, got \(minSide)")
    }
    guard (1...100).contains(quality) else {
      throw ValidationError("quality: expected 1...100, got \(quality)")
    }
  }

  private struct Result: Encodable {
    var folder: String
    var report: ObjectCrops.Report

    func encode(to encoder: any Encoder) throws {
      try report.encode(to: encoder)
      var values = encoder.container(keyedBy: Key.self)
      try values.encode(folder, forKey: .folder)
    }

    private enum Key: String, CodingKey { case folder }
  }

  func run() throws {
    var set = try source.read()
    try set.refuseErrors(unless: skipBad, source)
    var options = ObjectCrops.Options()
    (options.margin, options.isSquare, options.side) = (margin, square, size)
    options.smallestSide = minSide
    options.encoding = png ? .png() : .jpeg(quality: quality)
    let report = try ObjectCrops(set, options).write(to: out, skipBad: skipBad)
    if json { return try printJSON(Result(folder: out, report: report)) }
    print("\(out): \(report.crops) objects of \(report.pictures) pictures")
    for (split, counts) in report.splits.sorted(by: { $0.key < $1.key }) {
      let told = report.classes.map { "\(counts[$0] ?? 0) \($0)" }.joined(separator: ", ")
      print("\(split): \(counts.values.reduce(0, +)) pieces, \(told)")
    }
    for loss in report.leftOut { print("left out: \(loss.what) (\(loss.count))") }
  }
}

extension LabelSet {
  /// Stops where there are errors, or takes out what is wrong.
  mutating func refuseErrors(unless skips: Bool, _ source: LabelOptions) throws {
    let found = problems + check()
    let errors = found.filter { $0.severity == .error }
    guard !errors.isEmpty else { return source.tell(found) }
    guard skips else { throw DatasetError.problems(found) }
    source.tell(found)
    let left = removeBad()
    note("left out \(left.pictures) pictures and \(left.objects) objects with errors")
  }
}

extension ConversionReport {
  func tell(_ folder: String, json: Bool) throws {
    if json { return try printJSON(self) }
    print("\(folder): \(pictures) pictures, \(objects) objects as \(format.title)")
    print("classes in order: \(classes.joined(separator: ", "))")
    for loss in lost { print("not carried: \(loss.what) (\(loss.count))") }
  }
}
