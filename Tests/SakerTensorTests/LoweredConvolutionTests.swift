import TestSupport
import Testing

@testable import SakerTensor

/// Convolutions as products of matrices against oneDNN's own. Where the processor has no matrix units there are none.
@Suite(.serialized, .enabled(if: LoweredConvolutionTests.isThere)) struct LoweredConvolutionTests {
  static let isThere = lowered(.weights, [1, 64, 8, 8], [64, 64, 3, 3], strided) != nil

  private static var strided: ConvolutionAttributes {
    ConvolutionAttributes((2, 2), (1, 1, 1, 1), (1, 1), 1)
  }

  private static func lowered(
    _ pass: ConvolutionPass, _ x: Shape, _ weight: Shape, _ attributes: ConvolutionAttributes,
    _ dtype: DType = .float32
  ) -> LoweredConvolution? {
    LoweredConvolution(pass, x, weight, attributes, dtype)
  }

  /// Shape, outputs, kernel, stride, padding, dilation: maps of odd sides, padding on some sides only, more pictures than are taken at a
  /// time (of 256 channels and 31 x 31 each takes 9 MB).
  private static let cases: [(Shape, Int, (Int, Int), (Int, Int), [Int], (Int, Int))] = [
    ([2, 64, 9, 7], 96, (3, 3), (2, 2), [1, 1, 1, 1], (1, 1)),
    ([3, 96, 8, 8], 64, (3, 3), (2, 2), [0, 1, 0, 1], (1, 1)),
    ([2, 64, 13, 11], 64, (5, 3), (2, 3), [2, 1, 0, 2], (1, 2)),
    ([9, 256, 62, 31], 64, (3, 3), (2, 1), [1, 1, 1, 1], (1, 1)),
    ([2, 64, 4, 4], 64, (2, 2), (2, 2), [0, 0, 0, 0], (1, 1)),
  ]

  @Test(arguments: cases.indices, [DType.float32, .bfloat16])
  func passesEqualDirectOnes(index: Int, dtype: DType) {
    let (shape, out, kernel, stride, p, dilation) = Self.cases[index]
    // The data's gradient in bfloat16 is for stride 1 alone.
    for stride in dtype == .bfloat16 ? [(1, 1)] : [stride] {
      let attributes = ConvolutionAttributes(stride, (p[0], p[1], p[2], p[3]), dilation, 1)
      let lowered = LoweredConvolution(
        always: shape, [out, shape[1], kernel.0, kernel.1], attributes, dtype)
      expectEqual(lowered, "\(shape) \(dtype)")
    }
  }

  private func expectEqual(_ work: LoweredConvolution, _ name: String) {
    let x = random(work.x, seed: 1).channelsLast().converted(to: work.dtype)
    let dy = random(work.y, seed: 2).channelsLast().converted(to: work.dtype)
    let weight = random(work.weight, seed: 3)
    let bias = random([work.weight[0]], seed: 4)
    let setting = Convolutions.setting
    Convolutions.setting = .direct
    defer { Convolutions.setting = setting }
    let direct = [
      Kernels.convolution(x, weight, bias, work.attributes, training: true),
      Kernels.convolutionBackwardData(dy, weight, work.x, work.attributes, hasBias: false),
      Kernels.convolutionBackwardWeights(x, dy, work.weight, work.attributes, hasBias: false).0,
    ]
    Convolutions.setting = setting
    let own = [
      work.forward(x, weight, bias), work.backwardData(dy, weight), work.backwardWeights(x, dy),
    ]
    for (index, (a, b)) in zip(own, direct).enumerated() {
      #expect(a.shape == b.shape && a.dtype == b.dtype)
      let (a, b) = (a.converted(to: .float32).floats, b.converted(to: .float32).floats)
      let largest = b.map { Swift.abs($0) }.max()!
      let worst = zip(a, b).map { Swift.abs($0 - $1) }.max()!
      // One rounding of a bfloat16 result; sums in another order.
      let bound: Float = work.dtype == .bfloat16 && index < 2 ? 8e-3 : 2e-6
      #expect(worst <= bound * largest, "\(name) pass \(index): \(worst) of \(largest)")
    }
  }

  @Test func onlyWhatPays() {
    let plain = ConvolutionAttributes((1, 1), (1, 1, 1, 1), (1, 1), 1)
    let weight: Shape = [64, 64, 3, 3]
    #expect(Self.lowered(.forward, [2, 64, 8, 8], weight, Self.strided) != nil)
    #expect(Self.lowered(.inference, [2, 64, 8, 8], weight, Self.strided) == nil)
    #expect(Self.lowered(.forward, [2, 64, 8, 8], weight, plain) == nil)
    #expect(Self.lowered(.forward, [2, 64, 4, 4], weight, plain, .bfloat16) != nil)
    #expect(Self.lowered(.forward, [2, 64, 8, 8], weight, plain, .bfloat16) == nil)
    #expect(Self.lowered(.data, [2, 64, 8, 8], weight, Self.strided, .bfloat16) == nil)
    #expect(Self.lowered(.weights, [2, 64, 7, 7], weight, plain, .bfloat16) != nil)
    #expect(Self.lowered(.forward, [2, 3, 8, 8], [64, 3, 3, 3], Self.strided) == nil)
    #expect(Self.lowered(.forward, [2, 64, 8, 8], [64, 64, 1, 1], Self.strided) == nil)
  }

  @Test func anyNumberOfThreadsGivesTheSameBits() {
    let threads = Parallel.threads
    defer { Parallel.threads = threads }
    let work = LoweredConvolution(always: [3, 64, 15, 15], [96, 64, 3, 3], Self.strided, .float32)
    let (x, dy) = (random(work.x, seed: 1).channelsLast(), random(work.y, seed: 2).channelsLast())
    let weight = random(work.weight, seed: 3)
    let results = [1, 2, 3].map { count in
      Parallel.threads = count
      return [
        work.forward(x, weight, nil), work.backwardData(dy, weight), work.backwardWeights(x, dy),
      ].map(\.floats)
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }
}
