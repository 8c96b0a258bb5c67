import ArgumentParser
import Foundation
import Saker

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure detections in a file against ground truth in a file.",
    discussion: """
      COCO's evaluation, number for number that of pycocotools: the ground truth is an annotation file, the detections a \
      list of {"image_id", "category_id", "bbox" and/or "segmentation", "score"}.
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case coco
  }

  @OptionGroup var common: CommonOptions

  @Option(help: "The format of both files.")
  var format = Format.coco
  @Option(help: "The annotation file.")
  var groundTruth: String
  @Option(help: "The results file.")
  var detections: String
  @Option(help: "bbox or segm: whether boxes or masks are compared.")
  var iouType = COCOEvaluation.Kind.boxes
  @Flag(help: "A row a category below the 12 lines.")
  var perClass = false

  func run() throws {
    common.apply()
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
    if common.json {
      print(evaluation.json)
    } else {
      print(evaluation)
      if perClass { print("\n" + evaluation.table) }
    }
  }
}

extension COCOEvaluation.Kind: ExpressibleByArgument {}

struct EvaluationFailure: Error, CustomStringConvertible {
  var description: String
}
