/// Convolutions, each with batch norm and an activation behind it, as one operation. Its inputs:
/// `x`; for each stage weight, bias (if it has one), γ and β; the residual (if there is one).
///
/// Only `x` and the convolutions' own results are kept. The normalized maps between them are
/// computed again where they are needed, while a convolution loads them if its kernel can: a pass
/// over memory costs more than their arithmetic.
struct ConvolutionBlock: TensorOperation {
  struct Stage: Sendable {
    let attributes: ConvolutionAttributes
    let hasBias: Bool
    let epsilon: Float
    let activation: Activation
    let statistics: ConvolutionStage.Statistics

    var inputs: Int { hasBias ? 4 : 3 }
  }

  let stages: [Stage]
  let hasResidual: Bool
  /// The residual is `x` itself: then one gradient is that of both, added up where the
  /// convolution's is computed.
  var residualIsInput = false
  /// The largest of each 2x2 window of the last map.
  let pools: Bool

  /// Where the inputs of each stage begin.
  private var starts: [Int] {
    stages.reduce(into: [1]) { $0.append($0.last! + $1.inputs) }
  }

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    var source = MapSource(inputs[0].channelsLast())
    saved.keep(source.map)
    for (stage, start) in zip(stages, starts) {
      let inputs = inputs[start..<start + stage.inputs].map { $0.contiguous() }
      let normalization: Normalization
      (source, normalization) = stage.forward(source, inputs)
      saved.keep(source.map, normalization.values, inputs[0])
    }
    guard let normalization = source.normalization else { return source.map }
    let residual = hasResidual ? inputs.last?.channelsLast() : nil
    if let residual { saved.keep(residual) }
    return pools
      ? FusedKernels.pooled(source.map, normalization, residual: residual)
      : FusedKernels.normalized(source.map, normalization, residual: residual)
  }

  /// Stage by stage, the last one first: the sums over the gradient of a normalized map are the
  /// gradients of γ and β and give that of the convolution's result (see
  /// `saker_normalization_gradient`), which gives those of its inputs.
  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    var result = [Tensor?](repeating: nil, count: saved.needs.count)
    let starts = starts
    var (source, sums) = lastGradient(
      gradient.converted(to: saved[0].dtype).channelsLast(), saved, &result)
    var direct: Tensor?
    if residualIsInput, saved.needs[0] {
      direct = result[result.count - 1]
      result[result.count - 1] = nil
    }
    for index in stages.indices.reversed() {
      let (stage, start) = (stages[index], starts[index])
      stage.setVectors(&result, start, sums, normalization(index, saved), saved.needs)
      let input = input(of: index, saved)
      let weight = saved[3 * index + 3]
      let goesOn = saved.needs[..<start].contains(true)
      guard goesOn || saved.needs[start] else { break }
      FusedKernels.prepare(&source, input.map.shape, weight.shape, stage.attributes)
      if saved.needs[start] {
        result[start] = FusedKernels.backwardWeights(
          input, source, weight.shape, stage.attributes)
      }
      guard goesOn else { break }
      let (dx, dxSums) = FusedKernels.backwardData(
        source, weight, input.map.shape, stage.attributes,
        wantsSumsFor: index > 0 ? input : nil, adding: index == 0 ? direct : nil)
      guard index > 0, let dxSums else {
        result[0] = dx
        break
      }
      sums = dxSums
      source = GradientSource(gradient: dx, pending: pending(index - 1, sums, saved))
    }
    return result
  }

  /// The gradient of the last convolution's result for that of the block's, and the sums over it;
  /// sets the residual's.
  private func lastGradient(
    _ gradient: Tensor, _ saved: Saved, _ result: inout [Tensor?]
  ) -> (GradientSource, GradientSums) {
    let last = stages.count - 1
    let (map, normalization) = (saved[3 * last + 1], normalization(last, saved))
    let residual = hasResidual ? saved[saved.count - 1] : nil
    let (sums, dv) =
      pools
      ? FusedKernels.pooledSums(gradient, map, normalization, residual: residual)
      : FusedKernels.sums(gradient, map, normalization, residual: residual)
    let pending = pending(last, sums, saved)
    if let dv {
      if saved.needs[saved.needs.count - 1] { result[result.count - 1] = dv }
      return (GradientSource(gradient: dv, pending: pending.linear), sums)
    }
    if pools {
      return (GradientSource(gradient: FusedKernels.pooledGradient(gradient, pending)), sums)
    }
    return (GradientSource(gradient: gradient, pending: pending), sums)
  }

  // MARK: What was kept

  // First x, then of each stage its convolution's result, the normalization and the weight,
  // then the residual.

  private func normalization(_ index: Int, _ saved: Saved) -> Normalization {
    Normalization(values: saved[3 * index + 2], activation: stages[index].activation)
  }

  private func input(of index: Int, _ saved: Saved) -> MapSource {
    index == 0
      ? MapSource(saved[0]) : MapSource(saved[3 * index - 2], normalization(index - 1, saved))
  }

  private func pending(
    _ index: Int, _ sums: GradientSums, _ saved: Saved
  ) -> GradientSource.Pending {
    let (raw, normalization) = (saved[3 * index + 1], normalization(index, saved))
    return GradientSource.Pending(
      raw: raw, normalization: normalization,
      coefficients: sums.coefficients(
        normalization, count: stages[index].isFrozen ? nil : raw.count / raw.shape[1]))
  }
}

extension ConvolutionBlock.Stage {
  /// Whether the statistics are constants.
  fileprivate var isFrozen: Bool {
    if case .given = statistics { true } else { false }
  }

  /// The convolution of `x`, and what normalizes it.
  fileprivate func forward(
    _ x: MapSource, _ inputs: [Tensor]
  ) -> (MapSource, Normalization) {
    let (scale, shift) = (inputs[inputs.count - 2], inputs[inputs.count - 1])
    let (y, own) = FusedKernels.forward(
      x, inputs[0], hasBias ? inputs[1] : nil, attributes, wantsStatistics: !isFrozen)
    let mean: Tensor
    let variance: Tensor
    switch statistics {
    case .given(let givenMean, let givenVariance):
      (mean, variance) = (givenMean, givenVariance)
    case .batch(let report):
      let own = own ?? FusedKernels.statistics(y)
      (mean, variance) = (own.mean, own.variance)
      report(mean, variance, own.count)
    }
    let normalization = Normalization(
      mean: mean, variance: variance, scale: scale, shift: shift, epsilon: epsilon,
      activation: activation)
    return (MapSource(y, normalization), normalization)
  }

  /// Sets the gradients of bias, γ and β, whose inputs begin at `start`. A bias in front of the
  /// batch's own statistics moves nothing but their mean: its gradient is 0.
  fileprivate func setVectors(
    _ result: inout [Tensor?], _ start: Int, _ sums: GradientSums, _ by: Normalization,
    _ needs: [Bool]
  ) {
    let channels = by.channels
    let end = start + inputs
    if needs[end - 2] { result[end - 2] = Tensor(sums.scale.map { Float($0) }) }
    if needs[end - 1] { result[end - 1] = Tensor(sums.shift.map { Float($0) }) }
    guard hasBias, needs[start + 1] else { return }
    let scale = by.values.pointer(Float.self) + 2 * channels
    result[start + 1] =
      isFrozen
      ? Tensor((0..<channels).map { Float(Double(scale[$0]) * sums.shift[$0]) })
      : .zeros([channels])
  }
}

extension GradientSource.Pending {
  /// For a gradient that has passed the activation.
  fileprivate var linear: GradientSource.Pending {
    GradientSource.Pending(
      raw: raw, normalization: normalization.linear, coefficients: coefficients)
  }
}

// MARK: - As layers call it

/// A convolution with batch norm and an activation behind it, part of a `convolutionBlock`.
public struct ConvolutionStage: Sendable {
  /// What normalizes the convolution's result.
  public enum Statistics: Sendable {
    /// The batch's own mean and biased variance of each channel, `[C]`, reported with the number of
    /// values they are over.
    case batch(report: @Sendable (_ mean: Tensor, _ biasedVariance: Tensor, _ count: Int) -> Void)
    /// Constants, `[C]`.
    case given(mean: Tensor, variance: Tensor)
  }

  /// `[out, in / groups, height, width]`
  public var weight: Tensor
  /// `[out]`
  public var bias: Tensor?
  public var stride = (1, 1)
  public var padding = (top: 0, bottom: 0, left: 0, right: 0)
  public var dilation = (1, 1)
  public var groups = 1
  /// γ and β, `[out]`; 1 and 0 if left out.
  public var scale, shift: Tensor?
  public var epsilon: Float = 1e-5
  public var statistics: Statistics
  public var activation = Activation.identity

  public init(weight: Tensor, statistics: Statistics) {
    self.weight = weight
    self.statistics = statistics
  }
}

/// Stages of convolution, batch norm and activation one after the other; what `conv2d`,
/// `batchNormTraining` or `batchNormInference` and the activations compute, with fewer passes over
/// memory and less that is kept for the gradient.
///
/// - Parameters:
///   - x: `[N, C, H, W]`, float32; or bfloat16 where kernels have it, and then without pooling.
///   - stages: at least one.
///   - residual: added to the last normalized map before its activation, and of its shape. He et
///     al., arXiv:1512.03385.
///   - pooling: gives the largest of each 2x2 window, 2 apart, as `maxPool2d(_, kernel: (2, 2))`.
public func convolutionBlock(
  _ x: Tensor, _ stages: [ConvolutionStage], residual: Tensor? = nil, pooling: Bool = false
) -> Tensor {
  check(
    x.rank == 4 && x.count > 0 && !stages.isEmpty
      && (x.dtype == .float32
        || (x.dtype == .bfloat16 && KernelLibrary.hasBFloat16 && !pooling)),
    op: "convolutionBlock",
    expected: "float32 [N, C, H, W], or bfloat16 without pooling, and at least one stage",
    got: "\(x.dtype) \(x.shape) and \(stages.count)")
  var shape = x.shape
  var inputs = [x]
  var operation: [ConvolutionBlock.Stage] = []
  for stage in stages {
    let (attributes, result) = stage.checked(shape)
    shape = result
    let channels = shape[1]
    inputs.append(stage.weight)
    if let bias = stage.bias { inputs.append(bias) }
    inputs.append(stage.scale ?? .ones([channels]))
    inputs.append(stage.shift ?? .zeros([channels]))
    operation.append(
      ConvolutionBlock.Stage(
        attributes: attributes, hasBias: stage.bias != nil, epsilon: stage.epsilon,
        activation: stage.activation, statistics: stage.statistics.detached))
  }
  if let residual {
    check(
      residual.shape == shape && residual.dtype == x.dtype, op: "convolutionBlock",
      expected: "a residual \(x.dtype) \(shape)", got: "\(residual.dtype) \(residual.shape)")
    inputs.append(residual)
  }
  check(
    !pooling || (shape[2] >= 2 && shape[3] >= 2), op: "maxPool2d",
    expected: "pictures at least as large as the window (2, 2)", got: shape)
  let isInput = residual.map {
    $0.storage === x.storage && $0.node === x.node && $0.hasStrides(x.strides)
  }
  return apply(
    ConvolutionBlock(
      stages: operation, hasResidual: residual != nil, residualIsInput: isInput ?? false,
      pools: pooling), to: inputs)
}

extension ConvolutionStage {
  /// The convolution's attributes, and its result's shape for an input of shape `x`.
  fileprivate func checked(_ x: Shape) -> (ConvolutionAttributes, Shape) {
    check(
      weight.rank == 4 && groups >= 1 && weight.shape[0] % groups == 0
        && x[1] == weight.shape[1] * groups, op: "conv2d",
      expected: "a weight [out, \(x[1]) / \(groups) groups, height, width]", got: weight.shape)
    var attributes = ConvolutionAttributes()
    attributes.stride = [stride.0, stride.1]
    attributes.before = [padding.top, padding.left]
    attributes.after = [padding.bottom, padding.right]
    attributes.dilation = [dilation.0, dilation.1]
    attributes.groups = groups
    check(
      attributes.stride.allSatisfy { $0 >= 1 } && attributes.dilation.allSatisfy { $0 >= 1 }
        && (attributes.before + attributes.after).allSatisfy { $0 >= 0 },
      op: "conv2d", expected: "stride and dilation of at least 1, padding of at least 0",
      got: attributes)
    let result = attributes.output(x, weight.shape)
    check(
      result[2] >= 1 && result[3] >= 1, op: "conv2d",
      expected: "pictures at least as large as the kernel \(weight.shape)", got: x)
    check(
      weight.dtype == .float32, op: "conv2d", expected: "float32 weights", got: weight.dtype)
    var vectors = [bias, scale, shift]
    if case .given(let mean, let variance) = statistics { vectors += [mean, variance] }
    for case let vector? in vectors {
      check(
        vector.dtype == .float32 && vector.shape == [weight.shape[0]], op: "convolutionBlock",
        expected: "float32 vectors of \(weight.shape[0]) channels",
        got: "\(vector.dtype) \(vector.shape)")
    }
    return (attributes, result)
  }
}

extension ConvolutionStage.Statistics {
  fileprivate var detached: Self {
    guard case .given(let mean, let variance) = self else { return self }
    return .given(mean: mean.detached().contiguous(), variance: variance.detached().contiguous())
  }
}
