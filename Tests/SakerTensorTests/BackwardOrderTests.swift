import Synchronization
import TestSupport
import Testing

@testable import SakerTensor

/// When gradients are complete: as early as they can be.
@Suite struct BackwardOrderTests {
  @Test func parametersAreReadyFromTheLastToTheFirst() {
    let parameters = (0..<4).map { Parameter(random([3, 3], seed: UInt64($0))) }
    let order = Mutex<[Int]>([])
    for (index, parameter) in parameters.enumerated() {
      parameter.onReady { ready in
        #expect(ready === parameter && ready.gradient != nil)
        // What lies before it has not had its turn.
        for earlier in parameters[..<index] { #expect(earlier.gradient == nil) }
        order.withLock { $0.append(index) }
      }
    }
    var x = random([2, 3], seed: 9)
    for parameter in parameters { x = tanh(matmul(x, parameter.value)) }
    x.sum().backward()
    #expect(order.withLock { $0 } == [3, 2, 1, 0])
  }

  @Test func aParameterOfManyUsesIsReadyOnceWithTheirSum() {
    let parameter = Parameter(Tensor([Float(2), 3]))
    let calls = Mutex<[[Float]]>([])
    let handle = parameter.onReady { ready in
      calls.withLock { $0.append(ready.gradient!.floats) }
    }
    let x = parameter.value
    (x * x + x * Tensor([Float(10), 20])).sum().backward()
    #expect(calls.withLock { $0 } == [[14, 26]])
    parameter.gradient = nil
    handle.remove()
    parameter.value.sum().backward()
    #expect(calls.withLock { $0.count } == 1 && parameter.gradient!.floats == [1, 1])
  }

  /// Lets no gradient through, as an operation may for one of its inputs.
  struct Blocked: TensorOperation {
    func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor { inputs[0].detached() * 1 }
    func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] { [nil] }
  }

  @Test func whatGetsNoGradientKeepsNobodyWaiting() {
    let (shared, blocked) = (Parameter(Tensor([Float(2)])), Parameter(Tensor([Float(5)])))
    let ready = Mutex<[String]>([])
    shared.onReady { _ in ready.withLock { $0.append("shared") } }
    blocked.onReady { _ in ready.withLock { $0.append("blocked") } }
    let dead = apply(Blocked(), to: [exp(shared.value * blocked.value)])
    (dead + shared.value * 3).sum().backward()
    #expect(shared.gradient!.floats == [3] && blocked.gradient == nil)
    #expect(ready.withLock { $0 } == ["shared"])
  }

  @Test func aCheckpointIsAPassOfItsOwn() {
    let parameter = Parameter(Tensor([Float(2)]))
    let seen = Mutex<[Float]>([])
    parameter.onReady { ready in seen.withLock { $0.append(ready.gradient!.item) } }
    let inside = checkpoint(Tensor([Float(1)])) { $0 * parameter.value }
    (inside + parameter.value * 4).sum().backward()
    #expect(parameter.gradient!.item == 5)
    #expect(seen.withLock { $0.count } == 2 && seen.withLock { $0.last } == 5)
  }

  /// A graph kept is walked again with the same result.
  @Test func countsAreThoseOfEachPass() {
    let parameter = Parameter(random([4], seed: 3))
    let x = parameter.value
    let y = exp(x * x).sum() + x.sum()
    y.backward(keepingGraph: true)
    let once = parameter.gradient!.floats
    y.backward()
    expectClose(parameter.gradient!.floats, once.map { 2 * $0 }, relative: 1e-6)
  }
}
