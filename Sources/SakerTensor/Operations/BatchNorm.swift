import CKernels

/// `scale * (x - mean) / sqrt(variance + epsilon) + shift` for each channel, and a ReLU over it if
/// wanted. Ioffe & Szegedy, arXiv:1502.03167. Mean and biased variance are the batch's own, or
/// given: then they are constants.
struct BatchNorm: TensorOperation {
  let epsilon: Float
  let relu: Bool
  /// Given statistics; the batch's own if `nil`.
  let given: (mean: Tensor, variance: Tensor)?
  /// Called with the batch's statistics.
  let report: (@Sendable (_ mean: Tensor, _ variance: Tensor) -> Void)?

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let x = inputs[0].rank >= 3 ? inputs[0].channelsLast() : inputs[0].contiguous()
    let (scale, shift) = (inputs[1].contiguous(), inputs[2].contiguous())
    if relu, let given, x.dtype == .float32 {
      let y = normalizedPositive(x, scale, shift, given)
      saved.keep(x, scale, given.mean, given.variance, y)
      return y
    }
    // Inference has no batch statistics; oneDNN wants "training" to give them.
    let result = Kernels.batchNorm(
      x, scale: scale, shift: shift, statistics: given, epsilon: epsilon, relu: relu,
      training: saved.isRecording || given == nil)
    if given == nil { report?(result.mean, result.variance) }
    saved.keep(x, scale, result.mean, result.variance)
    if relu, ![scale, shift, result.mean, result.variance].allSatisfy(BatchNorm.isFinite) {
      // oneDNN's ReLU makes 0 of what is no number.
      let y = ReLU.positive(
        Kernels.batchNorm(
          x, scale: scale, shift: shift, statistics: given, epsilon: epsilon, relu: false,
          training: given == nil
        ).y)
      saved.keep(y)
      return y
    }
    if let workspace = result.workspace { saved.keep(workspace) }
    return result.y
  }

  private static func isFinite(_ vector: Tensor) -> Bool {
    vector.withElements(of: Float.self) { $0.allSatisfy(\.isFinite) }
  }

  /// By given statistics, with the ReLU in the same pass.
  private func normalizedPositive(
    _ x: Tensor, _ scale: Tensor, _ shift: Tensor, _ given: (mean: Tensor, variance: Tensor)
  ) -> Tensor {
    let channels = x.shape[1]
    let y = Tensor(uninitialized: x.shape, strides: x.packedStrides)
    let factors = given.variance.withElements(of: Float.self) { variances in
      scale.withElements(of: Float.self) { scales in
        zip(scales, variances).map { $0 / ($1 + epsilon).squareRoot() }
      }
    }
    let (from, to) = (x.pointer(Float.self), y.pointer(Float.self))
    let (means, shifts) = (given.mean.pointer(Float.self), shift.pointer(Float.self))
    KernelTime.measure {
      Parallel.run(x.count / channels, grain: max(1, 16384 / channels)) { part in
        let start = part.lowerBound * channels
        saker_normalize_relu_f32(
          from + start, means, factors, shifts, to + start, part.count, channels)
      }
    }
    return withExtendedLifetime((x, given.mean, shift)) { y }
  }

  /// With x̂ the normalized input and m values a channel: dshift = Σ dy, dscale = Σ dy x̂,
  /// dx = scale / sqrt(variance + epsilon) (dy - dshift / m - x̂ dscale / m); the last two terms
  /// only for the batch's own statistics. The term of the mean through the variance is a sum of
  /// deviations, which is 0.
  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    let x = saved[0]
    let gradient = x.rank >= 3 ? gradient.channelsLast() : gradient.contiguous()
    // Bytes of oneDNN's, or the result itself, which says as well where the ReLU let values
    // through.
    let last = saved.count > 4 ? saved[4] : nil
    let passed = last?.dtype == .uint8 ? nil : last
    let result = Kernels.batchNormBackward(
      passed.map { ReLU.gradient(gradient, result: $0) } ?? gradient, x, scale: saved[1],
      mean: saved[2], variance: saved[3], workspace: passed == nil ? last : nil,
      epsilon: epsilon, relu: relu && passed == nil, hasStatistics: given != nil)
    return [
      saved.needs[0] ? result.x : nil, saved.needs[1] ? result.scale : nil,
      saved.needs[2] ? result.shift : nil,
    ]
  }
}

/// Batch normalization by the batch's own statistics, as in training.
///
/// - Parameters:
///   - x: `[N, C]` or `[N, C, spatial...]`, float32 or bfloat16.
///   - scale, shift: `[C]`, float32; 1 and 0 if left out.
///   - relu: a ReLU over the result; what is no number stays so.
///   - statistics: gets the mean and the biased variance of each channel, `[C]`, and how many
///     values each is over.
public func batchNormTraining(
  _ x: Tensor, scale: Tensor?, shift: Tensor?, epsilon: Float, relu: Bool,
  statistics: @escaping @Sendable (_ mean: Tensor, _ biasedVariance: Tensor, _ count: Int) -> Void
) -> Tensor {
  let count = x.count / max(x.shape.rank > 1 ? x.shape[1] : 1, 1)
  return batchNorm(
    x, nil, scale, shift, epsilon, relu, { mean, variance in statistics(mean, variance, count) })
}

/// Batch normalization by given statistics, as in evaluation: `mean` and `variance` are `[C]`,
/// float32, and constant.
public func batchNormInference(
  _ x: Tensor, mean: Tensor, variance: Tensor, scale: Tensor?, shift: Tensor?, epsilon: Float,
  relu: Bool
) -> Tensor {
  check(
    x.rank >= 2 && mean.shape == [x.shape[1]] && variance.shape == mean.shape, op: "batchNorm",
    expected: "statistics for each channel of \(x.shape)", got: mean.shape)
  return batchNorm(
    x, (mean.detached().contiguous(), variance.detached().contiguous()), scale, shift, epsilon,
    relu, nil)
}

private func batchNorm(
  _ x: Tensor, _ given: (Tensor, Tensor)?, _ scale: Tensor?, _ shift: Tensor?,
  _ epsilon: Float, _ relu: Bool, _ report: (@Sendable (Tensor, Tensor) -> Void)?
) -> Tensor {
  check(
    x.rank >= 2 && x.rank <= 5 && x.count > 0, op: "batchNorm",
    expected: "[N, C] or [N, C, spatial...]", got: x.shape)
  let channels = x.shape[1]
  for vector in [scale, shift] {
    check(
      vector == nil || (vector!.shape == [channels] && vector!.dtype == .float32),
      op: "batchNorm", expected: "a float32 vector of \(channels) channels",
      got: vector!.shape)
  }
  let inputs = [x, scale ?? .ones([channels]), shift ?? .zeros([channels])]
  let operation = BatchNorm(epsilon: epsilon, relu: relu, given: given, report: report)
  if x.dtype == .float32 || (x.dtype == .bfloat16 && Engine.hasBFloat16) {
    return apply(operation, to: inputs)
  }
  return apply(operation, to: [x.converted(to: .float32)] + inputs.dropFirst())
    .converted(to: x.dtype)
}
