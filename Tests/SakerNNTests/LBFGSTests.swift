import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

struct LBFGSTests {
  /// `½ pᵀ A p + 0.1 Σ p⁴ − Σ p`, of the golden script.
  private func loss(_ p: Parameter, _ a: Tensor) -> Tensor {
    let x = p.value
    let product = matmul(a, x.reshape([6, 1])).reshape([6])
    return (x * product).sum() * 0.5 + (square(square(x))).sum() * 0.1 - x.sum()
  }

  @Test(arguments: GoldenCase.all("optimizers", "lbfgs"))
  func pointsAndCallsArePyTorchs(_ golden: GoldenCase) {
    let p = Parameter(golden["x"])
    let optimizer = LBFGS(
      [p], rate: golden.number("lr") ?? 1, iterations: Int(golden.number("max_iter")!),
      history: Int(golden.number("history_size") ?? 100),
      lineSearch: golden.text("line_search_fn") == nil ? .none : .strongWolfe)
    for step in 0..<Int(golden.number("steps")!) {
      let before = optimizer.step { loss(p, golden["a"]) }
      expectClose([before], [golden["losses"].floats[step]], "\(golden.name) loss \(step)")
      expectClose(
        p.value, golden["y"].narrow(0, step..<step + 1).squeeze(0), "\(golden.name) step \(step)")
    }
    #expect(optimizer.evaluationCount == Int(golden.number("calls")!))
    #expect(optimizer.iterationCount == Int(golden.number("iterations")!))
  }

  /// E43: the second derivative of a loss is a matrix. Its columns, by differences of gradients,
  /// are those of A; and a method that knows it needs no more steps than dimensions on a quadratic
  /// valley in which gradient descent creeps.
  @Test func theSecondDerivativeIsAMatrix() {
    let a = Tensor([101, 99, 99, 101] as [Float], [2, 2])
    func gradient(_ at: [Float]) -> [Float] {
      gradients(at: [Tensor(at, [2, 1])]) { x in (x[0] * matmul(a, x[0])).sum() * 0.5 }
        .gradients[0].floats
    }
    let columns = [[Float(1), 0], [0, 1]].map { gradient($0) }
    expectClose(columns.flatMap { $0 }, a.floats)
    func descend(_ move: (Parameter, () -> Tensor) -> Void) -> Float {
      let p = Parameter(Tensor([1, 0] as [Float], [2, 1]))
      move(p) { (p.value * matmul(a, p.value)).sum() * 0.5 }
      return p.value.floats.map(abs).max()!
    }
    let lbfgs = descend { p, loss in
      let optimizer = LBFGS([p], iterations: 8, lineSearch: .strongWolfe)
      optimizer.step(loss)
    }
    let sgd = descend { p, loss in
      // 2 / the largest eigenvalue would diverge.
      let named = NamedParameter(name: "p", parameter: p)
      let optimizer = Optimizer(SGD(), [ParameterGroup([named])], rate: 1 / 200)
      for _ in 0..<8 {
        optimizer.zeroGradients()
        loss().backward()
        optimizer.step()
      }
    }
    #expect(lbfgs < 1e-3)
    #expect(sgd > 0.3)
  }

  /// Rosenbrock's valley, (1, 1) at its end.
  private func rosenbrock(_ p: Parameter) -> Tensor {
    let (x, y) = (p.value[0], p.value[1])
    return square(1 - x) + square(y - square(x)) * 100
  }

  @Test func goesThroughRosenbrocksValley() {
    let p = Parameter(Tensor([-1.2, 1] as [Float]))
    let optimizer = LBFGS([p], iterations: 100, lineSearch: .strongWolfe)
    optimizer.step { rosenbrock(p) }
    expectClose(p.value, [1, 1], relative: 1e-2)
    #expect(optimizer.evaluationCount < 100)
  }

  @Test func severalParametersAreOnePoint() {
    let whole = Parameter(Tensor([-1.2, 1] as [Float]))
    let parts = [Parameter(Tensor([-1.2] as [Float])), Parameter(Tensor([1] as [Float]))]
    LBFGS([whole], iterations: 7, lineSearch: .strongWolfe).step { rosenbrock(whole) }
    LBFGS(parts, iterations: 7, lineSearch: .strongWolfe).step {
      let (x, y) = (parts[0].value, parts[1].value)
      return (square(1 - x) + square(y - square(x)) * 100).sum()
    }
    expectClose(parts.flatMap(\.value.floats), whole.value.floats, relative: 1e-4)
  }

  @Test func resumingGoesOnBitForBit() throws {
    func build() -> (Parameter, LBFGS) {
      let p = Parameter(Tensor([-1.2, 1] as [Float]))
      return (p, LBFGS([p], iterations: 3, history: 4, lineSearch: .strongWolfe))
    }
    let (whole, wholeOptimizer) = build()
    for _ in 0..<6 { wholeOptimizer.step { rosenbrock(whole) } }
    let (first, firstOptimizer) = build()
    for _ in 0..<3 { firstOptimizer.step { rosenbrock(first) } }
    let (second, secondOptimizer) = build()
    second.value = first.value
    try secondOptimizer.restore(firstOptimizer.state)
    for _ in 0..<3 { secondOptimizer.step { rosenbrock(second) } }
    #expect(second.value.floats == whole.value.floats)
    #expect(secondOptimizer.evaluationCount == wholeOptimizer.evaluationCount)
    let other = LBFGS([Parameter(.zeros([3]))], history: 1)
    let error = #expect(throws: CheckpointError.self) {
      try other.restore(firstOptimizer.state + [NamedTensor("more", .ones([1]))])
    }
    #expect(error?.problems.first == "d: expected float32 [3], got float32 [2]")
    #expect(error?.problems.last == "more: unexpected")
    #expect(other.state.map(\.name) == ["n_iter", "func_evals", "h_diag"])
  }

  // MARK: Extremes

  /// A step into infinity is too long, not the end.
  @Test func infiniteLossesShortenTheStep() {
    let p = Parameter(Tensor([0.5] as [Float]))
    let optimizer = LBFGS([p], rate: 1000, iterations: 20, lineSearch: .strongWolfe)
    // x − log x is not a number below 0; its minimum is at 1.
    optimizer.step { (p.value - log(p.value)).sum() }
    expectClose(p.value, [1], relative: 1e-3)
  }

  @Test func aLossThatIsNoNumberMovesNothing() {
    let p = Parameter(Tensor([-1] as [Float]))
    #expect(LBFGS([p]).step { log(p.value).sum() }.isNaN)
    #expect(p.value.floats == [-1])
  }

  @Test func atTheMinimumNothingMoves() {
    let p = Parameter(.zeros([4]))
    let optimizer = LBFGS([p])
    #expect(optimizer.step { square(p.value).sum() } == 0)
    #expect(optimizer.evaluationCount == 1 && p.value.floats == [0, 0, 0, 0])
  }

  @Test func frozenAndEmptyParametersStay() {
    let (learning, frozen, empty) = (
      Parameter(.ones([2])), Parameter(.ones([2])), Parameter(.zeros([0]))
    )
    frozen.isFrozen = true
    LBFGS([learning, frozen, empty], iterations: 5).step {
      square(learning.value).sum() + square(frozen.value).sum() + empty.value.sum()
    }
    #expect(frozen.value.floats == [1, 1] && learning.value.floats[0] < 1)
  }

  @Test func aLossOfManyNumbersIsRefused() async {
    expectStopped(
      saying: "LBFGS.step: expected a loss of one number, got [2]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let p = Parameter(.ones([2]))
        LBFGS([p]).step { square(p.value) }
      })
  }
}
