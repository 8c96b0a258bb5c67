import Saker
import Testing

@Suite struct RegularizationExamples {
  private let maps = Tensor.ones([8, 16, 6, 6])

  @Test("Dropout") func dropout() {
    let layer = withSeed(1) { Dropout(0.25) }
    #expect(layer(maps).max().item == Float(4) / 3)
    layer.eval()
    #expect(layer(maps).floats == maps.floats)
  }

  @Test("Spatial dropout") func spatialDropout() {
    let y = withSeed(1) { SpatialDropout(0.5) }(maps)
    #expect(y.max(axes: [2, 3]).floats == y.min(axes: [2, 3]).floats)  // whole channels
  }

  @Test("Gaussian, uniform and alpha dropout") func noise() {
    for layer in [GaussianDropout(0.1), UniformDropout(0.1), AlphaDropout(0.1)] as [any Layer] {
      #expect(layer(maps).floats != maps.floats)
    }
  }

  @Test("DropBlock") func dropBlock() {
    let layer = withSeed(1) { DropBlock(0.2, size: 3) }
    let dropped = ([0, 0.5, 1] as [Float]).map { strength in
      layer.strength = strength  // raised over the training
      return (layer(maps) .== 0).converted(to: .float32).mean().item
    }
    #expect(dropped[0] == 0 && abs(dropped[1] - 0.1) < 0.04 && abs(dropped[2] - 0.2) < 0.06)
  }

  @Test("Stochastic depth") func stochasticDepth() {
    let chances = StochasticDepth.linearRule(last: 0.5, blocks: 4)
    #expect(chances == [0.125, 0.25, 0.375, 0.5])
    let branch = withSeed(1) { StochasticDepth(chances[3]) }
    let kept = branch(maps)  // of each sample all or nothing, and twice as much of all
    #expect(kept.min(axes: [1, 2, 3]).floats == kept.max(axes: [1, 2, 3]).floats)
    #expect(Set(kept.floats) == [0, 2])
  }

  @Test("MixUp") func mixUp() {
    let targets = oneHot(Tensor([0, 1, 2, 0, 1, 2, 0, 1] as [Int64]), classes: 3, smoothing: 0.1)
    var mixUp = MixUp(alpha: 0.2, random: Random(seed: 1))
    let (images, shares, _) = mixUp(maps, targets)
    let logits = Linear(16, 3)(images.mean(axes: [2, 3]))
    let loss = softTargetCrossEntropy(logits, shares)
    #expect(abs(shares.sum(axes: [1]) - 1).max().item < 1e-6)
    #expect(allClose(loss, -(shares * logSoftmax(logits)).sum() / 8, relative: 1e-4))
  }

  @Test("CutMix") func cutMix() {
    let targets = oneHot(Tensor([0, 1, 2, 0, 1, 2, 0, 1] as [Int64]), classes: 3)
    var cutMix = CutMix(random: Random(seed: 1))
    let (images, _, draw) = cutMix(maps, targets)
    #expect(images.shape == maps.shape && (0...1).contains(draw.lambda))
  }
}
