import Saker
import Testing

@Suite struct LossExamples {
  private let logits = Tensor([2, -1, 0.5, 0.1, 1.5, -0.3] as [Float], [2, 3])
  private let labels = Tensor([0, 1] as [Int64])

  @Test("Cross-entropy, label smoothing, class weights") func crossEntropies() {
    let loss = crossEntropy(
      logits, labels, smoothing: 0.1, weights: Tensor([1, 2, 0.5] as [Float]))
    #expect(loss.item > crossEntropy(logits, labels).item)
  }

  @Test("Negative log-likelihood") func likelihood() {
    let loss = negativeLogLikelihood(logSoftmax(logits), labels)
    #expect(abs(loss.item - crossEntropy(logits, labels).item) < 1e-5)
  }

  @Test("Binary cross-entropy") func binary() {
    let truths = Tensor([1, 0, 1, 0, 1, 0] as [Float], [2, 3])
    let fromLogits = binaryCrossEntropy(logits: logits, truths)
    let fromProbabilities = binaryCrossEntropy(probabilities: sigmoid(logits), truths)
    #expect(abs(fromLogits.item - fromProbabilities.item) < 1e-6)
  }

  @Test("Focal loss") func focal() {
    let truths = Tensor([1, 0, 1, 0, 1, 0] as [Float], [2, 3])
    let perAnchor = sigmoidFocalLoss(logits, truths, alpha: 0.25, gamma: 2, reduction: .sum)
    #expect(perAnchor.item < binaryCrossEntropy(logits: logits, truths, reduction: .sum).item)
    #expect(softmaxFocalLoss(logits, labels).item < crossEntropy(logits, labels).item)
  }

  @Test("L1, L2, smooth L1, Huber") func distances() {
    let (x, y) = (Tensor([0.5, 3] as [Float]), Tensor.zeros([2]))
    #expect(l1Loss(x, y, reduction: .sum).item == 3.5)
    #expect(meanSquaredError(x, y, reduction: .sum).item == 9.25)
    #expect(smoothL1Loss(x, y, reduction: .none).floats == [0.125, 2.5])
    #expect(huberLoss(x, y, delta: 2, reduction: .none).floats == [0.125, 4])
  }

  @Test("IoU, GIoU, DIoU, CIoU losses") func boxes() {
    let box = Parameter(Tensor([0, 0, 2, 2] as [Float], [1, 4]))
    let truth = Tensor([1, 0, 3, 2] as [Float], [1, 4])
    let losses = [
      boxIoULoss(box.value, truth), generalizedBoxIoULoss(box.value, truth),
      distanceBoxIoULoss(box.value, truth), completeBoxIoULoss(box.value, truth),
    ]
    #expect(losses.allSatisfy { $0.item > 0.6 && $0.item < 0.8 })
    losses[3].backward()
    #expect(box.gradient?.shape == [1, 4])
  }

  @Test("FCOS's centre-ness") func fcos() {
    let distances = Tensor([1, 2, 4, 2] as [Float], [1, 4])  // left, top, right, bottom
    #expect(centerness(distances).floats == [0.5])
    let loss = centernessLoss(Tensor([0] as [Float]), distances)
    #expect(loss.item > 0.69 && loss.item < 0.70)
  }

  @Test("YOLO's losses") func yolo() {
    let levels = [YOLOLevel(stride: 16, priors: [.init(30, 33), .init(55, 40)])]
    let map = Parameter(.zeros([1, 2, 3, 4, 5 + 3]))  // picture, priors, rows, columns
    let object = Annotation(box: Box(left: 5, top: 6, right: 30, bottom: 40), label: 2)
    for loss in [YOLOLoss.v2(levels), .v3(levels), .port(levels)] {
      loss([map.value], [[object]]).total.backward()
    }
    let first = YOLOv1Loss()(boxes: .ones([1, 7, 7, 2, 5]), classes: .zeros([1, 7, 7, 20]), [[]])
    #expect(first.objectness == 49)
  }

  @Test("CornerNet's losses") func cornerNet() {
    let radius = Int(CornerHeatmap.radius(width: 12, height: 9))
    let target = CornerHeatmap.targets(
      [.init(label: 0, x: 3, y: 4, radius: radius)], classes: 2, height: 8, width: 8)
    let heatmap = heatmapFocalLoss(.zeros([2, 8, 8]), target)
    let (pull, push) = cornerEmbeddingLoss(
      topLeft: .zeros([1, 2]), bottomRight: .ones([1, 2]), isObject: .ones([1, 2], .bool))
    let offset = cornerOffsetLoss(.zeros([1, 2]), Tensor([0.25, 0.5] as [Float], [1, 2]))
    let loss = heatmap + (pull + push) * 0.1 + offset
    #expect(loss.item > 0)
  }

  @Test("Online hard example mining") func ohem() {
    let losses = crossEntropy(logits, labels, reduction: .none)
    #expect(ohemLoss(losses, .ratio(0.5)).item == losses.max().item)
  }

  @Test("Content, style and total variation") func style() {
    let maps = Tensor([1, 2, 3, 4] as [Float], [1, 2, 1, 2])
    #expect(gramMatrix(maps, normalized: false).floats == [5, 11, 11, 25])
    #expect(contentLoss(maps, maps + 2).item == 4)
    #expect(styleLoss(maps, gram: gramMatrix(maps)).item == 0)
    #expect(totalVariationLoss(.ones([1, 3, 8, 8])).item == 0)
    #expect(totalVariationLoss(maps, .sumAbsolute).item == 2)  // |2 − 1| + |4 − 3|
  }

  @Test("Distillation") func distillation() {
    let teacher = logits * 3
    let loss = distillationLoss(logits, teacher: teacher, labels, alpha: 0.9, temperature: 4)
    #expect(loss.item > 0)
    #expect(featureDistillationLoss(logits, teacher: teacher, .cosine).item < 1e-6)
  }

  @Test("InfoPro's local loss") func infoPro() {
    let picture = Tensor.full([2, 3, 4, 4], 0.5)
    let loss = InfoProLoss(alpha: 2, beta: 0.25)(
      decoded: .zeros([2, 3, 4, 4]), picture: picture, labelLoss: crossEntropy(logits, labels))
    #expect(loss.item > 1)
    #expect(supervisedContrastiveLoss(logits, Tensor([1, 1] as [Int64])).item < 1e-6)
  }

  @Test("KL and JS divergence") func divergences() {
    let (p, q) = (logSoftmax(logits), logSoftmax(logits * 2))
    #expect(abs(klDivergence(q, exp(p)).item - klDivergence(q, p, isLogarithm: true).item) < 1e-6)
    #expect(jensenShannonDivergence(log: p, q).item < 0.6932)
  }

  @Test("Wasserstein distance, Sinkhorn") func transport() {
    let (x, y) = (Tensor([0, 1] as [Float]), Tensor([0, 4] as [Float]))
    #expect(wassersteinDistance(x, y).item == 1.5)
    let cost = abs(x.unsqueeze(1) - y.unsqueeze(0))
    #expect(abs(sinkhornDistance(cost: cost, epsilon: 0.01).item - 1.5) < 0.02)
  }

  @Test("Dice and Tversky losses") func overlap() {
    let masks = softmax(.zeros([1, 2, 4, 4]), axis: 1)
    let truth = concatenate([Tensor.ones([1, 1, 4, 4]), .zeros([1, 1, 4, 4])], axis: 1)
    #expect(diceLoss(masks, truth).item > 0.5)
    #expect(tverskyLoss(truth, truth).item == 0)
  }

  @Test("Hinge and embedding losses") func margins() {
    #expect(multiMarginLoss(logits, labels, margin: 2).item > 0)
    let y = Tensor([1, -1] as [Float])
    #expect(hingeEmbeddingLoss(Tensor([0.25, 0.25] as [Float]), y).item == 0.5)
    #expect(cosineEmbeddingLoss(logits, logits, y).item > 0.49)
  }

  @Test("L1, L2 and elastic penalties") func penalties() {
    let weight = Parameter(Tensor([3, -4] as [Float]))
    #expect(l1Penalty([weight], strength: 0.1).item == 0.7)
    #expect(l2Penalty([weight], strength: 0.1).item == 1.25)
    let loss = elasticNetPenalty([weight], strength: 0.1, ratio: 0.5)
    loss.backward()
    #expect(weight.gradient != nil)
  }

  @Test("Loss, cost and objective") func objective() {
    let perSample = crossEntropy(logits, labels, reduction: .none)  // the loss of each
    let cost = crossEntropy(logits, labels)  // its mean
    #expect(perSample.shape == [2] && abs(perSample.mean().item - cost.item) < 1e-6)
    let weight = Parameter(Tensor([2] as [Float]))
    let objective = cost + l2Penalty([weight], strength: 0.5)  // with what is asked of the weights
    #expect(abs(objective.item - cost.item - 0.5 * 0.5 * 4) < 1e-6)
  }

  @Test("FCOS's box loss") func distanceBoxes() {
    let here = Tensor([1, 1, 1, 1] as [Float], [1, 4])  // a box of 2×2 around the place
    let wider = Tensor([1, 1, 3, 1] as [Float], [1, 4])  // of 4×2
    #expect(abs(distancesIoULoss(here, wider).item - 0.6931) < 1e-3)  // −log(4 / 8)
    #expect(abs(distancesIoULoss(here, here).item) < 1e-6)
  }

  @Test("Which examples are hard") func hardExamples() {
    let losses = Tensor([1, 4, 2, 3] as [Float])
    #expect(HardExamples.count(3)(losses).floats == [4, 3, 2])
    #expect(HardExamples.ratio(0.5)(losses).floats == [4, 3])
    #expect(HardExamples.above(3.5, minimum: 1)(losses).floats == [4])
  }

  @Test("Sinkhorn divergence") func sinkhorn() {
    let points = Tensor([0, 0, 1, 1] as [Float], [2, 2])
    #expect(abs(sinkhornDivergence(points, points).item) < 1e-5)  // which the distance is not
    #expect(abs(sinkhornDivergence(points, points + 3).item - 18) < 0.1)  // 3² + 3²
  }

  @Test("Cosine similarity") func cosine() {
    let x = Tensor([1, 0] as [Float]).expand([3, 2])
    let y = Tensor([3, 0, 0, 2, -1, 0] as [Float], [3, 2])
    #expect(cosineSimilarity(x, y).floats == [1, 0, -1])
  }
}
