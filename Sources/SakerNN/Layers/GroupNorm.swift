import SakerTensor

/// Group normalization of `[N, C, ...]`: the C channels in `groups` of neighbours, each sample's
/// group by its own mean and biased variance, in training as in evaluation; then weight and bias of
/// each channel. Independent of the batch. One group is layer normalization, C groups are instance
/// normalization (E7). Wu & He, arXiv:1803.08494.
public final class GroupNorm: Layer {
  /// γ `[C]`, starts as ones; `nil` without `affine`
  public let weight: Parameter?
  /// β `[C]`, starts as zeros
  public let bias: Parameter?
  public let groups, channels: Int
  public let epsilon: Float

  public init(_ groups: Int, _ channels: Int, epsilon: Float = 1e-5, affine: Bool = true) {
    check(
      groups > 0 && channels > 0 && channels % groups == 0, op: "GroupNorm",
      expected: "channels that \(groups) groups divide", got: channels)
    self.groups = groups
    self.channels = channels
    self.epsilon = epsilon
    weight = affine ? Parameter([channels], .ones) : nil
    bias = affine ? Parameter([channels], .zeros) : nil
  }

  public func forward(_ x: Tensor) -> Tensor {
    check(
      x.rank >= 2 && x.shape[1] == channels, op: "GroupNorm", expected: "[N, \(channels), ...]",
      got: x.shape)
    return groupNorm(
      x, groups: groups, scale: weight?.value, shift: bias?.value, epsilon: epsilon)
  }
}
