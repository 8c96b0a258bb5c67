// What a user of the library can write: public names only.
import SakerTensor
import TestSupport
import Testing

/// x |x|, with a gradient of its own.
private struct SignedSquare: UnaryOperation {
  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
    saved.keep(x)
    return Tensor(x.floats.map { $0 * abs($0) }, x.shape)
  }

  /// 2 |x|
  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? {
    gradient * abs(saved[0]) * 2
  }
}

/// An inner product of any number of pairs of vectors.
private struct Dots: TensorOperation {
  let name = "dots"

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    var sum: Float = 0
    for i in stride(from: 0, to: inputs.count, by: 2) {
      saved.keep(inputs[i], inputs[i + 1])
      sum += zip(inputs[i].floats, inputs[i + 1].floats).reduce(0) { $0 + $1.0 * $1.1 }
    }
    return Tensor(sum)
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    (0..<saved.count).map { saved.needs[$0] ? saved[$0 ^ 1] * gradient : nil }
  }
}

private struct OneWay: TensorOperation {
  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor { inputs[0] * 2 }
}

private struct WrongShape: UnaryOperation {
  func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor { x.sum() }
  func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? { gradient }
}

struct CustomOperationTests {
  @Test func gradientsFlowThroughAUsersOperation() {
    expectGradient(at: [Tensor([-2, -0.5, 1, 3] as [Float])]) {
      exp(apply(SignedSquare(), $0[0] * 0.5))
    }
    expectGradient(at: (0..<4).map { random([3], seed: $0) }) { apply(Dots(), to: $0) }
  }

  @Test func nothingIsKeptWhenNothingIsRecorded() {
    struct Counting: UnaryOperation {
      func forward(_ x: Tensor, _ saved: inout Saved) -> Tensor {
        saved.keep(x)
        #expect(saved.count == (saved.isRecording ? 1 : 0))
        return x * 1
      }
      func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor? { gradient }
    }
    _ = apply(Counting(), Tensor(1))
    _ = apply(Counting(), Parameter(Tensor(1)).value)
    withoutGradients { _ = apply(Counting(), Parameter(Tensor(1)).value) }
  }

  @Test func aMissingOrWrongGradientStops() async {
    #expect(apply(OneWay(), Tensor(2)).item == 4)
    expectStopped(
      saying: "oneWay has no gradient",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        apply(OneWay(), Parameter(Tensor(2)).value).backward()
      })
    expectStopped(
      saying: "backward of wrongShape: expected a gradient of the input's shape [3], got []",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        apply(WrongShape(), Parameter(Tensor.zeros([3])).value).backward()
      })
  }
}
