import Synchronization
import TestSupport
import Testing

@testable import SakerTensor

/// Blocks against the same made of separate operations, and against PyTorch.
@Suite struct FusedConvolutionBlockTests {
  /// What a block computes, with the parameters it is differentiated by.
  struct Form: Sendable, CustomTestStringConvertible {
    var shape: Shape = [2, 3, 9, 7]
    var channels = [5, 17]
    var activations: [Activation] = [.relu, .relu]
    var kernels = [3, 3, 3]
    var stride = 1
    var residual = false
    var pooling = false
    var frozen = false
    var bias = true

    var testDescription: String {
      "\(shape) to \(channels) by \(kernels.prefix(channels.count)), stride \(stride)"
        + (residual ? ", residual" : "") + (pooling ? ", pooled" : "") + (frozen ? ", frozen" : "")
    }

    /// x, then weight, bias, scale, shift of each stage, then the residual.
    var inputs: [Tensor] {
      var seed: UInt64 = 40
      func next(_ shape: Shape, in range: ClosedRange<Float> = -1...1) -> Tensor {
        seed += 1
        return random(shape, seed: seed, in: range)
      }
      var result = [next(shape).channelsLast()]
      var (inputs, sides) = (shape[1], [shape[2], shape[3]])
      for (outputs, kernel) in zip(channels, kernels) {
        result.append(next([outputs, inputs, kernel, kernel], in: -0.5...0.5))
        if bias { result.append(next([outputs])) }
        result.append(next([outputs], in: 0.5...1.5))
        result.append(next([outputs]))
        inputs = outputs
        sides = sides.map { ($0 + kernel / 2 * 2 - kernel) / stride + 1 }
      }
      if residual { result.append(next([shape[0], inputs, sides[0], sides[1]]).channelsLast()) }
      return result
    }

    func given(_ stage: Int) -> (mean: Tensor, variance: Tensor) {
      (
        random([channels[stage]], seed: 90 + UInt64(stage)),
        random([channels[stage]], seed: 95 + UInt64(stage), in: 0.5...2)
      )
    }

    func padding(_ stage: Int) -> (top: Int, bottom: Int, left: Int, right: Int) {
      let side = kernels[stage] / 2
      return (side, side, side, side)
    }
    private var width: Int { bias ? 4 : 3 }
    private func part(_ inputs: [Tensor], _ stage: Int) -> (Tensor, Tensor?, Tensor, Tensor) {
      let first = 1 + stage * width
      let end = first + width
      return (inputs[first], bias ? inputs[first + 1] : nil, inputs[end - 2], inputs[end - 1])
    }

    func fused(_ inputs: [Tensor], _ report: Report? = nil) -> Tensor {
      let stages = channels.indices.map { stage -> ConvolutionStage in
        let (weight, bias, scale, shift) = part(inputs, stage)
        let (mean, variance) = given(stage)
        var result = ConvolutionStage(
          weight: weight,
          statistics: frozen
            ? .given(mean: mean, variance: variance)
            : .batch { report?.add($0, $1, $2) })
        (result.bias, result.scale, result.shift) = (bias, scale, shift)
        result.stride = (stride, stride)
        result.padding = padding(stage)
        result.epsilon = 1e-3
        result.activation = activations[stage]
        return result
      }
      return convolutionBlock(
        inputs[0], stages, residual: residual ? inputs.last : nil, pooling: pooling)
    }

    func separate(_ inputs: [Tensor], _ report: Report? = nil) -> Tensor {
      var x = inputs[0]
      for stage in channels.indices {
        let (weight, bias, scale, shift) = part(inputs, stage)
        let (mean, variance) = given(stage)
        x = conv2d(x, weight, bias: bias, stride: (stride, stride), padding: padding(stage))
        x =
          frozen
          ? batchNormInference(
            x, mean: mean, variance: variance, scale: scale, shift: shift, epsilon: 1e-3,
            relu: false)
          : batchNormTraining(
            x, scale: scale, shift: shift, epsilon: 1e-3, relu: false,
            statistics: { report?.add($0, $1, $2) })
        if residual, stage == channels.count - 1 { x = x + inputs.last! }
        x = activations[stage](x)
      }
      return pooling ? maxPool2d(x, kernel: (2, 2)) : x
    }

    /// How far two ways to compute the block may be apart, of the largest number: both round the
    /// sums of each convolution, going forward and, for gradients, twice more; and what normalizes
    /// and activates rounds as 9 more terms do.
    func bound(gradients: Bool) -> Float {
      func one(_ terms: Int, _ kernel: Int) -> Double {
        kernel == 3 && stride == 1
          ? Rounding.bound(terms: terms + 9, .winograd(tile: 4))
          : Rounding.bound(terms: terms * kernel * kernel + 9)
      }
      var squares = 0.0
      var (inputs, sides) = (shape[1], [shape[2], shape[3]])
      for (outputs, kernel) in zip(channels, kernels) {
        sides = sides.map { ($0 + kernel / 2 * 2 - kernel) / stride + 1 }
        var terms = [one(inputs, kernel)]
        if gradients {
          let results = shape[0] * sides[0] * sides[1]
          terms.append(one(outputs, kernel))
          terms.append(
            Rounding.bound(
              terms: results + 9, kernel == 3 && stride == 1 ? .winograd(tile: 4) : .chain))
        }
        squares += terms.reduce(0) { $0 + $1 * $1 }
        inputs = outputs
      }
      return Float(2 * squares.squareRoot())
    }

    /// The inputs that are biases in front of the batch's own statistics: their gradient is 0.
    var idle: Set<Int> { bias && !frozen ? Set(channels.indices.map { 2 + 4 * $0 }) : [] }
  }

  /// Takes note of statistics.
  final class Report: Sendable {
    let all = Mutex<[(mean: [Float], variance: [Float], count: Int)]>([])
    func add(_ mean: Tensor, _ variance: Tensor, _ count: Int) {
      all.withLock { $0.append((mean.floats, variance.floats, count)) }
    }
  }

  static let forms: [Form] = [
    Form(), Form(pooling: true), Form(residual: true), Form(residual: true, pooling: true),
    Form(frozen: true), Form(residual: true, pooling: true, frozen: true),
    Form(activations: [.swish, .swish], residual: true, pooling: true),
    Form(activations: [.relu6, .leaky(0.1)], pooling: true, bias: false),
    Form(activations: [.identity, .identity], residual: true, frozen: true, bias: false),
    Form(shape: [1, 1, 6, 6], channels: [1, 3, 1], activations: [.relu, .swish, .relu]),
    Form(shape: [1, 16, 8, 12], channels: [16, 32], pooling: true),
    Form(shape: [2, 32, 12, 9], channels: [16], activations: [.relu], residual: true),
    Form(shape: [3, 17, 5, 5], channels: [16, 17], kernels: [1, 1], residual: true),
    Form(
      shape: [2, 34, 9, 7], channels: [17, 20, 34], activations: [.relu, .relu, .relu],
      kernels: [1, 3, 1], residual: true),
    Form(
      shape: [2, 3, 6, 8], channels: [100, 1], activations: [.swish, .leaky(0.1)], kernels: [1, 1],
      residual: true, pooling: true, frozen: true),
    Form(
      shape: [1, 1, 1, 1], channels: [1, 3], activations: [.relu6, .identity], kernels: [1, 1],
      frozen: true),
    Form(shape: [2, 8, 11, 10], channels: [12, 20], stride: 2, pooling: true),
    Form(shape: [4, 3, 2, 2], channels: [40, 3], pooling: true),
    Form(
      shape: [2, 18, 9, 7], channels: [20, 33], kernels: [1, 1], stride: 2, residual: true,
      bias: false),
    Form(
      shape: [3, 5, 8, 1], channels: [16], activations: [.swish], kernels: [1], stride: 3,
      frozen: true),
  ]

  @Test(arguments: forms)
  func equalsSeparateOperations(_ form: Form) {
    let inputs = form.inputs
    var results: [(y: Tensor, gradients: [Tensor])] = []
    let reports = [Report(), Report()]
    for (function, report) in zip([form.fused, form.separate], reports) {
      var y = Tensor(0)
      let gradients = gradients(at: inputs) { inputs in
        y = function(inputs, report)
        return (y * random(y.shape, seed: 7)).sum()
      }.gradients
      results.append((y.detached(), gradients))
    }
    let bounds = (form.bound(gradients: false), form.bound(gradients: true))
    expectClose(results[0].y, results[1].y, relative: bounds.0, "\(form)")
    for index in inputs.indices {
      if form.idle.contains(index) {
        #expect(results[0].gradients[index].floats.allSatisfy { $0 == 0 })
      } else {
        expectClose(
          results[0].gradients[index], results[1].gradients[index], relative: bounds.1,
          "\(form): gradient \(index)")
      }
    }
    let (own, other) = (reports[0].all.withLock { $0 }, reports[1].all.withLock { $0 })
    #expect(own.count == (form.frozen ? 0 : form.channels.count) && own.count == other.count)
    for (own, other) in zip(own, other) {
      expectClose(own.mean, other.mean, relative: bounds.0)
      expectClose(own.variance, other.variance, relative: 2 * bounds.0)
      #expect(own.count == other.count)
    }
  }

  @Test(arguments: forms.filter { $0.shape.elements < 400 })
  func withoutATapeItIsTheSame(_ form: Form) {
    let inputs = form.inputs
    let recorded = gradients(at: inputs) { inputs in form.fused(inputs).sum() }.value
    let plain = withoutGradients { form.fused(inputs).sum() }
    #expect(recorded.item == plain.item)
  }

  /// Only what is asked for is computed: a frozen first stage ends the walk.
  @Test func gradientsOfSomeInputsAreThoseOfAll() {
    for form in [Form(residual: true, pooling: true), Form(), Form(frozen: true)] {
      let inputs = form.inputs
      let weights = random(form.fused(inputs).shape, seed: 3)
      let all = gradients(at: inputs) { (form.fused($0) * weights).sum() }.gradients
      for index in inputs.indices {
        let one = gradients(at: [inputs[index]]) { single in
          var inputs = inputs
          inputs[index] = single[0]
          return (form.fused(inputs) * weights).sum()
        }.gradients[0]
        expectClose(one, all[index], relative: 1e-6, "input \(index)")
      }
    }
  }

  /// The gradient of an input that is the residual as well is the sum of both.
  @Test(arguments: [
    Form(shape: [2, 17, 6, 5], channels: [16, 17], kernels: [1, 1], residual: true),
    Form(shape: [2, 16, 9, 7], channels: [16], activations: [.swish], residual: true),
    Form(shape: [1, 3, 5, 4], channels: [5, 3], residual: true, pooling: true, frozen: true),
    Form(shape: [2, 6, 1, 1], channels: [6], activations: [.relu], kernels: [5], residual: true),
  ])
  func anInputThatIsTheResidualGetsBothGradients(_ form: Form) {
    let inputs = Array(form.inputs.dropLast())
    let both = gradients(at: inputs) { form.fused($0 + [$0[0]]).sum() }
    let apart = gradients(at: inputs + [inputs[0]]) { form.fused($0).sum() }
    expectClose(both.value, apart.value, relative: 1e-6)
    expectClose(
      both.gradients[0], apart.gradients[0] + apart.gradients[inputs.count], relative: 1e-5)
    expectClose(both.gradients[1], apart.gradients[1], relative: 1e-5)
  }

  /// A bias in front of the batch's own statistics changes nothing, so its differences
  /// are only rounding.
  static let smooth =
    [Form(shape: [2, 2, 4, 4], channels: [3, 2], activations: [.swish, .swish], bias: false)]
    + [(false, false), (true, false), (false, true), (true, true)].map {
      Form(
        shape: [2, 2, 5, 4], channels: [3, 2], activations: [.swish, .identity], residual: $0.0,
        frozen: $0.1, bias: $0.1)
    }
    + [
      Form(
        shape: [2, 3, 3, 4], channels: [2, 3, 3], activations: [.swish, .swish, .identity],
        kernels: [1, 3, 1], residual: true, bias: false)
    ]

  @Test(arguments: smooth)
  func gradientMatchesFiniteDifferences(_ form: Form) {
    expectGradient(at: form.inputs, step: 2e-2, tolerance: 1e-2) { form.fused($0) }
  }

  @Test func anyNumberOfThreadsGivesTheSameBits() {
    // Weights' gradients are the convolution kernels' own affair.
    let form = Form(
      shape: [2, 16, 20, 20], channels: [32, 16, 16], activations: [.relu, .relu, .relu],
      kernels: [3, 3, 1], residual: true, pooling: true)
    let inputs = form.inputs
    let threads = Parallel.threads
    defer { Parallel.threads = threads }
    let results = [1, 2, 3].map { count -> [[Float]] in
      Parallel.threads = count
      var y = Tensor(0)
      let gradients = gradients(at: inputs) { inputs in
        y = form.fused(inputs)
        return (y * y).sum()
      }.gradients
      return [y.floats, gradients[0].floats, gradients[3].floats, gradients.last!.floats]
    }
    #expect(results[0] == results[1] && results[1] == results[2])
  }

  @Test func notANumberPasses() {
    for form in [Form(), Form(residual: true, pooling: true)] {
      var inputs = form.inputs
      var values = inputs[0].floats
      values[0] = .nan
      inputs[0] = Tensor(values, form.shape)
      let (_, gradients) = gradients(at: inputs) { form.fused($0).sum() }
      // Every channel of the first stage sees it, and through the statistics every pixel.
      #expect(withoutGradients { form.fused(inputs) }.floats.allSatisfy { $0.isNaN })
      #expect(gradients[0].floats.allSatisfy { $0.isNaN })
      #expect(gradients[1].floats.allSatisfy { $0.isNaN })
    }
  }

  @Test func onlyTheConvolutionsResultsAreKept() {
    let form = Form(shape: [2, 16, 32, 32], channels: [16, 16], pooling: true)
    let map = form.inputs[0].bytes
    func kept(_ operation: some TensorOperation, _ inputs: [Tensor]) -> Int {
      var saved = Saved(
        isRecording: true, needs: inputs.map { _ in true }, shapes: inputs.map(\.shape))
      _ = operation.forward(inputs, &saved)
      return (0..<saved.count).map { saved[$0].bytes }.reduce(0, +)
    }
    var attributes = ConvolutionAttributes()
    attributes.before = [1, 1]
    attributes.after = [1, 1]
    let stage = ConvolutionBlock.Stage(
      attributes: attributes, hasBias: true, epsilon: 1e-3, activation: .relu,
      statistics: .batch { _, _, _ in })
    let block = ConvolutionBlock(stages: [stage, stage], hasResidual: false, pools: true)
    let bytes = kept(block, form.inputs)
    let weights = 2 * form.inputs[1].bytes
    #expect(bytes >= 3 * map && bytes < 3 * map + weights + map / 20)
  }

  // MARK: PyTorch

  private static let golden: GoldenFile = {
    do { return try GoldenFile("golden/convolution_block.safetensors") } catch {
      fatalError("\(error)")
    }
  }()

  struct Attributes: Decodable, Sendable {
    let activations: [String]
    let kernels: [Int]
    let residual, pool, train: Bool
    let eps: Float
    /// How far PyTorch's own float32 is off.
    let errors: [String: Float]

    func tolerance(_ part: String, _ tensor: Tensor) -> Float {
      max(1e-5 * abs(tensor).max().item, Rounding.bound(enlarged: errors[part] ?? 0))
    }
  }

  static let cases: [String: Attributes] = {
    do { return try golden.json("cases") } catch { fatalError("\(error)") }
  }()

  private static let named: [String: Activation] = [
    "identity": .identity, "relu": .relu, "relu6": .relu6, "swish": .swish, "leaky": .leaky(0.1),
  ]

  @Test(arguments: cases.keys.sorted())
  func matchesPyTorch(_ name: String) throws {
    let attributes = try #require(Self.cases[name])
    func tensor(_ part: String) -> Tensor { Self.golden["\(name)/\(part)"] }
    let names =
      ["x"]
      + attributes.kernels.indices.flatMap { ["w\($0)", "c\($0)", "gamma\($0)", "beta\($0)"] }
      + (attributes.residual ? ["r"] : [])
    let inputs = names.map { tensor($0) }
    let report = Report()
    var y = Tensor(0)
    let gradients = gradients(at: inputs) { inputs in
      let stages = attributes.kernels.indices.map { i -> ConvolutionStage in
        let side = attributes.kernels[i] / 2
        var stage = ConvolutionStage(
          weight: inputs[1 + 4 * i],
          statistics: attributes.train
            ? .batch { report.add($0, $1, $2) }
            : .given(mean: tensor("mean\(i)"), variance: tensor("var\(i)")))
        stage.bias = inputs[2 + 4 * i]
        stage.scale = inputs[3 + 4 * i]
        stage.shift = inputs[4 + 4 * i]
        stage.padding = (side, side, side, side)
        stage.epsilon = attributes.eps
        stage.activation = Self.named[attributes.activations[i]]!
        return stage
      }
      y = convolutionBlock(
        inputs[0], stages, residual: attributes.residual ? inputs.last : nil,
        pooling: attributes.pool)
      return (y * tensor("gy")).sum()
    }.gradients
    expectClose(y, tensor("y"), absolute: attributes.tolerance("y", tensor("y")), "y")
    for (index, part) in names.enumerated() {
      guard Self.golden.tensors["\(name)/g\(part)"] != nil else {
        #expect(attributes.train && part.hasPrefix("c"))
        continue
      }
      let expected = tensor("g\(part)")
      expectClose(
        gradients[index], expected, absolute: attributes.tolerance("g\(part)", expected), "g\(part)"
      )
    }
    // PyTorch keeps (1 - 0.1) old + 0.1 new, with the unbiased variance.
    for (i, own) in report.all.withLock({ $0 }).enumerated() {
      let n = Float(own.count)
      let mean = tensor("mean\(i)") * 0.9 + Tensor(own.mean) * 0.1
      let variance = tensor("var\(i)") * 0.9 + Tensor(own.variance) * (0.1 * n / (n - 1))
      expectClose(mean, tensor("mean\(i)_1"))
      expectClose(variance, tensor("var\(i)_1"))
    }
    #expect(report.all.withLock { $0.count } == (attributes.train ? attributes.kernels.count : 0))
  }

  // MARK: What layers call at the end of a residual block

  @Test func sumIsAdditionAndActivation() {
    for shape in [[2, 17, 5, 4], [3, 4]] as [Shape] {
      for activation in FusedNormalizationTests.activations {
        let (a, b) = (random(shape, seed: 1, in: -4...8), random(shape, seed: 2).channelsLast())
        let expected = activation(a + b)
        let before = a.floats
        expectClose(
          withoutGradients { sum(a, b, activation: activation) }, expected, relative: 1e-6)
        expectClose(
          withoutGradients { sum(a.channelsLast() * 1, b, activation: activation) }, expected,
          relative: 1e-6)
        #expect(a.floats == before)
      }
    }
    expectGradient(at: [random([2, 3, 2, 2], seed: 3) * 3, random([2, 3, 2, 2], seed: 4)]) {
      sum($0[0], $0[1], activation: .swish)
    }
  }

  @Test func whatDoesNotFitStops() async {
    expectStopped(
      saying: "conv2d: expected a weight [out, 3 / 1 groups, height, width]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = convolutionBlock(
          .zeros([1, 3, 8, 8]),
          [ConvolutionStage(weight: .zeros([4, 2, 3, 3]), statistics: .batch { _, _, _ in })])
      })
    expectStopped(
      saying:
        "convolutionBlock: expected a residual float32 [1, 4, 6, 6], got float32 [1, 4, 8, 8]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = convolutionBlock(
          .zeros([1, 3, 8, 8]),
          [ConvolutionStage(weight: .zeros([4, 3, 3, 3]), statistics: .batch { _, _, _ in })],
          residual: .zeros([1, 4, 8, 8]))
      })
    expectStopped(
      saying: "maxPool2d: expected pictures at least as large as the window (2, 2)",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = convolutionBlock(
          .zeros([1, 3, 3, 3]),
          [ConvolutionStage(weight: .zeros([4, 3, 3, 3]), statistics: .batch { _, _, _ in })],
          pooling: true)
      })
  }
}
