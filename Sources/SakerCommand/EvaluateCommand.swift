import ArgumentParser
import Foundation
import Saker

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure detections in a file against ground truth in a file.",
    discussion: """
      COCO's evaluation, number for number that of pycocotools: the ground truth is an annotation file, the detections a \
      list of {"image_id", "category_id", "bbox" and/or "segmentation", "score"}. With --format culane both are folders of \
      *.lines.txt, with --format tusimple files of a picture a line.
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case coco, culane, tusimple
  }

  @OptionGroup var common: CommonOptions

  @Option(help: "The format of both: coco, culane or tusimple.")
  var format = Format.coco
  @Option(help: "The annotation file, or folder of lanes.")
  var groundTruth: String
  @Option(help: "The results file, or folder of lanes.")
  var detections: String
  @Option(help: "bbox or segm: whether boxes or masks are compared.")
  var iouType = COCOEvaluation.Kind.boxes
  @Flag(help: "A row a category below the 12 lines.")
  var perClass = false

  @Option(help: "A file for the worst mistakes and what each kind costs, as JSON (boxes only).")
  var mistakes: String?
  @Option(
    help: "A file for confident detections of nothing: lines 'picture left top right bottom'.")
  var hardNegatives: String?

  @Option(help: "CULane: a file that names the pictures to count, one a line; all if left out.")
  var list: String?

  func validate() throws {
    let isCOCO = format == .coco
    guard isCOCO || !(perClass || mistakes != nil || hardNegatives != nil || iouType == .masks)
    else {
      throw ValidationError(
        "iou-type, per-class, mistakes and hard-negatives: for --format coco only")
    }
    guard list == nil || format == .culane else {
      throw ValidationError("list: for --format culane only")
    }
  }

  func run() throws {
    common.apply()
    switch format {
    case .coco: try evaluateCOCO()
    case .culane:
      var evaluation = CULaneEvaluation()
      try evaluation.add(truths: groundTruth, predictions: detections, list: list)
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
      try evaluation.add(truths: groundTruth, predictions: detections)
      let mean = evaluation.mean
      print(
        common.json
          ? evaluation.json
          : String(
            format: "%d pictures: accuracy %.4f, FP %.4f, FN %.4f", evaluation.pictures,
            mean.accuracy, mean.falsePositives, mean.falseNegatives))
    }
  }

  private func evaluateCOCO() throws {
    // Boxes need no masks, unless the results have nothing else.
    let withMasks = iouType == .masks
    let truths = try COCODataset(file: groundTruth, segmentations: withMasks)
    var found = try COCODetection.read(file: detections, segmentations: withMasks)
    if !withMasks, let first = found.first, first.box == nil {
      found = try COCODetection.read(file: detections)
    }
    let evaluation: COCOEvaluation
    do {
      evaluation = try COCOEvaluation(truths: truths, detections: found, kind: iouType)
    } catch {
      throw EvaluationFailure(description: "\(detections) against \(groundTruth): \(error)")
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
    let report = DetectionErrors(results, classNames: classNames)
      .report(pictures: pictures, classNames: classNames)
    if let mistakes { try RunFolder.write(report.json + "\n", to: mistakes) }
    if let hardNegatives { try RunFolder.write(report.backgroundCrops(), to: hardNegatives) }
  }
}

extension COCOEvaluation.Kind: ExpressibleByArgument {}

struct EvaluationFailure: Error, CustomStringConvertible {
  var description: String
}
