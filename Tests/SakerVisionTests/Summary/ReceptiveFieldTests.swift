import SakerNN
import SakerTensor
import SakerVision
import Testing

@Suite struct ReceptiveFieldTests {
  typealias Window = ReceptiveField.Window

  /// E28: one layer reaches r(K - 1) + 1, and its output uses that: 7 to 3 for r = 2, K = 3.
  @Test func dilatedLayers() {
    #expect(ReceptiveField([Window(3, dilation: 2)]).size == 5)
    #expect(ReceptiveField([Window(3, dilation: 4)]).size == 9)
    #expect(ReceptiveField([1, 2, 4].map { Window(3, dilation: $0) }).size == 15)
    #expect(Window(3, dilation: 2).outputs(7) == 3)
    #expect(Window(9).outputs(7) == 0)
  }

  /// AlexNet's five convolutions and three poolings, as published: 195 pixels, 32 apart.
  @Test func alexNet() {
    let field = ReceptiveField([
      Window(11, stride: 4, padding: 2), Window(3, stride: 2), Window(5, padding: 2),
      Window(3, stride: 2), Window(3, padding: 1), Window(3, padding: 1), Window(3, padding: 1),
      Window(3, stride: 2),
    ])
    #expect(field.size == 195 && field.stride == 32)
  }

  /// The gradient of one output says what it sees.
  @Test(arguments: [
    [Window(3, stride: 2, padding: 1), Window(3, dilation: 2, padding: 2)],
    [Window(5, padding: 2), Window(2, stride: 2), Window(3, padding: 1)],
    [Window(4, stride: 3), Window(1), Window(2)],
  ])
  func isWhatTheGradientReaches(_ windows: [Window]) {
    let x = Parameter(Tensor.ones([1, 1, 41]))
    let y = windows.reduce(x.value) {
      conv1d(
        $0, .ones([1, 1, $1.kernel]), stride: $1.stride, padding: ($1.padding, $1.padding),
        dilation: $1.dilation)
    }
    let index = y.shape[2] / 2
    y[0, 0, index].backward()
    let reached = x.gradient!.floats.enumerated().filter { $0.element > 0 }.map(\.offset)
    #expect(ReceptiveField(windows).elements(of: index) == reached.first!...reached.last!)
  }

  /// E27: equal rates leave holes (gridding), the hybrid 1, 2, 5 sees every pixel once its layers
  /// overlap. Wang et al., arXiv:1702.08502.
  @Test func hybridRatesLeaveNoHoles() {
    func holes(_ rates: [Int]) -> Int {
      let x = Parameter(Tensor.ones([1, 1, 41]))
      let y = rates.reduce(x.value) {
        conv1d($0, .ones([1, 1, 3]), padding: ($1, $1), dilation: $1)
      }
      y[0, 0, 20].backward()
      let sight = ReceptiveField(rates.map { Window(3, dilation: $0, padding: $0) })
      return sight.elements(of: 20).filter { x.gradient!.floats[$0] == 0 }.count
    }
    #expect(holes([2, 2, 2]) == 6)
    #expect(holes([1, 2, 5]) == 0)
  }

  @Test func centersOfAModel() throws {
    let model = Sequential(
      Conv2d(1, 2, kernel: (3, 5), stride: (2, 1), padding: .each(1, 0)),
      MaxPool2d(kernel: 2), Conv2d(2, 2, kernel: 4, padding: .same))
    let rows = ModelSummary(model, name: "m", input: .zeros([1, 1, 32, 32])) { _ = model($0) }.rows
    #expect(rows[0].center == [0, 2] && rows[0].receptiveField == [3, 5])
    #expect(rows[1].center == [1, 2.5] && rows[1].stride == [4, 2])
    #expect(rows[2].center == [1 + 0.5 * 4, 2.5 + 0.5 * 2])
  }

  /// The formulas of the MobileNet paper: 1/out + 1/k².
  @Test func separableConvolutionsCostLess() {
    let standard = ConvolutionCount.standard(32, 64, kernel: (3, 3), output: (14, 14))
    let separable = ConvolutionCount.depthwiseSeparable(32, 64, kernel: (3, 3), output: (14, 14))
    #expect(standard.parameters == 18432 && separable.parameters == 2336)
    #expect(standard.multiplyAdds == 18432 * 196 && separable.multiplyAdds == 2336 * 196)
    let ratio = Double(separable.multiplyAdds) / Double(standard.multiplyAdds)
    #expect(abs(ratio - (1.0 / 64 + 1.0 / 9)) < 1e-12)
  }

  /// The calculators and the models' own counts agree.
  @Test func modelsCountTheirLayers() {
    let model = Sequential(
      DepthwiseSeparableConv2d(4, 8, kernel: 3, padding: 1, bias: false),
      DeformConv2d(8, 8, kernel: 3, padding: 1), ConvTranspose2d(8, 4, kernel: 4, stride: 2),
      DynamicConv2d(4, 6, kernel: 3, kernels: 4), NonLocalBlock2d(6, norm: false))
    let summary = ModelSummary(model, name: "m", input: .zeros([2, 4, 6, 6])) { _ = model($0) }
    #expect(summary.rows.reduce(0) { $0 + $1.parameters } == model.parameterCount)
    func products(_ kind: String) -> [Int] {
      summary.rows.filter { $0.kind == kind }.map(\.multiplyAdds)
    }
    let separable = ConvolutionCount.depthwiseSeparable(4, 8, kernel: (3, 3), output: (6, 6))
    #expect(products("Conv2d")[0] + products("Conv2d")[1] == 2 * separable.multiplyAdds)
    #expect(products("DeformConv2d") == [2 * 36 * 8 * 8 * 9])
    #expect(products("ConvTranspose2d") == [2 * 36 * 8 * 4 * 16])
    #expect(products("DynamicConv2d") == [2 * 12 * 12 * 6 * 4 * 9 + 2 * 4 * 6 * 4 * 9])
    #expect(products("NonLocalBlock2d") == [2 * 2 * 144 * 144 * 3])
    // What a deformable layer sees, its input chooses.
    #expect(summary.rows[1].receptiveField == [3, 3] && summary.rows.last?.receptiveField == nil)
  }
}
