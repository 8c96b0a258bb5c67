import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

/// Starts by the variance they promise, by PyTorch's values where there is no accident,
/// and by their laws.
struct InitializerTests {
  struct Promise: Sendable, CustomTestStringConvertible {
    let name: String
    let start: Initializer
    let mean, variance: Double
    /// The largest magnitude there may be.
    var bound = Double.infinity

    var testDescription: String { name }
  }

  /// Of a weight `[500, 500, 2, 2]`, 10⁶ numbers: 2000 inputs and 2000 outputs to an element.
  static let promises: [Promise] = {
    let fan = 2000.0
    var all = [
      Promise(name: "uniform", start: .uniform(0.5), mean: 0, variance: 1.0 / 12, bound: 0.5),
      Promise(name: "normal", start: .normal(mean: 2, deviation: 3), mean: 2, variance: 9),
      Promise(
        name: "xavierUniform", start: .xavierUniform(), mean: 0, variance: 1 / fan,
        bound: (3 / fan).squareRoot()),
      Promise(
        name: "xavierUniform tanh", start: .xavierUniform(gain: Nonlinearity.tanh.gain), mean: 0,
        variance: 25 / 9 / fan),
      Promise(name: "xavierNormal", start: .xavierNormal(gain: 2), mean: 0, variance: 4 / fan),
      Promise(
        name: "pyTorchDefault", start: .pyTorchDefault, mean: 0, variance: 1 / (3 * fan),
        bound: 1 / fan.squareRoot()),
      Promise(
        name: "pyTorchDefaultBias", start: .pyTorchDefaultBias(inputs: 2000), mean: 0,
        variance: 1 / (3 * fan), bound: 1 / fan.squareRoot()),
      Promise(name: "lecunNormal", start: .lecunNormal, mean: 0, variance: 1 / fan),
      Promise(
        name: "lecunUniform", start: .lecunUniform, mean: 0, variance: 1 / fan,
        bound: (3 / fan).squareRoot()),
      // One number of a row of an orthogonal [500, 2000]: a row's squares add up to 1.
      Promise(name: "orthogonal", start: .orthogonal(), mean: 0, variance: 1 / 2000, bound: 1),
    ]
    for fan in [Initializer.Fan.input, .output] {
      all += [
        Promise(
          name: "kaimingUniform \(fan)", start: .kaimingUniform(slope: 0.2, fan: fan), mean: 0,
          variance: 2 / (1.04 * 2000)),
        Promise(
          name: "kaimingNormal \(fan)", start: .kaimingNormal(fan: fan), mean: 0,
          variance: 2.0 / 2000),
      ]
    }
    for (mean, deviation, low, high) in [
      (0.0, 1.0, -2.0, 2.0), (0, 0.02, -0.04, 0.04), (1, 2, -1, 2), (0, 1, 3, 9), (0, 1, -9, -3),
      (0, 1, 1, 1.2), (0, 1, -0.1, 0.3), (0, 1, 0.3, 7), (0, 1, 0.1, 2), (5, 0.5, 0, 3),
    ] {
      let exact = truncated(mean, deviation, low, high)
      all.append(
        Promise(
          name: "truncatedNormal \(mean) \(deviation) \(low)...\(high)",
          start: .truncatedNormal(
            mean: Float(mean), deviation: Float(deviation), in: Float(low)...Float(high)),
          mean: exact.mean, variance: exact.variance, bound: max(abs(low), abs(high))))
    }
    return all
  }()

  /// Mean and variance of a truncated normal distribution, by sums over its density: nothing in
  /// common with what draws it.
  private static func truncated(
    _ mean: Double, _ deviation: Double, _ low: Double, _ high: Double
  ) -> (mean: Double, variance: Double) {
    let count = 200_000
    var sums = (0.0, 0.0, 0.0)
    // Relative to the densest place: far out the density itself is 0.
    let mode = min(max(mean, low), high)
    for i in 0..<count {
      let x = low + (high - low) * (Double(i) + 0.5) / Double(count)
      let (z, top) = ((x - mean) / deviation, (mode - mean) / deviation)
      let density = exp((top * top - z * z) / 2)
      sums = (sums.0 + density, sums.1 + density * x, sums.2 + density * x * x)
    }
    let center = sums.1 / sums.0
    return (center, sums.2 / sums.0 - center * center)
  }

  @Test(arguments: promises)
  func startsHaveTheMeanAndVarianceTheyPromise(_ promise: Promise) {
    var source = Random(seed: 7)
    let values = promise.start([500, 500, 2, 2], using: &source).floats.map(Double.init)
    #expect(values.count == 1_000_000)
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    // Five standard errors of the mean; of the variance they are below 0.8 % for all of these.
    #expect(abs(mean - promise.mean) < 5 * (promise.variance / count).squareRoot() + 1e-7)
    #expect(abs(variance / promise.variance - 1) < 0.008, "\(variance) of \(promise.variance)")
    #expect(values.allSatisfy { abs($0) <= promise.bound * (1 + 1e-6) })
  }

  @Test func truncatedNormalsKeepTheirBounds() {
    var source = Random(seed: 1)
    for (low, high) in [(Float(-2), Float(2)), (3, 3.5), (-40, -38), (1, .infinity)] {
      let values = Initializer.truncatedNormal(in: low...high)([10_000], using: &source).floats
      #expect(values.allSatisfy { (low...high).contains($0) })
      #expect(Set(values).count > 1000)
    }
  }

  // MARK: Orthogonal

  @Test(arguments: [
    [8, 8], [5, 20], [20, 5], [6, 3, 3, 3], [40, 2, 3, 3], [1, 7], [7, 1], [1, 1],
  ])
  func orthogonalRowsOrColumnsAreOrthonormal(_ sizes: [Int]) {
    var source = Random(seed: 3)
    let weight = Initializer.orthogonal(gain: 2)(Shape(sizes), using: &source)
    let matrix = weight.reshape([sizes[0], weight.count / sizes[0]])
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    let product =
      rows <= columns
      ? matmul(matrix, matrix.transposed()) : matmul(matrix.transposed(), matrix)
    expectClose(product, Tensor.eye(min(rows, columns)) * 4, absolute: 1e-5)
  }

  /// With R's diagonal positive Q is uniform: every element is as often positive as negative,
  /// also on the diagonal, which Householder's reflections alone would bias; and determinants are
  /// 1 as often as −1.
  @Test func orthogonalMatricesPreferNoSign() {
    var source = Random(seed: 11)
    var positive = [Int](repeating: 0, count: 4)
    var turns = 0
    let draws = 4000
    for _ in 0..<draws {
      let q = Initializer.orthogonal()([2, 2], using: &source).floats
      for i in 0..<4 where q[i] > 0 { positive[i] += 1 }
      if q[0] * q[3] - q[1] * q[2] > 0 { turns += 1 }
    }
    for count in positive + [turns] { #expect(abs(count - draws / 2) < 160) }
  }

  @Test func oneSeedOneMatrix() {
    var (a, b) = (Random(seed: 5), Random(seed: 5))
    let start = Initializer.orthogonal()
    #expect(start([30, 40], using: &a).floats == start([30, 40], using: &b).floats)
  }

  // MARK: Without accident

  @Test(arguments: GoldenCase.all("initializers", "dirac", "eye"))
  func diracAndEyeArePyTorchs(_ golden: GoldenCase) {
    var source = Random(seed: 0)
    let start =
      golden.text("op") == "eye"
      ? Initializer.eye : .dirac(groups: Int(golden.number("groups")!))
    #expect(start(golden["y"].shape, using: &source).floats == golden["y"].floats)
  }

  @Test func aDiracConvolutionHandsItsInputOn() {
    let conv = Conv2d(4, 4, kernel: 3, padding: 1, groups: 2, bias: false)
    var source = Random(seed: 0)
    conv.weight.value = Initializer.dirac(groups: 2)(conv.weight.shape, using: &source)
    let x = random([2, 4, 5, 6], seed: 1)
    expectClose(conv(x), x)
  }

  /// The kernel is the field's, and a transposed convolution by it, written out, is what
  /// PyTorch makes of it.
  @Test(arguments: GoldenCase.all("initializers", "bilinear"))
  func bilinearKernelsEnlarge(_ golden: GoldenCase) {
    var source = Random(seed: 0)
    let size = golden["y"].shape[0]
    let kernel = Initializer.bilinear([1, 1, size, size], using: &source).reshape([size, size])
    expectClose(kernel, golden["y"], relative: 1e-6)
    let (stride, padding) = (Int(golden.number("stride")!), Int(golden.number("padding")!))
    let (height, width) = (golden["z"].shape[2], golden["z"].shape[3])
    var z = [Float](repeating: 0, count: height * width)
    let (x, k) = (golden["x"].floats, kernel.floats)
    for (row, column) in (0..<5).flatMap({ row in (0..<6).map { (row, $0) } }) {
      for (a, b) in (0..<size).flatMap({ a in (0..<size).map { (a, $0) } }) {
        let (i, j) = (row * stride + a - padding, column * stride + b - padding)
        guard (0..<height).contains(i), (0..<width).contains(j) else { continue }
        z[i * width + j] += x[row * 6 + column] * k[a * size + b]
      }
    }
    expectClose(z, golden["z"].floats)
  }

  @Test func bilinearChannelsStayApart() {
    var source = Random(seed: 0)
    let one = Initializer.bilinear([1, 1, 4, 3], using: &source)
    let dense = Initializer.bilinear([2, 2, 4, 3], using: &source)
    let grouped = Initializer.bilinear([2, 1, 4, 3], using: &source)
    let nothing = [Float](repeating: 0, count: 12)
    #expect(dense.floats == one.floats + nothing + nothing + one.floats)
    #expect(grouped.floats == one.floats + one.floats)
  }

  @Test func thePriorIsTheProbability() {
    var source = Random(seed: 0)
    for p in [Float(0.01), 0.5, 0.9] {
      let bias = Initializer.prior(p)([3], using: &source)
      expectClose(sigmoid(bias), [p, p, p], relative: 1e-5)
    }
    #expect(abs(Initializer.prior(0.01)([1], using: &source).item + 4.59512) < 1e-5)
  }

  @Test(arguments: GoldenCase.all("initializers", "gain"))
  func gainsArePyTorchs(_ golden: GoldenCase) throws {
    let kinds: [String: Nonlinearity] = [
      "linear": .linear, "sigmoid": .sigmoid, "tanh": .tanh, "relu": .relu, "selu": .selu,
      "leaky_relu": .leakyReLU(slope: 0.2),
    ]
    let kind = try #require(kinds[golden.text("name")!])
    #expect(abs(kind.gain - golden["y"].item) < 1e-6)
  }

  // MARK: Refused

  @Test func whatHasNoFanIsRefused() async {
    expectStopped(
      saying: "Initializer.orthogonal: expected a weight [out, in, ...], got [3]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var source = Random(seed: 0)
        _ = Initializer.orthogonal()([3], using: &source)
      })
    expectStopped(
      saying: "Initializer.prior: expected a probability between 0 and 1, got 1.0",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Initializer.prior(1)
      })
    expectStopped(
      saying:
        "Initializer.bilinear: expected [channels, channels or 1, height, width], got [2, 3, 4, 4]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var source = Random(seed: 0)
        _ = Initializer.bilinear([2, 3, 4, 4], using: &source)
      })
  }
}
