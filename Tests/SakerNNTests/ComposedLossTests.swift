import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

/// Laws and cases by hand of the losses that are composed of operations.
struct ComposedLossTests {
  // MARK: Likelihood and divergences

  @Test func logLikelihoodOfLogSoftmaxIsCrossEntropy() {
    let x = random([4, 5, 3], seed: 1)
    let t = Tensor((0..<12).map { Int64($0 % 5) }, [4, 3])
    let weights = random([5], seed: 2, in: 0.5...2)
    expectClose(
      negativeLogLikelihood(logSoftmax(x, axis: 1), t, ignoring: 3, weights: weights),
      crossEntropy(x, t, ignoring: 3, weights: weights))
    expectGradient(at: [x]) { negativeLogLikelihood($0[0], t, ignoring: 3, weights: weights) }
    // An impossible class that is not the target, or not counted, costs nothing.
    let sure = Tensor([0, -.infinity, -.infinity, 0] as [Float], [2, 2])
    #expect(negativeLogLikelihood(sure, Tensor([0, -100] as [Int64])).item == 0)
    #expect(negativeLogLikelihood(sure, Tensor([1, -100] as [Int64])).item == .infinity)
    #expect(negativeLogLikelihood(sure, Tensor([-100, -100] as [Int64])).item == 0)
  }

  @Test func divergencesOfEqualDistributionsAreZero() {
    let p = logSoftmax(random([3, 5], seed: 1))
    expectClose(klDivergence(p, p, isLogarithm: true), Tensor(0), absolute: 1e-7)
    // The exponential is good to 1e-6.
    expectClose(klDivergence(p, exp(p)), Tensor(0), absolute: 3e-6)
    expectClose(jensenShannonDivergence(log: p, p), Tensor(0), absolute: 3e-7)
  }

  @Test func divergencesByHand() {
    // p = (1/2, 1/2), q = (1/4, 3/4): ½ log 2 + ½ log ⅔
    let p = Tensor([0.5, 0.5] as [Float], [1, 2])
    let q = Tensor([0.25, 0.75] as [Float], [1, 2])
    expectClose(klDivergence(log(q), p), Tensor(0.5 * log(2) + 0.5 * log(2.0 / 3)))
    expectClose(klDivergence(log(q), p, reduction: .mean), Tensor(0.25 * log(4.0 / 3)))
    // m = (3/8, 5/8)
    let js = 0.5 * (0.5 * log(4.0 / 3) + 0.5 * log(0.8) + 0.25 * log(2.0 / 3) + 0.75 * log(1.2))
    expectClose(jensenShannonDivergence(log: log(p), log(q)), Tensor(Float(js)))
  }

  /// E73: of distributions that share nothing JS is log 2 with no gradient, KL infinite; the
  /// distance still tells how far.
  @Test func whatVanishesIsJensenShannons() {
    let here = logSoftmax(Tensor([200, 0, 0] as [Float], [1, 3]))
    let there = Parameter(Tensor([0, 200, 0] as [Float], [1, 3]))
    let js = jensenShannonDivergence(log: here, logSoftmax(there.value))
    #expect(abs(js.item - log(2)) < 3e-6)
    js.backward()
    #expect(there.gradient!.floats.allSatisfy { abs($0) < 1e-6 })
    let impossible = Tensor([-.infinity, 0] as [Float])
    let p = Tensor([0.5, 0.5] as [Float])
    #expect(klDivergence(impossible, p, reduction: .sum).item == .infinity)
    let x = Parameter(Tensor([0, 1] as [Float]))
    let distance = wassersteinDistance(x.value, Tensor([10, 11] as [Float]))
    distance.backward()
    #expect(distance.item == 10 && x.gradient!.floats == [-0.5, -0.5])
  }

  @Test func divergenceGradients() {
    let p = logSoftmax(random([3, 4], seed: 1))
    let q = logSoftmax(random([3, 4], seed: 2))
    for reduction in [Reduction.none, .mean, .batchMean] {
      expectGradient(at: [p, exp(q)]) { klDivergence($0[0], $0[1], reduction: reduction) }
      expectGradient(at: [p, q]) {
        klDivergence($0[0], $0[1], isLogarithm: true, reduction: reduction)
      }
      expectGradient(at: [p, q]) {
        jensenShannonDivergence(log: $0[0], $0[1], reduction: reduction)
      }
    }
  }

  // MARK: Transport

  @Test func transportByHand() {
    // One of two points moves by 3.
    let x = Tensor([0, 1] as [Float])
    let y = Tensor([0, 4] as [Float])
    #expect(wassersteinDistance(x, y).item == 1.5)
    // All of a mass from bin 0 to bin 2, bins half a unit wide.
    let p = Tensor([1, 0, 0] as [Float])
    let q = Tensor([0, 0, 1] as [Float])
    #expect(wassersteinDistance(histograms: p, q, spacing: 0.5).item == 1)
    // A weight of two is two points.
    let twice = wassersteinDistance(x, Tensor([0, 4, 4] as [Float]))
    expectClose(wassersteinDistance(x, y, yWeights: Tensor([1, 2] as [Float])), twice)
    // Rows by themselves.
    let rows = wassersteinDistance(
      stack([x, y], axis: 0), stack([y, y], axis: 0), reduction: .none)
    #expect(rows.floats == [1.5, 0])
    #expect(wassersteinDistance(Tensor([.nan, 0] as [Float]), y).item.isNaN)
  }

  @Test func transportGradients() {
    let x = Tensor([0.3, 2.1, -0.7, 1.2, 0.9, -2] as [Float], [2, 3])
    let y = Tensor([0.6, -1.1, 1.6, 0, 2.5, -0.4, 0.15, 1.9] as [Float], [2, 4])
    let w = random([2, 3], seed: 1, in: 0.5...2)
    expectGradient(at: [x, y]) { wassersteinDistance($0[0], $0[1], reduction: .none) }
    expectGradient(at: [x, y]) { wassersteinDistance($0[0], $0[1], xWeights: w) }
    let p = softmax(random([3, 5], seed: 2))
    let q = softmax(random([3, 5], seed: 3))
    expectGradient(at: [p, q], step: 1e-3) { wassersteinDistance(histograms: $0[0], $0[1]) }
    expectGradient(at: [random([4, 2], seed: 4), random([3, 2], seed: 5)]) {
      sinkhornDivergence($0[0], $0[1], epsilon: 0.5)
    }
  }

  @Test func sinkhornComesNearTheExactDistance() {
    let x = Tensor([0.3, 1.2, -0.4] as [Float])
    let y = Tensor([0.9, 0.1, 2.0] as [Float])
    let cost = abs(x.unsqueeze(1) - y.unsqueeze(0))
    let exact = wassersteinDistance(x, y).item
    let near = sinkhornDistance(cost: cost, epsilon: 0.005, iterations: 5000).item
    #expect(abs(near - exact) < 0.01 && near >= exact - 1e-3)
    let points = random([5, 2], seed: 1)
    expectClose(sinkhornDivergence(points, points), Tensor(0), absolute: 1e-5)
    // A cost whose plain exponentials all are 0.
    let far = Parameter(cost * 1000 + 1e4)
    let distance = sinkhornDistance(cost: far.value, epsilon: 0.05)
    distance.backward()
    #expect(distance.item.isFinite && abs(far.gradient!.sum().item - 1) < 1e-3)
  }

  // MARK: Overlap, margins, hard examples

  @Test func overlapByHand() {
    // Found 1, wrong 1, missed 1.
    let p = Tensor([1, 1, 0, 0] as [Float], [1, 1, 4])
    let t = Tensor([1, 0, 1, 0] as [Float], [1, 1, 4])
    expectClose(diceLoss(p, t, smooth: 0), Tensor(0.5))
    expectClose(diceLoss(p, t), Tensor(1 - 3.0 / 5))
    expectClose(tverskyLoss(p, t, alpha: 0.5, beta: 0.5, smooth: 0), Tensor(0.5))
    expectClose(tverskyLoss(p, t, alpha: 1, beta: 1, smooth: 0), Tensor(2.0 / 3))
    // Missing costs more than inventing.
    expectClose(tverskyLoss(p, t, smooth: 0), Tensor(0.5))
    expectClose(tverskyLoss(t * 0, t, smooth: 1), Tensor(1 - 1 / 2.4))
    #expect(diceLoss(p * 0, t * 0).item == 0)
    let soft = softmax(random([2, 3, 4], seed: 1), axis: 1)
    let truth = Tensor.eye(3).indexSelect(Tensor([0, 2, 1, 1, 0, 2, 2, 0] as [Int64]))
      .reshape([2, 4, 3]).transposed()
    let weight = Tensor([1, 2, 0.5] as [Float])
    expectGradient(at: [soft]) { diceLoss($0[0], truth, squared: true, weight: weight) }
    expectGradient(at: [soft]) { tverskyLoss($0[0], truth, reduction: .none) }
  }

  @Test func marginsByHand() {
    // Target 1 of scores (0.5, 1, -2): only the first comes within 1, by 0.5.
    let x = Tensor([0.5, 1, -2] as [Float], [1, 3])
    let t = Tensor([1] as [Int64])
    expectClose(multiMarginLoss(x, t), Tensor(0.5 / 3))
    expectClose(multiMarginLoss(x, t, power: 2), Tensor(0.25 / 3))
    let d = Tensor([0.25, 0.25, 2] as [Float])
    let y = Tensor([1, -1, -1] as [Float])
    #expect(hingeEmbeddingLoss(d, y, reduction: .none).floats == [0.25, 0.75, 0])
    let a = Tensor([1, 0, 1, 0, 0, 0] as [Float], [3, 2])
    let b = Tensor([3, 4, 3, 4, 1, 1] as [Float], [3, 2])
    expectClose(
      cosineEmbeddingLoss(a, b, Tensor([1, -1, 1] as [Float]), reduction: .none), [0.4, 0.6, 1])
    let scores = random([4, 3], seed: 1, in: -3...3)
    let classes = Tensor([0, 2, 1, 1] as [Int64])
    expectGradient(at: [scores]) { multiMarginLoss($0[0], classes, margin: 1.1, power: 2) }
    expectGradient(at: [random([3, 4], seed: 2), random([3, 4], seed: 3)]) {
      cosineEmbeddingLoss($0[0], $0[1], y, margin: -1, reduction: .none)
    }
  }

  @Test func hardExamplesAreTheLargest() {
    let losses = Parameter(Tensor([0.1, 3, 0.5, 2, 0.2, 1] as [Float], [2, 3]))
    #expect(HardExamples.count(2)(losses.value).floats == [3, 2])
    #expect(HardExamples.ratio(0.4)(losses.value).floats == [3, 2, 1])
    #expect(HardExamples.above(1)(losses.value).floats == [3, 2, 1])
    #expect(HardExamples.above(9, minimum: 2)(losses.value).floats == [3, 2])
    #expect(HardExamples.count(99)(losses.value).count == 6)
    let loss = ohemLoss(losses.value, .count(2))
    #expect(loss.item == 2.5)
    loss.backward()
    #expect(losses.gradient!.floats == [0, 0.5, 0, 0.5, 0, 0])
    #expect(ohemLoss(losses.value, .count(0)).item == 0)
    #expect(ohemLoss(.zeros([0]), .ratio(0.5)).item == 0)
    #expect(ohemLoss(Tensor([1, .nan, 2] as [Float]), .count(1)).item.isNaN)
  }

  // MARK: Style, teachers, information

  @Test func styleByHand() {
    // Channels (1, 2) and (3, 4): products 5, 11, 25.
    let maps = Tensor([1, 2, 3, 4] as [Float], [1, 2, 1, 2])
    #expect(gramMatrix(maps, normalized: false).floats == [5, 11, 11, 25])
    #expect(gramMatrix(maps).floats == [1.25, 2.75, 2.75, 6.25])
    #expect(styleLoss(maps, gram: gramMatrix(maps)[0]).item == 0)
    // Differences 15, 33, 33, 75 from the products of twice the maps: undivided, as the notes have
    // it, and by C·H·W = 4.
    let doubled = gramMatrix(maps * 2, normalized: false)
    #expect(doubled.floats == [20, 44, 44, 100])
    let mean: Float = (225 + 2 * 1089 + 5625) / 4
    #expect(styleLoss(maps, gram: doubled, normalized: false).item == mean)
    #expect(styleLoss(maps, gram: gramMatrix(maps * 2)).item == mean / 16)
    #expect(contentLoss(maps, maps + 2).item == 4)
    let picture = Tensor([0, 1, 3, 7] as [Float], [1, 1, 2, 2])
    // Down: 3, 6; across: 1, 4. The book's code has half of two means, the notes the sum.
    #expect(totalVariationLoss(picture).item == 0.5 * (4.5 + 2.5))
    #expect(totalVariationLoss(picture, .sumAbsolute).item == 3 + 6 + 1 + 4)
    // Of a picture twice as high, made of the same rows in turn, the sum grows and the means hardly
    // do.
    let higher = concatenate([picture, picture], axis: 2)
    #expect(totalVariationLoss(higher, .sumAbsolute).item == 37)
    #expect(totalVariationLoss(higher).item == 0.5 * (4.5 + 2.5))
    #expect(totalVariationLoss(picture, .sumSquared).item == 9 + 36 + 1 + 16)
    #expect(totalVariationLoss(.ones([1, 1, 1, 1])).item == 0)
    let x = random([1, 2, 3, 4], seed: 1)
    expectGradient(at: [x]) { styleLoss($0[0], gram: .zeros([1, 2, 2]), reduction: .none) }
    expectGradient(at: [x]) { totalVariationLoss($0[0], .sumSquared) }
  }

  @Test func teachersTakeNoGradient() {
    let student = Parameter(random([3, 4], seed: 1))
    let teacher = Parameter(random([3, 4], seed: 2))
    let t = Tensor([0, 3, 1] as [Int64])
    distillationLoss(student.value, teacher: teacher.value, t).backward()
    featureDistillationLoss(student.value, teacher: teacher.value, .cosine).backward()
    #expect(student.gradient != nil && teacher.gradient == nil)
    expectClose(
      distillationLoss(student.value, teacher: student.value), Tensor(0), absolute: 1e-6)
    expectClose(
      distillationLoss(student.value, teacher: teacher.value, t, alpha: 0),
      crossEntropy(student.value, t))
    // Hinton's section 2.1: at high temperatures it is half the squared difference of
    // centred logits, by C.
    let s = student.value - student.value.mean(axes: [1], keepingAxes: true)
    let c = teacher.value - teacher.value.mean(axes: [1], keepingAxes: true)
    expectClose(
      distillationLoss(s, teacher: c, temperature: 100), square(s - c).sum() / (2 * 4 * 3),
      relative: 2e-2)
    expectGradient(at: [random([3, 4], seed: 3)]) {
      distillationLoss($0[0], teacher: teacher.value.detached(), reduction: .none)
    }
  }

  @Test func infoPro() {
    // λ₁ = α (1 − β), λ₂ = α β
    let loss = InfoProLoss(alpha: 2, beta: 0.25)
    #expect(loss.reconstruction == 1.5 && loss.label == 0.5)
    let decoded = Parameter(Tensor.zeros([1, 3, 2, 2]))
    let total = loss(decoded: decoded.value, picture: .ones([1, 3, 2, 2]), labelLoss: Tensor(4))
    expectClose(total, Tensor(1.5 * log(2) + 2))
    total.backward()
    expectClose(decoded.gradient!, .full([1, 3, 2, 2], -1.5 * 0.5 / 12))
    // Two alike of three, one opposite: −log(e^1 / (e^1 + e^−1)), both ways.
    let z = Tensor([1, 0, 2, 0, -1, 0] as [Float], [3, 2])
    let labels = Tensor([5, 5, 7] as [Int64])
    expectClose(
      supervisedContrastiveLoss(z, labels, temperature: 1), Tensor(log(1 + exp(-2))))
    #expect(supervisedContrastiveLoss(z, Tensor([1, 2, 3] as [Int64])).item == 0)
    expectGradient(at: [random([5, 3], seed: 1)]) {
      supervisedContrastiveLoss($0[0], Tensor([0, 1, 0, 1, 1] as [Int64]), temperature: 0.5)
    }
  }

  // MARK: Penalties

  @Test func penaltiesByHand() {
    let w = Parameter(Tensor([3, -4, 0] as [Float]))
    let v = Parameter(Tensor([1] as [Float]))
    #expect(l1Penalty([w, v], strength: 0.5).item == 4)
    #expect(l2Penalty([w, v], strength: 0.5).item == 6.5)
    #expect(elasticNetPenalty([w, v], strength: 1, ratio: 0.25).item == 2 + 0.375 * 26)
    elasticNetPenalty([w], strength: 1, ratio: 0.5).backward()
    #expect(w.gradient!.floats == [2, -2.5, 0])
    #expect(l1Penalty([], strength: 1).item == 0)
  }

  /// E80: a loss is a sample's, the cost its mean over the samples, the objective the cost with
  /// what else is to be small.
  @Test func lossCostObjective() {
    let logits = Tensor([2, 0, 0, 1] as [Float], [2, 2])
    let labels = Tensor([0, 0] as [Int64])
    let loss = crossEntropy(logits, labels, reduction: .none)
    // log(1 + e^−2) of the first, log(1 + e) of the second.
    expectClose(loss, [0.126928, 1.313262] as [Float], relative: 1e-5)
    let cost = crossEntropy(logits, labels)
    expectClose(cost, [(0.126928 + 1.313262) / 2] as [Float], relative: 1e-5)
    let weight = Parameter(Tensor([3, -4] as [Float]))
    let objective = cost + l2Penalty([weight], strength: 0.01)
    #expect(objective.item > cost.item)
    objective.backward()
    // The samples say nothing about this weight: what moves it is the penalty alone.
    #expect(weight.gradient!.floats[0] > 0 && weight.gradient!.floats[1] < 0)
  }

  /// E42: the penalty's gradient is the decay that SGD adds.
  @Test func penaltyIsTheDecayOfPlainSGD() {
    let start = random([4], seed: 1)
    let a = Parameter(start)
    l2Penalty([a], strength: 0.1).backward()
    expectClose(a.gradient!, start * 0.1)
  }

  @Test func huberAndWeights() {
    let x = Tensor([0.5, 3] as [Float])
    let y = Tensor([0, 0] as [Float])
    #expect(huberLoss(x, y, delta: 2, reduction: .none).floats == [0.125, 4])
    let w = Tensor([2, 0.5] as [Float])
    #expect(l1Loss(x, y, weight: w, reduction: .none).floats == [1, 1.5])
    #expect(meanSquaredError(x, y, weight: w).item == (0.5 + 4.5) / 2.5)
    #expect(smoothL1Loss(x, y, weight: w, reduction: .batchMean).item == 0.5 * (0.25 + 1.25))
  }
}
