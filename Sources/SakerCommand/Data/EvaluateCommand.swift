import ArgumentParser
import Foundation
import Saker

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Evaluate a file of predictions against a file of ground truth.",
    discussion: """
      --format coco: COCO's evaluation, number for number that of pycocotools; the ground truth is an annotation file, the \
      detections a list of {"image_id", "category_id", "bbox" and/or "segmentation", "score"}.

      --format boxes: Pascal VOC's, COCO's and Ultralytics' measures, miss rates and kinds of mistakes. The ground truth is \
      a data set of any format; the detections are a CSV table with scores, COCO's results, a folder with a text file a \
      picture (--lines), or the devkit's file a class.

      --format classes: a CSV table with a column a class, its scores; top-1 and top-5, precision and recall, areas under ROC \
      and precision-recall curves.

      --format masks: folders of label maps (PNG). --format culane: folders of *.lines.txt. --format tusimple: files of a \
      picture a line.
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case coco, boxes, masks, classes, culane, tusimple
  }

  @OptionGroup var common: CommonOptions

  @Option(help: "The kind of predictions: coco, boxes, masks, classes, culane or tusimple.")
  var format = Format.coco
  @Option(
    help:
      "The annotation file, data set, or folder of label maps or lanes. Classes: pictures sorted into folders, unless the table has a column truth."
  )
  var groundTruth: String?
  @Option(help: "The results: a file, or a folder of text files, label maps or lanes.")
  var detections: String
  @Option(help: "bbox or segm: whether boxes or masks are compared.")
  var iouType = COCOEvaluation.Kind.boxes
  @Flag(help: "Add a row per category below the 12 lines.")
  var perClass = false

  @Option(help: "A JSON file for the worst mistakes and the cost of each kind (boxes only).")
  var mistakes: String?
  @Option(
    help: "A file for confident false positives on background: lines 'image left top right bottom'."
  )
  var hardNegatives: String?

  @Option(help: "Boxes: a split of the ground truth; all by default.")
  var split: String?
  @Option(help: "Boxes: least IoU of a correct detection in Pascal VOC's table.")
  var iou = 0.5
  @Option(help: "Boxes: confidence at which precision, recall and F1 are reported.")
  var conf = 0.5
  @Flag(help: "Boxes: 11-point average precision, as in VOC 2007.")
  var elevenPoints = false
  @Flag(help: "Boxes: corners are pixels inside, a box is one pixel wider than their difference.")
  var inclusive = false
  @Option(
    help:
      "Boxes: what lines of text files hold: corners (class score left top right bottom), size (... width height), corners-last or size-last (the score behind the box), center (class score x y width height, shares of the picture) or yolo (the same with the score behind); told from all lines together if left out, and said."
  )
  var lines: DetectionFiles.LineForm?
  @Option(
    help: "Boxes: the ground truth is a folder of text files with such lines, without scores.")
  var truthLines: DetectionFiles.LineForm?
  @Option(help: "Boxes: a folder for curves, confusion matrix, worst mistakes and report.html.")
  var out: String?
  @Option(help: "Masks: number of classes; larger labels are ignored.")
  var classes: Int?

  @Option(help: "CULane: a file with the images to evaluate, one per line; all by default.")
  var list: String?

  func validate() throws {
    let given: [(option: String, isGiven: Bool, formats: Set<Format>)] = [
      ("iou-type", iouType == .masks, [.coco]), ("per-class", perClass, [.coco]),
      ("mistakes", mistakes != nil, [.coco, .boxes]),
      ("hard-negatives", hardNegatives != nil, [.coco, .boxes]), ("list", list != nil, [.culane]),
      ("split", split != nil, [.boxes]), ("iou", iou != 0.5, [.boxes]),
      ("conf", conf != 0.5, [.boxes]), ("eleven-points", elevenPoints, [.boxes]),
      ("inclusive", inclusive, [.boxes]), ("lines", lines != nil, [.boxes]),
      ("truth-lines", truthLines != nil, [.boxes]), ("out", out != nil, [.boxes]),
      ("classes", classes != nil, [.masks]),
    ]
    for option in given where option.isGiven && !option.formats.contains(format) {
      let formats = option.formats.map(\.rawValue).sorted().joined(separator: " or ")
      throw ValidationError("\(option.option): for --format \(formats) only")
    }
    guard groundTruth != nil || format == .classes else {
      throw ValidationError("ground-truth: expected a file or folder, got none")
    }
    guard (0...1).contains(iou), (0...1).contains(conf) else {
      throw ValidationError("iou and conf: expected 0...1, got \(iou) and \(conf)")
    }
    if let classes, !(1...255).contains(classes) {
      throw ValidationError("classes: expected 1...255, got \(classes)")
    }
  }

  func run() throws {
    common.apply()
    switch format {
    case .coco: try evaluateCOCO()
    case .boxes: try evaluateBoxes()
    case .masks: try evaluateMasks()
    case .classes: try evaluateClasses()
    case .culane:
      var evaluation = CULaneEvaluation()
      try evaluation.add(truths: truthPath, predictions: detections, list: list)
      let counts = evaluation.counts
      print(
        common.json
          ? evaluation.json
          : String(
            format: "found %d, wrong %d, missed %d: precision %.4f, recall %.4f, F1 %.4f",
            counts.truePositives, counts.falsePositives, counts.falseNegatives,
            evaluation.precision, evaluation.recall, evaluation.f1))
    case .tusimple:
      var evaluation = TuSimpleEvaluation()
      try evaluation.add(truths: truthPath, predictions: detections)
      let mean = evaluation.mean
      print(
        common.json
          ? evaluation.json
          : String(
            format: "%d pictures: accuracy %.4f, FP %.4f, FN %.4f", evaluation.pictures,
            mean.accuracy, mean.falsePositives, mean.falseNegatives))
    }
  }

  /// There for every format that needs it.
  var truthPath: String { groundTruth ?? "" }

  private func evaluateCOCO() throws {
    // Boxes need no masks, unless the results have nothing else.
    let withMasks = iouType == .masks
    let truths = try COCODataset(file: truthPath, segmentations: withMasks)
    var found = try COCODetection.read(file: detections, segmentations: withMasks)
    if !withMasks, let first = found.first, first.box == nil {
      found = try COCODetection.read(file: detections)
    }
    let evaluation: COCOEvaluation
    do {
      evaluation = try COCOEvaluation(truths: truths, detections: found, kind: iouType)
    } catch {
      throw EvaluationFailure(description: "\(detections) against \(truthPath): \(error)")
    }
    if evaluation.strayTruths > 0 {
      note("left out \(evaluation.strayTruths) truths of pictures or categories not listed")
    }
    if evaluation.strayDetections > 0 {
      note("left out \(evaluation.strayDetections) detections of categories not listed")
    }
    if evaluation.hasZeroID {
      note("an annotation has the id 0: as in pycocotools, it never counts as found")
    }
    if mistakes != nil || hardNegatives != nil { try explain(truths, found) }
    if common.json {
      print(evaluation.json)
    } else {
      print(evaluation)
      if perClass { print("\n" + evaluation.table) }
    }
  }
}

extension EvaluateCommand {
  private func explain(_ truths: COCODataset, _ found: [COCODetection]) throws {
    let (results, pictures, classNames) = truths.results(with: found)
    try explain(results, pictures, classNames)
  }

  func explain(_ results: [PictureResult], _ pictures: [String], _ classNames: [String]) throws {
    let report = DetectionErrors(results, classNames: classNames)
      .report(pictures: pictures, classNames: classNames)
    if let mistakes { try RunFolder.write(report.json + "\n", to: mistakes) }
    if let hardNegatives { try RunFolder.write(report.backgroundCrops(), to: hardNegatives) }
  }
}

extension COCOEvaluation.Kind: ExpressibleByArgument {}
extension DetectionFiles.LineForm: ExpressibleByArgument {}

struct EvaluationFailure: Error, CustomStringConvertible {
  let description: String

  init(description: String) { self.description = ByteText.message(description) }
}
