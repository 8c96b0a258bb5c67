import TestSupport
import Testing

@testable import SakerTensor

/// Convolutions as products of matrices against oneDNN's own in float32. Where the processor has no
/// matrix units there are none.
@Suite(.serialized, .enabled(if: InstructionSet.hasMatrixUnits)) struct LoweredConvolutionTests {
  private static var strided: ConvolutionAttributes {
    ConvolutionAttributes((2, 2), (1, 1, 1, 1), (1, 1), 1)
  }

  private static func lowered(
    _ pass: ConvolutionPass, _ x: Shape, _ weight: Shape, _ attributes: ConvolutionAttributes,
    _ dtype: DType = .bfloat16
  ) -> LoweredConvolution? {
    LoweredConvolution(pass, x, weight, attributes, dtype)
  }

  /// Shape, outputs, kernel, stride, padding, dilation: maps of odd sides, padding on some sides
  /// only, more pictures than are taken at a time (of 256 channels and 31 x 31 each takes 4 MB).
  private static let cases: [(Shape, Int, (Int, Int), (Int, Int), [Int], (Int, Int))] = [
    ([2, 64, 4, 4], 64, (3, 3), (1, 1), [1, 1, 1, 1], (1, 1)),
    ([2, 64, 9, 7], 96, (3, 3), (2, 2), [1, 1, 1, 1], (1, 1)),
    ([3, 96, 8, 8], 64, (3, 3), (1, 1), [0, 1, 0, 1], (1, 1)),
    ([2, 64, 13, 11], 64, (5, 3), (2, 3), [2, 1, 0, 2], (1, 2)),
    ([2, 64, 13, 11], 64, (5, 3), (1, 1), [2, 1, 0, 2], (1, 2)),
    ([9, 256, 31, 31], 64, (3, 3), (1, 1), [1, 1, 1, 1], (1, 1)),
  ]

  @Test(arguments: cases.indices)
  func passesEqualDirectOnes(index: Int) {
    let (shape, out, kernel, stride, p, dilation) = Self.cases[index]
    let attributes = ConvolutionAttributes(stride, (p[0], p[1], p[2], p[3]), dilation, 1)
    expectEqual(
      LoweredConvolution(always: shape, [out, shape[1], kernel.0, kernel.1], attributes),
      "case \(index)")
  }

  private func map(_ shape: Shape, seed: UInt64) -> Tensor {
    random(shape, seed: seed).converted(to: .bfloat16).channelsLast()
  }

  private func expectEqual(_ work: LoweredConvolution, _ name: String) {
    let (x, dy) = (map(work.x, seed: 1), map(work.y, seed: 2))
    let weight = random(work.weight, seed: 3)
    let bias = random([work.weight[0]], seed: 4)
    // The same numbers in float32, which is never lowered.
    let (wideX, wideY) = (x.converted(to: .float32), dy.converted(to: .float32))
    let rounded = weight.converted(to: .bfloat16).converted(to: .float32)
    var direct = [
      Kernels.convolution(wideX, rounded, bias, work.attributes, training: true),
      Kernels.convolutionBackwardWeights(
        wideX, wideY, work.weight, work.attributes, hasBias: false
      ).0,
    ]
    var own = [work.forward(x, weight, bias), work.backwardWeights(x, dy)]
    if work.attributes.stride == [1, 1] {
      direct.append(
        Kernels.convolutionBackwardData(
          wideY, rounded, work.x, work.attributes, hasBias: false))
      own.append(work.backwardData(dy, weight))
    }
    for (index, (a, b)) in zip(own, direct).enumerated() {
      #expect(a.shape == b.shape && a.dtype == (index == 1 ? .float32 : .bfloat16))
      let (a, b) = (a.converted(to: .float32).floats, b.converted(to: .float32).floats)
      let largest = b.map { Swift.abs($0) }.max()!
      let worst = zip(a, b).map { Swift.abs($0 - $1) }.max()!
      // One rounding of a bfloat16 result; sums in another order.
      let bound: Float = index == 1 ? 5e-6 : 8e-3
      #expect(worst <= bound * largest, "\(name) pass \(index): \(worst) of \(largest)")
    }
  }

  @Test func onlyWhatPays() {
    let plain = ConvolutionAttributes((1, 1), (1, 1, 1, 1), (1, 1), 1)
    let weight: Shape = [64, 64, 3, 3]
    #expect(Self.lowered(.forward, [2, 64, 8, 8], weight, Self.strided) != nil)
    #expect(Self.lowered(.forward, [2, 64, 16, 16], weight, Self.strided) == nil)
    #expect(Self.lowered(.inference, [2, 64, 8, 8], weight, Self.strided) == nil)
    #expect(Self.lowered(.forward, [2, 64, 8, 8], weight, plain) == nil)
    #expect(Self.lowered(.forward, [2, 64, 4, 4], weight, plain) != nil)
    #expect(Self.lowered(.forward, [2, 64, 4, 4], weight, plain, .float32) == nil)
    #expect(Self.lowered(.data, [2, 64, 8, 8], weight, Self.strided) == nil)
    #expect(Self.lowered(.weights, [2, 64, 7, 7], weight, plain) != nil)
    #expect(Self.lowered(.forward, [2, 3, 8, 8], [64, 3, 3, 3], Self.strided) == nil)
    #expect(Self.lowered(.forward, [2, 64, 8, 8], [64, 64, 1, 1], Self.strided) == nil)
  }

  @Test func anyNumberOfThreadsGivesTheSameBits() {
    let threads = Parallel.threads
    defer { Parallel.threads = threads }
    let work = LoweredConvolution(always: [3, 64, 15, 15], [96, 64, 3, 3], Self.strided)
    let (x, dy) = (map(work.x, seed: 1), map(work.y, seed: 2))
    let weight = random(work.weight, seed: 3)
    let results = [1, 2, 3].map { count in
      Parallel.threads = count
      return [work.forward(x, weight, nil), work.backwardWeights(x, dy)].map {
        $0.converted(to: .float32).floats
      }
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }
}
