import Foundation
import SakerData
import SakerMetrics
import Testing

@Suite("Hard negatives and all measures together") struct HardNegativesTests {
  private func box(_ left: Float, _ top: Float, _ right: Float, _ bottom: Float) -> Box {
    Box(left: left, top: top, right: right, bottom: bottom)
  }

  /// A right detection, one of nothing far from it, one of nothing close to it.
  private var results: [PictureResult] {
    [
      PictureResult(
        detections: [
          Detection(box: box(10, 10, 30, 30), label: 0, score: 0.9),
          Detection(box: box(60, 60, 70, 70), label: 0, score: 0.8),
          Detection(box: box(32, 10, 42, 20), label: 0, score: 0.7),
          Detection(box: box(80, 0, 90, 10), label: 0, score: 0.1),
        ], truths: [Annotation(box: box(10, 10, 30, 30), label: 0)])
    ]
  }

  @Test("pieces hold the detection and its surroundings, and nothing of an object")
  func pieces() throws {
    let errors = DetectionErrors(results, classNames: ["cell"])
    let size = PictureSize(width: 75, height: 100)
    let found = HardNegatives(errors, results, sizes: [size])
    // Cut at the border of the picture; the near one gets a quarter... of nothing but 2 pixels: 0.
    #expect(found.tooNear == 0 && found.pieces.count == 2)
    let far = found.pieces[0]
    #expect(far == .init(picture: 0, left: 50, top: 50, width: 25, height: 30, score: 0.8))
    let near = found.pieces[1]
    #expect(near == .init(picture: 0, left: 32, top: 10, width: 10, height: 10, score: 0.7))
    // A truth across the detection leaves no room.
    var crossed = results
    crossed[0].truths.append(Annotation(box: box(69, 69, 99, 99), label: 0))
    let left = HardNegatives(
      DetectionErrors(crossed, classNames: ["cell"]), crossed, sizes: [size])
    #expect(left.tooNear == 1 && left.pieces.count == 1)
  }

  @Test("the pieces are a data set without objects")
  func written() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "saker-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    var pixels: [UInt8] = []
    for y in 0..<100 { for x in 0..<75 { pixels += [UInt8(x), UInt8(y), 7] } }
    try Picture(width: 75, height: 100, pixels: pixels).write(to: folder + "/one.png")
    let negatives = HardNegatives(
      DetectionErrors(results, classNames: ["cell"]), results,
      sizes: [PictureSize(width: 75, height: 100)])
    #expect(try negatives.write(pictures: [folder + "/one.png"], to: folder + "/out") == 2)
    let set = try LabelSet(path: folder + "/out")
    #expect(set.format == .voc && set.pictures.count == 2 && set.objectCount == 0)
    #expect(set.problems.filter { $0.severity == .error }.isEmpty)
    let piece = try set.picture(at: 0)
    #expect(piece.width == 25 && Array(piece.pixels.prefix(3)) == [50, 50, 7])
    #expect(throws: DatasetError.self) {
      try negatives.write(pictures: [folder + "/one.png"], to: folder + "/out")
    }
  }

  @Test("the numbers are those of the single measures, in text and JSON")
  func together() throws {
    let measures = try DetectionMeasures(results, classNames: ["cell"], confidence: 0.5)
    #expect(measures.coco == (try COCOEvaluation(results, classNames: ["cell"])).stats)
    #expect(measures.voc.meanAveragePrecision == 1 && measures.falsePositivesPerPicture == 2)
    #expect(measures.mistakes.first { $0.kind == .background }?.count == 3)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(measures.json.utf8)) as? [String: Any])
    #expect(object["mean_average_precision"] as? Double == 1)
    #expect((object["coco"] as? [Double])?.count == 12)
    let theirs = try #require(object["ultralytics"] as? [String: Double])
    #expect(theirs["map50"] == measures.ultralytics.map50)
    #expect("\(measures)".contains("background 3"))
    #expect(throws: COCOEvaluationError.self) {
      try DetectionMeasures(
        [
          PictureResult(
            detections: [Detection(box: box(0, 0, 1, 1), label: 0, score: .nan)], truths: [])
        ], classNames: ["cell"])
    }
  }
}
