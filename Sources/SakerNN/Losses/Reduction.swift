import SakerTensor

/// What becomes of the losses of single elements.
public enum Reduction: Sendable {
  /// They stay.
  case none
  /// Their mean, over all elements; not a number if there are none.
  case mean
  case sum
  /// Their sum, divided by the size of the first axis: what the definition of a
  /// divergence asks for.
  case batchMean

  /// What becomes of `losses`, for losses of your own: `reduction(abs(x - y))`.
  public func callAsFunction(_ losses: Tensor) -> Tensor {
    switch self {
    case .none: losses
    case .mean, .sum, .batchMean: losses.sum() * factor(losses.shape)
    }
  }

  /// Of weighed losses.
  func callAsFunction(_ losses: Tensor, weight: Tensor?) -> Tensor {
    self(weight.map { losses * $0 } ?? losses)
  }

  /// What the sum is multiplied by.
  func factor(_ shape: Shape) -> Float {
    switch self {
    case .none, .sum: 1
    case .mean: 1 / Float(shape.elements)
    case .batchMean: 1 / Float(shape.first ?? 1)
    }
  }
}
