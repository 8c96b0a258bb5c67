import Saker
import Testing

/// A line through points, which each optimizer has to find: `y = 2x − 1`.
@Suite struct OptimizerExamples {
  private let x = Tensor.linspace(-1, 1, count: 32).reshape([32, 1])

  /// The loss after 300 steps.
  private func loss(after rule: some UpdateRule, rate: Double) -> Float {
    let model = withSeed(0) { Linear(1, 1) }
    let optimizer = Optimizer(rule, model, rate: rate)
    func loss() -> Tensor { meanSquaredError(model(x), x * 2 - 1) }
    for _ in 0..<300 {
      optimizer.zeroGradients()
      loss().backward()
      optimizer.step()
    }
    return loss().detached().item
  }

  /// Where a parameter is after one step from 1 with a gradient of 4 and a rate of 0.1.
  private func first(_ rule: some UpdateRule) -> Float {
    let weight = Parameter(Tensor([1] as [Float]))
    weight.gradient = Tensor([4] as [Float])
    let group = ParameterGroup([NamedParameter(name: "weight", parameter: weight)])
    Optimizer(rule, [group], rate: 0.1).step()
    return weight.value.item
  }

  @Test("Nesterov's gradient, taken ahead") func ahead() {
    let w = Parameter(Tensor([1] as [Float]))
    let group = ParameterGroup([NamedParameter(name: "w", parameter: w)])
    let optimizer = Optimizer(SGD(momentum: 0.5, convention: .rateInside), [group], rate: 0.1)
    for _ in 0..<2 {
      optimizer.zeroGradients()
      optimizer.lookingAhead { (w.value * w.value).sum().backward() }
      optimizer.step()
    }
    // 1 − 0.1 · 2 = 0.8; then the gradient at 0.8 − 0.5 · 0.2 is 1.4: 0.8 − (0.5 · 0.2 + 0.14).
    #expect(abs(w.value.item - 0.56) < 1e-6)
  }

  @Test("The first step, by hand") func firstStep() {
    #expect(abs(first(SGD()) - (1 - 0.1 * 4)) < 1e-6)
    // These divide by the gradient's size: how large it is does not matter.
    #expect(abs(first(AdaGrad()) - 0.9) < 1e-6 && abs(first(Adam()) - 0.9) < 1e-6)
    #expect(abs(first(Lion()) - 0.9) < 1e-6)
    // 4 / √(0.01 · 4²): the average of squares has only begun.
    #expect(abs(first(RMSProp(smoothing: 0.99)) - (1 - 0.1 * 10)) < 1e-5)
    // Decay takes a share of the weight, apart from the gradient.
    #expect(abs(first(AdamW(decay: 0.5)) - (0.9 - 0.1 * 0.5)) < 1e-6)
  }

  @Test("SGD, momentum, Nesterov") func sgd() {
    #expect(loss(after: SGD(), rate: 0.3) < 1e-4)
    #expect(loss(after: SGD(momentum: 0.9), rate: 0.03) < 1e-4)
    #expect(loss(after: SGD(momentum: 0.9, nesterov: true), rate: 0.03) < 1e-4)
  }

  @Test("AdaGrad") func adaGrad() {
    #expect(loss(after: AdaGrad(), rate: 0.5) < 1e-4)
    #expect(loss(after: AdaGrad(epsilonPlacement: .inside), rate: 0.5) < 1e-4)
  }

  @Test("Adadelta, both forms") func adadelta() {
    #expect(loss(after: Adadelta(epsilon: 1e-3), rate: 1) < 1e-2)
    #expect(loss(after: Adadelta(numerator: .one), rate: 0.01) < 1e-2)
  }

  @Test("RMSProp") func rmsProp() {
    #expect(loss(after: RMSProp(momentum: 0.5, centered: true), rate: 0.003) < 1e-2)
  }

  @Test("Adam, AMSGrad, AdamW") func adam() {
    #expect(loss(after: Adam(), rate: 0.05) < 1e-3)
    #expect(loss(after: Adam(amsgrad: true), rate: 0.05) < 1e-3)
    #expect(loss(after: AdamW(decay: 1e-4), rate: 0.05) < 1e-3)
  }

  @Test("NAdam, RAdam") func adamRelatives() {
    #expect(loss(after: NAdam(), rate: 0.05) < 1e-3)
    #expect(loss(after: RAdam(), rate: 0.05) < 1e-3)
  }

  @Test("Lion") func lion() { #expect(loss(after: Lion(), rate: 0.01) < 0.1) }

  /// Its steps are a share of each parameter's norm, so the parameter should be more than one
  /// number.
  @Test("LAMB") func lamb() {
    let target = Tensor.linspace(-1, 1, count: 64)
    let weight = withSeed(0) { Parameter([64], .normal()) }
    let group = ParameterGroup([NamedParameter(name: "weight", parameter: weight)])
    let optimizer = Optimizer(LAMB(), [group], rate: 0.02)
    for _ in 0..<300 {
      optimizer.zeroGradients()
      meanSquaredError(weight.value, target).backward()
      optimizer.step()
    }
    #expect(meanSquaredError(weight.value, target).detached().item < 1e-2)
  }

  @Test("Lookahead") func lookahead() {
    let rule = Lookahead(AdamW(), interval: 5, share: 0.5)
    #expect(loss(after: rule, rate: 0.1) < 1e-2)
  }

  @Test("L-BFGS") func lbfgs() {
    let model = withSeed(0) { Linear(1, 1) }
    let optimizer = LBFGS(model, lineSearch: .strongWolfe)
    optimizer.step { meanSquaredError(model(x), x * 2 - 1) }
    #expect(meanSquaredError(model(x), x * 2 - 1).detached().item < 1e-6)
  }

  @Test("Schedules") func schedules() {
    let optimizer = Optimizer(SGD(), Linear(1, 1), rate: 0.1)
    let schedule = WarmUp(5, into: CosineRestarts(0.1, floor: 0.01, steps: 10, growth: 2))
    for step in 0..<20 { optimizer.follow(schedule, at: step) }
    #expect(optimizer.rate < 0.1)
    #expect(ExponentialSchedule(1, factor: 0.5).rate(at: 3) == 0.125)
    #expect(PolynomialSchedule(1, steps: 4, power: 2).rate(at: 2) == 0.25)
    #expect(LambdaSchedule(1) { 1 / Double($0 + 1) }.rate(at: 1) == 0.5)
  }

  @Test("Plateau") func plateau() {
    var plateau = Plateau(0.1, aim: .smallest, factor: 0.5, patience: 1)
    let rates = [1.0, 0.5, 0.5, 0.5].map { plateau.update($0) }
    #expect(rates == [0.1, 0.1, 0.1, 0.05])
  }

  @Test("Learning-rate finder") func learningRateFinder() throws {
    let model = withSeed(0) { Linear(1, 1) }
    let optimizer = Optimizer(SGD(), model, rate: 1e-3)
    let finder = LearningRateFinder(1e-4...100, smoothing: 0.5)
    let sweep = finder.run(optimizer, model) { _ in meanSquaredError(model(x), x * 2 - 1) }
    let chart = Chart.learningRate(
      rates: sweep.rates, losses: sweep.losses, smoothed: sweep.smoothed,
      suggestion: sweep.suggestion)
    #expect(sweep.diverged && chart.series.count == 3)
  }
}
