import SakerTensor
import Synchronization
import TestSupport
import Testing

struct TapeTests {
  @Test func aHundredThousandOperationsGoBackAndAreReleased() {
    let parameter = Parameter(Tensor(1))
    do {
      var x = parameter.value
      for _ in 0..<100_000 { x = x + 1 }
      #expect(x.item == 100_001)
      x.backward()
    }
    #expect(parameter.gradient?.item == 1)
    // Released without ever going backward.
    var y = parameter.value
    for _ in 0..<100_000 { y = y * 1 }
    y = Tensor(0)
    #expect(y.item == 0)
  }

  @Test func aWideGraphVisitsEachOperationOnce() {
    // Each step uses the last one twice: 2^60 paths, 60 operations.
    let parameter = Parameter(Tensor(1))
    var x = parameter.value
    for _ in 0..<60 { x = (x + x) * 0.5 }
    x.backward()
    #expect(parameter.gradient?.item == 1)
  }

  @Test func gradientsAccumulateUntilCleared() {
    let parameter = Parameter(Tensor([1, 2] as [Float]))
    for _ in 0..<2 { (parameter.value * parameter.value).sum().backward() }
    expectClose(parameter.gradient!, [4, 8])
    parameter.gradient = nil
    (parameter.value * 3).sum().backward()
    expectClose(parameter.gradient!, [3, 3])
    parameter.isFrozen = true
    #expect(!(parameter.value * 3).isRecorded)
  }

  @Test func nothingIsRecordedWithoutGradients() {
    let parameter = Parameter(Tensor([1, 2] as [Float]))
    let (inside, nested) = withoutGradients {
      (parameter.value * 2, withoutGradients { isRecordingGradients })
    }
    #expect(!inside.isRecorded && !nested && isRecordingGradients)
    let cut = (parameter.value * 2).detached()
    #expect(!cut.isRecorded && !(cut * 2).isRecorded)
    (cut * parameter.value).sum().backward()
    expectClose(parameter.gradient!, [2, 4])
  }

  @Test func integersAndTruthsCarryNoGradient() {
    let x = Parameter(random([3, 4], seed: 1)).value
    let results = [
      x.argmax(axis: 1), x.argsort(), x .> 0, x.nonzero(), x.isNaN(), x.topK(2).indices,
      x.max(axis: 0).indices, x.converted(to: .int32), x.any(),
    ]
    #expect(results.allSatisfy { !$0.isRecorded })
    #expect(x.topK(2).values.isRecorded && x.max(axis: 0).values.isRecorded)
  }

  @Test func hooksSeeAndReplaceGradients() {
    let parameter = Parameter(Tensor([1, 2] as [Float]))
    let middle = parameter.value * 2
    let seen = Mutex<[[Float]]>([])
    middle.onGradient { gradient in
      seen.withLock { $0.append(gradient.floats) }
      return nil
    }
    let doubled = middle.onGradient { $0 * 2 }
    let result = (middle * 3).sum()
    result.backward(keepingGraph: true)
    #expect(seen.withLock { $0 } == [[3, 3]])
    expectClose(parameter.gradient!, [12, 12])
    doubled.remove()
    parameter.gradient = nil
    result.backward()
    #expect(seen.withLock { $0 } == [[3, 3], [3, 3]])
    expectClose(parameter.gradient!, [6, 6])
  }

  @Test func aGraphIsWalkedOnceUnlessKept() async {
    let parameter = Parameter(Tensor(2))
    let result = parameter.value * parameter.value
    result.backward(keepingGraph: true)
    result.backward()
    #expect(parameter.gradient?.item == 8)
    expectStopped(
      saying: "backward of multiply: expected a graph not walked before",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let result = Parameter(Tensor(2)).value * Parameter(Tensor(3)).value
        result.backward()
        result.backward()
      })
    expectStopped(
      saying: "backward: nothing was recorded",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        Tensor(2).backward()
      })
    expectStopped(
      saying: "backward: expected a scalar, or a gradient to start from, got [2]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        (Parameter(Tensor.zeros([2])).value * 2).backward()
      })
  }

  @Test func anObserverSeesForwardAndBackward() {
    final class Recorder: Observer {
      @TaskLocal static var isMine = false
      let names = Mutex<[String]>([])
      func didRun(_ event: OperationEvent) {
        guard Recorder.isMine else { return }
        names.withLock { $0.append("\(event.phase.rawValue) \(event.operation.name)") }
      }
    }
    let recorder = Recorder()
    let parameter = Parameter(Tensor([1, 2] as [Float]))
    Observers.add(recorder)
    Recorder.$isMine.withValue(true) { pow(parameter.value, 3).sum().backward() }
    Observers.remove(recorder)
    Recorder.$isMine.withValue(true) { _ = parameter.value * 2 }
    #expect(
      recorder.names.withLock { $0 } == [
        "forward pow", "forward sum", "backward sum", "backward pow",
      ])
  }
}
