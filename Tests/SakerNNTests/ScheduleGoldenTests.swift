import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

struct ScheduleGoldenTests {
  private static let operations = [
    "exponential", "polynomial", "restarts", "lambda", "constant", "warmup_exponential",
  ]

  /// PyTorch's rates over 100 steps.
  @Test(arguments: GoldenCase.all("optimizers").filter { operations.contains($0.text("op")!) })
  func schedulesArePyTorchs(_ golden: GoldenCase) {
    let rate = golden.number("lr")!
    let schedule: any Schedule =
      switch golden.text("op")! {
      case "exponential": ExponentialSchedule(rate, factor: golden.number("gamma")!)
      case "polynomial":
        PolynomialSchedule(
          rate, steps: Int(golden.number("steps")!), power: golden.number("power")!)
      case "restarts":
        CosineRestarts(
          rate, floor: golden.number("eta_min")!, steps: Int(golden.number("steps")!),
          growth: Int(golden.number("growth")!))
      case "lambda": LambdaSchedule(rate) { 1 / Double(1 + $0) }
      case "constant": ConstantSchedule(rate)
      default:
        WarmUp(
          Int(golden.number("warmup")!), from: golden.number("start_factor")!,
          into: ExponentialSchedule(rate, factor: golden.number("gamma")!))
      }
    expectClose(
      (0..<100).map { Float(schedule.rate(at: $0)) }, golden["y"].floats, relative: 1e-6,
      absolute: 1e-12)
  }

  @Test func restartsByHand() {
    let schedule = CosineRestarts(1, floor: 0.2, steps: 2, growth: 3)
    // Two steps, then six, then eighteen.
    expectClose(
      [0, 1, 2, 5, 8, 17].map { Float(schedule.rate(at: $0)) }, [1, 0.6, 1, 0.6, 1, 0.6])
    #expect(CosineRestarts(1, steps: 0, growth: 0).rate(at: 1_000_000) == 1)
    #expect(CosineRestarts(1, steps: 3, growth: 2).rate(at: .max / 8).isFinite)
  }

  @Test func polynomialsEndAtTheirFloor() {
    let schedule = PolynomialSchedule(1, floor: 0.1, steps: 4, power: 2)
    expectClose(
      (0...5).map { Float(schedule.rate(at: $0)) }, [1, 0.60625, 0.325, 0.15625, 0.1, 0.1])
  }

  @Test(arguments: GoldenCase.all("optimizers", "plateau"))
  func plateausArePyTorchs(_ golden: GoldenCase) {
    let threshold = golden.number("threshold") ?? 1e-4
    var plateau = Plateau(
      golden.number("lr")!, aim: golden.text("mode") == "max" ? .largest : .smallest,
      factor: golden.number("factor")!, patience: Int(golden.number("patience")!),
      threshold: golden.text("threshold_mode") == "abs"
        ? .absolute(threshold) : .relative(threshold),
      cooldown: Int(golden.number("cooldown") ?? 0), floor: golden.number("min_lr") ?? 0)
    let rates = golden["x"].floats.map { Float(plateau.update(Double($0))) }
    expectClose(rates, golden["y"].floats, relative: 1e-6)
  }

  @Test func plateausResume() throws {
    var whole = Plateau(1, aim: .smallest, factor: 0.5, patience: 1, cooldown: 1)
    let values = [3.0, 2, 2, 2, 2, .nan, 2, 2, 1, 1, 1]
    let rates = values.map { whole.update($0) }
    #expect(rates == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.125])
    var first = Plateau(1, aim: .smallest, factor: 0.5, patience: 1, cooldown: 1)
    for value in values.prefix(4) { _ = first.update(value) }
    var second = try JSONDecoder().decode(Plateau.self, from: JSONEncoder().encode(first))
    #expect(values.dropFirst(4).map { second.update($0) } == Array(rates.dropFirst(4)))
  }
}

struct LearningRateFinderTests {
  private func bowl(_ rate: Double = 0.1) -> (Linear, Optimizer) {
    let model = withSeed(Trial.seed(1)) { Linear(4, 1, bias: false) }
    return (model, Optimizer(SGD(momentum: 0.5), model, rate: rate))
  }

  private func loss(_ model: Linear, _ step: Int) -> Tensor {
    let x = random([64, 4], seed: UInt64(step % 3))
    return meanSquaredError(model(x), x.sum(axes: [1]).reshape([64, 1]) * 3)
  }

  /// For a parabola of curvature c gradient descent diverges above 2 / c: the suggestion must be
  /// below, and not far.
  @Test func suggestsARateThatLearns() throws {
    let (model, optimizer) = bowl()
    let sweep = LearningRateFinder(1e-4...100, steps: 80, smoothing: 0.5).run(optimizer, model) {
      loss(model, $0)
    }
    #expect(sweep.diverged)
    #expect(sweep.rates.count == sweep.losses.count && sweep.rates.count == sweep.smoothed.count)
    #expect(sweep.rates.count < 80)
    let suggestion = try #require(sweep.suggestion)
    #expect((0.01...3).contains(suggestion), "\(suggestion)")
    optimizer.rate = suggestion
    let before = loss(model, 0).detached().item
    for step in 0..<60 {
      optimizer.zeroGradients()
      loss(model, step).backward()
      optimizer.step()
    }
    Trial.expect(loss(model, 0).detached().item / before, below: 0.1, "the suggested rate")
  }

  @Test func leavesModelAndOptimizerAsTheyWere() {
    let (model, optimizer) = bowl(0.05)
    loss(model, 0).backward()
    optimizer.step()
    let before = model.state.map(\.tensor.floats)
    let memory = optimizer.state.map(\.tensor.floats)
    _ = LearningRateFinder(steps: 30).run(optimizer, model) { loss(model, $0) }
    #expect(model.state.map(\.tensor.floats) == before)
    #expect(optimizer.state.map(\.tensor.floats) == memory)
    #expect(optimizer.rate == 0.05 && model.weight.gradient == nil)
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      try LearningRateFinder(steps: 30).run(optimizer, model) { step in
        if step == 7 { throw Stop() }
        return loss(model, step)
      }
    }
    #expect(model.state.map(\.tensor.floats) == before)
  }

  @Test func ratesRiseByTheSameFactor() {
    let finder = LearningRateFinder(1e-3...10, steps: 5)
    expectClose((0..<5).map { Float(finder.rate(at: $0)) }, [1e-3, 1e-2, 0.1, 1, 10])
    #expect(LearningRateFinder(steps: 1).rate(at: 0) == 1e-7)
  }

  /// The average makes up for its start: of equal losses it is that loss.
  @Test func smoothingByHand() {
    let (model, optimizer) = bowl()
    let losses = [Float(4), 2, 2]
    let sweep = LearningRateFinder(1e-3...1, steps: 3, smoothing: 0.5).run(optimizer, model) {
      model.weight.value.sum() * 0 + losses[$0]
    }
    // 2 / 0.5; (0.5 · 2 + 1) / 0.75; (0.5 · 2 + 1) / 0.875
    expectClose(sweep.smoothed.map { Float($0) }, [4, 2 / 0.75, 2 / 0.875])
    #expect(!sweep.diverged && sweep.suggestion == nil)
  }

  @Test func aLossThatIsNoNumberEndsTheSweep() {
    let (model, optimizer) = bowl()
    let sweep = LearningRateFinder(steps: 20).run(optimizer, model) { step in
      loss(model, step) * (step == 3 ? .nan : 1)
    }
    #expect(sweep.rates.count == 3 && sweep.diverged)
    #expect(model.weight.value.floats.allSatisfy { $0.isFinite })
  }
}
