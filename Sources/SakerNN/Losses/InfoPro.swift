import SakerTensor

/// Supervised contrastive loss: pictures of one class come near each other. Over all ordered pairs
/// i ≠ j of one class the mean of `−log( exp(zᵢ·zⱼ / τ) / Σ_{k≠i} exp(zᵢ·z_k / τ) )`, z of
/// length 1. Section 3.3 of arXiv:2101.10832; after Khosla et al., arXiv:2004.11362. 0 if no two
/// have the same class.
///
/// - Parameters:
///   - features: `[N, D]`, of any length: they are normalized here.
///   - labels: int32 or int64 `[N]`.
///   - temperature: τ > 0.
public func supervisedContrastiveLoss(
  _ features: Tensor, _ labels: Tensor, temperature: Float = 0.07
) -> Tensor {
  let op = "supervisedContrastiveLoss"
  check(
    features.rank == 2 && labels.shape == [features.shape[0]], op: op,
    expected: "features [N, D] and labels [N]", got: "\(features.shape) and \(labels.shape)")
  check(temperature > 0, op: op, expected: "temperature > 0", got: temperature)
  let count = features.shape[0]
  let z = unit(features.converted(to: .float32), 1)
  let itself = Tensor.eye(count) .== 1
  let similar = matmul(z, z.transposed()) / temperature
  let pairs = (labels.unsqueeze(1) .== labels.unsqueeze(0)) .& .!itself
  let mask = pairs.converted(to: .float32)
  let total = mask.sum().item
  guard total > 0 else { return features.converted(to: .float32).sum() * 0 }
  // Each picture's likeness to itself leaves the sum: e^−1e9 is 0.
  let normalizers = similar.filled(where: itself, with: -1e9)
    .logSumExp(axes: [1], keepingAxes: true)
  return ((normalizers - similar) * mask).sum() / total
}

/// The loss of one gradient-isolated module in locally supervised training, InfoPro. Wang et
/// al., arXiv:2101.10832.
///
/// The module should keep what its features h tell about the picture x, and drop what does not help
/// with the label y: `α (−I(h, x) + β I(r*, h))`, r* the nuisance. That has the upper bound
/// `−λ₁ I(h, x) − λ₂ I(h, y)` with `λ₁ = α (1 − β)` and `λ₂ = α β`. Both terms are bounded in turn
/// by what small heads reach: I(h, x) by the reconstruction error of the picture, I(h, y) by the
/// cross-entropy (or the contrastive loss) of an auxiliary classifier. So the loss is
/// `λ₁ · reconstruction + λ₂ · label`, up to a constant. Greedy supervised training is λ₁ = 0.
public struct InfoProLoss: Hashable, Sendable {
  /// λ₁ ≥ 0
  public var reconstruction: Float
  /// λ₂ ≥ 0
  public var label: Float

  /// The two weights by themselves: λ₁, λ₂. Early modules need more of the first, late ones
  /// more of the second.
  public init(reconstruction: Float, label: Float) {
    check(
      reconstruction >= 0 && label >= 0, op: "InfoProLoss", expected: "weights >= 0",
      got: "\(reconstruction), \(label)")
    (self.reconstruction, self.label) = (reconstruction, label)
  }

  /// `λ₁ = α (1 − β)`, `λ₂ = α β`, with β in 0...1.
  public init(alpha: Float, beta: Float) {
    check((0...1).contains(beta), op: "InfoProLoss", expected: "beta in 0...1", got: beta)
    self.init(reconstruction: alpha * (1 - beta), label: alpha * beta)
  }

  /// - Parameters:
  ///   - decoded: what the decoder head made of h, as logits, `[N, 3, H, W]`.
  ///   - picture: x in 0...1, of the same shape. Its mean binary cross-entropy bounds I(h, x), as
  ///     in the authors' code.
  ///   - labelLoss: what bounds I(h, y), `[]`: `crossEntropy` of an auxiliary classifier,
  ///     or `supervisedContrastiveLoss`.
  public func callAsFunction(
    decoded: Tensor, picture: Tensor, labelLoss: Tensor
  ) -> Tensor {
    binaryCrossEntropy(logits: decoded, picture) * reconstruction + labelLoss * label
  }
}
