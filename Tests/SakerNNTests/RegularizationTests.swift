import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

struct RegularizationTests {
  private static let makers: [String: @Sendable () -> any Layer & ModeDependent & RandomLayer] = [
    "dropout": { Dropout(0.4) }, "spatial": { SpatialDropout(0.4) },
    "gaussian": { GaussianDropout(0.4) }, "uniform": { UniformDropout(0.5) },
    "alpha": { AlphaDropout(0.4) }, "block": { DropBlock(0.3, size: 3) },
    "depth": { StochasticDepth(0.4) }, "depth of batches": { StochasticDepth(0.4, unit: .batch) },
  ]

  /// Evaluation changes nothing; a seed gives the same again, a second pass something else; the
  /// gradient is what the input was multiplied by.
  @Test(arguments: makers.keys.sorted())
  func allAreReproducibleAndRest(_ name: String) throws {
    let make = try #require(RegularizationTests.makers[name])
    let x = random([4, 6, 9, 8], seed: 1, in: 1...2)
    let (a, b) = (withSeed(5, make), withSeed(5, make))
    let input = Parameter(x)
    let y = a(input.value)
    #expect(y.floats == b(x).floats && y.floats != x.floats)
    if name != "depth of batches" { #expect(a(x).floats != y.floats) }
    #expect(a.parameters.isEmpty && a.generators.count == 1)
    y.sum().backward()
    if name != "alpha" { expectClose(input.gradient! * x, y.detached()) }
    a.eval()
    #expect(a(x).floats == x.floats)
    // In low precision the type stays; nothing in, nothing out.
    a.train()
    #expect(a(x.converted(to: .bfloat16)).dtype == .bfloat16)
    #expect(a(.zeros([0, 6, 9, 8])).shape == [0, 6, 9, 8])
    // The state of the generator goes on.
    let state = a.random
    let next = a(x).floats
    a.random = state
    #expect(a(x).floats == next)
  }

  @Test(arguments: makers.keys.sorted())
  func theMeanStays(_ name: String) throws {
    let make = try #require(RegularizationTests.makers[name])
    let layer = withSeed(1, make)
    // 2,000 samples of 9 maps.
    let x = Tensor.ones([2000, 9, 6, 6])
    if name == "depth of batches" {
      let mean = (0..<4000).reduce(Float(0)) { sum, _ in sum + layer(.ones([1])).item } / 4000
      #expect(abs(mean - 1) < 0.05)
      return
    }
    let y = layer(name == "alpha" ? .normal(x.shape, using: &layer.random) : x)
    #expect(abs(y.mean().item - (name == "alpha" ? 0 : 1)) < 0.02)
    if name == "alpha" { #expect(abs(y.variance().item - 1) < 0.02) }
    if name == "gaussian" { #expect(abs(y.variance().item - 0.4 / 0.6) < 0.02) }
    if name == "uniform" {
      #expect(abs(y.variance().item - 0.25 / 3) < 0.002)
      #expect(y.max().item <= 1.5 && y.min().item >= 0.5)
    }
  }

  /// Whole channels.
  @Test func spatialDropoutDropsChannels() {
    let y = withSeed(2) { SpatialDropout(0.25) }(.ones([100, 40, 3, 2]))
    let channels = y.reshape([4000, 6])
    #expect(channels.max(axes: [1]).floats == channels.min(axes: [1]).floats)
    let dropped = channels.select(axis: 1, at: 0).floats.count { $0 == 0 }
    #expect(abs(Double(dropped) / 4000 - 0.25) < 0.03)
    #expect(y.max().item == Float(4) / 3)
  }

  @Test func stochasticDepthDropsSamples() {
    let y = withSeed(2) { StochasticDepth(0.3) }(.ones([5000, 4]))
    #expect(y.max(axes: [1]).floats == y.min(axes: [1]).floats)
    let dropped = y.select(axis: 1, at: 0).floats.count { $0 == 0 }
    #expect(abs(Double(dropped) / 5000 - 0.3) < 0.03)
    expectClose(StochasticDepth.linearRule(last: 0.5, blocks: 4), [0.125, 0.25, 0.375, 0.5])
    #expect(StochasticDepth(1)(.ones([3])).floats == [0, 0, 0])
  }

  /// γ by the paper's formula; squares of zeros; about the wanted share of them; the sum
  /// of the mask stays.
  @Test func dropBlockDropsSquares() {
    let layer = withSeed(3) { DropBlock(0.1, size: 3) }
    #expect(abs(layer.probability(height: 10, width: 12) - 0.1 / 9 * 120 / 80) < 1e-6)
    let y = layer(.ones([100, 8, 10, 12]))
    let zeros = y.floats.count { $0 == 0 }
    // Overlap costs a little.
    let share = Double(zeros) / Double(y.count)
    #expect(share > 0.08 && share < 0.1)
    #expect(abs(y.mean().item - 1) < 1e-4)
    // Every zero is part of a square of zeros.
    let map = y.narrow(0, 0..<20).floats.map { $0 == 0 }
    func isZero(_ plane: Int, _ row: Int, _ column: Int) -> Bool {
      map[(plane * 10 + row) * 12 + column]
    }
    var alone = 0
    for plane in 0..<160 {
      for row in 0..<10 {
        for column in 0..<12 where isZero(plane, row, column) {
          let isInside = (max(0, row - 2)...min(7, row)).contains { top in
            (max(0, column - 2)...min(9, column)).contains { left in
              (0..<9).allSatisfy { isZero(plane, top + $0 / 3, left + $0 % 3) }
            }
          }
          if !isInside { alone += 1 }
        }
      }
    }
    #expect(alone == 0)
    layer.strength = 0
    #expect(layer(.ones([1, 1, 4, 4])).floats.allSatisfy { $0 == 1 })
    // Maps smaller than the square go as a whole, all of them at drop 1.
    #expect(DropBlock(1, size: 7)(.ones([2, 2, 3, 3])).floats.allSatisfy { $0 == 0 })
  }

  @Test func alphaDropoutByHand() {
    let layer = withSeed(4) { AlphaDropout(0.5) }
    // a = 1 / √(0.5 (1 + 0.5 · 1.7581²)), b = a · 0.5 · 1.7581; x = 0 gives b or b − a · 1.7581.
    let a = 1 / (0.5 * (1 + 0.5 * 1.758_099_3 * 1.758_099_3)).squareRoot()
    let expected = [-a * 0.5 * 1.758_099_3, a * 0.5 * 1.758_099_3]
    let values = Set(layer(.zeros([100])).floats.map { ($0 * 1e5).rounded() }).sorted()
    #expect(values.count == 2)
    for (value, exact) in zip(values, expected) { #expect(abs(Double(value) / 1e5 - exact) < 2e-5) }
  }

  // MARK: - MixUp and CutMix

  /// Mean a / (a + b), variance ab / ((a + b)² (a + b + 1)), always in 0...1.
  @Test(arguments: [(0.2, 0.2), (1, 1), (2, 5), (0.5, 3), (0.001, 0.001)])
  func betaHasItsMoments(_ a: Double, _ b: Double) {
    var random = Random(seed: 7)
    let draws = (0..<100_000).map { _ in random.beta(a, b) }
    #expect(draws.allSatisfy { (0...1).contains($0) })
    let mean = draws.reduce(0, +) / 100_000
    let variance = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 100_000
    let sum = a + b
    #expect(abs(mean - a / sum) < 0.01)
    #expect(abs(variance - a * b / (sum * sum * (sum + 1))) < 0.005)
    if a == 1 {
      // Uniform: each tenth as often.
      let counts = draws.reduce(into: [Int](repeating: 0, count: 10)) {
        $0[min(9, Int($1 * 10))] += 1
      }
      #expect(counts.allSatisfy { abs($0 - 10_000) < 500 })
    }
  }

  @Test func mixUpMixesPicturesAndTargets() {
    let images = random([4, 3, 5, 5], seed: 1)
    let targets = oneHot(Tensor([2, 0, 1, 2] as [Int64]), classes: 3)
    var mixUp = MixUp(alpha: 0.8, random: Random(seed: 3))
    let (mixed, shares, draw) = mixUp(images, targets)
    #expect(draw.partners.sorted() == [0, 1, 2, 3])
    for (i, partner) in draw.partners.enumerated() {
      expectClose(
        mixed[i], images[i] * draw.lambda + images[partner] * (1 - draw.lambda))
      expectClose(
        shares[i], targets[i] * draw.lambda + targets[partner] * (1 - draw.lambda))
    }
    expectClose(shares.sum(axes: [1]), .ones([4]))
    var again = MixUp(alpha: 0.8, random: Random(seed: 3))
    #expect(again(images, targets).draw == draw && again(images, targets).draw != draw)
    #expect(mixUp(.zeros([0, 3, 2, 2]), .zeros([0, 3])).images.shape == [0, 3, 2, 2])
  }

  /// λ is the share of pixels that stay, also where the rectangle reaches over the edge.
  @Test func cutMixPastesARectangle() {
    let images = Tensor([0, 1, 2] as [Float], [3, 1, 1, 1]).expand([3, 2, 9, 12]) * 1
    let targets = oneHot(Tensor([0, 1, 2] as [Int32]), classes: 3)
    var cutMix = CutMix(random: Random(seed: 1))
    var sizes: Set<Int> = []
    for _ in 0..<200 {
      let (mixed, shares, draw) = cutMix(images, targets)
      #expect(draw.rows.upperBound <= 9 && draw.columns.upperBound <= 12)
      sizes.insert(draw.rows.count * draw.columns.count)
      for (i, partner) in draw.partners.enumerated() {
        let own = mixed[i].floats.count { $0 == Float(i) }
        let foreign = mixed[i].floats.count { $0 == Float(partner) }
        #expect(own + (partner == i ? 0 : foreign) == 216)
        if partner != i {
          #expect(abs(Float(own) / 216 - draw.lambda) < 1e-6)
          #expect(abs(shares[i, i].item - draw.lambda) < 1e-6)
        }
      }
      expectClose(shares.sum(axes: [1]), .ones([3]))
    }
    #expect(sizes.count > 20 && sizes.contains(0))
    let draw = CutMix.Draw(rows: 1..<3, columns: 0..<2, partners: [1, 0, 2], lambda: 0)
    let pasted = CutMix.paste(images, draw)
    #expect(pasted[0, 1, 1, 0].item == 1 && pasted[0, 1, 0, 0].item == 0)
    #expect(pasted[1, 0, 2, 1].item == 0 && pasted[1, 0, 3, 1].item == 1)
  }

  // MARK: - Soft targets

  /// The loss of smoothed shares is the loss with smoothing; that of a mixture, the
  /// mixture of losses.
  @Test func softTargetsAgreeWithCrossEntropy() {
    let logits = Parameter(random([5, 4], seed: 1, in: -3...3))
    let targets = Tensor([0, 3, 1, 1, 2] as [Int64])
    expectClose(
      oneHot(Tensor([1] as [Int64]), classes: 4, smoothing: 0.2), [0.05, 0.85, 0.05, 0.05])
    for smoothing in [Float(0), 0.1] {
      let shares = oneHot(targets, classes: 4, smoothing: smoothing)
      expectClose(
        softTargetCrossEntropy(logits.value, shares).detached(),
        crossEntropy(logits.value, targets, smoothing: smoothing).detached())
    }
    let others = Tensor([1, 1, 0, 2, 2] as [Int64])
    let mixed = oneHot(targets, classes: 4) * 0.3 + oneHot(others, classes: 4) * 0.7
    expectClose(
      softTargetCrossEntropy(logits.value, mixed).detached(),
      (crossEntropy(logits.value, targets) * 0.3 + crossEntropy(logits.value, others) * 0.7)
        .detached())
  }

  @Test func wrongInputStops() async {
    expectStopped(
      saying: "oneHot: expected targets in 0..<3, got 3",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = oneHot(Tensor([3] as [Int64]), classes: 3)
      })
    expectStopped(
      saying: "DropBlock: expected [N, C, H, W], got [2, 3]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = DropBlock()(.ones([2, 3]))
      })
    expectStopped(
      saying: "StochasticDepth: expected a probability in 0...1, got 1.5",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = StochasticDepth(1.5)
      })
    expectStopped(
      saying: "MixUp: expected a floating tensor of 2 samples",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = MixUp.mix(.ones([3]), MixUp.Draw(lambda: 1, partners: [0, 1]))
      })
  }
}
