import SakerData
import SakerMetrics
import SakerNN
import SakerTensor
import SakerVision
import Testing

@testable import SakerTrain

struct RunnerTests {
  /// The middle half of the input, in a picture twice as wide as high.
  @Test(arguments: [
    (Preprocessing.Fit.stretch, Box(left: 20, top: 10, right: 60, bottom: 30)),
    // 80x40 becomes 64x32 with 16 rows above: the half reaches from edge to edge.
    (.letterbox(), Box(left: 20, top: 0, right: 60, bottom: 40)),
  ])
  func boxesComeBackInPixels(_ fit: Preprocessing.Fit, _ expected: Box) throws {
    let folder = try TemporaryFolder()
    var dataset = try folder.dataset(3, width: 80, height: 40)
    for index in dataset.items.indices {
      dataset.items[index].annotations = [Annotation(box: expected, label: 1)]
    }
    var card = card
    card.preprocessing.fit = fit
    let model = Counter(card)
    model.found = [
      Detection(box: Box(left: 0.25, top: 0.25, right: 0.75, bottom: 0.75), label: 1, score: 0.9)
    ]
    let runner = DetectorRunner(model, batch: 2, workers: 1, isQuiet: true)
    var order: [Int] = []
    try runner.run(over: dataset, DetectionOptions()) { found in
      order.append(found.index)
      #expect(found.detections.map(\.box) == [expected])
    }
    #expect(order == [0, 1, 2])
    let evaluation = try runner.evaluate(on: dataset)
    #expect(evaluation.report().meanAveragePrecision == 1)
    #expect(evaluation.pictures == 3)
    let picture = try Picture(file: dataset.items[0].picture)
    #expect(model.detect(picture, DetectionOptions()).map(\.box) == [expected])
  }

  @Test func boxesAreCutAtTheEdgeOfThePicture() throws {
    let folder = try TemporaryFolder()
    let dataset = try folder.dataset(1, width: 80, height: 40)
    var card = card
    card.preprocessing.fit = .letterbox()
    let model = Counter(card)
    model.found = [Detection(box: Box(left: 0, top: 0, right: 1, bottom: 1), label: 0, score: 1)]
    try DetectorRunner(model, isQuiet: true).run(over: dataset, DetectionOptions()) { found in
      #expect(found.detections.map(\.box) == [Box(left: 0, top: 0, right: 80, bottom: 40)])
    }
  }

  @Test func aBatchAsATensorIsTheBatch() throws {
    let folder = try TemporaryFolder()
    var options = Loader.Options()
    options.batchSize = 2
    options.workers = 0
    let loader = Loader(
      try folder.dataset(2), preprocessing: card.preprocessing, options: options)
    let batch = try #require(try loader.epoch().next())
    let images = batch.tensor()
    #expect(images.shape == [2, 3, 64, 64])
    // Channel 1 of the second picture, row 5, column 7, of memory with channels last.
    #expect(images[1, 1, 5, 7].item == batch.images.floats[((64 + 5) * 64 + 7) * 3 + 1])
    #expect(batch.tensor(.bfloat16).dtype == .bfloat16)
  }
}
