import Foundation

/// Times `factor` after each step: `rate · factorᵗ`.
public struct ExponentialSchedule: Schedule {
  public let rate, factor: Double

  public init(_ rate: Double, factor: Double) {
    self.rate = rate
    self.factor = factor
  }

  public func rate(at step: Int) -> Double { rate * pow(factor, Double(step)) }
}

/// From `rate` to `floor` over `steps` as `(1 − t / steps)` to the power, then the floor; with
/// power 1 a straight line.
public struct PolynomialSchedule: Schedule {
  public let rate, floor, power: Double
  public let steps: Int

  public init(_ rate: Double, floor: Double = 0, steps: Int, power: Double = 1) {
    self.rate = rate
    self.floor = floor
    self.power = power
    self.steps = max(steps, 1)
  }

  public func rate(at step: Int) -> Double {
    let left = 1 - Double(min(step, steps)) / Double(steps)
    return floor + (rate - floor) * pow(left, power)
  }
}

/// `rate` times whatever a function says of the step.
public struct LambdaSchedule: Schedule {
  public let rate: Double
  private let factor: @Sendable (Int) -> Double

  public init(_ rate: Double, factor: @escaping @Sendable (_ step: Int) -> Double) {
    self.rate = rate
    self.factor = factor
  }

  public func rate(at step: Int) -> Double { rate * factor(step) }
}

/// Half a cosine from `rate` to `floor`, again and again: the first one over `steps`, every other
/// `growth` times as long as the one before. Each begins at the whole rate, a warm restart.
/// Loshchilov & Hutter, "SGDR", arXiv:1608.03983.
public struct CosineRestarts: Schedule {
  public let rate, floor: Double
  public let steps, growth: Int

  /// - Parameter growth: 1 or more; less counts as 1.
  public init(_ rate: Double, floor: Double = 0, steps: Int, growth: Int = 1) {
    self.rate = rate
    self.floor = floor
    self.steps = max(steps, 1)
    self.growth = max(growth, 1)
  }

  public func rate(at step: Int) -> Double {
    var (place, length) = (step, steps)
    if growth == 1 {
      place %= length
    } else {
      // Few turns: lengths grow exponentially.
      while place >= length {
        place -= length
        length *= growth
      }
    }
    return floor + (rate - floor) * (1 + cos(.pi * Double(place) / Double(length))) / 2
  }
}
