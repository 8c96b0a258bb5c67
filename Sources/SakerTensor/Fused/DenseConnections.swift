import CKernels

/// The layers of a densely connected block as one operation. Each layer is batch norm, ReLU, 1x1
/// convolution, batch norm, ReLU, 3x3 convolution; it sees the maps of all layers before it and
/// adds its own behind them. Huang et al., arXiv:1608.06993. Inputs: `x`; for each layer γ, β and
/// weight of the one, γ, β and weight of the other.
///
/// All maps lie in one: what a layer adds is written in its place, so nothing is concatenated; a
/// channel's statistics are computed once, for all layers that normalize it; and the normalized
/// maps, of which the layers together would have many times the block's own size, exist only while
/// a convolution loads them. The gradients of all layers gather in one map, too.
struct DenseConnections: TensorOperation {
  struct Layer: Sendable {
    /// ε of the two batch norms, and who hears of their statistics.
    let first, second: Norm
  }

  struct Norm: Sendable {
    let epsilon: Float
    let report: @Sendable (_ mean: Tensor, _ biasedVariance: Tensor, _ count: Int) -> Void
  }

  let layers: [Layer]

  /// Of the 3x3 convolutions.
  private static let padded: ConvolutionAttributes = {
    var attributes = ConvolutionAttributes()
    attributes.before = [1, 1]
    attributes.after = [1, 1]
    return attributes
  }()

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let x = inputs[0].channelsLast()
    let pixels = x.count / x.shape[1]
    let growth = layers.indices.map { inputs[6 * $0 + 6].shape[0] }
    let total = x.shape[1] + growth.reduce(0, +)
    let wide = Tensor(uninitializedImage: [x.shape[0], total, x.shape[2], x.shape[3]])
    Strided.copy(from: x, to: wide.channels(0..<x.shape[1]))
    saved.keep(wide)
    let own = FusedKernels.statistics(x)
    var (means, variances) = ([own.mean], [own.variance])
    var seen = x.shape[1]
    for (index, layer) in layers.enumerated() {
      let inputs = inputs[(6 * index + 1)...(6 * index + 6)].map { $0.contiguous() }
      let (mean, variance) = (concatenate(means), concatenate(variances))
      layer.first.report(mean, variance, pixels)
      let first = Normalization(
        mean: mean, variance: variance, scale: inputs[0], shift: inputs[1],
        epsilon: layer.first.epsilon, activation: .relu)
      let (y, statistics) = narrowed(wide, first, inputs[2], seen)
      layer.second.report(statistics.mean, statistics.variance, pixels)
      let second = Normalization(
        mean: statistics.mean, variance: statistics.variance, scale: inputs[3],
        shift: inputs[4], epsilon: layer.second.epsilon, activation: .relu)
      let (added, addedStatistics) = FusedKernels.forward(
        MapSource(y, second), inputs[5], nil, Self.padded, wantsStatistics: true)
      Strided.copy(from: added, to: wide.channels(seen..<seen + growth[index]))
      if let addedStatistics {
        means.append(addedStatistics.mean)
        variances.append(addedStatistics.variance)
      }
      seen += growth[index]
      saved.keep(y, first.values, second.values, inputs[2], inputs[5])
    }
    return wide
  }

  /// The 1x1 convolution of the first `seen` channels, normalized, and the statistics of its
  /// result.
  private func narrowed(
    _ wide: Tensor, _ normalization: Normalization, _ weight: Tensor, _ seen: Int
  ) -> (Tensor, ChannelStatistics) {
    let kernel = Pointwise(seen: seen, of: wide.shape, weight.shape)
    let partials = StatisticsPartials(
      counts: kernel.blocks(turned: false), channels: weight.shape[0])
    var epilogue = KernelEpilogue()
    epilogue.statistics = partials.values
    let source = MapSource(wide, normalization)
    let y = kernel.convolve(
      KernelSource(source), weight, turned: false, epilogue, keeping: false)
    withExtendedLifetime(source) {}
    return (y, partials.merged(count: y.count / y.shape[1]))
  }

  /// The last layer first: by then the gradient of what it added is complete.
  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    let wide = saved[0]
    var result = [Tensor?](repeating: nil, count: saved.needs.count)
    let gathered = Tensor(uninitializedImage: wide.shape)
    Strided.copy(from: gradient, to: gathered)
    let scratch = Tensor(uninitializedImage: wide.shape)
    var seen = wide.shape[1]
    for index in layers.indices.reversed() {
      let kept = (0..<5).map { saved[5 * index + 1 + $0] }
      let start = 6 * index + 1
      let growth = kept[4].shape[0]
      seen -= growth
      let first = Normalization(values: kept[1], activation: .relu)
      let second = Normalization(values: kept[2], activation: .relu)
      let added = Tensor(
        uninitializedImage: [wide.shape[0], growth, wide.shape[2], wide.shape[3]])
      Strided.copy(from: gathered.channels(seen..<seen + growth), to: added)
      let (source, sums) = backward(
        GradientSource(gradient: added), MapSource(kept[0], second), kept[4], &result[start + 5],
        wanted: saved.needs[start + 5])
      set(&result, start + 3, sums, saved.needs)
      let own = gather(
        source, MapSource(wide, first), kept[3], seen, scratch, into: gathered,
        &result[start + 2], wanted: saved.needs[start + 2])
      set(&result, start, own, saved.needs)
    }
    if saved.needs[0] {
      let dx = Tensor(uninitializedImage: saved.shapes[0])
      Strided.copy(from: gathered.channels(0..<seen), to: dx)
      result[0] = dx
    }
    return result
  }

  private func set(
    _ result: inout [Tensor?], _ place: Int, _ sums: GradientSums, _ needs: [Bool]
  ) {
    if needs[place] { result[place] = Tensor(sums.scale.map { Float($0) }) }
    if needs[place + 1] { result[place + 1] = Tensor(sums.shift.map { Float($0) }) }
  }

  /// Through the 3x3 convolution and the batch norm before it: the gradient of the 1x1
  /// convolution's result.
  private func backward(
    _ gradient: GradientSource, _ input: MapSource, _ weight: Tensor, _ dw: inout Tensor?,
    wanted: Bool
  ) -> (GradientSource, GradientSums) {
    if wanted {
      dw = FusedKernels.backwardWeights(input, gradient, weight.shape, Self.padded)
    }
    let (dz, sums) = FusedKernels.backwardData(
      gradient, weight, input.map.shape, Self.padded, wantsSumsFor: input)
    guard let normalization = input.normalization, let sums else {
      fatalError("denseConnections: a normalized map has sums")
    }
    let pending = GradientSource.Pending(
      raw: input.map, normalization: normalization,
      coefficients: sums.coefficients(
        normalization, count: input.map.count / input.map.shape[1]))
    return (GradientSource(gradient: dz, pending: pending), sums)
  }

  /// Through the 1x1 convolution and the batch norm before it: added to the gathered gradients of
  /// the first `seen` channels.
  private func gather(
    _ gradient: GradientSource, _ input: MapSource, _ weight: Tensor, _ seen: Int,
    _ scratch: Tensor, into gathered: Tensor, _ dw: inout Tensor?, wanted: Bool
  ) -> GradientSums {
    let kernel = Pointwise(seen: seen, of: input.map.shape, weight.shape)
    if wanted {
      dw = kernel.gradient(KernelSource(input), KernelSource(gradient), hasBias: false).0
    }
    guard let normalization = input.normalization else {
      fatalError("denseConnections: layers normalize what they see")
    }
    let partials = GradientPartials(
      blocks: kernel.blocks(turned: true).count, channels: seen)
    var epilogue = KernelEpilogue()
    epilogue.sums = (partials.values, input.map, normalization)
    kernel.convolve(
      KernelSource(gradient), weight, turned: true, epilogue, keeping: false, into: scratch)
    let sums = partials.merged()
    let stride = input.map.shape[1]
    let pixels = input.map.count / stride
    let pending = GradientSource.Pending(
      raw: input.map, normalization: normalization,
      coefficients: sums.coefficients(normalization, count: pixels))
    let (by, dz, to) = (
      pending.c, scratch.pointer(Float.self), gathered.pointer(Float.self)
    )
    Parallel.run(pixels, grain: FusedKernels.grain(seen)) { part in
      let at = part.lowerBound * stride
      var own = by
      own.x = by.x + at
      saker_gradient_add_f32(dz + at, &own, to + at, part.count, Int32(seen), Int32(stride))
    }
    withExtendedLifetime((gradient, input, pending, gathered)) {}
    return sums
  }
}

extension Tensor {
  /// Channels of a channels-last map, where they lie.
  fileprivate func channels(_ range: Range<Int>) -> Tensor {
    var sizes = shape.sizes
    sizes[1] = range.count
    return Tensor(
      storage: storage, shape: Shape(sizes), strides: shape.channelsLastStrides,
      offset: offset + range.lowerBound, dtype: dtype)
  }
}

extension Pointwise {
  /// Over the first `seen` channels of a map of shape `wide`, where they lie.
  fileprivate init(seen: Int, of wide: Shape, _ weight: Shape) {
    let own = Pointwise([wide[0], seen, wide[2], wide[3]], weight, ConvolutionAttributes())
    guard var own else {
      fatalError("denseConnections: expected a 1x1 weight for \(wide), got \(weight)")
    }
    own.step = wide[1]
    self = own
  }
}

/// A layer of `denselyConnected`.
public struct DenseConnection: Sendable {
  /// A batch norm by the batch's own statistics, which it reports.
  public struct Norm: Sendable {
    /// γ and β.
    public var scale, shift: Tensor
    public var epsilon: Float
    public var report: @Sendable (_ mean: Tensor, _ biasedVariance: Tensor, _ count: Int) -> Void

    public init(
      scale: Tensor, shift: Tensor, epsilon: Float,
      report: @escaping @Sendable (Tensor, Tensor, Int) -> Void
    ) {
      (self.scale, self.shift, self.epsilon, self.report) = (scale, shift, epsilon, report)
    }
  }

  public var first, second: Norm
  /// `[width, seen channels, 1, 1]`
  public var narrowing: Tensor
  /// `[growth, width, 3, 3]`
  public var adding: Tensor

  public init(first: Norm, narrowing: Tensor, second: Norm, adding: Tensor) {
    (self.first, self.narrowing, self.second, self.adding) = (first, narrowing, second, adding)
  }
}

/// A densely connected block in training: for each layer `x = concatenate([x,
/// conv3x3(relu(norm(conv1x1(relu(norm(x))))))])`, without the copies. Huang et al.,
/// arXiv:1608.06993.
///
/// - Parameter x: `[N, C, H, W]`, float32; each layer's first batch norm has all
///   channels before it.
/// - Returns: `[N, C + all growths, H, W]`.
public func denselyConnected(_ x: Tensor, _ layers: [DenseConnection]) -> Tensor {
  check(
    x.rank == 4 && x.dtype == .float32 && x.count > 0, op: "denselyConnected",
    expected: "float32 [N, C, H, W]", got: "\(x.dtype) \(x.shape)")
  var channels = x.shape[1]
  var inputs = [x]
  for layer in layers {
    let width = layer.narrowing.shape[0]
    check(
      layer.narrowing.shape == [width, channels, 1, 1] && layer.adding.rank == 4
        && layer.adding.shape.sizes.dropFirst() == [width, 3, 3]
        && [layer.first.scale, layer.first.shift].allSatisfy { $0.shape == [channels] }
        && [layer.second.scale, layer.second.shift].allSatisfy { $0.shape == [width] },
      op: "denselyConnected",
      expected: "weights [width, \(channels), 1, 1] and [growth, width, 3, 3] with their norms",
      got: "\(layer.narrowing.shape) and \(layer.adding.shape)")
    inputs += [
      layer.first.scale, layer.first.shift, layer.narrowing, layer.second.scale,
      layer.second.shift, layer.adding,
    ]
    channels += layer.adding.shape[0]
  }
  let operation = DenseConnections(
    layers: layers.map {
      .init(
        first: .init(epsilon: $0.first.epsilon, report: $0.first.report),
        second: .init(epsilon: $0.second.epsilon, report: $0.second.report))
    })
  return apply(operation, to: inputs)
}
