import TestSupport
import Testing

@testable import SakerTensor

/// A 3x3 convolution drawn by a seed: batch 1...4, sides 1...40, channels 1...100, padding 0...3 on each edge by itself,
/// at times in groups, tiles of 4 and 2, with and without bias and residual, all activations.
struct RandomCase: CustomStringConvertible {
  let seed: Int
  var geometry: Winograd.Geometry
  let x, weight, gradient: Tensor
  let bias, residual: Tensor?
  let activation: Activation
  private let name: String

  init(seed: Int, largest: Int = 40, channels: Int = 100) {
    var draw = Random(seed: UInt64(seed))
    func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &draw) }
    // Small shapes and large ones alike: half of the sides and channels are from a short range.
    func size(_ largest: Int) -> Int {
      number(1...(number(0...1) == 0 ? min(largest, 9) : largest))
    }
    let groups = [1, 1, 1, 2, 3, 5][number(0...5)]
    let (inputs, outputs) = (size(max(1, channels / groups)), size(max(1, channels / groups)))
    var attributes = ConvolutionAttributes()
    attributes.groups = groups
    var sides = [size(largest), size(largest)]
    attributes.before = [number(0...3), number(0...3)]
    attributes.after = [number(0...3), number(0...3)]
    for axis in 0...1 {
      sides[axis] = max(sides[axis], 3 - attributes.before[axis] - attributes.after[axis])
    }
    let kinds: [(String, Activation)] = [
      ("none", .identity), ("relu", .relu), ("relu6", .relu6), ("leaky", .leaky(0.1)),
      ("swish", .swish),
    ]
    let kind = kinds[number(0...4)]
    self.init(
      seed: seed, [number(1...4), inputs * groups, sides[0], sides[1]], out: outputs * groups,
      attributes, tile: number(0...2) == 0 ? 2 : 4, bias: number(0...1) == 1,
      residual: number(0...2) == 0, kind)
  }

  /// With padding 1, and nothing else.
  init(_ x: Shape, out: Int) {
    var attributes = ConvolutionAttributes()
    attributes.before = [1, 1]
    attributes.after = [1, 1]
    self.init(
      seed: 0, x, out: out, attributes, tile: 4, bias: false, residual: false,
      ("none", .identity))
  }

  private init(
    seed: Int, _ x: Shape, out: Int, _ attributes: ConvolutionAttributes, tile: Int, bias: Bool,
    residual: Bool, _ activation: (name: String, Activation)
  ) {
    self.seed = seed
    let weight: Shape = [out, x[1] / attributes.groups, 3, 3]
    geometry = Winograd.Geometry(x: x, weight: weight, attributes: attributes, tile: tile)
    let start = UInt64(seed) * 8 + 100_000
    self.x = random(x, seed: start).channelsLast()
    self.weight = random(weight, seed: start + 1)
    gradient = random(geometry.y, seed: start + 2).channelsLast()
    self.bias = bias ? random([out], seed: start + 3) : nil
    self.residual = residual ? random(geometry.y, seed: start + 4).channelsLast() : nil
    self.activation = activation.1
    name = activation.name
  }

  var description: String {
    let attributes = geometry.attributes
    return
      "seed \(seed): \(geometry.x) to \(geometry.weight[0]) channels, \(attributes.groups) groups, "
      + "padding \(attributes.before) \(attributes.after), tile \(geometry.tile), \(name)"
      + (bias == nil ? "" : ", bias") + (residual == nil ? "" : ", residual")
  }

  // MARK: Our passes

  func forward() -> Tensor {
    Winograd.convolve(
      KernelSource(x), weight, geometry, turned: false,
      KernelEpilogue(bias: bias, residual: residual, activation: activation), keeping: false)
  }

  func dataGradient() -> Tensor {
    Winograd.convolve(
      KernelSource(gradient), weight, geometry, turned: true, KernelEpilogue(),
      keeping: false)
  }

  func weightGradients() -> (Tensor, Tensor) {
    let (dw, db) = Winograd.gradient(
      KernelSource(x), KernelSource(gradient), geometry, hasBias: true)
    return (dw, db!)
  }

  // MARK: Against oneDNN's

  func expectEqualPasses() {
    let attributes = geometry.attributes
    var direct = Kernels.convolution(x, weight, bias, attributes, training: true)
    if let residual { direct = direct + residual }
    let (inputs, results) = (geometry.weight[1], geometry.y[0] * geometry.y[2] * geometry.y[3])
    let outputs = geometry.weight[0] / attributes.groups
    expect("forward", forward(), activation(direct), terms: inputs)

    expect(
      "data gradient", dataGradient(),
      Kernels.convolutionBackwardData(gradient, weight, geometry.x, attributes, hasBias: true),
      terms: outputs)

    let (dw, db) = weightGradients()
    let (directWeight, _) = Kernels.convolutionBackwardWeights(
      x, gradient, geometry.weight, attributes, hasBias: true)
    expect("weight gradient", dw, directWeight, terms: results / 9 + 1)

    // oneDNN's sums are not exact enough to be compared with.
    var sums = [Double](repeating: 0, count: geometry.y[1])
    let plane = geometry.y[2] * geometry.y[3]
    for (i, value) in gradient.floats.enumerated() { sums[i / plane % sums.count] += Double(value) }
    expect("bias gradient", db, Tensor(sums.map { Float($0) }, db.shape), terms: results / 9 + 1)
  }

  /// Error of at most 5e-6, root mean square, of the exact values. Where few of them are left and happen to be small, of a
  /// third of what 9 `terms` products of numbers in -1...1 make on average.
  private func expect(_ what: String, _ ours: Tensor, _ direct: Tensor, terms: Int) {
    guard ours.shape == direct.shape else {
      Issue.record("\(what): expected \(direct.shape), got \(ours.shape); \(self)")
      return
    }
    var (wrong, all) = (0.0, 0.0)
    for (a, b) in zip(ours.floats, direct.floats) {
      wrong += Double(a - b) * Double(a - b)
      all += Double(b) * Double(b)
    }
    let count = Double(direct.count)
    let usual = Double(terms).squareRoot() / 3
    let error = (wrong / count).squareRoot() / max((all / count).squareRoot(), usual)
    #expect(error <= 5e-6, "\(what): \(error); \(self)")
  }
}

/// The kernels as an operation, whatever the chooser would say.
struct OurConvolution: Operation {
  let geometry: Winograd.Geometry

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let x = inputs[0].channelsLast()
    saved.keep(x, inputs[1])
    return Winograd.convolve(
      KernelSource(x), inputs[1].contiguous(), geometry, turned: false,
      KernelEpilogue(bias: inputs[2].contiguous()), keeping: false)
  }

  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    let gradient = KernelSource(gradient.channelsLast())
    let dx = Winograd.convolve(
      gradient, saved[1].contiguous(), geometry, turned: true, KernelEpilogue(), keeping: false)
    let (dw, db) = Winograd.gradient(KernelSource(saved[0]), gradient, geometry, hasBias: true)
    return [dx, dw, db]
  }
}
