import TestSupport
import Testing

@testable import SakerTensor

/// Convolutions with what stands behind them against the same as separate operations. Run with
/// SAKER_CONVOLUTION, SAKER_ISA and ONEDNN_MAX_CPU_ISA set, they test what those name.
@Suite struct ConvolutionInferenceTests {
  struct Form: Sendable, CustomTestStringConvertible {
    var x: Shape
    var out: Int
    var kernel = 3
    var stride = 1
    var padding = 1
    var dilation = 1
    var groups = 1
    var bias = true

    var testDescription: String {
      "\(x) to \(out) by \(kernel), stride \(stride), \(groups) groups"
    }

    var input: Tensor { random(x, seed: 1) }
    var weight: Tensor { random([out, x[1] / groups, kernel, kernel], seed: 2) }
    var vector: Tensor? { bias ? random([out], seed: 3) : nil }
    private var edges: (top: Int, bottom: Int, left: Int, right: Int) {
      (padding, padding, padding, padding)
    }
    private var attributes: ConvolutionAttributes {
      ConvolutionAttributes((stride, stride), edges, (dilation, dilation), groups)
    }

    /// Whether our own kernels compute it, not oneDNN's.
    var isOurs: Bool {
      Winograd.geometry(.inference, x, weight.shape, attributes) != nil
        || Pointwise.alone(x, weight.shape, attributes, .float32) != nil
    }

    /// What rounding explains of a result, by whichever kernel, with the two roundings behind the
    /// sum.
    var bound: Float {
      let terms = x[1] / groups
      return Float(
        isOurs && kernel == 3
          ? Rounding.bound(terms: terms + 2, .winograd(tile: 4))
          : Rounding.bound(terms: terms * kernel * kernel + 2))
    }

    /// activation(convolution + residual) in double precision.
    func exact(_ input: Tensor, _ residual: Tensor, _ activation: (Double) -> Double) -> [Float] {
      zip(exactConvolution(input, weight, vector, attributes), residual.floats).map {
        Float(activation($0 + Double($1)))
      }
    }

    func plain(_ input: Tensor) -> Tensor {
      conv2d(
        input, weight, bias: vector, stride: (stride, stride), padding: edges,
        dilation: (dilation, dilation), groups: groups)
    }

    func fused(
      _ input: Tensor, residual: consuming Tensor? = nil, _ activation: Activation = .identity,
      pooling: Bool = false
    ) -> Tensor {
      conv2dInference(
        input, weight, bias: vector, stride: (stride, stride), padding: edges,
        dilation: (dilation, dilation), groups: groups, residual: consume residual,
        activation: activation, pooling: pooling)
    }
  }

  static let forms = [
    Form(x: [2, 3, 9, 10], out: 17), Form(x: [1, 16, 33, 40], out: 16, bias: false),
    Form(x: [2, 10, 8, 7], out: 6, groups: 2), Form(x: [3, 20, 14, 15], out: 36, groups: 2),
    Form(x: [2, 5, 6, 5], out: 19, kernel: 1, padding: 0),
    Form(x: [1, 17, 9, 11], out: 8, stride: 2), Form(x: [2, 6, 9, 9], out: 6, groups: 6),
    Form(x: [1, 4, 12, 12], out: 5, padding: 2, dilation: 2),
    Form(x: [1, 64, 40, 40], out: 64), Form(x: [1, 1, 2, 3], out: 1),
  ]
  static let activations: [(name: String, Activation)] = [
    ("identity", .identity), ("relu", .relu), ("relu6", .relu6), ("leaky", .leaky(0.1)),
    ("swish", .swish),
  ]

  @Test(arguments: forms)
  func equalsSeparateOperations(_ form: Form) {
    let x = form.input
    let plain = form.plain(x)
    let residual = random(plain.shape, seed: 4, in: -4...4)
    for (name, activation) in ConvolutionInferenceTests.activations {
      for adds in [false, true] {
        let expected = activation(adds ? plain + residual : plain)
        for pooling in [false, true] {
          if pooling && min(plain.shape[2], plain.shape[3]) < 2 { continue }
          let y = form.fused(x, residual: adds ? residual : nil, activation, pooling: pooling)
          expectClose(
            y, pooling ? maxPool2d(expected, kernel: (2, 2)) : expected, relative: 2 * form.bound,
            "\(name), residual \(adds), pooling \(pooling)")
        }
      }
    }
  }

  /// One rounding at the end instead of one after each operation.
  @Test(arguments: forms, [DType.bfloat16, .float16])
  func otherTypesRoundOnce(_ form: Form, _ dtype: DType) {
    let x = form.input.converted(to: dtype)
    let wide = form.plain(x.converted(to: .float32))
    let residual = random(wide.shape, seed: 4, in: -4...4).converted(to: dtype)
    let step: Float = dtype == .bfloat16 ? 0x1p-7 : 0x1p-10
    for (name, activation) in ConvolutionInferenceTests.activations {
      let expected = activation(wide + residual.converted(to: .float32))
      let y = form.fused(x, residual: residual, activation)
      #expect(y.dtype == dtype)
      expectClose(y.converted(to: .float32), expected, relative: step, name)
    }
  }

  /// Where the residual is kept it is added behind the convolution; where it is overwritten, oneDNN
  /// may add the products to it: another order of the same sum. Each is as near to the exact one as
  /// rounding lets it.
  @Test(arguments: [DType.float32, .bfloat16])
  func overwritesAResidualThatNobodyElseSees(_ dtype: DType) {
    // Strided, so that its kernel is one that adds to what stands in the result's place.
    let form = Form(x: [2, 16, 9, 9], out: 16, stride: 2)
    let x = form.input.converted(to: dtype)
    func residual() -> Tensor {
      random([2, 16, 5, 5], seed: 4).converted(to: dtype).channelsLast()
    }
    let kept = residual()
    let y = form.fused(x, residual: kept, .relu)
    #expect(kept.converted(to: .float32).floats == residual().converted(to: .float32).floats)
    #expect(y.raw != kept.raw)

    let given = residual()
    let place = given.raw
    let overwritten = form.fused(x, residual: consume given, .relu)
    #expect(overwritten.raw == place || (dtype == .bfloat16 && !Engine.hasBFloat16))
    let exact = form.exact(
      x.converted(to: .float32), residual().converted(to: .float32), { max($0, 0) })
    // In bfloat16 weights are rounded, too, where its kernels have them so.
    let bound = dtype == .float32 ? form.bound : 2 * Float(Rounding.unit(dtype))
    for result in [y, overwritten] {
      expectClose(result.converted(to: .float32).floats, exact, relative: bound, "\(dtype)")
    }
  }

  /// Our kernels give the same bits with any number of threads; oneDNN's, with the same number.
  @Test func anyNumberOfThreadsGivesTheSameBits() {
    let threads = Parallel.threads
    defer { Parallel.threads = threads }
    let forms = ConvolutionInferenceTests.forms.filter { $0.x[2] > 2 }
    #expect(forms.contains(where: \.isOurs) || Convolutions.setting == .direct)
    for form in forms {
      let residual = random(form.plain(form.input).shape, seed: 4)
      let results = [1, 2, 3, 3].map { count -> [Float] in
        Parallel.threads = count
        return form.fused(form.input, residual: residual, .swish, pooling: true).floats
      }
      #expect(results[2] == results[3], "\(form.testDescription)")
      guard form.isOurs else { continue }
      #expect(results[0] == results[1] && results[0] == results[2], "\(form.testDescription)")
    }
  }

  @Test func stopsWhereItCannotCompute() async {
    expectStopped(
      saying: "conv2dInference: expected withoutGradients, got tensors that are recorded",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let weight = Parameter(.ones([1, 1, 1, 1]))
        _ = conv2dInference(.ones([1, 1, 2, 2]), weight.value)
      })
    expectStopped(
      saying: "conv2dInference: expected a residual float32 [1, 1, 2, 2], got float32 [1, 1, 1, 1]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = conv2dInference(
          .ones([1, 1, 2, 2]), .ones([1, 1, 1, 1]), residual: .ones([1, 1, 1, 1]))
      })
    expectStopped(
      saying:
        "maxPool2d: expected pictures at least as large as the window (2, 2), got [1, 1, 1, 4]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = conv2dInference(.ones([1, 1, 1, 4]), .ones([1, 1, 1, 1]), pooling: true)
      })
  }
}
