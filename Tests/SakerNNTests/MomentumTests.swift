import SakerNN
import SakerTensor
import TestSupport
import Testing

/// The two conventions of momentum, and Nesterov's gradient as the notes write it (E22).
struct MomentumTests {
  private func optimizer(_ rule: SGD, _ parameter: Parameter, rate: Double) -> Optimizer {
    Optimizer(rule, [ParameterGroup([NamedParameter(name: "p", parameter: parameter)])], rate: rate)
  }

  /// Gradients 1, 1, 0 and rates 1/4, 1/2, 1/2, μ = 1/2. Inside, v is 1/4, 5/8, 5/16; outside it is
  /// 1, 3/2, 3/4, times the rate of the step.
  @Test func conventionsByHand() {
    func walk(_ convention: MomentumConvention, nesterov: Bool = false) -> [Float] {
      let parameter = Parameter(Tensor([2] as [Float]))
      let optimizer = optimizer(
        SGD(momentum: 0.5, nesterov: nesterov, convention: convention), parameter, rate: 0)
      return [(1, 0.25), (1, 0.5), (0, 0.5)].map { (gradient: Float, rate: Double) -> Float in
        optimizer.rate = rate
        parameter.gradient = Tensor([gradient])
        optimizer.step()
        return parameter.value.item
      }
    }
    #expect(walk(.rateInside) == [2 - 0.25, 1.75 - 0.625, 1.125 - 0.3125])
    #expect(walk(.rateOutside) == [2 - 0.25, 1.75 - 0.75, 1 - 0.375])
    // Nesterov: μ v + rate · g is 3/8, 13/16, 5/32.
    #expect(
      walk(.rateInside, nesterov: true) == [2 - 0.375, 1.625 - 0.8125, 0.8125 - 0.15625])
  }

  /// While the rate stays, nobody can tell the two apart; nor without momentum, whatever it does.
  @Test(arguments: [(0.9, false), (0.9, true), (0, false)])
  func conventionsAgreeWhileTheRateStays(momentum: Double, nesterov: Bool) {
    let walks = MomentumConvention.allCases.map { convention -> [[Float]] in
      let parameter = Parameter(random([40], seed: 1))
      let optimizer = optimizer(
        SGD(momentum: momentum, nesterov: nesterov, decay: 0.1, convention: convention), parameter,
        rate: 0.05)
      return (0..<10).map { step in
        if momentum == 0 { optimizer.rate = 0.05 / Double(step + 1) }
        parameter.gradient = random([40], seed: UInt64(2 + step))
        optimizer.step()
        return parameter.value.floats
      }
    }
    // Ten steps, each of a few roundings.
    for (a, b) in zip(walks[0], walks[1]) { expectClose(a, b, relative: 2e-6) }
  }

  /// A velocity in gradients is none in steps: the names tell them apart, and nothing has changed
  /// after the refusal.
  @Test(arguments: [false, true]) func aStateOfTheOtherConventionIsRefused(isInside: Bool) throws {
    func make(_ convention: MomentumConvention) -> Optimizer {
      optimizer(SGD(momentum: 0.9, convention: convention), Parameter(.ones([2])), rate: 0.1)
    }
    let (from, to) = (
      make(isInside ? .rateInside : .rateOutside), make(isInside ? .rateOutside : .rateInside)
    )
    let names = isInside ? ["velocity", "momentum_buffer"] : ["momentum_buffer", "velocity"]
    from.parameters[0].gradient = .ones([2])
    from.step()
    #expect(from.state.map(\.name) == ["p.step", "p.\(names[0])"])
    let error = #expect(throws: CheckpointError.self) { try to.restore(from.state, file: "last") }
    #expect(error?.problems == ["p.\(names[1]): missing", "p.\(names[0]): unexpected"])
    #expect(to.state.isEmpty)
    try make(isInside ? .rateInside : .rateOutside).restore(from.state)
  }

  @Test func dampeningStaysOutside() async {
    expectStopped(
      saying: "SGD: expected no dampening with the rate inside of the velocity, got 0.1",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = SGD(momentum: 0.9, dampening: 0.1, convention: .rateInside)
      })
  }

  // MARK: Looking ahead

  /// Nesterov's gradient by the notes, `m' = μ m + rate · ∇J(θ − μ m)`, `θ' = θ − m'`, in
  /// fractions. What frameworks compute is this walk as seen from the places of the gradients,
  /// `φ = θ − μ m`. All numbers here are fractions that float32 holds exactly.
  @Test(arguments: [
    [Rational(1, 4), Rational(1, 4), Rational(1, 4), Rational(1, 4), Rational(1, 4)],
    [Rational(1, 4), Rational(1, 2), Rational(1, 8), Rational(1, 4), Rational(1, 2)],
  ])
  func lookingAheadIsNesterovsWalk(rates: [Rational]) {
    let (curvatures, starts) = ([Rational(1), 2], [Rational(3), -5])
    var (place, momentum) = (starts, [Rational(0), 0])
    let half = Rational(1, 2)
    let ahead = Parameter(Tensor(starts.map(\.float)))
    let told = Parameter(Tensor(starts.map(\.float)))
    let pyTorch = Parameter(Tensor(starts.map(\.float)))
    let walks = [
      optimizer(SGD(momentum: 0.5, convention: .rateInside), ahead, rate: 0),
      optimizer(SGD(momentum: 0.5, nesterov: true, convention: .rateInside), told, rate: 0),
      optimizer(SGD(momentum: 0.5, nesterov: true), pyTorch, rate: 0),
    ]
    let factors = Tensor(curvatures.map { ($0 * half).float })
    func backward(_ parameter: Parameter) {
      parameter.gradient = nil
      (square(parameter.value) * factors).sum().backward()
    }
    for rate in rates {
      for i in 0..<2 {
        let gradient = curvatures[i] * (place[i] - half * momentum[i])
        momentum[i] = half * momentum[i] + rate * gradient
        place[i] = place[i] - momentum[i]
      }
      for walk in walks { walk.rate = rate.double }
      let before = ahead.value.floats
      walks[0].lookingAhead { backward(ahead) }
      #expect(ahead.value.floats == before)
      backward(told)
      backward(pyTorch)
      for walk in walks { walk.step() }
      #expect(ahead.value.floats == place.map(\.float))
      #expect(walks[0].state[1].tensor.floats == momentum.map(\.float))
      let seen = zip(place, momentum).map { ($0 - half * $1).float }
      #expect(told.value.floats == seen)
      if Set(rates).count == 1 { #expect(pyTorch.value.floats == seen) }
    }
  }

  /// Groups have their own rates, which count outside of the velocity; what is frozen, or has not
  /// stepped yet, stays.
  @Test func lookingAheadMovesWhatMomentumMoves() throws {
    let parameters = (0..<3).map { Parameter(Tensor([Float($0)])) }
    let named = parameters.enumerated().map { NamedParameter(name: "p\($0)", parameter: $1) }
    let optimizer = Optimizer(
      SGD(momentum: 0.5),
      [ParameterGroup([named[0], named[1]], rateFactor: 2), ParameterGroup([named[2]])], rate: 0.25)
    func places() -> [Float] { parameters.map { $0.value.item } }
    optimizer.lookingAhead { #expect(places() == [0, 1, 2]) }
    for parameter in parameters { parameter.gradient = Tensor([4 as Float]) }
    optimizer.step()
    #expect(places() == [-2, -1, 1])
    parameters[1].isFrozen = true
    let answer = optimizer.lookingAhead { () -> Int in
      // Another half of the steps that were: θ − rate · μ v.
      #expect(places() == [-3, -1, 0.5])
      return 7
    }
    #expect(answer == 7 && places() == [-2, -1, 1])
    struct Failure: Error {}
    #expect(throws: Failure.self) { try optimizer.lookingAhead { throw Failure() } }
    #expect(places() == [-2, -1, 1])
  }

  @Test func onlySGDLooksAhead() async {
    expectStopped(
      saying: "lookingAhead: expected SGD without nesterov, got",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        Optimizer(Adam(), Linear(1, 1), rate: 0.1).lookingAhead {}
      })
    expectStopped(
      saying: "lookingAhead: expected SGD without nesterov, got",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        Optimizer(SGD(momentum: 0.9, nesterov: true), Linear(1, 1), rate: 0.1).lookingAhead {}
      })
  }
}
