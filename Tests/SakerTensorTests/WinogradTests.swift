import TestSupport
import Testing

@testable import SakerTensor

/// Our kernels against oneDNN's direct ones, which nobody here wrote.
@Suite struct WinogradTests {
  private static let attributes = {
    var attributes = ConvolutionAttributes()
    attributes.before = [1, 1]
    attributes.after = [1, 1]
    return attributes
  }()

  /// Root of the mean squared difference over that of the exact values.
  private func error(_ a: Tensor, _ exact: Tensor) -> Double {
    Double(sqrt(square(a - exact).mean() / square(exact).mean()).item)
  }

  /// What rounding explains of a difference: ours add up `own` terms, oneDNN's `direct`.
  private func bound(own: Int, direct: Int) -> Double {
    Rounding.bound(terms: own, .winograd(tile: 4)) + Rounding.bound(terms: direct)
  }

  /// Sides that tiles of 4 do not divide, one tile and many, channels with and without a rest
  /// beyond 32, blocks that are full and not.
  private static let shapes: [(n: Int, h: Int, w: Int, c: Int, k: Int)] = [
    (1, 4, 4, 16, 16), (2, 5, 7, 16, 32), (1, 6, 13, 48, 16), (3, 8, 8, 32, 48),
    (1, 33, 30, 64, 64), (2, 17, 4, 80, 112), (5, 14, 14, 128, 32),
  ]

  @Test(arguments: shapes)
  func passesEqualDirectOnes(n: Int, h: Int, w: Int, c: Int, k: Int) throws {
    let attributes = WinogradTests.attributes
    let x = random([n, c, h, w], seed: 1).channelsLast()
    let weight = random([k, c, 3, 3], seed: 2)
    let bias = random([k], seed: 3)
    let geometry = Winograd.Geometry(x: x.shape, weight: weight.shape, attributes: attributes)
    let direct = Kernels.convolution(x, weight, bias, attributes, training: true)
    let y = Winograd.convolve(
      KernelSource(x), weight, geometry, turned: false, KernelEpilogue(bias: bias),
      keeping: false)
    #expect(error(y, direct) < bound(own: c, direct: 9 * c))

    let gradient = random([n, k, h, w], seed: 4).channelsLast()
    let dx = Winograd.convolve(
      KernelSource(gradient), weight, geometry, turned: true, KernelEpilogue(),
      keeping: false)
    let directData = Kernels.convolutionBackwardData(
      gradient, weight, x.shape, attributes, hasBias: true)
    #expect(error(dx, directData) < bound(own: k, direct: 9 * k))

    let (dw, db) = Winograd.gradient(
      KernelSource(x), KernelSource(gradient), geometry, hasBias: true)
    let (directWeight, directBias) = Kernels.convolutionBackwardWeights(
      x, gradient, weight.shape, attributes, hasBias: true)
    let (results, tiles) = (n * h * w, n * ((h + 3) / 4) * ((w + 3) / 4))
    #expect(error(dw, directWeight) < bound(own: tiles, direct: results))
    #expect(error(db!, directBias!) < 2 * Rounding.bound(terms: results))
  }

  @Test func reluCutsAndLetsNaNPass() throws {
    var values = random([1, 16, 8, 8], seed: 5).floats
    values[0] = .nan
    let x = Tensor(values, [1, 16, 8, 8]).channelsLast()
    let weight = random([16, 16, 3, 3], seed: 6)
    let geometry = Winograd.Geometry(
      x: x.shape, weight: weight.shape, attributes: WinogradTests.attributes)
    let y = Winograd.convolve(
      KernelSource(x), weight, geometry, turned: false, KernelEpilogue(activation: .relu),
      keeping: false
    ).floats
    #expect(y.contains { $0.isNaN })
    #expect(y.allSatisfy { $0.isNaN || $0 >= 0 })
    #expect(y.contains { $0 > 0 })
  }

  @Test func packedWeightsFollowTheParameter() {
    let parameter = Parameter(random([16, 16, 3, 3], seed: 7))
    let x = random([1, 16, 8, 8], seed: 8).channelsLast()
    func result() -> Tensor {
      withoutGradients { conv2d(x, parameter.value, padding: (1, 1, 1, 1)) }
    }
    let before = result()
    #expect(before.floats == result().floats)
    parameter.update { values in for i in values.indices { values[i] *= 2 } }
    expectClose(result(), before * 2)
  }

  @Test func anyNumberOfThreadsGivesTheSameForward() {
    let x = random([2, 16, 20, 20], seed: 9).channelsLast()
    let weight = random([32, 16, 3, 3], seed: 10)
    let threads = Parallel.threads
    defer { Parallel.threads = threads }
    let results = [1, 2, 3].map { count -> [Float] in
      Parallel.threads = count
      return conv2d(x, weight, padding: (1, 1, 1, 1)).floats
    }
    #expect(results[0] == results[1] && results[1] == results[2])
  }
}
