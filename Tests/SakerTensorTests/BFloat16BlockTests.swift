import TestSupport
import Testing

@testable import SakerTensor

/// Blocks in bfloat16: each pass is float32's, rounded where it is stored.
@Suite struct BFloat16BlockTests {
  static let shapes: [Shape] = [
    [2, 1, 5, 7], [1, 3, 9, 8], [2, 17, 6, 5], [1, 16, 2, 2], [2, 64, 20, 19], [3, 5, 37, 41],
  ]

  private func half(_ shape: Shape, seed: UInt64) -> Tensor {
    random(shape, seed: seed, in: -3...3).channelsLast().converted(to: .bfloat16)
  }

  private func normalization(_ channels: Int, _ activation: Activation) -> Normalization {
    Normalization(
      mean: random([channels], seed: 11), variance: random([channels], seed: 12, in: 0.5...2),
      scale: random([channels], seed: 13, in: -2...2), shift: random([channels], seed: 14),
      epsilon: 1e-3, activation: activation)
  }

  private func expectRounded(_ half: Tensor, _ full: Tensor) {
    #expect(half.dtype == .bfloat16)
    let rounded = full.converted(to: .bfloat16).converted(to: .float32).floats
    #expect(half.converted(to: .float32).floats == rounded)
  }

  @Test(arguments: shapes, [Activation.relu, .relu6, .leaky(0.2), .swish])
  func passesAreThoseOfFloat32Rounded(_ shape: Shape, _ activation: Activation) {
    let by = normalization(shape[1], activation)
    let (x, residual, dz) = (half(shape, seed: 1), half(shape, seed: 2), half(shape, seed: 3))
    let (fullX, fullResidual) = (x.converted(to: .float32), residual.converted(to: .float32))
    let fullDz = dz.converted(to: .float32)
    let (own, full) = (FusedKernels.statistics(x), FusedKernels.statistics(fullX))
    #expect(own.mean.floats == full.mean.floats && own.variance.floats == full.variance.floats)
    for (residual, fullResidual) in [(nil, nil), (residual, fullResidual)] {
      expectRounded(
        FusedKernels.normalized(x, by, residual: residual),
        FusedKernels.normalized(fullX, by, residual: fullResidual))
      let own = FusedKernels.sums(dz, x, by, residual: residual)
      let full = FusedKernels.sums(fullDz, fullX, by, residual: fullResidual)
      #expect(own.sums.shift == full.sums.shift && own.sums.scale == full.sums.scale)
      #expect((own.dv == nil) == (residual == nil))
      if let dv = own.dv, let fullDv = full.dv { expectRounded(dv, fullDv) }
      let coefficients = own.sums.coefficients(by, count: x.count / shape[1])
      func written(_ dz: Tensor, _ raw: Tensor) -> Tensor {
        GradientSource(
          gradient: dz,
          pending: .init(raw: raw, normalization: by, coefficients: coefficients)
        ).written
      }
      expectRounded(written(dz, x), written(fullDz, fullX))
    }
  }

  @Test func notANumberAndInfinityKeepTheirPlaces() {
    let x = Tensor([.nan, 1, .infinity, -.infinity] as [Float], [1, 1, 2, 2]).channelsLast()
      .converted(to: .bfloat16)
    let by = Normalization(
      mean: .zeros([1]), variance: .ones([1]), scale: .ones([1]), shift: .zeros([1]), epsilon: 0,
      activation: .leaky(0.5))
    let y = FusedKernels.normalized(x, by, residual: nil).converted(to: .float32).floats
    #expect(y[0].isNaN && y[1] == 1 && y[2] == .infinity && y[3] == -.infinity)
  }

  /// Smooth functions: at a kink rounding would decide on which side a value lies.
  static let forms: [FusedConvolutionBlockTests.Form] = [
    .init(activations: [.swish, .swish]),
    .init(activations: [.swish, .identity], residual: true),
    .init(shape: [4, 18, 9, 7], channels: [20, 33], activations: [.swish, .swish], stride: 2),
    .init(
      shape: [2, 34, 9, 7], channels: [17, 20, 34],
      activations: [.swish, .swish, .swish], kernels: [1, 3, 1], residual: true, bias: false),
    .init(
      shape: [2, 34, 9, 7], channels: [40], activations: [.swish], kernels: [1], stride: 2,
      bias: false),
    .init(activations: [.swish, .swish], residual: true, frozen: true, bias: false),
  ]

  @Test(arguments: forms)
  func blocksAreNearFloat32(_ form: FusedConvolutionBlockTests.Form) {
    guard KernelLibrary.hasBFloat16 else { return }
    let full = form.inputs.map { input in
      input.rank == 4 ? input.converted(to: .bfloat16).converted(to: .float32) : input
    }
    let isMap = full.indices.map { $0 == 0 || (form.residual && $0 == full.count - 1) }
    let half = zip(full, isMap).map { $1 ? $0.converted(to: .bfloat16) : $0 }
    func walk(_ inputs: [Tensor]) -> (Tensor, [Tensor]) {
      var y = Tensor(0)
      let result = gradients(at: inputs) { inputs in
        y = form.fused(inputs)
        return (y.converted(to: .float32) * random(y.shape, seed: 7)).sum()
      }
      return (y.detached(), result.gradients)
    }
    let (own, other) = (walk(half), walk(full))
    #expect(own.0.dtype == .bfloat16)
    func error(_ a: Tensor, _ b: Tensor) -> Float {
      let (a, b) = (a.converted(to: .float32).floats, b.floats)
      let difference = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      return (difference / b.reduce(1e-12) { $0 + $1 * $1 }).squareRoot()
    }
    #expect(error(own.0, other.0) < 0.01)
    for index in full.indices {
      #expect(own.1[index].dtype == half[index].dtype)
      if form.idle.contains(index) { continue }
      #expect(error(own.1[index], other.1[index]) < 0.03, "gradient \(index)")
    }
  }

  @Test func poolingIsForFloat32() async {
    expectStopped(
      saying: "bfloat16 without pooling",
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let stage = ConvolutionStage(
          weight: .ones([1, 1, 1, 1]), statistics: .batch(report: { _, _, _ in }))
        _ = convolutionBlock(.ones([1, 1, 4, 4], .bfloat16), [stage], pooling: true)
      })
  }
}
