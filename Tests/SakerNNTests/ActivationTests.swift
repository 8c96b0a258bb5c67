import Foundation
import SakerNN
import SakerTensor
import TestSupport
import Testing

/// Activations against PyTorch (Scripts/golden/activations.py), far out, and in low precision.
struct ActivationTests {
  private static let layers: [String: @Sendable () -> any Layer] = [
    "sigmoid": { Sigmoid() }, "tanh": { Tanh() }, "relu": { ReLU() }, "elu": { ELU(alpha: 0.7) },
    "selu": { SELU() }, "swish": { Swish(beta: 1.5) }, "silu": { Swish() },
    "hardswish": { HardSwish() }, "hardsigmoid": { HardSigmoid() }, "hardtanh": { HardTanh() },
    "hardtanh_wide": { HardTanh(from: -0.5, to: 2) }, "gelu": { GELU() },
    "gelu_tanh": { GELU(.tanh) }, "mish": { Mish() }, "softplus": { Softplus() },
    "softplus_beta": { Softplus(beta: 2.5) }, "softsign": { Softsign() },
    "logsigmoid": { LogSigmoid() },
  ]

  private static let functions: [String: @Sendable (Tensor) -> Tensor] = [
    "relu6": { relu6($0) }, "leaky_relu": { leakyReLU($0, slope: 0.1) }, "erf": { erf($0) },
    "sin": { sin($0) }, "cos": { cos($0) },
  ]

  static func function(_ name: String) -> ((Tensor) -> Tensor)? {
    guard let layer = layers[name]?() else { return functions[name] }
    return { x in layer(x) }
  }

  @Test(arguments: GoldenCase.all("activations", "plain"))
  func matchesPyTorch(_ golden: GoldenCase) throws {
    let function = try #require(ActivationTests.function(golden.name))
    golden.expectLayer { function($0) }
  }

  /// At ±10⁴ and where exponentials over- and underflow: value and slope, each by its own size.
  @Test(arguments: GoldenCase.all("activations", "far"))
  func isStableFarOut(_ golden: GoldenCase) throws {
    let function = try #require(ActivationTests.function(String(golden.name.dropFirst(4))))
    let x = Parameter(golden["x"])
    let y = function(x.value)
    y.sum().backward()
    // What is a millionth of 1 may be 0: products with exponentials end there.
    expectClose(y, golden["y"], relative: 1e-5, absolute: 1e-6, "\(golden.name) y")
    expectClose(
      x.gradient!, golden["slope"], relative: 1e-5, absolute: 1e-6, "\(golden.name) slope")
  }

  /// bfloat16 in and out: float32's result, rounded, also far out.
  @Test(arguments: GoldenCase.all("activations", "far"))
  func isStableInLowPrecision(_ golden: GoldenCase) throws {
    let function = try #require(ActivationTests.function(String(golden.name.dropFirst(4))))
    for dtype in [DType.bfloat16, .float16] {
      let x = Parameter(golden["x"].converted(to: dtype))
      let y = function(x.value)
      #expect(y.dtype == dtype)
      y.sum().backward()
      let exact = Parameter(x.value.detached().converted(to: .float32))
      let expected = function(exact.value)
      expected.sum().backward()
      let digit: Float = dtype == .bfloat16 ? 0x1p-7 : 0x1p-10
      expectClose(
        y.converted(to: .float32), expected.detached(), relative: digit, absolute: digit,
        "\(golden.name) \(dtype)")
      expectClose(
        x.gradient!.converted(to: .float32), exact.gradient!, relative: 2 * digit,
        absolute: 2 * digit, "\(golden.name) \(dtype) slope")
    }
  }

  @Test(arguments: GoldenCase.all("activations", "softmax", "log_softmax", "glu"))
  func alongAnAxis(_ golden: GoldenCase) {
    let axis = Int(golden.number("axis")!)
    let layer: any Layer =
      switch golden.text("op") {
      case "softmax": Softmax(axis: axis)
      case "glu": GLU(axis: axis)
      default: LogSoftmax(axis: axis)
      }
    golden.expectLayer { layer($0) }
  }

  @Test(arguments: GoldenCase.all("activations", "prelu", "swish_learned"))
  func withParameters(_ golden: GoldenCase) {
    let parameters = golden["p"].count
    let prelu = PReLU(parameters)
    let swish = Swish(learning: parameters)
    let isPReLU = golden.text("op") == "prelu"
    let parameter = isPReLU ? prelu.weight : swish.beta!
    let layer: any Layer = isPReLU ? prelu : swish
    parameter.value = golden["p"]
    golden.expectLayer([("p", parameter)]) { layer($0) }
    parameter.gradient = nil
    golden.expectLayer([("p", parameter)]) { layer($0.channelsLast()) }
  }

  @Test func namesAndStarts() {
    #expect(PReLU(3).namedParameters.map(\.name) == ["weight"])
    #expect(PReLU(3).weight.value.floats == [0.25, 0.25, 0.25])
    #expect(Swish(learning: 1).namedParameters.map(\.name) == ["beta"])
    #expect(Swish().parameters.isEmpty)
  }

  private static let large: [(Shape, Int)] = [
    ([3, 20, 70, 30], 20), ([3, 4, 150, 70], 4), ([200_000], 1),
  ]

  /// Sums over more than one block of memory, bit for bit for any number of threads.
  @Test(arguments: large)
  func learnedParametersOfLargeMaps(_ shape: Shape, _ parameters: Int) {
    let before = Parallel.threads
    defer { Parallel.threads = before }
    let x = random(shape, seed: 1, in: -1...2)
    for input in [x, x.channelsLast()] {
      let gradients = [1, 2].map { threads in
        Parallel.threads = threads
        let layer = PReLU(parameters)
        layer(input).sum().backward()
        return layer.weight.gradient!.floats
      }
      #expect(gradients[0] == gradients[1])
      let negative = minimum(x, .zeros([]))
      let expected =
        parameters == 1
        ? negative.sum().reshape([1])
        : negative.sum(axes: (0..<shape.rank).filter { $0 != 1 })
      expectClose(Tensor(gradients[0]), expected)
    }
  }

  /// The slope 0.25 at the bend is 0: E62's split includes 0.
  @Test func atTheBend() {
    let x = Parameter(Tensor([0, -0.0] as [Float]))
    prelu(x.value, slope: Tensor(0.3)).sum().backward()
    expectClose(x.gradient!, [0.3, 0.3])
    #expect(sigmoid(Tensor([0] as [Float])).floats == [0.5])
    #expect(selu(Tensor([0] as [Float])).floats == [0])
  }

  /// ReLU6 needs three bits before the point; x ReLU6(x + 3) / 6 by hand.
  @Test func byHand() {
    let x = Tensor([-4, -3, -1, 0, 1, 3, 4] as [Float])
    expectClose(hardSwish(x), [0, 0, -1 / 3, 0, 2 / 3, 3, 4])
    expectClose(hardSigmoid(x), [0, 0, 1 / 3, 0.5, 2 / 3, 1, 1])
    expectClose(softsign(x), [-0.8, -0.75, -0.5, 0, 0.5, 0.75, 0.8])
    expectClose(hardTanh(x), [-1, -1, -1, 0, 1, 1, 1])
    expectClose(glu(Tensor([3, 5, 0, -1e4] as [Float])), [1.5, 0])
    // Swish is not monotone: its least value is near -1.278.
    let around = Tensor([-1.4, -1.278, -1.1] as [Float])
    let y = silu(around).floats
    #expect(y[1] < y[0] && y[1] < y[2] && abs(y[1] + 0.2785) < 1e-4)
  }

  /// Mean 0 and variance 1 stay: SELU's fixed point.
  @Test func seluKeepsMeanAndVariance() {
    var source = Random(seed: 1)
    let y = selu(.normal([1_000_000], using: &source))
    #expect(abs(y.mean().item) < 5e-3)
    #expect(abs(y.variance().item - 1) < 1e-2)
  }

  @Test func infinitiesAndNaN() {
    let x = Tensor([-.infinity, .infinity, .nan] as [Float])
    func values(_ y: Tensor) -> [String] {
      y.floats.map { $0.isNaN ? "nan" : "\($0 == 0 ? 0 : $0)" }
    }
    #expect(values(gelu(x)) == ["0.0", "inf", "nan"])
    #expect(values(erf(x)) == ["-1.0", "1.0", "nan"])
    #expect(values(softsign(x)) == ["-1.0", "1.0", "nan"])
    #expect(values(hardSigmoid(x)) == ["0.0", "1.0", "nan"])
    #expect(values(sin(x)) == ["nan", "nan", "nan"])
    #expect(values(selu(x)) == ["-1.7580993", "inf", "nan"])
  }

  /// The vector loops against libm: units in the last place of the result, or of 1
  /// where it is small.
  @Test func vectorFunctionsAreExact() {
    let x = Tensor.linspace(-30, 30, count: 300_001)
    let cases: [(String, Tensor, (Double) -> Double)] = [
      ("erf", erf(x), { Foundation.erf($0) }), ("sin", sin(x), { Foundation.sin($0) }),
      ("cos", cos(x), { Foundation.cos($0) }),
      ("sin far", sin(x * 250), { Foundation.sin(Double(Float($0) * 250)) }),
      ("sin very far", sin(x * 1e6), { Foundation.sin(Double(Float($0) * 1e6)) }),
      ("gelu", gelu(x), { $0 * 0.5 * erfc(-$0 / 2.0.squareRoot()) }),
      ("softplus", softplus(x), { max($0, 0) + Foundation.log1p(Foundation.exp(-Swift.abs($0))) }),
      ("mish", mish(x), { $0 * Foundation.tanh(Foundation.log1p(Foundation.exp($0))) }),
    ]
    for (name, y, exact) in cases {
      var worst = 0.0
      for (x, y) in zip(x.floats, y.floats) {
        let expected = exact(Double(x))
        worst = max(worst, abs(Double(y) - expected) / max(abs(expected), 0.5))
      }
      #expect(worst < 4e-7, "\(name): \(worst)")
    }
    // The tail keeps its digits.
    let tail = Tensor([-4, -6, -9, -12] as [Float])
    let expected = tail.floats.map {
      Float(Double($0) * 0.5 * erfc(-Double($0) / 2.0.squareRoot()))
    }
    #expect(abs(softplus(Tensor(-60)).item / 8.756_510_8e-27 - 1) < 1e-5)
    for (y, exact) in zip(gelu(tail).floats, expected) { #expect(abs(y / exact - 1) < 1e-5) }
  }

  @Test func wrongInputStops() async {
    expectStopped(
      saying: "glu: expected an even size along axis 1, got [2, 3]",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = glu(.ones([2, 3]))
      })
    expectStopped(
      saying: "selu: expected a floating tensor, got int64",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = selu(.ones([2], .int64))
      })
  }

  @Test func fileHasCases() { #expect(GoldenCase.all("activations").count >= 65) }
}
