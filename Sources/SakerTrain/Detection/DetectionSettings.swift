/// What only detectors are trained with, beside `TrainingSettings`. Stored with each checkpoint.
public struct DetectionSettings: Codable, Hashable, Sendable {
  /// The heads' learning rate, in units of the others'; 1 if left out.
  public var headRate: Double?
  /// The frozen lowest layers: number of stages, or the name of the last one.
  public var frozenLayers: String?

  public init() {}

  /// Every option that makes no sense, one line each.
  public var problems: [String] {
    guard let headRate, !(headRate > 0 && headRate.isFinite) else { return [] }
    return ["head lr: expected a factor above 0, got \(headRate)"]
  }
}
