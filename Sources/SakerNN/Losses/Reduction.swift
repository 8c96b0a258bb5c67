import SakerTensor

/// What becomes of the losses of single elements.
public enum Reduction: Sendable {
  /// They stay.
  case none
  /// Their mean, over all elements.
  case mean
  case sum

  func callAsFunction(_ losses: Tensor) -> Tensor {
    switch self {
    case .none: losses
    case .mean: losses.mean()
    case .sum: losses.sum()
    }
  }
}
