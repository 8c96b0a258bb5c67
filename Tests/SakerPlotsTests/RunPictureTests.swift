import Foundation
import SakerData
import SakerMetrics
import SakerTensor
import Testing

@testable import SakerPlots

private func box(_ left: Float, _ top: Float, _ side: Float) -> Box {
  Box(left: left, top: top, right: left + side, bottom: top + side)
}

/// Two pictures: one object found, one missed, one detection of nothing.
private func pictures(in folder: String) throws -> EvaluationPictures {
  let names = ["one", "two"]
  for name in names { try plain(120, 90).write(to: folder + "/\(name).png") }
  let results = [
    PictureResult(
      detections: [Detection(box: box(10, 10, 30), label: 0, score: 0.9)],
      truths: [Annotation(box: box(10, 10, 30), label: 0)]),
    PictureResult(
      detections: [Detection(box: box(5, 5, 20), label: 1, score: 0.8)],
      truths: [Annotation(box: box(60, 40, 30), label: 1)]),
  ]
  let items = zip(names, results).map { name, result in
    DetectionDataset.Item(
      name: name, picture: folder + "/\(name).png", size: PictureSize(width: 120, height: 90),
      annotations: result.truths)
  }
  return EvaluationPictures(items: items, results: results, classNames: ["<cell>", "dot"])
}

struct RunPictureTests {
  @Test func confusionMatrixColoursWhatItCounts() throws {
    let matrix = ConfusionMatrix(
      predicted: [0, 0, 1, 1], truths: [0, 0, 1, 0], classNames: ["a", "b"])
    let drawing = matrix.drawing(normalized: false)
    let picture = try drawing.picture(scale: 1)
    // Cells of 64 points from (47.6, 40): beside the middle, where the number is, each
    // shows its colour.
    func cell(_ row: Int, _ column: Int) -> Color {
      picture.color(56 + 64 * column, 48 + 64 * row)
    }
    #expect(cell(0, 1).luminance == 1)
    #expect(cell(0, 0).luminance < cell(1, 0).luminance && cell(1, 0).luminance < 1)
    #expect(abs(cell(1, 0).luminance - cell(1, 1).luminance) < 1e-9)
    // 80 classes still make a picture, and no class a drawing without cells.
    let many = ConfusionMatrix([], classNames: (0..<80).map { "class \($0)" })
    #expect(try many.drawing(normalized: true).picture(scale: 1).width > 500)
    #expect(
      try ConfusionMatrix(predicted: [], truths: [], classNames: []).drawing(normalized: true)
        .picture(scale: 1).width > 50)
  }

  @Test func heatColoursOnlyGetDarker() {
    let luminances = (0...100).map { HeatColors.color(Double($0) / 100).luminance }
    #expect(zip(luminances, luminances.dropFirst()).allSatisfy { $0 > $1 })
    #expect(HeatColors.color(.nan) == HeatColors.color(0))
    #expect(HeatColors.color(7) == HeatColors.color(1))
  }

  @Test func labelShapesAreFractionsOfTheirPicture() throws {
    let item = DetectionDataset.Item(
      name: "x", picture: "x", size: PictureSize(width: 200, height: 100),
      annotations: [Annotation(box: box(50, 20, 40), label: 1)])
    let dataset = DetectionDataset(classes: ["a", "b"], items: [item])
    let labels = LabelShapes(dataset)
    #expect(labels.counts == [0, 1])
    #expect(
      labels.shapes == [LabelShapes.Shape(label: 1, x: 0.35, y: 0.4, width: 0.2, height: 0.4)])
    try withDirectory { folder in
      for name in ["labels.jpg", "labels.png", "labels.svg", "labels.pdf"] {
        try labels.overview.write(to: folder + "/" + name, scale: 1)
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)).count > 3000)
      }
      #expect(throws: PlotError.self) { try labels.correlogram.write(to: folder + "/labels.bmp") }
    }
    let none = LabelShapes(DetectionDataset(classes: ["a"], items: []))
    #expect(try none.overview.picture(scale: 1).width == 760)
    #expect(try none.correlogram.picture(scale: 1).width == 760)
  }

  @Test func densityCountsPointsInsideTheUnitSquare() {
    let map = DensityMap([(0, 0), (1, 1), (0.01, 0.02), (1.5, 0.5), (.nan, 0)])
    #expect(map.counts[0][0] == 2 && map.counts[39][39] == 1 && map.most == 2)
    #expect(map.counts.flatMap(\.self).reduce(0, +) == 3)
  }

  @Test func evaluationLeavesEveryPictureAndItsReport() throws {
    try withDirectory { folder in
      let names = try pictures(in: folder).write(into: folder)
      #expect(
        names == [
          "confusion_matrix.png", "confusion_matrix_normalized.png", "PR_curve.png",
          "F1_curve.png", "P_curve.png", "R_curve.png", "val_batch0_labels.jpg",
          "val_batch0_pred.jpg", "worst_false_positives.jpg", "worst_misses.jpg",
        ])
      try "epoch,loss\n1,0.5\n2,<&>\n".write(
        toFile: folder + "/results.csv", atomically: true, encoding: .utf8)
      let report = try RunReport(
        folder: folder, title: "A <b> & \"c\"", facts: [("model", "tiny-ssd")])
      #expect(Set(report.sections.map(\.file)) == Set(names))
      #expect(report.sections.allSatisfy { !$0.meaning.isEmpty && !$0.advice.isEmpty })
      let html = try report.html()
      #expect(html.contains("<h1>A &lt;b&gt; &amp; &quot;c&quot;</h1>"))
      #expect(html.contains(">&lt;&amp;&gt;</td>"))
      #expect(html.components(separatedBy: "src=\"data:image/").count == names.count + 1)
      // Nothing comes from anywhere else.
      #expect(!html.contains("http") && !html.contains("<script") && !html.contains("<link"))
      try report.write(to: folder + "/report.html")
    }
  }

  @Test func picturesThatAreGoneAreLeftOut() throws {
    try withDirectory { folder in
      let evaluation = try pictures(in: folder)
      try FileManager.default.removeItem(atPath: folder + "/two.png")
      let names = try evaluation.write(into: folder)
      // The mistakes were all in the second picture.
      #expect(!names.contains("worst_misses.jpg") && names.contains("val_batch0_pred.jpg"))
    }
  }

  @Test func aFolderWithNothingToShowIsRefused() throws {
    try withDirectory { folder in
      #expect(throws: PlotError.self) { try RunReport(folder: folder, title: "empty") }
    }
  }

  @Test func mapsArePicturesAndOtherShapesAreRefused() throws {
    let map = Tensor((0..<2 * 6).map { Float($0) }, [1, 2, 2, 3])
    #expect(try MapPictures.features(map, title: "map").picture(scale: 1).width >= 400)
    let kernels = Tensor((0..<54).map { Float($0) - 27 }, [2, 3, 3, 3])
    #expect(try MapPictures.filters(kernels, title: "k").picture(scale: 1).height > 100)
    let deep = Tensor((0..<2 * 5 * 9).map { Float($0) }, [2, 5, 3, 3])
    #expect(try MapPictures.filters(deep, title: "k").picture(scale: 1).height > 90)
    #expect(throws: PlotError.self) { try MapPictures.features(kernels, title: "") }
    let flat = Tensor([1, 2] as [Float], [2])
    #expect(throws: PlotError.self) { try MapPictures.filters(flat, title: "") }
    // The greatest value gets colour, zero none.
    let heat = try MapPictures.overlaid(plain(40, 40), Tensor([0, 0, 0, 1] as [Float], [2, 2]))
    let (cold, hot) = (heat.bytes(1, 1), heat.bytes(38, 38))
    #expect(cold[0] == cold[1] && cold[1] == cold[2])
    #expect(hot[0] > hot[2] + 60)
  }
}

struct ClassifierReportTests {
  @Test func aClassifiersPageHasItsTables() throws {
    let folder = NSTemporaryDirectory() + "saker-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var items: [ClassificationDataset.Item] = []
    for (index, label) in [0, 0, 1, 1].enumerated() {
      let file = "\(folder)/p\(index), x.png"
      try Picture(width: 9, height: 7, filledWith: .white).write(to: file)
      items.append(.init(name: "p\(index)", file: file, label: label))
    }
    let evaluation = ClassificationEvaluation(
      probabilities: [[0.9, 0.1], [0.25, 0.75], [0.95, 0.05], [0.2, 0.8]], truths: [0, 0, 1, 1],
      classNames: ["a \"b\"", "c"])
    let names = try ClassificationPictures(
      evaluation, ClassificationDataset(classes: ["a \"b\"", "c"], items: items)
    ).write(into: folder)
    #expect(names.contains("classes.csv") && names.contains("worst_pictures.csv"))
    let worst = try Data(contentsOf: URL(fileURLWithPath: folder + "/worst_pictures.csv"))
    #expect(
      TextTable.rows(worst) == [
        ["picture", "is", "told", "probability", "of what it is"],
        ["p2, x.png", "c", "a \"b\"", "0.95", "0.05"],
        ["p1, x.png", "a \"b\"", "c", "0.75", "0.25"],
      ])
    let report = try RunReport(folder: folder, title: "t")
    #expect(Set(report.sections.map(\.file)) == Set(names))
    let html = try report.html()
    #expect(html.contains("<td class=\"word\">p2, x.png</td>") && html.contains("<td>0.5000</td>"))
    #expect(!html.contains("background</"))
  }

  @Test func cellsWithCommasAndQuotesComeBack() {
    let rows = [["a,b", "\"", "c\"d\"", ""], ["", "x", "\"\"", ","]]
    #expect(TextTable.rows(Data(TextTable.text(rows).utf8)) == rows)
  }
}
