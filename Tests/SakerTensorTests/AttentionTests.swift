import SakerTensor
import TestSupport
import Testing

struct AttentionTests {
  /// softmax(scale q kᵀ + mask) v by matrices in memory.
  private func composed(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, mask: Tensor? = nil, causal: Bool = false
  ) -> Tensor {
    var scores = matmul(q, k.transposed()) / Float(q.shape[q.rank - 1]).squareRoot()
    if let mask { scores = scores + mask }
    if causal {
      let (l, s) = (q.shape[q.rank - 2], k.shape[k.rank - 2])
      let later = Tensor.arange(s).unsqueeze(0) .> Tensor.arange(l).unsqueeze(1)
      scores = scores.filled(where: later, with: -.infinity)
    }
    return matmul(softmax(scores), v)
  }

  /// Sizes around the blocks of 32 queries, 64 keys and 16 numbers.
  @Test(
    arguments: [(1, 1), (31, 63), (32, 64), (33, 65), (100, 200), (5, 130)],
    [(1, 1), (16, 16), (17, 33), (64, 20)])
  func blocksChangeNothing(_ sizes: (l: Int, s: Int), _ widths: (e: Int, f: Int)) {
    let q = random([3, sizes.l, widths.e], seed: 1) * 3
    let k = random([3, sizes.s, widths.e], seed: 2) * 3
    let v = random([3, sizes.s, widths.f], seed: 3)
    let mask = random([sizes.l, sizes.s], seed: 4)
    let gy = random([3, sizes.l, widths.f], seed: 5)
    for (mask, causal) in [(nil, false), (mask, false), (nil, true), (mask, true)] {
      let fused = gradients(at: [q, k, v]) {
        (scaledDotProductAttention($0[0], $0[1], $0[2], mask: mask, causal: causal) * gy).sum()
      }
      let plain = gradients(at: [q, k, v]) {
        (composed($0[0], $0[1], $0[2], mask: mask, causal: causal) * gy).sum()
      }
      expectClose(
        scaledDotProductAttention(q, k, v, mask: mask, causal: causal),
        composed(q, k, v, mask: mask, causal: causal))
      for (a, b) in zip(fused.gradients, plain.gradients) {
        expectClose(a, b, relative: 1e-5, absolute: 1e-5)
      }
    }
  }

  /// Scores that are all the same: the mean of the values seen.
  @Test func byHand() {
    let v = Tensor([1, 2, 6] as [Float], [3, 1])
    let zeros = Tensor.zeros([3, 2])
    expectClose(scaledDotProductAttention(zeros, zeros, v), [3, 3, 3])
    expectClose(scaledDotProductAttention(zeros, zeros, v, causal: true), [1, 1.5, 3])
    let mask = Tensor([true, false, true])
    expectClose(scaledDotProductAttention(zeros, zeros, v, mask: mask), [3.5, 3.5, 3.5])
  }

  @Test func masksOfAllShapes() {
    let (q, k) = (random([2, 3, 5, 4], seed: 1), random([2, 3, 7, 4], seed: 2))
    let v = random([2, 3, 7, 6], seed: 3)
    for shape in [[], [1], [7], [5, 1], [5, 7], [3, 1, 7], [2, 1, 1, 7], [2, 3, 5, 7]] {
      let mask = random(Shape(shape), seed: 4)
      let all = mask.expand([2, 3, 5, 7]).contiguous()
      expectClose(
        scaledDotProductAttention(q, k, v, mask: mask), composed(q, k, v, mask: all), "\(shape)")
      expectClose(
        scaledDotProductAttention(q, k, v, mask: mask .> -0.5),
        scaledDotProductAttention(q, k, v, mask: all .> -0.5), relative: 0, "\(shape)")
    }
    let turned = random([7, 5], seed: 5).transposed()
    expectClose(
      scaledDotProductAttention(q, k, v, mask: turned),
      scaledDotProductAttention(q, k, v, mask: turned.contiguous()), relative: 0)
  }

  @Test func axesInFrontBroadcast() {
    let q = random([2, 3, 5, 4], seed: 1)
    let (k, v) = (random([3, 7, 4], seed: 2), random([7, 6], seed: 3))
    let result = gradients(at: [q, k, v]) {
      square(scaledDotProductAttention($0[0], $0[1], $0[2])).sum()
    }
    let plain = gradients(at: [q, k, v]) { square(composed($0[0], $0[1], $0[2])).sum() }
    expectClose(result.value, plain.value)
    for (a, b) in zip(result.gradients, plain.gradients) { expectClose(a, b, absolute: 1e-5) }
  }

  @Test func whoSeesNothingGivesNothing() {
    let (q, k) = (random([2, 40, 4], seed: 1), random([2, 70, 4], seed: 2))
    let v = random([2, 70, 3], seed: 3)
    let seen = Tensor.arange(40).unsqueeze(1) .> 20
    for mask in [seen, .where(seen, Tensor(0), -.infinity)] {
      let result = gradients(at: [q, k, v]) {
        scaledDotProductAttention($0[0], $0[1], $0[2], mask: mask).sum()
      }
      let y = scaledDotProductAttention(q, k, v, mask: mask)
      #expect(abs(y[0..., 0...20]).max().item == 0)
      #expect(abs(y[0..., 21...]).min().item > 0)
      #expect(result.gradients.allSatisfy { $0.isFinite().all().item != 0 })
      #expect(abs(result.gradients[0][0..., 0...20]).max().item == 0)
    }
  }

  @Test func extremes() {
    let one = Tensor.ones([1, 2, 2])
    expectClose(scaledDotProductAttention(one * 1e18, one * 1e18, one), [1, 1, 1, 1])
    expectClose(scaledDotProductAttention(one * 1e4, one * -1e4, one), [1, 1, 1, 1])
    #expect(scaledDotProductAttention(one * .nan, one, one).floats.allSatisfy { $0.isNaN })
    let infinite = Tensor([1, .infinity, 1, 1] as [Float], [1, 2, 2])
    #expect(scaledDotProductAttention(one, infinite, one).floats.allSatisfy { $0.isNaN })
    #expect(
      scaledDotProductAttention(.ones([0, 2, 2]), .ones([0, 3, 2]), .ones([0, 3, 5])).shape == [
        0, 2, 5,
      ])
    #expect(scaledDotProductAttention(.ones([1, 0, 2]), one, one).shape == [1, 0, 2])
    expectClose(
      scaledDotProductAttention(one, .ones([1, 0, 2]), .ones([1, 0, 3])), [0, 0, 0, 0, 0, 0])
    let low = scaledDotProductAttention(
      one.converted(to: .bfloat16), one.converted(to: .bfloat16), one.converted(to: .bfloat16))
    #expect(low.dtype == .bfloat16)
  }

  /// 2048² weights would be 16 MB a head.
  @Test func weightsAreNeverStored() async {
    await #expect(processExitsWith: .success) {
      let (q, mask) = (Tensor.ones([4, 2048, 8]), Tensor.zeros([4, 1, 2048]))
      for padding in [nil, mask] {
        MemoryPool.shared.resetPeak()
        let before = MemoryPool.shared.use.peak
        let result = gradients(at: [q, q, q]) {
          scaledDotProductAttention($0[0], $0[1], $0[2], mask: padding, causal: true).sum()
        }
        precondition(result.value.item > 0)
        let growth = MemoryPool.shared.use.peak - before
        precondition(growth > 0 && growth < 8 << 20, "\(growth) bytes")
      }
    }
  }

  @Test func wrongShapesStop() async {
    expectStopped(
      saying: "keys [..., 3, 4] and values [..., 3, f] for queries [2, 4], got [3, 5], [3, 4]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = scaledDotProductAttention(.ones([2, 4]), .ones([3, 5]), .ones([3, 4]))
      })
    expectStopped(
      saying: "a bool or floating mask that broadcasts to [2, 3], got float32 [3, 2]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = scaledDotProductAttention(
          .ones([2, 4]), .ones([3, 4]), .ones([3, 4]), mask: .ones([3, 2]))
      })
    expectStopped(
      saying: "scaledDotProductAttention: expected batch axes that broadcast",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = scaledDotProductAttention(.ones([2, 2, 4]), .ones([3, 3, 4]), .ones([3, 4]))
      })
    expectStopped(
      saying: "recurrent: expected weights [4, 3], [4, 4] and two biases [4] or none",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = recurrent(
          .rnn, .ones([1, 1, 3]), RecurrentWeights(input: .ones([4, 2]), hidden: .ones([4, 4])))
      })
  }
}
