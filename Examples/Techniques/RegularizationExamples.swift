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
    let layer = DropBlock(0.2, size: 3)
    for step in 1...10 {
      layer.strength = Float(step) / 10  // raised over the training
      #expect(layer(maps).shape == maps.shape)
    }
  }

  @Test("Stochastic depth") func stochasticDepth() {
    let chances = StochasticDepth.linearRule(last: 0.2, blocks: 4)
    let branch = Sequential(Conv2d(16, 16, kernel: 3, padding: 1), StochasticDepth(chances[3]))
    #expect(relu(maps + branch(maps)).shape == maps.shape)
  }

  @Test("MixUp") func mixUp() {
    let targets = oneHot(Tensor([0, 1, 2, 0, 1, 2, 0, 1] as [Int64]), classes: 3, smoothing: 0.1)
    var mixUp = MixUp(alpha: 0.2, random: Random(seed: 1))
    let (images, shares, _) = mixUp(maps, targets)
    let logits = Linear(16, 3)(images.mean(axes: [2, 3]))
    softTargetCrossEntropy(logits, shares).backward()
  }

  @Test("CutMix") func cutMix() {
    let targets = oneHot(Tensor([0, 1, 2, 0, 1, 2, 0, 1] as [Int64]), classes: 3)
    var cutMix = CutMix(random: Random(seed: 1))
    let (images, _, draw) = cutMix(maps, targets)
    #expect(images.shape == maps.shape && (0...1).contains(draw.lambda))
  }
}
