import SakerNN
import SakerTensor
import TestSupport
import Testing

@testable import SakerVision

/// What the notes get wrong about classifiers: docs/errata.md, E35 and E36.
@Suite struct ClassifierErrataTests {
  private func layer(_ model: any Module, _ name: String) throws -> any Layer {
    try #require(model.namedModules.first { $0.name == name }?.module as? any Layer, "\(name)")
  }

  private func zero(_ module: any Module) {
    for parameter in module.parameters { parameter.value = .zeros(parameter.shape) }
  }

  /// Without weights a block of Inception v4 gives nothing, one of Inception-ResNet its input.
  @Test func inceptionV4AddsNothing() throws {
    let v4 = try layer(withoutStarts { InceptionV4(classes: 2) }, "features.6")
    zero(v4)
    let x = random([1, 384, 5, 5], seed: 1, in: 0...1)
    #expect(v4.evaluating { v4(x) }.floats.allSatisfy { $0 == 0 })
    let residual = try layer(withoutStarts { InceptionResNetV2(classes: 2) }, "repeat.0")
    zero(residual)
    let y = random([1, 320, 5, 5], seed: 2, in: 0...1)
    expectClose(residual.evaluating { residual(y) }, y, relative: 0)
  }

  @Test func inceptionV1PoolsToo() throws {
    let model = withoutStarts { GoogLeNet(classes: 2) }
    #expect(try layer(model, "inception3a.pool") is MaxPool2d)
    // 192 channels in; 64, 128, 32 and 32 out.
    let block = try layer(model, "inception3a")
    #expect(block.evaluating { block(.ones([1, 192, 4, 4])) }.shape == [1, 256, 4, 4])
  }

  @Test func mobileNetV2IsLinearAtTheEnd() throws {
    let model = withSeed(1) { MobileNetV2(classes: 2) }
    // From 16 to 24 channels with stride 2; 24 to 24; 64 to 96 with stride 1.
    for (place, inputs, adds) in [(2, 16, false), (3, 24, true), (11, 64, false)] {
      let block = try layer(model, "features.\(place)")
      let x = random([1, inputs, 6, 6], seed: 2)
      // An activation at the end would leave nothing below 0, and nothing beyond 6.
      #expect(block.evaluating { block(x) }.floats.contains { $0 < 0 }, "\(place)")
      zero(block)
      let rest = block.evaluating { block(x) }
      #expect(adds ? rest.floats == x.floats : rest.floats.allSatisfy { $0 == 0 }, "\(place)")
    }
  }

  @Test func mobileNetV1Rectifies() throws {
    func kinds(_ capped: Bool) -> (plain: Bool, capped: Bool) {
      let modules = withoutStarts { MobileNetV1(capped: capped, classes: 2) }.namedModules
      return (modules.contains { $0.module is ReLU }, modules.contains { $0.module is ReLU6 })
    }
    #expect(kinds(false) == (true, false), "the paper's")
    #expect(kinds(true) == (false, true), "the weights'")
  }

  /// Half of the channels come through as they were, each beside a computed one.
  @Test func shuffleNetV2Joins() throws {
    let unit = withSeed(1) { ShuffleUnit(8, 8, stride: 1) }
    let x = random([1, 8, 3, 3], seed: 2)
    let y = unit.evaluating { unit(x) }
    for channel in 0..<4 {
      #expect(y[0, 2 * channel].floats == x[0, channel].floats)
      #expect(y[0, 2 * channel + 1].floats != x[0, 4 + channel].floats)
    }
  }
}
