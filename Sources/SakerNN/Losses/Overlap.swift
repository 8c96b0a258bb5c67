import SakerTensor

// Losses of overlapping regions, for segmentation: of probabilities `[N, C, ...]` (from `sigmoid`,
// or `softmax` over axis 1) and targets of the same shape, 0...1. Each class of each picture has a
// loss, summed over all axes behind the second; `weight` is broadcast to `[N, C]`, and `[N, C]` is
// the result with `reduction: .none`.

/// `1 − (2 Σ p t + s) / (Σ p + Σ t + s)`: one minus the Dice coefficient, softened. Milletari et
/// al., arXiv:1606.04797, who square p and t in the denominator: `squared`.
///
/// - Parameter smooth: s ≥ 0; above 0 an empty class that is not predicted has loss 0.
public func diceLoss(
  _ probabilities: Tensor, _ targets: Tensor, smooth: Float = 1, squared: Bool = false,
  weight: Tensor? = nil, reduction: Reduction = .mean
) -> Tensor {
  let (p, t) = regions(probabilities, targets, op: "diceLoss")
  let shared = (p * t).sum(axes: [2]) * 2 + smooth
  let all = (squared ? p * p : p).sum(axes: [2]) + (squared ? t * t : t).sum(axes: [2]) + smooth
  return overlapLoss(shared, all, weight, reduction, op: "diceLoss")
}

/// `1 − (TP + s) / (TP + α FP + β FN + s)` of soft counts: Dice with a price for each kind of
/// mistake. Salehi et al., arXiv:1706.05721. α = β = ½ is Dice with twice this s; α = β = 1 is the
/// Jaccard index, that is, soft IoU.
public func tverskyLoss(
  _ probabilities: Tensor, _ targets: Tensor, alpha: Float = 0.3, beta: Float = 0.7,
  smooth: Float = 1, weight: Tensor? = nil, reduction: Reduction = .mean
) -> Tensor {
  check(
    alpha >= 0 && beta >= 0, op: "tverskyLoss", expected: "alpha, beta >= 0",
    got: "\(alpha), \(beta)")
  let (p, t) = regions(probabilities, targets, op: "tverskyLoss")
  let found = (p * t).sum(axes: [2])
  let wrong = (p * (1 - t)).sum(axes: [2]) * alpha
  let missed = ((1 - p) * t).sum(axes: [2]) * beta
  return overlapLoss(
    found + smooth, found + wrong + missed + smooth, weight, reduction, op: "tverskyLoss")
}

/// `[N, C, the rest]`, in float32
private func regions(_ p: Tensor, _ t: Tensor, op: String) -> (Tensor, Tensor) {
  check(
    p.rank >= 2 && t.shape == p.shape, op: op, expected: "two tensors of one shape [N, C, ...]",
    got: "\(p.shape) and \(t.shape)")
  let shape: Shape = [p.shape[0], p.shape[1], p.shape.dropFirst(2).reduce(1, *)]
  return (
    p.converted(to: .float32).reshape(shape), t.converted(to: .float32).reshape(shape)
  )
}

private func overlapLoss(
  _ shared: Tensor, _ all: Tensor, _ weight: Tensor?, _ reduction: Reduction, op: String
) -> Tensor {
  checkWeight(weight, shared.shape, op: op)
  return reduction(1 - shared / all, weight: weight)
}
