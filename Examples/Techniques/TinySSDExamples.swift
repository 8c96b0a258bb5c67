import Saker
import Testing

/// The parts of a single-shot detector, one after the other, and its training by hand.
@Suite struct TinySSDExamples {
  private let card = ModelCard(
    architecture: "tiny-ssd", classNames: ["square"], anchors: .tinySSD,
    preprocessing: Preprocessing(height: 64, width: 64))

  /// Halves a map.
  private func downSample(_ inputs: Int, _ outputs: Int) -> Sequential {
    Sequential(
      Conv2d(inputs, outputs, kernel: 3, padding: 1), BatchNorm2d(outputs), ReLU(),
      Conv2d(outputs, outputs, kernel: 3, padding: 1), BatchNorm2d(outputs), ReLU(),
      MaxPool2d(kernel: 2))
  }

  /// `[N, anchors * width, H, W]` to `[N, H * W * anchors, width]`.
  private func rows(_ map: Tensor, width: Int) -> Tensor {
    map.permute([0, 2, 3, 1]).reshape([map.shape[0], -1, width])
  }

  @Test("Class and box predictors") func predictors() {
    let (anchors, classes) = (3, 6)
    let map = Tensor.zeros([2, 16, 12, 12])
    let classHead = Conv2d(16, anchors * (classes + 1), kernel: 3, padding: 1)
    let boxHead = Conv2d(16, anchors * 4, kernel: 3, padding: 1)
    #expect(classHead(map).shape == [2, 3 * 7, 12, 12])
    #expect(boxHead(map).shape == [2, 3 * 4, 12, 12])
  }

  @Test("Predictions of two scales in one table") func joinedPredictions() {
    let (fine, coarse) = (Tensor.zeros([2, 3 * 7, 12, 12]), Tensor.zeros([2, 3 * 7, 6, 6]))
    let table = concatenate([rows(fine, width: 7), rows(coarse, width: 7)], axis: 1)
    #expect(table.shape == [2, (12 * 12 + 6 * 6) * 3, 7])
  }

  @Test("Down-sample block") func downSampling() {
    #expect(downSample(3, 12)(.zeros([1, 3, 32, 48])).shape == [1, 12, 16, 24])
  }

  @Test("Base network") func baseNetwork() {
    let base = Sequential(downSample(3, 16), downSample(16, 32), downSample(32, 64))
    #expect(base(.zeros([1, 3, 64, 96])).shape == [1, 64, 8, 12])
  }

  @Test("The whole network: maps, anchors, predictions") func network() {
    let model = TinySSD(card)
    let found = model.evaluating { model.predict(.zeros([2, 3, 64, 64])) }
    #expect(found.features.map { $0.shape[2] } == [8, 4, 2, 1, 1])
    let anchors = (64 + 16 + 4 + 1 + 1) * 4
    #expect(found.grid.count == anchors)
    #expect(found.logits.shape == [2, anchors, 2] && found.offsets.shape == [2, anchors, 4])
  }

  @Test("A detector's training loop by hand, and what it finds then") func trainingLoop() {
    let (picture, object) = scene()
    let model = withSeed(1) { TinySSD(card) }
    let optimizer = Optimizer(AdamW(), model, rate: 0.003)
    let images = Tensor(picture: picture).unsqueeze(0)
    for _ in 0..<60 {
      let found = model.predict(images)
      let targets = AnchorTargets([[object]], found.grid)
      let loss = MultiBoxLoss.ssd(found.logits, found.offsets, targets)
      loss.total.backward()
      optimizer.step()
      optimizer.zeroGradients()
    }
    let best = model.detect(images, DetectionOptions(confidence: 0.5))[0].first
    #expect((best?.box.iou(object.box) ?? 0) > 0.7)
  }

  @Test("Class error and mean absolute error of boxes") func measures() {
    let logits = Tensor([3, 1, 0, 2, 5, 1, 0, 9] as [Float], [1, 4, 2])  // classes 0, 1, 0, 1
    #expect(classError(logits: logits, labels: Tensor([0, 1, 1, 1] as [Int32], [1, 4])) == 0.25)
    let (offsets, truths) = (Tensor.ones([1, 2, 4]), Tensor.zeros([1, 2, 4]))
    let mask = Tensor([1, 1, 1, 1, 0, 0, 0, 0] as [Float], [1, 2, 4])  // the second is background
    #expect(boxMeanAbsoluteError(offsets: offsets, truths: truths, mask: mask) == 0.5)
  }

  @Test("Predicting and drawing") func prediction() throws {
    let (picture, object) = scene()
    let model = TinySSD(card)
    #expect(model.detect(picture, DetectionOptions(confidence: 1.1)).isEmpty)
    let found = [Detection(box: object.box.scaled(x: 64, y: 64), label: 0, score: 0.9)]
    let drawn = try picture.annotated(with: found, classNames: card.classNames)
    #expect(drawn[24, 28] != picture[24, 28])  // an edge of the box
    #expect(drawn[60, 60] == picture[60, 60])
  }

  @Test("Learning-rate finder of a run") func rateFinder() throws {
    var cells = try DetectionDataset(data: DetectionDataset.bloodCellFolder(), split: "train")
    cells.items = Array(cells.items.prefix(4))
    var (own, settings) = (card, TrainingSettings())
    own.classNames = cells.classes
    settings.batch = 2
    let folder = TemporaryFolder()
    let trainer = try DetectorTrainer(
      TinySSD(own), on: cells, settings, into: RunFolder(folder.path))
    let sweep = try trainer.findLearningRate(LearningRateFinder(1e-5...1e-4, steps: 3))
    #expect(sweep.rates.count == 3 && abs(sweep.rates[2] - 1e-4) < 1e-9)
  }

  /// A white rectangle on black, and its box in fractions of the picture.
  private func scene() -> (Picture, Annotation) {
    var picture = Picture(width: 64, height: 64)
    for y in 16..<40 { for x in 24..<48 { picture[x, y] = .white } }
    let box = Box(left: 24, top: 16, right: 48, bottom: 40).scaled(x: 1 / 64, y: 1 / 64)
    return (picture, Annotation(box: box, label: 0))
  }
}
