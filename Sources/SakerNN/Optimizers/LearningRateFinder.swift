import Foundation
import SakerTensor

/// Tries learning rates before a training: one step at each rate of a range, from the lowest to the
/// highest, rising by the same factor. Where the loss falls fastest is a good rate; where it
/// explodes, none is. Smith, "Cyclical learning rates for training neural networks",
/// arXiv:1506.01186, section 3.3.
///
///     let sweep = LearningRateFinder().run(optimizer, model) { step in loss(of: batches[step]) }
///     optimizer.rate = sweep.suggestion ?? 1e-3
public struct LearningRateFinder: Hashable, Sendable {
  public var range: ClosedRange<Double>
  /// Steps from one end to the other.
  public var steps: Int
  /// The share of the past in the smoothed loss, 0..<1.
  public var smoothing: Double
  /// It ends when the smoothed loss is more than this many times its smallest.
  public var divergence: Double

  /// - Parameter range: positive rates.
  public init(
    _ range: ClosedRange<Double> = 1e-7...10, steps: Int = 100, smoothing: Double = 0.98,
    divergence: Double = 4
  ) {
    self.range = range
    self.steps = steps
    self.smoothing = smoothing
    self.divergence = divergence
  }

  /// The rate of a step.
  public func rate(at step: Int) -> Double {
    let share = steps > 1 ? Double(step) / Double(steps - 1) : 0
    return range.lowerBound * pow(range.upperBound / range.lowerBound, share)
  }

  /// Sweeps, and leaves model and optimizer as they were. Generators of random layers have moved
  /// on.
  /// - Parameters:
  ///   - loss: the loss of a step's batch, one number.
  ///   - clip: what happens to the gradients before the step.
  /// - Throws: what `loss` throws.
  public func run(
    _ optimizer: Optimizer, _ model: any Module, loss: (_ step: Int) throws -> Tensor,
    clip: ([Parameter]) -> Void = { _ in }
  ) rethrows -> LearningRateSweep {
    check(
      range.lowerBound > 0 && range.upperBound.isFinite, op: "LearningRateFinder",
      expected: "positive rates", got: range)
    check(steps >= 1, op: "LearningRateFinder", expected: "1 step or more", got: steps)
    check(
      (0..<1).contains(smoothing), op: "LearningRateFinder", expected: "a smoothing in 0..<1",
      got: smoothing)
    let before = Walk(model).entries.map { (item: $0.item, value: $0.item.value) }
    defer {
      for (item, value) in before { item.set(value) }
      optimizer.zeroGradients()
    }
    return try optimizer.rewinding {
      var sweep = LearningRateSweep()
      for step in 0..<steps {
        optimizer.zeroGradients()
        let value = try loss(step)
        guard sweep.add(rate(at: step), Double(value.detached().item), self) else { break }
        value.backward()
        clip(optimizer.parameters)
        optimizer.rate = rate(at: step)
        optimizer.step()
      }
      return sweep
    }
  }
}

/// What `LearningRateFinder` saw: equally many rates, losses before a step of that rate, and
/// the losses' trend.
public struct LearningRateSweep: Codable, Hashable, Sendable {
  public private(set) var rates: [Double] = []
  public private(set) var losses: [Double] = []
  /// A moving average that makes up for its start.
  public private(set) var smoothed: [Double] = []
  /// Whether it ended because the loss diverged or was NaN.
  public private(set) var diverged = false
  private var average = 0.0

  /// Takes note of a loss; false if that was the end. What is no number is left out.
  mutating func add(_ rate: Double, _ loss: Double, _ finder: LearningRateFinder) -> Bool {
    guard loss.isFinite else {
      diverged = true
      return false
    }
    average = finder.smoothing * average + (1 - finder.smoothing) * loss
    rates.append(rate)
    losses.append(loss)
    smoothed.append(average / (1 - pow(finder.smoothing, Double(losses.count))))
    let (now, best) = (smoothed[smoothed.count - 1], smoothed.min() ?? 0)
    diverged = losses.count > 1 && now > finder.divergence * best && now > best
    return !diverged
  }

  /// Where the smoothed loss falls fastest against the logarithm of the rate, before its minimum;
  /// `nil` if it never falls, or with fewer than 5 rates. The first tenth does not count: there the
  /// average is young.
  public var suggestion: Double? {
    guard rates.count >= 5, let lowest = smoothed.indices.min(by: { smoothed[$0] < smoothed[$1] })
    else { return nil }
    let first = max(1, rates.count / 10)
    let last = min(lowest, rates.count - 2)
    guard first <= last else { return nil }
    func slope(_ i: Int) -> Double {
      (smoothed[i + 1] - smoothed[i - 1]) / log(rates[i + 1] / rates[i - 1])
    }
    guard let steepest = (first...last).min(by: { slope($0) < slope($1) }), slope(steepest) < 0
    else { return nil }
    return rates[steepest]
  }
}
