/// Stops a run that no longer gets better. A plain value: store it to resume.
public struct EarlyStopping: Codable, Hashable, Sendable {
  public enum Aim: String, Codable, Sendable { case smallest, largest }

  /// How many evaluations in a row may fail to be better.
  public let patience: Int
  /// By how much, at least, the best value has to be beaten.
  public let minimumDelta: Double
  public let aim: Aim
  public private(set) var best: Double?
  /// Evaluations since the best one.
  public private(set) var waited = 0

  public init(patience: Int, minimumDelta: Double = 0, aim: Aim) {
    self.patience = patience
    self.minimumDelta = minimumDelta
    self.aim = aim
  }

  /// Takes note of an evaluation. What is not a number is never better.
  /// - Returns: whether to stop: `patience` evaluations in a row were no better than the best.
  public mutating func update(_ value: Double) -> Bool {
    let isBetter =
      switch (best, aim) {
      case (nil, _): !value.isNaN
      case (let best?, .smallest): value < best - minimumDelta
      case (let best?, .largest): value > best + minimumDelta
      }
    if isBetter {
      best = value
      waited = 0
    } else {
      waited += 1
    }
    return waited >= patience
  }
}
