import SakerTensor
import TestSupport
import Testing

struct CreationTests {
  @Test func ranges() {
    #expect(Tensor.arange(4).scalars(as: Int64.self) == [0, 1, 2, 3])
    #expect(Tensor.arange(from: 5, to: 0, by: -2).scalars(as: Int64.self) == [5, 3, 1])
    expectClose(Tensor.arange(from: 0, to: 1, by: 0.25), [0, 0.25, 0.5, 0.75])
    expectClose(Tensor.linspace(0, 1, count: 5), [0, 0.25, 0.5, 0.75, 1])
    expectClose(Tensor.linspace(3, 4, count: 1), [3])
    expectClose(Tensor.eye(2, 3), [1, 0, 0, 0, 1, 0])
    #expect(Tensor.full([3], 7, .int64).scalars(as: Int64.self) == [7, 7, 7])
    #expect(Tensor.full([3], 1, .bool).scalars(as: Bool.self) == [true, true, true])
  }

  @Test func likeAnother() {
    let model = random([2, 3, 4, 5], seed: 1).channelsLast()
    let fives = Tensor.full(like: model, 5)
    #expect(fives.isChannelsLast && fives.shape == model.shape)
    #expect(fives.sum().item == 600)
    #expect(Tensor.zeros(like: model, .int32).dtype == .int32)
    #expect(Tensor.ones(like: model[.all, 1]).sum().item == 40)
  }

  @Test func theSameSeedGivesTheSameNumbers() {
    func draw(_ seed: UInt64) -> [[Float]] {
      var random = Random(seed: seed)
      return [
        Tensor.uniform([3], using: &random).floats, Tensor.normal([5], using: &random).floats,
        Tensor.randomIntegers([4], in: 0..<100, using: &random).floats,
        Tensor.permutation(6, using: &random).floats,
        Tensor.bernoulli([9], 0.5, using: &random).floats,
      ]
    }
    #expect(draw(1) == draw(1))
    #expect(zip(draw(1), draw(2)).allSatisfy { $0 != $1 })
  }

  @Test func distributions() {
    var random = Random(seed: 5)
    let normal = Tensor.normal([100_000], mean: 3, deviation: 2, using: &random)
    expectClose(normal.mean(), [3], relative: 0, absolute: 0.03)
    expectClose(normal.standardDeviation(), [2], relative: 0, absolute: 0.03)
    // Within one deviation: 68.27 % of a normal distribution.
    let inside = abs(normal - 3) .< 2
    expectClose(
      inside.sum().converted(to: .float32) / 100_000, [0.6827], relative: 0, absolute: 0.006)
    let uniform = Tensor.uniform([100_000], in: -1...3, using: &random)
    expectClose(uniform.mean(), [1], relative: 0, absolute: 0.02)
    expectClose(uniform.variance(), [16 / 12], relative: 0, absolute: 0.02)
    #expect(uniform.min().item >= -1 && uniform.max().item < 3)
    let dice = Tensor.randomIntegers([60_000], in: 1..<7, using: &random).unique()
    #expect(dice.values.scalars(as: Int64.self) == [1, 2, 3, 4, 5, 6])
    #expect(dice.counts.floats.allSatisfy { abs($0 - 10_000) < 500 })
    expectClose(
      Tensor.bernoulli([100_000], 0.3, using: &random).mean(), [0.3], relative: 0, absolute: 0.01)
    #expect(
      Tensor.permutation(100, using: &random).sorted().values.scalars(as: Int64.self)
        == Array(0..<100))
  }
}
