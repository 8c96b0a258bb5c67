import ArgumentParser
import Foundation
import Saker

struct ValCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "val", abstract: "Evaluate a detector or a classifier on labelled images.",
    discussion: """
      Classifiers: top-1, top-5, and precision, recall and F1 of each class.

      Detectors: Pascal VOC's table: a detection is correct if its IoU with a true box of its class is at least the threshold \
      and no better detection claims that box; 'difficult' boxes are not counted. Then COCO's and Ultralytics' measures, the miss rate, \
      and what each kind of mistake costs.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var source: DataOptions
  @OptionGroup var models: ModelOptions

  @Option(help: "A split of the data, or all; by default test or val, the first that exists.")
  var split: String?
  @Option(help: "Least IoU of a correct detection.")
  var iou = 0.5
  @Option(help: "Confidence at which precision, recall and F1 are reported.")
  var conf = 0.5
  @Flag(help: "11-point average precision, as in VOC 2007, instead of the area under the curve.")
  var elevenPoints = false
  @OptionGroup var overlaps: SuppressionOptions
  @Option(help: "Batch size.")
  var batch = 16
  @Option(help: "Threads that load and preprocess images.")
  var workers = 2
  @Option(
    help:
      "A folder for curves, confusion matrix, images of the results, report.json and report.html."
  )
  var out: String?
  @Option(
    help:
      "A new folder for confident false positives on background, cropped as training images without objects."
  )
  var hardNegatives: String?

  func validate() throws {
    guard (0...1).contains(iou), (0...1).contains(conf) else {
      throw ValidationError("iou and conf: expected 0...1, got \(iou) and \(conf)")
    }
    guard (1...4096).contains(batch), (0...64).contains(workers) else {
      throw ValidationError("batch: expected 1...4096, workers 0...64; got \(batch) and \(workers)")
    }
  }

  func run() throws {
    common.apply()
    switch try models.load() {
    case .classifiers(let members):
      guard hardNegatives == nil else {
        throw ValidationError("hard negatives: only for detectors")
      }
      try overlaps.refuseForClassifiers()
      try evaluate(members)
    case .detectors(let members): try evaluate(members)
    }
  }

  private func evaluate(_ members: [(name: String, source: ClassifierSource)]) throws {
    let runners = members.map { name, member in
      var runner = ClassifierRunner(
        member.model, member.card, precision: models.precision, batch: batch, workers: workers,
        skipBad: source.skipBad, isQuiet: common.json)
      runner.votes = models.tta
      return (name: name, runner: runner)
    }
    try ClassifierValidation(
      members: members, vote: ClassifierVote(runners, models.vote ?? .soft), data: source,
      split: split.map(SplitName.canonical)
    ).run(json: common.json, out: out)
  }

  private func evaluate(_ members: [(name: String, model: any Detector)]) throws {
    var skipped: [PictureError] = []
    let vote = try DetectorVote(
      members.map { name, model in
        var runner = DetectorRunner(
          model, precision: models.precision, batch: batch, workers: workers,
          skipBad: source.skipBad, isQuiet: common.json)
        if models.tta { runner.views = TestTimeAugmentation() }
        runner.onSkip = { skipped.append($0) }
        return (name, runner)
      })
    let known = try source.splits()
    let chosen = split.map(SplitName.canonical) ?? ["test", "val"].first(where: known.contains)
    let dataset = try source.dataset(
      split: chosen == "all" ? nil : chosen, classes: vote.classNames)
    var results: [PictureResult] = []
    var order: [Int] = []
    try vote.run(over: dataset, DetectionOptions(rule: overlaps.rule)) { found in
      order.append(found.index)
      results.append(
        PictureResult(
          detections: found.detections, truths: dataset.items[found.index].annotations))
    }
    for error in skipped { note("left out \(error)") }
    let measures = try DetectionMeasures(
      results, classNames: dataset.classes, confidence: conf, iouThreshold: iou,
      kind: elevenPoints ? .elevenPoints : .allPoints)
    if let hardNegatives { try cut(dataset, results, order, into: hardNegatives) }
    if let out { try draw(measures, dataset, results, order, into: out) }
    try Measured(
      measures: measures, pictures: results.count, split: chosen ?? "all",
      files: source.account(
        [dataset], splits: chosen == nil || chosen == "all" ? nil : [chosen!]),
      voters: Voters(
        overlaps.suppression == .fusion ? "fusion" : "suppression", members.map(\.name))
    ).tell(json: common.json, out: out)
  }

  private func cut(
    _ dataset: DetectionDataset, _ results: [PictureResult], _ order: [Int], into folder: String
  ) throws {
    let items = order.map { dataset.items[$0] }
    let negatives = HardNegatives(
      DetectionErrors(results, classNames: dataset.classes), results, sizes: items.map(\.size))
    let count = try negatives.write(pictures: items.map(\.picture), to: folder)
    note(
      "\(count) pieces of background in \(folder), \(negatives.tooNear) left out as too near an object"
    )
  }

  private func draw(
    _ measures: DetectionMeasures, _ dataset: DetectionDataset, _ results: [PictureResult],
    _ order: [Int], into folder: String
  ) throws {
    try RunFolder.make(folder)
    try RunFolder(folder).removeEvaluation()
    let evaluation = DetectionEvaluation(results, classNames: dataset.classes, iouThreshold: iou)
    try Figure.evaluation(evaluation, title: "").write(to: folder + "/curves.png")
    var tiles: [ContactSheet.Tile] = []
    for (result, index) in zip(results, order).prefix(8) {
      let item = dataset.items[index]
      let shown = result.detections.filter { Double($0.score) >= conf }
      let picture = try Picture(file: item.picture).annotated(
        with: shown, classNames: dataset.classes, truths: result.truths)
      tiles.append(ContactSheet.Tile(picture, caption: item.name))
    }
    var sheet = ContactSheet(tiles)
    sheet.title = String(format: "found at confidence %.2f or more; truths striped", conf)
    try sheet.picture().write(to: folder + "/predictions.png")
    var pictures = EvaluationPictures(
      items: order.map { dataset.items[$0] }, results: results, classNames: dataset.classes)
    pictures.confidence = conf
    try pictures.write(into: folder)
    try RunReport(
      folder: folder,
      title: "Evaluation of "
        + models.weights.map { ($0 as NSString).lastPathComponent }.joined(separator: ", "),
      facts: measures.facts
    ).write(to: RunFolder(folder).report)
  }
}
