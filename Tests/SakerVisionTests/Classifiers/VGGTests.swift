import SakerNN
import SakerTensor
import TestSupport
import Testing

@testable import SakerVision

@Suite struct VGGTests {
  /// torchvision's counts for 1000 classes.
  @Test(arguments: [
    (VGG.Configuration.vgg11, 132_863_336), (.vgg11.normalized, 132_868_840),
    (.vgg13.normalized, 133_053_736), (.vgg16.normalized, 138_365_992),
    (.vgg19.normalized, 143_678_248),
  ])
  func parameterCounts(of configuration: VGG.Configuration, published: Int) {
    // The inner layers alone would take half a gigabyte: they are counted by hand.
    var small = configuration
    small.width = 8
    let wide = VGGTests.head(width: 4096) - VGGTests.head(width: 8)
    #expect(VGG(small).parameterCount + wide == published)
  }

  private static func head(width: Int) -> Int {
    (512 * 49 + 1) * width + (width + 1) * width + (width + 1) * 1000
  }

  private static func small(_ configuration: VGG.Configuration, classes: Int, seed: UInt64 = 1)
    -> VGG
  {
    var configuration = configuration
    configuration.width = 32
    configuration.dropout = 0
    return withSeed(seed) { VGG(configuration, classes: classes) }
  }

  @Test func namesAreThePublishedOnes() {
    let names = VGGTests.small(.vgg16.normalized, classes: 10).state.map(\.name)
    #expect(names.count == 13 * 7 + 6)
    for name in [
      "features.0.weight", "features.1.running_mean", "features.1.num_batches_tracked",
      "features.40.bias", "features.41.running_var", "classifier.0.weight", "classifier.3.bias",
      "classifier.6.weight",
    ] {
      #expect(names.contains(name), "\(name)")
    }
    let plain = VGGTests.small(.vgg11, classes: 10).state.map(\.name)
    #expect(plain.contains("features.18.weight") && plain.count == 8 * 2 + 6)
  }

  /// torchvision starts them so; the standard deviation of a uniform start would be another.
  @Test func weightsStartNormal() {
    let model = VGGTests.small(.vgg11, classes: 10)
    let state = Dictionary(uniqueKeysWithValues: model.state.map { ($0.name, $0.tensor) })
    func deviation(_ name: String) -> Float { sqrt(square(state[name]!).mean()).item }
    #expect(abs(deviation("features.3.weight") / (2 / Float(9 * 128)).squareRoot() - 1) < 0.02)
    #expect(abs(deviation("classifier.0.weight") / 0.01 - 1) < 0.02)
    #expect(state["features.3.bias"]!.floats.allSatisfy { $0 == 0 })
  }

  @Test func aFewStepsLowerTheLoss() {
    let model = VGGTests.small(.vgg11.normalized, classes: 3, seed: Trial.seed(1))
    let x = random([6, 3, 32, 32], seed: Trial.seed(5))
    let labels = Tensor([0, 1, 2, 0, 1, 2] as [Int32])
    // SGD has to be fast for a head that starts so small, and then diverges from a
    // third of the seeds.
    let optimizer = Optimizer(Adam(), model, rate: 1e-3)
    let losses = (0..<12).map { _ -> Float in
      let loss = crossEntropy(model(x), labels)
      loss.backward()
      optimizer.step()
      optimizer.zeroGradients()
      return loss.item
    }
    #expect(losses.allSatisfy { $0.isFinite }, "\(losses)")
    Trial.expect(losses.last! / losses[0], below: 0.9, "VGG-11")
  }
}

/// Against torchvision's, with the same weights: Scripts/golden/vgg.py.
@Suite struct VGGGoldenTests {
  let golden: GoldenFile

  init() throws { golden = try GoldenFile("golden/vgg.safetensors") }

  private subscript(name: String) -> Tensor { golden["vgg11_bn/\(name)"] }

  /// The script's `drawn`.
  private static func drawn(_ count: Int, _ seed: Int) -> [Float] {
    let start = UInt32(truncatingIfNeeded: seed &* 0x9E37_79B9)
    return (0..<count).map { i in
      var h = UInt32(truncatingIfNeeded: i) &+ start
      for (shift, factor) in [(16, 0x85EB_CA6B), (13, 0xC2B2_AE35)] as [(UInt32, UInt32)] {
        h = (h ^ (h >> shift)) &* factor
      }
      h ^= h >> 16
      return Float(h >> 8) / 0x1p23 - 1
    }
  }

  private func model() -> VGG {
    var configuration = VGG.Configuration.vgg11.normalized
    configuration.width = 32
    configuration.dropout = 0
    let model = VGG(configuration, classes: 10)
    for (index, named) in model.namedParameters.enumerated() {
      let shape = named.parameter.shape
      var values = VGGGoldenTests.drawn(shape.elements, index + 1)
      if shape.rank > 1 {
        let bound = Float((6 / Double(shape.elements / shape[0])).squareRoot())
        for i in values.indices { values[i] *= bound }
      } else {
        let isScale = named.name.hasSuffix("weight")
        for i in values.indices { values[i] = isScale ? 1 + 0.5 * values[i] : 0.25 * values[i] }
      }
      named.parameter.value = Tensor(values, shape)
    }
    return model
  }

  @Test func evaluationMatches() {
    let model = model()
    expectClose(model.evaluating { model(self["x"]) }, self["eval.y"], relative: 1e-4)
  }

  @Test func aTrainingStepMatches() throws {
    let model = model()
    let y = model(self["x"])
    expectClose(y, self["train.y"], relative: 1e-4)
    let loss = crossEntropy(y, self["labels"].converted(to: .int64))
    expectClose(loss, self["loss"], relative: 1e-4)
    loss.backward()
    for (name, parameter) in model.namedParameters.map({ ($0.name, $0.parameter) }) {
      let gradient = try #require(parameter.gradient, "\(name)")
      let size = sqrt(square(gradient).mean()).item
      // A bias before a batch norm changes nothing: what is left of its gradient is rounding.
      let expected = self["n:\(name)"].item
      #expect(abs(size - expected) <= 1e-3 * expected + 1e-6, "\(name): \(size), not \(expected)")
      if golden.tensors["vgg11_bn/g:\(name)"] != nil {
        expectClose(gradient, self["g:\(name)"], relative: 1e-3, name)
      }
    }
    func buffer(_ name: String) throws -> Tensor {
      try #require(model.namedBuffers.first { $0.name == name }).buffer.value
    }
    expectClose(try buffer("features.1.running_mean"), self["mean"], relative: 1e-4)
    expectClose(try buffer("features.1.running_var"), self["var"], relative: 1e-4)
  }
}
