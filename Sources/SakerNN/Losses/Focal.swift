import CKernels
import SakerTensor

/// Focal loss of logits, `−α_t (1 − p_t)^γ log p_t` with p_t = σ(x) where y = 1 and 1 − σ(x) where
/// y = 0: easy examples count little. Lin et al., arXiv:1708.02002;
/// `torchvision.ops.sigmoid_focal_loss`, also for targets between 0 and 1. γ = 0 and no α is binary
/// cross-entropy. RetinaNet divides the sum by the number of joined anchors, not by all.
///
/// - Parameters:
///   - logits: x, any shape: one number a class, without a background class.
///   - targets: y in 0...1, the shape of the logits; take no gradient.
///   - alpha: the weight of positives in 0...1; negatives have 1 − α. `nil`: both 1.
///   - gamma: γ ≥ 0.
///   - weight: broadcast to the logits' shape.
/// - Returns: `[]`, or in the shape of the logits with `reduction: .none`.
public func sigmoidFocalLoss(
  _ logits: Tensor, _ targets: Tensor, alpha: Float? = 0.25, gamma: Float = 2,
  weight: Tensor? = nil, reduction: Reduction = .mean
) -> Tensor {
  check(
    alpha.map { (0...1).contains($0) } ?? true, op: "sigmoidFocalLoss", expected: "alpha in 0...1",
    got: alpha ?? 0)
  check(gamma >= 0, op: "sigmoidFocalLoss", expected: "gamma >= 0", got: gamma)
  return FusedLoss.ofElements(
    "sigmoidFocalLoss", logits, targets, weight: weight, reduction
  ) { x, y, _, loss, slope, count in
    saker_sigmoid_focal_f32(x, y, nil, alpha ?? -1, gamma, loss, slope, count)
  }
}

/// Focal loss of a choice among classes, `−α_c (1 − p_c)^γ log p_c` with p the softmax of the
/// logits and c the target. γ = 0 is cross-entropy. The mean is over all targets that are not left
/// out; if there are none, it is 0.
///
/// - Parameters:
///   - logits: `[N, C]`, `[N, C, ...]`, or with `axis: -1` `[..., C]`.
///   - targets: int32 or int64, in the shape of the logits without the classes; each in
///     `0 ..< C`, or `ignoring`.
///   - alpha: α, float32 `[C]`; takes no gradient.
///   - gamma: γ ≥ 0.
/// - Returns: `[]`, or in the shape of the targets with `reduction: .none`.
public func softmaxFocalLoss(
  _ logits: Tensor, _ targets: Tensor, alpha: Tensor? = nil, gamma: Float = 2, axis: Int = 1,
  ignoring: Int = -100, reduction: Reduction = .mean
) -> Tensor {
  check(gamma >= 0, op: "softmaxFocalLoss", expected: "gamma >= 0", got: gamma)
  let entropies = crossEntropy(
    logits, targets, axis: axis, ignoring: ignoring, reduction: .none)
  let classes = logits.shape[axis < 0 ? axis + logits.rank : axis]
  let counted = ClassTargets(targets, classes: classes, ignoring: ignoring, nil)
  var factors: Tensor?
  if let alpha {
    check(
      alpha.shape == [classes] && !alpha.isRecorded, op: "softmaxFocalLoss",
      expected: "alpha [\(classes)] without a gradient", got: alpha.shape)
    factors = counted.picking(alpha)
  }
  let inner: Reduction = reduction == .mean ? .sum : reduction
  let losses = FusedLoss.ofElements(
    "softmaxFocalLoss", entropies, .zeros(entropies.shape), factors: factors, inner
  ) { x, y, factor, loss, slope, count in
    saker_focal_f32(x, y, factor, 0, gamma, loss, slope, count)
  }
  guard reduction == .mean else { return losses }
  return losses * (counted.total > 0 ? Float(1 / counted.total) : 0)
}

/// CornerNet's focal loss of heatmaps: `−(1 − p)^α log p` where the target is 1, elsewhere
/// `−(1 − y)^β p^α log(1 − p)`, p = σ(x): places near an object's cost less. Law and Deng,
/// arXiv:1808.01244, equation 1.
///
/// - Parameters:
///   - logits: x, any shape.
///   - targets: y in 0...1, the shape of the logits: bumps with exactly 1 at the objects;
///     take no gradient.
/// - Returns: with `.mean`, the sum divided by the number of targets that are 1 (at least 1), as in
///   the paper; else `[]` or the shape of the logits.
public func heatmapFocalLoss(
  _ logits: Tensor, _ targets: Tensor, alpha: Float = 2, beta: Float = 4,
  weight: Tensor? = nil, reduction: Reduction = .mean
) -> Tensor {
  check(
    alpha >= 0 && beta >= 0, op: "heatmapFocalLoss", expected: "alpha, beta >= 0",
    got: "\(alpha), \(beta)")
  var inner = reduction
  var share: Float = 1
  if case .mean = reduction {
    inner = .sum
    share = 1 / max(1, (targets .>= 1).converted(to: .float32).sum().item)
  }
  let loss = FusedLoss.ofElements(
    "heatmapFocalLoss", logits, targets, weight: weight, inner
  ) { x, y, _, loss, slope, count in
    saker_heatmap_focal_f32(x, y, nil, alpha, beta, loss, slope, count)
  }
  return share == 1 ? loss : loss * share
}
