import SakerTensor
import TestSupport
import Testing

struct ReductionTests {
  let x = Tensor([3, 1, 2, -1, 5, 5] as [Float], [2, 3])

  @Test func extremes() {
    expectClose(x.max(axes: [1]), [3, 5])
    expectClose(x.min(axes: [0]), [-1, 1, 2])
    #expect(x.max().item == 5 && x.max(keepingAxes: true).shape == [1, 1])
    let (values, indices) = x.max(axis: 1)
    expectClose(values, [3, 5])
    #expect(indices.scalars(as: Int64.self) == [0, 1] && indices.dtype == .int64)
    #expect(x.argmin(axis: 0, keepingAxis: true).shape == [1, 3])
    #expect(x.argmax().item == 4)
    #expect(Tensor([3, 9, 2] as [UInt8]).max().scalars(as: UInt8.self) == [9])
  }

  @Test(arguments: [[0], [1], [2], [3], [1, 2], [2, 3], [0, 3], [0, 1, 2, 3]])
  func channelsLastGivesTheSame(_ axes: [Int]) {
    let image = random([3, 5, 7, 6], seed: 4)
    let last = image.channelsLast()
    let moved = image.permute([2, 0, 3, 1]).contiguous().permute([1, 3, 0, 2])
    for x in [last, moved, last[.all, 1..<5], image.expand([2, 3, 5, 7, 6])[1]] {
      let plain = x.contiguous()
      expectClose(x.max(axes: axes), plain.max(axes: axes), relative: 0)
      expectClose(x.min(axes: axes), plain.min(axes: axes), relative: 0)
      expectClose(x.sum(axes: axes), plain.sum(axes: axes), absolute: 1e-4)
      expectClose(x.argmax(axis: axes[0]), plain.argmax(axis: axes[0]), relative: 0)
      expectClose(x.cumulativeSum(axis: axes[0]), plain.cumulativeSum(axis: axes[0]))
      expectClose(x.argsort(axis: axes[0]), plain.argsort(axis: axes[0]), relative: 0)
      expectClose(
        x.topK(2, axis: axes[0]).values, plain.topK(2, axis: axes[0]).values, relative: 0)
      expectClose(x.product(axis: axes[0]), plain.product(axis: axes[0]))
    }
  }

  @Test func sizesOfOneAndNone() async {
    let one = random([4, 1, 3], seed: 1)
    expectClose(one.max(axes: [1], keepingAxes: true), one)
    expectClose(one.cumulativeSum(axis: 1), one)
    #expect(Tensor.zeros([0, 3]).sum(axes: [0]).floats == [0, 0, 0])
    #expect(Tensor.zeros([3, 0], .int64).sum(axes: [1]).floats == [0, 0, 0])
    #expect(Tensor.zeros([0, 3]).max(axes: [1]).shape == [0])
    #expect(Tensor.zeros([0]).logSumExp().item == -.infinity)
    #expect(Tensor(5).max().item == 5 && Tensor(5).argmax().item == 0)
    expectStopped(
      saying: "max: expected at least one element along axis 0, got [0, 3]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.zeros([0, 3]).max(axes: [0])
      })
  }

  @Test func integersAndTruthsAddUpExactly() {
    let big: Int64 = 1 << 60
    #expect(Tensor([big, 1, 1]).sum().scalars(as: Int64.self) == [big + 2])
    let counts = Tensor([true, false, true, true], [2, 2]).sum(axes: [1])
    #expect(counts.dtype == .int64 && counts.scalars(as: Int64.self) == [1, 2])
    let running = Tensor([1, 2, 3] as [UInt8]).cumulativeSum(axis: 0)
    #expect(running.dtype == .int64 && running.scalars(as: Int64.self) == [1, 3, 6])
  }

  @Test func varianceIsStable() {
    let x = Tensor([10001, 10002, 10003, 10004] as [Float])
    expectClose(x.variance(), [5 / 3], relative: 1e-4)
    expectClose(x.variance(correction: 0), [1.25], relative: 1e-4)
    expectClose(x.standardDeviation(correction: 0), [1.118_034], relative: 1e-4)
    #expect(Tensor([1] as [Float]).variance().item.isNaN)
  }

  @Test func logSumExpDoesNotOverflow() {
    expectClose(Tensor([1000, 1000] as [Float]).logSumExp(), [1000.6931])
    #expect(Tensor([-.infinity, -.infinity] as [Float]).logSumExp().item == -.infinity)
    #expect(Tensor([.infinity, 1] as [Float]).logSumExp().item == .infinity)
  }

  @Test func normProductAndSums() {
    expectClose(Tensor([3, 4] as [Float]).norm(), [5])
    expectClose(SakerTensor.gradients(at: [.zeros([2])]) { $0[0].norm() }.gradients[0], [0, 0])
    expectClose(x.product(axis: 1), [6, -25])
    expectClose(x.product(), [-150])
    let zeros = SakerTensor.gradients(at: [Tensor([0, 2, 3] as [Float])]) { $0[0].product() }
    expectClose(zeros.gradients[0], [6, 0, 0])
    expectClose(x.cumulativeSum(axis: 1), [3, 4, 6, -1, 4, 9])
    expectClose(x.cumulativeSum(axis: 0), [3, 1, 2, 2, 6, 7])
  }
}
