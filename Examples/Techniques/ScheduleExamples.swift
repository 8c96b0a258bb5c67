import Saker
import Testing

@Suite struct ScheduleExamples {
  @Test("Constant rate, rate in steps") func steps() {
    #expect(ConstantSchedule(0.1).rate(at: 1000) == 0.1)
    let every = StepSchedule(1, every: 10, factor: 0.5)
    #expect([9, 10, 25].map { every.rate(at: $0) } == [1, 0.5, 0.25])
    let milestones = StepSchedule(1, at: [30, 60], factor: 0.5)
    #expect([29, 30, 60].map { milestones.rate(at: $0) } == [1, 0.5, 0.25])
  }

  @Test("Cosine with a floor") func cosine() {
    let schedule = CosineSchedule(1, floor: 0.2, steps: 100)
    #expect(schedule.rate(at: 0) == 1 && schedule.rate(at: 500) == 0.2)
    #expect(abs(schedule.rate(at: 50) - 0.6) < 1e-12)  // half of the way between
  }

  @Test("Warm-up") func warmUp() {
    let schedule = WarmUp(4, from: 0, into: ConstantSchedule(2))
    #expect([0, 1, 2, 4, 9].map { schedule.rate(at: $0) } == [0, 0.5, 1, 2, 2])
  }

  @Test("One cycle") func oneCycle() {
    let schedule = OneCycle(peak: 1, steps: 100, rise: 0.3)
    let optimizer = Optimizer(SGD(momentum: 0.9), Linear(1, 1), rate: 0)
    optimizer.follow(schedule, at: 29)  // the top: the highest rate, the lowest momentum
    #expect(abs(optimizer.rate - 1) < 1e-12 && abs(optimizer.rule.momentum - 0.85) < 1e-12)
    #expect(abs(schedule.rate(at: 0) - 1.0 / 25) < 1e-12)
    #expect(abs(schedule.rate(at: 99) - 1.0 / 25 / 1e4) < 1e-12)
  }

  @Test("A new head ten times as fast") func headRate() {
    let (body, head) = (Linear(1, 1, bias: false), Linear(1, 1, bias: false))
    let model = Sequential(named: [("body", body), ("head", head)])
    for parameter in model.parameters { parameter.value = .ones([1, 1]) }
    let groups = model.parameterGroups([GroupRule("head.*", rateFactor: 10)])
    let optimizer = Optimizer(SGD(), groups, rate: 0.05)
    (body.weight.value + head.weight.value).sum().backward()  // both gradients are 1
    optimizer.step()
    #expect(body.weight.value.item == 0.95 && head.weight.value.item == 0.5)
  }

  @Test("Gradient clipping by norm and by value") func clipping() {
    let w = Parameter(.zeros([2]))
    (w.value * Tensor([3, 4] as [Float])).sum().backward()
    #expect(gradientNorm(of: [w]) == 5)
    #expect(clipGradients(of: [w], norm: 1) == 5)  // what it was before
    #expect(allClose(w.gradient!, Tensor([0.6, 0.8] as [Float]), absolute: 1e-5))
    clipGradients(of: [w], value: 0.7)
    #expect(allClose(w.gradient!, Tensor([0.6, 0.7] as [Float]), absolute: 1e-5))
  }

  @Test("Exponential moving average of weights") func weightAverage() {
    let model = Linear(1, 1, bias: false)
    model.weight.value = .zeros([1, 1])
    let average = WeightAverage(of: model, decay: 0.5, warmUp: 0)
    for value in [4, 8] as [Float] {
      model.weight.value = Tensor([value], [1, 1])
      average.update()  // 0, then 2, then 5
    }
    #expect(average.applied { model.weight.value.item } == 5 && model.weight.value.item == 8)
  }

  @Test("Early stopping") func earlyStopping() {
    var stopping = EarlyStopping(patience: 2, aim: .smallest)
    let stops = [1.0, 0.5, 0.6, 0.55].map { stopping.update($0) }
    #expect(stops == [false, false, false, true] && stopping.best == 0.5)
  }
}
