import SakerTensor
import TestSupport
import Testing

/// Every operation's gradient against finite differences, and a check that no operation of the
/// sources is left out: a new one fails `theWalkMeetsEveryOperation` until it stands in the list
/// below.
struct OperationWalkTests {
  typealias Step = OperationStep

  /// Nothing flows back: their results are integers or truths, or nothing may be recorded.
  static let withoutGradient: Set = [
    "Compare", "Logic", "ElementTest", "ExtremePositions", "Argsort", "ArgTop", "MaxPositions",
    "ConvolutionInference",
  ]

  // MARK: - Inputs, away from kinks

  /// Distinct numbers at least 0.1 apart and 0.05 from 0.
  private static func spread(_ shape: Shape, seed: UInt64 = 1) -> Tensor {
    var source = Random(seed: seed)
    let numbers = (0..<shape.elements).map { 0.1 * (Float($0 - shape.elements / 2) + 0.5) }
    return Tensor(numbers.shuffled(using: &source), shape)
  }

  private static func positive(_ shape: Shape, seed: UInt64 = 1) -> Tensor {
    random(shape, seed: seed, in: 0.5...2)
  }

  private static let x = spread([3, 4]), y = spread([3, 4], seed: 2) + 0.03
  private static let row = random([4], seed: 3), up = positive([3, 4])
  private static let image = spread([2, 4, 5, 6]).channelsLast() * 0.2
  private static let picks = Tensor([2, 0, 2] as [Int64])
  private static let places = Tensor([1, 0, 3, 2, 2, 0] as [Int64], [3, 2])
  private static let mask = random([3, 4], seed: 9) .> 0

  static let steps: [Step] =
    arithmetic + mathematics + activations + views + indexing + joining
    + reductions + ordered + networks + convolutionKinds + sequences

  private static let arithmetic = [
    Step("+", x, row) { $0[0] + $0[1] },
    Step("-", x, row) { $0[0] - $0[1] },
    Step("*", x, row) { $0[0] * $0[1] },
    Step("/", x, up) { $0[0] / $0[1] },
    Step("scalars", x) { (2 - $0[0] * 3 + 1) / 4 - 1 },
    Step("pow", up, y) { pow($0[0], $0[1]) },
    Step("pow scalar", up) { pow($0[0], 2.5) + pow($0[0], 2) + pow($0[0], 3) },
    Step("pow of a scalar", x) { pow(2, $0[0]) },
    Step("maximum", x, y) { maximum($0[0], $0[1]) },
    Step("minimum", x, y) { minimum($0[0], $0[1]) },
    Step("clamped", x) { $0[0].clamped(from: -0.3, to: 0.3) },
    Step("remainder", x, Tensor(2)) { remainder($0[0], $0[1]) },
    Step("atan2", x, up) { atan2($0[0], $0[1]) },
    // Numbers and steps that float16 holds exactly.
    Step("converted", Tensor([-2, 1, 3, 5] as [Float]), step: 0.25) {
      $0[0].converted(to: .float16) * 2
    },
    Step("where", x, row) { .where(mask, $0[0], $0[1]) },
    Step("filled", x) { $0[0].filled(where: mask, with: 3) },
  ]

  private static let mathematics = [
    Step("sin", x) { sin($0[0]) }, Step("cos", x) { cos($0[0]) }, Step("atan", x) { atan($0[0]) },
    Step("sinh", x) { sinh($0[0]) }, Step("cosh", x) { cosh($0[0]) },
    Step("erf", x) { erf($0[0]) }, Step("log1p", up) { log1p($0[0]) },
    Step("log2", up) { log2($0[0]) }, Step("expm1", x) { expm1($0[0]) },
    Step("reciprocal", up) { reciprocal($0[0]) }, Step("rsqrt", up) { rsqrt($0[0]) },
    Step("floor", x) { floor($0[0]) * $0[0] }, Step("ceil", x) { ceil($0[0]) * $0[0] },
    Step("round", x) { round($0[0]) * $0[0] }, Step("sign", x) { sign($0[0]) * $0[0] },
  ]

  private static let activations = [
    Step("relu", x) { relu($0[0]) }, Step("leakyReLU", x) { leakyReLU($0[0], slope: 0.1) },
    Step("elu", x) { elu($0[0], alpha: 0.7) }, Step("tanh", x) { tanh($0[0]) },
    Step("sigmoid", x) { sigmoid($0[0]) }, Step("exp", x) { exp($0[0]) },
    Step("log", up) { log($0[0]) }, Step("sqrt", up) { sqrt($0[0]) },
    Step("abs", x) { abs($0[0]) }, Step("square", x) { square($0[0]) },
    Step("softplus", x) { softplus($0[0]) }, Step("gelu", x) { gelu($0[0]) },
    Step("geluTanh", x) { geluTanh($0[0]) }, Step("swish", x) { swish($0[0], beta: 1.5) },
    Step("silu", x) { silu($0[0]) }, Step("mish", x) { mish($0[0]) },
    Step("hardSwish", x) { hardSwish($0[0]) }, Step("hardSigmoid", x) { hardSigmoid($0[0]) },
    Step("relu6", x) { relu6($0[0] * 5 + 3.1) }, Step("logSigmoid", x) { logSigmoid($0[0]) },
    Step("selu", x) { selu($0[0]) }, Step("softsign", x) { softsign($0[0]) },
    Step("hardTanh", x) { hardTanh($0[0], from: -0.4, to: 0.3) }, Step("glu", x) { glu($0[0]) },
    Step("softplus beta", x) { softplus($0[0], beta: 2) },
    Step("prelu", image * 4, up.select(axis: 0, at: 0)) { prelu($0[0], slope: $0[1]) },
    Step("prelu rows", image.contiguous() * 4, up.select(axis: 0, at: 0)) {
      prelu($0[0], slope: $0[1])
    },
    Step("prelu of one", x, Tensor(0.3)) { prelu($0[0], slope: $0[1]) },
    Step("swish learned", image, up.select(axis: 0, at: 0)) { swish($0[0], beta: $0[1]) },
    Step("softmax", x) { softmax($0[0]) }, Step("softmax 0", x) { softmax($0[0], axis: 0) },
    Step("logSoftmax", x) { logSoftmax($0[0]) },
  ]

  private static let views = [
    Step("reshape", x) { $0[0].reshape([2, 6]) }, Step("flatten", image) { $0[0].flatten(from: 1) },
    Step("permute", image) { $0[0].permute([0, 2, 3, 1]) },
    Step("transposed", x) { $0[0].transposed() },
    Step("expand", row) { $0[0].expand([3, 2, 4]) },
    Step("squeeze", x) { $0[0].unsqueeze(1).squeeze(1) },
    Step("contiguous", image) { $0[0].contiguous() * 2 },
    Step("channelsLast", image) { ($0[0].contiguous() * 1).channelsLast() * 2 },
    Step("slice", image) { $0[0][1, .newAxis, 1..<3, .step(.all, by: 2), -1] },
    Step("narrow", x) { $0[0].narrow(1, 1..<3) },
    Step("select", x) { $0[0].select(axis: 1, at: 2) },
    Step("flip", image) { $0[0].flip([1, 3]) },
    Step("roll", x) { $0[0].roll(-1, axis: 1) },
  ]

  private static let indexing = [
    Step("assign", x, row) { tensors in
      var x = tensors[0]
      x[1..<3] = tensors[1]
      return x * x
    },
    Step("assign rows", x, y) { tensors in
      var x = tensors[0]
      x[picks] = tensors[1]
      return x * x
    },
    Step("assign under a mask", x, row) { tensors in
      var x = tensors[0]
      x[Tensor([true, false, true])] = tensors[1]
      return x * x
    },
    Step("mask", x) { $0[0][mask] },
    Step("indexSelect", image) { $0[0].indexSelect(picks, axis: 2) },
    Step("gather", x) { $0[0].gather(places, axis: 1) },
    Step("takeAlong", x) { $0[0].takeAlong($0[0].argsort(), axis: 1) },
    Step("scatter", x, random([3, 2], seed: 7)) {
      $0[0].scatter($0[1], at: Tensor([1, 0, 3, 2, 2, 0] as [Int64], [3, 2]), axis: 1)
    },
    Step("scatterAdd", x, random([3, 2], seed: 7)) {
      $0[0].scatterAdd($0[1], at: places, axis: 1)
    },
  ]

  private static let joining = [
    Step("concatenate", x, row) { concatenate([$0[0], $0[1].expand([2, 4]), $0[0]], axis: 0) },
    Step("stack", x, y) { stack([$0[0], $0[1]], axis: 1) },
    Step("split", x) { $0[0].split(size: 3, axis: 1)[1] },
    Step("unbind", x) { $0[0].unbind(axis: 1)[2] },
    Step("chunked", x) { $0[0].chunked(into: 2)[0] },
    Step("repeated", x) { $0[0].repeated([2, 1, 3]) },
    Step("repeatInterleave", x) {
      $0[0].repeatInterleave(2, axis: 0).repeatInterleave([1, 0, 2, 1], axis: 1)
    },
    Step("pad constant", image) { pad($0[0], [(1, 2), (0, 1)], mode: .constant(3)) },
    Step("pad reflect", image) { pad($0[0], [(1, 2), (0, 1)], mode: .reflect) },
    Step("pad replicate", image) { pad($0[0], [(1, 2), (3, 1)], mode: .replicate) },
    Step("pad circular", image) { pad($0[0], [(1, 2), (3, 1)], mode: .circular) },
  ]

  private static let reductions = [
    Step("sum", image) { $0[0].sum(axes: [0, 2, 3]) }, Step("mean", x) { $0[0].mean(axes: [1]) },
    Step("max", image) { $0[0].max(axes: [2, 3]) }, Step("min", x) { $0[0].min() },
    Step("max axis", x) { $0[0].max(axis: 1).values },
    Step("min axis", x) { $0[0].min(axis: 0, keepingAxis: true).values },
    Step("variance", x) { $0[0].variance(axes: [1]) },
    Step("standardDeviation", x) { $0[0].standardDeviation(axes: [0], correction: 0) },
    Step("logSumExp", x) { $0[0].logSumExp(axes: [1]) }, Step("norm", x) { $0[0].norm(axes: [1]) },
    Step("product", up) { $0[0].product(axis: 1) },
    Step("cumulativeSum", x) { $0[0].cumulativeSum(axis: 1) * $0[0] },
  ]

  private static let ordered = [
    Step("sorted", x) { $0[0].sorted(axis: 0).values * $0[0] },
    Step("topK", x) { $0[0].topK(2, axis: 1).values },
    Step("what has no gradient", x) { tensors in
      let x = tensors[0]
      let truth = (x .> 0) .& (x .<= 1) .| (x .== 0) .& .!(x .!= 0)
      let places = x.argmax(axis: 1, keepingAxis: true)
      return .where(truth .& x.isFinite(), x, x * 2) * x.gather(places, axis: 1)
    },
  ]

  private static let networks = [
    Step("matmul of two matrices", random([3, 4], seed: 1), random([4, 5], seed: 2)) {
      matmul($0[0], $0[1]) + matmul($0[1].transposed(), $0[0].transposed()).transposed()
    },
    Step("matmul", random([2, 3, 4], seed: 1), random([4, 5], seed: 2), random([5], seed: 3)) {
      matmul($0[0], $0[1], adding: $0[2])
    },
    Step("conv2d", image, random([6, 2, 3, 3], seed: 4), random([6], seed: 5)) {
      conv2d($0[0], $0[1], bias: $0[2], stride: (2, 1), padding: (1, 1, 1, 1), groups: 2)
    },
    Step("conv2dInference", x) { inputs in
      inputs[0]
        * withoutGradients {
          conv2dInference(image, random([1, 4, 3, 3], seed: 4), activation: .relu6).mean()
        }
    },
    Step("batchNormTraining", image * 2, random([4], seed: 6), random([4], seed: 7)) {
      batchNormTraining(
        $0[0], scale: $0[1], shift: $0[2], epsilon: 1e-3, relu: false, statistics: { _, _, _ in })
    },
    Step("batchNormInference", image, random([4], seed: 6), random([4], seed: 7)) {
      batchNormInference(
        $0[0], mean: random([4], seed: 8), variance: positive([4]), scale: $0[1], shift: $0[2],
        epsilon: 1e-3, relu: false)
    },
    Step("layerNorm", x, random([4], seed: 6), random([4], seed: 7)) {
      layerNorm($0[0], over: [4], scale: $0[1], shift: $0[2])
    },
    Step("layerNorm of maps", image * 2) { layerNorm($0[0], over: [5, 6]) },
    Step("rmsNorm", x, random([4], seed: 6)) { rmsNorm($0[0], over: [4], scale: $0[1]) },
    Step("groupNorm", image * 2, random([4], seed: 6), random([4], seed: 7)) {
      groupNorm($0[0], groups: 2, scale: $0[1], shift: $0[2])
    },
    Step("instanceNorm", image * 2) { instanceNorm($0[0]) },
    Step("localResponseNorm", image * 2) { localResponseNorm($0[0], size: 3, alpha: 0.8) },
    Step("batchNormTraining of replicas", image * 2, random([4], seed: 6), random([4], seed: 7)) {
      batchNormTraining(
        $0[0], scale: $0[1], shift: $0[2], epsilon: 1e-3, reducing: Alone(), statistics: { _ in })
    },
    Step(
      "convolutionBlock", image, random([3, 4, 3, 3], seed: 4), random([3], seed: 5),
      random([3], seed: 6), random([2, 3, 3, 4], seed: 7)
    ) { inputs in
      var stage = ConvolutionStage(weight: inputs[1], statistics: .batch { _, _, _ in })
      (stage.scale, stage.shift) = (inputs[2], inputs[3])
      stage.activation = .swish
      return convolutionBlock(inputs[0], [stage], residual: inputs[4])
    },
    Step(
      "denseConnections", image, random([4], seed: 3, in: 0.5...2),
      random([3, 4, 1, 1], seed: 5), random([3], seed: 6), random([3], seed: 7),
      random([2, 3, 3, 3], seed: 8)
    ) { inputs in
      // Above 0, where ReLU has no kink within reach. The first shift then moves nothing.
      let connection = DenseConnection(
        first: .init(scale: inputs[1], shift: .full([4], 5), epsilon: 1e-3) { _, _, _ in },
        narrowing: inputs[2],
        second: .init(scale: inputs[3], shift: inputs[4] + 5, epsilon: 1e-3) { _, _, _ in },
        adding: inputs[5])
      return denselyConnected(inputs[0], [connection])
    },
    Step("channelScale", image, random([2, 4, 1, 1], seed: 4)) { scaleChannels($0[0], $0[1]) },
    Step("maxPool2d", image * 5) { maxPool2d($0[0], kernel: (2, 2), stride: (1, 2)) },
    Step("averagePool2d", image) {
      averagePool2d($0[0], kernel: (3, 3), stride: (2, 2), padding: (1, 1), countingPadding: false)
    },
    Step("adaptiveMaxPool2d", image * 5) { adaptiveMaxPool2d($0[0], (2, 4)) },
    Step("adaptiveAveragePool2d", image) { adaptiveAveragePool2d($0[0], (3, 2)) },
  ]

  /// The only replica.
  private struct Alone: StatisticsReducer {
    func combine(_ own: BatchMoments) -> BatchMoments { own }
    func sum(_ own: [Double]) -> [Double] { own }
  }
  private static let volume = spread([1, 4, 3, 4, 3], seed: 12).channelsLast() * 0.1
  private static let regions = Tensor(
    [0, 0.3, 0.7, 5.1, 4.2, 1, -1.2, 1.1, 3.3, 6.4] as [Float], [2, 5])

  /// Between the pixels of `image`, some of them beyond its edges.
  private static let points: Tensor = {
    let columns: [Float] = [0.3, 4.6, 2.4, 5.9, -0.8, 1.35]
    let rows: [Float] = [3.4, 0.7, 4.8, 1.6, 2.25, -0.7]
    var pairs: [Float] = []
    for i in 0..<12 {
      pairs.append((2 * columns[i % 6] + 1) / 6 - 1)
      pairs.append((2 * rows[(i + i / 6) % 6] + 1) / 5 - 1)
    }
    return Tensor(pairs, [2, 3, 2, 2])
  }()

  private static let convolutionKinds = [
    Step("conv1d", spread([2, 4, 7]) * 0.2, random([6, 2, 3], seed: 4), random([6], seed: 5)) {
      conv1d($0[0], $0[1], bias: $0[2], stride: 2, padding: (1, 2), groups: 2)
    },
    Step("conv3d", volume, random([2, 4, 2, 3, 2], seed: 4), random([2], seed: 5)) {
      conv3d($0[0], $0[1], bias: $0[2], stride: (1, 2, 1), padding: (1, 0, 1, 1, 0, 1))
    },
    Step("convTranspose2d", image, random([4, 3, 3, 2], seed: 4), random([6], seed: 5)) {
      convTranspose2d(
        $0[0], $0[1], bias: $0[2], stride: (2, 1), padding: (1, 0), outputPadding: (1, 0),
        groups: 2)
    },
    Step("channelShuffle", image) { channelShuffle($0[0], groups: 2) * $0[0] },
    Step("corner pooling", image * 5) { topLeftPool($0[0], $0[0]) },
    Step("max pooling with positions, and back", image * 5) { inputs in
      let (values, places) = maxPool2dWithIndices(inputs[0], kernel: (3, 2))
      return maxUnpool(values * values, places, size: [5, 6])
    },
    Step("interpolate", image) { interpolate($0[0], size: [3, 9], mode: .cubic) },
    Step("gridSample", image, points, step: 2e-3) {
      gridSample($0[0], $0[1], border: .reflection)
    },
    Step(
      "deformConv2d", image, Tensor.full([2, 16, 4, 5], 0.3) + spread([2, 16, 4, 5]) * 1e-3,
      random([2, 4, 2, 2], seed: 7), random([2, 8, 4, 5], seed: 8), random([2], seed: 9)
    ) {
      deformConv2d($0[0], offset: $0[1], $0[2], mask: $0[3], bias: $0[4])
    },
    Step("roiAlign", image) { roiAlign($0[0], regions, size: (2, 3), aligned: true) },
    Step("fft", spread([3, 7, 2])) { fft($0[0]) },
    Step("positionSensitiveRoIPool", image) {
      positionSensitiveRoIPool($0[0], regions, size: (2, 2))
    },
    Step("lpPool2d", image * 5 + 9) { lpPool2d($0[0], p: 3, kernel: (2, 3), stride: (1, 2)) },
    Step("roiPool", image * 5) { roiPool($0[0], regions, size: (2, 3)) },
  ]

  /// Weights of a layer with 3 numbers in and 4 hidden ones.
  private static func recurrentWeights(_ kind: RecurrentKind) -> [Tensor] {
    let rows = kind.gates * 4
    return [
      random([rows, 3], seed: 21), random([rows, 4], seed: 22), random([rows], seed: 23),
      random([rows], seed: 24),
    ]
  }

  private static func recurrentStep(
    _ kind: RecurrentKind, lengths: [Int]?, reversed: Bool
  ) -> Step {
    let states = [random([2, 4], seed: 25), random([2, 4], seed: 26)]
    // All numbers of ReLU's sums stay away from 0.
    let x = kind == .rnnReLU ? positive([3, 2, 3]) + 4 : random([3, 2, 3], seed: 27)
    var weights = recurrentWeights(kind)
    if kind == .rnnReLU { weights = weights.map { abs($0) + 0.1 } }
    let all = [x] + states.prefix(kind == .lstm ? 2 : 1) + weights
    return Step("\(kind) \(reversed ? "back" : "")", all) { inputs in
      let w = inputs.suffix(4).map { $0 }
      let (output, hidden, cell) = recurrent(
        kind, inputs[0],
        RecurrentWeights(input: w[0], hidden: w[1], inputBias: w[2], hiddenBias: w[3]),
        hidden: inputs[1], cell: kind == .lstm ? inputs[2] : nil, lengths: lengths,
        reversed: reversed)
      return concatenate([output.flatten(from: 0), (cell ?? hidden).flatten(from: 0)], axis: 0)
    }
  }

  private static let sequences = [
    Step("checkpoint", random([3, 4], seed: 1)) { checkpoint($0[0]) { tanh($0) * $0 } },
    recurrentStep(.rnn, lengths: nil, reversed: false),
    recurrentStep(.rnnReLU, lengths: nil, reversed: true),
    recurrentStep(.lstm, lengths: [3, 2], reversed: true),
    recurrentStep(.lstm, lengths: nil, reversed: false),
    recurrentStep(.gru, lengths: [1, 3], reversed: false),
    recurrentStep(.gru, lengths: nil, reversed: true),
    Step(
      "scaledDotProductAttention", random([2, 1, 3, 4], seed: 1), random([2, 5, 4], seed: 2),
      random([2, 5, 3], seed: 3)
    ) {
      scaledDotProductAttention($0[0], $0[1], $0[2], mask: random([3, 5], seed: 4), scale: 0.7)
    },
    Step(
      "scaledDotProductAttention, causal", random([2, 4, 3], seed: 1), random([2, 4, 3], seed: 2),
      random([2, 4, 1], seed: 3)
    ) {
      scaledDotProductAttention($0[0], $0[1], $0[2], causal: true)
    },
    Step(
      "attention with a mask that learns", random([2, 3, 4], seed: 1), random([5, 4], seed: 2),
      random([5, 3], seed: 3), random([3, 1], seed: 4), random([2, 1, 5], seed: 5)
    ) {
      scaledDotProductAttention($0[0], $0[1], $0[2], mask: $0[3] * $0[4])
    },
  ]

  // MARK: - The tests

  @Test(arguments: steps)
  func gradientMatchesFiniteDifferences(_ step: Step) {
    expectGradient(at: step.inputs, step: step.step, step.name, step.function)
  }

  @Test func theWalkMeetsEveryOperation() throws {
    let walk = OperationWalk(OperationWalkTests.steps)
    let declared = try Set(
      Sources.matches(#"struct (\w+): (?:\w+)?Operation\b"#, below: "Sources/SakerTensor"))
    #expect(declared.count > 40 && declared.isSuperset(of: OperationWalkTests.withoutGradient))
    #expect(declared.subtracting(walk.forward) == [], "operations that no step of the walk runs")
    #expect(
      declared.subtracting(walk.backward).subtracting(OperationWalkTests.withoutGradient) == [],
      "operations whose gradient no step of the walk asks for")
    let kernels = try Set(
      Sources.matches(
        #"(?m)^  case (\w+)"#, below: "Sources/SakerTensor/OneDNN/ElementwiseKernels.swift"))
    let functions = walk.names["Elementwise"] ?? []
    #expect(!kernels.isEmpty && kernels.subtracting(functions) == [], "functions left out")
  }
}
