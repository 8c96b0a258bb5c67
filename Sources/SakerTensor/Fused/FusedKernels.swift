import CKernels

/// Convolutions that normalize what they read and sum what they write.
///
/// This is the seam to kernels that do so in registers. Where a shape has none, the map is written
/// out first, and summed in a pass of its own.
enum FusedKernels {
  /// The convolution of `x`, with the statistics of the result if wanted. `weight` and `bias`
  /// float32 and contiguous.
  static func forward(
    _ x: MapSource, _ weight: Tensor, _ bias: Tensor?, _ attributes: ConvolutionAttributes,
    wantsStatistics: Bool
  ) -> (y: Tensor, statistics: ChannelStatistics?) {
    if let thinning = thinning(x.map.shape, weight.shape, attributes, x.map.dtype) {
      return forward(
        thinning(x), weight, bias, thinning.attributes, wantsStatistics: wantsStatistics)
    }
    guard let kernel = kernel(.forward, x.map.shape, weight.shape, attributes, x.map.dtype) else {
      let y = Kernels.convolution(x.written, weight, bias, attributes, training: true)
      return (y, wantsStatistics ? statistics(y) : nil)
    }
    var epilogue = KernelEpilogue(bias: bias)
    var partials: StatisticsPartials?
    if wantsStatistics && attributes.groups == 1 {
      partials = StatisticsPartials(
        counts: kernel.blocks(turned: false), channels: weight.shape[0])
      epilogue.statistics = partials?.values
    }
    let y = kernel.convolve(KernelSource(x), weight, turned: false, epilogue, keeping: false)
    withExtendedLifetime(x) {}
    guard wantsStatistics else { return (y, nil) }
    return (y, partials?.merged(count: y.count / y.shape[1]) ?? statistics(y))
  }

  /// Puts `g` in the form that the other two functions read best: written out, where each of them
  /// would have to do so.
  static func prepare(
    _ g: inout GradientSource, _ x: Shape, _ weight: Shape, _ attributes: ConvolutionAttributes
  ) {
    if let thinning = thinning(x, weight, attributes, g.gradient.dtype) {
      return prepare(&g, thinning.thin, weight, thinning.attributes)
    }
    let passes: [ConvolutionPass] = [.data, .weights]
    if passes.contains(where: { kernel($0, x, weight, attributes, g.gradient.dtype) == nil }) {
      g.write()
    }
  }

  /// The gradient of the map that was convolved; that of the normalized map if it was normalized,
  /// with the sums for `source`'s own batch norm. `other` is added, where no sums are wanted.
  static func backwardData(
    _ g: GradientSource, _ weight: Tensor, _ xShape: Shape, _ attributes: ConvolutionAttributes,
    wantsSumsFor source: MapSource?, adding other: Tensor? = nil
  ) -> (dx: Tensor, sums: GradientSums?) {
    if let thinning = thinning(xShape, weight.shape, attributes, g.gradient.dtype) {
      // Where no pixel is read the gradient is 0, and adds nothing to the sums.
      let (dx, sums) = backwardData(
        g, weight, thinning.thin, thinning.attributes, wantsSumsFor: source.map { thinning($0) })
      return (thinning.spread(dx).adding(other), sums)
    }
    guard let kernel = kernel(.data, xShape, weight.shape, attributes, g.gradient.dtype) else {
      let dx = Kernels.convolutionBackwardData(
        g.written, weight, xShape, attributes, hasBias: false
      ).adding(other)
      guard let source, let normalization = source.normalization else { return (dx, nil) }
      return (dx, sums(dx, source.map, normalization, residual: nil).sums)
    }
    var epilogue = KernelEpilogue(residual: other)
    var partials: GradientPartials?
    if let source, let normalization = source.normalization, attributes.groups == 1 {
      partials = GradientPartials(
        blocks: kernel.blocks(turned: true).count, channels: xShape[1])
      epilogue.sums = (partials!.values, source.map, normalization)
    }
    let dx = kernel.convolve(KernelSource(g), weight, turned: true, epilogue, keeping: false)
    withExtendedLifetime((g, source)) {}
    guard let source, let normalization = source.normalization else { return (dx, nil) }
    return (dx, partials?.merged() ?? sums(dx, source.map, normalization, residual: nil).sums)
  }

  /// The gradient of the weight. (That of the bias follows from the sums: see `ConvolutionBlock`.)
  static func backwardWeights(
    _ x: MapSource, _ g: GradientSource, _ weight: Shape, _ attributes: ConvolutionAttributes
  ) -> Tensor {
    if let thinning = thinning(x.map.shape, weight, attributes, x.map.dtype) {
      return backwardWeights(thinning(x), g, weight, thinning.attributes)
    }
    guard let kernel = kernel(.weights, x.map.shape, weight, attributes, x.map.dtype) else {
      return Kernels.convolutionBackwardWeights(
        x.written, g.written, weight, attributes, hasBias: false
      ).0
    }
    let result = kernel.gradient(KernelSource(x), KernelSource(g), hasBias: false)
    withExtendedLifetime((x, g)) {}
    return result.0
  }

  /// How a strided 1x1 convolution becomes one that our kernels have.
  private static func thinning(
    _ x: Shape, _ weight: Shape, _ attributes: ConvolutionAttributes, _ dtype: DType
  ) -> Thinning? {
    guard dtype == .float32, Convolutions.setting != .direct else { return nil }
    return Thinning(x, weight, attributes)
  }
}

extension Tensor {
  /// The sum with `other`, if there is one, in this tensor's memory.
  fileprivate consuming func adding(_ other: Tensor?) -> Tensor {
    guard let other else { return self }
    return adding(inPlace: other)
  }
}

extension MapSource {
  /// The map that is meant, written out.
  var written: Tensor {
    guard let normalization else { return map }
    return FusedKernels.normalized(map, normalization, residual: nil)
  }
}

extension GradientSource {
  /// The gradient of the convolution's result, written out.
  var written: Tensor {
    var copy = self
    copy.write()
    return copy.gradient
  }

  /// Writes it out, where it lies if nobody else sees that.
  mutating func write() {
    guard let pending else { return }
    self.pending = nil
    let (shape, dtype, raw) = (gradient.shape, gradient.dtype, pending.raw)
    let target = gradient.isUnshared() ? gradient : Tensor(uninitializedImage: shape, dtype)
    let (dz, channels) = (gradient, shape[1])
    let by = pending.c
    Parallel.run(dz.count / channels, grain: FusedKernels.grain(channels)) { pixels in
      let (at, count) = (pixels.lowerBound * channels, pixels.count)
      if dtype == .float32 {
        var part = by
        part.x = by.x + at
        saker_gradient_apply_f32(
          dz.pointer(Float.self) + at, &part, target.pointer(Float.self) + at, count,
          Int32(channels))
      } else {
        withUnsafePointer(to: by) {
          saker_gradient_apply_bf16(
            dz.pointer(UInt16.self) + at, raw.pointer(UInt16.self) + at, $0,
            target.pointer(UInt16.self) + at, count, Int32(channels))
        }
      }
    }
    withExtendedLifetime((dz, pending)) { gradient = target }
  }
}

// MARK: - The passes over maps

extension FusedKernels {
  /// Pixels, or blocks, of so many numbers that a thread is worth waking for: the maps of late
  /// layers have few pixels of many channels.
  static func grain(_ numbers: Int) -> Int { max(1, 32768 / numbers) }

  /// Mean and variance of each channel, exact even where the mean is far larger than the deviation.
  static func statistics(_ x: Tensor) -> ChannelStatistics {
    let channels = x.shape[1]
    let pixels = x.count / channels
    let size = Int(saker_block_pixels(Int32(channels)))
    let blocks = (pixels + size - 1) / size
    let partials = StatisticsPartials(blocks: blocks, channels: channels)
    let to = partials.values.pointer(Float.self)
    let counts = partials.counts.pointer(Int32.self)
    Parallel.run(blocks, grain: grain(size * channels)) { part in
      let (first, end) = (part.lowerBound, part.upperBound)
      if x.dtype == .float32 {
        saker_statistics_f32(
          x.pointer(Float.self), pixels, Int32(channels), first, end, to, counts)
      } else {
        saker_statistics_bf16(
          x.pointer(UInt16.self), pixels, Int32(channels), first, end, to, counts)
      }
    }
    return partials.merged(count: pixels)
  }

  /// activation(scale x + shift + residual)
  static func normalized(
    _ x: Tensor, _ normalization: Normalization, residual: Tensor?
  ) -> Tensor {
    let y = Tensor(uninitializedImage: x.shape, x.dtype)
    normalize(x, normalization, residual: residual, into: y)
    return y
  }

  /// The same into `y`, which may be `x` or the residual.
  static func normalize(
    _ x: Tensor, _ normalization: Normalization, residual: Tensor?, into y: Tensor
  ) {
    let channels = x.shape[1]
    let by = normalization.raw
    Parallel.run(x.count / channels, grain: grain(channels)) { pixels in
      let (at, count) = (pixels.lowerBound * channels, pixels.count)
      withUnsafePointer(to: by) {
        if x.dtype == .float32 {
          saker_normalize_f32(
            x.pointer(Float.self) + at, $0, residual.map { $0.pointer(Float.self) + at },
            y.pointer(Float.self) + at, count, Int32(channels))
        } else {
          saker_normalize_bf16(
            x.pointer(UInt16.self) + at, $0, residual.map { $0.pointer(UInt16.self) + at },
            y.pointer(UInt16.self) + at, count, Int32(channels))
        }
      }
    }
    withExtendedLifetime(normalization) {}
  }

  /// The largest of each 2x2 window of that.
  static func pooled(
    _ x: Tensor, _ normalization: Normalization, residual: Tensor?
  ) -> Tensor {
    let map = saker_pooled(x.shape)
    let y = Tensor(uninitializedImage: [x.shape[0], x.shape[1], x.shape[2] / 2, x.shape[3] / 2])
    let (from, plus) = (x.pointer(Float.self), residual?.pointer(Float.self))
    let to = y.pointer(Float.self)
    let by = normalization.raw
    Parallel.run(map.rows(of: x.shape[0])) { rows in
      withUnsafePointer(to: by) {
        saker_normalize_pool_f32(from, $0, plus, map, rows.lowerBound, rows.upperBound, to)
      }
    }
    withExtendedLifetime(normalization) {}
    return y
  }

  /// The sums over the gradient `dz` of a normalized map; with a residual also the gradient before
  /// the activation, which is the residual's, in `dz`'s memory if nobody else sees it.
  static func sums(
    _ dz: consuming Tensor, _ x: Tensor, _ normalization: Normalization, residual: Tensor?
  ) -> (sums: GradientSums, dv: Tensor?) {
    var dz = dz
    let channels = x.shape[1]
    let pixels = x.count / channels
    let size = Int(saker_block_pixels(Int32(channels)))
    let blocks = (pixels + size - 1) / size
    let partials = GradientPartials(blocks: blocks, channels: channels)
    var dv: Tensor?
    if residual != nil {
      dv = dz.isUnshared() ? dz : Tensor(uninitializedImage: x.shape, x.dtype)
    }
    let (gradient, target) = (dz, dv)
    let to = partials.values.pointer(Float.self)
    let by = normalization.raw
    Parallel.run(blocks, grain: grain(size * channels)) { part in
      let (first, end) = (part.lowerBound, part.upperBound)
      withUnsafePointer(to: by) {
        if x.dtype == .float32 {
          saker_gradient_sums_f32(
            gradient.pointer(Float.self), x.pointer(Float.self), $0,
            residual?.pointer(Float.self), pixels, Int32(channels), first, end, to,
            target?.pointer(Float.self))
        } else {
          saker_gradient_sums_bf16(
            gradient.pointer(UInt16.self), x.pointer(UInt16.self), $0,
            residual?.pointer(UInt16.self), pixels, Int32(channels), first, end, to,
            target?.pointer(UInt16.self))
        }
      }
    }
    withExtendedLifetime((dz, normalization)) {}
    return (partials.merged(), dv)
  }

  /// The same for the gradient `dy` of the largest values.
  static func pooledSums(
    _ dy: Tensor, _ x: Tensor, _ normalization: Normalization, residual: Tensor?
  ) -> (sums: GradientSums, dv: Tensor?) {
    let map = saker_pooled(x.shape)
    let rows = map.rows(of: x.shape[0])
    let partials = GradientPartials(blocks: rows, channels: x.shape[1])
    let dv = residual == nil ? nil : Tensor(uninitializedImage: x.shape)
    let (gradient, from) = (dy.pointer(Float.self), x.pointer(Float.self))
    let (plus, to) = (residual?.pointer(Float.self), partials.values.pointer(Float.self))
    let result = dv?.pointer(Float.self)
    let by = normalization.raw
    Parallel.run(rows) { part in
      withUnsafePointer(to: by) {
        saker_gradient_pool_sums_f32(
          gradient, from, $0, plus, map, part.lowerBound, part.upperBound, to, result)
      }
    }
    withExtendedLifetime(normalization) {}
    return (partials.merged(), dv)
  }

  /// The gradient of the raw map for the gradient `dy` of the largest values.
  static func pooledGradient(_ dy: Tensor, _ pending: GradientSource.Pending) -> Tensor {
    let x = pending.raw
    let map = saker_pooled(x.shape)
    let dx = Tensor(uninitializedImage: x.shape)
    let (gradient, to) = (dy.pointer(Float.self), dx.pointer(Float.self))
    let by = pending.c
    Parallel.run(map.rows(of: x.shape[0])) { part in
      withUnsafePointer(to: by) {
        saker_gradient_pool_apply_f32(gradient, $0, map, part.lowerBound, part.upperBound, to)
      }
    }
    withExtendedLifetime(pending) {}
    return dx
  }
}

extension saker_pooled {
  fileprivate init(_ shape: Shape) {
    self.init(height: Int32(shape[2]), width: Int32(shape[3]), channels: Int32(shape[1]))
  }

  /// Rows of windows of all pictures.
  fileprivate func rows(of pictures: Int) -> Int { pictures * Int(height / 2) }
}
