import SakerTensor

/// Hinge loss of a choice among classes, `Σ max(0, margin − x[target] + x[c])^power / C` over the
/// other classes c. PyTorch's `multi_margin_loss`.
///
/// - Parameters:
///   - scores: x, `[N, C]`.
///   - targets: int32 or int64, `[N]`, in `0 ..< C`.
///   - power: 1 or 2.
///   - weights: float32 `[C]`, of the target's class; no gradient.
/// - Returns: `[]`, or `[N]` with `reduction: .none`.
public func multiMarginLoss(
  _ scores: Tensor, _ targets: Tensor, margin: Float = 1, power: Int = 1, weights: Tensor? = nil,
  reduction: Reduction = .mean
) -> Tensor {
  let op = "multiMarginLoss"
  check(
    scores.rank == 2 && targets.shape == [scores.shape[0]] && scores.shape[1] > 0, op: op,
    expected: "scores [N, C] and targets [N]", got: "\(scores.shape) and \(targets.shape)")
  check(power == 1 || power == 2, op: op, expected: "a power of 1 or 2", got: power)
  let (count, classes) = (scores.shape[0], scores.shape[1])
  check(
    weights.map { $0.shape == [classes] && !$0.isRecorded } ?? true, op: op,
    expected: "weights [\(classes)] without a gradient", got: weights?.shape ?? [])
  // No target is left out: the number that would say so is no class either.
  let chosen = ClassTargets(targets, classes: classes, ignoring: .min, nil)
  let indices = chosen.indices.converted(to: .int64).unsqueeze(1)
  let scores = scores.converted(to: .float32)
  let isOwn =
    Tensor.zeros([count, classes])
    .scatter(.ones([count, 1]), at: indices, axis: 1) .> 0
  // Filled rather than multiplied by 0: the target's own difference need not be a number.
  let margins = (scores - scores.gather(indices, axis: 1) + margin).filled(where: isOwn, with: 0)
  var hinges = hinge(margins)
  if power == 2 { hinges = hinges * hinges }
  let losses = hinges.sum(axes: [1]) / Float(classes)
  return reduction(losses, weight: weights.map(chosen.picking))
}

/// Hinge loss of pairs: a distance x for y = 1, `max(0, margin − x)` for y = −1.
/// PyTorch's `hinge_embedding_loss`.
public func hingeEmbeddingLoss(
  _ x: Tensor, _ targets: Tensor, margin: Float = 1, weight: Tensor? = nil,
  reduction: Reduction = .mean
) -> Tensor {
  check(
    targets.shape == x.shape, op: "hingeEmbeddingLoss", expected: "targets \(x.shape)",
    got: targets.shape)
  let x = x.converted(to: .float32)
  return reduction(
    .where(targets .== 1, x, hinge(margin - x)), weight: weight)
}

/// `1 − cos(a, b)` for y = 1, `max(0, cos(a, b) − margin)` for y = −1. PyTorch's
/// `cosine_embedding_loss`; the cosine with a vector of zeros is 0.
///
/// - Parameters: a, b: `[N, D]`; targets: `[N]` of 1 and −1.
/// - Returns: `[]`, or `[N]` with `reduction: .none`.
public func cosineEmbeddingLoss(
  _ a: Tensor, _ b: Tensor, _ targets: Tensor, margin: Float = 0, weight: Tensor? = nil,
  reduction: Reduction = .mean
) -> Tensor {
  check(
    a.rank == 2 && a.shape == b.shape && targets.shape == [a.shape[0]], op: "cosineEmbeddingLoss",
    expected: "vectors [N, D] twice and targets [N]",
    got: "\(a.shape), \(b.shape) and \(targets.shape)")
  let cosine = cosineSimilarity(a, b, axis: 1)
  return reduction(
    .where(targets .== 1, 1 - cosine, hinge(cosine - margin)), weight: weight)
}

/// `a · b / (‖a‖ ‖b‖)` along `axis`; norms count as at least `epsilon`.
public func cosineSimilarity(
  _ a: Tensor, _ b: Tensor, axis: Int = -1, epsilon: Float = 1e-8
) -> Tensor {
  let (a, b) = (a.converted(to: .float32), b.converted(to: .float32))
  return (unit(a, axis, epsilon) * unit(b, axis, epsilon)).sum(axes: [axis])
}

/// `max(0, x)`, with slope 0 at 0. Unlike `relu` it keeps what is not a number: a broken score must
/// not look like a loss of 0.
func hinge(_ x: Tensor) -> Tensor { .where(x .<= 0, 0, x) }

/// The vectors along `axis` with length 1; a norm counts as at least `epsilon`.
func unit(_ x: Tensor, _ axis: Int, _ epsilon: Float = 1e-12) -> Tensor {
  x / maximum(x.norm(axes: [axis], keepingAxes: true), epsilon)
}
