import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

struct LayerTests {
  // MARK: Convolution

  @Test func sameKeepsTheSizeAndPutsTheOddRowLast() {
    let layer = Conv2d(1, 1, kernel: (2, 4), padding: .same, bias: false)
    layer.weight.value = .ones([1, 1, 2, 4])
    let y = layer(.ones([1, 1, 3, 5]))
    #expect(y.shape == [1, 1, 3, 5])
    // Rows: one below; columns: one on the left, two on the right.
    #expect(y.floats == [6, 8, 8, 6, 4, 6, 8, 8, 6, 4, 3, 4, 4, 3, 2])
  }

  @Test func pointwiseConvolutionIsAMatrixProduct() {
    let layer = Conv2d(5, 7, kernel: 1)
    let x = random([2, 5, 3, 4], seed: 1)
    let rows = x.permute([0, 2, 3, 1]).reshape([24, 5])
    let expected = matmul(
      rows, layer.weight.value.reshape([7, 5]).transposed(), adding: layer.bias?.value)
    expectClose(layer(x).permute([0, 2, 3, 1]).reshape([24, 7]), expected)
  }

  @Test func lowPrecisionPassesThroughWithFloat32Weights() {
    let model = Sequential(
      Conv2d(3, 8, kernel: 3, padding: 1), BatchNorm2d(8), ReLU(), MaxPool2d(kernel: 2), Flatten(),
      Linear(32, 4))
    let x = random([2, 3, 4, 4], seed: 1)
    let exact = model(x)
    let y = model(x.converted(to: .bfloat16))
    #expect(y.dtype == .bfloat16)
    expectClose(y, exact, absolute: 0.05)
    y.converted(to: .float32).sum().backward()
    #expect(model.parameters.allSatisfy { $0.gradient?.dtype == .float32 })
    #expect(model.state.allSatisfy { $0.tensor.dtype == .float32 || $0.tensor.dtype == .int64 })
  }

  // MARK: Batch norm: the errors E1 to E6 of the catalogue

  /// Training normalizes by the batch whatever the running statistics are (E1), evaluation by these
  /// (E2), both by √(variance + ε) (E3).
  @Test func batchNormByHand() {
    let norm = BatchNorm1d(1, epsilon: 1, momentum: 0.5)
    let x = Tensor([1, 3, 5, 7] as [Float], [4, 1])
    // Mean 4, variance 5 biased and 20/3 unbiased.
    expectClose(norm(x), [-3, -1, 1, 3].map { $0 / Float(6).squareRoot() })
    #expect(norm.runningMean!.value.floats == [2])
    // The unbiased one is stored (E4): (1 + 20/3) / 2.
    expectClose(norm.runningVar!.value, [Float(23) / 6])
    norm.eval()
    expectClose(norm(x), [-1, 1, 3, 5].map { $0 / (Float(23) / 6 + 1).squareRoot() })
    #expect(norm.numBatchesTracked!.value.scalars(as: Int64.self) == [1])
  }

  /// Without running statistics the result of one picture depends on the others (E2).
  @Test func untrackedBatchNormDependsOnTheBatch() {
    let x = random([2, 3, 4, 4], seed: 1)
    for (tracking, depends) in [(true, false), (false, true)] {
      let norm = BatchNorm2d(3, trackingStatistics: tracking)
      _ = norm(x)
      norm.eval()
      let alone = norm(x.narrow(0, 0..<1)).floats
      let together = norm(x).narrow(0, 0..<1).floats
      #expect((alone != together) == depends)
    }
  }

  /// Mean 0 and variance 1, but still two values: no normal distribution (E5). γ = √(σ² + ε), β = μ
  /// give the input (E6).
  @Test func batchNormShiftsAndScalesOnly() {
    let norm = BatchNorm1d(1)
    let x = Tensor([2, 2, 2, 10] as [Float], [4, 1])
    let y = norm(x).floats
    #expect(Set(y).count == 2 && abs(y.reduce(0, +)) < 1e-5)
    let variance: Float = y.reduce(0) { sum, value in sum + value * value } / 4
    #expect(abs(variance - 1) < 1e-4)
    norm.weight!.value = Tensor([Float(12 + 1e-5).squareRoot()])
    norm.bias!.value = Tensor([4] as [Float])
    expectClose(norm(x), x)
  }

  /// Folded into the convolution before it, with and without ReLU, and anew after every change.
  @Test(arguments: [PadMode.constant(0), .reflect])
  func inferenceFoldsBatchNormIntoTheConvolution(_ mode: PadMode) {
    let (conv, norm) = (Conv2d(3, 6, kernel: 3, padding: 1, mode: mode, groups: 3), BatchNorm2d(6))
    let model = Sequential(conv, norm, ReLU(), Conv2d(6, 2, kernel: 1, bias: false), BatchNorm2d(2))
    let last = (model[3], model[4])
    func apart(_ x: Tensor) -> Tensor { last.1(last.0(relu(norm(conv(x))))) }
    let x = random([2, 3, 5, 6], seed: 1)
    for change in 0..<4 {
      switch change {
      case 0: _ = model(random([4, 3, 5, 6], seed: 2, in: 0...3))
      case 1: conv.weight.update { $0[0] += 3 }
      case 2: norm.runningVar!.update { $0[1] += 3 }
      default: norm.bias!.value = random([6], seed: 3)
      }
      let (y, expected) = model.evaluating { (model(x), apart(x)) }
      expectClose(y, expected, "after change \(change)")
      model.eval()
      // With gradients nothing is folded, and the weights get theirs.
      let recorded = model(x)
      #expect(recorded.isRecorded)
      expectClose(recorded, expected)
      model.train()
    }
  }

  @Test func frozenBatchNormKeepsEverything() {
    let norm = BatchNorm2d(3)
    let model = Sequential(Conv2d(3, 3, kernel: 1), norm)
    model.freezeBatchNorm()
    model.train()
    let before = norm.state.map { $0.tensor.scalars(as: Float.self) }
    let y = model(random([2, 3, 4, 4], seed: 1))
    y.sum().backward()
    #expect(norm.state.map { $0.tensor.scalars(as: Float.self) } == before)
    #expect(norm.weight!.gradient == nil && model.parameters[0].gradient != nil)
  }

  @Test func oneValueAChannelStopsInTrainingAndIsFoundBefore() async {
    let model = Sequential(
      Conv2d(3, 4, kernel: 1), BatchNorm2d(4), AdaptiveAvgPool2d(1), Sequential(BatchNorm2d(4)))
    let x = random([1, 3, 8, 8], seed: 1)
    let before = model.state.map { $0.tensor.scalars(as: Float.self) }
    // Also while it evaluates, and without a trace.
    let problems = model.trainingProblems { _ = model.evaluating { model(x) } }
    #expect(problems.count == 1)
    #expect(problems[0].hasPrefix("batch norm 3.0 needs more than one value"))
    #expect(problems[0].contains("[1, 4, 1, 1]"))
    #expect(model.state.map { $0.tensor.scalars(as: Float.self) } == before)
    #expect(model.trainingProblems { _ = model(random([2, 3, 8, 8], seed: 1)) }.isEmpty)
    model.eval()
    #expect(model(x).shape == [1, 4, 1, 1])
    await #expect(processExitsWith: .failure) {
      _ = BatchNorm2d(4)(.ones([1, 4, 1, 1]))
    }
  }

  // MARK: Dropout

  // E11: p is the probability of dropping; scaled in training, untouched in evaluation.

  @Test func dropoutKeepsTheMean() {
    let layer = Dropout(0.25)
    let x = Parameter(.ones([100, 1000]))
    let y = layer(x.value)
    let values = y.floats
    let dropped = Double(values.count { $0 == 0 }) / 100_000
    #expect(abs(dropped - 0.25) < 0.01)
    #expect(values.allSatisfy { $0 == 0 || abs($0 - 4 / 3) < 1e-6 })
    y.backward(.ones([100, 1000]))
    #expect(x.gradient!.floats == values)
    layer.eval()
    #expect(layer(x.value).floats == x.value.floats)
  }

  @Test func dropoutOfNothingAndOfEverything() {
    let x = random([50], seed: 1)
    #expect(Dropout(0)(x).floats == x.floats)
    #expect(Dropout(1)(x).floats.allSatisfy { $0 == 0 })
  }

  @Test func dropoutGoesOnFromAStoredState() {
    let model = withSeed(3) { Sequential(Dropout(0.5), Sequential(Dropout(0.5))) }
    let x = Tensor.ones([200])
    _ = model(x)
    let state = model.generators
    #expect(state.keys.sorted() == ["0", "1.0"])
    let first = model(x).floats
    #expect(model(x).floats != first)
    model.generators = state
    #expect(model(x).floats == first)
    let copy = withSeed(3) { Sequential(Dropout(0.5), Sequential(Dropout(0.5))) }
    _ = copy(x)
    #expect(copy(x).floats == first)
  }

  // MARK: Starts (E13: PyTorch's convolutions start uniform in ±1/√fan, not by He's normal)

  @Test func defaultStartsAreUniformByFan() {
    let conv = withSeed(1) { Conv2d(16, 32, kernel: 3, groups: 2) }
    let bound = 1 / Float(8 * 9).squareRoot()
    for values in [conv.weight.value.floats, conv.bias!.value.floats] {
      #expect(values.allSatisfy { abs($0) <= bound })
      #expect(values.map(abs).max()! > 0.9 * bound)
    }
    let mean = conv.weight.value.floats.reduce(0, +) / Float(conv.weight.shape.elements)
    #expect(abs(mean) < 0.02 * bound * 3)
    let linear = Linear(100, 50)
    #expect(linear.weight.value.floats.allSatisfy { abs($0) <= 0.1 })
    #expect(linear.weight.value.floats.max()! > 0.099)
  }

  /// Of a weight `[16, 8, 3, 3]`: 72 inputs and 144 outputs to an element.
  static let variances: [(Initializer, Float)] = [
    (.kaimingUniform(slope: Float(5).squareRoot()), 0.00462963), (.kaimingUniform(), 0.0277778),
    (.kaimingNormal(), 0.0277778), (.kaimingNormal(fan: .output), 0.0138889),
    (.xavierUniform(), 0.00925926), (.xavierNormal(gain: 2), 0.037037),
    (.normal(deviation: 0.5), 0.25), (.uniform(3), 3), (.constant(0), 0),
  ]

  @Test(arguments: variances)
  func startsHaveTheirVariance(_ start: Initializer, _ variance: Float) {
    var source = Random(seed: 5)
    let values = start([16, 8, 3, 3], using: &source).floats
    let mean = values.reduce(0, +) / Float(values.count)
    let found = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(values.count)
    #expect(abs(found - variance) <= 0.12 * variance)
    #expect(mean * mean <= 0.01 * variance)
  }

  @Test func oneSeedMakesOneModel() {
    func build(_ seed: UInt64) -> [[Float]] {
      withSeed(seed) { Sequential(Conv2d(3, 4, kernel: 3), Linear(4, 4)) }.state.map(
        \.tensor.floats)
    }
    #expect(build(1) == build(1))
    #expect(build(1) != build(2))
    let two = withSeed(1) { (Linear(3, 3), Linear(3, 3)) }
    #expect(two.0.weight.value.floats != two.1.weight.value.floats)
  }
}
