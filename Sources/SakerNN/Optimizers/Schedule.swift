import Foundation

/// The learning rate as a pure function of the step, counted from 0: a run that resumes asks for
/// the same numbers.
public protocol Schedule: Sendable {
  func rate(at step: Int) -> Double
  /// The momentum, of a schedule that moves it too.
  func momentum(at step: Int) -> Double?
}

extension Schedule {
  public func momentum(at step: Int) -> Double? { nil }
}

extension Optimizer {
  /// Takes rate and momentum of that step.
  public func follow(_ schedule: some Schedule, at step: Int) {
    rate = schedule.rate(at: step)
    if let momentum = schedule.momentum(at: step) { rule.momentum = momentum }
  }
}

/// Always the same.
public struct ConstantSchedule: Schedule {
  public let rate: Double

  public init(_ rate: Double) { self.rate = rate }

  public func rate(at step: Int) -> Double { rate }
}

/// Times `factor` at each of some steps, or after every so many.
public struct StepSchedule: Schedule {
  private enum Drops {
    case every(Int)
    case at([Int])
  }
  public let rate, factor: Double
  private let drops: Drops

  public init(_ rate: Double, every steps: Int, factor: Double = 0.1) {
    self.rate = rate
    self.factor = factor
    drops = .every(max(steps, 1))
  }

  public init(_ rate: Double, at milestones: [Int], factor: Double = 0.1) {
    self.rate = rate
    self.factor = factor
    drops = .at(milestones)
  }

  public func rate(at step: Int) -> Double {
    let count =
      switch drops {
      case .every(let steps): step / steps
      case .at(let milestones): milestones.count { $0 <= step }
      }
    return rate * pow(factor, Double(count))
  }
}

/// Half a cosine from `rate` to `floor` over `steps`, then the floor. Loshchilov & Hutter,
/// arXiv:1608.03983, without restarts.
public struct CosineSchedule: Schedule {
  public let rate, floor: Double
  public let steps: Int

  public init(_ rate: Double, floor: Double = 0, steps: Int) {
    self.rate = rate
    self.floor = floor
    self.steps = max(steps, 1)
  }

  public func rate(at step: Int) -> Double {
    let done = Double(min(step, steps)) / Double(steps)
    return floor + (rate - floor) * (1 + cos(.pi * done)) / 2
  }
}

/// Rises in a straight line from `start` of the first rate to the whole of it, over `steps`; then
/// `schedule` begins.
public struct WarmUp: Schedule {
  public let steps: Int
  public let start: Double
  public let schedule: any Schedule

  public init(_ steps: Int, from start: Double = 0.1, into schedule: some Schedule) {
    self.steps = max(steps, 0)
    self.start = start
    self.schedule = schedule
  }

  public func rate(at step: Int) -> Double {
    guard step < steps else { return schedule.rate(at: step - steps) }
    return schedule.rate(at: 0) * (start + (1 - start) * Double(step) / Double(steps))
  }

  public func momentum(at step: Int) -> Double? {
    schedule.momentum(at: max(step - steps, 0))
  }
}

/// One cycle: the rate rises to its peak, then falls to far below its start, while the
/// momentum does the opposite. Smith & Topin, arXiv:1708.07120; phases and their ends are
/// PyTorch's `OneCycleLR`.
public struct OneCycle: Schedule {
  public enum Shape: Sendable { case cosine, linear }

  private struct Phase: Sendable {
    /// The step in which it ends; a fraction, as PyTorch has it.
    let end: Double
    let rate, momentum: (from: Double, to: Double)
  }

  private let phases: [Phase]
  private let shape: Shape

  /// - Parameters:
  ///   - peak: the highest rate.
  ///   - steps: of the whole run; later ones stay at the end.
  ///   - rise: the share of the steps until the peak.
  ///   - startDivisor: the first rate is `peak / startDivisor`.
  ///   - endDivisor: the last rate is the first one divided by this.
  ///   - threePhases: falls as fast as it rose, then to the end.
  ///   - momentum: the lowest, at the peak, and the highest.
  public init(
    peak: Double, steps: Int, rise: Double = 0.3, shape: Shape = .cosine,
    startDivisor: Double = 25, endDivisor: Double = 1e4, threePhases: Bool = false,
    momentum: ClosedRange<Double> = 0.85...0.95
  ) {
    self.shape = shape
    let start = peak / startDivisor
    let last = Double(max(steps, 2)) - 1
    let top = rise * Double(max(steps, 2)) - 1
    let (low, high) = (momentum.lowerBound, momentum.upperBound)
    let up = Phase(end: top, rate: (start, peak), momentum: (high, low))
    if threePhases {
      phases = [
        up, Phase(end: 2 * top, rate: (peak, start), momentum: (low, high)),
        Phase(end: last, rate: (start, start / endDivisor), momentum: (high, high)),
      ]
    } else {
      phases = [up, Phase(end: last, rate: (peak, start / endDivisor), momentum: (low, high))]
    }
  }

  public func rate(at step: Int) -> Double { value(at: step, \.rate) }
  public func momentum(at step: Int) -> Double? { value(at: step, \.momentum) }

  private func value(
    at step: Int, _ ends: (Phase) -> (from: Double, to: Double)
  ) -> Double {
    let step = min(Double(step), phases[phases.count - 1].end)
    let index = phases.firstIndex { step <= $0.end } ?? phases.count - 1
    let start = index == 0 ? 0 : phases[index - 1].end
    let length = phases[index].end - start
    let done = length > 0 ? (step - start) / length : 1
    let (from, to) = ends(phases[index])
    switch shape {
    case .cosine: return to + (from - to) / 2 * (1 + cos(.pi * done))
    case .linear: return from + (to - from) * done
    }
  }
}
