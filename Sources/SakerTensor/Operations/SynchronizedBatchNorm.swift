/// The mean and the biased variance of each channel of a batch, and how many values a
/// channel they are over.
public struct BatchMoments: Sendable, Hashable, Codable {
  /// `[C]`
  public let mean, variance: [Double]
  public let count: Int

  public init(mean: [Double], variance: [Double], count: Int) {
    check(
      mean.count == variance.count, op: "BatchMoments", expected: "a variance for each mean",
      got: "\(mean.count) and \(variance.count)")
    self.mean = mean
    self.variance = variance
    self.count = count
  }

  /// Those of all parts together: the variance within the parts and that between their means, so
  /// that no sum of squares loses its digits. Chan et al., "Updating formulae and a pairwise
  /// algorithm", 1979. Parts without values don't count.
  public static func combined(_ parts: [BatchMoments]) -> BatchMoments {
    let channels = parts.first?.mean.count ?? 0
    check(
      parts.allSatisfy { $0.mean.count == channels }, op: "BatchMoments.combined",
      expected: "\(channels) channels in each part", got: parts.map(\.mean.count))
    let filled = parts.filter { $0.count > 0 }
    let total = filled.reduce(0) { $0 + $1.count }
    var mean = [Double](repeating: 0, count: channels)
    var variance = mean
    for part in filled {
      let share = Double(part.count) / Double(total)
      for c in 0..<channels { mean[c] += share * part.mean[c] }
    }
    for part in filled {
      let share = Double(part.count) / Double(total)
      for c in 0..<channels {
        let distance = part.mean[c] - mean[c]
        variance[c] += share * (part.variance[c] + distance * distance)
      }
    }
    return BatchMoments(mean: mean, variance: variance, count: total)
  }
}

/// Brings together what the replicas of a model computed, each of its share of a batch: threads,
/// processes or machines.
///
/// Every replica makes the same calls in the same order; a call returns the same to all, once
/// all have made it.
public protocol StatisticsReducer: Sendable {
  /// The moments of all replicas' values: `BatchMoments.combined` of what each hands in.
  func combine(_ own: BatchMoments) -> BatchMoments
  /// The sum over the replicas, element by element.
  func sum(_ own: [Double]) -> [Double]
}

/// Batch norm by the statistics of all replicas' batches.
struct SynchronizedBatchNorm: TensorOperation {
  let epsilon: Float
  let reducer: any StatisticsReducer
  let report: @Sendable (BatchMoments) -> Void
  /// Values a channel of all replicas, for the gradient.
  private let total = Total()

  init(
    epsilon: Float, reducer: any StatisticsReducer,
    report: @escaping @Sendable (BatchMoments) -> Void
  ) {
    self.epsilon = epsilon
    self.reducer = reducer
    self.report = report
  }

  private final class Total: @unchecked Sendable { var count = 0 }

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let x = inputs[0].channelRows
    let channels = x.shape[1]
    let all = reducer.combine(x.count > 0 ? moments(x) : .empty(channels))
    report(all)
    total.count = all.count
    let normalization = Normalization(
      mean: Tensor(all.mean.map { Float($0) }), variance: Tensor(all.variance.map { Float($0) }),
      scale: inputs[1].contiguous(), shift: inputs[2].contiguous(), epsilon: epsilon,
      activation: .identity)
    saved.keep(x, normalization.values)
    return x.count > 0 ? FusedKernels.normalized(x, normalization, residual: nil) : x
  }

  private func moments(_ x: Tensor) -> BatchMoments {
    let own = FusedKernels.statistics(x)
    return BatchMoments(
      mean: own.mean.floats.map { Double($0) }, variance: own.variance.floats.map { Double($0) },
      count: own.count)
  }

  /// As batch norm's, with Σ dy and Σ dy x̂ over all replicas in dx. Those of scale and shift stay
  /// each replica's own, to be summed with all other gradients.
  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    let x = saved[0]
    let channels = x.shape[1]
    let normalization = Normalization(values: saved[1], activation: .identity)
    let dy = gradient.channelRows
    let own =
      x.count > 0
      ? FusedKernels.sums(dy, x, normalization, residual: nil).sums
      : GradientSums(
        shift: .init(repeating: 0, count: channels), scale: .init(repeating: 0, count: channels))
    let all = reducer.sum(own.shift + own.scale)
    let sums = GradientSums(shift: Array(all[..<channels]), scale: Array(all[channels...]))
    let pending = GradientSource.Pending(
      raw: x, normalization: normalization,
      coefficients: sums.coefficients(normalization, count: max(total.count, 1)))
    return [
      x.count > 0 ? GradientSource(gradient: dy, pending: pending).written : dy,
      Tensor(own.scale.map { Float($0) }), Tensor(own.shift.map { Float($0) }),
    ]
  }
}

extension BatchMoments {
  fileprivate static func empty(_ channels: Int) -> BatchMoments {
    let zeros = [Double](repeating: 0, count: channels)
    return BatchMoments(mean: zeros, variance: zeros, count: 0)
  }
}

/// Batch normalization in training by the statistics of all replicas' batches together.
///
/// - Parameters:
///   - x: this replica's share, `[N, C]` or `[N, C, spatial...]`, floating; it may be empty.
///   - scale, shift: `[C]`, float32; 1 and 0 if left out.
///   - statistics: hears of the moments of all.
public func batchNormTraining(
  _ x: Tensor, scale: Tensor?, shift: Tensor?, epsilon: Float,
  reducing reducer: any StatisticsReducer,
  statistics: @escaping @Sendable (BatchMoments) -> Void
) -> Tensor {
  check(
    x.rank >= 2 && x.dtype.isFloating, op: "batchNorm", expected: "[N, C] or [N, C, spatial...]",
    got: "\(x.dtype) \(x.shape)")
  let channels = x.shape[1]
  for vector in [scale, shift] {
    check(
      vector == nil || (vector!.shape == [channels] && vector!.dtype == .float32), op: "batchNorm",
      expected: "a float32 vector of \(channels) channels",
      got: "\(vector!.dtype) \(vector!.shape)")
  }
  return apply(
    SynchronizedBatchNorm(epsilon: epsilon, reducer: reducer, report: statistics),
    to: [x.converted(to: .float32), scale ?? .ones([channels]), shift ?? .zeros([channels])]
  ).converted(to: x.dtype)
}
