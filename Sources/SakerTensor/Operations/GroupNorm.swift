import CKernels

/// `scale * (x - mean) / sqrt(variance + epsilon) + shift`, each sample and group of neighbouring
/// channels by its own mean and biased variance. Wu & He, arXiv:1803.08494.
struct GroupNorm: TensorOperation {
  let groups: Int
  let epsilon: Float
  /// Called, if set, with the mean and biased variance of each sample and channel, `[N, C]`.
  let report: (@Sendable (_ mean: Tensor, _ variance: Tensor) -> Void)?

  func forward(_ inputs: [Tensor], _ saved: inout Saved) -> Tensor {
    let x = inputs[0].channelRows
    let (scale, shift) = (inputs[1].contiguous(), inputs[2].contiguous())
    let maps = SampleMaps(x)
    let channels = maps.channels
    let y = Tensor(uninitializedImage: x.shape)
    let values = Tensor(uninitialized: [maps.samples, 4, channels])
    let moments = Tensor(uninitialized: [2, maps.samples, channels])
    maps.eachSample { sample in
      let by = values.pointer(Float.self) + sample * 4 * channels
      let mean = moments.pointer(Float.self) + sample * channels
      let variance = mean + maps.samples * channels
      maps.statistics(sample, mean, variance)
      pool(mean, variance, channels, by, scale.pointer(), shift.pointer())
      maps.normalize(sample, by, y)
    }
    report?(moments.select(axis: 0, at: 0), moments.select(axis: 0, at: 1))
    saved.keep(x, scale, values)
    return y
  }

  /// The moments of each group from those of its channels, and from them what
  /// normalizes each channel.
  private func pool(
    _ mean: UnsafePointer<Float>, _ variance: UnsafePointer<Float>, _ channels: Int,
    _ by: UnsafeMutablePointer<Float>, _ scale: UnsafePointer<Float>, _ shift: UnsafePointer<Float>
  ) {
    let size = channels / groups
    for group in 0..<groups {
      let members = group * size..<(group + 1) * size
      var (m, v) = (0.0, 0.0)
      for c in members { m += Double(mean[c]) }
      m /= Double(size)
      for c in members {
        let distance = Double(mean[c]) - m
        v += Double(variance[c]) + distance * distance
      }
      let inverse = 1 / (v / Double(size) + Double(epsilon)).squareRoot()
      for c in members {
        let factor = Float(Double(scale[c]) * inverse)
        by[c] = Float(m)
        by[channels + c] = Float(inverse)
        by[2 * channels + c] = factor
        by[3 * channels + c] = Float(Double(shift[c]) - m * Double(factor))
      }
    }
  }

  /// With g = dy scale, x̂ the normalized input and means over a group: dx = (g - mean(g) - x̂
  /// mean(g x̂)) / √(variance + ε); dscale = Σ dy x̂ and dshift = Σ dy over samples.
  func backward(_ gradient: Tensor, _ saved: Saved) -> [Tensor?] {
    let (x, dy) = (saved[0], gradient.channelRows)
    let (scale, values) = (saved[1], saved[2])
    let maps = SampleMaps(x)
    let channels = maps.channels
    let dx = Tensor(uninitializedImage: x.shape)
    let sums = UnsafeMutablePointer<Double>.allocate(capacity: maps.samples * 2 * channels)
    defer { sums.deallocate() }
    nonisolated(unsafe) let shared = sums
    maps.eachSample { sample in
      let by = values.pointer(Float.self) + sample * 4 * channels
      let own = shared + sample * 2 * channels
      maps.gradientSums(sample, dy, by, own)
      guard saved.needs[0] else { return }
      withUnsafeTemporaryAllocation(of: Float.self, capacity: 3 * channels) {
        coefficients(own, by, scale.pointer(), maps, $0.baseAddress!)
        maps.gradient(sample, dy, by, UnsafePointer($0.baseAddress!), dx)
      }
    }
    var totals = [Double](repeating: 0, count: 2 * channels)
    for sample in 0..<maps.samples {
      for i in 0..<2 * channels { totals[i] += sums[sample * 2 * channels + i] }
    }
    let result = totals.map { Float($0) }
    return [
      saved.needs[0] ? dx : nil,
      saved.needs[1] ? Tensor(Array(result[channels...])) : nil,
      saved.needs[2] ? Tensor(Array(result[..<channels])) : nil,
    ]
  }

  /// a, b, c of `saker_normalization_gradient`, from the sums of dy and dy x̂ of each channel.
  private func coefficients(
    _ sums: UnsafePointer<Double>, _ by: UnsafePointer<Float>, _ scale: UnsafePointer<Float>,
    _ maps: SampleMaps, _ result: UnsafeMutablePointer<Float>
  ) {
    let channels = maps.channels
    let size = channels / groups
    let count = Double(size * maps.pixels)
    for group in 0..<groups {
      let members = group * size..<(group + 1) * size
      var (sum, product) = (0.0, 0.0)
      for c in members {
        sum += sums[c] * Double(scale[c])
        product += sums[channels + c] * Double(scale[c])
      }
      let inverse = Double(by[channels + members.lowerBound])
      for c in members {
        result[c] = by[2 * channels + c]
        result[channels + c] = Float(-inverse * inverse * product / count)
        result[2 * channels + c] = Float(-inverse * sum / count)
      }
    }
  }
}

/// Group normalization of `[N, C, ...]`: each sample's `groups` of C / groups neighbouring
/// channels by their own mean and biased variance, then scale and shift of each channel. One group
/// is layer normalization with an affine form by channel, C groups are instance normalization.
/// Wu & He, arXiv:1803.08494.
///
/// - Parameters:
///   - x: any floating type; computed in float32.
///   - scale, shift: float32 `[C]`; 1 and 0 if left out.
/// - Returns: the shape and type of `x`, channels-last. Stops if `groups` does not divide C.
public func groupNorm(
  _ x: Tensor, groups: Int, scale: Tensor? = nil, shift: Tensor? = nil, epsilon: Float = 1e-5
) -> Tensor {
  check(
    x.rank >= 2 && x.dtype.isFloating && groups > 0 && x.shape[1] % groups == 0, op: "groupNorm",
    expected: "[N, C, ...] with a C that \(groups) groups divide", got: "\(x.dtype) \(x.shape)")
  return groupNorm("groupNorm", x, groups, scale, shift, epsilon, nil)
}

/// Instance normalization of `[N, C, ...]`: each sample's channel by its own mean and biased
/// variance. Ulyanov et al., arXiv:1607.08022.
///
/// - Parameter statistics: gets each sample's and channel's mean and biased variance, `[N, C]`, and
///   how many values each is over.
public func instanceNorm(
  _ x: Tensor, scale: Tensor? = nil, shift: Tensor? = nil, epsilon: Float = 1e-5,
  statistics: (@Sendable (_ mean: Tensor, _ biasedVariance: Tensor, _ count: Int) -> Void)? = nil
) -> Tensor {
  check(
    x.rank >= 3 && x.dtype.isFloating, op: "instanceNorm", expected: "[N, C, spatial...]",
    got: "\(x.dtype) \(x.shape)")
  let count = x.shape.dropFirst(2).reduce(1, *)
  var report: (@Sendable (Tensor, Tensor) -> Void)?
  if let statistics { report = { mean, variance in statistics(mean, variance, count) } }
  return groupNorm("instanceNorm", x, x.shape[1], scale, shift, epsilon, report)
}

private func groupNorm(
  _ name: String, _ x: Tensor, _ groups: Int, _ scale: Tensor?, _ shift: Tensor?,
  _ epsilon: Float, _ report: (@Sendable (Tensor, Tensor) -> Void)?
) -> Tensor {
  let channels = x.shape[1]
  for vector in [scale, shift] {
    check(
      vector == nil || (vector!.shape == [channels] && vector!.dtype == .float32), op: name,
      expected: "a float32 vector of \(channels) channels",
      got: "\(vector!.dtype) \(vector!.shape)")
  }
  // Nothing in, nothing out, and gradients of zeros.
  guard x.count > 0 else {
    var nothing = x * 1
    for vector in [scale, shift].compactMap({ $0 }) {
      nothing += (vector.sum() * 0).converted(to: x.dtype)
    }
    return nothing
  }
  let inputs = [x.converted(to: .float32), scale ?? .ones([channels]), shift ?? .zeros([channels])]
  return apply(GroupNorm(groups: groups, epsilon: epsilon, report: report), to: inputs)
    .converted(to: x.dtype)
}
