import TestSupport
import Testing

@testable import SakerTensor

/// Our kernels against oneDNN's direct ones on shapes that nobody chose. `Scripts/test-isa.sh` runs
/// them in every form that this processor has.
@Suite(.serialized) struct WinogradRandomTests {
  /// 500 shapes.
  @Test(arguments: 0..<10)
  func passesEqualDirectOnes(part: Int) {
    for seed in stride(from: part * 50, to: part * 50 + 50, by: Thoroughness.step) {
      RandomCase(seed: seed).expectEqualPasses()
    }
  }

  @Test(arguments: 0..<12)
  func notANumberAndInfinityReachTheirTileAndNoFurther(seed: Int) {
    let shape = RandomCase(seed: 1000 + seed)
    for value in [Float.nan, .infinity, -.infinity] { expectSpread(of: value, shape) }
  }

  @Test func anyNumberOfThreadsGivesTheSameBits() {
    let threads = Parallel.threads
    defer { Parallel.threads = threads }
    // Random ones; and enough tiles for walks by blocks, enough channels for walks by stages.
    let shapes =
      (0..<16).map { RandomCase(seed: 2000 + $0) } + [
        RandomCase([4, 24, 40, 40], out: 16), RandomCase([1, 160, 14, 14], out: 288),
        RandomCase([2, 288, 7, 7], out: 160),
      ]
    for shape in shapes {
      let results = [1, 2, 3].map { count -> [[Float]] in
        Parallel.threads = count
        let (dw, db) = shape.weightGradients()
        return [shape.forward(), shape.dataGradient(), dw, db].map(\.floats)
      }
      #expect(results[0] == results[1] && results[0] == results[2], "\(shape)")
    }
  }

  /// Sums so long that adding them up one by one in float32 would miss the bound, which is that of
  /// sums in parts: over 2048 channels, over 16 pictures of 128x128.
  @Test func longSumsStayBelowTheBound() {
    RandomCase([1, 2048, 7, 7], out: 16).expectExactPasses()
    RandomCase([16, 16, 128, 128], out: 16).expectExactPasses()
  }

  @Test(arguments: [4, 2])
  func gradientsAreThoseOfSmallSteps(tile: Int) {
    for seed in 0..<3 {
      var shape = RandomCase(seed: 3000 + seed, largest: 7, channels: 4)
      shape.geometry.tile = tile
      let x = random(shape.geometry.x, seed: 1).channelsLast()
      let weight = random(shape.geometry.weight, seed: 2)
      let bias = random([shape.geometry.weight[0]], seed: 3)
      expectGradient(at: [x, weight, bias], "\(shape)") {
        apply(OurConvolution(geometry: shape.geometry), to: $0)
      }
    }
  }

  /// One bad number in the input: it must reach every result that the definition takes it to, and
  /// may reach its tiles'.
  private func expectSpread(of value: Float, _ shape: RandomCase) {
    let geometry = shape.geometry
    let (n, c, h, w) = (geometry.x[0], geometry.x[1], geometry.x[2], geometry.x[3])
    let (k, rows, columns) = (geometry.y[1], geometry.y[2], geometry.y[3])
    var draw = Random(seed: UInt64(shape.seed))
    let place = [n, c, h, w].map { Int.random(in: 0..<$0, using: &draw) }
    let at = ((place[0] * c + place[1]) * h + place[2]) * w + place[3]
    var numbers = shape.x.floats
    numbers[at] = value
    let bad = Tensor(numbers, geometry.x).channelsLast()
    let group = place[1] / (c / geometry.attributes.groups)

    let y = Winograd.convolve(
      KernelSource(bad), shape.weight, geometry, turned: false, KernelEpilogue(),
      keeping: false
    ).floats
    let (row, column) = (
      place[2] + geometry.attributes.before[0], place[3] + geometry.attributes.before[1]
    )
    let size = geometry.tile
    var (lost, strayed) = (0, 0)
    for (i, number) in y.enumerated() {
      let (picture, channel) = (i / columns / rows / k, i / columns / rows % k)
      let (p, q) = (i / columns % rows, i % columns)
      let concerned = picture == place[0] && channel / (k / geometry.attributes.groups) == group
      let direct = concerned && (p...(p + 2)).contains(row) && (q...(q + 2)).contains(column)
      // The tile's results look at its own rows and two more.
      let (top, left) = (p / size * size, q / size * size)
      let (bottom, right) = (min(top + size, rows) + 2, min(left + size, columns) + 2)
      let tile = concerned && (top..<bottom).contains(row) && (left..<right).contains(column)
      if direct && number.isFinite { lost += 1 }
      if !tile && !number.isFinite { strayed += 1 }
    }
    #expect(lost == 0 && strayed == 0, "\(value), \(shape)")

    let (dw, _) = Winograd.gradient(
      KernelSource(bad), KernelSource(shape.gradient), geometry, hasBias: true)
    let channels = c / geometry.attributes.groups
    (lost, strayed) = (0, 0)
    for (i, number) in dw.floats.enumerated() {
      let (filter, channel, tap) = (i / 9 / channels, i / 9 % channels, i % 9)
      let concerned =
        channel == place[1] % channels && filter / (k / geometry.attributes.groups) == group
      let (p, q) = (row - tap / 3, column - tap % 3)
      let meets = (0..<rows).contains(p) && (0..<columns).contains(q)
      if concerned && meets && number.isFinite { lost += 1 }
      if !concerned && !number.isFinite { strayed += 1 }
    }
    #expect(lost == 0 && strayed == 0, "weight gradient, \(value), \(shape)")
  }
}
