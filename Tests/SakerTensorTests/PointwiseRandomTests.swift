import Foundation
import TestSupport
import Testing

@testable import SakerTensor

/// Our 1x1 kernels against the passes that they take into themselves, on shapes that nobody chose.
/// `Scripts/test-isa.sh` runs them in every form that this processor has.
@Suite(.serialized) struct PointwiseRandomTests {
  /// Drawn by a seed: batch 1...4, sides 1...20, channels 1...140 with each prologue and epilogue.
  struct Case: CustomStringConvertible {
    let seed: Int
    let kernel: Pointwise
    let attributes = ConvolutionAttributes()
    let x: MapSource
    let gradient: GradientSource
    let weight: Tensor
    let bias, residual: Tensor?
    let activation: Activation

    init(seed: Int, _ x: Shape? = nil, out: Int? = nil) {
      self.seed = seed
      var draw = Random(seed: UInt64(seed))
      func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &draw) }
      func size(_ largest: Int) -> Int { number(1...(number(0...1) == 0 ? 9 : largest)) }
      let shape = x ?? [number(1...4), size(140), size(20), size(20)]
      let (inputs, outputs) = (shape[1], out ?? size(140))
      let y: Shape = [shape[0], outputs, shape[2], shape[3]]
      let start = UInt64(seed) * 32 + 700_000
      let kinds: [Activation] = [.identity, .relu, .relu6, .leaky(0.1), .swish]
      func normalization(_ channels: Int, _ kind: Activation, _ seed: UInt64) -> Normalization {
        Normalization(
          values: concatenate([
            random([1, channels], seed: seed),
            random([1, channels], seed: seed + 1, in: 0.5...1.5),
            random([1, channels], seed: seed + 2, in: 0.5...1.5),
            random([1, channels], seed: seed + 3),
          ]), activation: kind)
      }
      let map = random(shape, seed: start).channelsLast()
      self.x = MapSource(
        map, number(0...2) == 0 ? nil : normalization(inputs, kinds[number(0...4)], start + 1))
      gradient = GradientSource(
        gradient: random(y, seed: start + 5).channelsLast(),
        pending: number(0...2) == 0
          ? nil
          : GradientSource.Pending(
            raw: random(y, seed: start + 6).channelsLast(),
            normalization: normalization(outputs, kinds[number(0...4)], start + 7),
            coefficients: random([3, outputs], seed: start + 11)))
      weight = random([outputs, inputs, 1, 1], seed: start + 12)
      bias = number(0...1) == 0 ? nil : random([outputs], seed: start + 13)
      residual = number(0...1) == 0 ? nil : random(y, seed: start + 14).channelsLast()
      activation = kinds[number(0...4)]
      kernel = Pointwise(shape, weight.shape, attributes)!
    }

    var description: String {
      "seed \(seed): \(kernel.x) to \(kernel.y[1]), "
        + (x.normalization == nil ? "" : "normalized, ")
        + (gradient.pending == nil ? "" : "pending, ") + (bias == nil ? "" : "bias, ")
        + (residual == nil ? "" : "residual, ") + "\(activation)"
    }

    /// The result, its sums of Σ(v - pivot) and so on merged, the input's gradient with its sums,
    /// and the weight's and bias's.
    func passes() -> [Tensor] {
      let statistics = StatisticsPartials(
        counts: kernel.blocks(turned: false), channels: kernel.y[1])
      let y = kernel.convolve(
        KernelSource(x), weight, turned: false,
        KernelEpilogue(
          bias: bias, residual: residual, activation: activation, statistics: statistics.values),
        keeping: false)
      let own = statistics.merged(count: y.count / y.shape[1])
      var epilogue = KernelEpilogue()
      var sums: GradientPartials?
      if let normalization = x.normalization {
        sums = GradientPartials(
          blocks: kernel.blocks(turned: true).count, channels: kernel.x[1])
        epilogue.sums = (sums!.values, x.map, normalization)
      }
      let dx = kernel.convolve(
        KernelSource(gradient), weight, turned: true, epilogue, keeping: false)
      let (dw, db) = kernel.gradient(KernelSource(x), KernelSource(gradient), hasBias: true)
      let merged = sums.map { $0.merged() }
      let vectors = merged.map { [$0.shift, $0.scale].map { Tensor($0.map { Float($0) }) } } ?? []
      return [y, own.mean, own.variance, dx, dw, db!] + vectors
    }

    /// How far two correct computations of a result may be apart (docs/testing.md, "Tolerances"):
    /// each rounds its sum, of numbers as large as the result's largest, or as such a sum is
    /// expected to be, where there are few results; what prologue and epilogue compute of a number
    /// rounds as 9 more terms do.
    func bound(of name: String, largest: Double, _ separate: [Tensor]) -> Double {
      func size(_ tensor: Tensor) -> Double {
        (tensor.floats.reduce(0) { $0 + Double($1) * Double($1) } / Double(tensor.count))
          .squareRoot()
      }
      func most(_ tensor: Tensor?) -> Double {
        Double(tensor?.floats.lazy.map { Swift.abs($0) }.max() ?? 0)
      }
      let (inputs, outputs) = (kernel.x[1], kernel.y[1])
      let pixels = kernel.y.elements / outputs
      func sum(_ terms: Int, _ a: Double, _ b: Double = 1, adding more: Double = 0) -> Double {
        let expected = Double(terms).squareRoot() * a * b + more
        return 2 * Rounding.bound(terms: terms + 9) * Swift.max(largest, expected)
      }
      // The activation's argument may be larger than its result.
      let result = sum(
        inputs, size(x.written), size(weight),
        adding: most(bias) + most(residual) + most(separate[0]))
      switch name {
      case "result": return result
      // A mean of as many results rounds less than they do, and once more.
      case "mean": return result + 2 * Rounding.bound(terms: 1) * most(separate[0])
      // A block's pivot is its first value, which may lie as far off as the largest: squares of
      // distances cancel.
      case "variance":
        let distance = 2 * most(separate[0])
        return 2 * distance * result + 4 * Rounding.bound(terms: 9) * distance * distance
      case "data gradient": return sum(outputs, size(gradient.written), size(weight))
      case "weight gradient": return sum(pixels, size(x.written), size(gradient.written))
      case "bias gradient": return sum(pixels, size(gradient.written))
      // Sums of all data gradients, each with its own error, times numbers as large as 4.
      default: return sum(outputs + pixels, 4 * size(separate[3]))
      }
    }

    /// The same by oneDNN's kernels and passes of their own.
    func separate() -> [Tensor] {
      let (map, dy) = (x.written, gradient.written)
      var y = Kernels.convolution(map, weight, bias, attributes, training: true)
      if let residual { y = y + residual }
      y = activation(y)
      let own = FusedKernels.statistics(y)
      let dx = Kernels.convolutionBackwardData(
        dy, weight, kernel.x, attributes, hasBias: false)
      let (dw, _) = Kernels.convolutionBackwardWeights(
        map, dy, weight.shape, attributes, hasBias: false)
      let db = dy.sum(axes: [0, 2, 3])
      let sums = x.normalization.map {
        FusedKernels.sums(dx, x.map, $0, residual: nil).sums
      }
      let vectors = sums.map { [$0.shift, $0.scale].map { Tensor($0.map { Float($0) }) } } ?? []
      return [y, own.mean, own.variance, dx, dw, db] + vectors
    }
  }

  private static let names = [
    "result", "mean", "variance", "data gradient", "weight gradient", "bias gradient", "Σ g",
    "Σ g x̂",
  ]

  @Test(arguments: 0..<10)
  func passesEqualSeparateOnes(part: Int) {
    for seed in stride(from: part * 12, to: part * 12 + 12, by: Thoroughness.step) {
      expectEqual(Case(seed: seed))
    }
  }

  /// Shapes that walk by blocks, by stages, with more rows than one record of sums, and with more
  /// channels than are summed up at once.
  @Test(
    arguments: [
      ([2, 64, 40, 40], 96), ([1, 700, 7, 7], 900), ([4, 1030, 3, 3], 33), ([1, 3, 50, 50], 1),
      ([1, 1, 1, 1], 1), ([3, 48, 29, 31], 600),
      ([2, 130, 25, 25], 35), ([1, 40, 30, 41], 330),
    ] as [(Shape, Int)])
  func largeShapesToo(x: Shape, out: Int) {
    for seed in 500..<504 { expectEqual(Case(seed: seed, x, out: out)) }
  }

  private func expectEqual(_ work: Case) {
    let (own, separate) = (work.passes(), work.separate())
    #expect(own.count == separate.count)
    for (index, name) in zip(own.indices, Self.names) {
      guard own[index].shape == separate[index].shape else {
        Issue.record("\(name): \(own[index].shape), not \(separate[index].shape); \(work)")
        continue
      }
      let (a, b) = (own[index].floats, separate[index].floats)
      let worst = zip(a, b).map { Double(Swift.abs($0 - $1)) }.max() ?? 0
      let largest = Double(b.map { Swift.abs($0) }.max() ?? 0)
      let bound = work.bound(of: name, largest: largest, separate)
      #expect(worst <= bound, "\(name): \(worst) of \(bound); \(work)")
    }
  }

  @Test func anyNumberOfThreadsGivesTheSameBits() {
    let threads = Parallel.threads
    defer { Parallel.threads = threads }
    let shapes =
      (0..<12).map { Case(seed: 2000 + $0) } + [
        Case(seed: 1, [2, 64, 40, 40], out: 96), Case(seed: 2, [1, 700, 7, 7], out: 900),
        Case(seed: 3, [1, 600, 26, 26], out: 700),
      ]
    for shape in shapes {
      let results = [1, 2, 3].map { count -> [[Float]] in
        Parallel.threads = count
        return shape.passes().map(\.floats)
      }
      #expect(results[0] == results[1] && results[0] == results[2], "\(shape)")
    }
  }

  @Test func notANumberReachesItsPixelAndNoOther() {
    let work = Case(seed: 77, [2, 19, 5, 5], out: 35)
    var values = work.x.map.floats
    values[3 * 25 + 7] = .nan  // Picture 0, channel 3, pixel 7.
    let bad = Tensor(values, work.kernel.x).channelsLast()
    let y = work.kernel.convolve(
      KernelSource(bad), work.weight, turned: false, KernelEpilogue(), keeping: false)
    for (i, value) in y.floats.enumerated() {
      #expect(value.isNaN == (i / (35 * 25) == 0 && i % 25 == 7))
    }
  }

  @Test func packedWeightsAreKeptWhileTheyStay() {
    let work = Case(seed: 5, [1, 20, 4, 4], out: 30)
    func result(keeping: Bool) -> [Float] {
      work.kernel.convolve(
        KernelSource(work.x), work.weight, turned: false, KernelEpilogue(),
        keeping: keeping
      ).floats
    }
    let first = result(keeping: true)
    #expect(work.weight.storage.derived([-2, 0, 0]) != nil)
    #expect(result(keeping: true) == first && result(keeping: false) == first)
  }

  /// Few pixels and many may run on different units, with weights packed for each.
  @Test func keptWeightsAreThoseOfTheKernel() {
    let weight = random([64, 96, 1, 1], seed: 1)
    func result(_ side: Int, keeping: Bool) -> [Float] {
      let x = random([1, 96, side, side], seed: UInt64(side)).channelsLast()
      return Pointwise(x.shape, weight.shape, ConvolutionAttributes())!.convolve(
        KernelSource(x), weight, turned: false, KernelEpilogue(), keeping: keeping
      ).floats
    }
    for side in [8, 40, 8, 40] {
      #expect(result(side, keeping: true) == result(side, keeping: false), "\(side)")
    }
  }

  @Test func manyInputChannelsHaveTheirWeightsGradientAlone() {
    let (x, weight) = (random([2, 1024, 3, 3], seed: 1), random([5, 1024, 1, 1], seed: 2))
    let isForced = Convolutions.setting == .direct
    #expect(
      (Pointwise.gradient(x.shape, weight.shape, ConvolutionAttributes(), .float32) == nil)
        == isForced)
    #expect(Pointwise.gradient(x.shape, weight.shape, ConvolutionAttributes(), .bfloat16) == nil)
    let own = gradients(at: [weight]) { conv2d(x, $0[0], bias: .zeros([5])).sum() }.gradients[0]
    let sums = x.sum(axes: [0, 2, 3]).floats
    for (i, value) in own.floats.enumerated() {
      #expect(Swift.abs(value - sums[i % 1024]) < 1e-5, "\(i)")
    }
  }

  @Test func onlyPlainOnesOfStrideOneAreOurs() {
    var attributes = ConvolutionAttributes()
    #expect(Pointwise([1, 4, 8, 8], [8, 4, 1, 1], attributes) != nil)
    #expect(Pointwise([1, 4, 8, 8], [8, 4, 3, 3], attributes) == nil)
    attributes.stride = [2, 2]
    #expect(Pointwise([1, 4, 8, 8], [8, 4, 1, 1], attributes) == nil)
    attributes.stride = [1, 1]
    attributes.groups = 2
    #expect(Pointwise([1, 4, 8, 8], [8, 2, 1, 1], attributes) == nil)
    attributes.groups = 1
    attributes.before = [1, 1]
    #expect(Pointwise([1, 4, 8, 8], [8, 4, 1, 1], attributes) == nil)
  }
}
