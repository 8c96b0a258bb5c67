import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

/// Whole runs on a problem, and what the rules do where numbers get extreme.
struct OptimizerProblemTests {
  private func optimizer(
    _ rule: some UpdateRule, _ parameters: [Parameter], rate: Double
  ) -> Optimizer {
    let named = parameters.enumerated().map { NamedParameter(name: "p\($0)", parameter: $1) }
    return Optimizer(rule, [ParameterGroup(named)], rate: rate)
  }

  /// 50 steps of training a small network, all of them on our own gradients.
  @Test(arguments: GoldenCase.all("optimizers").filter { $0.flag("problem") })
  func fiftyStepsArePyTorchs(_ golden: GoldenCase) {
    let parameters = ["w0", "b0", "w1", "b1"].map { Parameter(golden[$0]) }
    let labels = golden["labels"].converted(to: .int32)
    let optimizer = optimizer(golden.updateRule(), parameters, rate: golden.number("lr")!)
    for step in 0..<50 {
      optimizer.zeroGradients()
      let hidden = tanh(
        matmul(golden["x"], parameters[0].value.transposed(), adding: parameters[1].value))
      let logits = matmul(hidden, parameters[2].value.transposed(), adding: parameters[3].value)
      crossEntropy(logits, labels).backward()
      optimizer.step()
      guard step % 10 == 9 else { continue }
      for (i, parameter) in parameters.enumerated() {
        expectClose(
          parameter.value, golden["y\(i)"].narrow(0, step / 10..<step / 10 + 1).squeeze(0),
          relative: 1e-5, "\(golden.name) parameter \(i) step \(step)")
      }
    }
  }

  /// Parameters of many sizes are updated in one loop over blocks: each as if it were alone.
  @Test(arguments: OptimizerTests.rules.indices)
  func manyParametersAreUpdatedAsEachAlone(_ index: Int) {
    let rule = OptimizerTests.rules[index]
    let sizes = [1, 70_000, 3, 0, 32_768, 32_769, 17, 100_000]
    let starts = sizes.map { random([$0], seed: UInt64($0)) }
    func gradient(_ i: Int, _ step: Int) -> Tensor {
      random([sizes[i]], seed: UInt64(100 * i + step))
    }
    let together = starts.map { Parameter($0) }
    let all = optimizer(rule, together, rate: 0.01)
    for step in 0..<4 {
      for (i, parameter) in together.enumerated() { parameter.gradient = gradient(i, step) }
      all.step()
    }
    for (i, start) in starts.enumerated() {
      let single = Parameter(start)
      let one = optimizer(rule, [single], rate: 0.01)
      for step in 0..<4 {
        single.gradient = gradient(i, step)
        one.step()
      }
      #expect(single.value.floats == together[i].value.floats, "\(rule) of \(sizes[i])")
      #expect(sizes[i] == 0 || single.value.floats != start.floats)
    }
  }

  /// Gradients that lie otherwise in memory, or in half precision, are read in the
  /// parameter's order.
  @Test func gradientsInAnyOrderAndPrecision() {
    let values = random([4, 6], seed: 1)
    func stepped(_ gradient: Tensor) -> [Float] {
      let parameter = Parameter(.zeros([4, 6]))
      parameter.gradient = gradient
      optimizer(AdaGrad(), [parameter], rate: 0.1).step()
      return parameter.value.floats
    }
    let turned = values.transposed().contiguous().transposed()
    #expect(!turned.isContiguous)
    #expect(stepped(turned) == stepped(values))
    let half = values.converted(to: .bfloat16)
    #expect(stepped(half) == stepped(half.converted(to: .float32)))
  }

  // MARK: The notes' errors

  /// E23: for a gradient g and a sum of squares s, `g / (√s + ε)` and `g / √(s + ε)` are two rules.
  @Test func epsilonInsideAndOutsideByHand() {
    func step(_ rule: some UpdateRule) -> Float {
      let parameter = Parameter(.zeros([1]))
      parameter.gradient = Tensor([0.3] as [Float])
      optimizer(rule, [parameter], rate: 1).step()
      return -parameter.value.item
    }
    // s = 0.09, ε = 0.16
    expectClose(
      [step(AdaGrad(epsilon: 0.16)), step(AdaGrad(epsilon: 0.16, epsilonPlacement: .inside))],
      [0.3 / 0.46, 0.3 / 0.5])
    // s = 0.5 · 0.09; the notes' formula is the one inside
    expectClose(
      [
        step(RMSProp(smoothing: 0.5, epsilon: 0.205)),
        step(RMSProp(smoothing: 0.5, epsilon: 0.205, epsilonPlacement: .inside)),
      ], [0.3 / (Float(0.045).squareRoot() + 0.205), 0.6])
  }

  /// E24: a step is made from the mean square of the steps before, and then becomes a part of it.
  @Test func adadeltaByHand() {
    let parameter = Parameter(.zeros([1]))
    let optimizer = optimizer(Adadelta(smoothing: 0.5, epsilon: 0.01), [parameter], rate: 1)
    var (square, past, place) = (0.0, 0.0, 0.0)
    for gradient in [2.0, -1, 0.5] {
      square = 0.5 * square + 0.5 * gradient * gradient
      let step = gradient * ((past + 0.01) / (square + 0.01)).squareRoot()
      past = 0.5 * past + 0.5 * step * step
      place -= step
      parameter.gradient = Tensor([Float(gradient)])
      optimizer.step()
      expectClose(parameter.value, [Float(place)])
    }
    // Of the first step alone, 2 √0.01 / √2.01: with itself already in the mean it would be larger.
    let other = Parameter(.zeros([1]))
    other.gradient = Tensor([2] as [Float])
    self.optimizer(Adadelta(smoothing: 0.5, epsilon: 0.01), [other], rate: 1).step()
    expectClose(other.value, [Float(-2 * (0.01 / 2.01).squareRoot())])
  }

  // MARK: Laws

  /// The norm of LAMB's step is the rate times the norm of the parameter, whatever the gradient's.
  @Test(arguments: [Float(1e-6), 1, 1e6])
  func lambStepsAreAsLongAsTheParameter(_ size: Float) {
    let parameter = Parameter(random([300, 200], seed: 1))
    let before = parameter.value.detached()
    parameter.gradient = random([300, 200], seed: 2) * size
    optimizer(LAMB(epsilon: 0), [parameter], rate: 0.1).step()
    let moved = norm(parameter.value.detached() - before)
    #expect(abs(moved / norm(before) - 0.1) < 1e-5)
  }

  private func norm(_ x: Tensor) -> Double {
    x.floats.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
  }

  /// A bias that starts with zeros must be able to leave them.
  @Test func lambMovesZeros() {
    let parameter = Parameter(.zeros([3]))
    parameter.gradient = Tensor([1, -2, 0] as [Float])
    optimizer(LAMB(epsilon: 0.5), [parameter], rate: 0.1).step()
    expectClose(parameter.value, [-0.1 / 1.5, 0.1 * 2 / 2.5, 0])
  }

  @Test func lionStepsAreTheRate() {
    let parameter = Parameter(.zeros([4]))
    parameter.gradient = Tensor([1e-30, -1e30, 0, 5] as [Float])
    optimizer(Lion(), [parameter], rate: 0.25).step()
    #expect(parameter.value.floats == [-0.25, 0.25, 0, -0.25])
  }

  /// In AMSGrad a large gradient is never forgotten; in Adam it is, and steps grow again.
  @Test func amsgradRemembersLargeGradients() {
    func last(_ amsgrad: Bool) -> Float {
      let parameter = Parameter(.zeros([1]))
      let optimizer = optimizer(
        Adam(momentum: 0, squaredMomentum: 0.5, amsgrad: amsgrad), [parameter], rate: 1)
      var before = Float(0)
      for gradient in [Float(100)] + Array(repeating: 1, count: 40) {
        before = parameter.value.item
        parameter.gradient = Tensor([gradient])
        optimizer.step()
      }
      return before - parameter.value.item
    }
    #expect(abs(last(false) - 1) < 1e-3)
    #expect(abs(last(true) - 1 / Float(5000).squareRoot()) < 1e-4)
  }

  /// RAdam's first steps are momentum alone: they grow with the gradient, where Adam's do not.
  @Test func radamDoesNotTrustTheFirstSquares() {
    func first(_ gradient: Float) -> Float {
      let parameter = Parameter(.zeros([1]))
      parameter.gradient = Tensor([gradient])
      optimizer(RAdam(), [parameter], rate: 0.1).step()
      return -parameter.value.item
    }
    expectClose([first(1), first(3)], [0.1, 0.3])
  }

  @Test func lookaheadByHand() {
    let parameter = Parameter(Tensor([1] as [Float]))
    let optimizer = optimizer(
      Lookahead(SGD(), interval: 2, share: 0.25), [parameter], rate: 0.1)
    // 1 → 0.9 → 0.8, and of that way a quarter: 0.95; again from there.
    for expected in [Float(0.9), 0.95, 0.85, 0.9] {
      parameter.gradient = .ones([1])
      optimizer.step()
      expectClose(parameter.value, [expected])
    }
  }

  /// The slow weights are not taken for what the rule inside remembers, whether that
  /// is nothing or much.
  @Test func lookaheadKeepsItsMemoryApart() {
    let parameter = Parameter(Tensor([1] as [Float]))
    let optimizer = optimizer(
      Lookahead(SGD(momentum: 0.5), interval: 2, share: 0.5), [parameter], rate: 0.1)
    // Velocities 1, 1.5, 1.75: 0.9, then halfway from 1 to 0.75, then from there.
    for expected in [Float(0.9), 0.875, 0.7] {
      parameter.gradient = .ones([1])
      optimizer.step()
      expectClose(parameter.value, [expected])
    }
    #expect(
      optimizer.state.map(\.name) == ["p0.step", "p0.slow_weights", "p0.momentum_buffer"])
  }

  /// A share of 1 is the rule itself.
  @Test func lookaheadWithoutDistanceIsItsRule() {
    let (a, b) = (Parameter(random([50], seed: 1)), Parameter(random([50], seed: 1)))
    let plain = optimizer(AdamW(), [a], rate: 0.1)
    let ahead = optimizer(Lookahead(AdamW(), interval: 2, share: 1), [b], rate: 0.1)
    for step in 0..<5 {
      for (parameter, optimizer) in [(a, plain), (b, ahead)] {
        parameter.gradient = random([50], seed: UInt64(10 + step))
        optimizer.step()
      }
    }
    expectClose(a.value, b.value, relative: 1e-6)
  }

  // MARK: Extremes

  /// Gradients of 0 divide by nothing but ε; the parameters stay, and are numbers.
  @Test(arguments: OptimizerTests.rules.indices)
  func zeroGradientsMoveNothingButDecay(_ index: Int) {
    let parameter = Parameter(Tensor([1, -2] as [Float]))
    let named = NamedParameter(name: "p", parameter: parameter)
    let optimizer = Optimizer(
      OptimizerTests.rules[index], [ParameterGroup([named], decay: 0)], rate: 0.1)
    for _ in 0..<3 {
      parameter.gradient = .zeros([2])
      optimizer.step()
    }
    #expect(parameter.value.floats == [1, -2], "\(OptimizerTests.rules[index])")
  }

  /// What is not a number in a gradient reaches its own element, so that it is
  /// noticed, and no other.
  @Test(arguments: OptimizerTests.rules.filter { !$0.measures }.indices)
  func notANumberStaysInItsElement(_ index: Int) {
    let rule = OptimizerTests.rules.filter { !$0.measures }[index]
    let parameter = Parameter(.ones([40]))
    for _ in 0..<2 {
      parameter.gradient = Tensor((0..<40).map { $0 == 17 ? Float.nan : 1 })
      optimizer(rule, [parameter], rate: 0.1).step()
    }
    for (i, value) in parameter.value.floats.enumerated() {
      #expect(value.isNaN == (i == 17), "\(rule) element \(i)")
    }
  }

  /// Equal gradients have no variance: rounding must not make a negative one.
  @Test func centeredVarianceIsNeverNegative() {
    let parameter = Parameter(.zeros([1000]))
    let gradient = random([1000], seed: 3, in: 0.1...3)
    let optimizer = optimizer(
      RMSProp(smoothing: 0.5, centered: true), [parameter], rate: 1e-12)
    for _ in 0..<200 {
      parameter.gradient = gradient
      optimizer.step()
    }
    #expect(parameter.value.floats.allSatisfy { $0.isFinite })
  }

  @Test func rulesWithoutMomentumIgnoreSchedulesOfIt() {
    let optimizer = Optimizer(AdaGrad(), Linear(1, 1), rate: 1)
    optimizer.follow(OneCycle(peak: 0.5, steps: 11), at: 0)
    #expect(optimizer.rule.momentum == 0)
    #expect(abs(optimizer.rate - 0.02) < 1e-12)
  }

  @Test func parametersInHalfPrecisionAreRefused() async {
    expectStopped(
      saying: "Parameter.update: expected float32, got bfloat16",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let parameter = Parameter(.ones([2]).converted(to: .bfloat16))
        parameter.gradient = .ones([2])
        Optimizer(
          Lion(), [ParameterGroup([NamedParameter(name: "p", parameter: parameter)])], rate: 1
        ).step()
      })
  }

  @Test func aStateWithoutTheRulesNumberIsRefused() throws {
    let parameter = Parameter(.ones([2]))
    let optimizer = optimizer(NAdam(), [parameter], rate: 0.1)
    parameter.gradient = .ones([2])
    optimizer.step()
    #expect(
      optimizer.state.map(\.name) == ["p0.step", "p0.mu_product", "p0.exp_avg", "p0.exp_avg_sq"])
    let error = #expect(throws: CheckpointError.self) {
      try optimizer.restore(optimizer.state.filter { $0.name != "p0.mu_product" })
    }
    #expect(error?.problems == ["p0.mu_product: expected one float32 number, got none"])
  }
}
