/// Runs one convolution by each of its methods, turn by turn, on made-up numbers: for benchmarks, and for corrections of the
/// cost model by measurement.
public struct ConvolutionMeasurement {
  /// What one method needed.
  public struct Result: Sendable {
    public let method: ConvolutionMethod
    /// Seconds of one run, median of all rounds.
    public let seconds: Double
    /// The least that it took: what to go by where the machine does other things, too.
    public let leastSeconds: Double
    /// How many times faster than direct: the median of the rounds' ratios.
    public let ratio: Double
    /// Root of the mean squared difference from direct over that of direct's results.
    public let error: Double
    /// The same from sums in double precision, at some places.
    public let exactError: Double
  }

  /// How long to measure.
  public struct Effort: Sendable {
    /// Of each method, in seconds.
    public var seconds: Double
    /// At least so many turns.
    public var rounds: Int

    public init(seconds: Double = 0.15, rounds: Int = 3) {
      self.seconds = seconds
      self.rounds = rounds
    }
  }

  public let work: ConvolutionCase
  private let x, gradient, weight: Tensor

  public init(_ work: ConvolutionCase) {
    self.work = work
    let empty = Tensor([Float](), [0])
    x = work.pass == .data ? empty : MadeUp.image(work.x, seed: 1)
    gradient =
      work.pass == .data || work.pass == .weights ? MadeUp.image(work.y, seed: 2) : empty
    weight = MadeUp.plain(work.weight, seed: 3)
  }

  /// Direct first, then every other method that can compute the case.
  public static func methods(for work: ConvolutionCase) -> [ConvolutionMethod] {
    [.direct] + ConvolutionKernels.tiles(for: work).map { .winograd(tile: $0) }
  }

  /// All methods in turn, the first rounds not counted.
  public func run(_ methods: [ConvolutionMethod], _ effort: Effort = Effort()) -> [Result] {
    check(
      methods.first == .direct, op: "ConvolutionMeasurement", expected: "direct first",
      got: methods)
    let (errors, exactErrors) = errors(methods)
    // Tiny ones run many times a turn, as clocks are no finer than that.
    let slowest = methods.map { seconds(of: $0, times: 1) }.max()!
    let times = max(1, Int((0.005 / slowest).rounded(.up)))
    let rounds = max(effort.rounds, Int((effort.seconds / (slowest * Double(times))).rounded(.up)))
    var samples = methods.map { _ in [Double]() }
    for _ in 0..<rounds {
      for (index, method) in methods.enumerated() {
        samples[index].append(seconds(of: method, times: times))
      }
    }
    return methods.indices.map { index in
      Result(
        method: methods[index], seconds: median(samples[index]),
        leastSeconds: samples[index].min()!,
        ratio: median(zip(samples[0], samples[index]).map { $0 / $1 }), error: errors[index],
        exactError: exactErrors[index])
    }
  }

  /// From direct, and from double precision.
  private func errors(_ methods: [ConvolutionMethod]) -> ([Double], [Double]) {
    let direct = once(.direct)
    let exact = ConvolutionReference(work, x: x, gradient: gradient, weight: weight)
    return methods.reduce(into: ([], [])) { errors, method in
      let result = method == .direct ? direct : once(method)
      errors.0.append(method == .direct ? 0 : MadeUp.error(result, direct))
      errors.1.append(exact.error(of: result))
    }
  }

  private func once(_ method: ConvolutionMethod) -> Tensor {
    ConvolutionKernels.run(method, work, x: x, gradient: gradient, weight: weight)
  }

  /// Of one run.
  private func seconds(of method: ConvolutionMethod, times: Int) -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    for _ in 0..<times { _ = once(method) }
    let passed = (clock.now - start).components
    return (Double(passed.seconds) + Double(passed.attoseconds) * 1e-18) / Double(times)
  }

  private func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}

/// The one place that calls the kernels by name of a method.
enum ConvolutionKernels {
  /// The tiles of Winograd kernels that can compute a case; none if only direct ones can.
  static func tiles(for work: ConvolutionCase) -> [Int] {
    work.dtype == .float32 ? [4, 2] : []
  }

  /// What the pass gives: the result, the input's gradient, or the weight's.
  static func run(
    _ method: ConvolutionMethod, _ work: ConvolutionCase, x: Tensor, gradient: Tensor,
    weight: Tensor
  ) -> Tensor {
    switch (work.pass, method) {
    case (.inference, .direct), (.forward, .direct):
      return Kernels.convolution(
        x, weight, nil, work.attributes, training: work.pass == .forward)
    case (.data, .direct):
      return Kernels.convolutionBackwardData(
        gradient, weight, work.x, work.attributes, hasBias: false)
    case (.weights, .direct):
      return Kernels.convolutionBackwardWeights(
        x, gradient, work.weight, work.attributes, hasBias: false
      ).0
    case (let pass, .winograd(let tile)):
      let geometry = Winograd.Geometry(
        x: work.x, weight: work.weight, attributes: work.attributes, tile: tile)
      if pass == .weights {
        return Winograd.gradient(
          Winograd.Source(x), Winograd.Source(gradient), geometry, hasBias: false
        ).0
      }
      return Winograd.convolve(
        Winograd.Source(pass == .data ? gradient : x), weight, geometry, turned: pass == .data,
        Winograd.Epilogue(), keeping: pass == .inference)
    }
  }
}

/// Numbers for measurements, made in no time: a block of normal ones, over and over.
private enum MadeUp {
  static func image(_ shape: Shape, seed: UInt64) -> Tensor {
    fill(Tensor(uninitializedImage: shape), seed)
  }

  static func plain(_ shape: Shape, seed: UInt64) -> Tensor {
    fill(Tensor(uninitialized: shape), seed)
  }

  private static func fill(_ tensor: Tensor, _ seed: UInt64) -> Tensor {
    var random = Random(seed: seed)
    // A prime, so that no tile meets the same numbers at the same place.
    let block = Tensor.normal([65_521], using: &random)
    let (to, from, length) = (tensor.pointer(Float.self), block.pointer(Float.self), block.count)
    Parallel.run((tensor.count + length - 1) / length) { parts in
      for part in parts {
        let first = part * length
        (to + first).update(from: from, count: min(length, tensor.count - first))
      }
    }
    return tensor
  }

  /// Both tensors dense and of the same layout.
  static func error(_ a: Tensor, _ exact: Tensor) -> Double {
    let (p, q, count) = (a.pointer(Float.self), exact.pointer(Float.self), exact.count)
    let length = 1 << 16
    let parts = (count + length - 1) / length
    let sums = Tensor(uninitialized: [parts, 2])
    let sum = sums.pointer(Float.self)
    Parallel.run(parts) { range in
      for part in range {
        var (difference, square) = (0.0, 0.0)
        for i in part * length..<min(count, (part + 1) * length) {
          let d = Double(p[i]) - Double(q[i])
          difference += d * d
          square += Double(q[i]) * Double(q[i])
        }
        sum[2 * part] = Float(difference)
        sum[2 * part + 1] = Float(square)
      }
    }
    var (difference, square) = (0.0, 0.0)
    for part in 0..<parts {
      difference += Double(sum[2 * part])
      square += Double(sum[2 * part + 1])
    }
    return (difference / max(square, .leastNormalMagnitude)).squareRoot()
  }
}
