import ArgumentParser
import Foundation
import Saker

struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Detect objects in images, or classify images, and draw the result.",
    discussion: """
      Takes images and folders of images; writes each with its boxes, or with its class, to the folder --out. A \
      checkpoint knows its preprocessing. Weights of other programs need --model.
      """)

  @OptionGroup var common: CommonOptions

  @OptionGroup var models: ModelOptions
  @Option(help: "The part of another program's file to take, such as ema.")
  var part: String?
  @Option(help: "Number of most probable classes to report for each image.")
  var top = 5
  @Argument(help: "Images, or folders of images (\(Picture.endings.joined(separator: ", "))).")
  var pictures: [String]
  @Option(help: "The folder for the annotated images.")
  var out = "predictions"
  @Option(help: "Least confidence of a detection.")
  var conf: Float = 0.4
  @Option(help: "Boxes of one class with a larger IoU overlap: the better one stays.")
  var iou: Float = 0.45
  @OptionGroup var overlaps: SuppressionOptions
  @Flag(help: "Class-agnostic suppression: boxes of different classes suppress each other, too.")
  var agnostic = false
  @Option(help: "Maximum number of detections per image.")
  var limit = 200
  @Flag(help: "Draw nothing; only report what was found.")
  var noPictures = false

  func validate() throws {
    guard (0...1).contains(conf), (0...1).contains(iou) else {
      throw ValidationError("conf and iou: expected 0...1, got \(conf) and \(iou)")
    }
    guard (1...100_000).contains(top) else {
      throw ValidationError("top: expected 1...100000, got \(top)")
    }
    guard (1...100_000).contains(limit) else {
      throw ValidationError("limit: expected 1...100000, got \(limit)")
    }
  }

  private struct Found: Encodable {
    struct Object: Encodable {
      var name: String
      var label: Int
      var score: Float
      /// Left, top, right, bottom in pixels.
      var box: [Float]
    }
    var file: String
    var width, height: Int
    var objects: [Object]
    var picture: String?
    /// What of the file isn't read, such as the further frames of an animation, and letters that no
    /// font has; absent for nothing.
    var warnings: [String]?
    var milliseconds: Double
  }

  func run() throws {
    common.apply()
    let files = try PictureFiles(pictures)
    for line in files.summary { note(line) }
    switch try models.load(part: part) {
    case .classifiers(let members):
      try overlaps.refuseForClassifiers()
      let runners = members.map { name, source in
        var runner = ClassifierRunner(source.model, source.card, precision: models.precision)
        runner.votes = models.tta
        return (name: name, runner: runner)
      }
      let prediction = ClassifierPrediction(
        vote: try ClassifierVote(runners, models.vote ?? .soft), top: top)
      try forEach(files, describe: prediction.describe) { file, names in
        try prediction.predict(file, writing: noPictures ? nil : names.next(for: file))
      }
    case .detectors(let members):
      let vote = try DetectorVote(
        members.map { name, model in
          var runner = DetectorRunner(model, precision: models.precision)
          if models.tta { runner.views = TestTimeAugmentation() }
          return (name, runner)
        })
      try forEach(files, describe: describe) { file, names in try predict(file, vote, &names) }
    }
  }

  /// Does each file, tells what was found, and goes on after a bad one.
  private func forEach<Result: Encodable>(
    _ given: PictureFiles, describe: (Result) -> String,
    _ body: (String, inout OutputNames) throws -> Result
  ) throws {
    if !noPictures { try RunFolder.make(out) }
    let files = given.files
    var names = OutputNames(folder: out, sparing: files)
    var found: [PictureEntry<Result>] = []
    var failures: [any Error] = []
    let progress = ProgressLine(
      "predict", total: files.count, isQuiet: common.json || files.count < 3)
    for (index, file) in files.enumerated() {
      do {
        let result = try body(file, &names)
        found.append(.found(result))
        if !common.json {
          progress.finish()
          print(describe(result))
        }
      } catch {
        // One bad picture does not cost the others.
        failures.append(error)
        found.append(.failed(file, (error as? PictureError)?.reason ?? "\(error)"))
        note("Error: \(error)")
      }
      progress.update(index + 1)
    }
    progress.finish()
    if common.json {
      try printJSON(found + given.leftOut.map { .leftOut($0.file, $0.reason) })
    }
    if !failures.isEmpty {
      note("\(failures.count) of \(files.count) pictures could not be done")
      throw ExitCode.failure
    }
  }

  private func predict(_ file: String, _ vote: DetectorVote, _ names: inout OutputNames) throws
    -> Found
  {
    let start = Date()
    let (picture, warnings) = try PictureFiles.read(file)
    let letters = LetterWarnings()
    let classNames = vote.classNames
    let options = DetectionOptions(
      confidence: conf, iou: iou, isClassAgnostic: agnostic, limit: limit, rule: overlaps.rule)
    let detections = vote.detect(picture, options)
    var written: String?
    if !noPictures {
      let path = names.next(for: file)
      // Fast to write, and nearly as small: zlib's first levels on top of PNG's filters.
      let encoding: Picture.Encoding = path.hasSuffix(".png") ? .png(level: 1) : .jpeg()
      try picture.annotated(with: detections, classNames: classNames).write(
        to: path, as: encoding)
      written = path
    }
    let objects = detections.map { detection in
      Found.Object(
        name: classNames[detection.label], label: detection.label, score: detection.score,
        box: [detection.box.left, detection.box.top, detection.box.right, detection.box.bottom])
    }
    return Found(
      file: file, width: picture.width, height: picture.height, objects: objects,
      picture: written, warnings: letters.added(to: warnings),
      milliseconds: Date().timeIntervalSince(start) * 1e3)
  }

  private func describe(_ found: Found) -> String {
    var counts: [String: Int] = [:]
    for object in found.objects { counts[object.name, default: 0] += 1 }
    let list = counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    let what = list.isEmpty ? "nothing found" : list.joined(separator: ", ")
    return "\(found.file): \(what) (\(String(format: "%.0f", found.milliseconds)) ms)"
      + (found.picture.map { " -> \($0)" } ?? "")
  }
}

/// Names for what is written: the picture's own, and a number where two pictures share one, or
/// where the picture itself would be overwritten.
struct OutputNames {
  let folder: String
  private var taken: Set<String> = []

  /// - Parameter originals: files that stay as they are.
  init(folder: String, sparing originals: [String]) {
    self.folder = folder
    taken = Set(originals.map(OutputNames.whole))
  }

  /// Without links and dots, so that two ways to one file are one.
  private static func whole(_ path: String) -> String {
    let url = URL(fileURLWithPath: path)
    return url.deletingLastPathComponent().resolvingSymlinksInPath().path + "/"
      + url.lastPathComponent
  }

  mutating func next(for file: String) -> String {
    let name = (file as NSString).lastPathComponent as NSString
    let ending = Picture.Encoding(path: name as String) == nil ? "png" : name.pathExtension
    var number = 1
    while true {
      let stem =
        number == 1 ? name.deletingPathExtension : "\(name.deletingPathExtension)-\(number)"
      let path = "\(folder)/\(stem).\(ending)"
      if taken.insert(OutputNames.whole(path)).inserted { return path }
      number += 1
    }
  }
}
