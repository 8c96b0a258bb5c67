import Saker
import Testing

@Suite struct InitializerExamples {
  private func weight(_ start: Initializer, _ shape: Shape) -> Tensor {
    withSeed(0) { Parameter(shape, start).value.detached() }
  }

  @Test("Xavier, Kaiming, LeCun, PyTorch's default") func variances() {
    let starts: [Initializer] = [
      .xavierNormal(gain: Nonlinearity.tanh.gain), .kaimingNormal(fan: .output), .lecunNormal,
      .pyTorchDefault,
    ]
    for (start, variance) in zip(starts, [25.0 / 9 / 200, 2.0 / 200, 1.0 / 200, 1.0 / 600]) {
      let found = weight(start, [200, 200]).floats.reduce(0) { $0 + Double($1 * $1) } / 40_000
      #expect(abs(found / variance - 1) < 0.05)
    }
  }

  @Test("Orthogonal") func orthogonal() {
    let q = weight(.orthogonal(), [3, 5])
    let product = matmul(q, q.transposed()).floats
    #expect(abs(product[0] - 1) < 1e-5 && abs(product[1]) < 1e-5)
  }

  @Test("Truncated normal") func truncatedNormal() {
    let values = weight(.truncatedNormal(deviation: 0.02, in: -0.04...0.04), [1000]).floats
    #expect(values.allSatisfy { abs($0) <= 0.04 })
  }

  @Test("Bilinear kernel") func bilinear() {
    let kernel = weight(.bilinear, [1, 1, 4, 4]).floats
    #expect(kernel.prefix(4) == [0.0625, 0.1875, 0.1875, 0.0625])
  }

  @Test("Dirac, identity") func identity() {
    let conv = Conv2d(3, 3, kernel: 3, padding: 1, bias: false)
    conv.weight.value = weight(.dirac(), [3, 3, 3, 3])
    let x = Tensor.ones([1, 3, 4, 4])
    #expect(conv(x).floats == x.floats && weight(.eye, [2, 2]).floats == [1, 0, 0, 1])
  }

  @Test("Prior bias") func prior() {
    let bias = weight(.prior(0.01), [80])
    #expect(abs(sigmoid(bias).floats[0] - 0.01) < 1e-5)
  }
}
