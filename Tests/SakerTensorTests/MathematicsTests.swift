import Foundation
import SakerTensor
import TestSupport
import Testing

struct MathematicsTests {
  @Test func roundingAndSign() {
    let x = Tensor([-1.5, -0.5, 0.5, 1.5, 2.5] as [Float])
    expectClose(round(x), [-2, 0, 0, 2, 2])
    expectClose(floor(x), [-2, -1, 0, 1, 2])
    expectClose(ceil(x), [-1, 0, 1, 2, 3])
    expectClose(sign(Tensor([-3, 0, 5] as [Float])), [-1, 0, 1])
  }

  @Test func erfIsExactToOneMillionth() {
    let x = Tensor.linspace(-4, 4, count: 4001)
    let squares = zip(erf(x).floats, x.floats).map {
      pow(Double($0) - Foundation.erf(Double($1)), 2)
    }
    #expect((squares.reduce(0, +) / 4001).squareRoot() < 1e-6)
  }

  @Test func remainderHasTheSignOfTheDivisor() {
    expectClose(
      remainder(Tensor([5, -5, 5, -5, 6] as [Float]), Tensor([3, 3, -3, -3, 3] as [Float])),
      [2, 1, -1, -2, 0])
    #expect(remainder(Tensor([-5, 7] as [Int64]), 3).scalars(as: Int64.self) == [1, 1])
  }

  @Test func tiesShareTheGradient() {
    let gradients = SakerTensor.gradients(
      at: [Tensor([1, 2, 3] as [Float]), Tensor([3, 2, 1] as [Float])]
    ) { maximum($0[0], $0[1]).sum() }.gradients
    expectClose(gradients[0], [0, 0.5, 1])
    expectClose(gradients[1], [1, 0.5, 0])
    let shared = SakerTensor.gradients(at: [Tensor([2, 1, 2, 2] as [Float])]) { $0[0].max() }
    expectClose(shared.gradients[0], [1 / 3, 0, 1 / 3, 1 / 3])
    let first = SakerTensor.gradients(at: [Tensor([2, 1, 2, 2] as [Float])]) {
      $0[0].max(axis: 0).values
    }
    expectClose(first.gradients[0], [1, 0, 0, 0])
  }

  @Test func clampPassesTheGradientOnTheBounds() {
    let result = SakerTensor.gradients(at: [Tensor([-2, -1, 0, 1, 2] as [Float])]) {
      $0[0].clamped(from: -1, to: 1).sum()
    }
    expectClose(result.gradients[0], [0, 1, 1, 1, 0])
  }

  @Test func notANumberPropagates() {
    let x = Tensor([1, .nan, 3] as [Float])
    #expect(maximum(x, 2).floats[1].isNaN && x.clamped(from: 0).floats[1].isNaN)
    #expect(x.max().item.isNaN && x.min().item.isNaN && x.sum().item.isNaN)
    #expect(x.argmax().item == 1 && x.argmin().item == 1)
    for axis in 0..<2 {
      let square = Tensor([.nan, 1, 2, .nan] as [Float], [2, 2])
      #expect(square.max(axes: [axis]).floats.allSatisfy { $0.isNaN })
    }
    let long = Tensor((0..<100).map { $0 == 71 ? Float.nan : Float($0) })
    #expect(long.max().item.isNaN && long.argmax().item == 71)
  }
}
