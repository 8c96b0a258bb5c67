import CKernels

// Sums are taken over blocks of pixels whose borders depend on the map alone, and merged in the
// blocks' order in double precision, so that any number of threads gives the same bits.

/// Mean and biased variance of each channel.
struct ChannelStatistics {
  /// `[C]`
  let mean, variance: Tensor
  /// Values a channel.
  let count: Int
}

/// What a pass over a map leaves of each block for its statistics.
struct StatisticsPartials {
  /// `[blocks, 3, C]`: a pivot, the sum of v - pivot, and that of its square.
  let values: Tensor
  /// int32 `[blocks]`: each block's pixels.
  let counts: Tensor

  init(blocks: Int, channels: Int) {
    values = Tensor(uninitialized: [blocks, 3, channels])
    counts = Tensor(uninitialized: [blocks], .int32)
  }

  /// For a kernel that fills in the values.
  init(counts: [Int32], channels: Int) {
    values = Tensor(uninitialized: [counts.count, 3, channels])
    self.counts = Tensor(counts)
  }

  func merged(count: Int) -> ChannelStatistics {
    let (blocks, channels) = (values.shape[0], values.shape[2])
    let sums = Tensor(uninitialized: [4, channels])  // as doubles
    let mean = Tensor(uninitialized: [channels])
    let variance = Tensor(uninitialized: [channels])
    KernelTime.measure {
      saker_merge_statistics(
        values.pointer(Float.self), counts.pointer(Int32.self), blocks, Int32(channels),
        sums.pointer(Double.self), mean.pointer(Float.self), variance.pointer(Float.self))
    }
    return ChannelStatistics(mean: mean, variance: variance, count: count)
  }
}

/// What a pass over a gradient leaves of each block.
struct GradientPartials {
  /// `[blocks, 2, C]`: the sums of g and of g x̂, where g has passed the activation.
  let values: Tensor

  init(blocks: Int, channels: Int) { values = Tensor(uninitialized: [blocks, 2, channels]) }

  func merged() -> GradientSums {
    let (blocks, channels) = (values.shape[0], values.shape[2])
    let sums = [Double](unsafeUninitializedCapacity: 2 * channels) { sums, count in
      KernelTime.measure {
        saker_merge_sums(
          values.pointer(Float.self), blocks, Int32(channels), sums.baseAddress!)
      }
      count = 2 * channels
    }
    return GradientSums(shift: Array(sums[..<channels]), scale: Array(sums[channels...]))
  }
}

/// The sums over a gradient that batch norm's own needs: they are the gradients of its shift and
/// scale.
struct GradientSums {
  /// Σ g
  let shift: [Double]
  /// Σ g x̂
  let scale: [Double]

  /// `[3, C]`: a, b, c of `saker_normalization_gradient`. Statistics that are
  /// constants leave only a.
  ///
  /// - Parameter count: values a channel that the statistics were taken over, `nil` if they were
  ///   given.
  func coefficients(_ normalization: Normalization, count: Int?) -> Tensor {
    let channels = shift.count
    let result = Tensor(uninitialized: [3, channels])
    let (to, from) = (result.pointer(Float.self), normalization.values.pointer(Float.self))
    for c in 0..<channels {
      let (inverse, factor) = (Double(from[channels + c]), Double(from[2 * channels + c]))
      let share = count.map { 1 / Double($0) } ?? 0
      to[c] = Float(factor)
      to[channels + c] = Float(-factor * inverse * scale[c] * share)
      to[2 * channels + c] = Float(-factor * shift[c] * share)
    }
    return result
  }
}
