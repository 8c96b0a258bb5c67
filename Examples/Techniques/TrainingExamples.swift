import Saker
import Testing

@Suite struct TrainingExamples {
  @Test("Gradient checkpointing") func checkpointing() {
    let block = withSeed(1) { Sequential(Linear(8, 64), Tanh(), Linear(64, 8)) }
    let x = Tensor.ones([32, 8])
    let (kept, saved) = (block(x).sum(), Checkpointed(block)(x).sum())
    #expect(saved.item == kept.item && saved.tapeBytes < kept.tapeBytes)
  }

  @Test("Gradient checkpointing of a function") func checkpointedFunction() {
    let x = Parameter(Tensor([1, 2] as [Float]))
    var runs = 0
    let y = checkpoint(x.value) {
      runs += 1
      return square($0) * $0
    }
    y.sum().backward()  // runs it once more
    #expect(runs == 2 && x.gradient?.floats == [3, 12])
  }

  @Test("Gradient accumulation") func accumulation() {
    let layer = withSeed(1) { Linear(3, 1) }
    let batches = [Tensor.ones([4, 3]), Tensor.zeros([4, 3])]
    for batch in batches { (square(layer(batch)).mean() / Float(batches.count)).backward() }
    let accumulated = layer.weight.gradient!  // as of one batch of eight
    layer.zeroGradients()
    square(layer(concatenate(batches))).mean().backward()
    #expect(allClose(layer.weight.gradient!, accumulated, relative: 1e-4))
    #expect(accumulated.norm().item > 0.01)
  }

  @Test("Anomaly mode") func anomaly() {
    let x = Parameter(Tensor([0, 4] as [Float]))
    let found = detectingAnomalies { (sqrt(x.value) * 0).sum().backward() }.anomaly
    #expect(found?.place.phase == .backward)
  }

  @Test("Cross-validation and splits") func splits() {
    let labels = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]
    let parts = Split.parts(10, labels: labels, seed: 1)  // 6 : 2 : 2
    let folds = Split.folds(10, into: 5, labels: labels, seed: 1)
    #expect(parts.map(\.count) == [6, 2, 2] && folds.allSatisfy { $0.validation.count == 2 })
  }

  @Test("Over-sampling, under-sampling, class weights") func imbalance() {
    let labels = [0, 0, 0, 0, 0, 0, 1, 1]
    #expect(Rebalancing.oversampled(labels, seed: 1).count == 12)
    #expect(Rebalancing.undersampled(labels, seed: 1).count == 4)
    #expect(Rebalancing.classWeights(labels, classes: 2) == [8 / 12, 2])
  }

  @Test("Threshold moving") func thresholds() {
    let best = DecisionThreshold.best(
      [0.9, 0.4, 0.35, 0.1], [true, true, false, false],
      for: .cost(falsePositive: 1, falseNegative: 5))
    #expect(best.threshold > 0.35 && best.threshold < 0.4)
  }

  @Test("Ensembles that vote") func votes() {
    let logits = [[2, 0], [0, 1], [1, 0]].map { Tensor($0 as [Float], [1, 2]) }
    #expect(Vote.hard(logits).item == 0)
    #expect(Vote.soft(logits).shape == [1, 2])
  }

  @Test("Locally supervised training (InfoPro)") func local() {
    let model = withSeed(1) {
      LocallySupervised(
        [Conv2d(3, 4, kernel: 3, padding: 1), Conv2d(4, 8, kernel: 3, padding: 1)],
        heads: [LocalHead(channels: 4, classes: 2)],
        classifier: Sequential(AdaptiveAvgPool2d(1), Flatten(), Linear(8, 2)),
        losses: (InfoProLoss(alpha: 1, beta: 0.5), InfoProLoss(alpha: 1, beta: 1)))
    }
    let pictures = Tensor.full([2, 3, 8, 8], 0.5)
    let losses = model.backward(pictures, pictures: pictures, labels: Tensor([0, 1] as [Int32]))
    #expect(losses.count == 2)
  }

  @Test("Pseudo-labels") func pseudoLabelling() {
    let logits = Tensor([4, 0, 0.1, 0, 0, 5] as [Float], [3, 2])
    let believed = pseudoLabels(logits, confidence: 0.9)  // the second is not sure enough
    #expect(believed.indices == [0, 2] && believed.labels == [0, 1])
  }
}
