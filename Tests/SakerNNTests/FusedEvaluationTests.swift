import SakerTensor
import TestSupport
import Testing

@testable import SakerNN

/// Activations of all kinds as part of other layers' operations, in training and in evaluation.
extension FusedLayerTests {
  /// By name: existentials of layers can't be arguments of tests.
  static func activation(_ name: String) -> any Layer {
    switch name {
    case "ReLU": ReLU()
    case "ReLU6": ReLU6()
    case "LeakyReLU": LeakyReLU(slope: 0.1)
    default: SiLU()
    }
  }

  private static func chain(_ activation: String) -> Sequential {
    Sequential(
      Conv2d(3, 8, kernel: 3, padding: 1), BatchNorm2d(8), Self.activation(activation),
      Conv2d(8, 17, kernel: 3, padding: 1, bias: false), BatchNorm2d(17),
      Self.activation(activation), MaxPool2d(kernel: 2),
      Conv2d(17, 5, kernel: 1), Self.activation(activation), MaxPool2d(kernel: 2),
      Conv2d(5, 4, kernel: 3, padding: 1), MaxPool2d(kernel: 2))
  }

  @Test(arguments: ["ReLU", "ReLU6", "LeakyReLU", "SiLU"])
  func activationsJoinInTrainingAndEvaluation(_ name: String) {
    let pair = Pair { Self.chain(name) }
    let x = random([3, 3, 17, 18], seed: 1, in: -2...2)
    #expect(Watcher.operations { _ = pair.model(x) }.first == "convolutionBlock")
    _ = pair.separately(x)
    expectSame(pair, x)
    pair.model.eval()
    pair.apart.eval()
    withoutGradients { _ = pair.model(x) }
    let names = Watcher.operations { withoutGradients { _ = pair.model(x) } }
    #expect(names == [String](repeating: "convolution2d", count: 4))
    withoutGradients {
      expectClose(pair.model(x), pair.separately(x), relative: 1e-5)
      let half = x.converted(to: .bfloat16)
      let (own, other) = (pair.model(half), pair.separately(half))
      #expect(own.dtype == .bfloat16)
      expectClose(
        own.converted(to: .float32), other.converted(to: .float32), relative: 3e-2, "bfloat16")
    }
  }

  @Test(arguments: ["ReLU", "ReLU6", "LeakyReLU", "SiLU"], [false, true])
  func residualTakesAnyActivation(_ name: String, _ shortcut: Bool) {
    let x = random([2, 4, 7, 6], seed: 1, in: -3...3)
    let make = {
      withSeed(5) { Self.residual(shortcut: shortcut, activation: Self.activation(name)) }
    }
    let (own, other) = (make(), make())
    #expect(Watcher.operations { _ = own(x) }.allSatisfy { $0 == "convolutionBlock" })
    _ = separately(other, x)
    let inputs = [{ own($0) }, { self.separately(other, $0) }].map {
      (run: (Tensor) -> Tensor) in
      gradients(at: [x]) { inputs in
        let y = run(inputs[0])
        return (y * random(y.shape, seed: 2)).sum()
      }.gradients[0]
    }
    expectClose(inputs[0], inputs[1], relative: 2e-5)
    for (a, b) in zip(own.namedParameters, other.namedParameters) {
      expectClose(a.parameter.gradient!, b.parameter.gradient!, relative: 2e-5, a.name)
    }
    let names = own.evaluating {
      _ = own(x)
      return Watcher.operations { _ = own(x) }
    }
    #expect(names == [String](repeating: "convolution2d", count: shortcut ? 3 : 2))
    let before = x.floats
    expectClose(
      own.evaluating { own(x) }, other.evaluating { separately(other, x) }, relative: 1e-5,
      "evaluation")
    #expect(x.floats == before)
    let half = x.converted(to: .bfloat16)
    let (a, b) = (own.evaluating { own(half) }, other.evaluating { separately(other, half) })
    #expect(a.dtype == .bfloat16)
    expectClose(a.converted(to: .float32), b.converted(to: .float32), relative: 3e-2, "bfloat16")
  }

  /// Also where the body is one convolution without batch norm, and where it can't take the sum.
  @Test func bodiesOfAnyEndGiveTheSameInEvaluation() {
    let x = random([2, 4, 8, 8], seed: 1)
    let bodies = [
      Sequential(Conv2d(4, 4, kernel: 3, padding: 1)),
      Sequential(Conv2d(4, 4, kernel: 1), SiLU()),
      Sequential(Conv2d(4, 4, kernel: 3, padding: 1, mode: .reflect), BatchNorm2d(4)),
      Sequential(BatchNorm2d(4), ReLU(), Conv2d(4, 4, kernel: 3, padding: 1)),
    ]
    for body in bodies {
      for activation in [nil, LeakyReLU(), LeakyReLU(slope: 2)] {
        let block = Residual(body, activation: activation)
        block.evaluating {
          let sum = body.layers.reduce(x) { $1($0) } + x
          expectClose(block(x), activation?(sum) ?? sum, relative: 1e-5)
        }
      }
    }
  }

  @Test func hookedActivationsAndPoolsRunApartInEvaluation() {
    let model = Self.chain("LeakyReLU")
    let x = random([2, 3, 16, 16], seed: 1)
    let plain = model.evaluating { model(x) }
    for index in 0..<model.count {
      var calls = 0
      let handle = model[index].onForward { _, _ in
        calls += 1
        return nil
      }
      expectClose(model.evaluating { model(x) }, plain, relative: 1e-5)
      #expect(calls == 1, "layer \(index)")
      handle.remove()
    }
    let block = Self.residual(shortcut: true, activation: SiLU())
    let input = random([1, 4, 5, 5], seed: 2)
    let sum = block.evaluating { block(input) }
    for layer in [block.body, block.shortcut!, block.activation!] as [any Layer] {
      var calls = 0
      let handle = layer.onForward { _, _ in
        calls += 1
        return nil
      }
      expectClose(block.evaluating { block(input) }, sum, relative: 1e-5)
      #expect(calls == 1)
      handle.remove()
    }
  }

  @Test func slopesThatActivationLacksRunApart() {
    let layer = LeakyReLU(slope: -0.5)
    expectClose(layer(Tensor([-2, 0, 3] as [Float])), [1, 0, 3])
    let pair = Pair { Sequential(Conv2d(3, 4, kernel: 3), BatchNorm2d(4), LeakyReLU(slope: -0.5)) }
    let x = random([2, 3, 6, 6], seed: 1)
    #expect(Watcher.operations { _ = pair.model(x) } == ["convolutionBlock", "leakyRelu"])
    _ = pair.separately(x)
    expectSame(pair, x)
    expectClose(
      pair.model.evaluating { pair.model(x) }, pair.apart.evaluating { pair.separately(x) })
  }
}
