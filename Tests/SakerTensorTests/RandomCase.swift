import TestSupport
import Testing

@testable import SakerTensor

/// A 3x3 convolution drawn by a seed: batch 1...4, sides 1...40, channels 1...100, padding 0...3
/// on each edge by itself, at times in groups, tiles of 4 and 2, with and without bias and
/// residual, all activations.
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

  /// Products that a result, its input's gradient and the weight's gradient are sums of; ours are
  /// sums over channels or over tiles.
  private var terms: (forward: Int, data: Int, weights: Int) {
    let y = geometry.y
    return (geometry.weight[1], geometry.weight[0] / geometry.attributes.groups, y[0] * y[2] * y[3])
  }

  /// What rounding explains of a difference between our kernels, which add up `own` terms, and
  /// oneDNN's, which add up `direct`.
  private func bound(own: Int, direct: Int) -> Double {
    Rounding.bound(terms: own, .winograd(tile: geometry.tile)) + Rounding.bound(terms: direct)
  }

  /// The tiles that hold so many results.
  private func tiles(_ results: Int) -> Int {
    let (rows, columns) = (geometry.y[2], geometry.y[3])
    let (down, across) = (
      (rows + geometry.tile - 1) / geometry.tile, (columns + geometry.tile - 1) / geometry.tile
    )
    return results / (rows * columns) * down * across
  }

  func expectEqualPasses() {
    let attributes = geometry.attributes
    var direct = Kernels.convolution(x, weight, bias, attributes, training: true)
    if let residual { direct = direct + residual }
    expect(
      "forward", forward(), activation(direct), usual: usual(9 * terms.forward),
      bound(own: terms.forward, direct: 9 * terms.forward))

    expect(
      "data gradient", dataGradient(),
      Kernels.convolutionBackwardData(gradient, weight, geometry.x, attributes, hasBias: true),
      usual: usual(9 * terms.data), bound(own: terms.data, direct: 9 * terms.data))

    let (dw, db) = weightGradients()
    let (directWeight, _) = Kernels.convolutionBackwardWeights(
      x, gradient, geometry.weight, attributes, hasBias: true)
    expect(
      "weight gradient", dw, directWeight, usual: usual(terms.weights),
      bound(own: tiles(terms.weights), direct: terms.weights))
    expectExactBias(db)
  }

  /// A third of what the sum of so many products of numbers in -1...1 usually comes to.
  private func usual(_ products: Int) -> Double { Double(products).squareRoot() / 9 }

  /// oneDNN's sums are not exact enough to be compared with.
  private func expectExactBias(_ db: Tensor) {
    var sums = [Double](repeating: 0, count: geometry.y[1])
    let plane = geometry.y[2] * geometry.y[3]
    for (i, value) in gradient.floats.enumerated() { sums[i / plane % sums.count] += Double(value) }
    expect(
      "bias gradient", db, Tensor(sums.map { Float($0) }, db.shape),
      usual: (Double(terms.weights) / 3).squareRoot(),
      Rounding.bound(terms: terms.weights, .parts(length: 256)))
  }

  /// An error, root mean square, of at most `bound` of the exact values, or of the `usual` ones:
  /// few may happen to be small, and rounding knows nothing of that.
  private func expect(
    _ what: String, _ ours: Tensor, _ direct: Tensor, usual: Double, _ bound: Double
  ) {
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
    let error = (wrong / count).squareRoot() / max((all / count).squareRoot(), usual)
    #expect(error <= bound, "\(what): \(error), not \(bound); \(self)")
  }

  // MARK: Against exact sums

  /// The passes at some places against sums in double precision: of long sums, oneDNN's own
  /// rounding is larger than ours.
  func expectExactPasses() {
    let (y, before, after) = (geometry.y, geometry.attributes.before, geometry.attributes.after)
    func work(_ pass: ConvolutionPass) -> ConvolutionCase {
      ConvolutionCase(
        pass, pictures: y[0], inputs: geometry.weight[1],
        outputs: y[1] / geometry.attributes.groups, groups: geometry.attributes.groups,
        height: y[2], width: y[3],
        padding: ConvolutionPadding(
          top: before[0], bottom: after[0], left: before[1], right: after[1]))
    }
    func expect(_ pass: ConvolutionPass, _ ours: Tensor, terms: Int) {
      let reference = ConvolutionReference(work(pass), x: x, gradient: gradient, weight: weight)
      let error = reference.error(of: ours)
      let bound = Rounding.bound(terms: terms, .winograd(tile: geometry.tile))
      #expect(error <= bound, "\(pass): \(error), not \(bound); \(self)")
    }
    expect(.forward, forward(), terms: terms.forward)
    expect(.data, dataGradient(), terms: terms.data)
    let (dw, db) = weightGradients()
    expect(.weights, dw, terms: tiles(terms.weights))
    expectExactBias(db)
  }
}

/// The kernels as an operation, whatever the chooser would say.
struct OurConvolution: TensorOperation {
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
