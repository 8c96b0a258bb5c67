import SakerTensor
import TestSupport
import Testing

@testable import SakerNN

/// Densely connected layers as one operation, against concatenating what each gives.
@Suite struct DenselyConnectedTests {
  struct Form: Sendable, CustomTestStringConvertible {
    var shape: Shape
    var growth, width, depth: Int
    var testDescription: String { "\(shape), growth \(growth), width \(width), \(depth) layers" }

    func model() -> DenselyConnected {
      withSeed(3) {
        let model = DenselyConnected(shape[1], growth: growth, width: width, depth: depth)
        var random = Random(seed: 5)
        for case let norm as BatchNorm in model.namedModules.map(\.module) {
          norm.weight?.value = .normal([norm.channels], mean: 1, deviation: 0.3, using: &random)
          norm.bias?.value = .normal([norm.channels], deviation: 0.5, using: &random)
        }
        return model
      }
    }
  }

  /// Channels that vectors of 16 divide and do not, at both ends of what a layer sees and adds;
  /// more pixels than a block has.
  static let forms: [Form] = [
    Form(shape: [2, 16, 8, 8], growth: 16, width: 32, depth: 3),
    Form(shape: [2, 5, 7, 9], growth: 3, width: 7, depth: 4),
    Form(shape: [1, 2, 5, 4], growth: 1, width: 3, depth: 2),
    Form(shape: [3, 24, 6, 5], growth: 12, width: 48, depth: 2),
    Form(shape: [2, 33, 23, 19], growth: 8, width: 20, depth: 3),
    Form(shape: [4, 40, 1, 1], growth: 20, width: 16, depth: 2),
  ]

  private struct Outcome {
    var y: Tensor
    var dx: Tensor
    var gradients: [(name: String, value: Tensor)]
    var buffers: [(name: String, value: Tensor)]
  }

  private func run(
    _ form: Form, freezing pattern: String? = nil,
    _ forward: (DenselyConnected, Tensor) -> Tensor
  ) -> Outcome {
    let model = form.model()
    if let pattern { model.freeze(matching: pattern) }
    let x = Parameter(random(form.shape, seed: 1).channelsLast())
    let y = forward(model, x.value)
    (y * random(y.shape, seed: 2)).sum().backward()
    return Outcome(
      y: y.detached(), dx: x.gradient ?? .zeros([]),
      gradients: model.namedParameters.compactMap { named in
        named.parameter.gradient.map { (named.name, $0) }
      },
      buffers: model.namedBuffers.map { ($0.name, $0.buffer.value) })
  }

  private func composed(_ model: DenselyConnected, _ x: Tensor) -> Tensor {
    model.layers.reduce(x) { concatenate([$0, $1($0)], axis: 1) }
  }

  private func expectSame(_ own: Outcome, _ other: Outcome) {
    expectClose(own.y, other.y, relative: 1e-5)
    expectClose(own.dx, other.dx, relative: 5e-5, "input")
    #expect(own.gradients.map(\.name) == other.gradients.map(\.name))
    for (a, b) in zip(own.gradients, other.gradients) {
      expectClose(a.value, b.value, relative: 5e-5, "\(a.name)")
    }
    for (a, b) in zip(own.buffers, other.buffers) where a.value.dtype == .float32 {
      expectClose(a.value, b.value, relative: 1e-5, "\(a.name)")
    }
  }

  @Test(arguments: forms)
  func equalsConcatenation(_ form: Form) {
    expectSame(run(form) { $0($1) }, run(form, composed))
  }

  @Test(arguments: ["denselayer1.*", "*.conv1.weight", "*.norm*"])
  func frozenParametersGetNoGradient(_ pattern: String) {
    let own = run(Self.forms[1], freezing: pattern) { $0($1) }
    let other = run(Self.forms[1], freezing: pattern, composed)
    #expect(!own.gradients.contains { $0.name.matches(glob: pattern) })
    expectSame(own, other)
  }

  @Test func anyNumberOfThreadsGivesTheSameBits() {
    let threads = Parallel.threads
    defer { Parallel.threads = threads }
    // Wide enough for our kernels, whose bits do not depend on the threads.
    let form = Form(shape: [2, 32, 20, 20], growth: 32, width: 64, depth: 2)
    let results = [1, 2, 3].map { count -> [[Float]] in
      Parallel.threads = count
      let result = run(form) { $0($1) }
      return [result.y.floats, result.dx.floats] + result.gradients.map(\.value.floats)
    }
    #expect(results[0] == results[1] && results[1] == results[2])
  }

  /// Frozen batch norms, evaluation and bfloat16 run layer by layer.
  @Test func elseLayersRunApart() {
    let form = Self.forms[1]
    for prepare: (DenselyConnected) -> Void in [{ $0.freezeBatchNorm() }, { $0.eval() }] {
      let own = run(form) {
        prepare($0)
        return $0($1)
      }
      let other = run(form) {
        prepare($0)
        return composed($0, $1)
      }
      expectSame(own, other)
    }
    let half = form.model()(random(form.shape, seed: 1).converted(to: .bfloat16))
    #expect(half.dtype == .bfloat16 && half.shape == [2, 17, 7, 9])
  }

  @Test func hooksSeeTheirLayer() {
    let form = Self.forms[1]
    let model = form.model()
    var seen: [Shape] = []
    let handle = model.layers[1].onForward { x, _ in
      seen.append(x.shape)
      return nil
    }
    _ = model(random(form.shape, seed: 1))
    handle.remove()
    #expect(seen == [[2, 8, 7, 9]])
  }
}
