import Foundation
import SakerData
import SakerTensor
import Testing

@testable import SakerMetrics

/// Tests/Fixtures/metrics/measures.json, made by Scripts/golden/evaluation_measures.py.
private struct Golden: Decodable {
  struct Binary: Decodable {
    var scores: [Double]
    var truths: [Bool]
    var fpr, tpr, thresholds, precision, recall, cuts: [Double]
    var auc, ap, prAuc: Double
  }
  struct TopK: Decodable {
    var scores: [[Double]]
    var truths: [Int]
    var values: [Double]
  }
  struct Picture: Decodable {
    var truths, detections: [[Float]]
  }
  struct Tide: Decodable {
    var ap: Double
    var gains: [String: Double]
    var counts: [String: Int]
    var special: [String: Double]
  }
  struct Ultralytics: Decodable {
    var names: [Int]
    var ap: [[Double]]
    var precision, recall: [Double]
    var confidence: Double
  }
  struct Segmentation: Decodable {
    var truths, found: [Int]
    var iou, dice, classAccuracy: [Double]
    var accuracy: Double
  }
  struct Panoptic: Decodable {
    struct Picture: Decodable {
      var truth, found: [Int32]
      var there, guessed: [PanopticSegment]
    }
    var pictures: [Picture]
    var counts: [[Double]]
    var quality: Double
  }
  struct Stroke: Decodable {
    var points: [[Float]]
    var thickness: Int
    var runs: [Int]
  }
  struct CULane: Decodable {
    struct Picture: Decodable { var truths, found: [[[Float]]] }
    var pictures: [Picture]
    var similarities: [[[Double]]]
    var counts: [Int]
  }
  struct TuSimple: Decodable {
    struct Picture: Decodable { var truths, found: [[Double]] }
    var rows: [Double]
    var pictures: [Picture]
    var mean: [Double]
  }
  var binary: [Binary]
  var topK: TopK
  var pictures: [Picture]
  var tide: Tide
  var ultralytics: Ultralytics
  var confusion: [[Int]]
  var missRate: [Double]
  var segmentation: Segmentation
  var panoptic: Panoptic
  var strokes: [Stroke]
  var culane: CULane
  var tusimple: TuSimple

  static let all = Result {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(
      Golden.self, from: try Data(contentsOf: metricsFixture("measures.json")))
  }

  var results: [PictureResult] {
    pictures.map {
      PictureResult(
        detections: $0.detections.map {
          Detection(box: Box($0[2...]), label: Int($0[0]), score: $0[1])
        },
        truths: $0.truths.map { Annotation(box: Box($0[1...]), label: Int($0[0])) })
    }
  }
}

private let names = ["a", "b", "c"]

private func expectClose(
  _ a: [Double], _ b: [Double], within limit: Double = 1e-12, _ what: String = "",
  _ location: SourceLocation = #_sourceLocation
) {
  let error = zip(a, b).map { abs($0 - $1) }.max() ?? 0
  #expect(
    a.count == b.count && error <= limit, "\(what) \(a), expected \(b)", sourceLocation: location)
}

@Suite("Measures beside COCO's") struct EvaluationMeasuresTests {
  @Test("ROC, precision and recall are scikit-learn's")
  func scoreCurves() throws {
    for row in try Golden.all.get().binary {
      let roc = try #require(ROCCurve(scores: row.scores, truths: row.truths))
      expectClose(roc.falsePositiveRate, row.fpr)
      expectClose(roc.truePositiveRate, row.tpr)
      expectClose(Array(roc.thresholds.dropFirst()), row.thresholds)
      #expect(roc.thresholds[0] == .infinity)
      expectClose([roc.area], [row.auc])
      let curve = try #require(ScoreCurve(scores: row.scores, truths: row.truths))
      expectClose(curve.precision, row.precision)
      expectClose(curve.recall, row.recall)
      expectClose(curve.thresholds, row.cuts)
      expectClose([curve.averagePrecision, curve.area], [row.ap, row.prAuc])
    }
  }

  @Test("scores that say nothing, everything, or aren't numbers")
  func scoreEdges() throws {
    #expect(ROCCurve(scores: [1, 2], truths: [true, true]) == nil)
    #expect(ROCCurve(scores: [], truths: []) == nil)
    #expect(ScoreCurve(scores: [1], truths: [false]) == nil)
    let tied = try #require(ROCCurve(scores: [1, 1, 1], truths: [true, false, true]))
    #expect(tied.area == 0.5 && tied.thresholds == [.infinity, 1])
    let odd = try #require(ROCCurve(scores: [.nan, 0, 1], truths: [false, true, true]))
    #expect(odd.area == 1)
    let nothing = try #require(ROCCurve(scores: [.nan, .nan], truths: [false, true]))
    #expect(nothing.area == 0.5)
  }

  @Test("top-k accuracy is scikit-learn's")
  func topK() throws {
    let golden = try Golden.all.get().topK
    let got = (1...6).map { topKAccuracy(scores: golden.scores, truths: golden.truths, k: $0) }
    expectClose(got, golden.values)
    #expect(topKAccuracy(scores: [[.nan, 0]], truths: [0], k: 1) == 0)
    #expect(topKAccuracy(scores: [], truths: [], k: 1) == 0)
  }

  @Test("class error and box error of the notes, by hand")
  func anchorErrors() {
    let logits = Tensor([0, 1, 0, 3, 2, 1, 0, 0, 5] as [Float], [1, 3, 3])
    let labels = Tensor([1, 0, 1] as [Float], [1, 3])
    #expect(classError(logits: logits, labels: labels) == 1.0 / 3)
    let a = Tensor([1, 2, 3, 4] as [Float], [1, 4])
    let b = Tensor([0, 4, 0, 4] as [Float], [1, 4])
    let mask = Tensor([1, 1, 0, 0] as [Float], [1, 4])
    #expect(boxMeanAbsoluteError(offsets: a, truths: b, mask: mask) == 0.75)
  }

  @Test("a detector that finds nothing has little class error (E58)")
  func allBackgroundHasLittleClassError() {
    // One object takes 20 of 5444 anchors, as in the notes' small detector.
    let anchors = 5444
    var labels = [Float](repeating: 0, count: anchors)
    for index in 0..<20 { labels[index * 250] = 1 }
    let background = (0..<2 * anchors).map { $0 % 2 == 0 ? Float(1) : 0 }
    let error = classError(
      logits: Tensor(background, [1, anchors, 2]), labels: Tensor(labels, [1, anchors]))
    #expect(error == 20.0 / 5444 && error < 0.004)
  }

  @Test("kinds of mistakes and what they cost are tidecv's")
  func mistakes() throws {
    let golden = try Golden.all.get()
    let errors = DetectionErrors(golden.results, classNames: names)
    let short: [DetectionErrors.Kind: String] = [
      .localization: "Loc", .classification: "Cls", .duplicate: "Dupe", .background: "Bkg",
      .both: "Both", .missed: "Miss",
    ]
    expectClose([100 * errors.averagePrecision], [golden.tide.ap], within: 1e-10)
    for gain in errors.gains {
      let name = try #require(short[gain.kind])
      #expect(gain.count == golden.tide.counts[name], "\(name)")
      expectClose(
        [100 * gain.averagePrecision], [golden.tide.gains[name] ?? -1], within: 1e-10, name)
    }
    expectClose(
      [100 * errors.falsePositiveGain, 100 * errors.falseNegativeGain],
      [golden.tide.special["FalsePos"] ?? -1, golden.tide.special["FalseNeg"] ?? -1], within: 1e-10)
  }

  @Test("the worst mistakes come first, and hard negatives are background")
  func worst() throws {
    let errors = DetectionErrors(try Golden.all.get().results, classNames: names)
    let wrong = errors.worst(10)
    #expect(wrong.count == 10 && wrong.allSatisfy { $0.score != nil })
    let scores: [Float] = wrong.map { $0.score ?? 0 }
    #expect(scores == scores.sorted(by: >))
    let missed = errors.worst(5, [.missed])
    #expect(missed.map(\.box.area) == missed.map(\.box.area).sorted(by: >))
    let hard = errors.hardNegatives(confidence: 0.5)
    #expect(!hard.isEmpty && hard.allSatisfy { $0.kind == .background && ($0.score ?? 0) >= 0.5 })
    let report = errors.report(
      pictures: (0..<40).map { "p\($0).jpg" }, classNames: names, worst: 3, confidence: 0.5)
    #expect(report.worst.count == 6 && report.hardNegatives.count == hard.count)
    let object = try JSONSerialization.jsonObject(with: Data(report.json.utf8)) as? [String: Any]
    #expect((object?["worst"] as? [Any])?.count == 6)
    let lines = report.backgroundCrops().split(separator: "\n")
    #expect(lines.count == hard.count && lines[0].split(separator: " ").count == 5)
    #expect(errors.description.contains("localization"))
  }

  @Test("nothing at all has no mistakes")
  func nothing() {
    let errors = DetectionErrors([PictureResult(detections: [], truths: [])], classNames: names)
    #expect(errors.cases.isEmpty && errors.averagePrecision == 0)
    let numbers = UltralyticsEvaluation([], classNames: names)
    #expect(numbers.map == 0 && numbers.precision == 0)
    #expect(DetectionEvaluation([], classNames: names).logAverageMissRate == nil)
  }

  @Test("Ultralytics' numbers")
  func ultralytics() throws {
    let golden = try Golden.all.get()
    let got = UltralyticsEvaluation(golden.results, classNames: names)
    #expect(got.classes.map(\.name) == golden.ultralytics.names.map { names[$0] })
    for (index, each) in got.classes.enumerated() {
      expectClose(each.averagePrecisions, golden.ultralytics.ap[index])
    }
    expectClose(got.classes.map(\.precision), golden.ultralytics.precision, within: 1e-9)
    expectClose(got.classes.map(\.recall), golden.ultralytics.recall, within: 1e-9)
    expectClose([got.confidence], [golden.ultralytics.confidence])
    // Perfect detections have 0.995: the curve falls to 0 at recall 1.
    #expect(abs(ultralyticsAveragePrecision(recall: [0.5, 1], precision: [1, 1]) - 0.995) < 1e-12)
    // One of two found: 1 up to recall 0.5, then down to 0 at recall 1.
    let half = ultralyticsAveragePrecision(recall: [0.5], precision: [1])
    #expect(abs(half - 0.75) < 1e-12)
  }

  @Test("confusion of classes and background")
  func confusion() throws {
    let golden = try Golden.all.get()
    let matrix = ConfusionMatrix(golden.results, classNames: names)
    #expect(matrix.counts == golden.confusion)
    #expect(matrix.names.last == "background")
    for column in 0..<4 {
      let sum = matrix.normalized.reduce(0) { $0 + $1[column] }
      #expect(abs(sum - 1) < 1e-12 || sum == 0)
    }
    let plain = ConfusionMatrix(predicted: [0, 1, 1], truths: [0, 1, 0], classNames: ["x", "y"])
    #expect(plain.counts == [[1, 0], [1, 1]] && plain.accuracy == 2.0 / 3)
  }

  @Test("miss rate over false positives per picture")
  func missRate() throws {
    let golden = try Golden.all.get()
    let evaluation = DetectionEvaluation(golden.results, classNames: names)
    let got = evaluation.classes.map { $0.missRates(pictures: evaluation.pictures).logAverage }
    expectClose(got, golden.missRate)
    expectClose(
      [evaluation.logAverageMissRate ?? -1], [golden.missRate.reduce(0, +) / 3])
    // By hand: right, wrong, right of three truths, in two pictures.
    let one = ClassEvaluation(
      name: "x", truths: 3, difficult: 0, scores: [0.9, 0.8, 0.7], correct: [true, false, true])
    let curve = one.missRates(pictures: 2)
    #expect(curve.falsePositivesPerPicture == [0, 0.5, 0.5])
    #expect(abs(curve.missRate(atFalsePositivesPerPicture: 0.1) - 2.0 / 3) < 1e-15)
    #expect(abs(curve.missRate(atFalsePositivesPerPicture: 0.5) - 1.0 / 3) < 1e-15)
    #expect(one.falsePositivesPerPicture(at: 0.75, pictures: 2) == 0.5)
    #expect(one.operatingPoint(recall: 0.6)?.confidence == 0.7)
    #expect(one.operatingPoint(recall: 0.7) == nil)
    #expect(one.operatingPoint(precision: 1)?.confidence == 0.9)
  }

  @Test("segmentation is scikit-learn's")
  func segmentation() throws {
    let golden = try Golden.all.get().segmentation
    var got = SegmentationEvaluation(classes: 5)
    // In two parts, which add up.
    var other = got
    got.add(predicted: Array(golden.found[..<300]), truths: Array(golden.truths[..<300]))
    other.add(predicted: Array(golden.found[300...]), truths: Array(golden.truths[300...]))
    let all = got + other
    expectClose(all.iou.map { $0 ?? 0 }, golden.iou)
    expectClose(all.dice.map { $0 ?? 0 }, golden.dice)
    expectClose([all.pixelAccuracy], [golden.accuracy])
    expectClose(all.classAccuracy.prefix(4).map { $0 ?? -1 }, golden.classAccuracy)
    #expect(all.classAccuracy[4] == nil && all.iou[4] == 0)
    expectClose([all.meanIoU], [golden.iou.reduce(0, +) / 5])
    var odd = SegmentationEvaluation(classes: 2)
    odd.add(predicted: [0, 7, -1, 1], truths: [0, 0, 1, -1] as [Int16])
    #expect(odd.pixelAccuracy == 1.0 / 3 && odd.lost == [1, 1])
  }

  @Test("panoptic quality")
  func panoptic() throws {
    let golden = try Golden.all.get().panoptic
    var got = PanopticQuality()
    for picture in golden.pictures {
      got.add(
        predicted: picture.found, picture.guessed, truths: picture.truth, picture.there)
    }
    for (category, row) in golden.counts.enumerated() {
      let counts = got.categories[category] ?? PanopticQuality.Counts()
      expectClose(
        [
          Double(counts.truePositives), Double(counts.falsePositives),
          Double(counts.falseNegatives), counts.iou,
        ], row)
    }
    expectClose([got.quality], [golden.quality])
  }

  @Test("strokes are OpenCV's, to the pixel")
  func strokes() throws {
    for (number, row) in try Golden.all.get().strokes.enumerated() {
      var canvas = LaneCanvas(width: 120, height: 90)
      canvas.draw(row.points.map { LanePoint(x: $0[0], y: $0[1]) }, thickness: row.thickness)
      var expected = [UInt8](repeating: 0, count: 120 * 90)
      for pair in stride(from: 0, to: row.runs.count, by: 2) {
        for pixel in row.runs[pair]..<row.runs[pair + 1] { expected[pixel] = 1 }
      }
      let wrong = zip(canvas.pixels, expected).count { $0 != $1 }
      #expect(wrong == 0, "stroke \(number), \(row.thickness) wide: \(wrong) pixels differ")
    }
    var far = LaneCanvas(width: 10, height: 10)
    far.draw(
      [LanePoint(x: .infinity, y: -.infinity), LanePoint(x: -1e30, y: .nan)], thickness: 30)
  }

  @Test("CULane: IoU of lanes, and counts")
  func culane() throws {
    let golden = try Golden.all.get().culane
    func lanes(_ rows: [[[Float]]]) -> [[LanePoint]] {
      rows.map { $0.map { LanePoint(x: $0[0], y: $0[1]) } }
    }
    var got = CULaneEvaluation(width: 640, height: 300)
    var together = got
    for (picture, expected) in zip(golden.pictures, golden.similarities) {
      let table = got.similarities(lanes(picture.truths), lanes(picture.found))
      expectClose(table.flatMap { $0 }, expected.flatMap { $0 })
      got.add(predicted: lanes(picture.found), truths: lanes(picture.truths))
    }
    together.add(golden.pictures.map { (lanes($0.found), lanes($0.truths)) })
    let counts = got.counts
    #expect(
      [counts.truePositives, counts.falsePositives, counts.falseNegatives] == golden.counts)
    #expect(together.counts == counts)
    #expect(got.f1 == counts.f1)
    var odd = CULaneEvaluation(width: 64, height: 32)
    let point = LanePoint(x: 1, y: 1)
    odd.add(predicted: [[point], [], [point, point, point]], truths: [[point, point]])
    #expect(odd.counts.falsePositives + odd.counts.truePositives == 3)
    odd.add(predicted: [], truths: [])
  }

  @Test("assignment finds the highest sum, as trying all ways does")
  func assignment() {
    var random = SeededRandom(seed: 4)
    for _ in 0..<200 {
      let (rows, columns) = (1 + Int(random.next() % 4), 1 + Int(random.next() % 4))
      let weights = (0..<rows).map { _ in
        (0..<columns).map { _ in Double(random.next() % 8) / 8 }
      }
      func best(_ row: Int, _ used: Set<Int>) -> Double {
        if row == rows { return 0 }
        var top = rows > columns ? best(row + 1, used) : -1
        for column in 0..<columns where !used.contains(column) {
          top = max(top, weights[row][column] + best(row + 1, used.union([column])))
        }
        return top
      }
      let got = Assignment.maximum(weights)
      let taken = got.compactMap { $0 }
      #expect(Set(taken).count == taken.count && taken.count == min(rows, columns))
      let sum = got.enumerated().reduce(0.0) { total, pair in
        total + (pair.element.map { weights[pair.offset][$0] } ?? 0)
      }
      #expect(abs(sum - best(0, [])) < 1e-12)
    }
    #expect(Assignment.maximum([]).isEmpty)
    #expect(Assignment.maximum([[], []]) == [nil, nil])
  }

  @Test("TuSimple")
  func tusimple() throws {
    let golden = try Golden.all.get().tusimple
    var got = TuSimpleEvaluation()
    for picture in golden.pictures {
      got.add(predicted: picture.found, truths: picture.truths, rows: golden.rows)
    }
    expectClose(
      [got.mean.accuracy, got.mean.falsePositives, got.mean.falseNegatives], golden.mean)
    var perfect = TuSimpleEvaluation()
    let lanes = golden.pictures[1].truths
    perfect.add(predicted: lanes, truths: lanes, rows: golden.rows)
    #expect(perfect.mean == .init(accuracy: 1, falsePositives: 0, falseNegatives: 0))
    var slow = TuSimpleEvaluation()
    slow.add(predicted: lanes, truths: lanes, rows: golden.rows, milliseconds: 201)
    #expect(slow.mean == .init(accuracy: 0, falsePositives: 0, falseNegatives: 1))
    var short = TuSimpleEvaluation()
    short.add(predicted: [[1]], truths: lanes, rows: golden.rows)
    short.addMissing()
    #expect(short.mean.falseNegatives == 1 && short.pictures == 2)
  }
}
