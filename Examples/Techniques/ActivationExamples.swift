import Saker
import Testing

@Suite struct ActivationExamples {
  private let x = Tensor([-4, -1, 0, 1, 4] as [Float])

  @Test("Sigmoid and tanh") func saturating() {
    #expect(sigmoid(x)[2].item == 0.5 && tanh(x)[2].item == 0)
    #expect(sigmoid(Tensor(-1e4)).item == 0)  // stable far out
  }

  @Test("ReLU and its relatives") func rectified() {
    let learned = PReLU()  // its slope learns, from 0.25
    #expect(relu(x)[0].item == 0 && leakyReLU(x)[0].item == -0.04)
    #expect(learned(x)[0].item == -1 && relu6(x * 10)[4].item == 6)
  }

  @Test("ELU and SELU") func exponential() {
    #expect(elu(x)[0].item > -1 && SELU()(x)[0].item > -1.7581)
  }

  @Test("Swish with a learned β") func swishes() {
    let swish = Swish(learning: 1)
    swish(x).sum().backward()
    #expect(swish.beta?.gradient != nil)
    #expect(hardSwish(x)[0].item == 0)
  }

  @Test("GELU, mish, softplus, softsign") func smooth() {
    #expect(gelu(x)[2].item == 0 && mish(x)[2].item == 0)
    #expect(GELU(.tanh)(x).shape == x.shape)
    #expect(softplus(x)[0].item > 0 && softsign(x)[4].item == 0.8)
  }

  @Test("Hard sigmoid and hard tanh") func straight() {
    #expect(hardSigmoid(x)[2].item == 0.5 && hardTanh(x)[0].item == -1)
  }

  @Test("Softmax") func softmaxes() {
    #expect(softmax(x * 1e4)[4].item == 1 && logSoftmax(x)[4].item < 0)
  }

  @Test("Gated linear unit") func gated() {
    #expect(glu(Tensor([3, 0] as [Float])).item == 1.5)
  }

  @Test("SiLU and log-sigmoid") func logistic() {
    #expect(allClose(silu(x), x * sigmoid(x), absolute: 1e-6))
    #expect(allClose(logSigmoid(x), log(sigmoid(x)), absolute: 1e-5))
    #expect(logSigmoid(Tensor(-1e4)).item == -1e4)  // where the sigmoid itself is 0
  }

  @Test("Activations as layers: what they make of 0") func layers() {
    let zeros: [any Layer] = [
      Tanh(), ReLU(), ReLU6(), LeakyReLU(), ELU(), SELU(), SiLU(), Swish(), HardSwish(), HardTanh(),
      GELU(), Mish(), Softsign(), PReLU(),
    ]
    let zero = Tensor([0] as [Float], [1, 1])
    for layer in zeros { #expect(layer(zero).item == 0) }
    #expect(Sigmoid()(zero).item == 0.5 && HardSigmoid()(zero).item == 0.5)
    let logarithm: Float = 0.693_147_2  // of 2
    #expect(abs(Softplus()(zero).item - logarithm) < 1e-6)
    #expect(abs(LogSigmoid()(zero).item + logarithm) < 1e-6)
  }

  @Test("Softmax and gated linear unit as layers") func rowLayers() {
    let rows = Tensor.zeros([3, 2])
    #expect(Softmax()(rows).floats == [Float](repeating: 0.5, count: 6))
    #expect(abs(exp(LogSoftmax(axis: 0)(rows)) - 1 / Float(3)).max().item < 1e-6)
    #expect(GLU()(Tensor([3, 0] as [Float])).item == 1.5)
  }
}
