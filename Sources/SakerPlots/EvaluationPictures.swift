import Foundation
import SakerData
import SakerMetrics

/// What a detector found in a data set with truths, as the pictures of a run folder.
public struct EvaluationPictures: Sendable {
  /// Names and paths of the pictures, in the order of `results`.
  public let items: [DetectionDataset.Item]
  public let results: [PictureResult]
  public let classNames: [String]
  /// From which detections are drawn and counted in the confusion matrix.
  public var confidence = 0.25
  /// Images on each sheet of `val_batch*.jpg`.
  public var picturesPerSheet = 12
  public var sheets = 3

  public init(
    items: [DetectionDataset.Item], results: [PictureResult], classNames: [String]
  ) {
    precondition(
      items.count == results.count, "\(items.count) pictures, but \(results.count) results")
    self.items = items
    self.results = results
    self.classNames = classNames
  }

  /// Writes `confusion_matrix.png`, `confusion_matrix_normalized.png`, `PR_curve.png`,
  /// `F1_curve.png`, `P_curve.png`, `R_curve.png`, `val_batch*_labels.jpg`, `val_batch*_pred.jpg`,
  /// and, where there are such, `worst_false_positives.jpg` and `worst_misses.jpg`. Pictures that
  /// cannot be read any more are left out.
  ///
  /// - Returns: the names of the files, in this order.
  /// - Throws: `PlotError` or `PictureError` naming the file that cannot be written.
  @discardableResult
  public func write(into folder: String) throws -> [String] {
    let evaluation = DetectionEvaluation(results, classNames: classNames)
    let matrix = ConfusionMatrix(results, classNames: classNames, confidence: confidence)
    let charts: [(String, Chart)] = [
      ("PR_curve.png", .precisionRecall(evaluation)),
      ("F1_curve.png", .confidence(evaluation, .f1)),
      ("P_curve.png", .confidence(evaluation, .precision)),
      ("R_curve.png", .confidence(evaluation, .recall)),
    ]
    try matrix.drawing(normalized: false).write(to: folder + "/confusion_matrix.png")
    try matrix.drawing(normalized: true).write(to: folder + "/confusion_matrix_normalized.png")
    var names = ["confusion_matrix.png", "confusion_matrix_normalized.png"]
    for (name, chart) in charts {
      try chart.write(to: folder + "/" + name)
      names.append(name)
    }
    names += try writeSheets(into: folder)
    names += try writeMistakes(into: folder)
    return names
  }

  private func writeSheets(into folder: String) throws -> [String] {
    var names: [String] = []
    for number in 0..<max(sheets, 0) {
      let first = number * picturesPerSheet
      guard first < items.count else { break }
      let range = first..<min(first + picturesPerSheet, items.count)
      for (kind, title) in [
        ("labels", "truths"), ("pred", "found at confidence \(confidence.fixed(2)) or more"),
      ] {
        var style = AnnotationStyle()
        style.showsScores = kind == "pred"
        var tiles: [ContactSheet.Tile] = []
        for index in range {
          guard let picture = try? Picture(file: items[index].picture) else { continue }
          let marks =
            kind == "pred"
            ? results[index].detections.filter { Double($0.score) >= confidence }
            : results[index].truths.map { Detection(box: $0.box, label: $0.label, score: 1) }
          tiles.append(
            ContactSheet.Tile(
              try picture.annotated(with: marks, classNames: classNames, style: style),
              caption: items[index].name))
        }
        guard !tiles.isEmpty else { continue }
        var sheet = ContactSheet(tiles)
        sheet.title = title
        let name = "val_batch\(number)_\(kind).jpg"
        try sheet.picture().write(to: folder + "/" + name, as: .jpeg(quality: 90))
        names.append(name)
      }
    }
    return names
  }

  // MARK: Mistakes

  private func writeMistakes(into folder: String) throws -> [String] {
    let errors = DetectionErrors(results, classNames: classNames)
    let wrong = Set(DetectionErrors.Kind.allCases).subtracting([.missed])
    var names: [String] = []
    for (name, title, cases) in [
      (
        "worst_false_positives.jpg", "the most confident wrong detections; truths striped",
        errors.worst(12, wrong)
      ),
      (
        "worst_misses.jpg", "the largest objects that were not found, striped",
        errors.worst(12, [.missed])
      ),
    ] {
      let tiles = try cases.compactMap(tile)
      guard !tiles.isEmpty else { continue }
      var sheet = ContactSheet(tiles)
      sheet.tileWidth = 300
      sheet.title = title
      try sheet.picture().write(to: folder + "/" + name, as: .jpeg(quality: 90))
      names.append(name)
    }
    return names
  }

  /// The mistake and what is around it, about twice its size.
  private func tile(_ one: DetectionErrors.Case) throws -> ContactSheet.Tile? {
    guard let picture = try? Picture(file: items[one.picture].picture) else { return nil }
    // All of the truth belongs to the view if the mistake is about it.
    let related = one.iou > 0.01 ? one.truth : nil
    let (left, top) = (
      min(one.box.left, related?.left ?? .infinity), min(one.box.top, related?.top ?? .infinity)
    )
    let (right, bottom) = (
      max(one.box.right, related?.right ?? -.infinity),
      max(one.box.bottom, related?.bottom ?? -.infinity)
    )
    guard [left, top, right, bottom].allSatisfy({ $0.isFinite && $0.magnitude < 1e6 }) else {
      return nil
    }
    let side = max(right - left, bottom - top, 24) * 2.2
    // As wide as a tile of the sheet.
    let (w, h) = (min(Int(side * 4 / 3), picture.width), min(Int(side), picture.height))
    let x = min(max(Int((left + right) / 2) - w / 2, 0), picture.width - w)
    let y = min(max(Int((top + bottom) / 2) - h / 2, 0), picture.height - h)
    func moved(_ box: Box) -> Box {
      Box(
        left: box.left - Float(x), top: box.top - Float(y), right: box.right - Float(x),
        bottom: box.bottom - Float(y))
    }
    // Enlarged first, or lines and letters would be as coarse as the crop.
    let zoom = max(1, 300 / max(w, h))
    func zoomed(_ box: Box) -> Box {
      let box = moved(box)
      let factor = Float(zoom)
      return Box(
        left: box.left * factor, top: box.top * factor, right: box.right * factor,
        bottom: box.bottom * factor)
    }
    let crop = picture.cropped(x: x, y: y, width: w, height: h)
      .resized(width: w * zoom, height: h * zoom)
    let truths = results[one.picture].truths.map {
      Annotation(box: zoomed($0.box), label: $0.label, difficult: $0.difficult)
    }
    let found = one.score.map { [Detection(box: zoomed(one.box), label: one.label, score: $0)] }
    let drawn = try crop.annotated(with: found ?? [], classNames: classNames, truths: truths)
    return ContactSheet.Tile(drawn, caption: "\(caption(one)), \(items[one.picture].name)")
  }

  private func caption(_ one: DetectionErrors.Case) -> String {
    let truth = one.truthLabel.map { classNames[$0] } ?? "nothing"
    return switch one.kind {
    case .localization: "badly placed, IoU \(one.iou.fixed(2))"
    case .classification: "is \(truth)"
    case .duplicate: "found twice"
    case .background: "nothing there"
    case .both: "is \(truth), IoU \(one.iou.fixed(2))"
    case .missed: "missed \(classNames[one.label])"
    }
  }
}
