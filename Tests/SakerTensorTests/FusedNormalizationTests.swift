import TestSupport
import Testing

@testable import SakerTensor

/// The passes over maps: statistics, normalization, pooling and their gradients, against the
/// formulas written out with operations of one idea each.
@Suite struct FusedNormalizationTests {
  /// Channels that vectors of 16 divide and do not, with whole rows of several pixels and a rest;
  /// sides that windows do not cover; more than one block of pixels.
  static let shapes: [Shape] = [
    [2, 1, 5, 7], [1, 3, 9, 8], [2, 17, 6, 5], [1, 16, 2, 2], [2, 64, 20, 19], [1, 40, 33, 3],
    [3, 5, 37, 41],
  ]
  static let activations: [Activation] = [.identity, .relu, .relu6, .leaky(0.2), .swish]

  private static func vector(_ channels: Int, seed: UInt64, in range: ClosedRange<Float>) -> Tensor
  {
    random([channels], seed: seed, in: range)
  }

  private static func normalization(_ channels: Int, _ activation: Activation) -> Normalization {
    Normalization(
      mean: vector(channels, seed: 11, in: -1...1),
      variance: vector(channels, seed: 12, in: 0.5...2),
      scale: vector(channels, seed: 13, in: -2...2), shift: vector(channels, seed: 14, in: -1...1),
      epsilon: 1e-3, activation: activation)
  }

  private func row(_ normalization: Normalization, _ index: Int) -> Tensor {
    normalization.values.select(axis: 0, at: index).reshape([1, -1, 1, 1])
  }

  /// scale x + shift + residual
  private func linear(_ x: Tensor, _ by: Normalization, _ residual: Tensor?) -> Tensor {
    let v = x * row(by, 2) + row(by, 3)
    return residual.map { v + $0 } ?? v
  }

  // MARK: Statistics

  @Test(arguments: shapes)
  func statisticsAreMeanAndBiasedVariance(_ shape: Shape) {
    let x = random(shape, seed: 1, in: -2...3).channelsLast()
    let statistics = FusedKernels.statistics(x)
    expectClose(statistics.mean, x.mean(axes: [0, 2, 3]), relative: 1e-6)
    expectClose(
      statistics.variance, x.variance(axes: [0, 2, 3], correction: 0), relative: 2e-6)
    #expect(statistics.count == x.count / shape[1])
  }

  @Test(arguments: [1, 3, 16, 20])
  func statisticsHoldWhereTheMeanIsFarLargerThanTheDeviation(_ channels: Int) {
    var source = Random(seed: 2)
    let values = (0..<40_000 * channels).map { _ -> Float in 1e4 + source.uniform(-1.732...1.732) }
    let x = Tensor(values, [1, 200, 200, channels]).permute([0, 3, 1, 2])
    let statistics = FusedKernels.statistics(x)
    for c in 0..<channels {
      let own = stride(from: c, to: values.count, by: channels).map { Double(values[$0]) }
      let mean = own.reduce(0, +) / Double(own.count)
      let variance = own.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(own.count)
      #expect(abs(Double(statistics.mean.floats[c]) - mean) < 1e-3)  // half of float32's step there
      #expect(abs(Double(statistics.variance.floats[c]) / variance - 1) < 1e-5)
    }
  }

  @Test func aConstantMapHasNoVariance() {
    let statistics = FusedKernels.statistics(
      Tensor.full([2, 17, 30, 30], 123.456).channelsLast())
    #expect(statistics.variance.floats.allSatisfy { $0 == 0 })
    #expect(statistics.mean.floats.allSatisfy { $0 == 123.456 })
  }

  // MARK: Forward

  @Test(arguments: shapes, activations)
  func normalizedMapIsTheFormula(_ shape: Shape, _ activation: Activation) {
    let by = Self.normalization(shape[1], activation)
    let x = random(shape, seed: 3, in: -4...4).channelsLast()
    let residual = random(shape, seed: 4, in: -2...2).channelsLast()
    for residual in [nil, residual] {
      let expected = activation(linear(x, by, residual))
      expectClose(
        FusedKernels.normalized(x, by, residual: residual), expected, relative: 2e-6)
      guard shape[2] >= 2, shape[3] >= 2 else { continue }
      expectClose(
        FusedKernels.pooled(x, by, residual: residual), maxPool2d(expected, kernel: (2, 2)),
        relative: 2e-6)
    }
  }

  @Test func farFromZeroSwishIsXAndZero() {
    let x = Tensor([-200, -90, -30, 30, 90, 200] as [Float], [1, 6, 1, 1]).channelsLast()
    let by = Normalization(
      mean: .zeros([6]), variance: .ones([6]), scale: .ones([6]), shift: .zeros([6]), epsilon: 0,
      activation: .swish)
    expectClose(
      FusedKernels.normalized(x, by, residual: nil), [0, 0, 0, 30, 90, 200], relative: 1e-6,
      absolute: 1e-10)
  }

  @Test(arguments: activations)
  func notANumberPassesAndStaysInItsPlace(_ activation: Activation) {
    var values = random([1, 17, 4, 4], seed: 5).floats
    values[2 * 16 + 5] = .nan  // channel 2, row 1, column 1
    let x = Tensor(values, [1, 17, 4, 4]).channelsLast()
    let by = Self.normalization(17, activation)
    let y = FusedKernels.normalized(x, by, residual: nil)
    #expect(y.floats.indices.filter { y.floats[$0].isNaN } == [2 * 16 + 5])
    let pooled = FusedKernels.pooled(x, by, residual: nil)
    #expect(pooled.floats.indices.filter { pooled.floats[$0].isNaN } == [2 * 4])
    let statistics = FusedKernels.statistics(x)
    #expect(statistics.mean.floats.indices.filter { statistics.mean.floats[$0].isNaN } == [2])
  }

  // MARK: Backward

  /// What the operations of one idea each give: gradients of v and of x, for constant statistics.
  private func expected(
    _ gradient: Tensor, _ x: Tensor, _ by: Normalization, _ residual: Tensor?, pools: Bool
  ) -> Tensor {
    gradients(at: [linear(x, by, residual)]) { inputs in
      let y = by.activation(inputs[0])
      return ((pools ? maxPool2d(y, kernel: (2, 2)) : y) * gradient).sum()
    }.gradients[0]
  }

  @Test(arguments: shapes, activations)
  func sumsAndGradientAreTheFormulas(_ shape: Shape, _ activation: Activation) {
    let by = Self.normalization(shape[1], activation)
    let x = random(shape, seed: 6, in: -4...4).channelsLast()
    let residual = random(shape, seed: 7, in: -2...2).channelsLast()
    for pools in [false, true] where !pools || (shape[2] >= 2 && shape[3] >= 2) {
      let outputs: Shape = pools ? [shape[0], shape[1], shape[2] / 2, shape[3] / 2] : shape
      let gradient = random(outputs, seed: 8).channelsLast()
      for residual in [nil, residual] {
        let dv = expected(gradient, x, by, residual, pools: pools)
        let normalized = (x - row(by, 0)) * row(by, 1)
        let (sums, own) =
          pools
          ? FusedKernels.pooledSums(gradient, x, by, residual: residual)
          : FusedKernels.sums(gradient, x, by, residual: residual)
        expectClose(sums.shift.map { Float($0) }, dv.sum(axes: [0, 2, 3]).floats, absolute: 2e-5)
        expectClose(
          sums.scale.map { Float($0) }, (dv * normalized).sum(axes: [0, 2, 3]).floats,
          absolute: 5e-5)
        if let own { expectClose(own, dv, relative: 2e-6) }

        let coefficients = random([3, shape[1]], seed: 9)
        let (a, b, c) = (
          coefficients[0].reshape([1, -1, 1, 1]), coefficients[1].reshape([1, -1, 1, 1]),
          coefficients[2].reshape([1, -1, 1, 1])
        )
        guard residual == nil else { continue }
        let pending = GradientSource.Pending(
          raw: x, normalization: by, coefficients: coefficients)
        let dx =
          pools
          ? FusedKernels.pooledGradient(gradient, pending)
          : GradientSource(gradient: gradient, pending: pending).written
        expectClose(dx, a * dv + b * (x - row(by, 0)) + c, relative: 2e-6)
      }
    }
  }

  @Test func ofEqualValuesTheFirstGetsTheGradient() {
    let by = Normalization(
      mean: .zeros([1]), variance: .ones([1]), scale: .ones([1]), shift: .zeros([1]), epsilon: 0,
      activation: .relu)
    let x = Tensor([1, 2, 2, 0, 3, 3, 3, 3] as [Float], [2, 1, 2, 2]).channelsLast()
    let gradient = Tensor([1, 5] as [Float], [2, 1, 1, 1])
    let dv = FusedKernels.pooledSums(gradient, x, by, residual: .zeros([2, 1, 2, 2])).dv
    #expect(dv?.floats == [0, 1, 0, 0, 5, 0, 0, 0])
  }

  // MARK: Threads

  @Test(arguments: [3, 16, 17])
  func anyNumberOfThreadsGivesTheSameBits(_ channels: Int) {
    let x = random([3, channels, 60, 50], seed: 20, in: -3...3).channelsLast()
    let gradient = random([3, channels, 60, 50], seed: 21).channelsLast()
    let half = random([3, channels, 30, 25], seed: 22).channelsLast()
    let by = Self.normalization(channels, .swish)
    let threads = Parallel.threads
    defer { Parallel.threads = threads }
    let results = [1, 2, 3].map { count -> [[Float]] in
      Parallel.threads = count
      let statistics = FusedKernels.statistics(x)
      let (sums, dv) = FusedKernels.sums(gradient, x, by, residual: gradient)
      let (pooledSums, _) = FusedKernels.pooledSums(half, x, by, residual: nil)
      let pending = GradientSource.Pending(
        raw: x, normalization: by, coefficients: sums.coefficients(by, count: 9000))
      return [
        statistics.mean.floats, statistics.variance.floats, dv!.floats,
        sums.shift.map { Float($0) }, sums.scale.map { Float($0) },
        pooledSums.scale.map { Float($0) }, FusedKernels.pooledGradient(half, pending).floats,
        FusedKernels.pooled(x, by, residual: nil).floats,
        GradientSource(gradient: gradient, pending: pending).written.floats,
      ]
    }
    #expect(results[0] == results[1] && results[1] == results[2])
  }
}

extension Activation: CustomTestStringConvertible {
  public var testDescription: String {
    isSwish ? "swish" : "slope \(slope), cap \(cap)"
  }
}
