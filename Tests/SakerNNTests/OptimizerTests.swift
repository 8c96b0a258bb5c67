import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

struct OptimizerTests {
  /// Row `step` of a trajectory.
  private func row(_ tensor: Tensor, _ step: Int) -> Tensor {
    tensor.narrow(0, step..<step + 1).squeeze(0)
  }

  // MARK: PyTorch's and Keras's trajectories (Scripts/golden/optimizers.py)

  /// Changing rates tell on which side of the velocity the rate stands (E22).
  @Test(
    arguments: GoldenCase.all("optimizers").filter { $0.tensors["g"] != nil })
  func trajectoriesArePyTorchs(_ golden: GoldenCase) {
    let parameter = Parameter(golden["x"])
    let group = ParameterGroup([NamedParameter(name: "x", parameter: parameter)])
    let optimizer = Optimizer(golden.updateRule(), [group], rate: 0)
    for step in 0..<golden["g"].shape[0] {
      optimizer.rate = golden.numbers("lr")?[step] ?? golden.number("lr")!
      parameter.gradient = row(golden["g"], step)
      optimizer.step()
      expectClose(
        parameter.value, row(golden["y"], step), relative: 1e-5, "\(golden.name) step \(step)")
    }
  }

  @Test(arguments: GoldenCase.all("optimizers", "sgd", "adamw").filter { $0.tensors["g1"] != nil })
  func groupsHaveTheirOwnRateAndDecay(_ golden: GoldenCase) {
    let parameters = ["x0", "x1"].map { NamedParameter(name: $0, parameter: Parameter(golden[$0])) }
    let groups = zip(parameters, golden.objects("groups")).map {
      ParameterGroup([$0], rateFactor: $1["lr"]! / 0.1, decay: $1["weight_decay"])
    }
    let optimizer = Optimizer(golden.updateRule(), groups, rate: 0.1)
    for step in 0..<golden["g0"].shape[0] {
      for (i, named) in parameters.enumerated() {
        named.parameter.gradient = row(golden["g\(i)"], step)
      }
      optimizer.step()
      for (i, named) in parameters.enumerated() {
        expectClose(named.parameter.value, row(golden["y\(i)"], step), "group \(i) step \(step)")
      }
    }
  }

  @Test(arguments: GoldenCase.all("optimizers", "clip_norm"))
  func clippingByNormIsPyTorchs(_ golden: GoldenCase) {
    let parameters = ["x0", "x1"].map { name in
      let parameter = Parameter(.zeros(golden[name].shape))
      parameter.gradient = golden[name]
      return parameter
    }
    let norm = clipGradients(of: parameters, norm: golden.number("limit")!)
    #expect(abs(norm - Double(golden["norm"].item)) < 1e-5 * norm)
    expectClose(parameters[0].gradient!, golden["y0"])
    expectClose(parameters[1].gradient!, golden["y1"])
  }

  @Test(arguments: GoldenCase.all("optimizers", "clip_value"))
  func clippingByValueIsPyTorchs(_ golden: GoldenCase) {
    let parameter = Parameter(.zeros(golden["x"].shape))
    parameter.gradient = golden["x"]
    clipGradients(of: [parameter, Parameter(.ones([3]))], value: golden.number("limit")!)
    expectClose(parameter.gradient!, golden["y"])
  }

  @Test func gradientsThatAreNoNumbersAreNotSpread() {
    let parameters = [Parameter(.ones([2])), Parameter(.ones([2]))]
    parameters[0].gradient = Tensor([.nan, 1] as [Float])
    parameters[1].gradient = .ones([2])
    #expect(clipGradients(of: parameters, norm: 0.1).isNaN)
    #expect(parameters[1].gradient!.floats == [1, 1])
  }

  // MARK: By hand

  @Test func momentumByHand() {
    let parameter = Parameter(Tensor([1] as [Float]))
    let optimizer = Optimizer(
      SGD(momentum: 0.5), [ParameterGroup([NamedParameter(name: "p", parameter: parameter)])],
      rate: 0.1)
    for (gradient, expected) in [(Float(1), Float(0.9)), (1, 0.75), (0, 0.675)] {
      parameter.gradient = Tensor([gradient])
      optimizer.step()
      expectClose(parameter.value, [expected])
    }
  }

  /// The first step of Adam is the rate, whatever the size of the gradient.
  @Test(arguments: [Float(1e-3), 1, 1e4])
  func firstStepOfAdamIsTheRate(_ gradient: Float) {
    let parameter = Parameter(.zeros([20000]))
    parameter.gradient = .full([20000], Double(gradient))
    Optimizer(
      Adam(), [ParameterGroup([NamedParameter(name: "p", parameter: parameter)])], rate: 0.01
    ).step()
    expectClose(parameter.value, .full([20000], -0.01), relative: 1e-4)
  }

  @Test func whatHasNoGradientStays() {
    let model = Linear(2, 2)
    let before = model.state.map(\.tensor.floats)
    let optimizer = Optimizer(AdamW(decay: 0.5), model, rate: 0.1)
    optimizer.step()
    #expect(model.state.map(\.tensor.floats) == before)
    #expect(optimizer.state.isEmpty)
  }

  @Test func gradientsAccumulateUntilCleared() {
    let model = Linear(2, 1)
    let (a, b) = (random([3, 2], seed: 1), random([3, 2], seed: 2))
    let optimizer = Optimizer(SGD(), model, rate: 0.1)
    model(concatenate([a, b])).sum().backward()
    let both = model.weight.gradient!
    optimizer.zeroGradients()
    #expect(model.weight.gradient == nil)
    model(a).sum().backward()
    model(b).sum().backward()
    expectClose(model.weight.gradient!, both)
  }

  @Test func rulesMakeGroups() {
    let model = Sequential(Conv2d(3, 4, kernel: 3), BatchNorm2d(4), Linear(4, 2))
    let groups = model.parameterGroups([
      GroupRule("2.*", rateFactor: 10), GroupRule("*.bias", decay: 0), GroupRule("none.*"),
    ])
    #expect(
      groups.map { $0.parameters.map(\.name) } == [
        ["2.weight", "2.bias"], ["0.bias", "1.bias"], ["0.weight", "1.weight"],
      ])
    #expect(groups.map(\.rateFactor) == [10, 1, 1])
    #expect(groups.map(\.decay) == [nil, 0, nil])
  }

  // MARK: Resuming

  static let rules: [any UpdateRule] = [
    SGD(momentum: 0.9, nesterov: true, decay: 1e-3), SGD(), Adam(), AdamW(), Adam(amsgrad: true),
    AdaGrad(rateDecay: 0.1, initialAccumulator: 0.1), Adadelta(), Adadelta(numerator: .one),
    RMSProp(), RMSProp(momentum: 0.9, centered: true), NAdam(), RAdam(squaredMomentum: 0.7),
    LAMB(decay: 0.1), Lion(), Lookahead(NAdam(), interval: 3),
    SGD(momentum: 0.9, nesterov: true, decay: 1e-3, convention: .rateInside),
  ]

  @Test(arguments: rules.indices)
  func resumingGoesOnBitForBit(_ index: Int) throws {
    func train(_ model: Sequential, _ optimizer: Optimizer, _ steps: Range<Int>) {
      for step in steps {
        optimizer.rate = 0.05 / Double(step + 1)
        optimizer.zeroGradients()
        meanSquaredError(model(random([8, 3], seed: UInt64(step))), .ones([8, 2])).backward()
        optimizer.step()
      }
    }
    func build(_ seed: UInt64) -> (Sequential, Optimizer) {
      let model = withSeed(seed) { Sequential(Linear(3, 5), BatchNorm1d(5), ReLU(), Linear(5, 2)) }
      return (model, Optimizer(Self.rules[index], model, rate: 0.1))
    }
    let (whole, wholeOptimizer) = build(1)
    train(whole, wholeOptimizer, 0..<10)
    let (first, firstOptimizer) = build(1)
    train(first, firstOptimizer, 0..<4)
    let path = temporaryPath("resume-\(index).safetensors")
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Safetensors(
      first.state.map { NamedTensor("model." + $0.name, $0.tensor) }
        + firstOptimizer.state.map { NamedTensor("optimizer." + $0.name, $0.tensor) }
    ).write(to: path)
    let (second, secondOptimizer) = build(2)
    let file = try Safetensors(contentsOf: path)
    try second.load(state: file.tensors(under: "model."))
    try secondOptimizer.restore(file.tensors(under: "optimizer."))
    train(second, secondOptimizer, 4..<10)
    for (a, b) in zip(whole.state, second.state) {
      #expect(a.tensor.withBytes { Array($0) } == b.tensor.withBytes { Array($0) }, "\(a.name)")
    }
  }

  @Test func aStateOfAnotherModelIsRefused() {
    let optimizer = Optimizer(Adam(), Linear(2, 2), rate: 0.1)
    let state = [
      NamedTensor("weight.step", Tensor([3] as [Int64], [])),
      NamedTensor("weight.exp_avg", .zeros([3, 2])), NamedTensor("other.step", .ones([1])),
    ]
    let error = #expect(throws: CheckpointError.self) { try optimizer.restore(state, file: "last") }
    #expect(
      error?.problems == [
        "weight.exp_avg: expected float32 [2, 2], got float32 [3, 2]", "weight.exp_avg_sq: missing",
        "other.step: unexpected",
      ])
    #expect(optimizer.state.isEmpty)
  }
}

struct ScheduleTests {
  /// PyTorch's rates over 100 steps.
  @Test(
    arguments: GoldenCase.all(
      "optimizers", "step", "multi_step", "cosine", "linear", "warmup_cosine", "one_cycle"))
  func schedulesArePyTorchs(_ golden: GoldenCase) {
    let rate = golden.number("lr")!
    let schedule: any Schedule =
      switch golden.text("op")! {
      case "step":
        StepSchedule(rate, every: Int(golden.number("step_size")!), factor: golden.number("gamma")!)
      case "multi_step":
        StepSchedule(
          rate, at: golden.numbers("milestones")!.map { Int($0) }, factor: golden.number("gamma")!)
      case "cosine":
        CosineSchedule(
          rate, floor: golden.number("eta_min")!, steps: Int(golden.number("steps")!))
      case "linear":
        WarmUp(
          Int(golden.number("steps")!), from: golden.number("start_factor")!,
          into: ConstantSchedule(rate))
      case "warmup_cosine":
        WarmUp(
          Int(golden.number("warmup")!), from: golden.number("start_factor")!,
          into: CosineSchedule(
            rate, floor: golden.number("eta_min")!,
            steps: Int(golden.number("steps")! - golden.number("warmup")!)))
      default:
        OneCycle(
          peak: golden.number("max_lr")!, steps: Int(golden.number("total_steps")!),
          rise: golden.number("pct_start")!,
          shape: golden.text("anneal") == "linear" ? .linear : .cosine,
          startDivisor: golden.number("div_factor")!,
          endDivisor: golden.number("final_div_factor")!,
          threePhases: golden.flag("three_phase"),
          momentum: golden.number("base_momentum")!...golden.number("max_momentum")!)
      }
    expectClose(
      (0..<100).map { Float(schedule.rate(at: $0)) }, golden["y"].floats, relative: 1e-6,
      absolute: 1e-12)
    if let momentum = golden.tensors["m"] {
      expectClose(
        (0..<100).map { Float(schedule.momentum(at: $0) ?? .nan) }, momentum.floats, relative: 1e-6)
    }
  }

  @Test func schedulesStayAtTheirEnd() {
    #expect(CosineSchedule(1, floor: 0.1, steps: 10).rate(at: 500) == 0.1)
    let cycle = OneCycle(peak: 1, steps: 10)
    #expect(cycle.rate(at: 9) == cycle.rate(at: 10_000))
    #expect(abs(cycle.rate(at: 9) - 1.0 / 25 / 1e4) < 1e-12)
    #expect(OneCycle(peak: 1, steps: 1).rate(at: 0).isFinite)
    #expect(OneCycle(peak: 1, steps: 3, rise: 0).rate(at: 0).isFinite)
  }

  @Test func optimizersFollowRateAndMomentum() {
    let optimizer = Optimizer(SGD(momentum: 0.9), Linear(1, 1), rate: 1)
    optimizer.follow(OneCycle(peak: 0.5, steps: 11, rise: 0.5), at: 0)
    #expect(abs(optimizer.rate - 0.02) < 1e-12 && optimizer.rule.momentum == 0.95)
    optimizer.follow(ConstantSchedule(0.3), at: 7)
    #expect(optimizer.rate == 0.3 && optimizer.rule.momentum == 0.95)
  }
}

struct WeightAverageTests {
  @Test func averagesByHand() {
    let model = Linear(1, 1, bias: false)
    model.weight.value = Tensor([1] as [Float], [1, 1])
    let average = WeightAverage(of: model, decay: 0.5, warmUp: 0)
    model.weight.value = Tensor([3] as [Float], [1, 1])
    average.update()
    average.update()
    #expect(model.weight.value.item == 3)
    #expect(average.applied { model.weight.value.item } == 2.5)
    #expect(model.weight.value.item == 3)
  }

  @Test func youngAveragesForgetFaster() {
    let model = Linear(1, 1, bias: false)
    model.weight.value = .zeros([1, 1])
    let average = WeightAverage(of: model, decay: 0.9, warmUp: 10)
    model.weight.value = .ones([1, 1])
    average.update()
    let kept = Float(0.9 * (1 - exp(-0.1)))
    average.applied { #expect(abs(model.weight.value.item - (1 - kept)) < 1e-6) }
  }

  @Test func runningStatisticsAreAveragedAndCountsCopied() throws {
    let model = BatchNorm1d(2)
    let average = WeightAverage(of: model, decay: 0.5, warmUp: 0)
    _ = model(random([8, 2], seed: 1, in: 5...6))
    let mean = model.runningMean!.value.floats
    average.update()
    average.applied {
      expectClose(model.runningMean!.value, mean.map { $0 / 2 })
      #expect(model.numBatchesTracked!.value.scalars(as: Int64.self) == [1])
    }
    let other = BatchNorm1d(2)
    let copy = WeightAverage(of: other, decay: 0.5, warmUp: 0)
    try copy.restore(average.state)
    #expect(copy.updates == 1)
    #expect(copy.state.map(\.tensor.floats) == average.state.map(\.tensor.floats))
    let error = #expect(throws: CheckpointError.self) {
      try WeightAverage(of: BatchNorm1d(3)).restore(average.state)
    }
    #expect(error?.problems.count == 4)
  }
}

struct EarlyStoppingTests {
  @Test func stopsAfterPatience() {
    var stopping = EarlyStopping(patience: 2, minimumDelta: 0.1, aim: .largest)
    let answers = [0.5, 0.55, 0.7, .nan, 0.75].map { stopping.update($0) }
    // 0.55 is not enough better than 0.5; 0.7 is, and then two are not.
    #expect(answers == [false, false, false, false, true])
    #expect(stopping.best == 0.7)
  }

  @Test func smallerIsBetterForLosses() {
    var stopping = EarlyStopping(patience: 1, aim: .smallest)
    #expect([3.0, 2, 1, 1].map { stopping.update($0) } == [false, false, false, true])
  }
}
