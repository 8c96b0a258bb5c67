import SakerNN
import SakerTensor
import TestSupport
import Testing

@testable import SakerVision

@Suite struct RepVGGTests {
  /// Without groups and with them, at sides that do not divide either.
  @Test(arguments: ["repvgg_a0", "repvgg_b1g4"])
  func fusedComputesTheSame(name: String) throws {
    let entry = try #require(ClassifierCatalog.named(name))
    let model = try #require(try ClassifierGoldenTests.model(entry) as? RepVGG)
    let fused = model.fused()
    #expect(fused.isFused && !model.isFused)
    let pictures = ClassifierGoldenTests.drawn([2, 3, 95, 70], seed: 7)
    let expected = model.evaluating { model(pictures) }
    let logits = fused.evaluating { fused(pictures) }
    expectClose(logits, expected, relative: 1e-5)
    // Nothing but convolutions, ReLUs and the last layer.
    let norms = fused.namedModules.filter { $0.module is BatchNorm2d }
    #expect(norms.isEmpty)
    #expect(fused.state.count == 2 * (1 + model.configuration.depths.reduce(0, +)) + 2)
    #expect(fused.state.contains { $0.name == "stages.0.0.reparam_conv.weight" })
    // A fused model is fused already.
    let again = fused.fused()
    expectClose(again.evaluating { again(pictures) }, logits, relative: 1e-6)
  }

  /// By hand: one channel, kernels 2 and 3, norms that only scale.
  @Test func branchesAddUp() {
    let block = RepVGGBlock(1, 1, stride: 1, hasIdentity: true, isFused: false)
    let modules = block.namedModules.map(\.module)
    let convs = modules.compactMap { $0 as? Conv2d }
    convs[0].weight.value = .full([1, 1, 3, 3], 2)
    convs[1].weight.value = .full([1, 1, 1, 1], 3)
    for case let norm as BatchNorm2d in modules {
      norm.runningVar?.value = .full([1], 4 - 1e-5)
      norm.bias?.value = .full([1], 1)
    }
    let (weight, bias) = block.kernel
    // All scaled by 1/2; in the middle 2/2 + 3/2 + 1/2.
    expectClose(weight, Tensor([1, 1, 1, 1, 3, 1, 1, 1, 1] as [Float]).reshape([1, 1, 3, 3]))
    expectClose(bias, Tensor([3] as [Float]))
  }
}
