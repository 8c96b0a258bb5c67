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
}
