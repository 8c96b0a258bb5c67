/// Lowers the rate when a measured value no longer gets better: as
/// `torch.optim.lr_scheduler.ReduceLROnPlateau`. It depends on what was measured, so it is no
/// `Schedule` but a plain value: store it to resume.
///
///     var plateau = Plateau(0.1, aim: .smallest)
///     optimizer.rate = plateau.update(validationLoss)   // after each epoch
public struct Plateau: Codable, Hashable, Sendable {
  /// What counts as better than the best so far.
  public enum Threshold: Codable, Hashable, Sendable {
    /// By this share of the best.
    case relative(Double)
    case absolute(Double)
  }

  public private(set) var rate: Double
  public let aim: EarlyStopping.Aim
  /// What the rate is multiplied by.
  public let factor: Double
  /// How many measurements in a row may be no better; the next one lowers the rate.
  public let patience: Int
  public let threshold: Threshold
  /// For how many measurements after a lowering nothing counts as bad.
  public let cooldown: Int
  /// The rate never becomes lower.
  public let floor: Double
  /// Smaller changes of the rate are not made.
  public let smallestChange: Double

  public private(set) var best: Double?
  /// Measurements since the best one.
  public private(set) var waited = 0
  /// Measurements that are left of the cool-down.
  public private(set) var cooling = 0

  public init(
    _ rate: Double, aim: EarlyStopping.Aim, factor: Double = 0.1, patience: Int = 10,
    threshold: Threshold = .relative(1e-4), cooldown: Int = 0, floor: Double = 0,
    smallestChange: Double = 1e-8
  ) {
    self.rate = rate
    self.aim = aim
    self.factor = factor
    self.patience = patience
    self.threshold = threshold
    self.cooldown = cooldown
    self.floor = floor
    self.smallestChange = smallestChange
  }

  /// Takes note of a measurement. What is not a number is never better.
  /// - Returns: the rate from now on.
  public mutating func update(_ value: Double) -> Double {
    if isBetter(value) {
      best = value
      waited = 0
    } else {
      waited += 1
    }
    if cooling > 0 {
      cooling -= 1
      waited = 0
    }
    if waited > patience {
      let lower = max(rate * factor, floor)
      if rate - lower > smallestChange { rate = lower }
      cooling = cooldown
      waited = 0
    }
    return rate
  }

  private func isBetter(_ value: Double) -> Bool {
    guard let best else { return !value.isNaN }
    switch (aim, threshold) {
    case (.smallest, .relative(let share)): return value < best * (1 - share)
    case (.smallest, .absolute(let least)): return value < best - least
    case (.largest, .relative(let share)): return value > best * (1 + share)
    case (.largest, .absolute(let least)): return value > best + least
    }
  }
}
