import TestSupport
import Testing

@testable import SakerTensor

/// 1x1 convolutions on matrix units (docs/decisions/0023) against sums in double precision. Where
/// there are none the other forms must pass, too.
@Suite struct PointwiseAMXTests {
  private func errors(inputs: Int, scale: Float = 1) -> (own: Float, direct: Float) {
    let x = random([1, inputs, 25, 25], seed: 1, in: -scale...scale).channelsLast()
    let weight = random([64, inputs, 1, 1], seed: 2)
    let attributes = ConvolutionAttributes()
    let kernel = Pointwise(x.shape, weight.shape, attributes)!
    let own = kernel.convolve(
      KernelSource(x), weight, turned: false, KernelEpilogue(), keeping: false)
    let direct = Kernels.convolution(x, weight, nil, attributes, training: true)
    let (a, b, map, w) = (own.floats, direct.floats, x.floats, weight.floats)
    var (wrong, wrongDirect, whole) = (0.0, 0.0, 0.0)
    for k in 0..<64 {
      for p in 0..<625 {
        var sum = 0.0
        for c in 0..<inputs { sum += Double(map[c * 625 + p]) * Double(w[k * inputs + c]) }
        wrong += (Double(a[k * 625 + p]) - sum) * (Double(a[k * 625 + p]) - sum)
        wrongDirect += (Double(b[k * 625 + p]) - sum) * (Double(b[k * 625 + p]) - sum)
        whole += sum * sum
      }
    }
    return (Float((wrong / whole).squareRoot()), Float((wrongDirect / whole).squareRoot()))
  }

  /// bfloat16 alone would give 3e-3, two parts 1e-5.
  @Test(arguments: [32, 64, 500, 2048])
  func resultsAreFloat32s(inputs: Int) {
    let (own, direct) = errors(inputs: inputs)
    #expect(own < 5e-7)
    #expect(own < 1.5 * direct + 3e-8)
  }

  /// Parts keep their bits where numbers are far from 1.
  @Test(arguments: [Float(1e-20), 1e20])
  func farFromOneToo(scale: Float) { #expect(errors(inputs: 64, scale: scale).own < 5e-7) }

  /// By hand: numbers whose lowest bit is in the third part.
  @Test func allBitsOfANumberPass() {
    let value: Float = 1 + 0x1p-23
    let x = Tensor([Float](repeating: value, count: 32 * 625), [1, 32, 25, 25]).channelsLast()
    var eye = [Float](repeating: 0, count: 32 * 32)
    for i in 0..<32 { eye[i * 33] = i % 2 == 0 ? 1 : -value }
    let kernel = Pointwise(x.shape, [32, 32, 1, 1], ConvolutionAttributes())!
    let y = kernel.convolve(
      KernelSource(x), Tensor(eye, [32, 32, 1, 1]), turned: false, KernelEpilogue(),
      keeping: false
    ).floats
    for (i, result) in y.enumerated() {
      // (1 + e)² = 1 + 2e + e²: the last is below the half of a bit.
      #expect(result == (i / 625 % 2 == 0 ? value : -(1 + 0x1p-22)), "\(i)")
    }
  }

  @Test func aloneWhereTilesAreFull() {
    let (plain, weight) = (ConvolutionAttributes(), Shape([64, 64, 1, 1]))
    func alone(_ x: Shape, _ weight: Shape, _ dtype: DType = .float32) -> Bool {
      Pointwise.alone(x, weight, plain, dtype) != nil
    }
    #expect(
      alone([1, 64, 25, 25], weight)
        == (InstructionSet.hasMatrixUnits && Convolutions.setting != .direct))
    #expect(!alone([1, 64, 24, 24], weight))
    #expect(!alone([1, 32, 30, 30], [64, 32, 1, 1]))
    #expect(!alone([1, 64, 30, 30], weight, .bfloat16))
  }
}
