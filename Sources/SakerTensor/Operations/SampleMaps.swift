import CKernels

/// The samples of a channels-last float32 tensor `[N, C, ...]`, each as a map of its own for the
/// passes of normalization.
///
/// Many samples run side by side, so that each stays in a core's cache from one pass to the next;
/// of a few samples the blocks do. Either way the sums are over the same blocks, and the bits are
/// the same for any number of threads.
struct SampleMaps: @unchecked Sendable {
  private let x: Tensor
  let samples, channels, pixels: Int
  private let blockSize, blocks: Int

  /// - Parameter x: `channelRows` of something; not empty.
  init(_ x: Tensor) {
    self.x = x
    samples = x.shape[0]
    channels = x.shape[1]
    pixels = x.count / (samples * channels)
    blockSize = Int(saker_block_pixels(Int32(channels)))
    blocks = (pixels + blockSize - 1) / blockSize
  }

  /// Calls `body` for each sample, side by side if there are enough of them.
  func eachSample(_ body: (Int) -> Void) {
    guard samples >= 2 * Parallel.threads else { return (0..<samples).forEach(body) }
    Parallel.run(samples, grain: max(1, 8192 / (pixels * channels))) { $0.forEach(body) }
  }

  private func start(_ tensor: Tensor, _ sample: Int) -> UnsafeMutablePointer<Float> {
    tensor.pointer(Float.self) + sample * pixels * channels
  }

  private static let identity = saker_activation(slope: 1, cap: .infinity, swish: 0)

  private func normalization(_ by: UnsafePointer<Float>) -> saker_normalization {
    saker_normalization(
      mean: by, inverse: by + channels, scale: by + 2 * channels, shift: by + 3 * channels,
      activation: SampleMaps.identity)
  }

  /// Mean and biased variance of each channel, `[C]`.
  func statistics(
    _ sample: Int, _ mean: UnsafeMutablePointer<Float>, _ variance: UnsafeMutablePointer<Float>
  ) {
    let partials = Tensor(uninitialized: [blocks, 3, channels])
    let counts = Tensor(uninitialized: [blocks], .int32)
    let sums = Tensor(uninitialized: [4, channels])  // as doubles
    let (from, to) = (start(x, sample), partials.pointer(Float.self))
    let numbers = counts.pointer(Int32.self)
    Parallel.run(blocks, grain: 8) {
      saker_statistics_f32(
        from, pixels, Int32(channels), $0.lowerBound, $0.upperBound, to, numbers)
    }
    saker_merge_statistics(
      to, numbers, blocks, Int32(channels), sums.pointer(Double.self), mean, variance)
    withExtendedLifetime((partials, counts, sums)) {}
  }

  /// scale x + shift; `by` is `[4, C]` as in `Normalization`.
  func normalize(_ sample: Int, _ by: UnsafePointer<Float>, _ y: Tensor) {
    let (from, to) = (start(x, sample), start(y, sample))
    Parallel.run(pixels, grain: 4096) { part in
      let at = part.lowerBound * channels
      var by = normalization(by)
      saker_normalize_f32(from + at, &by, nil, to + at, part.count, Int32(channels))
    }
  }

  /// Σ dy and Σ dy x̂ of each channel, `[2, C]`.
  func gradientSums(
    _ sample: Int, _ dy: Tensor, _ by: UnsafePointer<Float>, _ sums: UnsafeMutablePointer<Double>
  ) {
    let partials = Tensor(uninitialized: [blocks, 2, channels])
    let (from, g, to) = (start(x, sample), start(dy, sample), partials.pointer(Float.self))
    Parallel.run(blocks, grain: 8) {
      var by = normalization(by)
      saker_gradient_sums_f32(
        g, from, &by, nil, pixels, Int32(channels), $0.lowerBound, $0.upperBound, to, nil)
    }
    saker_merge_sums(to, blocks, Int32(channels), sums)
    withExtendedLifetime(partials) {}
  }

  /// a dy + b (x - mean) + c; `coefficients` `[3, C]`.
  func gradient(
    _ sample: Int, _ dy: Tensor, _ by: UnsafePointer<Float>,
    _ coefficients: UnsafePointer<Float>, _ dx: Tensor
  ) {
    let (from, g, to) = (start(x, sample), start(dy, sample), start(dx, sample))
    Parallel.run(pixels, grain: 4096) { part in
      let at = part.lowerBound * channels
      var by = saker_normalization_gradient(
        x: UnsafePointer(from + at), normalization: normalization(by), a: coefficients,
        b: coefficients + channels, c: coefficients + 2 * channels)
      saker_gradient_apply_f32(g + at, &by, to + at, part.count, Int32(channels))
    }
  }
}

extension Tensor {
  /// The same numbers of `[N, C, ...]` with the channels of each place next to each
  /// other, without holes.
  var channelRows: Tensor { rank >= 3 ? channelsLast() : contiguous() }
}
