import ArgumentParser
import Foundation
import Saker

/// Evaluations of labelled sets of any format.
extension EvaluateCommand {
  // MARK: Boxes

  func evaluateBoxes() throws {
    let truths = try labelledTruths()
    let found = try DetectionFiles(detections, of: truths, form: lines)
    if found.strays > 0 {
      note("left out \(found.strays) detections in pictures that the ground truth doesn't have")
    }
    for guess in found.guesses { note(guess.reason) }
    let results = zip(truths.pictures, found.objects).map { picture, objects in
      PictureResult(
        detections: objects.map {
          Detection(box: $0.box.box, label: $0.label, score: Float($0.score ?? 0))
        },
        truths: picture.objects.map {
          Annotation(
            box: $0.box.box, label: $0.label,
            difficult: !$0.flags.isDisjoint(with: [.difficult, .crowd]))
        })
    }
    let classNames = found.classes.map(\.name)
    var measures: DetectionMeasures
    do {
      measures = try DetectionMeasures(
        results, classNames: classNames, confidence: conf, iouThreshold: iou,
        kind: elevenPoints ? .elevenPoints : .allPoints, rule: inclusive ? .inclusive : .continuous)
    } catch {
      throw EvaluationFailure(description: "\(detections) against \(truthPath): \(error)")
    }
    measures.guessed = found.guesses
    let pictures = truths.pictures.map { $0.path.isEmpty ? $0.file : $0.path }
    if mistakes != nil || hardNegatives != nil {
      try explain(results, pictures, classNames)
    }
    if let out { try draw(truths, results, classNames, measures, into: out) }
    print(common.json ? measures.json : "\(measures)")
    if let out, !common.json { print("curves and pictures in \(out)") }
  }

  /// The truths, refused if anything about their boxes is wrong.
  private func labelledTruths() throws -> LabelSet {
    if truthLines != nil {
      return try LabelSet(textBoxes: truthPath, form: truthLines ?? .corners)
    }
    // Only shares of a picture need its size.
    let format = try DataFormat.detect(truthPath)
    let needsSizes = format == .yolo || format == .labelImgYOLO || out != nil
    let reading = LabelReading(split: split, pictures: needsSizes ? .header : .unread)
    let set = try LabelSet(path: truthPath, format: format, reading)
    guard format.isDetection else {
      throw EvaluationFailure(description: "\(truthPath): is \(format.title), which has no boxes")
    }
    let errors = set.problems.filter { $0.severity == .error }
    guard errors.isEmpty else { throw DatasetError.problems(errors) }
    return set
  }

  private func draw(
    _ truths: LabelSet, _ results: [PictureResult], _ classNames: [String],
    _ measures: DetectionMeasures, into folder: String
  ) throws {
    try RunFolder.make(folder)
    try RunFolder(folder).removeEvaluation()
    let items = truths.pictures.map {
      DetectionDataset.Item(
        name: $0.name, picture: $0.path, size: $0.size ?? PictureSize(width: 0, height: 0),
        annotations: [])
    }
    var pictures = EvaluationPictures(items: items, results: results, classNames: classNames)
    pictures.confidence = conf
    try pictures.write(into: folder)
    try RunFolder.write(measures.json + "\n", to: folder + "/report.json")
    try RunReport(
      folder: folder, title: "Evaluation of \((detections as NSString).lastPathComponent)",
      facts: measures.facts
    ).write(to: RunFolder(folder).report)
  }

  // MARK: Classes

  /// A table of scores; areas under curves are of each class against all others.
  func evaluateClasses() throws {
    struct Areas: Encodable {
      var name: String
      /// `nil` (JSON null) for a class that all or no pictures have.
      var rocArea, averagePrecision: Double?
    }
    struct Whole: Encodable {
      var report: ClassificationEvaluation.Report
      var areas: [Areas]
      func encode(to encoder: any Encoder) throws {
        try report.encode(to: encoder)
        var fields = encoder.container(keyedBy: Key.self)
        try fields.encode(areas, forKey: .areas)
      }
      enum Key: String, CodingKey { case areas }
    }
    let truths = try groundTruth.map {
      try LabelSet(path: $0, LabelReading(pictures: .unread))
    }
    let table = try ClassScores(detections, truths: truths)
    let evaluation = ClassificationEvaluation(
      probabilities: table.scores.map { row in row.map { Float($0) } }, truths: table.truths,
      classNames: table.classNames)
    let areas = table.classNames.indices.map { label in
      let scores = table.scores.map { $0[label] }
      let isClass = table.truths.map { $0 == label }
      return Areas(
        name: table.classNames[label], rocArea: ROCCurve(scores: scores, truths: isClass)?.area,
        averagePrecision: ScoreCurve(scores: scores, truths: isClass)?.averagePrecision)
    }
    if common.json { return try printJSON(Whole(report: evaluation.report, areas: areas)) }
    print(evaluation.report)
    func number(_ value: Double?) -> String { value.map { String(format: "%.4f", $0) } ?? "-" }
    for area in areas {
      print(
        "\(area.name): ROC area \(number(area.rocArea)), average precision "
          + number(area.averagePrecision))
    }
  }

  // MARK: Label maps

  /// Folders of label maps, compared picture by picture.
  func evaluateMasks() throws {
    let maps = try LabelMap.pairs(truths: truthPath, predictions: detections)
    let progress = ProgressLine("pictures", total: maps.count, isQuiet: common.json)
    var evaluation = SegmentationEvaluation(classes: classes ?? 256)
    var most = 0
    for (index, (truth, prediction)) in maps.enumerated() {
      let (wanted, found) = (try LabelMap(file: truth), try LabelMap(file: prediction))
      guard wanted.size == found.size else {
        throw EvaluationFailure(
          description:
            "\(prediction): expected \(wanted.size) pixels as the truth, got \(found.size)")
      }
      most = max(most, wanted.labels.lazy.filter { $0 < 255 }.max().map(Int.init) ?? 0)
      // 255 is nobody's class: of a truth undecided, of a prediction wrong.
      evaluation.add(
        predicted: found.labels.map { $0 == 255 ? -1 : Int16($0) },
        truths: wanted.labels.map { $0 == 255 ? -1 : Int16($0) })
      progress.update(index + 1)
    }
    progress.finish()
    print(common.json ? evaluation.json : evaluation.table)
  }
}

extension DetectionMeasures {
  /// For a report's head.
  var facts: [(name: String, value: String)] {
    func number(_ value: Double?) -> String {
      value.flatMap { $0 < 0 ? nil : String(format: "%.4f", $0) } ?? "-"
    }
    return [
      ("pictures", "\(voc.pictures)"),
      ("mAP at IoU \(voc.iouThreshold)", number(voc.meanAveragePrecision)),
      ("COCO AP", number(coco[0])), ("COCO AP50", number(coco[1])),
      ("confidence", "\(voc.all.confidence)"),
    ]
  }
}
