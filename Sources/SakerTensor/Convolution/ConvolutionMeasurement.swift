/// Runs one convolution by each of its methods, turn by turn, on made-up numbers: for benchmarks,
/// and for corrections of the cost model by measurement.
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
    /// Whether enough turns had the processor for themselves; if not, figures are too bad, and
    /// ratios nearer to 1.
    public let isClean: Bool
  }

  /// How long to measure.
  public struct Effort: Sendable {
    /// Of each method, in seconds.
    public var seconds: Double
    /// At least so many turns.
    public var rounds: Int
    /// At most so many times as many, where others take the processor away.
    public var patience: Int

    public init(seconds: Double = 0.15, rounds: Int = 3, patience: Int = 3) {
      self.seconds = seconds
      self.rounds = rounds
      self.patience = patience
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
    [.direct] + ConvolutionMethods.tiles(for: work).map { .winograd(tile: $0) }
  }

  /// All methods in turn, the first rounds not counted.
  public func run(_ methods: [ConvolutionMethod], _ effort: Effort = Effort()) -> [Result] {
    check(
      methods.first == .direct, op: "ConvolutionMeasurement", expected: "direct first",
      got: methods)
    let (errors, exactErrors) = errors(methods)
    // Tiny ones run many times a turn, as clocks are no finer than that.
    let slowest = methods.map { sample($0, times: 1).seconds }.max()!
    let times = max(1, Int((0.005 / slowest).rounded(.up)))
    let wanted = max(effort.rounds, Int((effort.seconds / (slowest * Double(times))).rounded(.up)))
    let rounds = Rounds(wanted: wanted, patience: effort.patience) {
      methods.map { sample($0, times: times) }
    }
    return methods.indices.map { index in
      let samples = rounds.kept.map { $0[index].seconds }
      return Result(
        method: methods[index], seconds: median(samples), leastSeconds: samples.min()!,
        ratio: median(rounds.kept.map { $0[0].seconds / $0[index].seconds }),
        error: errors[index], exactError: exactErrors[index], isClean: rounds.isClean)
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
    ConvolutionMethods.run(method, work, x: x, gradient: gradient, weight: weight)
  }

  /// Of one run.
  private func sample(_ method: ConvolutionMethod, times: Int) -> Sample {
    let clock = ContinuousClock()
    let (start, work) = (clock.now, ProcessTime.now)
    for _ in 0..<times { _ = once(method) }
    let (seconds, worked) = ((clock.now - start).seconds, ProcessTime.now - work)
    return Sample(
      seconds: seconds / Double(times), share: worked / (seconds * Double(Parallel.threads)))
  }

  private func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}

/// A time, and the share of the processor that this process had meanwhile, 0...1: threads that wait
/// for each other keep their cores busy, so what is missing was taken by somebody else.
private struct Sample {
  var seconds, share: Double
}

/// Turns of all methods, the best of them if somebody else was at work.
private struct Rounds {
  let kept: [[Sample]]
  let isClean: Bool

  init(wanted: Int, patience: Int, _ round: () -> [Sample]) {
    var all: [[Sample]] = []
    while all.count < wanted * patience {
      all.append(round())
      if Rounds.clean(all).count >= wanted { break }
    }
    isClean = Rounds.clean(all).count >= wanted
    kept = Array(all.sorted { Rounds.share($0) > Rounds.share($1) }.prefix(wanted))
  }

  private static func clean(_ all: [[Sample]]) -> [[Sample]] { all.filter { share($0) > 0.88 } }

  private static func share(_ round: [Sample]) -> Double { round.map(\.share).min()! }
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
