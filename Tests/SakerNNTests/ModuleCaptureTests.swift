import SakerTensor
import TestSupport
import Testing

@testable import SakerNN

/// Graphs of modules: names, modes, and that nothing fuses while one is captured.
@Suite(.serialized) struct ModuleCaptureTests {
  private static func network() -> Sequential {
    withSeed(1) {
      Sequential(named: [
        ("conv", Conv2d(3, 4, kernel: 3, padding: 1)), ("bn", BatchNorm2d(4)), ("act", ReLU()),
        (
          "block",
          Residual(
            Sequential(Conv2d(4, 4, kernel: 3, padding: 1, bias: false), BatchNorm2d(4)),
            activation: ReLU())
        ), ("drop", Dropout(0.5)), ("flat", Flatten()), ("fc", Linear(4 * 36, 5)),
      ])
    }
  }

  private static let x = random([2, 3, 6, 6], seed: 2).channelsLast()

  @Test func constantsAndStepsBearTheModulesNames() throws {
    let network = Self.network()
    let graph = try network.capture(Self.x, batch: .open)
    let steps = graph.steps.map { "\($0.scope) \($0.operation)" }
    #expect(
      steps.prefix(7) == [
        "conv convolution2d", "bn batchNorm", "act relu", "block.body.0 convolution2d",
        "block.body.1 batchNorm", "block add", "block.activation relu",
      ])
    #expect(steps.contains("flat reshape") && steps.contains("fc matrixProduct"))
    let names = Set(graph.constants.map(\.name))
    #expect(
      names.isSuperset(of: network.namedParameters.map(\.name)) && names.contains("bn.running_var"))
    let norm = graph.steps[1]
    #expect(norm.attributes["epsilon"] == .double(1e-5) && norm.attributes["relu"] == .bool(false))
    let mean = try #require(norm.constants["mean"])
    #expect(graph.constants.first { $0.id == mean }?.name == "bn.running_mean")
    // The residual sum takes what came before the block.
    #expect(graph.steps[5].inputs.contains(graph.steps[2].output.id))
  }

  @Test func aGraphEvaluatesAndLeavesTheModuleAsItWas() throws {
    let network = Self.network()
    let before = network.state.map { $0.tensor.floats }
    let graph = try network.capture(Self.x)
    #expect(network.state.map { $0.tensor.floats } == before)
    #expect((network[1] as? BatchNorm)?.mode.isTraining == true)
    let y = network.evaluating { network(Self.x) }
    expectClose(graph(Self.x), y, relative: 1e-5, absolute: 1e-5)
    // Hooks see a capture as they see a run.
    var seen = 0
    let handle = network[2].onForward { _, _ in
      seen += 1
      return nil
    }
    _ = try network.capture(Self.x)
    handle.remove()
    #expect(seen == 1)
  }

  @Test func aLayerThatReadsItsInputIsNamed() {
    final class Deciding: Layer {
      func forward(_ x: Tensor) -> Tensor { x.max().item > 0 ? x : -x }
    }
    let network = Sequential(ReLU(), Deciding())
    let error = #expect(throws: CaptureError.self) { try network.capture(Self.x) }
    let problem = error?.problems.first ?? ""
    #expect(
      problem.hasPrefix("numbers are read of the result of step") && problem.contains(" in 1, []"),
      "\(problem)")
  }

  @Test func attentionAndSharedWeightsAreCaptured() throws {
    let attention = withSeed(3) { MultiheadAttention(8, heads: 2) }
    let twice = Sequential(attention, attention)
    let x = random([2, 5, 8], seed: 4)
    let graph = try twice.capture(x, batch: .open)
    #expect(graph.steps.filter { $0.operation == "attention" }.count == 2)
    #expect(graph.constants.filter { $0.name.hasSuffix("in_proj_weight") }.count == 1)
    let other = random([7, 5, 8], seed: 5)
    expectClose(graph(other), twice.evaluating { twice(other) }, relative: 1e-5, absolute: 1e-5)
  }
}
